"""The layer-based PagerDuty connector keeps the contract, and knows what the vendor's answers mean."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connectors.pagerduty import PagerDuty
from connectors.pagerduty_api import PagerDutyOptions
from syncd.connector import Secret, Site
from syncd.core.model import Instant
from tests.connectors.conformance import NOW, PEOPLE, Conformance
from tests.simulators.common import Clock, Fault, clean_environment
from tests.simulators.pagerduty import KEY
from tests.simulators.pagerduty import PagerDuty as Vendor

METHODS = {"read": "GET", "create": "POST", "replace": "PUT", "delete": "DELETE"}


@pytest.fixture(autouse=True, scope="module")
def environment() -> None:
    clean_environment()


@pytest.fixture
def place() -> Iterator[Vendor]:
    with Vendor(clock=Clock(NOW)) as there:
        for person in PEOPLE.values():
            there.account.add_user(person.name, person.email or "")
        there.account.add_user("Zoe Unknown", "zoe@elsewhere.example")
        there.account.add_schedule("Payments", "PLAYER1")
        there.account.add_schedule("Payments in shifts", "PSHIFT1", kind="schedule_v3")
        yield there


def secret(text: str = KEY) -> Secret:
    return Secret("test", lambda: text)


def options(there: Vendor, **rest: Any) -> PagerDutyOptions:
    given = {"schedule": "PLAYER1", "token": secret(), "base_url": there.url, "ca_file": str(there.ca_file), **rest}
    return PagerDutyOptions(**given)


def user(there: Vendor, who: str) -> str:
    name = PEOPLE[who].name if who in PEOPLE else who
    return next(one.id for one in there.account.users.values() if one.name == name)


class TestPagerDuty(Conformance):
    def make(self, place: Vendor, site: Site) -> PagerDuty:
        return PagerDuty(options(place), site)

    def human_creates(self, place: Vendor, start: Instant, end: Instant, who: str) -> str:
        return place.human_overrides("PLAYER1", user(place, who), start, end)

    def human_deletes(self, place: Vendor, ref: str) -> None:
        place.human_deletes("PLAYER1", ref)

    def fault(self, place: Vendor, verb: str, kind: str) -> None:
        place.faults.add(fault(METHODS[verb], kind))

    def writes(self, place: Vendor) -> int:
        return len(place.journal.writes())

    def reads(self, place: Vendor) -> int:
        return len(place.journal.reads())


def fault(method: str, kind: str) -> Fault:
    return {
        "lost before": Fault(method=method, drop="before"),
        "lost after": Fault(method=method, drop="after"),
        "refused": Fault(method=method, status=429, headers={"Retry-After": "7"}),
        "down": Fault(method=method, status=503),
        "denied": Fault(method=method, status=401, body={"error": {"message": "Authentication failed", "code": 2006}}),
        "garbage": Fault.gateway(200, method=method),
    }[kind]
