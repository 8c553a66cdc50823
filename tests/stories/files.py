"""A directory, and calendars on Radicale and Xandikos: iCalendar texts that people edit with programs of their own."""

from __future__ import annotations

import os
import re
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path
from threading import Lock
from typing import Any

import icalendar
import pytest
from defusedxml.ElementTree import fromstring

from syncd.core.model import basic
from tests.connectors import servers
from tests.connectors.calendars import Calendar, edited
from tests.connectors.conformance import event as written_by_hand
from tests.simulators.common import Clock
from tests.simulators.proxy import Answer, Exchange, Proxy
from tests.stories.days import Standing
from tests.stories.place import Place, named, titled

QUERY = (
    '<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><C:calendar-data/></D:prop>'
    '<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"/></C:comp-filter></C:filter></C:calendar-query>'
)
UNLINK = os.unlink
MARKER = re.compile(r"(?m)^X-SYNCD-MARKER(?:.*\r?\n)(?:[ \t].*\r?\n)*")


class Texts(Place):
    """Entries are texts under names."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.binned: dict[str, str] = {}

    @abstractmethod
    def texts(self) -> dict[str, str]: ...

    @abstractmethod
    def put(self, ref: str, text: str) -> None: ...

    @abstractmethod
    def remove(self, ref: str) -> None: ...

    def get(self, ref: str) -> str:
        return self.texts()[ref]

    def standing(self) -> list[Standing]:
        found = []
        for ref, text in self.texts().items():
            (event,) = icalendar.Calendar.from_ical(text).walk("VEVENT")
            start, end = (int(event[name].dt.timestamp()) for name in ("DTSTART", "DTEND"))
            found.append(Standing(start, end, named(str(event["SUMMARY"])), ref, ref in self.by_hand))
        return sorted(found)

    def edit(self, ref: str, **values: str) -> None:
        """Other values for properties of the event: `SUMMARY="Ben"`."""
        self.put(ref, edited(self.get(ref), **values))

    def give(self, thing: Standing, who: str) -> None:
        self.edit(thing.ref, SUMMARY=titled(who))

    def move(self, thing: Standing, start: int, end: int) -> None:
        self.edit(thing.ref, DTSTART=basic(start), DTEND=basic(end))

    def delete(self, thing: Standing) -> None:
        self.binned[thing.ref] = self.get(thing.ref)
        self.remove(thing.ref)

    def add(self, who: str, start: int, end: int) -> str:
        name = f"byhand{len(self.by_hand)}"
        self.put(f"{name}.ics", written_by_hand(name, start, end, titled(who)))
        return self.hand(f"{name}.ics")

    def copy(self, thing: Standing) -> str:
        name, uid = f"copy{len(self.by_hand)}", thing.ref.removesuffix(".ics")
        self.put(f"{name}.ics", self.get(thing.ref).replace(f"UID:{uid}", f"UID:{name}"))
        return self.hand(f"{name}.ics")

    def strip(self, thing: Standing) -> None:
        self.put(thing.ref, MARKER.sub("", self.get(thing.ref)))

    def put_back(self, thing: Standing) -> None:
        self.put(thing.ref, self.binned.pop(thing.ref))


class Directory(Texts):
    """The system's calls on entries are noted as they are made."""

    kind = "folder"

    def __init__(self, clock: Clock, path: Path) -> None:
        super().__init__(clock)
        self.path = path
        self.done: list[str] = []
        self.broken: Callable[[str], object] = lambda call: None
        """Told of each call before it is made; may raise what the system would."""

    def options(self, folder: Path) -> str:
        return f"path: '{self.path}'"

    def texts(self) -> dict[str, str]:
        files = self.path.iterdir() if self.path.exists() else []
        return {path.name: path.read_bytes().decode() for path in files if not path.name.startswith(".")}

    def put(self, ref: str, text: str) -> None:
        self.path.mkdir(exist_ok=True)
        (self.path / ref).write_bytes(text.encode())

    def remove(self, ref: str) -> None:
        UNLINK(self.path / ref)

    def calls(self) -> list[str]:
        return list(self.done)

    def forget(self) -> None:
        self.done.clear()

    def note(self, call: str, path: Any) -> None:
        if Path(path).parent == self.path and not Path(path).name.startswith("."):
            self.about_to_write()
            self.done.append(call)
            self.broken(call)


@contextmanager
def directory(clock: Clock, folder: Path) -> Iterator[Directory]:
    place = Directory(clock, folder / "shown")
    alone = Lock()  # else a file that is deleted while another call's frame is taken looks gone to that call, too

    def noted(call: str, do: Callable[..., Any], which: int) -> Callable[..., Any]:
        def wrapped(*paths: Any, **rest: Any) -> Any:
            with alone:
                place.note(call, paths[which])
                return do(*paths, **rest)

        return wrapped

    def listed(path: Any = ".") -> Any:
        if Path(path) == place.path:
            place.done.append("read")
            place.broken("read")
        return scan(path)

    scan = os.scandir
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "link", noted("create", os.link, 1))
        patch.setattr(os, "replace", noted("replace", os.replace, 1))
        patch.setattr(os, "unlink", noted("delete", os.unlink, 0))
        patch.setattr(os, "scandir", listed)
        yield place


class Timed(Proxy):
    """The server's clock is the story's."""

    place: OnServer

    def _answer(self, exchange: Exchange) -> Answer:
        if exchange.method in ("PUT", "DELETE"):
            self.place.about_to_write()
        answer = super()._answer(exchange)
        if "Date" in answer.headers:
            answer.headers["Date"] = formatdate(self.place.clock.now + self.place.clock.skew, usegmt=True)
        return answer


class OnServer(Texts):
    """A calendar of its own on a real server, seen through a proxy."""

    kind = "caldav"

    def __init__(self, clock: Clock, server: servers.Server, proxy: Proxy) -> None:
        super().__init__(clock)
        self.server, self.proxy = server, proxy
        self.calendar = Calendar(server, proxy, server.calendar())

    def options(self, folder: Path) -> str:
        said = [f"url: '{self.calendar.url}'"]
        if self.server.password is not None:
            secret = folder / "password"
            secret.touch(0o600)
            secret.write_text(self.server.password)
            said += [f"username: {self.server.username}", "password: {file: password}"]
        if self.server.kind == "xandikos":
            said.append("connections: 1")  # it answers 423 to one of two who write at the same time
        return ", ".join(said)

    def texts(self) -> dict[str, str]:
        status, _, body = self.server.request(
            "REPORT", self.calendar.path, QUERY, Depth="1", Content_Type="application/xml"
        )  # fmt: skip
        assert status == 207, body
        found = {}
        for response in fromstring(body).iter("{DAV:}response"):
            ref = (response.findtext("{DAV:}href") or "").rpartition("/")[2]
            found[ref] = response.findtext(".//{urn:ietf:params:xml:ns:caldav}calendar-data") or ""
        return found

    def get(self, ref: str) -> str:
        return self.calendar.get(ref)

    def put(self, ref: str, text: str) -> None:
        self.calendar.put(ref, text)

    def remove(self, ref: str) -> None:
        self.calendar.delete(ref)

    def calls(self) -> list[str]:
        return [_word(exchange) for exchange in self.proxy.journal]

    def forget(self) -> None:
        self.proxy.journal.clear()


def _word(exchange: Exchange) -> str:
    if exchange.method == "PUT":
        return "create" if "If-None-Match" in exchange.headers else "replace"
    return "delete" if exchange.method == "DELETE" else "read"


@contextmanager
def on_server(clock: Clock, server: servers.Server) -> Iterator[OnServer]:
    with Timed(server.url) as proxy:
        proxy.place = OnServer(clock, server, proxy)
        yield proxy.place
