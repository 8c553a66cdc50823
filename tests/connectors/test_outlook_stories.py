"""Whole exports to Outlook: the engine as it is, the connector, and Microsoft as the simulator plays it."""

from __future__ import annotations

import json
import math
import random
import threading
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import pytest
from ruamel.yaml import YAML

from syncd.cli.session import Session
from syncd.core.model import DAY, HOUR
from tests.shell.command_line import NOON, ROTA, CommandLine, Stopped, command_line
from tests.simulators.common import Clock, Fault
from tests.simulators.microsoft import ONCALL, Microsoft
from tests.simulators.microsoft_mailbox import Event, Mailbox

NOW = int(datetime.fromisoformat(NOON).timestamp())
MONDAYS = [1_773_648_000 + 7 * DAY * week for week in range(5)]
"""2026-03-16T08:00Z and so on: the handoffs within the horizon, in winter's offset."""


@pytest.fixture
def there() -> Iterator[Microsoft]:
    with Microsoft(clock=Clock(NOW)) as there:
        yield there


class Running(Stopped):
    """Waiting takes its time, here and at Microsoft, and nobody's real time."""

    there: Microsoft

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.at += math.ceil(seconds)
        self.there.clock.advance(math.ceil(seconds))
        return event.is_set()


class Story(CommandLine):
    there: Microsoft

    def export(self, code: int | None = 0) -> list[dict[str, Any]]:
        result = self.run("export", "--now", "--json")
        assert code is None or result.exit_code == code, result.output
        assert "canary" not in result.output + str(result.exception or "")
        return []

    def settle(self, most: int = 4) -> None:
        """Until a plan has nothing to do."""
        for _ in range(most):
            if self.run("plan", "--exit-code").exit_code == 0:
                return
            self.export(None)
        assert self.run("plan", "--exit-code").exit_code == 0, self.run("plan").output

    def ours(self) -> list[Event]:
        events = [event for event in self.there.box().now() if event.properties]
        return sorted(events, key=lambda event: event.start)

    def shown(self) -> list[tuple[int, str]]:
        return [(event.start, event.facts["subject"]) for event in self.ours()]


def story(there: Microsoft, folder: Path, monkeypatch: pytest.MonkeyPatch, mode: str = "authoritative") -> Story:
    (folder / "secret").write_text(there.secret)
    (folder / "secret").chmod(0o600)
    text = (
        ROTA
        + f"""\
destinations:
  outlook:
    kind: outlook
    schedule: payments
    role: primary
    mode: {mode}
    options:
      {{tenant: {there.tenant}, client_id: {there.client_id}, client_secret: {{file: secret}}, mailbox: {ONCALL},
       authority: "{there.authority}", base_url: "{there.base_url}", ca_file: "{there.ca_file}"}}
"""
    )
    made = command_line(folder, monkeypatch, text)
    told = Story(made.folder, made.monkeypatch)
    told.there = there
    clock = Running(NOON)
    clock.there = there
    monkeypatch.setattr(Session, "clock", clock)
    return told


DUTY = "Duty.Room@example.com"


def _elsewhere(syncd: Story, **options: str) -> None:
    """The same destination with other options; "" takes one away."""
    text = (syncd.folder / "syncd.yaml").read_text()
    head, _, given = text.partition("options:")
    chosen = {**YAML(typ="safe").load(given), **options}
    syncd.write(f"{head}options: {json.dumps({name: value for name, value in chosen.items() if value})}\n")


def _lives(syncd: Story, box: Mailbox, calendar: str) -> None:
    """A first export, rest, a human, rest, and all of it taken away: in that calendar, and nowhere else."""

    def shown() -> list[str]:
        return [event.facts["subject"] for event in sorted(box.now(), key=lambda event: event.start) if event.properties]

    syncd.export()
    before = shown()
    assert before == [f"{name}: Primary" for name in ("Ana Lima", "Ben Okafor", "Ana Lima", "Ben Okafor", "Ana Lima")]
    assert {event.calendar for event in box.now()} == {calendar}
    syncd.settle()
    syncd.there.human.edits(next(event.guid for event in box.now() if event.facts["subject"] == before[1]), subject="Cho Min-ji")
    syncd.there.human.deletes(next(event.guid for event in box.now() if event.facts["subject"] == before[0]))
    syncd.settle()
    assert shown() == before
    assert syncd.run("purge", "outlook", "--now").exit_code == 0
    assert shown() == []


@pytest.mark.parametrize(("kind", "named"), [("shared", "name"), ("room", "default"), ("shared", "id")])
def test_a_shared_or_room_mailbox_and_any_calendar_in_it_keeps_the_rota(
    there: Microsoft, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, named: str
) -> None:
    box = there.add_mailbox(DUTY, kind)
    there.knobs.reachable = {DUTY.casefold()}
    other = box.add_calendar("On call, nights")
    syncd = story(there, tmp_path, monkeypatch)
    _elsewhere(syncd, mailbox=DUTY, calendar={"default": "", "name": other.name.upper(), "id": other.id}[named])
    assert syncd.run("doctor").exit_code == 0, syncd.run("doctor").output
    _lives(syncd, box, box.default if named == "default" else other.id)


def test_a_user_keeps_the_rota_in_a_mailbox_that_is_shared_with_them(
    there: Microsoft, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = there.add_mailbox(DUTY, "shared")
    there.login.approves, there.login.interval = ONCALL, 0.01
    syncd = story(there, tmp_path, monkeypatch)
    _elsewhere(syncd, mailbox=DUTY, client_secret="")
    assert "syncd auth outlook" in syncd.run("export", "--now").output
    assert syncd.run("auth", "outlook").exit_code == 0
    refused = syncd.run("export", "--now")
    assert (refused.exit_code, "Can edit" in refused.output) == (1, True)
    there.shares[DUTY.casefold()] = {ONCALL}
    _lives(syncd, box, box.default)


def test_another_clouds_addresses_are_taken_without_their_last_parts(
    there: Microsoft, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    syncd = story(there, tmp_path, monkeypatch)
    base, login = there.base_url.removesuffix("/v1.0") + "/", there.authority.removesuffix(f"/{there.tenant}") + "/"
    assert (base, login) != (there.base_url, there.authority)
    _elsewhere(syncd, base_url=base, authority=login)
    _lives(syncd, there.box(), there.box().default)


@pytest.mark.parametrize("touched", [True, False])
def test_what_people_added_stays_and_only_what_they_touched_is_read_before_it_changes_hands(
    there: Microsoft, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, touched: bool
) -> None:
    syncd = story(there, tmp_path, monkeypatch)
    syncd.export()
    mine = syncd.ours()[1]
    theirs = {"location": {"displayName": "Room 5"}, "showAs": "oof", "body": {"contentType": "html", "content": "bridge 555"}}
    if touched:
        there.human.edits(mine.guid, **theirs)
    times = ("--from", "2026-03-16T09:00", "--to", "2026-03-23T09:00")
    syncd.json("override", "add", "--person", "cho", "--role", "primary", *times)
    there.journal.clear()
    syncd.export()
    assert [call.method for call in there.journal.of("*", "^/v1.0/")] == ["GET", *["GET"] * touched, "PATCH"]
    facts = syncd.ours()[1].facts
    assert facts["subject"] == "Cho Min-ji: Primary"
    assert not touched or {key: facts[key] for key in theirs} == theirs
    syncd.settle()
    assert syncd.ours()[1].facts == facts


@pytest.mark.parametrize("status", [400, 409])
def test_a_lost_answer_and_lists_that_lag_behind_make_no_second_event_where_the_first_is_named(
    there: Microsoft, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: Literal[400, 409]
) -> None:
    there.knobs.duplicate_status, there.knobs.duplicate_named, there.knobs.lag = status, True, 3_600
    there.faults.add(Fault(method="POST", path="/events$", first=2, drop="after"))
    syncd = story(there, tmp_path, monkeypatch)
    for _ in range(3):
        syncd.export(None)
        assert len(there.box().items) == len({event.start for event in syncd.ours()})
    assert len(syncd.ours()) == 5
    there.knobs.lag = 0
    syncd.settle()
    assert len(there.box().items) == 5


@pytest.mark.parametrize("views", ["500", "forget"])
@pytest.mark.parametrize("deleted", ["new", "refused"])
def test_it_comes_to_rest_whatever_the_server_is_like(
    there: Microsoft,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    views: Literal["500", "forget"],
    deleted: Literal["new", "refused"],
) -> None:
    there.knobs.views, there.knobs.spent_after_deletion, there.knobs.largest_page = views, deleted, 2
    syncd = story(there, tmp_path, monkeypatch)
    syncd.export()
    there.human.deletes(syncd.ours()[2].guid)
    syncd.settle()
    assert len(syncd.ours()) == 5
    assert len({event.transaction for event in syncd.ours()}) == 5


def run_of_bad_luck(there: Microsoft, syncd: Story, seed: int) -> None:
    """Faults of every kind and a human, for ten exports; then quiet."""
    chance = random.Random(seed)
    for _ in range(10):
        there.faults.clear()
        for _ in range(chance.randrange(3)):
            there.faults.add(
                Fault(
                    method=chance.choice(["GET", "POST", "PATCH", "DELETE"]),
                    path=chance.choice(["/v1.0/", "/v1.0/", "/events", "token"]),
                    first=chance.randrange(1, 4),
                    times=chance.randrange(1, 4),
                    **chance.choice(
                        [
                            {"drop": "before"},
                            {"drop": "after"},
                            {"drop": "half"},
                            {"drop": "late"},
                            {"status": 503},
                            {"status": 503, "commit": True},
                            {"status": 500, "commit": True},
                            {"status": 429, "headers": {"retry-after": "1"}},
                            {"status": 412},
                            {"status": 401},
                        ]
                    ),
                )
            )
        if chance.random() < 0.3:
            there.login.tokens.revoke_all()
        events = syncd.ours()
        if events and chance.random() < 0.6:
            event = chance.choice(events)
            match chance.randrange(4):
                case 0:
                    there.human.edits(event.guid, subject="Ben Okafor: Primary")
                case 1:
                    there.human.edits(event.guid, start=event.start + HOUR, end=event.end + 2 * HOUR)
                case 2:
                    there.human.deletes(event.guid)
                case 3:
                    there.human.edits(event.guid, showAs="oof")
        if chance.random() < 0.3:
            there.land_late_writes()
        syncd.export(None)
    there.faults.clear()
    there.land_late_writes()


@pytest.mark.parametrize("seed", [*range(3), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(3, 60))])
def test_after_any_run_of_bad_luck_every_shift_stands_once(
    there: Microsoft, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    syncd = story(there, tmp_path, monkeypatch)
    run_of_bad_luck(there, syncd, seed)
    syncd.settle(6)
    events = syncd.ours()
    handoffs = [*MONDAYS[:2], *(start - HOUR for start in MONDAYS[2:])]
    now, end = int(there.clock.now), handoffs[-1]
    for at in range(now - now % HOUR + HOUR, end, HOUR):  # what is over stays as people left it
        on = [event.facts["subject"] for event in events if event.start <= at < event.end]
        turn = sum(handoff <= at for handoff in handoffs)
        assert on == [("Ana Lima: Primary", "Ben Okafor: Primary")[turn % 2]], at
    assert all(one.end <= other.start for one, other in pairwise(events)), "nothing stands twice"
    assert len({event.transaction for event in events}) == len(events) <= 8
