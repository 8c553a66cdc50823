"""The XML of CalDAV: what is asked, and what a server's multistatus says, within limits (F34, F36)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, unquote_to_bytes, urlsplit

from syncd.connector import Unavailable
from syncd.core.model import Window

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

MOST_ENTRIES = 10_000
DEEPEST = 32

DAV = "{DAV:}"
CAL = "{urn:ietf:params:xml:ns:caldav}"
_HEAD = '<?xml version="1.0" encoding="utf-8"?>\n'
_NAMES = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'


class TooMany(Unavailable):
    """There is more than a list can hold; a narrower one may do."""


class Part(NamedTuple):
    """One answer of a multistatus: of one resource, its status and the properties that were found (tag → element)."""

    href: str
    status: int
    found: dict[str, Element]

    def text(self, tag: str) -> str:
        element = self.found.get(tag)
        return "" if element is None else (element.text or "").strip()


def query(window: Window) -> bytes:
    """The etags of all events that touch `window`."""
    start, end = (datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%SZ") for at in window)
    return (
        f'{_HEAD}<C:calendar-query {_NAMES}><D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name="VCALENDAR">'
        f'<C:comp-filter name="VEVENT"><C:time-range start="{start}" end="{end}"/></C:comp-filter></C:comp-filter></C:filter>'
        "</C:calendar-query>"
    ).encode()


def multiget(hrefs: Iterable[str]) -> bytes:
    """Etag and content of each of `hrefs`."""
    named = "".join(f"<D:href>{_escaped(href)}</D:href>" for href in hrefs)
    props = "<D:prop><D:getetag/><C:calendar-data/></D:prop>"
    return f"{_HEAD}<C:calendar-multiget {_NAMES}>{props}{named}</C:calendar-multiget>".encode()


def properties(*names: str) -> bytes:
    """A PROPFIND for properties written as `D:getetag` or `C:calendar-home-set`."""
    return f"{_HEAD}<D:propfind {_NAMES}><D:prop>{''.join(f'<{name}/>' for name in names)}</D:prop></D:propfind>".encode()


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def parse(data: bytes) -> Element:
    """The root of a document without DTD, of bounded depth and number of entries. Raises `Unavailable` for anything else."""
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import XMLParser

    try:
        parser = XMLParser(target=_bounded(), forbid_dtd=True)
        parser.feed(data)
        root: Element = parser.close()
    except _Entries as cause:
        raise TooMany(f"the server lists more than {MOST_ENTRIES} entries; give syncd a calendar of its own") from cause
    except (ParseError, DefusedXmlException, ValueError, LookupError) as cause:
        raise Unavailable("the server's answer is not XML that can be taken; is this the address of a CalDAV server?") from cause
    return root


class _Entries(Exception):
    pass


def _bounded() -> object:
    from xml.etree.ElementTree import TreeBuilder

    class Bounded(TreeBuilder):
        """Counts while it builds: a bomb is noticed before it is a tree."""

        depth = 0
        entries = 0

        def start(self, tag: str, attrs: dict[str, str], /) -> Element:
            self.depth += 1
            self.entries += tag == f"{DAV}response"
            if self.depth > DEEPEST:
                raise ValueError("too deep")
            if self.entries > MOST_ENTRIES:
                raise _Entries
            return super().start(tag, attrs)

        def end(self, tag: str, /) -> Element:
            self.depth -= 1
            return super().end(tag)

    return Bounded()


def multistatus(data: bytes) -> list[Part]:
    """The answers of a 207. A list that the server cut (507) is no list: `Unavailable`."""
    root = parse(data)
    if root.tag != f"{DAV}multistatus":
        raise Unavailable("the server's answer is no list of calendar entries; is this the address of a CalDAV calendar?")
    parts = list(_parts(root))
    if any(part.status == 507 for part in parts):
        raise TooMany("the server left out a part of its list (507); give syncd a calendar of its own")
    return parts


def _parts(root: Element) -> Iterator[Part]:
    for response in root.iter(f"{DAV}response"):
        found: dict[str, Element] = {}
        status = _status(response.find(f"{DAV}status"), 0)
        for propstat in response.findall(f"{DAV}propstat"):
            one = _status(propstat.find(f"{DAV}status"), 200)
            if one == 200:
                found |= {element.tag: element for prop in propstat.findall(f"{DAV}prop") for element in prop}
            elif not found and not status:
                status = one
        hrefs = [(href.text or "").strip() for href in response.findall(f"{DAV}href")]
        for href in hrefs:
            yield Part(href, 200 if found else status or 200, found)


def _status(element: Element | None, default: int) -> int:
    words = (element.text or "").split() if element is not None else []
    return int(words[1]) if len(words) > 1 and words[1].isdecimal() else default


def names(data: bytes, ref: str) -> bool:
    """Whether an answer is the server's own word about that object: some answer a deletion with 200 and a list of what went."""
    with suppress(Unavailable):
        return any(same_path(part.href).rsplit("/", 1)[-1] == ref for part in multistatus(data))
    return False


def conditions(data: bytes) -> set[str]:
    """The preconditions that an error names, without their namespace (`no-uid-conflict`)."""
    try:
        root = parse(data)
    except Unavailable:
        return set()
    return {element.tag.rpartition("}")[2] for element in root.iter() if isinstance(element.tag, str)} - {"error"}


def same_path(href: str) -> str:
    """A path as it is compared: servers write `@` as `%40` and the other way round, and some name the host too."""
    path = urlsplit(href).path if "://" in href else href.partition("?")[0]
    return "/".join(quote(unquote_to_bytes(segment), safe="~!$&'()*+,;=:@-._") for segment in path.split("/"))


def same_etag(etag: str) -> str:
    """An etag for comparing: without the mark of weakness and what compressing proxies add (`-gzip`)."""
    bare = etag.strip().removeprefix("W/").strip('"')
    return bare.removesuffix("-gzip").removesuffix(";gzip")


def quoted(etag: str) -> str:
    return etag if etag.startswith('"') else f'"{etag}"'


def strong(etag: str) -> bool:
    return bool(etag) and not etag.startswith("W/")
