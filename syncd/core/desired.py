"""What of the rota a destination can say, and at which of its places (lanes): the near side of every comparison.

A difference that a destination cannot help making would be a drift for ever, so everything after compares with this
(MERGE.md rule 24).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from syncd.core.entry import Capabilities
from syncd.core.model import Instant, Shift, Window
from syncd.core.record import Value
from syncd.core.timeline import cuts


class Target(NamedTuple):
    """A shift at its lane; `start` may be later than the shift's own where its beginning is past or another's."""

    shift: Shift
    lane: int
    start: Instant
    end: Instant

    @property
    def value(self) -> Value:
        return Value(self.shift.person, self.start, self.end, self.lane)


class Loss(NamedTuple):
    """A difference between the rota and what the destination can say of it."""

    shift: Shift
    text: str


def project(shifts: Sequence[Shift], can: Capabilities) -> tuple[list[Shift], list[Loss]]:
    """`shifts` in the destination's grain, none shorter than it takes, never more people at once than it holds."""
    losses: list[Loss] = []
    if can.grain > 1:
        shifts = _to_grain(shifts, can.grain, losses)
    if can.shortest > 1:
        shifts = _without_slivers(shifts, can.shortest, losses)
    if can.people is not None:
        shifts = _at_most(shifts, can.people, losses)
    return sorted(shifts, key=lambda s: (s.start, s.slot, s.person)), losses


def _to_grain(shifts: Sequence[Shift], grain: int, losses: list[Loss]) -> list[Shift]:
    """Both ends are rounded down, so that shifts that touch still do."""
    out = []
    for shift in shifts:
        start, end = shift.start - shift.start % grain, shift.end - shift.end % grain
        if (start, end) != (shift.start, shift.end):
            losses.append(Loss(shift, f"its times are kept in steps of {grain} s only"))
        if start < end:
            out.append(shift._replace(start=start, end=end))
    return out


def _without_slivers(shifts: Sequence[Shift], shortest: int, losses: list[Loss]) -> list[Shift]:
    """A shift that is too short goes to the one before it, at a start to the one after."""
    out = sorted(shifts, key=lambda s: (s.start, s.slot))
    for sliver in [s for s in out if s.end - s.start < shortest]:
        losses.append(Loss(sliver, f"it is shorter than the {shortest} s that the destination takes"))
        out.remove(sliver)
        if any(s.start < sliver.end and sliver.start < s.end for s in out):
            continue  # somebody else is on meanwhile
        before = next((i for i, s in enumerate(out) if s.end == sliver.start), None)
        after = next((i for i, s in enumerate(out) if s.start == sliver.end), None)
        if before is not None:
            out[before] = out[before]._replace(end=sliver.end)
        elif after is not None:
            out[after] = out[after]._replace(start=sliver.start)
    return out


def _at_most(shifts: Sequence[Shift], people: int, losses: list[Loss]) -> list[Shift]:
    """Where more are on than the destination holds, the first of the file stay: lower slot, then earlier start."""
    if not shifts:
        return []
    hull = Window(min(s.start for s in shifts), max(s.end for s in shifts))
    waiting = sorted(shifts, key=lambda s: s.start, reverse=True)
    on: list[Shift] = []
    pieces: dict[Shift, list[Window]] = {}
    lost: set[Shift] = set()
    for piece in cuts(((s.start, s.end) for s in shifts), hull):
        on = [s for s in on if s.end > piece.start]
        while waiting and waiting[-1].start <= piece.start:
            on.append(waiting.pop())
        for place, shift in enumerate(sorted(on, key=lambda s: (s.slot, s.start))):
            if place < people:
                mine = pieces.setdefault(shift, [])
                if mine and mine[-1].end == piece.start:
                    mine[-1] = Window(mine[-1].start, piece.end)
                else:
                    mine.append(piece)
            elif shift not in lost:
                lost.add(shift)
                losses.append(Loss(shift, f"the destination holds {people} at a time"))
    return [shift._replace(start=part.start, end=part.end) for shift, parts in pieces.items() for part in parts]


def in_lanes(shifts: Iterable[Shift], places: Sequence[Value], now: Instant) -> list[Target]:
    """Each shift at the lane of the entry that shows its person then (`places`), else at the first that is free.

    Shifts that an entry already shows choose first, by overlap, so that an entry keeps its lane from cycle to cycle.
    """
    rota = [s for s in shifts if s.end > now]
    shown: dict[str, list[Value]] = {}
    for value in places:
        shown.setdefault(value.person, []).append(value)
    timelines = {person: _Shown(values) for person, values in shown.items()}
    wishes: list[tuple[int, int, Shift, list[int]]] = []
    for place, shift in enumerate(rota):
        overlaps: dict[int, int] = {}
        for value in timelines[shift.person].within(max(shift.start, now), shift.end) if shift.person in timelines else ():
            shared = min(shift.end, value.end) - max(shift.start, value.start, now)
            overlaps[value.lane] = max(shared, overlaps.get(value.lane, 0))
        lanes = sorted(overlaps, key=lambda lane: (-overlaps[lane], lane))
        wishes.append((-max(overlaps.values(), default=0), place, shift, lanes))
    taken: dict[int, Lane] = {}
    chosen: dict[int, int] = {}
    for _, place, shift, lanes in sorted(wishes, key=lambda w: w[:2]):
        free = (lane for lane in [*lanes, *range(len(taken) + 1)] if taken.setdefault(lane, Lane()).free(shift.start, shift.end))
        lane = next(free)
        taken[lane].take(shift.start, shift.end)
        chosen[place] = lane
    return [Target(shift, chosen[place], shift.start, shift.end) for place, shift in enumerate(rota)]


class _Shown:
    """Where one person is shown, by start: a rota of years is not compared with itself shift by shift."""

    def __init__(self, values: Iterable[Value]) -> None:
        self._values = sorted((v for v in values if v.start < v.end), key=lambda v: v.start)
        self._starts = [v.start for v in self._values]
        self._reach = list(accumulate((v.end for v in self._values), max))
        """The latest end of each and all before it."""

    def within(self, start: Instant, end: Instant) -> Iterator[Value]:
        """Those that share time with `[start, end)`."""
        at = bisect_left(self._starts, end) - 1
        while at >= 0 and self._reach[at] > start:
            if self._values[at].end > start:
                yield self._values[at]
            at -= 1


class Lane:
    """Periods taken in one lane, kept sorted."""

    def __init__(self) -> None:
        self._starts: list[Instant] = []
        self._ends: list[Instant] = []

    def free(self, start: Instant, end: Instant) -> bool:
        at = bisect_left(self._starts, end)  # the last period that starts before `end`
        return at == 0 or self._ends[at - 1] <= start

    def take(self, start: Instant, end: Instant) -> None:
        at = bisect_left(self._starts, start)
        self._starts.insert(at, start)
        self._ends.insert(at, end)
