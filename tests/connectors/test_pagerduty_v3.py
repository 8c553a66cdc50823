"""The shift-based PagerDuty connector keeps the contract, and obeys what the vendor allows of a started shift."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.pagerduty_v3 import PagerDutyV3
from syncd.connector import Site
from syncd.core.model import Instant
from tests.connectors.conformance import Conformance
from tests.connectors.pagerduty_place import METHODS, SHIFTS, account, fault, options, user
from tests.simulators.pagerduty import PagerDuty as Vendor


@pytest.fixture
def place() -> Iterator[Vendor]:
    with account() as there:
        yield there


class TestPagerDutyV3(Conformance):
    def make(self, place: Vendor, site: Site) -> PagerDutyV3:
        return PagerDutyV3(options(place, schedule=SHIFTS), site)

    def human_creates(self, place: Vendor, start: Instant, end: Instant, who: str) -> str:
        return place.human_adds_shift(SHIFTS, user(place, who), start, end)

    def human_moves(self, place: Vendor, ref: str, start: Instant, end: Instant) -> None:
        place.human_changes_shift(SHIFTS, ref, start=start, end=end)

    def human_gives(self, place: Vendor, ref: str, who: str) -> None:
        place.human_changes_shift(SHIFTS, ref, user=user(place, who))

    def human_deletes(self, place: Vendor, ref: str) -> None:
        place.human_deletes(SHIFTS, ref)

    def fault(self, place: Vendor, verb: str, kind: str) -> None:
        place.faults.add(fault(METHODS[verb], kind))

    def writes(self, place: Vendor) -> int:
        return len(place.journal.writes())

    def reads(self, place: Vendor) -> int:
        return len(place.journal.reads())
