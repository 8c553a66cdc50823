"""CalDAV keeps the contract on Radicale and Xandikos as real processes, behind a proxy that fails as networks and servers do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.caldav import CalDav
from syncd.connector import Connector, Entry, Site
from syncd.core.model import Instant, basic
from tests.connectors import servers
from tests.connectors.calendars import Calendar
from tests.connectors.conformance import PEOPLE, Conformance, event, op, shift
from tests.simulators.proxy import Proxy, Rule, answers, drop_after, drop_before, page


class OnServer(Conformance):
    def make(self, place: Calendar, site: Site) -> CalDav:
        return place.connector(site)

    def human_creates(self, place: Calendar, start: Instant, end: Instant, who: str) -> str:
        place.put("meeting.ics", event("meeting", start, end, self.words(who)))
        return "meeting.ics"

    def human_moves(self, place: Calendar, ref: str, start: Instant, end: Instant) -> None:
        place.edit(ref, DTSTART=basic(start), DTEND=basic(end))

    def human_gives(self, place: Calendar, ref: str, who: str) -> None:
        place.edit(ref, SUMMARY=self.words(who))

    def human_deletes(self, place: Calendar, ref: str) -> None:
        place.delete(ref)

    def words(self, who: str) -> str:
        return PEOPLE[who].name if who in PEOPLE else who

    def fault(self, place: Calendar, verb: str, kind: str) -> None:
        fault = {
            "lost before": drop_before,
            "lost after": drop_after,
            "refused": answers(429, Retry_After="7"),
            "down": answers(503),
            "denied": answers(401, WWW_Authenticate='Basic realm="x"'),
            "garbage": page(200),
        }[kind]
        method = {"read": "REPORT", "delete": "DELETE"}.get(verb, "PUT")
        place.proxy.rules = [Rule(method, "", fault, last=1)]

    def standing(self, connector: Connector, verb: str) -> Entry | None:
        """A first DELETE learns what the server makes of conditions, with one request more: that has tests of its own."""
        if verb == "delete":
            connector.delete(connector.create(shift(), op("lesson")), op("lesson"))
        return super().standing(connector, verb)

    def writes(self, place: Calendar) -> int:
        return len(place.proxy.seen("PUT|DELETE"))

    def reads(self, place: Calendar) -> int:
        return len(place.proxy.seen("REPORT"))


class TestOnRadicale(OnServer):
    @pytest.fixture
    def place(self, radicale: servers.Server) -> Iterator[Calendar]:
        with Proxy(radicale.url) as proxy:
            yield Calendar(radicale, proxy, radicale.calendar())


class TestOnXandikos(OnServer):
    @pytest.fixture
    def place(self, xandikos: servers.Server) -> Iterator[Calendar]:
        with Proxy(xandikos.url) as proxy:
            yield Calendar(xandikos, proxy, xandikos.calendar())
