"""Google Calendar keeps the contract, with the vendor's own client against the simulator."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.google import Google
from syncd.connector import Secret, Site
from syncd.core.model import Instant
from tests.connectors.conformance import NOW, PEOPLE, Conformance
from tests.simulators.common import Clock, Fault, clean_environment
from tests.simulators.google import TEAM
from tests.simulators.google import Google as Simulated

METHOD = {"read": "GET", "create": "POST", "replace": "PUT", "delete": "DELETE"}
FAULTS = {
    "lost before": {"drop": "before"},
    "lost after": {"drop": "after"},
    "refused": {"status": 429, "headers": {"retry-after": "7"}, "body": "{}"},
    "down": {"status": 503},
    "garbage": {"status": 200, "body": "<html>Sorry</html>", "headers": {"content-type": "text/html"}},
}


@pytest.fixture
def there() -> Iterator[Simulated]:
    clean_environment()
    with Simulated(clock=Clock(NOW)) as there:
        there.key = there.service_account()
        yield there


def google(there: Simulated, site: Site, **options: object) -> Google:
    chosen = {"calendar": TEAM, "credentials": Secret("file key.json", lambda: there.key), "base_url": there.url, **options}
    return Google(Google.Options(**chosen), site)


class TestGoogle(Conformance):
    @pytest.fixture
    def place(self, there: Simulated) -> Simulated:
        return there

    def make(self, place: Simulated, site: Site) -> Google:
        return google(place, site)

    def human_creates(self, place: Simulated, start: Instant, end: Instant, who: str) -> str:
        with place.hand():
            return place.calendar.human_creates(start, end, named(who))

    def human_moves(self, place: Simulated, ref: str, start: Instant, end: Instant) -> None:
        with place.hand():
            place.calendar.human_edits(ref, start=start, end=end)

    def human_gives(self, place: Simulated, ref: str, who: str) -> None:
        with place.hand():
            place.calendar.human_edits(ref, title=named(who))

    def human_deletes(self, place: Simulated, ref: str) -> None:
        with place.hand():
            place.calendar.human_deletes(ref)

    def human_copies(self, place: Simulated, ref: str) -> None:
        with place.hand():
            place.calendar.human_copies(ref)

    def fault(self, place: Simulated, verb: str, kind: str) -> None:
        if kind == "denied":  # a credential that was withdrawn: its token is refused, and so is the next one asked for
            place.tokens.revoke_all()
            place.tokens.refuse_next = 1
            return
        place.faults.add(Fault(method=METHOD[verb], path="/calendars/", **FAULTS[kind]))

    def writes(self, place: Simulated) -> int:
        return len(place.journal.writes("/calendars/"))

    def reads(self, place: Simulated) -> int:
        return len(place.journal.reads("/calendars/"))


def named(who: str) -> str:
    return f"{PEOPLE[who].name}: Primary" if who in PEOPLE else who
