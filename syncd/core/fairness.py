"""Decides how evenly duty is shared: hours, nights, weekends and holidays per person and role (SCHEDULES.md section 5)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple, Protocol

from syncd.core.model import DAY, HOUR, WEEK, Instant, Rota, Schedule, Window
from syncd.core.shifts import roles_of, shifts
from syncd.core.zone import local_of, zone

DaysOff = Callable[[Schedule, str], Collection[date]]
"""The holidays of a person of a schedule, by her id."""


class Spell(Protocol):
    """A shift, of the rota or of the record of what was served."""

    @property
    def person(self) -> str: ...
    @property
    def start(self) -> Instant: ...
    @property
    def end(self) -> Instant: ...


Duties = Callable[[Schedule, Window, str], Iterable[Spell]]
"""Who is on call in a schedule, a time and a role."""


class Share(NamedTuple):
    """What fell to one person in one role. Hours are hours on call; the rest counts what any of them touched.

    A night is 22:00 to 06:00, a weekend Saturday and Sunday, a holiday a date; all in the schedule's zone.
    """

    person: str
    role: str
    hours: float
    nights: int
    weekends: int
    holidays: int


@dataclass(slots=True)
class _Tally:
    seconds: int = 0
    nights: set[int] = field(default_factory=set)
    weekends: set[int] = field(default_factory=set)
    holidays: set[date] = field(default_factory=set)


def fairness(
    rota: Rota,
    window: Window,
    *,
    schedule: str | None = None,
    role: str | None = None,
    holidays: DaysOff = lambda _, __: (),
    duties: Duties = lambda schedule, window, role: shifts(schedule, window, role=role),
) -> list[Share]:
    """One row for everybody who is on call in `window` or takes turns, by role and person; only time within `window`."""
    tallies: dict[tuple[str, str], _Tally] = {}
    for one in rota.schedules.values():
        if schedule is not None and one.id != schedule:
            continue
        for layer in one.layers:
            for person in (p for roster in layer.rosters for group in roster.groups for p in group):
                tallies.setdefault((layer.role, person), _Tally())
        for named in roles_of(one):
            if role is None or named == role:
                _count(tallies, one, named, window, holidays, duties)
    return [
        Share(person, named, tally.seconds / HOUR, len(tally.nights), len(tally.weekends), len(tally.holidays))
        for (named, person), tally in sorted(tallies.items(), key=lambda one: one[0])
        if role is None or named == role
    ]


def _count(
    tallies: dict[tuple[str, str], _Tally], schedule: Schedule, role: str, window: Window, holidays: DaysOff, duties: Duties
) -> None:
    there = zone(schedule.timezone)
    off: dict[str, Collection[date]] = {}
    for shift in duties(schedule, window, role):
        start, end = max(shift.start, window.start), min(shift.end, window.end)
        tally = tallies.setdefault((role, shift.person), _Tally())
        tally.seconds += end - start
        first, last = there.wall(start), there.wall(end - 1) + 1
        tally.nights.update(range((first - 6 * HOUR) // DAY + 1, -(-(last + 2 * HOUR) // DAY)))
        # 1970-01-03 was a Saturday
        tally.weekends.update(range((first - 4 * DAY) // WEEK + 1, -(-(last - 2 * DAY) // WEEK)))
        if shift.person not in off:
            off[shift.person] = holidays(schedule, shift.person)
        tally.holidays.update(day for day in off[shift.person] if local_of(first).date() <= day <= local_of(last - 1).date())
