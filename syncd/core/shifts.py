"""Decides who holds which role when, and answers who is on call (SCHEDULES.md sections 4 and 5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from syncd.core.duty import on_duty, tiers_of
from syncd.core.layers import Duty, reach
from syncd.core.model import DAY, Instant, Rota, Schedule, Shift, Source, Window
from syncd.core.zone import EARLIEST, LATEST

_NEAR = 45 * DAY  # an override that goes further is followed only where it has to be
_FAR = 1_826 * DAY  # a grid that stands still, so that what has no end in sight has the same end tomorrow
YEAR = 365 * DAY


def roles_of(schedule: Schedule) -> tuple[str, ...]:
    """The roles that its layers, overrides or needs use, in that order."""
    layers = (layer.role for layer in schedule.layers)
    overrides = (role for override in schedule.overrides for role in override.roles)
    return tuple(dict.fromkeys([*layers, *overrides, *schedule.needs]))


def shifts(schedule: Schedule, window: Window, *, role: str | None = None) -> list[Shift]:
    """Every shift that shares an instant with `window`, whole, by start, role and person. `role` None: all roles.

    The layers must be without `rotation.problems`. The cost depends on the turns within the window, not on anchors.
    """
    roles = roles_of(schedule) if role is None else (role,)
    found = [shift for one in roles for shift in _of_role(schedule, one, window)]
    found.sort(key=lambda shift: (shift[3], shift[1], shift[2]))
    return found


# --- one role ----------------------------------------------------------------------------


def _of_role(schedule: Schedule, role: str, window: Window) -> list[Shift]:
    if window.start >= window.end:
        return []
    start, end = window
    for _, layer in (one for tier in tiers_of(schedule, role) for one in tier):
        wide = reach(layer, schedule, window)
        start, end = min(start, wide.start), max(end, wide.end)
    for one in schedule.overrides:
        if one.start < window.end and one.end > window.start and role in one.roles:
            start, end = min(start, max(one.start, window.start - _NEAR)), max(end, min(one.end, window.end + _NEAR))
    looked = Window(start - 1, end + 1)
    far = Window((window.start // _FAR - 1) * _FAR, (window.end // _FAR + 2) * _FAR)
    while True:
        found = on_duty(schedule, role, looked, far)
        wider = _wider([duty for duty in found if duty.start < window.end and duty.end > window.start], looked)
        if wider == looked:
            return _numbered(found, schedule, role, window)
        looked = wider


def _wider(asked: list[Duty], looked: Window) -> Window:
    """`looked` itself where the duties asked for are whole within it, else a period in which more of them are."""
    span = 3 * (looked.end - looked.start)
    start = min((duty.start for duty in asked), default=looked.end)
    end = max((duty.end for duty in asked), default=looked.start)
    return Window(
        max(min(start - 1, looked.start - span), EARLIEST) if start <= looked.start > EARLIEST else looked.start,
        min(max(end + 1, looked.end + span), LATEST) if end >= looked.end < LATEST else looked.end,
    )


def _numbered(found: list[Duty], schedule: Schedule, role: str, window: Window) -> list[Shift]:
    """Duties as shifts, each with its rank among those that start then: by layer, place in the group, then override."""
    names = [layer.name for layer in schedule.layers]
    turning = [layer.rotation is not None for layer in schedule.layers]
    named: list[Shift] = []
    before, slot = None, 0
    for start, end, person, source, turn, _ in found:
        slot = slot + 1 if start == before else 0
        before = start
        if start >= window.end or end <= window.start:
            continue
        if source < len(names):
            of = Source(names[source], turn if turning[source] else None)
        else:
            of = Source(override=schedule.overrides[source - len(names)].id)
        named.append(Shift(schedule.id, role, person, start, end, slot, of))
    return named


# --- who is on call ----------------------------------------------------------------------


class Person(NamedTuple):
    """Somebody on call, as `syncd oncall` says it. `name`, `email`, `phone`: None where the rota has none."""

    id: str
    name: str | None
    email: str | None
    phone: str | None
    until: Instant
    free_at: Instant | None
    """The end of the last shift that touches; None beyond a year."""
    next: str | None
    """Whoever has the first shift that starts at or after `until`; None where none starts within a year of it."""


class Row(NamedTuple):
    """One role of one schedule at one instant."""

    schedule: str
    role: str
    at: Instant
    people: tuple[Person, ...]


def oncall(rota: Rota, schedule: Schedule, at: Instant, role: str | None = None) -> list[Row]:
    """Who is on call at `at`, one row for each role, also where nobody is."""
    rows = []
    for one in roles_of(schedule) if role is None else (role,):
        ahead = _Ahead(schedule, one, at)
        here = [shift for shift in ahead.known if shift.start <= at < shift.end]
        rows.append(Row(schedule.id, one, at, tuple(_person(rota, ahead, shift) for shift in here)))
    return rows


class _Ahead:
    """The shifts of a role from an instant on, looked for as far as somebody asks and no further."""

    def __init__(self, schedule: Schedule, role: str, at: Instant) -> None:
        self.schedule, self.role, self.at = schedule, role, at
        self.end = at + 1
        self.known = shifts(schedule, Window(at, self.end), role=role)

    def after(self, since: Instant, until: Instant) -> Iterator[Shift]:
        """The shifts that start in `[since, until]`, in order."""
        while since <= until:
            if since >= self.end:
                self.end = max(self.end + 2 * (self.end - self.at), since + 1, self.at + 30 * DAY)
                self.known = shifts(self.schedule, Window(self.at, self.end), role=self.role)
            yield from (shift for shift in self.known if since <= shift.start < self.end and shift.start <= until)
            since = self.end


def _person(rota: Rota, ahead: _Ahead, shift: Shift) -> Person:
    free: Instant | None = shift.end
    for later in ahead.after(shift.end, ahead.at + YEAR):
        if later.start > (free or 0):
            break
        if later.person == shift.person:
            free = later.end
    if free is not None and free > ahead.at + YEAR:
        free = None
    following = next(ahead.after(shift.end, shift.end + YEAR), None)
    known = rota.people.get(shift.person)
    return Person(
        id=shift.person,
        name=known.name if known else None,
        email=known.email if known else None,
        phone=known.phone if known else None,
        until=shift.end,
        free_at=free,
        next=following.person if following else None,
    )
