"""Decides what is wrong with the cover of a role: nobody on, too many, somebody away or unknown (SCHEDULES.md section 5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from syncd.core.fairness import fairness
from syncd.core.layers import valid
from syncd.core.model import DAY, Instant, Override, Rota, Schedule, Shift, Window
from syncd.core.openings import Pattern, needed
from syncd.core.remedy import covered, fewer, known, why_nobody
from syncd.core.shifts import roles_of, shifts
from syncd.core.timeline import both, minus, union
from syncd.core.zone import EARLIEST, LATEST, clock_time, zone

__all__ = ["Cause", "Gap", "fairness", "gaps"]

_FURTHEST = 3_653 * DAY  # what goes on for ten years beyond the period has no end,
_MOST = 10_000  # nor has what goes on for as many shifts


class Cause(StrEnum):
    NOBODY = "nobody"
    ENDED = "ended"
    OVERLAP = "overlap"
    AWAY = "away"
    UNKNOWN = "unknown person"


class Gap(NamedTuple):
    """Needed time of a role in which something is wrong; whole, but for one without an end, which ends with the period."""

    schedule: str
    role: str
    start: Instant
    end: Instant
    cause: Cause
    people: tuple[str, ...]
    """Those it is about: nobody, those who are too many, whoever is away or unknown."""
    suggestion: str
    why: str = ""
    """The cause in words: which hours do not meet, whose roster is empty, what ended."""


class _Found(NamedTuple):
    start: Instant
    end: Instant
    cause: Cause
    people: tuple[str, ...]


def gaps(
    rota: Rota, schedule: Schedule, window: Window, *, role: str | None = None, removed: Sequence[Override] = ()
) -> list[Gap]:
    """Every gap that shares an instant with `window`, by start, role and cause. Only needed time counts.

    `removed`: overrides that were taken back, so that a gap can name the one that covered it.

    Time before the schedule's `start` is no gap; after its `end` it is. Where a gap began longer ago than anything
    tells, it begins with the period.
    """
    found = [
        Gap(schedule.id, one, *gap, _suggestion(rota, schedule, one, gap), _why(rota, schedule, one, gap, removed))
        for one in (roles_of(schedule) if role is None else (role,))
        if schedule.needs.get(one, "always") != "never"
        for gap in _of_role(rota, schedule, one, window)
    ]
    return sorted(found, key=lambda gap: (gap.start, gap.role, gap.cause, gap.people))


def _of_role(rota: Rota, schedule: Schedule, role: str, window: Window) -> list[_Found]:
    """Looks at more and more time round the period, until every gap in it is seen whole or seems to have no end."""
    if window.start >= window.end:
        return []
    first, last = max(window.start - _FURTHEST, EARLIEST), min(window.end + _FURTHEST, LATEST)
    looked = Window(max(window.start - 1, first), min(window.end + 1, last))
    near: int | None = None
    while True:
        here = _duty(schedule, role, looked)
        near = len(here) if near is None else near
        found = [gap for gap in _seen(rota, schedule, role, looked, here) if gap.start < window.end and gap.end > window.start]
        span = looked.end - looked.start
        reach = min(3 * span, max(2 * _MOST * span // max(len(here), 1), 32 * DAY))
        back = any(gap.start <= looked.start for gap in found) and looked.start > first
        on = any(gap.end >= looked.end for gap in found) and looked.end < last
        if not (back or on) or len(here) - near > _MOST:
            return [_bounded(gap, looked, window) for gap in found]
        looked = Window(
            max(looked.start - reach, first) if back else looked.start, min(looked.end + reach, last) if on else looked.end
        )


def _bounded(gap: _Found, looked: Window, window: Window) -> _Found:
    start = window.start if gap.start <= looked.start else gap.start
    return gap._replace(start=start, end=window.end if gap.end >= looked.end else gap.end)


def _duty(schedule: Schedule, role: str, looked: Window) -> list[Shift]:
    """The shifts in `looked`, cut at its edges."""
    start, end = looked
    return [
        shift
        if shift.start >= start and shift.end <= end
        else shift._replace(start=max(shift.start, start), end=min(shift.end, end))
        for shift in shifts(schedule, looked, role=role)
    ]


def _seen(rota: Rota, schedule: Schedule, role: str, looked: Window, here: list[Shift]) -> list[_Found]:
    """Everything wrong within `looked`, cut where that ends."""
    role_of = rota.roles.get(role)
    wrong: list[tuple[Cause, tuple[str, ...], Iterable[tuple[Instant, Instant]]]] = [*_uncovered(schedule, here, looked)]
    hours = _needed(schedule, role, looked)
    wrong += [(Cause.OVERLAP, people, [span]) for span, people in _too_many(here, role_of.people if role_of else 1, hours)]
    on: dict[str, list[Window]] = {}
    for shift in here:
        on.setdefault(shift.person, []).append(Window(shift.start, shift.end))
    for person, duty in on.items():
        absent = union((one.start, one.end) for one in schedule.away if one.person == person)
        wrong.append((Cause.AWAY, (person,), both(union(duty), absent)))
        if person not in rota.people:
            wrong.append((Cause.UNKNOWN, (person,), union(duty)))
    return [_Found(start, end, cause, people) for cause, people, spans in wrong for start, end in both(spans, hours)]


def _needed(schedule: Schedule, role: str, looked: Window) -> list[Window]:
    need = schedule.needs.get(role, "always")
    pattern = Pattern((), True) if isinstance(need, str) else needed(need)
    if pattern.always:
        return [looked]
    found = union(span for span, _ in pattern.between(zone(schedule.timezone), looked.start, looked.end))
    return both(found, [looked])


def _uncovered(
    schedule: Schedule, here: Sequence[Shift], looked: Window
) -> Iterator[tuple[Cause, tuple[str, ...], Iterable[tuple[Instant, Instant]]]]:
    limits = valid(schedule)
    free = minus([looked], union((shift.start, shift.end) for shift in here))
    yield Cause.NOBODY, (), both(free, [limits] if limits.start < limits.end else [])
    if schedule.end is not None:
        yield Cause.ENDED, (), both(free, [Window(max(limits.end, limits.start), LATEST)])


def _too_many(here: Sequence[Shift], most: int, hours: Sequence[Window]) -> Iterator[tuple[Window, tuple[str, ...]]]:
    """The periods of `hours` with more than `most` people on, each with everybody who was on in it, by name."""
    ends = sorted(shift.end for shift in here)
    # after the shift `i` has begun there are too many until all but `most` of those that have begun are over
    crowded = [(shift.start, ends[i - most]) for i, shift in enumerate(here) if i >= most]
    coming = list(reversed(here))
    on: list[Shift] = []
    for span in both(union(crowded), hours):
        while coming and coming[-1].start < span.end:
            on.append(coming.pop())
        on = [shift for shift in on if shift.end > span.start]
        yield span, tuple(sorted({shift.person for shift in on}))


# --- what to tell ------------------------------------------------------------------------


def _why(rota: Rota, schedule: Schedule, role: str, gap: _Found, removed: Sequence[Override]) -> str:
    if gap.cause is Cause.ENDED:
        return f"schedule {schedule.id} ended {clock_time(valid(schedule).end, schedule.timezone)}"
    if gap.cause is Cause.NOBODY:
        return why_nobody(schedule, role, gap.start, removed)
    names = ", ".join(gap.people)
    if gap.cause is Cause.OVERLAP:
        named = rota.roles.get(role)
        return f"{names} are on call at once, and role {role} has {named.people if named else 1}"
    return f"{names} is away then" if gap.cause is Cause.AWAY else f"{names} is not in `people`"


def _suggestion(rota: Rota, schedule: Schedule, role: str, gap: _Found) -> str:
    def closes(after: Schedule) -> bool:
        span = Window(gap.start, gap.end)
        left = _seen(rota, after, role, span, _duty(after, role, span))
        same = (one for one in left if one.cause is gap.cause and (one.cause is Cause.OVERLAP or one.people == gap.people))
        opened = gap.cause in (Cause.AWAY, Cause.OVERLAP) and any(one.cause is Cause.NOBODY for one in left)
        return not opened and not any(True for _ in same)

    if gap.cause is Cause.ENDED:
        return f"give schedule {schedule.id} a later `end`, or write `needs: {{{role}: never}}`"
    if gap.cause is Cause.OVERLAP:
        named = rota.roles.get(role)
        return fewer(schedule, role, gap, named.people if named else 1, closes)
    if gap.cause is Cause.UNKNOWN:
        return known(schedule, role, gap, closes)
    return covered(rota, schedule, role, gap, closes)
