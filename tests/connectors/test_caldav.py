"""CalDAV keeps the contract on Radicale and Xandikos as real processes, behind a proxy that fails as networks and servers do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from connectors.caldav import CalDav
from syncd.connector import Secret, Site
from syncd.core.model import Instant, basic
from tests.connectors import servers
from tests.connectors.conformance import PEOPLE, Conformance
from tests.connectors.test_folder import event
from tests.simulators.proxy import Proxy, Rule, answers, drop_after, drop_before, page


@dataclass
class Calendar:
    """A calendar of its own on a server, seen through a proxy."""

    server: servers.Server
    proxy: Proxy
    path: str

    @property
    def url(self) -> str:
        return self.proxy.url + self.path

    def options(self, **more: object) -> CalDav.Options:
        password = Secret("here", lambda: self.server.password) if self.server.password else None
        given: dict[str, object] = {"url": self.url, "username": self.server.username, "password": password, **more}
        return CalDav.Options(**given)  # type: ignore[arg-type]

    def connector(self, site: Site, **more: object) -> CalDav:
        return CalDav(self.options(**more), site)

    def get(self, ref: str) -> str:
        status, _, body = self.server.request("GET", self.path + ref)
        assert status == 200
        return body.decode()

    def put(self, ref: str, text: str) -> None:
        status, _, body = self.server.request("PUT", self.path + ref, text, Content_Type="text/calendar; charset=utf-8")
        assert status in (200, 201, 204), body

    def edit(self, ref: str, **lines: str) -> None:
        """Other values for properties of the event: `SUMMARY="Ben"`."""
        head, event_, tail = re.split(r"(BEGIN:VEVENT.*END:VEVENT)", re.sub(r"\r?\n[ \t]", "", self.get(ref)), flags=re.DOTALL)
        for name, value in lines.items():
            event_ = re.sub(rf"(?m)^{name}[;:][^\r\n]*", lambda _, line=f"{name}:{value}": line, event_)  # type: ignore[misc]
        self.put(ref, head + event_ + tail)

    def delete(self, ref: str) -> None:
        status, _, _ = self.server.request("DELETE", self.path + ref)
        assert status in (200, 204)


@pytest.fixture(scope="session")
def radicale(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    with servers.radicale(tmp_path_factory.mktemp("radicale")) as server:
        yield server


@pytest.fixture(scope="session")
def xandikos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    with servers.xandikos(tmp_path_factory.mktemp("xandikos")) as server:
        yield server


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
