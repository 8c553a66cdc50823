"""Decides the wall time at which turn `k` begins, and which turn a wall time is in; both without walking there."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection
from typing import Protocol

from syncd.core.model import DAY
from syncd.core.zone import LATEST, local_of, weekday


class Steps(Protocol):
    def wall(self, turn: int) -> int:
        """The wall at which a turn begins."""

    def end(self, turn: int) -> int:
        """The wall of the next handoff, whether the turn it begins is counted or not."""

    def walls(self, first: int, last: int) -> range | list[int]:
        """Of the turns `first` to `last`."""

    def index(self, wall: int) -> int:
        """The last turn that begins at or before `wall`; negative before turn 0."""


class Fixed:
    """Turns of one length on the wall."""

    def __init__(self, anchor: int, length: int) -> None:
        self.anchor, self.length = anchor, length

    def wall(self, turn: int) -> int:
        return self.anchor + turn * self.length

    def end(self, turn: int) -> int:
        return self.wall(turn + 1)

    def walls(self, first: int, last: int) -> range:
        return range(self.wall(first), self.wall(last) + 1, self.length)

    def index(self, wall: int) -> int:
        return (wall - self.anchor) // self.length


def month_of(wall: int) -> tuple[int, int]:
    """Months since year 0, and the day of the month."""
    local = local_of(wall)
    return local.year * 12 + local.month - 1, local.day


def month_wall(month: int, day: int, at: int) -> int:
    """The wall of a day of a month, or of the month's last day where it has no such day."""
    first = _first_day(month)
    return (first + min(day, _first_day(month + 1) - first) - 1) * DAY + at


def _first_day(month: int) -> int:
    """Days from 1970-01-01 to the first of a month, in any year at all."""
    year, since_january = divmod(month, 12)
    march_year, since_march = (year, since_january - 2) if since_january > 1 else (year - 1, since_january + 10)
    return march_year * 365 + march_year // 4 - march_year // 100 + march_year // 400 + (153 * since_march + 2) // 5 - 719_468


class Months:
    """Turns of whole months: 31 January + 1 month is the last of February, + 2 months 31 March."""

    def __init__(self, anchor: int, day: int, every: int) -> None:
        self.month, self.day, self.at, self.every = month_of(anchor)[0], day, anchor % DAY, every

    def wall(self, turn: int) -> int:
        return month_wall(self.month + turn * self.every, self.day, self.at)

    def end(self, turn: int) -> int:
        return self.wall(turn + 1)

    def walls(self, first: int, last: int) -> list[int]:
        return [self.wall(turn) for turn in range(first, last + 1)]

    def index(self, wall: int) -> int:
        turn = (month_of(wall)[0] - self.month) // self.every
        return turn if self.wall(turn) <= wall else turn - 1


class WorkingDays:
    """`every` counts the days of `days` only, from the anchor's on; turn 0 starts at the anchor itself."""

    def __init__(self, anchor: int, days: Collection[int], every: int) -> None:
        self.anchor, self.every = anchor, every
        self.day, self.at = divmod(anchor, DAY)
        self.offsets = sorted((day - weekday(anchor)) % 7 for day in days)

    def wall(self, turn: int) -> int:
        if turn == 0:
            return self.anchor
        if not self.offsets:
            return LATEST + turn * DAY  # no such day ever comes
        weeks, rest = divmod(turn * self.every, len(self.offsets))
        return (self.day + weeks * 7 + self.offsets[rest]) * DAY + self.at

    def end(self, turn: int) -> int:
        return self.wall(turn + 1)

    def walls(self, first: int, last: int) -> list[int]:
        return [self.wall(turn) for turn in range(first, last + 1)]

    def index(self, wall: int) -> int:
        weeks, rest = divmod((wall - self.at) // DAY - self.day, 7)
        return max((weeks * len(self.offsets) + bisect_right(self.offsets, rest) - 1) // self.every, 0)


class Counted:
    """The turns of `steps` that are counted: which ones recurs, so that the number of a turn is a division away."""

    def __init__(self, steps: Steps, counted: tuple[bool, ...]) -> None:
        self.steps, self.period = steps, len(counted)
        self.places = [turn for turn, counts in enumerate(counted) if counts]

    def _raw(self, turn: int) -> int:
        periods, rest = divmod(turn, len(self.places))
        return periods * self.period + self.places[rest]

    def wall(self, turn: int) -> int:
        return self.steps.wall(self._raw(turn))

    def end(self, turn: int) -> int:
        return self.steps.wall(self._raw(turn) + 1)

    def walls(self, first: int, last: int) -> list[int]:
        return [self.wall(turn) for turn in range(first, last + 1)]

    def index(self, wall: int) -> int:
        periods, rest = divmod(self.steps.index(wall), self.period)
        return periods * len(self.places) + bisect_right(self.places, rest) - 1
