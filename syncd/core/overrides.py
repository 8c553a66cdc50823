"""Decides which overrides are in force when, and whom they put on or take off (SCHEDULES.md section 4)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from syncd.core.model import Instant, Overlap, Override, Schedule, Window
from syncd.core.timeline import Piece, coalesce, cuts


class Standing(NamedTuple):
    """An override with its place among those of the schedule; pieces of one id share the place of the first."""

    place: int
    override: Override


class OnCall(NamedTuple):
    """Somebody on call by a source (`layers.Duty`), without the time."""

    person: str
    source: int
    turn: int
    place: int


Tier = Sequence[OnCall]
"""Whom the layers of one priority have on, in the order of the file."""


def in_force(schedule: Schedule, role: str, window: Window, limits: Window) -> list[Piece[tuple[Standing, ...]]]:
    """The pieces of `window` in which any override of `role` is in force, with those that count, first defined first.

    `limits`: the schedule's validity, outside which no override counts.
    """
    start, end = max(window.start, limits.start), min(window.end, limits.end)
    places: dict[str, int] = {}
    found: list[Standing] = []
    for i, one in enumerate(schedule.overrides):
        place = places.setdefault(one.id, i)
        if one.start < end and one.end > start and one.start < one.end and role in one.roles:
            found.append(Standing(place, one))
    if not found:
        return []
    coming = sorted(found, key=lambda one: one.override.start, reverse=True)
    here: list[Standing] = []
    pieces: list[tuple[Instant, Instant, tuple[Standing, ...]]] = []
    for piece in cuts(((one.override.start, one.override.end) for one in found), Window(start, end)):
        here = [one for one in here if one.override.end > piece.start]
        while coming and coming[-1].override.start <= piece.start:
            here.append(coming.pop())
        if here:
            pieces.append((piece.start, piece.end, _counting(here, schedule.override_overlap)))
    return coalesce(pieces)


def contradict(one: Override, other: Override) -> bool:
    """Whether two overrides of one role and time cannot both hold: one replaces all, or both replace the same person."""
    if one.replaces is None or other.replaces is None:
        return True
    return not set(one.replaces).isdisjoint(other.replaces)


def _counting(here: list[Standing], overlap: Overlap) -> tuple[Standing, ...]:
    """Of overrides in force at one time those that count. One that has lost does not make others lose."""
    order = sorted(here, key=lambda one: one.place)
    if overlap is Overlap.UNION or len(order) == 1:
        return tuple(order)
    kept: list[Standing] = []
    everybody, replaced = False, set[str]()
    for one in reversed(order) if overlap is Overlap.LAST else order:
        replaces = one.override.replaces
        # as `contradict` says of two, here of one and all that were kept
        if (kept and (everybody or replaces is None)) or not replaced.isdisjoint(replaces or ()):
            continue
        kept.append(one)
        everybody |= replaces is None
        replaced.update(replaces or ())
    return tuple(sorted(kept, key=lambda one: one.place))


def decide(tiers: Iterable[Tier], standing: Sequence[Standing], after: int) -> list[OnCall]:
    """Who is on: `tiers` from the highest priority down, `standing` the overrides in force, `after` the number of layers."""
    replacing = [one for one in standing if one.override.replaces]
    gone = {p for one in replacing for p in one.override.replaces or () if p not in one.override.people}
    on: dict[str, OnCall] = {}
    put: list[Standing] = []
    for tier in tiers:
        there: dict[str, OnCall] = {}
        for one in tier:
            there.setdefault(one.person, one)
        put = [one for one in replacing if not there.keys().isdisjoint(one.override.replaces or ())]
        on = {person: one for person, one in there.items() if person not in gone}
        if on or any(one.override.people for one in put):
            break
    counting = [one for one in standing if not one.override.replaces or one in put]
    put_on = {person for one in counting for person in one.override.people}
    everybody = any(one.override.replaces is None for one in standing)
    staying = [one for person, one in on.items() if person in put_on or not everybody]
    named = {one.person for one in staying}
    for them in counting:
        for place, person in enumerate(dict.fromkeys(them.override.people)):
            if person not in named:
                named.add(person)
                staying.append(OnCall(person, after + them.place, 0, place))
    return staying
