"""Decides when a layer is open: recurring local hours and day masks as a pattern of one week (SCHEDULES.md section 3).

A SPAN is `(start, end)` in seconds of wall time after Monday 00:00; it starts within the week and may end in the next.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from syncd.core.model import DAY, WEEK, Boundary, Hours, Instant, Layer, Window
from syncd.core.timeline import both
from syncd.core.zone import Zone

Span = tuple[int, int]
_MONDAY = -3 * DAY  # the wall of a Monday 00:00: 1970 began on a Thursday
_REACH = 2 * WEEK + DAY


class Pattern(NamedTuple):
    """Wall time that recurs every week: the spans in order, none overlapping another, or `always`."""

    spans: tuple[Span, ...]
    always: bool = False

    @property
    def never(self) -> bool:
        return not self.always and not self.spans

    def touches(self, start: int, end: int) -> bool:
        """Whether the walls `[start, end)` share a second with the pattern."""
        if self.always or self.never:
            return self.always
        first = (start - _MONDAY) % WEEK
        last = first + end - start
        return any(begin + shift < last and close + shift > first for shift in (-WEEK, 0, WEEK) for begin, close in self.spans)

    def between(self, zone: Zone, start: Instant, end: Instant) -> list[tuple[Window, int]]:
        """The spans that share an instant with `[start, end)`, whole, each with the wall at which it opens."""
        table = zone.table(start - _REACH, end + _REACH)
        weeks = range((start - DAY - WEEK - _MONDAY) // WEEK, (end + DAY - _MONDAY) // WEEK + 1)
        opens = [week * WEEK + _MONDAY + span[0] for week in weeks for span in self.spans]
        closes = [week * WEEK + _MONDAY + span[1] for week in weeks for span in self.spans]
        found = zip(table.instants(opens), table.instants(closes), opens, strict=True)
        return [(Window(a, b), wall) for a, b, wall in found if a < b and a < end and b > start]


ALWAYS = Pattern((), True)
WEEKS = Pattern(((0, WEEK),))
"""The local weeks from Monday 00:00: the turns of a layer that has neither rotation nor an end to its hours."""


@lru_cache(maxsize=16_384)
def activity(windows: tuple[Hours, ...], days: frozenset[int] | None, boundary: Boundary) -> Pattern:
    """When a layer is open, whoever's turn it is. `boundary: shift` without windows is for the turns to decide."""
    kept = _kept(windows, days, boundary)
    open_ = _joined(kept, touching=True) if windows else ALWAYS
    if days is None or boundary is Boundary.SHIFT:
        return open_
    mask = [(day * DAY, (day + 1) * DAY) for day in sorted(days)]
    if open_.always:
        return _joined(mask, touching=True)
    week = sorted(part for start, end in open_.spans for part in ((start, min(end, WEEK)), (0, end - WEEK)) if part[0] < part[1])
    return _joined(both(week, mask), touching=True)


@lru_cache(maxsize=16_384)
def openings(windows: tuple[Hours, ...], days: frozenset[int] | None, boundary: Boundary) -> Pattern:
    """Each opening of a window, those that overlap as one; `WEEKS` without windows or where they overlap without end."""
    if not windows:
        return WEEKS
    pattern = _joined(_kept(windows, days, boundary), touching=False)
    return WEEKS if pattern.always else pattern


@lru_cache(maxsize=16_384)
def needed(hours: tuple[Hours, ...]) -> Pattern:
    """The hours of a role that must be covered."""
    return _joined(_kept(hours, None, Boundary.MIDNIGHT), touching=True)


def opening_days(layer: Layer) -> frozenset[int]:
    """The weekdays on which a layer opens, for `advance: active_days` (section 2)."""
    mask = frozenset(range(7)) if layer.days is None else layer.days
    if not layer.windows:
        return mask
    opened: set[int] = set()
    for window in layer.windows:
        for day in window.days:
            last = (window.at + window.length - 1) // DAY if window.weekly else 0
            opened.update((day + further) % 7 for further in range(last + 1))
    return mask & opened


def _kept(windows: tuple[Hours, ...], days: frozenset[int] | None, boundary: Boundary) -> list[Span]:
    """The openings of one week; with `boundary: shift` those that open on a day of the mask."""
    masked = days if days is not None and boundary is Boundary.SHIFT else range(7)
    return [
        (day * DAY + window.at, day * DAY + window.at + window.length)
        for window in windows
        for day in window.days
        if day in masked
    ]


def _joined(spans: Iterable[Span], *, touching: bool) -> Pattern:
    """What overlaps made one, round the week; `touching`: what only touches as well."""
    week = sorted(set(spans))
    if not week:
        return Pattern(())
    joined: list[Span] = []
    for start, end in ((start + shift, end + shift) for shift in (-WEEK, 0, WEEK) for start, end in week):
        if joined and (start < joined[-1][1] or (touching and start == joined[-1][1])):
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    own = tuple(span for span in joined if 0 <= span[0] < WEEK)
    return Pattern(own) if own else ALWAYS  # nothing begins within the week: it never closes
