"""The layer-based PagerDuty connector keeps the contract, and knows what the vendor's answers mean."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.pagerduty import PagerDuty
from syncd.connector import Site
from syncd.core.model import Instant
from tests.connectors.conformance import Conformance
from tests.connectors.pagerduty_place import LAYERS, METHODS, account, fault, options, user
from tests.simulators.pagerduty import PagerDuty as Vendor


@pytest.fixture
def place() -> Iterator[Vendor]:
    with account() as there:
        yield there


class TestPagerDuty(Conformance):
    def make(self, place: Vendor, site: Site) -> PagerDuty:
        return PagerDuty(options(place), site)

    def human_creates(self, place: Vendor, start: Instant, end: Instant, who: str) -> str:
        return place.human_overrides(LAYERS, user(place, who), start, end)

    def human_deletes(self, place: Vendor, ref: str) -> None:
        place.human_deletes(LAYERS, ref)

    def fault(self, place: Vendor, verb: str, kind: str) -> None:
        place.faults.add(fault(METHODS[verb], kind))

    def writes(self, place: Vendor) -> int:
        return len(place.journal.writes())

    def reads(self, place: Vendor) -> int:
        return len(place.journal.reads())
