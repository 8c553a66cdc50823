"""Somebody of the rota has no user at PagerDuty (row 15): whoever is there stays, it is told once, and it ends by itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from syncd.core.mode import Mode
from syncd.core.model import DAY, HOUR
from syncd.store import Store
from tests.connectors.conformance import NOW
from tests.connectors.pagerduty_place import account, user
from tests.connectors.test_pagerduty_story import KINDS, Stage
from tests.simulators.pagerduty import KEY
from tests.simulators.pagerduty_account import User


class Team(Stage):
    def leaves(self, who: str) -> User:
        with self.there.hand():
            return self.there.account.users.pop(user(self.there, who))

    def comes(self, somebody: User) -> None:
        with self.there.hand():
            self.there.account.users[somebody.id] = somebody

    def gives(self, who: str, start: int, end: int) -> None:
        self.overrides = f"""
    overrides:
      - {{people: [{who}], start: {_when(start)}, end: {_when(end)}}}
"""

    def told(self) -> tuple[Any, list[dict[str, Any]]]:
        """How the destination stands, and the notices that somebody is missing."""
        store = Store.open(self.folder / "state")
        assert store is not None
        try:
            with store.read() as tx:
                events = [said for said in tx.outbox.pending(int(self.there.clock.now)) if said.dedup.startswith("missing-")]
                return tx.destinations.get("pager"), events
        finally:
            store.close()

    def people(self) -> set[str]:
        return {who for _, _, who in self.standing()}

    def writes(self) -> int:
        return len(self.there.journal.writes())


@pytest.fixture(params=KINDS)
def team(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Team]:
    monkeypatch.setenv("PAGERDUTY_KEY", KEY)
    with account() as there:
        there.clock.set(NOW)
        yield Team(there, tmp_path, request.param)


def test_somebody_without_an_account_is_told_once_and_nothing_is_sent_until_there_is_one(team: Team) -> None:
    ben = team.leaves("ben")
    report = team.cycle()
    assert team.people() == {"ana"}
    status, [notice] = team.told()
    assert (status.status, status.reason) == ("Error", notice.notice["text"])
    assert "ben has no PagerDuty user: no single user there has the e-mail ben@example.com" in status.reason
    assert report.decision is not None
    waits = [one for one in report.decision.plan.changes if one.row == "15"]
    assert {(one.status.value, one.reason) for one in waits} == {("waits", status.reason)}
    assert len(waits) == 16  # of 31 turns, every other one from the first on
    assert not report.complete
    writes = team.writes()
    for _ in range(3):
        team.there.clock.advance(300)
        team.cycle()
    assert team.writes() == writes
    assert len(team.told()[1]) == 1
    team.comes(ben)
    team.there.clock.advance(900)
    assert team.cycle().complete
    assert team.people() == {"ana", "ben"}
    team.rest()
    assert team.told()[0].status == "OK"


@pytest.mark.parametrize("mode", [Mode.AUTHORITATIVE, Mode.BIDIRECTIONAL])
def test_the_incumbent_stays_where_the_rota_gives_a_shift_to_somebody_missing(team: Team, mode: Mode) -> None:
    team.mode = mode
    team.cycle()
    stood, writes = team.standing(), team.writes()
    cho = team.leaves("cho")
    start, end, _ = sorted(stood)[5]
    team.gives("cho", start, end)
    for _ in range(3):
        team.there.clock.advance(60)
        team.cycle()
    assert team.standing() == stood
    assert team.writes() - writes <= 1  # what was sent before it was known
    status = team.told()[0]
    assert (status.status, status.next_unexported) == ("Warning", start)
    assert "cho" in status.reason
    team.comes(cho)
    team.there.clock.advance(900)
    team.cycle()
    assert (start, end, "cho") in team.standing()
    team.rest()


def test_a_part_of_a_shift_that_somebody_missing_has_leaves_its_neighbours_to_the_rota(team: Team) -> None:
    team.leaves("cho")
    team.gives("cho", NOW + 5 * DAY, NOW + 5 * DAY + 2 * HOUR)
    team.cycle()
    team.cycle()
    assert team.people() == {"ana", "ben"}
    assert not any(start < NOW + 5 * DAY + HOUR < end for start, end, _ in team.standing())
    writes = team.writes()
    team.there.clock.advance(60)
    team.cycle()
    assert team.writes() == writes


def test_manual_refuses_that_shift_and_says_so_between_exports_too(team: Team) -> None:
    team.mode = Mode.MANUAL
    team.leaves("ben")
    assert not team.cycle().complete
    assert team.people() == {"ana"}
    team.there.clock.advance(60)
    team.cycle(by_itself=True)
    status, _ = team.told()
    assert status.status == "Error"
    assert "ben has no PagerDuty user" in status.reason


def test_a_user_who_left_is_found_out_when_a_call_is_refused_and_asked_for_no_more(team: Team) -> None:
    team.cycle()
    ben = team.leaves("ben")
    stood = team.standing()
    team.there.clock.advance(3 * DAY)
    for _ in range(4):
        team.cycle()
        team.there.clock.advance(60)
    posts = len(team.there.journal.of("POST"))
    team.cycle()
    assert len(team.there.journal.of("POST")) == posts
    status, notices = team.told()
    assert (status.status, len(notices)) == ("Error", 1)
    assert all(one in team.standing() for one in stood if one[0] > team.there.clock.now)
    team.comes(ben)
    team.there.clock.advance(900)
    team.cycle()
    team.rest()


def test_a_user_who_left_and_is_not_rendered_is_an_error_and_the_others_go_on(team: Team) -> None:
    team.there.hides_deleted = True
    team.cycle()
    team.leaves("ben")
    team.there.clock.advance(DAY)
    report = team.cycle()
    assert report.error is None
    status = team.told()[0]
    assert status.status == "Error"
    assert "ben has no PagerDuty user" in status.reason
    assert status.differs_seconds >= 14 * DAY
    last = max(end for _, end, who in team.standing() if who == "ana")
    assert last >= team.there.clock.now + 29 * DAY


def test_an_account_made_anew_takes_over_from_the_old_one(team: Team) -> None:
    team.there.hides_deleted = True
    team.cycle()
    team.leaves("ben")
    team.there.clock.advance(901)
    team.cycle()
    anew = team.there.account.add_user("Ben Okafor", "ben@example.com")
    team.there.clock.advance(900)
    for _ in range(3):
        team.cycle()
        team.there.clock.advance(60)
    schedule = team.there.account.schedules[KINDS[team.kind]]
    ahead = [one for one in (*schedule.overrides.values(), *schedule.shifts.values()) if one.start > team.there.clock.now]
    theirs = [one.user for one in ahead if one.user in team.there.account.users]  # what the old account has pages nobody
    assert set(theirs) == {anew.id, user(team.there, "ana")}
    assert len(theirs) == len({one.start for one in ahead})
    assert team.told()[0].status == "OK"


def _when(instant: int) -> str:
    return f"{datetime.fromtimestamp(instant, UTC):%Y-%m-%dT%H:%M}"
