"""What the answers to a look say: the objects that a server lists, their contents, and which of them need no second reading."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from connectors.caldav_wire import Wire, failure
from connectors.caldav_xml import CAL, DAV, Part, multiget, multistatus, same_etag, same_path
from syncd.connector import Unavailable
from syncd.core.model import Instant, Window

AT_ONCE = 1_000
"""Objects fetched in one multiget."""


class Listed(NamedTuple):
    href: str
    """As the server wrote it."""
    etag: str


def list_of(parts: Iterable[Part], url: str) -> dict[str, Listed]:
    """The objects by ref; the calendar itself, which some servers list too, is none."""
    here = same_path(urlsplit(url).path).rstrip("/")
    listed: dict[str, Listed] = {}
    for part in parts:
        path = same_path(part.href)
        if path.endswith(("/", "/.", "/..")) or path == here or part.status in (404, 410):
            continue
        if part.status != 200:
            raise Unavailable(f"the server cannot tell about {part.href[:200]} ({part.status})")
        listed[path.rpartition("/")[2]] = Listed(part.href, part.text(f"{DAV}getetag"))
    return listed


def contents(
    wire: Wire, url: str, wanted: Mapping[str, str], listed: Mapping[str, Listed]
) -> list[tuple[str, str | None, bytes]]:
    """Name, etag and content of all `wanted` that stand; the others were looked for by themselves (W11)."""
    objects: list[tuple[str, str | None, bytes]] = []
    refs = sorted(wanted)
    for at in range(0, len(refs), AT_ONCE):
        asked = set(refs[at : at + AT_ONCE])
        answer = wire.call("REPORT", url, multiget(wanted[ref] for ref in sorted(asked)), Depth="1")
        if answer.status != 207:
            raise failure(answer, "reading entries of the calendar", writing=False)
        for part in multistatus(answer.body):
            ref = same_path(part.href).rpartition("/")[2]
            if ref not in asked:
                continue
            asked.remove(ref)
            if part.status in (404, 410):
                continue
            if part.status != 200:
                raise Unavailable(f"the server cannot tell about {part.href[:200]} ({part.status})")
            etag = part.text(f"{DAV}getetag") or (listed[ref].etag if ref in listed else "")
            objects.append((ref, etag or None, part.text(f"{CAL}calendar-data").encode("utf-8", "replace")))
        for ref in sorted(asked):  # left out without a word: a point read decides
            if (one := point(wire, url, ref)) is not None:
                objects.append((ref, *one))
    return objects


def point(wire: Wire, url: str, ref: str) -> tuple[str | None, bytes] | None:
    """Etag and content of one object, None where it is gone."""
    answer = wire.call("GET", url + ref)
    if answer.status in (404, 410):
        return None
    if answer.status != 200 or answer.html:
        raise failure(answer, f"reading {ref}", writing=False)
    return answer.headers.get("etag"), answer.body


def still_outside(line: str, listed: Listed | None, window: Window) -> bool:
    """What was outside is so still: the same object, and not in this window either."""
    _, etag, start, end = line.split(" ")
    if listed is None or quote(same_etag(listed.etag), safe="") != etag:
        return False
    at: tuple[Instant, Instant] = int(start), int(end)
    return not (at[0] < window.end and window.start < max(at[1], at[0] + 1))
