"""Decides what a gap is told with: why nobody is on, and something to do that, once done, closes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from syncd.core.duty import tiers_of
from syncd.core.layers import duties, plan_of
from syncd.core.model import Instant, Layer, Override, Rota, Schedule, Window, iso
from syncd.core.shifts import shifts
from syncd.core.zone import clock_time, local_of

Closes = Callable[[Schedule], bool]
"""Whether a gap is gone in a schedule with the remedy in it."""


class Hole(Protocol):
    """As much of a gap as a remedy depends on."""

    @property
    def start(self) -> Instant: ...
    @property
    def end(self) -> Instant: ...
    @property
    def people(self) -> tuple[str, ...]: ...


def able(rota: Rota, schedule: Schedule, role: str, window: Window) -> list[str]:
    """Who could cover: neither away nor on call in this role then. Members of the schedule, in the order of the file; where
    none of them is free those of its team, then everybody.
    """
    members = [p for layer in schedule.layers for roster in layer.rosters for group in roster.groups for p in group]
    team = rota.teams.get(schedule.team or "")
    gone = {one.person for one in schedule.away if one.start < window.end and one.end > window.start}
    gone |= {shift.person for shift in shifts(schedule, window, role=role)}
    for people in (members, team.people if team else (), rota.people):
        found = [person for person in dict.fromkeys(people) if person in rota.people and person not in gone]
        if found:
            return found
    return []


# --- why nobody is on --------------------------------------------------------------------


def why_nobody(schedule: Schedule, role: str, at: Instant, removed: Sequence[Override] = ()) -> str:
    """What is the cause at the beginning of a gap. `removed`: overrides that no longer count."""
    now = Window(at, at + 1)
    taken = next((one for one in removed if role in one.roles and one.people and one.start <= at < one.end), None)
    said = [f"override {taken.id}, which covered it, was removed"] if taken is not None else []
    tiers = [layer for tier in tiers_of(schedule, role) for layer in tier]
    if any(one.start <= at < one.end for i, layer in tiers for one in duties(layer, i, schedule, now)):
        off = [one.id for one in schedule.overrides if role in one.roles and one.start <= at < one.end]
        said.append(f"override {', '.join(dict.fromkeys(off))} takes everybody off")
        return "; ".join(said)
    if not tiers:
        said.append(f"no layer has the role {role}")
    reasons: dict[str, list[str]] = {}
    for _, layer in tiers:
        reasons.setdefault(_silent(layer, schedule, at), []).append(layer.name)
    for reason, names in reasons.items():
        if reason == _CLOSED and len(names) > 1:
            said.append(f"the hours of layers {', '.join(names)} do not meet")
        else:
            said.append(f"layer{'s' * (len(names) > 1)} {', '.join(names)} {reason}")
    return "; ".join(said)


_CLOSED = "is closed then"


def _silent(layer: Layer, schedule: Schedule, at: Instant) -> str:
    """Why a layer that is asked has nobody."""
    plan = plan_of(layer, schedule)
    if at < plan.valid.start:
        return f"begins {clock_time(plan.valid.start, layer.timezone)}"
    if at >= plan.valid.end:
        return f"ended {clock_time(plan.valid.end, layer.timezone)}"
    if not plan.pattern.always and not any(True for _ in plan.pattern.between(plan.zone, at, at + 1)):
        return _CLOSED
    if layer.rotation is not None:
        if plan.turns is None:
            return "never has a turn that counts"
        turn = plan.turns.locate(at)
        if turn < 0:
            return f"has its first turn {clock_time(plan.turns.first, layer.timezone)}"
        starts = plan.turns.starts(turn, turn + 1)
        over = plan.turns.ends(turn, turn, starts)[0]
        serving = [tenure for tenure in plan.tenures if tenure.since <= at]
        if serving and serving[-1].group(turn):
            if at >= over:
                return f"is between two turns: the last one ended {clock_time(over, layer.timezone)}"
            day = local_of(plan.turns.opened(turn))
            return f"drops the turn that began on {day:%A}, which its `days` leave out"
    return "has an empty roster then"


# --- what to do --------------------------------------------------------------------------


def covered(rota: Rota, schedule: Schedule, role: str, gap: Hole, closes: Closes) -> str:
    """Somebody else for that time, by the plainest command that does it; or an override that put nobody on goes."""
    nobody = next((one for one in schedule.overrides if _empties(one, role, gap)), None)
    if nobody is not None and closes(_without(schedule, nobody.id)):
        return f"override {nobody.id} puts nobody on; take it back: syncd override remove {nobody.id}"
    free = able(rota, schedule, role, Window(gap.start, gap.end))
    if not free:
        return "nobody is free then: look for somebody else"
    names = " or ".join(free[:5]) + (" or others" if len(free) > 5 else "")
    return f"{names} could cover: {_way(schedule, role, gap, free[0], closes)}"


def _empties(one: Override, role: str, gap: Hole) -> bool:
    return not gap.people and not one.people and role in one.roles and one.start < gap.end and gap.start < one.end


def _without(schedule: Schedule, id_: str) -> Schedule:
    return replace(schedule, overrides=tuple(one for one in schedule.overrides if one.id != id_))


def _way(schedule: Schedule, role: str, gap: Hole, person: str, closes: Closes) -> str:
    new = Override(id="", roles=(role,), people=(person,), replaces=None, start=gap.start, end=gap.end)
    choices: list[tuple[str, ...] | None] = [gap.people, None] if gap.people else [None, ()]
    for one in (replace(new, replaces=replaces) for replaces in choices):
        if closes(replace(schedule, overrides=(*schedule.overrides, one))):
            return added(schedule, role, one)
    # Those that were there first have to go, and whoever covers takes all of their time.
    there = [one for one in schedule.overrides if role in one.roles and one.start < gap.end and gap.start < one.end]
    whole = replace(new, start=min(gap.start, *(one.start for one in there)), end=max(gap.end, *(one.end for one in there)))
    return " && ".join(
        [*(f"syncd override remove {id_}" for id_ in dict.fromkeys(one.id for one in there)), added(schedule, role, whole)]
    )


def added(schedule: Schedule, role: str, new: Override) -> str:
    """The command that records `new`."""
    who = f"--person {' '.join(new.people)}" if new.people else "--nobody"
    replaces = "" if new.replaces is None else f" --replaces {','.join(new.replaces) or 'none'}"
    return (
        f"syncd override add --schedule {schedule.id} --role {role} {who}{replaces} --from {iso(new.start)} --to {iso(new.end)}"
    )


def fewer(schedule: Schedule, role: str, gap: Hole, most: int, closes: Closes) -> str:
    """Too many on call: as many as they are may be meant, or some of them are off."""
    meant = f"if that is meant write `people: {len(gap.people)}` at role {role}"
    for keep in (gap.people[:most], gap.people[-most:]):
        off = tuple(person for person in gap.people if person not in keep)
        new = Override(id="", roles=(role,), people=(), replaces=off, start=gap.start, end=gap.end)
        if off and closes(replace(schedule, overrides=(*schedule.overrides, new))):
            return f"{meant}; else {added(schedule, role, new)}"
    return f"{meant}; else take somebody off"


def known(schedule: Schedule, role: str, gap: Hole, closes: Closes) -> str:
    """Somebody who is not in `people`."""
    person = gap.people[0]
    theirs = [one for one in schedule.overrides if person in one.people and role in one.roles]
    for one in theirs:
        if closes(_without(schedule, one.id)):
            return f"add {person} to `people`, or take the override back: syncd override remove {one.id}"
    return f"add {person} to `people`, or remove the override"
