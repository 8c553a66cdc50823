"""Explains why somebody is on call: every step from overrides and layers to the person, with its numbers (section 5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from syncd.core.duty import tiers_of
from syncd.core.layers import Plan, duties, plan_of, valid
from syncd.core.model import Instant, Layer, Override, Rota, Schedule, Window, iso
from syncd.core.overrides import in_force
from syncd.core.rotation import Turns, clock_of
from syncd.core.shifts import shifts
from syncd.core.zone import local_of

Number = str | int | bool | None | list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the way: its name, a sentence, and the numbers in it."""

    step: str
    text: str
    numbers: Mapping[str, Number] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Who holds a role at an instant, and why. `people` are those of `shifts`, always."""

    schedule: str
    role: str
    at: Instant
    people: tuple[str, ...]
    steps: tuple[Step, ...]


def why(rota: Rota, schedule: Schedule, role: str, at: Instant) -> Explanation:
    """Overrides considered, tiers, hours, turn `k`, `k mod n`, clock rule and roster in force; the last step is the answer."""
    now = Window(at, at + 1)
    here = shifts(schedule, now, role=role)
    people = tuple(shift.person for shift in here)
    steps = [*_validity(schedule, at), *_overrides(schedule, role, now)]
    decided = False
    for tier in tiers_of(schedule, role):
        names: list[str] = []
        for i, layer in tier:
            steps += _layer(layer, i, schedule, now)
            names += [duty.person for duty in duties(layer, i, schedule, now)]
        there = list(dict.fromkeys(names))
        text = f"priority {tier[0][1].priority}: {_names(rota, there)}"
        text += ", but a higher one has somebody" if decided and there else ""
        steps.append(Step(step="tier", text=text, numbers={"priority": tier[0][1].priority, "people": there}))
        decided = decided or bool(there)
    sources = [
        f"override {shift.source.override}" if shift.source.override is not None else f"layer {shift.source.layer}"
        for shift in here
    ]
    by = f", by {' and '.join(dict.fromkeys(sources))}" if sources else ""
    steps.append(Step(step="answer", text=f"on call: {_names(rota, people)}{by}", numbers={"people": list(people)}))
    return Explanation(schedule=schedule.id, role=role, at=at, people=people, steps=tuple(steps))


def _names(rota: Rota, people: tuple[str, ...] | list[str]) -> str:
    known = (f"{rota.people[person].name} ({person})" if person in rota.people else person for person in people)
    return ", ".join(known) or "nobody"


def _validity(schedule: Schedule, at: Instant) -> Iterator[Step]:
    limits = valid(schedule)
    inside = limits.start <= at < limits.end
    numbers: dict[str, Number] = {
        "start": None if schedule.start is None else iso(limits.start),
        "end": None if schedule.end is None else iso(limits.end),
    }
    state = "is in force" if inside else "is not in force: it puts on nobody"
    yield Step(step="schedule", text=f"schedule {schedule.id} {state}", numbers=numbers)


def _overrides(schedule: Schedule, role: str, now: Window) -> Iterator[Step]:
    counting = {one.override for piece in in_force(schedule, role, now, valid(schedule)) for one in piece.value}
    for one in schedule.overrides:
        if role in one.roles and one.start < now.end and one.end > now.start:
            counts = one in counting
            numbers: dict[str, Number] = {
                "override": one.id,
                "start": iso(one.start),
                "end": iso(one.end),
                "counts": counts,
                "people": list(one.people),
            }
            why_not = "" if counts else f": it does not count (overlap: {schedule.override_overlap}, or the schedule's validity)"
            yield Step(step="override", text=f"override {one.id} {_does(one)}{why_not}", numbers=numbers)


def _does(one: Override) -> str:
    people = ", ".join(one.people) or "nobody"
    if one.replaces is None:
        return f"puts {people} in place of everybody"
    return f"puts {people} in place of {', '.join(one.replaces)}" if one.replaces else f"adds {people}"


def _layer(layer: Layer, place: int, schedule: Schedule, now: Window) -> Iterator[Step]:
    plan = plan_of(layer, schedule)
    at = now.start
    wall = f"{local_of(plan.zone.wall(at)):%a %Y-%m-%d %H:%M} {layer.timezone}"
    on = [duty.person for duty in duties(layer, place, schedule, now)]
    if not plan.valid.start <= at < plan.valid.end:
        yield Step(step="layer", text=f"layer {layer.name} is not in force", numbers={"layer": layer.name, "local": wall})
        return
    open_ = plan.pattern.always or any(True for _ in plan.pattern.between(plan.zone, at, now.end))
    state = "is open" if open_ else "is closed"
    yield Step(
        step="windows", text=f"layer {layer.name} {state} at {wall}", numbers={"layer": layer.name, "local": wall, "open": open_}
    )
    if layer.rotation is not None and plan.turns is not None:
        yield from _turn(layer, plan, plan.turns, at)
    text = f"layer {layer.name} has {', '.join(on) or 'nobody'}"
    if layer.rotation is None:
        text += ": without a rotation all its members at once"
    elif layer.on_away == "next":
        text += " (on_away: next: a turn goes to the next member who is not away in it)"
    yield Step(step="layer", text=text, numbers={"layer": layer.name, "people": on})


def _turn(layer: Layer, plan: Plan, turns: Turns, at: Instant) -> Iterator[Step]:
    k = turns.locate(at)
    if k < 0:
        text = f"turn 0 of layer {layer.name} begins at {iso(turns.first)}"
        yield Step(step="turn", text=text, numbers={"layer": layer.name, "anchor": iso(turns.first), "turn": None})
        return
    clock = str(clock_of(layer.rotation)) if layer.rotation else ""
    start, end = turns.whole(k)
    numbers: dict[str, Number] = {
        "layer": layer.name,
        "anchor": iso(turns.first),
        "turn": k,
        "start": iso(start),
        "end": iso(end),
        "clock": clock,
    }
    yield Step(step="turn", text=f"turn {k} of layer {layer.name} began at {iso(start)} (clock: {clock})", numbers=numbers)
    serving = [tenure for tenure in plan.tenures if tenure.since <= at]
    index = serving[-1].whose(k) if serving else None
    if index is None:
        yield Step(step="member", text=f"layer {layer.name} has no list of members then", numbers={"layer": layer.name, "n": 0})
        return
    tenure = serving[-1]
    n = len(tenure.groups)
    group = list(tenure.groups[index])
    how = f", walked on from place {tenure.place} at turn {tenure.handoff}" if tenure.handoff else ""
    if tenure.order.skip is not None:
        how += f", one skipped after every {tenure.order.skip} turns"
    numbers = {
        "layer": layer.name,
        "turn": k,
        "n": n,
        "k mod n": k % n,
        "place": index,
        "skip": tenure.order.skip,
        "people": group,
        "members": ["+".join(member) for member in tenure.groups],
    }
    text = f"{k} mod {n} = {k % n}{how}: place {index} of {n} is {', '.join(group) or 'nobody'}"
    yield Step(step="member", text=text, numbers=numbers)
