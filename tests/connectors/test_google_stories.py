"""The engine and Google Calendar together, by the command line: exports, human hands, lost answers, lost ledgers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.connectors.google_place import Place, opened
from tests.shell.command_line import NOON, ROTA, CommandLine, command_line
from tests.simulators.common import Fault
from tests.simulators.google import TEAM

MODES = ("authoritative", "bidirectional", "manual")


@pytest.fixture
def place() -> Iterator[Place]:
    with opened() as place:
        yield place


@pytest.fixture
def syncd(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    return written(place, command_line(tmp_path, monkeypatch, ROTA))


def written(place: Place, syncd: CommandLine, mode: str = "authoritative") -> CommandLine:
    key = syncd.folder / "key.json"
    key.write_text(place.key, "utf-8")
    key.chmod(0o600)
    options = f"{{calendar: {TEAM}, credentials: {{file: key.json}}, base_url: '{place.url}'}}"
    there = f"{{kind: google, schedule: payments, role: primary, mode: {mode}, options: {options}}}"
    syncd.write(f"{ROTA}destinations:\n  team: {there}\n")
    place.clock.set(datetime.fromisoformat(NOON).timestamp())
    return syncd


def titles(place: Place) -> list[str]:
    events = sorted(place.calendar.live(), key=lambda event: place.calendar.bounds(event))
    return [event["summary"] for event in events]


ROLLING = ["Ana Lima: Primary", "Ben Okafor: Primary", "Ana Lima: Primary", "Ben Okafor: Primary", "Ana Lima: Primary"]


@pytest.mark.parametrize("nth", [1, 3])
def test_a_lost_answer_and_a_list_that_lags_behind_make_no_second_event_at_any_time(
    place: Place, syncd: CommandLine, nth: int
) -> None:
    place.faults.add(Fault(method="POST", path="/events", first=nth, drop="after"))
    place.lag = 3_600
    for _ in range(3):
        syncd.run("export", "--now")
        assert len(place.calendar.records) == len(
            {event["summary"] + event["start"]["dateTime"] for event in place.calendar.live()}
        )
    assert titles(place) == ROLLING
    place.lag = 0
    assert syncd.json("export", "--now")[0]["changes"] == []


def test_a_deleted_event_comes_back_under_another_id(place: Place, syncd: CommandLine) -> None:
    syncd.run("export", "--now")
    ref = place.calendar.live()[2]["id"]
    with place.hand():
        place.calendar.human_deletes(ref)
    assert syncd.run("export", "--now").exit_code == 0
    assert titles(place) == ROLLING
    assert ref not in [event["id"] for event in place.calendar.live()]


def _override(syncd: CommandLine, person: str) -> None:
    """From the next Monday on, a week."""
    times = ("--from", "2026-03-16T09:00", "--to", "2026-03-23T09:00")
    syncd.json("override", "add", "--person", person, "--role", "primary", *times)


@pytest.mark.parametrize("mode", MODES)
def test_what_people_added_to_an_event_stays_whoever_has_the_shift_later(place: Place, syncd: CommandLine, mode: str) -> None:
    written(place, syncd, mode)
    syncd.run("export", "--now")
    events = (event for event in place.calendar.live() if event["summary"].startswith("Ben"))
    ref = min(events, key=place.calendar.bounds)["id"]
    theirs = {"location": "Room 5", "colorId": "11", "description": "bridge 555"}
    with place.hand():
        place.calendar.human_edits(ref, **theirs)
    _override(syncd, "cho")
    before = len(place.journal)
    assert syncd.run("export", "--now").exit_code == 0
    assert [call.method for call in place.journal[before:]] == ["GET", "GET", "GET", "PATCH"], (
        "the list, what is new in it for sure, and once more just before"
    )
    event = place.calendar.records[ref].now
    assert event["summary"] == "Cho Min-ji: Primary"
    assert {key: event[key] for key in theirs} == theirs
    assert syncd.json("export", "--now")[0]["changes"] == []


def test_a_shift_that_changes_hands_is_one_write_where_nobody_touched_the_event(place: Place, syncd: CommandLine) -> None:
    syncd.run("export", "--now")
    _override(syncd, "cho")
    before = len(place.journal)
    assert syncd.run("export", "--now").exit_code == 0
    assert [call.method for call in place.journal[before:]] == ["GET", "PATCH"]


def test_a_service_account_acts_for_a_user_where_the_domain_lets_it(place: Place, syncd: CommandLine) -> None:
    """The calendar is shared with the user alone, and everything there is in their name."""
    place.key = place.service_account("robot@rota.example.com", "none")
    written(place, syncd)
    place.calendar.roles = {"rota@example.com": "writer"}
    text = (syncd.folder / "syncd.yaml").read_text().replace("calendar: team@", "subject: rota@example.com, calendar: team@")
    syncd.write(text)
    refused = syncd.run("export", "--now")
    assert refused.exit_code == 1
    assert "domain-wide delegation" in refused.output
    (syncd.folder / "key.json").write_text(place.service_account("robot@rota.example.com", "none", delegated=True), "utf-8")
    assert syncd.run("doctor").exit_code == 0
    assert syncd.run("export", "--now").exit_code == 0
    assert titles(place) == ROLLING
    assert {event["creator"]["email"] for event in place.calendar.live()} == {"rota@example.com"}
    assert syncd.json("export", "--now")[0]["changes"] == []


def test_a_calendar_may_be_the_signed_in_persons_own(place: Place, syncd: CommandLine) -> None:
    place.key = place.signed_in("ana@example.com")
    written(place, syncd)
    syncd.write((syncd.folder / "syncd.yaml").read_text().replace(f"calendar: {TEAM}", "calendar: primary"))
    assert syncd.run("export", "--now").exit_code == 0
    own = place.calendars["ana@example.com"]
    assert sorted(event["summary"] for event in own.live()) == sorted(ROLLING)
    assert place.calendar.live() == []
    assert syncd.run("purge", "team", "--now").exit_code == 0
    assert own.live() == []
