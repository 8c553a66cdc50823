"""Somebody takes a shift in PagerDuty's page: an override over a custom shift of ours, in each mode, until all is at rest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from syncd.core.mode import Mode
from syncd.core.model import DAY, HOUR
from syncd.store import Store
from tests.connectors.conformance import NOW
from tests.connectors.pagerduty_place import SHIFTS, account, user
from tests.connectors.test_pagerduty_story import Stage
from tests.simulators.common import Fault
from tests.simulators.pagerduty import KEY
from tests.simulators.pagerduty_account import CustomShift, Layer, Schedule


class Shifts(Stage):
    """The shift-based schedule, and what its final rota says."""

    @property
    def schedule(self) -> Schedule:
        return self.there.account.schedules[SHIFTS]

    def nth(self, number: int) -> CustomShift:
        return sorted(self.schedule.shifts.values(), key=lambda one: one.start)[number]

    def takes(self, who: str | None, number: int = 3, begin: int = 0, end: int = DAY) -> str:
        """From `begin` to `end` seconds after the start of our shift of that number."""
        shift = self.nth(number)
        person = None if who is None else user(self.there, who)
        return self.there.human_overrides_shift(SHIFTS, shift.id, person, shift.start + begin, shift.start + end)

    def after_a_while(self) -> None:
        """The next look at which the final rota is proven again."""
        self.there.clock.advance(901)
        self.cycle()

    def paged(self, at: int) -> list[str]:
        names = {one.id: one.name.split()[0].lower() for one in self.there.account.users.values()}
        return sorted(names[one.user] for one in self.schedule.computed(at, at + 1) if one.user)

    def look(self) -> Any:
        store = Store.open(self.folder / "state")
        assert store is not None
        try:
            with store.read() as tx:
                return tx.destinations.get("pager"), tx.conflicts.open("pager"), tx.overrides.list("support")
        finally:
            store.close()

    def reads(self) -> list[str]:
        before = len(self.there.journal)
        self.cycle()
        return [call.path.rpartition("/")[2] for call in self.there.journal[before:]]

    def settles(self) -> None:
        """Nothing is written any more, whether the final rota is read or not, and what is paged is the rota."""
        self.there.clock.advance(901)
        self.cycle()
        self.cycle()
        writes = len(self.there.journal.writes())
        for seconds in (60, 901, 60):
            self.there.clock.advance(seconds)
            assert self.cycle().error is None
        assert len(self.there.journal.writes()) == writes
        assert self.look()[0].differs_seconds == 0
        assert self.look()[0].status == "OK"
        assert all(one.end <= self.there.clock.now for one in self.schedule.v3_overrides.values())


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shifts]:
    monkeypatch.setenv("PAGERDUTY_KEY", KEY)
    with account() as there:
        there.clock.set(NOW)
        yield Shifts(there, tmp_path, "pagerduty_v3")


def test_at_rest_a_look_is_one_read_and_a_proof_every_quarter_of_an_hour(stage: Shifts) -> None:
    stage.cycle()
    assert stage.reads() == ["custom_shifts"]
    assert stage.look()[0].differs_seconds == 0
    stage.there.clock.advance(300)
    assert stage.reads() == ["custom_shifts"]
    stage.there.clock.advance(601)
    assert stage.reads() == ["custom_shifts", SHIFTS]
    assert stage.look()[0].differs_seconds == 0
    stage.there.human_changes_shift(SHIFTS, stage.nth(5).id, end=stage.nth(5).end - HOUR)
    assert stage.reads()[:2] == ["custom_shifts", SHIFTS]


@pytest.mark.parametrize(("begin", "end"), [(0, DAY), (0, 4 * HOUR), (2 * HOUR, 5 * HOUR), (20 * HOUR, DAY)])
def test_authoritative_takes_it_away_and_ours_beneath_is_the_cover(stage: Shifts, begin: int, end: int) -> None:
    stage.cycle()
    stood, shift = stage.standing(), stage.nth(3)
    stage.takes("cho", 3, begin, end)
    writes = len(stage.there.journal.writes())
    stage.after_a_while()
    assert [(call.method, "overrides" in call.path) for call in stage.there.journal.writes()[writes:]] == [("DELETE", True)]
    assert stage.standing() == stood
    assert stage.schedule.v3_overrides == {}
    status, [conflict], _ = stage.look()
    assert (status.status, conflict.rota, conflict.destination_had["people"]) == ("OK", ["ana"], ["cho"])
    assert (conflict.start, conflict.end) == (shift.start + begin, shift.start + end)
    stage.settles()


@pytest.mark.parametrize(("begin", "end"), [(0, DAY), (0, 4 * HOUR), (2 * HOUR, 5 * HOUR), (20 * HOUR, DAY)])
def test_bidirectional_imports_exactly_its_time(stage: Shifts, begin: int, end: int) -> None:
    stage.mode = Mode.BIDIRECTIONAL
    stage.cycle()
    shift = stage.nth(3)
    start, last = shift.start, shift.end
    stage.takes("cho", 3, begin, end)
    stage.after_a_while()
    _, conflicts, [made] = stage.look()
    assert (made.override.people, made.override.start, made.override.end) == (("cho",), start + begin, start + end)
    assert conflicts == ()
    for at in range(start, last, HOUR):
        assert stage.paged(at) == ["cho" if start + begin <= at < start + end else "ana"]
    stage.settles()
    assert len(stage.look()[2]) == 1


def test_nobody_is_missed_while_an_override_is_imported(stage: Shifts) -> None:
    stage.mode = Mode.BIDIRECTIONAL
    stage.cycle()
    start, last = stage.nth(3).start, stage.nth(3).end
    stage.takes("cho", 3, 2 * HOUR, 5 * HOUR)
    stage.there.faults.add(Fault(method="POST", status=429, headers={"Retry-After": "1"}, times=None))
    stage.after_a_while()
    assert all(stage.paged(at) for at in range(start, last, HOUR))
    stage.there.faults.clear()
    stage.settles()


def test_manual_shows_it_and_puts_the_rota_back_at_an_export(stage: Shifts) -> None:
    stage.mode = Mode.MANUAL
    stage.cycle()
    stood = stage.standing()
    stage.takes("cho", 3, 2 * HOUR, 5 * HOUR)
    stage.there.clock.advance(901)
    writes = len(stage.there.journal.writes())
    stage.cycle(by_itself=True)
    assert len(stage.there.journal.writes()) == writes
    assert (stage.look()[0].status, stage.look()[0].differs_seconds) == ("Pending", 3 * HOUR)
    stage.cycle()
    assert (stage.standing(), stage.schedule.v3_overrides) == (stood, {})
    stage.settles()


def test_somebody_unknown_is_kept_and_told_of_once(stage: Shifts) -> None:
    stage.mode = Mode.BIDIRECTIONAL
    stage.cycle()
    stage.takes("Zoe Unknown", 3, 2 * HOUR, 5 * HOUR)
    stage.after_a_while()
    writes = len(stage.there.journal.writes())
    for seconds in (60, 901, 60):
        stage.there.clock.advance(seconds)
        assert stage.reads() == ["custom_shifts", SHIFTS]
    assert len(stage.there.journal.writes()) == writes
    status, [conflict], _ = stage.look()
    assert conflict.destination_had["people"] == ["?Zoe Unknown"]
    assert status.differs_seconds == 3 * HOUR


def test_an_override_that_pages_nobody_is_a_deletion(stage: Shifts) -> None:
    stage.mode = Mode.BIDIRECTIONAL
    stage.cycle()
    stage.takes(None, 3, 2 * HOUR, 5 * HOUR)
    start = stage.nth(3).start
    assert stage.paged(start + 3 * HOUR) == []
    stage.after_a_while()
    assert stage.paged(start + 3 * HOUR) == ["ana"]
    _, [conflict], overrides = stage.look()
    assert (conflict.destination_had["people"], overrides) == ([], ())
    stage.settles()


@pytest.mark.parametrize("cuts", [True, False])
@pytest.mark.parametrize("mode", [Mode.AUTHORITATIVE, Mode.BIDIRECTIONAL])
def test_an_override_that_is_running(stage: Shifts, mode: Mode, *, cuts: bool) -> None:
    stage.mode = mode
    stage.there.cuts_v3_overrides = cuts
    stage.cycle()
    later = NOW + 3 * HOUR
    rota = stage.paged(later)
    stage.takes("cho", 0, -HOUR, DAY)
    stage.there.clock.advance(2 * HOUR)
    stage.cycle()
    assert stage.paged(later) == (["cho"] if mode is Mode.BIDIRECTIONAL else rota)
    for _ in range(2):
        stage.there.clock.advance(901)
        stage.cycle()
    writes = len(stage.there.journal.writes())
    stage.there.clock.advance(901)
    stage.cycle()
    assert len(stage.there.journal.writes()) == writes
    assert (stage.look()[0].status, stage.look()[0].differs_seconds) == ("OK", 0)


def test_where_the_rota_changed_too_the_rota_goes_first(stage: Shifts) -> None:
    stage.mode = Mode.BIDIRECTIONAL
    stage.cycle()
    start = stage.nth(3).start
    stage.takes("cho", 3)
    stage.overrides = f"""
    overrides:
      - {{people: [ben], start: {_when(start)}, end: {_when(start + DAY)}}}
"""
    stage.after_a_while()
    stage.settles()
    assert stage.paged(start + HOUR) == ["ben"]
    [conflict] = stage.look()[1]
    assert (conflict.rota, conflict.destination_had["people"]) == (["ben"], ["cho"])


def test_a_rotation_of_pagerdutys_own_that_pages_somebody_besides_is_seen(stage: Shifts) -> None:
    stage.cycle()
    with stage.there.hand():
        stage.schedule.rotations["R1"] = Layer([user(stage.there, "cho")], NOW, DAY)
    stage.after_a_while()
    assert stage.look()[0].differs_seconds == 30 * DAY
    with stage.there.hand():
        stage.schedule.rotations.clear()
    stage.settles()


def test_a_shift_that_is_not_rendered_is_seen_at_once_and_looked_at_again(stage: Shifts) -> None:
    stage.cycle()
    stage.there.hides_deleted = True
    with stage.there.hand():
        gone = stage.there.account.users.pop(user(stage.there, "ben"))
    stage.after_a_while()
    assert stage.look()[0].differs_seconds >= 14 * DAY
    with stage.there.hand():
        stage.there.account.users[gone.id] = gone
    stage.there.clock.advance(60)
    stage.cycle()
    assert stage.look()[0].differs_seconds == 0


def test_who_takes_the_shift_of_somebody_who_left_pagerduty_keeps_it_until_they_are_back(stage: Shifts) -> None:
    stage.there.hides_deleted = True
    stage.cycle()
    with stage.there.hand():
        gone = stage.there.account.users.pop(user(stage.there, "ben"))
    number = next(n for n in range(2, 9) if stage.nth(n).user == gone.id)
    start = stage.nth(number).start
    stage.after_a_while()
    stage.takes("cho", number)
    for _ in range(3):
        stage.after_a_while()
    assert stage.paged(start + HOUR) == ["cho"]
    with stage.there.hand():
        stage.there.account.users[gone.id] = gone
    for _ in range(3):
        stage.after_a_while()
    assert stage.paged(start + HOUR) == ["ben"]
    [conflict] = [one for one in stage.look()[1] if one.start == start]
    assert conflict.destination_had["people"] == ["cho"]


def test_a_server_that_renders_nothing_has_its_overrides_listed(stage: Shifts) -> None:
    stage.there.renders = False
    stage.cycle()
    stood = stage.standing()
    stage.takes("cho", 3, 2 * HOUR, 5 * HOUR)
    stage.after_a_while()
    assert (stage.standing(), stage.schedule.v3_overrides) == (stood, {})
    stage.settles()


def test_an_override_that_may_not_be_deleted_is_an_error_that_is_told(stage: Shifts) -> None:
    stage.cycle()
    stage.takes("cho", 0, 0, DAY)
    refused = {"error": {"message": "No", "code": 2001}}
    stage.there.faults.add(Fault(method="DELETE", path="overrides", status=400, body=refused, times=None))
    stage.after_a_while()
    status = stage.look()[0]
    assert status.status == "Error"
    assert "the override" in status.reason
    stage.there.faults.clear()
    stage.settles()


def _when(instant: int) -> str:
    from datetime import UTC, datetime

    return f"{datetime.fromtimestamp(instant, UTC):%Y-%m-%dT%H:%M}"
