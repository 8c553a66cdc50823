"""A shift as an event of Google's, and back. Pure: equal input gives equal events."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from syncd.connector import Operation, Site
from syncd.core.model import Instant, Shift
from syncd.event import CalendarOptions, description_of, same_words, title_of

KEY = "syncd"
PIECE = 1000
"""Characters of one private property: longer values are cut off without a word (G-10)."""

CHANGED = ("summary", "description", "start", "end", "extendedProperties")
"""What a replace says of an event; how it shows, reminds and is coloured is for people to change."""
ROUND = str.maketrans("<>", "()")

Event = Mapping[str, Any]


def body_of(shift: Shift, op: Operation, site: Site, options: CalendarOptions) -> dict[str, Any]:
    """Of a new event: free, nobody invited, no reminder unless asked for, and never a whole day."""
    alarms = [] if options.alarm is None else [{"method": "popup", "minutes": options.alarm}]
    return {
        "summary": title_of(shift, site, options.title),
        "description": description(shift, site),
        "start": _side(shift.start, options.zone),
        "end": _side(shift.end, options.zone),
        "transparency": "transparent",
        "reminders": {"useDefault": False, "overrides": alarms},
        "extendedProperties": {"private": properties_of(op.marker)},
    }


def change_of(
    shift: Shift, op: Operation, site: Site, options: CalendarOptions, old: str | None, there: Event | None
) -> dict[str, Any]:
    """What is ours to say of an event that stands: whatever it leaves out stays as it is (G-07).

    `old`: the marker that it bears. `there`: the event, where a human may have been at it; their description stays, and only
    what would contradict the times goes: that it is a whole day (null takes a key away), or repeats.
    """
    body = {name: value for name, value in body_of(shift, op, site, options).items() if name in CHANGED}
    private = body["extendedProperties"]["private"]
    private |= {key: None for key in properties_of(old or "") if key not in private}
    if there is None:
        return body
    if described(there, shift, site):
        del body["description"]
    for name in ("start", "end"):
        if isinstance(side := there.get(name), dict) and "date" in side:
            body[name] |= {"date": None}
    if there.get("recurrence"):
        body["recurrence"] = []
    return body


def described(event: Event, shift: Shift, site: Site) -> bool:
    """Whether it has another description than we would write: a human's."""
    return not same_words(description(shift, site), str(event.get("description") or ""), page=True)


def wording(shift: Shift, site: Site, options: CalendarOptions) -> str:
    """All that a human would read in the event: the title, then the description."""
    return f"{title_of(shift, site, options.title)}\n{description(shift, site)}"


def description(shift: Shift, site: Site) -> str:
    """Google takes a description for HTML: what stands in angle brackets, an address for instance, would not be seen."""
    return description_of(shift, site).translate(ROUND)


def _side(at: Instant, zone: str | None) -> dict[str, str]:
    """With its offset always, so that no hour is ambiguous (G-17)."""
    if zone is None:
        return {"dateTime": utc(at)}
    return {"dateTime": datetime.fromtimestamp(at, ZoneInfo(zone)).isoformat(), "timeZone": zone}


def properties_of(marker: str) -> dict[str, str]:
    """`marker` in pieces that are kept whole (G-10): `syncd`, `syncd2`, …"""
    size = PIECE if marker.isascii() else PIECE // 4
    pieces = [marker[at : at + size] for at in range(0, len(marker), size)]
    return {f"{KEY}{number if number > 1 else ''}": piece for number, piece in enumerate(pieces, 1)}


def marker_of(event: Event) -> str | None:
    properties = event.get("extendedProperties")
    private = properties.get("private") if isinstance(properties, dict) else None
    if not isinstance(private, dict) or not isinstance(private.get(KEY), str):
        return None
    marker: str = private[KEY]
    number = 2
    while isinstance(piece := private.get(f"{KEY}{number}"), str):
        marker += piece
        number += 1
    return marker


def times_of(event: Event, zone: str) -> tuple[Instant, Instant] | None:
    """Start and end; a whole day is one of `zone` (the schedule's), its end exclusive, each with its own date's offset (F21)."""
    try:
        start = _instant(event["start"], zone)
        return start, max(start, _instant(event.get("end") or event["start"], zone))
    except (KeyError, TypeError, ValueError, OverflowError, OSError, AttributeError):
        return None


def _instant(side: Mapping[str, str], zone: str) -> Instant:
    at = datetime.fromisoformat(side.get("dateTime") or side["date"])
    if at.tzinfo is None:
        at = at.replace(tzinfo=ZoneInfo(side.get("timeZone") or zone))
    return int((at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())


def utc(at: Instant) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
