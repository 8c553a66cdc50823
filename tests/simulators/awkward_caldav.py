"""A CalDAV server on loopback with one calendar in memory, and a switch for every odd habit that real servers have.

Without quirks it does what RFC 4791 and 4918 ask for. `Quirk` names the habits; `Hand` is a human at another client.
"""

from __future__ import annotations

import hashlib
import re
import threading
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from time import sleep
from typing import Any, NamedTuple, Self
from urllib.parse import quote, unquote, urlsplit
from xml.etree.ElementTree import Element, SubElement, tostring

from defusedxml.ElementTree import fromstring

from tests.simulators.awkward_text import folded, instant, said, split_event, unfolded

DAV, CAL = "{DAV:}", "{urn:ietf:params:xml:ns:caldav}"
SLOW = 0.02
"""Seconds that a slow server takes for every answer."""


class Quirk(StrEnum):
    CREATES_OVER = "ignores If-None-Match"
    PUTS_BLINDLY = "ignores If-Match on PUT"
    DELETES_BLINDLY = "ignores If-Match on DELETE"
    NEW_ETAG_ALWAYS = "changes the ETag of an identical PUT"
    NO_ETAG_ON_PUT = "gives no ETag on PUT"
    WEAK_ETAGS = "weak ETags"
    DELETE_200 = "answers DELETE with 200"
    WIDE_RANGE = "lists what ends where the range starts"
    ALL_RANGES = "takes no notice of the time range"
    REFORMATS = "folds and reorders"
    DROPS_UNKNOWN = "drops properties it does not know"
    LOWER_CASE = "lower-cases names it does not know"
    ESCAPED_HREFS = "returns @ as %40"
    ABSOLUTE_HREFS = "returns whole addresses"
    UID_409 = "refuses a second UID with 409"
    UID_412 = "refuses a second UID with 412"
    UID_403 = "refuses a second UID with 403"
    UIDS_STAY_TAKEN = "a deleted UID stays taken"
    ZONES_OFF = "finds zoned events an offset away"
    LISTS_GONE = "lists what is gone, and answers for other properties with 404"
    SILENT_MULTIGET = "leaves out what is missing"
    STAMPS = "adds DTSTAMP, CREATED, LAST-MODIFIED and SEQUENCE"
    ADDS_ALARM = "adds an alarm"
    REWRITES_SUMMARY = "decomposes SUMMARY"
    SLOW = "slow"
    CLOCK_AHEAD = "an hour ahead"


class Object(NamedTuple):
    text: str
    etag: str
    changed: int
    """Rises with every change, by whosever hand."""


@dataclass
class Awkward:
    """`with Awkward(quirks) as there: there.url`. `objects` by name; change them through `hand` or under `lock` only."""

    quirks: frozenset[Quirk] = frozenset()
    clock: Callable[[], int] = lambda: 1_772_438_400
    path: str = "/cal/ana@example.org/shifts/"
    objects: dict[str, Object] = field(default_factory=dict)
    buried: dict[str, str] = field(default_factory=dict)
    """Name → UID of what was deleted."""
    calls: list[tuple[str, str, int]] = field(default_factory=list)
    """Method, path and status of every request."""
    watch: Callable[[], None] = lambda: None
    """Told after every change that a request made."""
    fault: Callable[[str], str | None] = lambda method: None
    """Asked for every request: "before" and "after" drop the connection then, "503" fails after the work."""
    lock: threading.RLock = field(default_factory=threading.RLock)
    _numbers: Any = field(default_factory=lambda: count(1))

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.there = self
        self.url = f"http://127.0.0.1:{self._server.server_port}{self.path}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def writes(self) -> list[tuple[str, str, int]]:
        return [call for call in self.calls if call[0] in ("PUT", "DELETE")]

    # --- a human's hand ---

    def put(self, name: str, text: str) -> None:
        """As another client writes it."""
        with self.lock:
            self.store(name, text)

    def edit(self, name: str, **lines: str) -> None:
        """Other values for properties of the event, whatever their parameters; "" takes one away, a new one is added."""
        with self.lock:
            text = unfolded(self.objects[name].text)
            for key, value in lines.items():
                line = f"{key.replace('_', '-')}:{value}\r\n" if value else ""
                pattern = re.compile(rf"^{key.replace('_', '-')}[;:].*\r\n", re.MULTILINE | re.IGNORECASE)
                head, event, tail = split_event(text)
                event, found = pattern.subn(lambda _, line=line: line, event, count=1)  # type: ignore[misc]
                text = head + (event if found else event.replace("BEGIN:VEVENT\r\n", f"BEGIN:VEVENT\r\n{line}", 1)) + tail
            self.store(name, text)

    def delete(self, name: str) -> None:
        with self.lock:
            gone = self.objects.pop(name)
            self.buried[name] = said(gone.text).uid

    def copy(self, name: str, to: str, *, uid: str) -> None:
        """The copy bears our properties too; clients give it a UID of its own."""
        self.put(to, re.sub(r"(?m)^UID:.*?\r\n", f"UID:{uid}\r\n", unfolded(self.objects[name].text), count=1))

    def rename(self, name: str, to: str) -> None:
        """Moved to another calendar and back: the same UID under another name."""
        with self.lock:
            self.objects[to] = self.objects.pop(name)

    def migrate(self) -> None:
        """Another machine serves the calendar now: all ETags are new, the contents are not."""
        with self.lock:
            self.objects = {name: one._replace(etag=f"m{next(self._numbers)}") for name, one in self.objects.items()}

    # --- what a server does ---

    def store(self, name: str, text: str) -> Object:
        number = next(self._numbers)
        text = self.rewritten(text)
        etag = f"n{number}" if Quirk.NEW_ETAG_ALWAYS in self.quirks else hashlib.sha256(text.encode()).hexdigest()[:16]
        self.objects[name] = Object(text, etag, number)
        return self.objects[name]

    def rewritten(self, text: str) -> str:
        head, event, tail = split_event(unfolded(text))
        lines = [line for line in event.split("\r\n") if line]
        own, inner = lines[1:-1], []
        if any(line.startswith("BEGIN:") for line in own):
            at = next(i for i, line in enumerate(own) if line.startswith("BEGIN:"))
            own, inner = own[:at], own[at:]
        if Quirk.DROPS_UNKNOWN in self.quirks:
            own = [line for line in own if not line.upper().startswith("X-")]
        if Quirk.LOWER_CASE in self.quirks:
            own = [re.sub(r"^X-[^:;]*", lambda m: m[0].lower(), line) for line in own]
        if Quirk.REWRITES_SUMMARY in self.quirks:
            own = [unicodedata.normalize("NFD", line) + " " if line.startswith("SUMMARY") else line for line in own]
        if Quirk.STAMPS in self.quirks:
            own = [line for line in own if not re.match("DTSTAMP|CREATED|LAST-MODIFIED|SEQUENCE", line)]
            stamp = datetime.fromtimestamp(self.clock(), UTC).strftime("%Y%m%dT%H%M%SZ")
            own += [f"DTSTAMP:{stamp}", f"CREATED:{stamp}", f"LAST-MODIFIED:{stamp}", "SEQUENCE:3"]
        if Quirk.ADDS_ALARM in self.quirks and not inner:
            inner = ["BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:soon", "TRIGGER:-PT10M", "END:VALARM"]
        if Quirk.REFORMATS in self.quirks:
            own.sort()
        text = head + "\r\n".join([lines[0], *own, *inner, lines[-1], ""]) + tail
        return folded(text) if Quirk.REFORMATS in self.quirks else text

    def etag(self, name: str) -> str:
        return f'{"W/" if Quirk.WEAK_ETAGS in self.quirks else ""}"{self.objects[name].etag}"'

    def href(self, name: str) -> str:
        path = quote(self.path + name, safe="/" if Quirk.ESCAPED_HREFS in self.quirks else "/@")
        return self.url.removesuffix(self.path) + path if Quirk.ABSOLUTE_HREFS in self.quirks else path

    def matches(self, headers: Mapping[str, str], name: str, quirk: Quirk) -> bool:
        given = headers.get("If-Match")
        if given is None or quirk in self.quirks:
            return True
        return name in self.objects and not given.startswith("W/") and given == self.etag(name)

    def lists(self, text: str, start: int, end: int) -> bool:
        if Quirk.ALL_RANGES in self.quirks:
            return True
        what = said(text, wall=Quirk.ZONES_OFF in self.quirks)
        if "RRULE" in text:
            return what.start < end
        return what.start < end and (what.end > start or (Quirk.WIDE_RANGE in self.quirks and what.end == start))


# --- HTTP ------------------------------------------------------------------------------------


class _Server(ThreadingHTTPServer):
    there: Awkward
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def log_message(self, *_: object) -> None:
        pass

    def date_time_string(self, timestamp: float | None = None) -> str:
        there = self.server.there
        return formatdate(there.clock() + 3600 * (Quirk.CLOCK_AHEAD in there.quirks), usegmt=True)

    def _serve(self) -> None:
        there, method = self.server.there, self.command
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if Quirk.SLOW in there.quirks:
            sleep(SLOW)
        with there.lock:
            fault = there.fault(method)
            if fault == "before":
                self.close_connection = True
                return
            status, headers, answer = _Answer(there, dict(self.headers.items()), self.path).to(method, body)
            there.calls.append((method, self.path, status))
            if method in ("PUT", "DELETE"):
                there.watch()
        if fault == "after":
            self.close_connection = True
            return
        if fault == "503":
            status, headers, answer = 503, {}, b""
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(answer))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_PUT = do_DELETE = do_REPORT = do_PROPFIND = do_OPTIONS = _serve  # noqa: N815


Reply = tuple[int, dict[str, str], bytes]


@dataclass
class _Answer:
    there: Awkward
    headers: Mapping[str, str]
    target: str

    def to(self, method: str, body: bytes) -> Reply:
        path = unquote(urlsplit(self.target).path)
        here = self.there.path
        name = path.removeprefix(here)
        if not path.startswith(here) or "/" in name:
            return 404, {}, b""
        if not name:
            whole = {"PROPFIND": self.propfind, "REPORT": self.report}
            return whole[method](body) if method in whole else (405, {}, b"")
        one = {"PUT": self.put, "DELETE": self.delete, "GET": self.get}
        return one[method](name, body) if method in one else (405, {}, b"")

    def get(self, name: str, _: bytes) -> Reply:
        if name not in self.there.objects:
            return 404, {}, b""
        headers = {"ETag": self.there.etag(name), "Content-Type": "text/calendar; charset=utf-8"}
        return 200, headers, self.there.objects[name].text.encode()

    def put(self, name: str, body: bytes) -> Reply:
        there, quirks = self.there, self.there.quirks
        if self.headers.get("If-None-Match") == "*" and name in there.objects and Quirk.CREATES_OVER not in quirks:
            return 412, {}, b""
        if not there.matches(self.headers, name, Quirk.PUTS_BLINDLY):
            return 412, {}, b""
        text = body.decode()
        uid = said(text).uid
        others = {said(one.text).uid for other, one in there.objects.items() if other != name}
        if Quirk.UIDS_STAY_TAKEN in quirks and name not in there.objects:
            others |= set(there.buried.values())
        if uid in others and (status := self._twice()):
            return status, {}, b'<error xmlns="DAV:"><C:no-uid-conflict xmlns:C="urn:ietf:params:xml:ns:caldav"/></error>'
        new = name not in there.objects
        there.store(name, text)
        there.buried.pop(name, None)
        return 201 if new else 204, {} if Quirk.NO_ETAG_ON_PUT in quirks else {"ETag": there.etag(name)}, b""

    def _twice(self) -> int:
        quirks = self.there.quirks
        if Quirk.UID_403 in quirks:
            return 403
        if Quirk.UID_412 in quirks:
            return 412
        return 409 if quirks & {Quirk.UID_409, Quirk.UIDS_STAY_TAKEN} else 0

    def delete(self, name: str, _: bytes) -> Reply:
        if name not in self.there.objects:
            return 404, {}, b""
        if not self.there.matches(self.headers, name, Quirk.DELETES_BLINDLY):
            return 412, {}, b""
        self.there.delete(name)
        return (200, {"Content-Type": "text/plain"}, b"gone") if Quirk.DELETE_200 in self.there.quirks else (204, {}, b"")

    def propfind(self, _: bytes) -> Reply:
        root = Element(f"{DAV}multistatus")
        _entry(root, self.there.href(""), {f"{DAV}resourcetype": [f"{DAV}collection", f"{CAL}calendar"]})
        if self.headers.get("Depth") == "1":
            for name in self.there.objects:
                _entry(root, self.there.href(name), {f"{DAV}getetag": self.there.etag(name)})
        return _multistatus(root)

    def report(self, body: bytes) -> Reply:
        asked = fromstring(body)
        root = Element(f"{DAV}multistatus")
        if asked.tag == f"{CAL}calendar-query":
            self._query(root, asked)
        elif asked.tag == f"{CAL}calendar-multiget":
            self._multiget(root, [href.text or "" for href in asked.iter(f"{DAV}href")])
        else:
            return 403, {}, b'<error xmlns="DAV:"><supported-report/></error>'
        return _multistatus(root)

    def _query(self, root: Element, asked: Element) -> None:
        between = next(iter(asked.iter(f"{CAL}time-range")))
        start, end = (instant("", between.attrib[key], wall=True) for key in ("start", "end"))
        gone = Quirk.LISTS_GONE in self.there.quirks
        for name, one in self.there.objects.items():
            if self.there.lists(one.text, start, end):
                missing: Iterable[str] = (f"{DAV}displayname",) if gone else ()
                _entry(root, self.there.href(name), {f"{DAV}getetag": self.there.etag(name)}, missing)
        for name in self.there.buried if gone else ():
            _entry(root, self.there.href(name), {}, status=404)

    def _multiget(self, root: Element, hrefs: list[str]) -> None:
        for href in hrefs:
            name = unquote(urlsplit(href).path).removeprefix(self.there.path)
            if name in self.there.objects:
                found = {f"{DAV}getetag": self.there.etag(name), f"{CAL}calendar-data": self.there.objects[name].text}
                _entry(root, self.there.href(name), found)
            elif Quirk.SILENT_MULTIGET not in self.there.quirks:
                _entry(root, self.there.href(name), {}, status=404)


def _multistatus(root: Element) -> Reply:
    return 207, {"Content-Type": "application/xml; charset=utf-8"}, tostring(root, encoding="utf-8", xml_declaration=True)


def _entry(root: Element, href: str, found: Mapping[str, Any], missing: Iterable[str] = (), status: int = 0) -> None:
    response = SubElement(root, f"{DAV}response")
    SubElement(response, f"{DAV}href").text = href
    if status:
        SubElement(response, f"{DAV}status").text = f"HTTP/1.1 {status} Not Found"
        return
    for state, properties in (("200 OK", found), ("404 Not Found", dict.fromkeys(missing, ""))):
        if properties:
            one = SubElement(response, f"{DAV}propstat")
            prop = SubElement(one, f"{DAV}prop")
            SubElement(one, f"{DAV}status").text = f"HTTP/1.1 {state}"
            for tag, value in properties.items():
                element = SubElement(prop, tag)
                if isinstance(value, str):
                    element.text = value
                else:
                    for child in value:
                        SubElement(element, child)
