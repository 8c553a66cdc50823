"""Whole cycles against the simulated PagerDuty: one entry a shift whatever answers are lost, a pause obeyed, nothing at rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from threading import Event

import pytest

from syncd.config.load import load
from syncd.core.mode import Mode
from syncd.cycle import Report, Trigger
from syncd.errand import Errand
from syncd.store import Store
from tests.connectors.conformance import NOW
from tests.connectors.pagerduty_place import LAYERS, SHIFTS, account, user
from tests.simulators.common import Fault
from tests.simulators.pagerduty import KEY, PagerDuty
from tests.simulators.pagerduty_account import CustomShift, Override

ROTA = """
people:
  ana: {{name: Ana Lopez, email: ana@example.com}}
  ben: {{name: Ben Okafor, email: ben@example.com}}
  cho: {{name: Cho Min-ji, email: cho@example.com}}
roles:
  primary: {{title: Primary}}
schedules:
  support:
    title: Support
    start: 2027-01-04T09:00
    layers:
      - members: [ana, ben]
        rotation: {{every: 1, unit: day, at: "09:00"}}
{overrides}destinations:
  pager:
    kind: {kind}
    schedule: support
    role: primary
    mode: {mode}
    options: {{schedule: {schedule}, token: {{env: PAGERDUTY_KEY}}, base_url: "{url}", ca_file: "{ca_file}"}}
"""
KINDS = {"pagerduty": LAYERS, "pagerduty_v3": SHIFTS}


@dataclass
class VendorsClock:
    """Ours and the vendor's time are one; waiting lets it pass."""

    there: PagerDuty

    def now(self) -> int:
        return int(self.there.clock.now)

    def monotonic(self) -> float:
        return self.there.clock.now

    def wait(self, event: Event, seconds: float) -> bool:
        self.there.clock.advance(seconds)
        return event.is_set()


@dataclass
class Stage:
    there: PagerDuty
    folder: Path
    kind: str
    mode: Mode = Mode.AUTHORITATIVE
    overrides: str = ""
    """More lines of the schedule."""

    def cycle(self, *, by_itself: bool = False) -> Report:
        """As an export, or as the daemon does it."""
        file = self.folder / "syncd.yaml"
        schedule, ca_file = KINDS[self.kind], self.there.ca_file
        said = {"kind": self.kind, "mode": self.mode, "schedule": schedule, "overrides": self.overrides}
        file.write_text(ROTA.format(**said, url=self.there.url, ca_file=ca_file))
        config = load(file)
        store = Store.open(self.folder / "state")
        try:
            trigger = Trigger.DAEMON if by_itself else Trigger.EXPORT
            errand = Errand(config=config, store=store, clock=VendorsClock(self.there), trigger=trigger)
            return errand.run(config.destinations["pager"])
        finally:
            if store is not None:
                store.close()

    def standing(self) -> Counter[tuple[int, int, str]]:
        """What stands there from now on, whoever put it there."""
        schedule = self.there.account.schedules[KINDS[self.kind]]
        entries: list[Override | CustomShift] = [*schedule.overrides.values(), *schedule.shifts.values()]
        names = {one.id: one.name.split()[0].lower() for one in self.there.account.users.values()}
        return Counter((one.start, one.end, names.get(one.user or "", "")) for one in entries if one.end > self.there.clock.now)

    def rest(self) -> None:
        """Within three cycles there is nothing left to do, and every shift stands once."""
        for _ in range(3):
            self.there.clock.advance(60)
            self.cycle()
        before = len(self.there.journal)
        report = self.cycle()
        assert report.error is None
        calls = [call.method for call in self.there.journal[before:]]
        assert calls == (["GET", "GET"] if self.kind == "pagerduty" else ["GET"])
        stands = sorted(self.standing())
        assert set(self.standing().values()) == {1}
        assert all(first[1] == second[0] for first, second in pairwise(stands)), "no gap, no overlap"
        assert stands[-1][1] - self.there.clock.now >= 30 * 86_400 - 86_400


@pytest.fixture(params=KINDS)
def stage(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setenv("PAGERDUTY_KEY", KEY)
    with account() as there:
        there.clock.set(NOW)
        yield Stage(there, tmp_path, request.param)


@pytest.mark.parametrize(("first", "drop"), [(1, "before"), (1, "after"), (2, "half"), (4, "after")])
def test_a_lost_answer_to_a_create_leaves_each_shift_once(stage: Stage, first: int, drop: str) -> None:
    stage.there.faults.add(Fault(method="POST", first=first, drop=drop))  # type: ignore[arg-type]
    stage.cycle()
    stage.rest()
    assert len(stage.there.journal.of("POST")) <= 33


def test_a_create_that_lands_late_is_cleaned_up(stage: Stage) -> None:
    stage.there.faults.add(Fault(method="POST", drop="late"))
    stage.cycle()
    stage.cycle()
    stage.there.land_late_writes()
    stage.rest()


def test_items_refused_are_tried_again_and_the_others_stand(stage: Stage) -> None:
    stage.there.faults.add(Fault(method="POST", items={0: 400, 3: 400}))
    stage.cycle()
    stage.rest()


def test_a_month_is_exported_in_few_calls(stage: Stage) -> None:
    report = stage.cycle()
    assert report.error is None
    assert len(stage.there.journal.writes()) <= (7 if stage.kind == "pagerduty" else 31)
    assert len(stage.there.journal) <= len(stage.there.journal.writes()) + 3


def test_a_pause_in_the_middle_of_a_plan_keeps_what_was_done(stage: Stage) -> None:
    reset = {"ratelimit-limit": "960", "ratelimit-remaining": "0", "ratelimit-reset": "3600"}
    stage.there.faults.add(Fault(method="POST", first=2, times=None, status=429, headers=reset))
    stage.cycle()
    done = sum(stage.standing().values())
    assert done == (5 if stage.kind == "pagerduty" else 1)
    assert len(stage.there.journal.of("POST")) == 2, "whoever is told to wait an hour does not ask again"
    stage.there.faults.clear()
    stage.there.clock.advance(3_600)
    stage.rest()


def test_an_upgrade_stops_everything_and_changing_the_kind_goes_on(stage: Stage) -> None:
    if stage.kind != "pagerduty":
        pytest.skip("it is one already")
    stage.cycle()
    stands = stage.standing()
    stage.there.human_upgrades(LAYERS)
    writes = len(stage.there.journal.writes())
    report = stage.cycle()
    assert "kind: pagerduty_v3" in str(report.error)
    assert (stage.standing(), len(stage.there.journal.writes())) == (stands, writes)


@pytest.mark.parametrize("mode", [Mode.AUTHORITATIVE, Mode.BIDIRECTIONAL])
def test_a_humans_cover_is_put_right_or_imported_as_the_mode_says(stage: Stage, mode: Mode) -> None:
    stage.mode = mode
    stage.cycle()
    start, end, _ = sorted(stage.standing())[3]
    cho = user(stage.there, "cho")
    if stage.kind == "pagerduty":
        stage.there.human_overrides(LAYERS, cho, start, end)
    else:
        [ref] = [one.id for one in stage.there.account.schedules[SHIFTS].shifts.values() if one.start == start]
        stage.there.human_changes_shift(SHIFTS, ref, user=cho)
    stage.cycle()
    stage.rest()
    [(_, _, who)] = [one for one in stage.standing() if one[0] == start]
    assert (who == "cho") == (mode is Mode.BIDIRECTIONAL)
