"""The rota with edits of a destination in it: an import takes its time, earlier overrides of its role make room (MERGE.md, 1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from syncd.core.drift import Pull
from syncd.core.model import Instant, Override, Schedule, Shift, Window
from syncd.core.sweep import sweep


class Cut(NamedTuple):
    """`override` no longer holds in `window` for the role of the import."""

    override: str
    window: Window


def cuts_for(schedule: Schedule, role: str, pull: Pull) -> list[Cut]:
    """What of earlier overrides gives way to `pull`; one cut an override and piece of it."""
    return [
        Cut(o.id, Window(max(o.start, pull.start), min(o.end, pull.end)))
        for o in schedule.overrides
        if role in o.roles and o.start < pull.end and pull.start < o.end
    ]


def with_pulls(schedule: Schedule, role: str, pulls: Iterable[Pull], withdrawn: Iterable[str] = ()) -> Schedule:
    """`schedule` as it is once `pulls` are stored and the imports in `withdrawn` are removed."""
    gone = set(withdrawn)
    overrides: list[Override] = [o for o in schedule.overrides if o.id not in gone]
    for number, pull in enumerate(pulls):
        overrides = [part for o in overrides for part in _room(o, role, pull.start, pull.end)]
        new = Override(
            id=f"import-{number}-{pull.start}",
            roles=(role,),
            people=pull.people,
            replaces=None,
            start=pull.start,
            end=pull.end,
            origin="import",
        )
        overrides.append(new)
    return replace(schedule, overrides=tuple(overrides))


def _room(override: Override, role: str, start: Instant, end: Instant) -> Iterator[Override]:
    if role not in override.roles or override.end <= start or end <= override.start:
        yield override
        return
    others = tuple(r for r in override.roles if r != role)
    if others:
        yield replace(override, roles=others)
    if override.start < start:
        yield replace(override, roles=(role,), end=start)
    if end < override.end:
        yield replace(override, roles=(role,), start=end)


def says(shifts: Sequence[Shift], pull: Pull) -> bool:
    """Whether the rota has exactly `pull`'s people in all of its time."""
    wanted = set(pull.people)
    on = [(s.start, s.end, s.person) for s in shifts]
    return all(set(people) == wanted for _, (people,) in sweep(Window(pull.start, pull.end), on))


def covers(shifts: Sequence[Shift], window: Window) -> bool:
    """Whether somebody is on at every instant of `window`."""
    return all(people for _, (people,) in sweep(window, [(s.start, s.end, s.person) for s in shifts]))
