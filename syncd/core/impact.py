"""Decides what another rota would change: whose shifts move and by how much, and what that would do at the destinations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from syncd.core.decide import Question, decide
from syncd.core.desired import in_lanes
from syncd.core.drift import Policy
from syncd.core.entry import Capabilities, Entry
from syncd.core.gaps import Cause, Gap, gaps
from syncd.core.guard import Circumstances
from syncd.core.mode import Limits, Mode
from syncd.core.model import Instant, Rota, Schedule, Shift, Window
from syncd.core.record import Memory, Row
from syncd.core.shifts import roles_of, shifts
from syncd.core.timeline import both, minus, union

_CALENDAR = Capabilities()
_UNCOVERED = (Cause.NOBODY, Cause.ENDED, Cause.UNKNOWN)


class Change(NamedTuple):
    """One person in one role: the time of the period that she would have more, and less."""

    schedule: str
    role: str
    person: str
    gained: tuple[Window, ...]
    lost: tuple[Window, ...]

    @property
    def seconds(self) -> int:
        """How much more she would be on call; negative: less."""
        return _length(self.gained) - _length(self.lost)


class Move(NamedTuple):
    """One person's shift that would be at another time: the same turn of the same layer, else the shift it overlaps."""

    schedule: str
    role: str
    person: str
    before: Window
    after: Window


class Impact(NamedTuple):
    """What another rota would change in a period. `gaps`: those that there would be and are not now."""

    changes: tuple[Change, ...]
    moves: tuple[Move, ...]
    gaps: tuple[Gap, ...]


def impact(before: Rota, after: Rota, window: Window) -> Impact:
    """Both rotas with the overrides in force; what lies outside `window` is not compared, but moved shifts are told whole."""
    changes: list[Change] = []
    moves: list[Move] = []
    opened: list[Gap] = []
    for id_ in dict.fromkeys([*before.schedules, *after.schedules]):
        old, new = before.schedules.get(id_), after.schedules.get(id_)
        roles = dict.fromkeys(role for one in (old, new) if one is not None for role in roles_of(one))
        for role in roles:
            had, has = _shifts(old, role, window), _shifts(new, role, window)
            changes += _changes(had, has, window)
            moves += _moves(had, has)
        if new is not None:
            opened += _opened(before, old, after, new, window)
    return Impact(tuple(changes), tuple(moves), tuple(opened))


def _shifts(schedule: Schedule | None, role: str, window: Window) -> list[Shift]:
    return [] if schedule is None else shifts(schedule, window, role=role)


def _changes(had: Sequence[Shift], has: Sequence[Shift], window: Window) -> list[Change]:
    of = next(iter([*had, *has]), None)
    if of is None:
        return []
    found = []
    for person in sorted({shift.person for shift in (*had, *has)}):
        was, will = (
            both(union((shift.start, shift.end) for shift in told if shift.person == person), [window]) for told in (had, has)
        )
        gained, lost = minus(will, was), minus(was, will)
        if gained or lost:
            found.append(Change(of.schedule, of.role, person, tuple(gained), tuple(lost)))
    return found


def _moves(had: Sequence[Shift], has: Sequence[Shift]) -> list[Move]:
    """What is equal stays out of it: of the rest, a turn meets the same turn, then whatever of the person it overlaps."""
    same = {(shift.person, shift.start, shift.end) for shift in had} & {(shift.person, shift.start, shift.end) for shift in has}
    old = [shift for shift in had if shift[2:5] not in same]
    new = [shift for shift in has if shift[2:5] not in same]
    found: list[Move] = []
    for one in old:
        mine = [other for other in new if other.person == one.person]
        meets = next((other for other in mine if other.source == one.source), None) or next(
            (other for other in mine if other.start < one.end and one.start < other.end), None
        )
        if meets is not None:
            new.remove(meets)
            found.append(Move(one.schedule, one.role, one.person, Window(one.start, one.end), Window(meets.start, meets.end)))
    return found


def _opened(before: Rota, old: Schedule | None, after: Rota, new: Schedule, window: Window) -> list[Gap]:
    """Gaps of `new` with time in the period in which nothing was missing."""
    open_: dict[str, list[Window]] = {}
    for gap in gaps(before, old, window) if old is not None else ():
        if gap.cause in _UNCOVERED:
            open_.setdefault(gap.role, []).append(Window(gap.start, gap.end))
    return [
        gap
        for gap in gaps(after, new, window)
        if gap.cause in _UNCOVERED and minus(both([Window(gap.start, gap.end)], [window]), union(open_.get(gap.role, ())))
    ]


def _length(windows: Sequence[Window]) -> int:
    return sum(one.end - one.start for one in windows)


# --- destinations ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """As much of a destination's settings as its plan depends on. `horizon`: seconds ahead that are exported."""

    schedule: Schedule
    role: str
    mode: Mode
    horizon: int
    limits: Limits
    people: int = 1


class Effect(NamedTuple):
    """What the first cycle would do at a destination that shows the rota of today, and why parts of it would be held."""

    actions: Mapping[str, int]
    """`create`, `replace`, `delete`: how many, held ones too."""
    holds: tuple[str, ...]

    @property
    def empty(self) -> bool:
        return not self.actions


def effect(name: str, before: Shown | None, after: Shown, now: Instant) -> Effect:
    """As `decide` would have it, nothing being there but what `before` says; `before` None: it is shown for the first time."""
    shown = [] if before is None else shifts(before.schedule, Window(now, now + before.horizon), role=before.role)
    values = [(target.shift, target.value) for target in in_lanes(shown, (), now)]
    entries = [
        Entry(ref=f"{i}", uid=f"{i}", start=value.start, end=value.end, person=value.person, version="1")
        for i, (_, value) in enumerate(values)
    ]
    rows = tuple(
        Row(ref=f"{i}", uid=f"{i}", key=shift.key, generation=1, op="", accepted=value, version="1", order=i)
        for i, (shift, value) in enumerate(values)
    )
    moved = before is not None and (before.mode, before.role, before.schedule.id) != (after.mode, after.role, after.schedule.id)
    decision = decide(
        Question(
            destination=name,
            schedule=after.schedule,
            role=after.role,
            now=now,
            horizon=after.horizon,
            can=_CALENDAR,
            entries=entries,
            memory=Memory(rows=rows),
            policy=Policy(mode=after.mode, people=after.people),
            here=Circumstances(destination=name, limits=after.limits, settings_changed=moved),
            wording=lambda _: "",
        )
    )
    actions = Counter(change.action.value for change in decision.plan.changes)
    return Effect(dict(sorted(actions.items())), tuple(hold.reason for hold in decision.holds))
