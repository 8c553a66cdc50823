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
from tests.connectors.pagerduty_place import LAYERS, SHIFTS, account
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


def test_a_month_is_exported_in_few_calls(stage: Stage) -> None:
    report = stage.cycle()
    assert report.error is None
    assert len(stage.there.journal.writes()) <= (7 if stage.kind == "pagerduty" else 31)
    assert len(stage.there.journal) <= len(stage.there.journal.writes()) + 3


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
