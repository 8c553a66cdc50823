"""Decides what in a schedule is allowed but probably not meant: the warnings of `check`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, pairwise
from typing import NamedTuple

from syncd.core.duty import tiers_of
from syncd.core.layers import duties, plan_of, valid
from syncd.core.model import DAY, Boundary, Layer, Overlap, Override, Rota, Rotation, Schedule, Window
from syncd.core.openings import activity
from syncd.core.overrides import contradict, in_force
from syncd.core.rotation import Turns, problems, turn_seconds
from syncd.core.shifts import roles_of, shifts
from syncd.core.timeline import both, union
from syncd.core.zone import clock_time, local_of, weekday

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Surprise(NamedTuple):
    """`path`: below the schedule, as its keys are written in the file; overrides and absences by their place in the model."""

    path: tuple[str | int, ...]
    text: str
    remedy: str


def surprises(rota: Rota, schedule: Schedule, window: Window | None = None) -> list[Surprise]:
    """What a reader of the file should be told. `window`: the time that people's duties are looked at in.

    Without one, absences are looked at whenever they are, and nobody is looked for in two roles. Layers with
    `rotation.problems` are left out.
    """
    sound = [(i, layer) for i, layer in enumerate(schedule.layers) if not problems(layer, schedule)]
    found = [*_overrides(schedule)]
    for i, layer in sound:
        found += [Surprise(("layers", i, *path), text, remedy) for path, text, remedy in _layer(layer, schedule, window)]
    if len(sound) == len(schedule.layers):
        found += [*_hidden(schedule), *_away(rota, schedule, window)]
        if window is not None:
            found += [*_two_roles(rota, schedule, window), *_strain(rota, schedule, window)]
    return found


def across(rota: Rota, window: Window) -> list[tuple[str, Surprise]]:
    """Who is on call in two schedules at once, with the id of the later one; once for each pair. All layers must be sound."""
    duty: dict[str, list[tuple[str, list[Window]]]] = {}
    for schedule in rota.schedules.values():
        mine: dict[str, list[Window]] = {}
        for shift in shifts(schedule, window):
            mine.setdefault(shift.person, []).append(Window(shift.start, shift.end))
        for person, spans in mine.items():
            duty.setdefault(person, []).append((schedule.id, union(spans)))
    found = []
    for person, held in sorted(duty.items()):
        for (one, early), (other, late) in combinations(held, 2):
            shared = both(early, late)
            if shared:
                first = _at(rota.schedules[other], shared[0])
                text = f"{_name(rota, person)} is on call here and in schedule {one} at once, first from {first}"
                found.append((other, Surprise((), text, "if that is not meant, shift a rotation or change its members")))
    return found


# --- overrides ---------------------------------------------------------------------------


def _overrides(schedule: Schedule) -> Iterator[Surprise]:
    limits = valid(schedule)
    for i, one in enumerate(schedule.overrides):
        span = Window(one.start, one.end)
        if one.start >= one.end or one.end <= limits.start or one.start >= limits.end:
            text = f"override {one.id} is outside the schedule's `start` and `end`, or empty: it is ignored"
            yield Surprise(("overrides", i), text, "remove it, or correct its times")
            continue
        pieces = (piece for role in one.roles for piece in in_force(schedule, role, span, limits))
        if one.roles and not any(one == there.override for piece in pieces for there in piece.value):
            text = f"override {one.id} is ignored: another one is in force throughout its time"
            yield Surprise(("overrides", i), text, "remove it, or set `override_overlap`")
    if schedule.override_overlap is Overlap.UNION:
        return
    for (i, one), (j, other) in _neighbours(schedule.overrides):
        roles = [role for role in one.roles if role in other.roles]
        if roles and contradict(one, other) and one.id != other.id:
            wins = other if schedule.override_overlap is Overlap.LAST else one
            start, end = max(one.start, other.start), min(one.end, other.end)
            text = f"overrides {one.id} and {other.id} overlap {_from(schedule, Window(start, end))}: {wins.id} wins"
            yield Surprise(("overrides", max(i, j)), text, "shorten one of them, or set `override_overlap`")


def _neighbours(overrides: tuple[Override, ...]) -> Iterator[tuple[tuple[int, Override], tuple[int, Override]]]:
    """Pairs that share an instant, the first defined first."""
    here: list[tuple[int, Override]] = []
    lasting = [one for one in enumerate(overrides) if one[1].start < one[1].end]
    for new in sorted(lasting, key=lambda one: one[1].start):
        here = [old for old in here if old[1].end > new[1].start]
        for old in here:
            yield (old, new) if old[0] < new[0] else (new, old)
        here.append(new)


# --- one layer ---------------------------------------------------------------------------

_Found = tuple[tuple[str | int, ...], str, str]


def _layer(layer: Layer, schedule: Schedule, window: Window | None) -> Iterator[_Found]:
    limits = valid(schedule, layer)
    if limits.start >= limits.end:
        yield ("until",), f"layer {layer.name} ends before it begins: it never has anybody", "correct `from` or `until`"
        return
    yield from _hours(layer)
    plan = plan_of(layer, schedule)
    if layer.rotation is None:
        if layer.on_away == "next":
            yield ("on_away",), "without a rotation there is no next member to hand a turn to", "leave out `on_away`"
        return
    yield from _turns(layer.rotation)
    if plan.turns is None:
        yield ("rotation", "advance"), "no turn is ever counted: the layer never has anybody", "correct `days` or `windows`"
        return
    yield from _first_turn(layer, plan.turns, limits)
    yield from _midnight(layer, layer.rotation, plan.turns, schedule, window)


def _hours(layer: Layer) -> Iterator[_Found]:
    if layer.days is not None and not layer.days:
        yield ("days",), f"layer {layer.name} is open on no day", "name days, or leave out `days`"
        return
    for i, hours in enumerate(layer.windows):
        if activity((hours,), layer.days, layer.boundary).never:
            yield ("windows", i), "this window never opens: `days` lets none of its days in", "correct `days`"


def _turns(rotation: Rotation) -> Iterator[_Found]:
    if rotation.every > 30:
        yield ("rotation", "every"), f"{rotation.every} is an unusual number; 1 to 30 is the rule", "use a larger `unit`"
    length = turn_seconds(rotation)
    if rotation.lasts is not None and length is not None and rotation.lasts > length:
        yield ("rotation", "lasts"), "`lasts` is longer than the turn, which ends it", "shorten or leave out `lasts`"


def _first_turn(layer: Layer, turns: Turns, limits: Window) -> Iterator[_Found]:
    start, end = turns.whole(max(turns.locate(limits.start), 0))
    begin = max(start, limits.start)
    if layer.end is not None and layer.start is not None and limits.end - limits.start < end - start:
        text = f"layer {layer.name} is in force for less than one turn, so it happens once"
        yield ("until",), text, "did you mean `windows`, which recur?"
    elif 2 * (end - begin) < end - start:
        sooner, later = (f"{local_of(turns.zone.wall(at)):%Y-%m-%dT%H:%M}" for at in (start, end))
        text = f"the first turn is short: it ends {(end - begin) / 3600:g} h after the layer begins"
        yield ("from",), text, f"write `from: {later}` (or `from: {sooner}`)"


def _midnight(layer: Layer, rotation: Rotation, turns: Turns, schedule: Schedule, window: Window | None) -> Iterator[_Found]:
    """A day mask cuts at midnight what a reader may take for one night's duty."""
    if layer.days is None or layer.boundary is Boundary.SHIFT or len(layer.days) in (0, 7):
        return
    days = ", ".join(_WEEKDAYS[day] for day in sorted(layer.days))
    if any(hours.at + hours.length > DAY for hours in layer.windows):
        what = "window"
    elif not layer.windows and (turns.opened(0) % DAY or (turn_seconds(rotation) or DAY) % DAY):
        what = "turn"
    else:
        return
    text = (
        f"a {what} crosses midnight: with `boundary: midnight` what lies after midnight obeys the next day (on {days}); "
        f"with `boundary: shift` a {what} that starts on one of them is kept whole, any other is dropped whole"
    )
    if window is not None:
        cut, kept = (_weekend(replace(layer, boundary=boundary), schedule, window, turns) for boundary in Boundary)
        text += f". Next weekend it is on {cut}; with `shift` it would be on {kept}"
    yield ("boundary",), text, "write the `boundary` that is meant"


def _weekend(layer: Layer, schedule: Schedule, window: Window, turns: Turns) -> str:
    """When a layer is on from Friday to Monday of the next weekend, in its own zone."""
    there = turns.zone
    today = there.wall(window.start) // DAY * DAY
    friday = today + (4 - weekday(today)) % 7 * DAY
    span = Window(there.instant(friday), there.instant(friday + 4 * DAY))
    on = both(union((duty.start, duty.end) for duty in duties(layer, 0, schedule, span)), [span])
    said = (f"{local_of(there.wall(start)):%a %H:%M} – {local_of(there.wall(end)):%a %H:%M}" for start, end in on)
    return ", ".join(said) or "at no time"


# --- people ------------------------------------------------------------------------------


def _hidden(schedule: Schedule) -> Iterator[Surprise]:
    """Layers below one that always has somebody."""
    for role in roles_of(schedule):
        above: list[tuple[Layer, Window]] = []
        for tier in tiers_of(schedule, role):
            for i, layer in tier:
                limits = valid(schedule, layer)
                for higher, span in above:
                    if span.start <= limits.start and limits.end <= span.end:
                        text = f"layer {layer.name} never has a turn: {higher.name}, of higher priority, is always on"
                        yield Surprise(("layers", i), text, "give it a higher `priority`, or the other one `windows`")
                        break
            above += [(layer, _always(layer, schedule)) for _, layer in tier]


def _always(layer: Layer, schedule: Schedule) -> Window:
    """Where a layer surely has somebody without interruption; empty where that is not certain."""
    plan = plan_of(layer, schedule)
    certain = plan.pattern.always and plan.mask is None and len(layer.rosters) == 1 and layer.rosters[0].since is None
    if layer.rotation is not None:
        certain = certain and plan.turns is not None and layer.rotation.lasts is None
    groups = layer.rosters[0].groups if layer.rosters else ()
    if not certain or not groups or not (all(groups) if layer.rotation else any(groups)):
        return Window(0, 0)
    return Window(max(plan.valid.start, plan.turns.first) if plan.turns else plan.valid.start, plan.valid.end)


def _away(rota: Rota, schedule: Schedule, window: Window | None) -> Iterator[Surprise]:
    for i, away in enumerate(schedule.away):
        span = (
            Window(away.start, away.end) if window is None else Window(max(away.start, window.start), min(away.end, window.end))
        )
        for role in roles_of(schedule):
            on = union((shift.start, shift.end) for shift in shifts(schedule, span, role=role) if shift.person == away.person)
            for start, end in both(on, [span]):
                text = f"{_name(rota, away.person)} is away but on call as {role} {_from(schedule, Window(start, end))}"
                yield Surprise(("away", i), text, "add an override, or `on_away: next` to the layer")


def _two_roles(rota: Rota, schedule: Schedule, window: Window) -> Iterator[Surprise]:
    duty: dict[str, dict[str, list[tuple[int, int]]]] = {}
    for shift in shifts(schedule, window):
        duty.setdefault(shift.person, {}).setdefault(shift.role, []).append((shift.start, shift.end))
    for person, roles in sorted(duty.items()):
        for one, other in combinations((role for role in roles_of(schedule) if role in roles), 2):
            shared = both(union(roles[one]), union(roles[other]))
            if shared:
                text = f"{_name(rota, person)} is on call as {one} and as {other} at once, first from {_at(schedule, shared[0])}"
                yield Surprise((), text, "shift the rotation of one of the two layers, or change its members")


def _strain(rota: Rota, schedule: Schedule, window: Window) -> Iterator[Surprise]:
    """Duty without a break over the schedule's limit, and too little rest between two; each person's first."""
    duty: dict[str, list[Window]] = {}
    for shift in shifts(schedule, window) if schedule.longest or schedule.rest else ():
        duty.setdefault(shift.person, []).append(Window(shift.start, shift.end))
    for person, spans in sorted(duty.items()):
        whole = union(spans)
        long = next((one for one in whole if schedule.longest and one.end - one.start > schedule.longest), None)
        if long is not None and schedule.longest:
            length = _long(long.end - long.start)
            text = f"{_name(rota, person)} is on call for {length} without a break, from {_at(schedule, long)}"
            yield Surprise(
                ("limits", "shift"), f"{text}; the limit is {_long(schedule.longest)}", "shorten the turns, or add members"
            )
        short = next(((a, b) for a, b in pairwise(whole) if schedule.rest and b.start - a.end < schedule.rest), None)
        if short is not None and schedule.rest:
            rest = Window(short[0].end, short[1].start)
            text = f"{_name(rota, person)} has {_long(rest.end - rest.start)} of rest, {_from(schedule, rest)}"
            yield Surprise(("limits", "rest"), f"{text}; the limit is {_long(schedule.rest)}", "add members, or move a handoff")


def _at(schedule: Schedule, window: Window) -> str:
    """When it begins, on the schedule's clock."""
    return clock_time(window.start, schedule.timezone)


def _from(schedule: Schedule, window: Window) -> str:
    return f"from {_at(schedule, window)} to {clock_time(window.end, schedule.timezone)}"


def _long(seconds: int) -> str:
    return f"{seconds / 3600:g} h"


def _name(rota: Rota, person: str) -> str:
    return rota.people[person].name if person in rota.people else person
