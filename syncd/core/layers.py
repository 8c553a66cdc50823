"""Decides whom one layer puts on call, and when: turns, hours, validity, rosters and time off together."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from syncd.core.model import DAY, Away, Boundary, Group, Instant, Layer, Schedule, Window
from syncd.core.openings import WEEKS, Pattern, activity, openings
from syncd.core.rosters import Tenure, tenures
from syncd.core.rotation import Turns, turns_of
from syncd.core.zone import EARLIEST, LATEST, Zone, instant, weekday, zone

_MARGIN = 8 * DAY  # no opening is longer than a week, and what a clock change adds


class Duty(NamedTuple):
    """One person on call in one turn of one source: a layer by its place in the file, or an override after all layers."""

    start: Instant
    end: Instant
    person: str
    source: int
    turn: int
    """The counted turn, or the wall at which the turn of a layer without rotation opens; 0 for an override."""
    place: int
    """In the group, or among the people of the override."""


class Plan(NamedTuple):
    """What a layer says, worked out as far as it does not depend on the period asked for."""

    zone: Zone
    valid: Window
    turns: Turns | None
    tenures: list[Tenure]
    pattern: Pattern
    openings: Pattern | None
    """The turns of a layer without rotation."""
    mask: frozenset[int] | None
    """The weekdays on which a turn must start, with `boundary: shift` and without windows."""


def valid(schedule: Schedule, layer: Layer | None = None) -> Window:
    """Where the schedule, and the layer if given, is in force at all."""
    start = EARLIEST if schedule.start is None else instant(schedule.start, schedule.timezone)
    end = LATEST if schedule.end is None else instant(schedule.end, schedule.timezone)
    if layer is not None and layer.start is not None:
        start = max(start, instant(layer.start, layer.timezone))
    if layer is not None and layer.end is not None:
        end = min(end, instant(layer.end, layer.timezone))
    return Window(start, end)


def plan_of(layer: Layer, schedule: Schedule) -> Plan:
    """Raises nothing for a layer without `rotation.problems`."""
    return _plan(layer, schedule.start, schedule.end, schedule.timezone)


def duties(layer: Layer, source: int, schedule: Schedule, window: Window) -> list[Duty]:
    """Whom `layer` puts on in `window`, by turns that are whole unless hours or validity cut them; in order of start."""
    plan = plan_of(layer, schedule)
    start, end = max(window.start, plan.valid.start), min(window.end, plan.valid.end)
    if start >= end or plan.pattern.never:
        return []
    if layer.rotation is None:
        found = _at_once(plan, start, end)
    elif plan.turns is None:
        return []
    else:
        away = schedule.away if layer.on_away == "next" else ()
        found = _turns(plan, plan.turns, start, end, away)
    found = _within(found, plan.valid)
    if not plan.pattern.always:
        found = _while_open(found, [span for span, _ in plan.pattern.between(plan.zone, start, end)])
    if all(len(group) == 1 for _, _, group, _ in found):
        return [Duty(begin, until, group[0], source, turn, 0) for begin, until, group, turn in found]
    return [
        Duty(begin, until, person, source, turn, place)
        for begin, until, group, turn in found
        for place, person in enumerate(dict.fromkeys(group))
    ]


def reach(layer: Layer, schedule: Schedule, window: Window) -> Window:
    """A period in which everything that `layer` says in `window` is whole; never more than the turns at its edges need."""
    plan = plan_of(layer, schedule)
    start, end = max(window.start, plan.valid.start), min(window.end, plan.valid.end)
    if start >= end or plan.pattern.never:
        return window
    if not plan.pattern.always or plan.turns is None:
        return Window(window.start - _MARGIN, window.end + _MARGIN)
    first, last = max(plan.turns.locate(start), 0), plan.turns.locate(end - 1)
    if last < 0:
        return window
    begins, ends = plan.turns.starts(first, first)[0], plan.turns.starts(last + 1, last + 1)[0]
    return Window(min(window.start, max(begins, plan.valid.start)), max(window.end, min(ends, plan.valid.end)))


Stint = tuple[Instant, Instant, Group, int]
"""A group's time in one turn."""


@lru_cache(maxsize=16_384)
def _plan(layer: Layer, begin: datetime | None, end: datetime | None, name: str) -> Plan:
    schedule = Schedule(id="", title="", timezone=name, layers=(layer,), start=begin, end=end)
    turns = turns_of(layer, schedule)
    by_turn = layer.boundary is Boundary.SHIFT and not layer.windows
    return Plan(
        zone=zone(layer.timezone),
        valid=valid(schedule, layer),
        turns=turns,
        tenures=tenures(layer, turns),
        pattern=activity(layer.windows, layer.days, layer.boundary),
        openings=openings(layer.windows, layer.days, layer.boundary) if layer.rotation is None else None,
        mask=layer.days if by_turn else None,
    )


def _turns(plan: Plan, turns: Turns, start: Instant, end: Instant, away: tuple[Away, ...]) -> list[Stint]:
    first, last = max(turns.locate(start), 0), turns.locate(end - 1)
    if last < 0:
        return []
    starts = turns.starts(first, last + 1)
    spells: Iterable[tuple[int, Instant, Instant]] = zip(
        range(first, last + 1), starts, turns.ends(first, last, starts), strict=False
    )
    if plan.mask is not None:
        mask = plan.mask  # whoever's turn is dropped has it all the same
        spells = ((k, a, b if weekday(turns.opened(k)) in mask else a) for k, a, b in spells)
    away = tuple(one for one in away if one.start < starts[-1] and one.end > starts[0])
    known = _serving(plan.tenures, starts[0], starts[-1])
    if not away and len(known) == 1 and known[0].since <= starts[0]:
        walked = known[0].walked(first, last)
        return [(a, b, group, k) for (k, a, b), group in zip(spells, walked, strict=True) if a < b]
    return [
        (max(a, tenure.since), min(b, until), _free(tenure, k, turns, away), k)
        for k, a, b in spells
        for tenure, until in _following(known)
        if max(a, tenure.since) < min(b, until)
    ]


def _at_once(plan: Plan, start: Instant, end: Instant) -> list[Stint]:
    """Without a rotation everybody is on at once; each opening of the hours is a turn."""
    spans = (plan.openings or WEEKS).between(plan.zone, start, end)
    known = _serving(plan.tenures, spans[0][0].start, spans[-1][0].end) if spans else []
    return [
        (max(span.start, tenure.since), min(span.end, until), sum(tenure.groups, ()), wall)
        for span, wall in spans
        for tenure, until in _following(known)
        if max(span.start, tenure.since) < min(span.end, until)
    ]


def _serving(known: list[Tenure], start: Instant, end: Instant) -> list[Tenure]:
    """The lists that are in force at any time of `[start, end)`."""
    first = bisect_right(known, start, key=lambda tenure: tenure.since) - 1
    return known[max(first, 0) : bisect_left(known, end, key=lambda tenure: tenure.since)]


def _following(known: list[Tenure]) -> Iterator[tuple[Tenure, Instant]]:
    """Every list with the instant at which the next one takes over."""
    return zip(known, [after.since for after in known[1:]] + [LATEST], strict=False)


def _free(tenure: Tenure, turn: int, turns: Turns, away: tuple[Away, ...]) -> Group:
    """Whose turn it is, or the next member who is not away in it; nobody free: it stays."""
    member, index = tenure.group(turn), tenure.whose(turn)
    if not away or index is None:
        return member
    start, end = turns.whole(turn)
    gone = {one.person for one in away if one.start < end and one.end > start}
    for step in range(len(tenure.groups)):
        other = tenure.groups[(index + step) % len(tenure.groups)]
        if gone.isdisjoint(other) and (other or not step):
            return other
    return member


def _within(found: list[Stint], limits: Window) -> list[Stint]:
    if not found or (found[0][0] >= limits.start and found[-1][1] <= limits.end):
        return found
    cut = ((max(a, limits.start), min(b, limits.end), group, turn) for a, b, group, turn in found)
    return [stint for stint in cut if stint[0] < stint[1]]


def _while_open(found: list[Stint], spans: list[Window]) -> list[Stint]:
    left: list[Stint] = []
    first = 0
    for start, end, group, turn in found:
        while first < len(spans) and spans[first].end <= start:
            first += 1
        i = first
        while i < len(spans) and spans[i].start < end:
            left.append((max(start, spans[i].start), min(end, spans[i].end), group, turn))
            i += 1
    return left
