"""Google Calendar keeps the contract, with the vendor's own client against the simulator."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.google import Google
from syncd.connector import Site
from syncd.core.model import Instant
from tests.connectors.conformance import PEOPLE, Conformance
from tests.connectors.google_place import Place, opened
from tests.simulators.common import Fault

METHOD = {"read": "GET", "create": "POST", "replace": "PATCH", "delete": "DELETE"}
FAULTS = {
    "lost before": {"drop": "before"},
    "lost after": {"drop": "after"},
    "refused": {"status": 429, "headers": {"retry-after": "7"}, "body": "{}"},
    "down": {"status": 503},
    "garbage": {"status": 200, "body": "<html>Sorry</html>", "headers": {"content-type": "text/html"}},
}


class TestGoogle(Conformance):
    @pytest.fixture
    def place(self) -> Iterator[Place]:
        with opened() as place:
            yield place

    def make(self, place: Place, site: Site) -> Google:
        return place.connector(site)

    def human_creates(self, place: Place, start: Instant, end: Instant, who: str) -> str:
        with place.hand():
            return place.calendar.human_creates(start, end, named(who))

    def human_moves(self, place: Place, ref: str, start: Instant, end: Instant) -> None:
        with place.hand():
            place.calendar.human_edits(ref, start=start, end=end)

    def human_gives(self, place: Place, ref: str, who: str) -> None:
        with place.hand():
            place.calendar.human_edits(ref, title=named(who))

    def human_deletes(self, place: Place, ref: str) -> None:
        with place.hand():
            place.calendar.human_deletes(ref)

    def human_copies(self, place: Place, ref: str) -> None:
        with place.hand():
            place.calendar.human_copies(ref)

    def fault(self, place: Place, verb: str, kind: str) -> None:
        if kind == "denied":  # a credential that was withdrawn: its token is refused, and so is the next one asked for
            place.tokens.revoke_all()
            place.tokens.refuse_next = 1
            return
        place.faults.add(Fault(method=METHOD[verb], path="/calendars/", **FAULTS[kind]))

    def writes(self, place: Place) -> int:
        return len(place.journal.writes("/calendars/"))

    def reads(self, place: Place) -> int:
        return len(place.journal.reads("/calendars/"))


def named(who: str) -> str:
    return f"{PEOPLE[who].name}: Primary" if who in PEOPLE else who
