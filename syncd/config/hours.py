"""Recurring hours: daily windows, weekly windows, masks of weekdays."""

from __future__ import annotations

import re

from syncd.config.document import Node
from syncd.config.forms import DAY, DAYS, MIDNIGHT, clock, whole_day
from syncd.config.problem import Report, Wrong, shown
from syncd.config.shape import Form, Key, Section, Shape, items_of, values_of
from syncd.core.model import DAY as A_DAY
from syncd.core.model import WEEK, Hours

EVERY_DAY = frozenset(range(7))
_REMEDY = 'write "18:00", or "mon 09:00" for a window of the week'
_WEEKLY = re.compile(r"(\S+) +(\S+)")


def _edge(node: Node, path: str, report: Report, *, end: bool) -> tuple[int | None, int]:
    """The weekday, None for a daily window, and the seconds after its midnight."""
    if node.kind != "text":
        raise Wrong("expected a time of day", _REMEDY)
    written = node.text.strip()
    match = _WEEKLY.fullmatch(written)
    day, time = (match[1], match[2]) if match else (None, written)
    seconds = clock(time)
    if seconds is None or (day is not None and day not in DAYS):
        raise Wrong(f"{shown(node.text)} is no time of day", _REMEDY)
    if end:
        seconds = whole_day(seconds, node, path, report)
    elif seconds == MIDNIGHT:
        raise Wrong("24:00 is no time to open at", "write 00:00, of the next day where days are named")
    return (None if day is None else DAYS.index(day)), seconds


WINDOW = Shape(
    "window",
    (
        Key(
            name="from",
            form=Form('`"HH:MM"`, or `"mon HH:MM"`', lambda node, path, report: _edge(node, path, report, end=False)),
            required=True,
            meaning="When it opens, local time. With a weekday it is a weekly window.",
        ),
        Key(
            name="to",
            form=Form('`"HH:MM"`, or `"fri HH:MM"`', lambda node, path, report: _edge(node, path, report, end=True)),
            required=True,
            meaning="When it closes. At or before `from` it crosses midnight (daily; equal: 24 hours) or Sunday (weekly; "
            "equal: the whole week). `24:00` is the end of the day.",
        ),
        Key(
            name="days",
            form=values_of(DAY, "list of weekdays"),
            shown="every day",
            meaning="Days a daily window opens on; what lies past midnight belongs to the day it opened.",
        ),
    ),
)


def _hours(node: Node, path: str, report: Report) -> Hours | None:
    """None where something in it was reported."""
    section: Section = WINDOW.read(node, path, report)
    if section.bad:
        return None
    (first, opens), (last, closes) = section["from"], section["to"]
    if (first is None) != (last is None):
        section.error(report, "to", "one end names a weekday and the other does not", _REMEDY)
        return None
    if first is None:
        length = closes - opens
        days = EVERY_DAY if section["days"] is None else frozenset(section["days"])
        if not days:
            section.warn(report, "days", "names no day, so the window never opens", "leave it out for every day")
        return Hours(days=days, at=opens, length=length if length > 0 else length + A_DAY)
    if "days" in section:
        section.error(report, "days", "a weekly window takes no days", "take it away: `from` and `to` name theirs")
        return None
    length = (last * A_DAY + closes) - (first * A_DAY + opens)
    return Hours(days=frozenset((first,)), at=opens, length=length if length > 0 else length + WEEK, weekly=True)


_ALL = items_of(Form("window", _hours, WINDOW), "list of windows")
WINDOWS = Form(
    _ALL.words,
    lambda node, path, report: tuple(item.value for item in _ALL.read(node, path, report) if item.value is not None),
    WINDOW,
)


def _need(node: Node, path: str, report: Report) -> str | tuple[Hours, ...]:
    if node.kind == "list":
        hours: tuple[Hours, ...] = WINDOWS.read(node, path, report)
        return hours
    if node.kind == "text" and node.text in ("always", "never"):
        return node.text
    raise Wrong("expected always, never or a list of windows", f"such as `{path.rpartition('.')[2]}: always`")


NEED = Form("`always` \\| `never` \\| list of windows", _need, WINDOW)
MASK = Form("list of weekdays", lambda node, path, report: frozenset(values_of(DAY, "").read(node, path, report)), None)
