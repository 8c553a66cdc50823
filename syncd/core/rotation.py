"""Decides when turns begin and who is next: handoffs in closed form, counted from the anchor (SCHEDULES.md section 2)."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from itertools import pairwise
from math import gcd
from typing import NamedTuple

from syncd.core.model import DAY, HOUR, WEEK, Advance, Boundary, Clock, Instant, Layer, Rotation, Schedule, Unit
from syncd.core.openings import activity, opening_days
from syncd.core.steps import Counted, Fixed, Months, Steps, WorkingDays, month_of, month_wall
from syncd.core.zone import Zone, instant, wall_of, weekday, zone

SECONDS = {Unit.HOUR: HOUR, Unit.DAY: DAY, Unit.WEEK: WEEK}
CENTURY = 36_525 * DAY


class Problem(NamedTuple):
    """What is wrong with the meaning of a layer. `path`: below the layer, as its keys are written in the file."""

    path: tuple[str | int, ...]
    text: str
    remedy: str


class Anchor(NamedTuple):
    """The first handoff: its wall time as written, its instant, and the day of the month that months clamp."""

    wall: int
    at: Instant
    day: int


class Turns(NamedTuple):
    """The turns of one layer. Turn `k` is `[start(k), end(k))`; `ends` is where its member's duty ends (`lasts`)."""

    zone: Zone
    first: Instant
    lasts: int | None
    steps: Steps | None
    """How walls go on from the anchor's; None where real time is counted."""
    length: int
    """Seconds of a turn where real time is counted."""

    def locate(self, at: Instant) -> int:
        """The turn in force at `at`: the last that has begun; -1 before turn 0."""
        if at < self.first:
            return -1
        if self.steps is None:
            return (at - self.first) // self.length
        return max(self.steps.index(self.zone.reached(at)), 0)

    def starts(self, first: int, last: int) -> list[Instant]:
        """Where the turns `first` to `last` begin."""
        if self.steps is None:
            return list(range(self.first + first * self.length, self.first + last * self.length + 1, self.length))
        found = self._instants(self.steps.walls(first, last))
        for i in range(len(found)):  # an anchor in an hour's second pass is later than its wall says
            if found[i] >= self.first and first + i > 0:
                break
            found[i] = self.first
        return found

    def ends(self, first: int, last: int, starts: list[Instant]) -> list[Instant]:
        """Where the duty of turns `first` to `last` ends; `starts` are those of `first` to `last + 1`."""
        if self.steps is None:
            return [end if self.lasts is None else min(start + self.lasts, end) for start, end in pairwise(starts)]
        following = starts[1:]
        if isinstance(self.steps, Counted):  # what is between two counted turns is nobody's
            following = self._instants([self.steps.end(turn) for turn in range(first, last + 1)])
        if self.lasts is None:
            return following
        duty = self._instants([wall + self.lasts for wall in self.steps.walls(first, last)])
        if first == 0 and self.zone.instant(self.steps.wall(0)) < self.first >= duty[0]:
            duty[0] = self.first + self.lasts
        return [min(end, after) for end, after in zip(duty, following, strict=True)]

    def whole(self, turn: int) -> tuple[Instant, Instant]:
        """A turn from its handoff to the next one, whether that is counted or not."""
        start = self.starts(turn, turn)[0]
        if self.steps is None:
            return start, start + self.length
        return start, max(start, self.zone.instant(self.steps.end(turn)))

    def opened(self, turn: int) -> int:
        """The wall time at which a turn starts: what its weekday is judged by."""
        return self.zone.wall(self.first + turn * self.length) if self.steps is None else self.steps.wall(turn)

    def _instants(self, walls: range | list[int]) -> list[Instant]:
        if walls[-1] - walls[0] > CENTURY:  # where no next turn ever comes
            return [self.zone.instant(wall) for wall in walls]
        return self.zone.table(walls[0] - DAY, walls[-1] + DAY).instants(walls)


# --- the anchor --------------------------------------------------------------------------


def clock_of(rotation: Rotation) -> Clock:
    """`wall`, except for hours that do not divide 24."""
    if rotation.clock is not None:
        return rotation.clock
    return Clock.ELAPSED if rotation.unit is Unit.HOUR and 24 % rotation.every else Clock.WALL


def turn_seconds(rotation: Rotation) -> int | None:
    """Seconds of wall time in a turn; None for months."""
    return None if rotation.unit is Unit.MONTH else rotation.every * SECONDS[rotation.unit]


def anchor_of(layer: Layer, schedule: Schedule) -> Anchor | None:
    """The instant at which the first member's first turn begins; None where nothing says it."""
    rotation = layer.rotation
    if rotation is None:
        return None
    there = zone(layer.timezone)
    if rotation.anchor is not None:
        return _written(rotation.anchor, rotation.at, there)
    begin = layer.start if layer.start is not None else schedule.start
    if begin is None:
        return None
    since = _moment(begin, layer.timezone if layer.start is not None else schedule.timezone, there)
    if rotation.at is None and rotation.on is None:
        return since._replace(at=since.at if clock_of(rotation) is Clock.ELAPSED else there.instant(since.wall))
    return _last_handoff(rotation, since, there)


def _written(anchor: datetime | date, at: int | None, there: Zone) -> Anchor:
    if isinstance(anchor, datetime):
        return _moment(anchor, there.name, there)
    wall = wall_of(anchor) + (at or 0)
    return Anchor(wall, there.instant(wall), anchor.day)


def _moment(local: datetime, name: str, there: Zone) -> Anchor:
    """A time of the file as a wall of the layer's zone: as written where it is of that zone."""
    if local.tzinfo is None and name == there.name:
        wall = wall_of(local)
        return Anchor(wall, there.instant(wall), local.day)
    at = instant(local, name)
    wall = there.wall(at)
    return Anchor(wall, at, month_of(wall)[1])


def _last_handoff(rotation: Rotation, since: Anchor, there: Zone) -> Anchor:
    """The last handoff at or before `since`, so that the first member is on call from the start."""
    at = since.wall % DAY if rotation.at is None else rotation.at
    if rotation.unit is Unit.MONTH:
        month = month_of(since.wall)[0] + 1
        while there.instant(month_wall(month, since.day, at)) > since.at:
            month -= 1
        wall = month_wall(month, since.day, at)
        return Anchor(wall, there.instant(wall), since.day)
    on = weekday(since.wall) if rotation.on is None and rotation.unit is Unit.WEEK else rotation.on
    step = DAY if on is None else WEEK
    wall = since.wall - since.wall % DAY + at + (0 if on is None else (on - weekday(since.wall)) * DAY) + step
    while there.instant(wall) > since.at:
        wall -= step
    first = there.instant(wall)
    length = rotation.every * SECONDS[rotation.unit]
    if rotation.unit is Unit.HOUR and clock_of(rotation) is Clock.ELAPSED:
        first += (since.at - first) // length * length
        wall = there.wall(first)
    elif rotation.unit is Unit.HOUR:
        while there.instant(wall + length) <= since.at:
            wall += length
        first = there.instant(wall)
    return Anchor(wall, first, since.day)


# --- the turns ---------------------------------------------------------------------------


def turns_of(layer: Layer, schedule: Schedule) -> Turns | None:
    """The turns of a layer; None without a rotation, without an anchor, and where no turn is ever counted."""
    rotation, anchor = layer.rotation, anchor_of(layer, schedule)
    if rotation is None or anchor is None:
        return None
    there = zone(layer.timezone)
    length = turn_seconds(rotation)
    if clock_of(rotation) is Clock.ELAPSED and length is not None:
        return Turns(there, anchor.at, rotation.lasts, None, length)
    steps: Steps | None
    if length is None:
        steps = Months(anchor.wall, anchor.day, rotation.every)
    elif rotation.advance is Advance.ACTIVE_DAYS:
        steps = WorkingDays(anchor.wall, opening_days(layer), rotation.every)
    else:
        steps = Fixed(anchor.wall, length)
    if rotation.advance is Advance.ACTIVE:
        steps = _counted(layer, steps, length, rotation.every)
        if steps is None:
            return None
    skipped = rotation.advance is Advance.ACTIVE and steps.wall(0) != anchor.wall
    return Turns(there, there.instant(steps.wall(0)) if skipped else anchor.at, rotation.lasts, steps, 0)


def _counted(layer: Layer, steps: Fixed | Months | WorkingDays, length: int | None, every: int) -> Steps | None:
    """Only the turns that the layer's activity touches; which ones those are recurs with the weekdays of the turns."""
    if layer.boundary is Boundary.SHIFT and not layer.windows:
        mask = layer.days or frozenset()
        period = 4800 // gcd(4800, every) if length is None else WEEK // gcd(WEEK, length)  # 400 years are whole weeks
        counted = tuple(weekday(steps.wall(turn)) in mask for turn in range(period))
    else:
        pattern = activity(layer.windows, layer.days, layer.boundary)
        period = 1 if length is None else WEEK // gcd(WEEK, length)
        counted = tuple(pattern.touches(steps.wall(turn), steps.wall(turn + 1)) for turn in range(period))
    return Counted(steps, counted) if any(counted) else None


# --- the order ---------------------------------------------------------------------------


class Order(NamedTuple):
    """How turns walk a list of `n`: `f(k) = k + floor(k / skip)`, in plain order without a `skip`."""

    skip: int | None

    def of(self, turn: int) -> int:
        return turn if self.skip is None else turn + turn // self.skip


PLAIN = Order(None)


def period_of(rotation: Rotation) -> int:
    """P: after how many turns a handoff falls on the same time of the same weekday again."""
    length = turn_seconds(rotation)
    return 1 if length is None else WEEK // gcd(WEEK, length)


@lru_cache(maxsize=4096)
def order_of(rotation: Rotation, n: int) -> Order:
    """`fair` skips one member after every B turns where plain order would give the same members the same days."""
    period = period_of(rotation)
    if not rotation.fair or gcd(period, n) == 1:
        return PLAIN
    skip = period
    while gcd(skip + 1, n) != 1:
        skip += period
    return Order(skip)


# --- what is wrong -----------------------------------------------------------------------


def problems(layer: Layer, schedule: Schedule) -> list[Problem]:
    """Every way in which `layer` contradicts itself or says too little to be computed; none: it can be computed."""
    found = _boundary_problems(layer)
    last: Instant | None = None
    for i, roster in enumerate(layer.rosters):
        since = None if roster.since is None else instant(roster.since, layer.timezone)
        if i and (since is None or (last is not None and since <= last)):
            found.append(
                Problem(
                    ("members", i, "from"), "this roster does not begin after the one before it", "put them in order of `from`"
                )
            )
        last = since
    return found + (_rotation_problems(layer, layer.rotation, schedule) if layer.rotation else [])


def _boundary_problems(layer: Layer) -> list[Problem]:
    found = []
    if layer.days is not None and any(window.weekly for window in layer.windows):
        found.append(
            Problem(("days",), "a day mask does not go together with weekly windows", "leave out `days`, or write daily windows")
        )
    if layer.boundary is Boundary.SHIFT and layer.days is None:
        found.append(Problem(("boundary",), "`boundary: shift` needs `days`", "add `days`, or leave out `boundary`"))
    elif layer.boundary is Boundary.SHIFT and not layer.windows and layer.rotation is None:
        found.append(
            Problem(("boundary",), "`boundary: shift` needs windows or a rotation", "add `windows`, or leave out `boundary`")
        )
    return found


def _rotation_problems(layer: Layer, rotation: Rotation, schedule: Schedule) -> list[Problem]:
    found: list[Problem] = []

    def wrong(key: str, text: str, remedy: str) -> None:
        found.append(Problem(("rotation", key), text, remedy))

    length = turn_seconds(rotation)
    elapsed = clock_of(rotation) is Clock.ELAPSED
    if rotation.every < 1:
        wrong("every", "a turn must last", "write 1 or more")
    elif (length or rotation.every * 30 * DAY) > CENTURY:
        wrong("every", "a turn of more than a hundred years", "write a number from 1 to 30")
    if rotation.lasts is not None and rotation.lasts <= 0:
        wrong("lasts", "`lasts` must be longer than nothing", "write a duration such as 8h, or leave it out")
    if rotation.on is not None and (length is None or length % WEEK):
        wrong("on", "a handoff weekday needs turns of whole weeks", "leave out `on`, or use `unit: week`")
    if rotation.clock is Clock.ELAPSED and length is None:
        wrong("clock", "months have no fixed length", "use `clock: wall`")
    if rotation.advance is not Advance.ALWAYS:
        if elapsed:
            wrong(
                "advance",
                f"`advance: {rotation.advance}` goes only with `clock: wall`",
                "add `clock: wall`, or leave out `advance`",
            )
        if rotation.fair:
            wrong("fair", f"`fair` does not go together with `advance: {rotation.advance}`", "leave out one of them")
    if rotation.advance is Advance.ACTIVE_DAYS:
        if rotation.unit is not Unit.DAY:
            wrong("advance", "`advance: active_days` counts days", "use `unit: day`")
        if layer.boundary is Boundary.SHIFT and not layer.windows:
            wrong(
                "advance", "`advance: active_days` with `boundary: shift` needs windows", "add `windows`, or leave out `boundary`"
            )
    if rotation.anchor is not None:
        anchor = _written(rotation.anchor, rotation.at, zone(layer.timezone))
        if rotation.at is not None and anchor.wall % DAY != rotation.at % DAY:
            wrong("anchor", "the anchor is at another time of day than `at`", "make them agree, or leave one out")
        if rotation.on is not None and weekday(anchor.wall) != rotation.on:
            wrong("anchor", "the anchor is on another weekday than `on`", "make them agree, or leave one out")
    elif layer.start is None and schedule.start is None:
        wrong("anchor", "nothing says when the first turn begins", "add `anchor`, the layer's `from` or the schedule's `start`")
    return found
