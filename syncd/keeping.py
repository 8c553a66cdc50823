"""Writes our event into the iCalendar object as it stands: what is ours to say is said anew, what others added stays.

By lines and not by values, so that what no parser knows, or would write in another way, is kept as it is. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass, field

MARKER = "X-SYNCD-MARKER"
OURS = frozenset({
    b"UID", b"DTSTAMP", b"DTSTART", b"DTEND", b"DURATION", b"RRULE", b"RDATE", b"EXDATE", b"EXRULE", b"RECURRENCE-ID",
    b"SUMMARY", MARKER.encode(),
})  # fmt: skip
"""When, who, and whose: what a replace says, whatever stands there."""
NOISE = frozenset((b"CREATED", b"LAST-MODIFIED", b"SEQUENCE"))
"""What programs count by themselves: no human's work."""
FOLD = 75
"""Octets of a line (RFC 5545, 3.1)."""


@dataclass(eq=False)
class _Part:
    """A component: its lines, unfolded, and the components in it, in their order."""

    name: bytes
    items: list[bytes | _Part] = field(default_factory=list)

    def parts(self, name: bytes) -> Iterator[_Part]:
        """All of that name, however deep."""
        for one in self.items:
            if isinstance(one, _Part):
                if one.name == name:
                    yield one
                yield from one.parts(name)

    def value(self, name: bytes) -> bytes | None:
        return next((_value(one) for one in self.items if isinstance(one, bytes) and _name(one) == name), None)


def rewritten(there: bytes, fresh: bytes, titles: Container[str]) -> tuple[bytes, bool]:
    """`fresh`, our event as we write it anew, with all that somebody else added `there`; and whether there is any of that.

    `titles`: what our alarms may have said so far; they then say the new one. An object that is no calendar is written anew.
    """
    ours, stands = _parsed(fresh), _parsed(there)
    mine = _principal(stands) if stands else None
    if mine is None or stands is None or ours is None:
        return fresh, False
    event = next(ours.parts(b"VEVENT"))
    alarm = next((one.value(b"DESCRIPTION") for one in event.parts(b"VALARM")), None)
    uid = mine.value(b"UID")
    mine.items = [
        *(one for one in event.items if isinstance(one, bytes) and _name(one) in OURS),
        *(one for one in mine.items if isinstance(one, _Part) or not (_name(one) in OURS or _cancels(one))),
    ]
    for one in mine.parts(b"VALARM"):
        if _text(one.value(b"DESCRIPTION") or b"") in titles:
            said = b"DESCRIPTION:" + (alarm or event.value(b"SUMMARY") or b"")
            one.items = [said if isinstance(line, bytes) and _name(line) == b"DESCRIPTION" else line for line in one.items]
    _without_exceptions(stands, mine, uid)
    if not _others(stands, ours):
        return fresh, False
    zones = {one.value(b"TZID") for one in stands.parts(b"VTIMEZONE")}
    calendar = next(one for one in stands.parts(b"VCALENDAR") if mine in one.items)
    calendar.items[calendar.items.index(mine) : calendar.items.index(mine)] = [
        one for one in ours.parts(b"VTIMEZONE") if one.value(b"TZID") not in zones
    ]
    return b"".join(_written(stands)), True


def _principal(stands: _Part) -> _Part | None:
    """The event with our marker, else the first that is no exception of another; only one that a calendar holds."""
    events = [one for calendar in stands.parts(b"VCALENDAR") for one in calendar.items if isinstance(one, _Part)]
    return min(
        (one for one in events if one.name == b"VEVENT"),
        key=lambda one: (one.value(MARKER.encode()) is None, one.value(b"RECURRENCE-ID") is not None),
        default=None,
    )


def _without_exceptions(stands: _Part, mine: _Part, uid: bytes | None) -> None:
    """It repeats no longer, so nothing of it can be an exception."""
    for calendar in stands.parts(b"VCALENDAR"):
        calendar.items = [
            one
            for one in calendar.items
            if isinstance(one, bytes)
            or one is mine
            or one.name != b"VEVENT"
            or one.value(b"RECURRENCE-ID") is None
            or one.value(b"UID") != uid
        ]


def _others(stands: _Part, ours: _Part) -> bool:
    """Whether anything but the calendar's own lines, zones and what programs count differs from what we would write."""
    return _said(stands) != _said(ours)


def _said(part: _Part) -> list[object]:
    found: list[object] = []
    for one in part.items:
        if isinstance(one, _Part):
            if one.name != b"VTIMEZONE":
                found.append((one.name, _said(one)))
        elif part.name not in (b"", b"VCALENDAR") and _name(one) not in NOISE:
            found.append((_head(one), _text(_value(one))))
    return sorted(found, key=repr)


def _cancels(line: bytes) -> bool:
    """A cancelled shift would be seen as none."""
    return _name(line) == b"STATUS" and _value(line).strip().upper() == b"CANCELLED"


# --- lines -------------------------------------------------------------------------------------


def _parsed(data: bytes) -> _Part | None:
    """All of an object; None where what begins does not end."""
    root = _Part(b"")
    open_ = [root]
    for line in re.split(rb"\r\n|\n|\r", re.sub(rb"(?:\r\n|\n|\r)[ \t]", b"", data.removeprefix(b"\xef\xbb\xbf"))):
        name, value = _name(line), _value(line).strip().upper()
        if name == b"BEGIN":
            part = _Part(value)
            open_[-1].items.append(part)
            open_.append(part)
        elif name == b"END":
            if len(open_) == 1 or open_.pop().name != value:
                return None
        elif line.strip():
            open_[-1].items.append(line)
    return root if len(open_) == 1 else None


def _written(part: _Part) -> Iterator[bytes]:
    for one in part.items:
        if isinstance(one, bytes):
            yield _folded(one)
        else:
            yield _folded(b"BEGIN:" + one.name)
            yield from _written(one)
            yield _folded(b"END:" + one.name)


def _folded(line: bytes) -> bytes:
    """Between characters: a program that unfolds after decoding must find them whole."""
    pieces = []
    while len(line) > FOLD:
        at = FOLD
        while at > 1 and line[at] & 0xC0 == 0x80:
            at -= 1
        pieces.append(line[:at])
        line = b" " + line[at:]
    return b"\r\n".join((*pieces, line, b""))


def _head(line: bytes) -> bytes:
    """Name and parameters: up to the first colon that no quotation holds."""
    found = re.match(rb'(?:[^:"]|"[^"]*")*', line)
    return found[0] if found else b""


def _name(line: bytes) -> bytes:
    return _head(line).partition(b";")[0].strip().upper()


def _value(line: bytes) -> bytes:
    return line[len(_head(line)) + 1 :]


def _text(value: bytes) -> str:
    """As it is meant, for comparing: servers escape in ways of their own."""
    return re.sub(r"\\(.)", lambda char: "\n" if char[1] in "nN" else char[1], value.decode("utf-8", "replace")).strip()
