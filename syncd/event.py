"""A shift as a calendar keeps it, and back: the iCalendar object that every calendar connector shares.

Nothing read from a calendar makes a look fail. Pure: equal input gives equal bytes, so that an entry nobody touched is
never written again (F18, F22, MERGE 26).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from syncd.connector import Entry, Operation, Site
from syncd.core.model import DAY, Instant, Shift, Window
from syncd.keeping import MARKER, rewritten
from syncd.title import Names, description_of, recognise, same_words, template_problem, tidy, title_of

if TYPE_CHECKING:
    from icalendar import Timezone

__all__ = [
    "MARKER", "CalendarOptions", "Event", "Names", "description_of", "entries_of", "entry_of", "from_ical", "into", "principal",
    "recognise", "same_words", "tidy", "title_of", "to_ical", "touches", "wording",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class CalendarOptions:
    """What every calendar takes under `options:`. `alarm` is in minutes before the start; None: no alarm at all."""

    title: str = "{person}: {role}"
    zone: str | None = None
    alarm: int | None = None

    def __post_init__(self) -> None:
        if problem := template_problem(self.title):
            raise ValueError(f"title: {problem}")
        if self.zone is not None:
            try:
                ZoneInfo(self.zone)
            except (KeyError, OSError, ValueError) as cause:
                raise ValueError(f"zone: {self.zone!r} is not a time zone; write for instance Europe/Berlin") from cause
        if self.alarm is not None and not 0 <= self.alarm <= 40_320:
            raise ValueError("alarm: minutes before the start, from 0 to 40320 (four weeks)")


def entry_of(
    shift: Shift, op: Operation, site: Site, options: CalendarOptions, names: Names, *, ref: str, version: str | None
) -> Entry:
    """The entry that was just written: what a look at it would say."""
    title = title_of(shift, site, options.title)
    return Entry(
        ref=ref,
        uid=op.uid,
        start=shift.start,
        end=shift.end,
        person=names.person(title),
        title=title,
        version=version,
        marker=op.marker,
    )


def wording(shift: Shift, site: Site, options: CalendarOptions) -> str:
    """All that a human would read in the event: the title, then the description."""
    return f"{title_of(shift, site, options.title)}\n{description_of(shift, site)}"


# --- VEVENT ------------------------------------------------------------------------------------


class Event(NamedTuple):
    """What an iCalendar object says of one event; of a recurring one its first instance (F35: nothing is expanded)."""

    uid: str
    start: Instant
    end: Instant
    title: str
    marker: str | None = None
    cancelled: bool = False
    master: bool = True
    """False: an exception of a recurring event."""


def to_ical(shift: Shift, op: Operation, site: Site, options: CalendarOptions) -> bytes:
    """The object to store: never all-day, free, nobody invited, no alarm unless asked; UTC unless `zone` is set."""
    from icalendar import Alarm, Calendar, Event, vText

    event = Event()
    event.add("uid", op.uid)
    event.add("dtstamp", datetime.fromtimestamp(shift.start, UTC))  # not the clock: equal input, equal bytes (MERGE 26)
    zoned = options.zone is not None and not any(_ambiguous(at, options.zone) for at in (shift.start, shift.end))
    zone = ZoneInfo(options.zone) if options.zone is not None and zoned else UTC
    event.add("dtstart", datetime.fromtimestamp(shift.start, zone))
    event.add("dtend", datetime.fromtimestamp(shift.end, zone))
    title = title_of(shift, site, options.title)
    event.add("summary", title)
    event.add("description", description_of(shift, site))
    event.add("transp", "TRANSPARENT")
    event.add(MARKER, vText(op.marker))
    if options.alarm is not None:
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", title)
        alarm.add("trigger", timedelta(minutes=-options.alarm))
        event.add_component(alarm)
    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", "-//syncd//syncd//EN")
    if options.zone is not None and zoned:
        calendar.add_component(_timezone(options.zone))
    calendar.add_component(event)
    return bytes(calendar.to_ical())


def into(there: bytes, shift: Shift, op: Operation, site: Site, options: CalendarOptions) -> tuple[bytes, bool]:
    """The object to store in place of `there`, with what others added to it; and whether there is any of that.

    Nothing of theirs can be in what stands as our last write left it (`op.untouched`), or in nothing.
    """
    fresh = to_ical(shift, op, site, options)
    if op.untouched or not there:
        return fresh, False
    titles = {title_of(shift._replace(person=person), site, options.title) for person in (shift.person, *site.people)}
    return rewritten(there, fresh, titles)


def _ambiguous(at: Instant, zone: str) -> bool:
    """The second 01:30 of a night that has two cannot be said with a TZID (RFC 5545, 3.3.5): such a shift is written in UTC."""
    return datetime.fromtimestamp(at, ZoneInfo(zone)).fold == 1


@lru_cache(maxsize=16)
def _timezone(zone: str) -> Timezone:
    from icalendar import Timezone

    return Timezone.from_tzid(zone)


def from_ical(data: bytes, zone: str = "UTC") -> tuple[Event, ...]:
    """The events of an object, whoever wrote it; () where nothing can be made of it.

    Days and floating times are of `zone` (the schedule's), a day's end is exclusive, each with the offset of its own date (F21).
    """
    from icalendar import Calendar

    try:
        calendars = Calendar.from_ical(data, multiple=True)
        events = [_event(part, ZoneInfo(zone)) for calendar in calendars for part in calendar.walk("VEVENT")]
        found = tuple(event for event in events if event is not None)
    except Exception:  # whatever a stranger's object does to the parser, the look goes on without it (F35)
        found = ()
    return found or tuple(_scan(data, ZoneInfo(zone)))


def principal(events: Iterable[Event]) -> Event | None:
    """The event that stands for its object: the one with our marker, else the first that is no exception of another."""
    return min(events, key=lambda event: (event.marker is None, not event.master), default=None)


def entries_of(
    objects: Iterable[tuple[str, str | None, bytes]],
    *,
    names: Names,
    zone: str,
    window: Window,
    known: Container[str],
    stem: Callable[[str], str],
    standing: Container[str],
) -> Iterator[Entry]:
    """What the fetched `objects` (ref, version, content) say, wherever they are; see `touches`.

    `stem` is the part of a ref that we name after the uid, `standing` all stems there are: of two objects with one UID the
    one named so is the original, and a copy goes by its own name, so that no marker fits it (F16).
    A known object of which nothing can be read is an entry without person or time, which is then put right.
    """
    claimed: set[str] = set()
    for ref, version, data in sorted(objects):
        event = principal(from_ical(data, zone))
        if event is None:
            if ref in known:
                yield Entry(ref=ref, uid=stem(ref), start=window.start, end=window.start, person=None, version=version)
            continue
        original = event.uid == stem(ref) or not (event.uid in standing or event.uid in claimed)
        claimed.add(event.uid)
        yield Entry(
            ref=ref,
            uid=event.uid if original and event.uid else stem(ref),
            start=event.start,
            end=event.end,
            person=None if event.cancelled else names.person(event.title),
            title=event.title,
            version=version,
            marker=event.marker,
        )


def touches(entry: Entry, window: Window) -> bool:
    """They share an instant."""
    return entry.start < window.end and window.start < max(entry.end, entry.start + 1)


def _event(part: Any, zone: ZoneInfo) -> Event | None:
    try:
        start = _first(part, "DTSTART")
        if start is None:
            return None
        begin = _instant(start.dt, zone)
        marker = _first(part, MARKER)
        return Event(
            uid=str(_first(part, "UID") or ""),
            start=begin,
            end=max(begin, _end(part, start.dt, begin, zone)),
            title=tidy(str(_first(part, "SUMMARY") or "")),
            marker=None if marker is None else _unescape(str(marker)),
            cancelled=str(_first(part, "STATUS") or "").upper() == "CANCELLED",
            master=part.get("RECURRENCE-ID") is None,
        )
    except Exception:  # isolated like the whole object: its neighbours are still read
        return None


def _first(part: Any, name: str) -> Any:
    """Of a property that stands there twice, the first."""
    value = part.get(name)
    return value[0] if isinstance(value, list) else value


def _unescape(text: str) -> str:
    """Of properties that it does not know the parser keeps the escapes."""
    return re.sub(r"\\(.)", lambda char: "\n" if char[1] in "nN" else char[1], text)


def _end(part: Any, start: date, begin: Instant, zone: ZoneInfo) -> Instant:
    if (end := _first(part, "DTEND")) is not None:
        return _instant(end.dt, zone)
    if (length := _first(part, "DURATION")) is not None:
        return begin + int(length.dt.total_seconds())
    return begin if isinstance(start, datetime) else _instant(start + timedelta(days=1), zone)


def _instant(at: date, zone: ZoneInfo) -> Instant:
    if not isinstance(at, datetime):
        at = datetime(at.year, at.month, at.day, tzinfo=zone)
    if at.tzinfo is None:
        at = at.replace(tzinfo=zone)
    return int((at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())


_LINE = re.compile(rb"^(UID|DTSTART|DTEND|SUMMARY|X-SYNCD-MARKER)(?:;([^:\r\n]*))?:([^\r\n]*)", re.MULTILINE | re.IGNORECASE)


def _scan(data: bytes, zone: ZoneInfo) -> Iterator[Event]:
    """What can still be read of an object that no parser takes: of ours, that is better than nothing (F35)."""
    text = re.sub(rb"\r?\n[ \t]", b"", data[:1_000_000])
    lines: dict[bytes, tuple[bytes, str]] = {}
    for name, params, value in _LINE.findall(text):
        lines.setdefault(name.upper(), (params, value.decode("utf-8", "replace").strip()))
    start = _stamp(*lines.get(b"DTSTART", (b"", "")), zone)
    if start is None or b"BEGIN:VEVENT" not in text.upper():
        return
    end = _stamp(*lines.get(b"DTEND", (b"", "")), zone)
    marker = lines.get(MARKER.encode())
    yield Event(
        uid=lines.get(b"UID", (b"", ""))[1],
        start=start,
        end=max(start, start + (DAY if end is None else end - start)),
        title=tidy(lines.get(b"SUMMARY", (b"", ""))[1]),
        marker=_unescape(marker[1]) if marker else None,
    )


def _stamp(params: bytes, value: str, zone: ZoneInfo) -> Instant | None:
    if tzid := re.search(rb'TZID="?([^;"]+)', params, re.IGNORECASE):
        with suppress(KeyError, OSError, ValueError):
            zone = ZoneInfo(tzid[1].decode("ascii"))
    for form in ("%Y%m%dT%H%M%SZ", "%Y%m%dT%H%M%S", "%Y%m%d"):
        try:
            at = datetime.strptime(value, form)  # noqa: DTZ007 - the zone is added in the next line
        except ValueError:
            continue
        return _instant(at.replace(tzinfo=UTC if form.endswith("Z") else zone), zone)
    return None
