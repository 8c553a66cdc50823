"""A calendar on a real server as a test sees it: through a proxy, and with the hands of a human."""

from __future__ import annotations

import re
from dataclasses import dataclass

from connectors.caldav import CalDav
from syncd.connector import Secret, Site
from tests.connectors import servers
from tests.connectors.conformance import SITE
from tests.simulators.proxy import Proxy


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

    def connector(self, site: Site = SITE, **more: object) -> CalDav:
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
        self.put(ref, edited(self.get(ref), **lines))

    def delete(self, ref: str) -> None:
        status, _, _ = self.server.request("DELETE", self.path + ref)
        assert status in (200, 204)


def edited(text: str, **lines: str) -> str:
    """An iCalendar text with other values for properties of its event."""
    head, event, tail = re.split(r"(BEGIN:VEVENT.*END:VEVENT)", re.sub(r"\r?\n[ \t]", "", text), flags=re.DOTALL)
    for name, value in lines.items():
        event = re.sub(rf"(?m)^{name}[;:][^\r\n]*", lambda _, line=f"{name}:{value}": line, event)  # type: ignore[misc]
    return str(head + event + tail)
