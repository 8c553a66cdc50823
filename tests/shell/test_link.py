"""`syncd link`: what a vendor has, as a schedule and a destination to begin with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from syncd.config import load
from syncd.core.model import DAY, Window
from syncd.core.shifts import shifts
from tests.connectors.conformance import event
from tests.shell.command_line import NOON, ROTA, CommandLine, command_line
from tests.simulators.common import Clock, clean_environment
from tests.simulators.pagerduty import KEY, PagerDuty
from tests.simulators.pagerduty_account import CustomShift, Layer, Override, Restriction

NOW = int(datetime.fromisoformat(NOON).timestamp())
MONDAY = int(datetime.fromisoformat("2026-03-02T09:00+01:00").timestamp())


@pytest.fixture
def syncd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    found = command_line(tmp_path, monkeypatch, "")
    (tmp_path / "syncd.yaml").unlink()
    return found


@pytest.fixture
def there(syncd: CommandLine) -> Iterator[PagerDuty]:
    clean_environment()
    with PagerDuty(clock=Clock(NOW)) as account:
        syncd.monkeypatch.setenv("PAGERDUTY_TOKEN", KEY)
        yield account


def call(there: PagerDuty) -> list[str]:
    given = ("-o", "token=env:PAGERDUTY_TOKEN", "-o", f"base_url={there.url}")
    return [*given, *(("-o", f"ca_file={there.ca_file}") if there.ca_file else ())]


def people(there: PagerDuty) -> tuple[str, str, str]:
    ana, ben, cho = (
        there.account.add_user(name, f"{name[:3].lower()}@example.com") for name in ("Ana Lima", "Ben Okafor", "Cho Min")
    )
    return ana.id, ben.id, cho.id


def payments(there: PagerDuty) -> None:
    """Weekly turns, nights on top of them, and an override in the past, one over another in the future."""
    ana, ben, cho = people(there)
    nights = [Restriction(18 * 3600, 15 * 3600, day) for day in range(5)]
    there.account.add_schedule(
        "Payments",
        "PPAY",
        zone="Europe/Berlin",
        layers=[
            Layer([cho], MONDAY, 7 * DAY, restrictions=nights, name="Nights"),
            Layer([ana, ben], MONDAY, 7 * DAY, virtual_start=MONDAY - 7 * DAY, name="Week"),
        ],
        overrides={
            "Q1": Override("Q1", cho, NOW - 3 * DAY, NOW - 2 * DAY, 1),
            "Q2": Override("Q2", ben, NOW + 2 * DAY, NOW + 3 * DAY, 3),
            "Q3": Override("Q3", cho, NOW + 2 * DAY + 3600, NOW + 2 * DAY + 7200, 2),
        },
    )


def test_it_lists_the_schedules(syncd: CommandLine, there: PagerDuty) -> None:
    payments(there)
    there.account.add_schedule("Search", "PSEARCH")
    assert [(one["id"], one["name"]) for one in syncd.json("link", "pagerduty", *call(there))] == [
        ("PPAY", "Payments"),
        ("PSEARCH", "Search"),
    ]
    assert "PSEARCH" in syncd.run("link", "pagerduty", *call(there)).stdout


def test_a_schedule_is_printed_as_a_rota_that_says_whom_pagerduty_shows(syncd: CommandLine, there: PagerDuty) -> None:
    payments(there)
    printed = syncd.run("link", "pagerduty", "payments", *call(there))
    assert printed.exit_code == 0, printed.output
    assert "warning" not in printed.stdout, printed.stdout
    path = syncd.write(printed.stdout, "new.yaml")
    config = load(path, now=NOW)
    (schedule,) = config.rota.schedules.values()
    names = {person.accounts["pagerduty"]: id_ for id_, person in config.rota.people.items()}
    shown = there.account.schedules["PPAY"].pieces(NOW, NOW + 30 * DAY)
    ours = shifts(schedule, Window(NOW, NOW + 30 * DAY))
    for start, end, user, _ in shown:
        for at in (start, (start + end) // 2, end - 1):
            assert {one.person for one in ours if one.start <= at < one.end} == {names[user]}
    (destination,) = config.destinations.values()
    assert (destination.kind, destination.schedule, destination.role) == ("pagerduty", "payments", "primary")
    assert destination.options.schedule == "PPAY"
    assert KEY not in printed.output
    assert "token: {env: PAGERDUTY_TOKEN}" in printed.stdout
    assert config.rota.people["ana"].email == "ana@example.com"
    assert schedule.overrides[0].people == ("cho",), "what is over is history"
    assert not [call for call in there.journal if call.method != "GET"]


def test_what_pagerduty_shows_otherwise_is_a_warning(syncd: CommandLine, there: PagerDuty) -> None:
    payments(there)
    # Turns of ten hours and a clock change in between: nowhere is it said what they do.
    ana, ben, *_ = there.account.users
    layer = Layer([ana, ben], MONDAY, 36_000, name="Odd")
    there.account.add_schedule("Odd", "PODD", zone="Europe/Berlin", layers=[layer])
    printed = syncd.run("link", "pagerduty", "PODD", *call(there))
    assert "PagerDuty shows" in printed.stdout
    assert "this rota has" in printed.stdout
    load(syncd.write(printed.stdout, "new.yaml"), now=NOW)


def test_a_shift_based_schedule_has_its_custom_shifts_as_history(syncd: CommandLine, there: PagerDuty) -> None:
    ana, ben, _ = people(there)
    shifts_there = {
        "S1": CustomShift("S1", NOW - 2 * DAY, NOW - DAY, ana, "A1"),
        "S2": CustomShift("S2", NOW + DAY, NOW + 2 * DAY, ben, "A2"),
    }
    there.account.add_schedule("In shifts", "PSHIFT", kind="schedule_v3", shifts=shifts_there)
    printed = syncd.run("link", "pagerduty_v3", "PSHIFT", *call(there))
    assert printed.exit_code == 0, printed.output
    config = load(syncd.write(printed.stdout, "new.yaml"), now=NOW)
    (schedule,) = config.rota.schedules.values()
    assert [(one.people, one.replaces, one.start) for one in schedule.overrides] == [
        (("ana",), (), NOW - 2 * DAY),
        (("ben",), (), NOW + DAY),
    ]
    assert "PagerDuty shows" not in printed.stdout


def test_what_is_missing_or_misspelt_is_one_line(syncd: CommandLine, there: PagerDuty) -> None:
    payments(there)
    there.account.add_schedule("Search", "PSEARCH")
    assert "did you mean 'Payments'?" in syncd.refused("link", "pagerduty", "Paymints", *call(there))
    assert "write either" not in syncd.refused("link", "pagerduty")
    assert "token" in syncd.refused("link", "pagerduty")
    assert "KEY=VALUE" in syncd.refused("link", "pagerduty", "-o", "token")
    assert "a secret does not stand" in syncd.refused("link", "pagerduty", "-o", "token=hunter2")
    assert "hunter2" not in syncd.refused("link", "pagerduty", "-o", "token=hunter2")
    assert "no connector of kind" in syncd.refused("link", "pagerdooty")
    syncd.monkeypatch.setenv("PAGERDUTY_TOKEN", "wrong")
    assert "refuses the credential" in syncd.refused("link", "pagerduty", *call(there), code=1)


def test_the_options_of_a_destination_can_be_taken(syncd: CommandLine, there: PagerDuty) -> None:
    payments(there)
    text = syncd.run("link", "pagerduty", "PPAY", *call(there)).stdout
    there.account.add_schedule("Search", "PSEARCH")
    syncd.write(text)
    assert [one["id"] for one in syncd.json("link", "pagerduty", "--like", "payments-pager")] == ["PPAY", "PSEARCH"]


# --- calendars -----------------------------------------------------------------------------------


def test_a_caldav_calendar_becomes_a_destination_of_the_schedule(syncd: CommandLine, tmp_path: Path) -> None:
    from tests.connectors.servers import radicale

    (tmp_path / "password").write_text("secret word")
    (tmp_path / "password").chmod(0o600)
    with radicale(tmp_path / "server") as server:
        server.calendar("On call")
        server.calendar("Holidays")
        given = ["-o", f"url={server.url}{server.home}", "-o", "username=ana", "-o", "password=file:password"]
        fresh = syncd.run("link", "caldav", "On call", *given)
        assert fresh.exit_code == 0, fresh.output
        empty = load(syncd.write(fresh.stdout, "fresh.yaml"), now=NOW)
        assert [*empty.rota.schedules] == ["on-call"], "without a configuration there is a schedule to fill in"
        syncd.write(ROTA)
        assert sorted(one["name"] for one in syncd.json("link", "caldav", *given)) == ["Holidays", "On call"]
        printed = syncd.run("link", "caldav", "on call", "--role", "primary", *given)
        assert printed.exit_code == 0, printed.output
        assert "secret word" not in printed.output
        (destination,) = load(syncd.write(ROTA + printed.stdout), now=NOW).destinations.values()
        assert (destination.kind, destination.schedule, destination.role) == ("caldav", "payments", "primary")
        plan = syncd.run("plan")
        assert plan.exit_code == 0, plan.output


def test_an_outlook_calendar_is_listed_by_name(syncd: CommandLine) -> None:
    from tests.simulators.microsoft import ONCALL, Microsoft

    clean_environment()
    with Microsoft(clock=Clock(NOW)) as there:
        syncd.monkeypatch.setenv("OUTLOOK_SECRET", there.secret)
        given = {
            "tenant": there.tenant, "client_id": there.client_id, "client_secret": "env:OUTLOOK_SECRET", "mailbox": ONCALL,
            "authority": there.authority, "base_url": there.base_url, "ca_file": str(there.ca_file),
        }  # fmt: skip
        options = [part for key, value in given.items() for part in ("-o", f"{key}={value}")]
        listed = syncd.json("link", "outlook", *options)
        assert listed
        syncd.write(ROTA)
        printed = syncd.run("link", "outlook", listed[0]["id"], "--role", "primary", *options)
        assert printed.exit_code == 0, printed.output
        (destination,) = load(syncd.write(ROTA + printed.stdout), now=NOW).destinations.values()
        assert destination.kind == "outlook"
        assert there.secret not in printed.output


def test_google_is_asked_for_the_calendar_that_is_named(syncd: CommandLine, tmp_path: Path) -> None:
    from tests.simulators.google import ROOT, TEAM, Google

    clean_environment()
    with Google(clock=Clock(NOW)) as there:
        (tmp_path / "key.json").write_text(there.service_account())
        (tmp_path / "key.json").chmod(0o600)
        options = ["-o", "credentials=file:key.json", "-o", f"base_url={there.url}{ROOT}"]
        syncd.write(ROTA)
        assert "Integrate calendar → Calendar ID" in syncd.refused("link", "google", *options)
        printed = syncd.run("link", "google", TEAM, "--role", "primary", *options)
        assert printed.exit_code == 0, printed.output
        (destination,) = load(syncd.write(ROTA + printed.stdout), now=NOW).destinations.values()
        assert (destination.kind, destination.options.calendar) == ("google", TEAM)
        assert syncd.run("link", "google", "nobody@example.com", "--role", "primary", *options).exit_code == 1


def test_no_traceback_and_nothing_secret_in_json(syncd: CommandLine, there: PagerDuty) -> None:
    payments(there)
    printed = syncd.run("link", "pagerduty", "--json", *call(there))
    assert KEY not in printed.output
    assert json.loads(printed.stdout)


@pytest.mark.parametrize(("instant", "code", "said"), [(NOON, 0, "as ours"), ("2026-03-11T12:00:45+00:00", 1, "45s ahead")])
def test_doctor_compares_the_vendors_clock_with_ours(
    syncd: CommandLine, there: PagerDuty, instant: str, code: int, said: str
) -> None:
    payments(there)
    syncd.write(
        ROTA + "destinations:\n  pager: {kind: pagerduty, schedule: payments, role: primary, options: {schedule: PPAY, "
        f"token: {{env: PAGERDUTY_TOKEN}}, base_url: {there.url}{f', ca_file: {there.ca_file}' if there.ca_file else ''}}}}}\n"
    )
    syncd.at(instant)
    (clock,) = [one for one in syncd.json("doctor", code=code) if one["what"] == "clock"]
    assert said in clock["text"]
    assert (clock["ok"], clock["server_time"]) == (code == 0, "2026-03-11T12:00:00Z")
    assert ("timedatectl" in clock["remedy"]) == (code == 1)


def test_a_folder_is_named_and_need_not_be_there_yet(syncd: CommandLine) -> None:
    syncd.write(ROTA)
    assert "syncd link folder PATH" in syncd.refused("link", "folder")
    for given in (("rota files",), ("-o", "path=rota files")):
        printed = syncd.run("link", "folder", *given)
        assert printed.exit_code == 0, printed.output
        syncd.write(ROTA + printed.stdout)
        (destination,) = load(syncd.folder / "syncd.yaml").destinations.values()
        assert destination.name == "rota-files"
        assert destination.options.path == (Path.cwd() / "rota files")


def test_what_a_calendar_showed_so_far_is_history_that_the_rota_takes(syncd: CommandLine) -> None:
    syncd.write(ROTA)
    folder = syncd.folder / "cal"
    folder.mkdir()
    for number, (start, title) in enumerate([(NOW - 9 * DAY, "Ben"), (NOW - 2 * DAY, "on call: cho@x"), (NOW + DAY, "Ana Lima")]):
        name = {"Ben": "Ben Okafor on call"}.get(title, title)
        (folder / f"{number}.ics").write_text(event(f"u{number}", start, start + DAY, name))
    printed = syncd.run("link", "folder", str(folder), "--role", "primary")
    assert printed.exit_code == 0, printed.output
    history = [line.removeprefix("#   ") for line in printed.stdout.splitlines() if line.startswith("#   - ")]
    assert history == ["- {roles: [primary], people: [ben], start: 2026-03-02T12:00:00Z, end: 2026-03-03T12:00:00Z}"]
    rota = ROTA + "    overrides:\n" + "".join(f"      {line}\n" for line in history)
    assert load(syncd.write(rota + printed.stdout), now=NOW).rota.schedules["payments"].overrides[0].people == ("ben",)
