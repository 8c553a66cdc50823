"""Decides which instant a local wall time is, and which wall times an instant has reached (SCHEDULES.md section 1, F19).

A WALL is a local time as whole seconds since 1970-01-01T00:00 of the same clock: 86,400 a day, whatever the clock does.
A wall time that does not exist (spring) is the first instant after the jump, one that exists twice (autumn) is the
first. So the way from walls to instants never turns back, and what is ordered on the wall stays ordered in time.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from syncd.core.model import DAY, Instant

EARLIEST: Instant = -62_135_596_800 + 2 * DAY
"""The calendar's first instant, 0001-01-03T00:00Z: two days clear of where a zone's offset would leave it."""
LATEST: Instant = 253_402_300_800 - 2 * DAY
"""The calendar's last instant, 9999-12-30T00:00Z."""

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - the wall's zero is nobody's zone
_SECOND = timedelta(seconds=1)
_BLOCK = 388 * DAY
_STEP = 3 * DAY  # no zone has changed its clock twice within six days


def wall_of(local: datetime | date) -> int:
    """The wall of a local time as it is written; a bare date is its midnight, an offset is ignored."""
    if isinstance(local, datetime):
        return (local.replace(tzinfo=None, fold=0) - _EPOCH) // _SECOND
    return (local.toordinal() - _EPOCH.toordinal()) * DAY


def local_of(wall: int) -> datetime:
    """The naive local time of a wall, kept within the calendar."""
    return _EPOCH + timedelta(seconds=min(max(wall, EARLIEST), LATEST))


def weekday(wall: int) -> int:
    """0 is Monday."""
    return (wall // DAY + 3) % 7


class Table(NamedTuple):
    """The stretches of one offset that a period of time is made of, oldest first.

    Stretch `i` begins at the instant `since[i]` and at the wall `breaks[i]` of the clock before it.
    """

    since: list[Instant]
    breaks: list[int]
    offsets: list[int]

    def instant(self, wall: int) -> Instant:
        i = bisect_right(self.breaks, wall) - 1
        return max(self.since[i], wall - self.offsets[i])

    def instants(self, walls: Sequence[int]) -> list[Instant]:
        """Of walls in order: one subtraction each, one search for every clock change."""
        breaks = self.breaks
        if not walls:
            return []
        i = bisect_right(breaks, walls[0]) - 1
        done = 0
        found: list[Instant] = []
        while done < len(walls):
            stop = bisect_left(walls, breaks[i + 1], done) if i + 1 < len(breaks) else len(walls)
            since, offset = self.since[i], self.offsets[i]
            run = walls[done:stop]
            if isinstance(run, range):
                found += range(run.start - offset, run.stop - offset, run.step)
            else:
                found += [wall - offset for wall in run]
            while done < stop and found[done] < since:  # walls that the jump left out
                found[done] = since
                done += 1
            done, i = stop, i + 1
        return found


class Zone:
    """One IANA zone; what was found out about its clock changes is kept."""

    def __init__(self, name: str) -> None:
        """Raises `zoneinfo.ZoneInfoNotFoundError` (or `ValueError`) for a name that is no zone."""
        self.name = name
        self._info = ZoneInfo(name)
        self._changes: dict[int, list[Instant]] = {}
        self._tables: dict[tuple[int, int], Table] = {}

    def offset(self, at: Instant) -> int:
        """Seconds east of UTC."""
        moment = datetime.fromtimestamp(min(max(at, EARLIEST), LATEST), self._info)
        return (moment.utcoffset() or timedelta()) // _SECOND

    def wall(self, at: Instant) -> int:
        """What the clock shows."""
        return at + self.offset(at)

    def instant(self, wall: int) -> Instant:
        """The instant of one wall time, near or far; costs a look at the zone, not a table of its changes."""
        if not EARLIEST <= wall <= LATEST:
            return wall - self.offset(wall)
        before, after = self.passes(wall)
        if before >= after:
            return wall - before
        return self._change(wall - after, wall - before)

    def passes(self, wall: int) -> tuple[int, int]:
        """The offsets before and after the clock change that brings `wall` twice (falling) or leaves it out (rising)."""
        local = local_of(wall).replace(tzinfo=self._info)
        again = local.replace(fold=1)
        return (local.utcoffset() or timedelta()) // _SECOND, (again.utcoffset() or timedelta()) // _SECOND

    def table(self, start: Instant, end: Instant) -> Table:
        """The stretches that cover `[start, end]`, and at least a week on both sides."""
        first, last = (start - 8 * DAY) // _BLOCK, (end + 8 * DAY) // _BLOCK
        known = self._tables.get((first, last))
        return known or self._tables.setdefault((first, last), self._build(first, last))

    def reached(self, at: Instant) -> int:
        """The last wall time whose instant is at or before `at`: later than what the clock shows in an hour's second pass."""
        table = self.table(at, at)
        i = bisect_right(table.since, at) - 1
        return max(at + table.offsets[i], table.breaks[i] - 1)

    def _build(self, first: int, last: int) -> Table:
        start = first * _BLOCK
        table = Table([start - _BLOCK], [start - _BLOCK - DAY], [self.offset(start)])
        for block in range(first, last + 1):
            if block not in self._changes:
                self._changes[block] = self._search(block * _BLOCK, (block + 1) * _BLOCK)
            for change in self._changes[block]:
                table.since.append(change)
                table.breaks.append(change + table.offsets[-1])
                table.offsets.append(self.offset(change))
        return table

    def _search(self, start: Instant, end: Instant) -> list[Instant]:
        found = []
        for at in range(start, end, _STEP):
            until = min(at + _STEP, end)
            if self.offset(at) != self.offset(until):
                found.append(self._change(at, until))
        return found

    def _change(self, before: Instant, after: Instant) -> Instant:
        """The first instant of the offset that holds at `after` and not yet at `before`."""
        new = self.offset(after)
        while after - before > 1:
            middle = (before + after) // 2
            before, after = (before, middle) if self.offset(middle) == new else (middle, after)
        return after


@lru_cache(maxsize=1024)
def zone(name: str) -> Zone:
    """The zone of that name, one for the whole process."""
    return Zone(name)


def stretches(names: Iterable[str], start: Instant, end: Instant) -> dict[str, list[list[int]]]:
    """Zone → `[instant, offset]` from `start` on: the offset that holds there, then each clock change until `end`."""
    found = {}
    for name in sorted(set(names)):
        table = zone(name).table(start, end)
        changes = [[at, offset] for at, offset in zip(table.since, table.offsets, strict=True) if start < at < end]
        found[name] = [[start, zone(name).offset(start)], *changes]
    return found


def moved(was: Mapping[str, Sequence[Sequence[int]]], until: Instant, now: Instant, names: Collection[str]) -> list[str]:
    """Those of `names` whose clock changes from `now` until `until` are not those that `stretches` told once (F20).

    What the rota names no more moves nothing, and newer data may not have it at all.
    """
    found = []
    for name, told in was.items():
        if name not in names:
            continue
        start = max(now, told[0][0])  # a clock that went back knows nothing of the time before
        if start < until and stretches([name], start, until)[name] != _from(told, start):
            found.append(name)
    return found


def _from(told: Sequence[Sequence[int]], start: Instant) -> list[list[int]]:
    offset = [offset for at, offset in told if at <= start][-1]
    return [[start, offset], *([at, offset] for at, offset in told if at > start)]


def clock_time(at: Instant, name: str) -> str:
    """As people of that zone read it: `Mon 2026-03-02 09:00 Europe/Berlin`."""
    return f"{local_of(zone(name).wall(at)):%a %Y-%m-%d %H:%M} {name}"


def instant(local: datetime | date, name: str) -> Instant:
    """A local time of the file: naive of the zone `name`, with an offset the instant it states, a bare date midnight."""
    if isinstance(local, datetime) and local.tzinfo is not None:
        return wall_of(local) - (local.utcoffset() or timedelta()) // _SECOND
    return zone(name).instant(wall_of(local))


def ambiguous_or_missing(local: datetime | date, name: str) -> Literal["", "missing", "twice"]:
    """Whether a clock change leaves out a local time, or brings it twice. One with an offset is always clear."""
    if isinstance(local, datetime) and local.tzinfo is not None:
        return ""
    before, after = zone(name).passes(wall_of(local))
    return "" if before == after else "missing" if before < after else "twice"
