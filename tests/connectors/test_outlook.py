"""The Outlook connector keeps the contract against the simulator."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.outlook import Outlook
from syncd.connector import Site
from syncd.core.model import Instant
from tests.connectors.conformance import NOW, PEOPLE, Conformance
from tests.connectors.outlook_there import outlook
from tests.simulators.common import Clock, Fault
from tests.simulators.microsoft import Microsoft

PATHS = {
    "read": ("GET", "/calendarView$"),
    "create": ("POST", "/events$"),
    "replace": ("PATCH", "/events/"),
    "delete": ("DELETE", "/events/"),
}


class TestOutlook(Conformance):
    @pytest.fixture
    def place(self) -> Iterator[Microsoft]:
        with Microsoft(clock=Clock(NOW)) as there:
            yield there

    def make(self, place: Microsoft, site: Site) -> Outlook:
        return outlook(place, site)

    def human_creates(self, place: Microsoft, start: Instant, end: Instant, who: str) -> str:
        return place.human.creates(start, end, self.words(who))

    def human_moves(self, place: Microsoft, ref: str, start: Instant, end: Instant) -> None:
        place.human.edits(ref, start=start, end=end)

    def human_gives(self, place: Microsoft, ref: str, who: str) -> None:
        place.human.edits(ref, subject=self.words(who))

    def human_deletes(self, place: Microsoft, ref: str) -> None:
        place.human.deletes(ref)

    def human_copies(self, place: Microsoft, ref: str) -> None:
        place.human.duplicates(ref)

    def fault(self, place: Microsoft, verb: str, kind: str) -> None:
        method, path = PATHS[verb]
        if kind == "denied":
            place.login.tokens.revoke_all()
            refusal = {
                "error": "invalid_client",
                "error_description": "AADSTS7000222: The provided client secret keys are expired.",
            }
            place.faults.add(Fault(method="POST", path="/token$", status=401, body=refusal))
            return
        faults = {
            "lost before": Fault(method=method, path=path, drop="before"),
            "lost after": Fault(method=method, path=path, drop="after"),
            "refused": Fault(method=method, path=path, status=429, headers={"retry-after": "7"}),
            "down": Fault(method=method, path=path, status=503),
            "garbage": Fault.gateway(200, method=method, path=path),
        }
        place.faults.add(faults[kind])

    def writes(self, place: Microsoft) -> int:
        return len(place.journal.writes("^/v1.0/"))

    def reads(self, place: Microsoft) -> int:
        return len(place.journal.reads("^/v1.0/"))

    def words(self, who: str) -> str:
        return PEOPLE[who].name if who in PEOPLE else who
