"""Explains why somebody is on call: every step from overrides and layers to the person, with its numbers (section 5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from syncd.core.duty import tiers_of
from syncd.core.layers import Plan, duties, plan_of, valid
from syncd.core.model import Clock, Instant, Layer, Overlap, Override, Rota, Rotation, Schedule, Shift, Window, iso
from syncd.core.overrides import in_force
from syncd.core.rotation import Turns, clock_of
from syncd.core.shifts import shifts
from syncd.core.zone import clock_time

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
    steps = [*_validity(schedule, at), *_overrides(rota, schedule, role, now)]
    decided = False
    for tier in tiers_of(schedule, role):
        names: list[str] = []
        for i, layer in tier:
            steps += _layer(rota, layer, i, schedule, at)
            names += _on(layer, i, schedule, at)
        there = list(dict.fromkeys(names))
        text = f"of the layers with priority {tier[0][1].priority}: {_names(rota, there)}"
        text += "; it does not matter, a higher priority has somebody" if decided and there else ""
        steps.append(Step(step="tier", text=text, numbers={"priority": tier[0][1].priority, "people": there}))
        decided = decided or bool(there)
    steps.append(Step(step="answer", text=_answer(rota, here), numbers={"people": list(people)}))
    return Explanation(schedule=schedule.id, role=role, at=at, people=people, steps=tuple(steps))


def _answer(rota: Rota, here: Sequence[Shift]) -> str:
    if not here:
        return "so nobody is on call"
    said = []
    for shift in here:
        of = shift.source
        turn = "" if of.turn is None else f", turn {of.turn}"
        by = f"by override {of.override}" if of.override is not None else f"by layer {of.layer}{turn}"
        said.append(f"{_names(rota, [shift.person])}, {by}")
    return f"so on call: {'; and '.join(said)}"


def _names(rota: Rota, people: Sequence[str]) -> str:
    known = (f"{rota.people[person].name} ({person})" if person in rota.people else person for person in people)
    return ", ".join(known) or "nobody"


def _on(layer: Layer, place: int, schedule: Schedule, at: Instant) -> list[str]:
    return [duty.person for duty in duties(layer, place, schedule, Window(at, at + 1)) if duty.start <= at < duty.end]


def _validity(schedule: Schedule, at: Instant) -> Iterator[Step]:
    limits = valid(schedule)
    inside = limits.start <= at < limits.end
    numbers: dict[str, Number] = {
        "start": None if schedule.start is None else iso(limits.start),
        "end": None if schedule.end is None else iso(limits.end),
    }
    if inside:
        state = "is in force" + (f" until {clock_time(limits.end, schedule.timezone)}" if schedule.end is not None else "")
    elif at < limits.start:
        state = f"begins {clock_time(limits.start, schedule.timezone)}: until then it puts on nobody"
    else:
        state = f"ended {clock_time(limits.end, schedule.timezone)}: it puts on nobody"
    yield Step(step="schedule", text=f"schedule {schedule.id} {state}", numbers=numbers)


def _overrides(rota: Rota, schedule: Schedule, role: str, now: Window) -> Iterator[Step]:
    counting = {one.override for piece in in_force(schedule, role, now, valid(schedule)) for one in piece.value}
    for one in schedule.overrides:
        if role in one.roles and one.start < now.end and one.end > now.start:
            counts = one in counting
            numbers: dict[str, Number] = {
                "override": one.id, "start": iso(one.start), "end": iso(one.end), "counts": counts, "people": list(one.people),
            }  # fmt: skip
            times = f"from {clock_time(one.start, schedule.timezone)} to {clock_time(one.end, schedule.timezone)}"
            told = ", ".join([part for part in (one.reason, f"by {one.by}" if one.by else "") if part])
            why_not = (
                "" if counts else f"; it does not count: {_beaten(schedule, [o for o in schedule.overrides if o in counting])}"
            )
            text = f"override {one.id} {_does(rota, one)} {times}{f' ({told})' if told else ''}{why_not}"
            yield Step(step="override", text=text, numbers=numbers)


def _beaten(schedule: Schedule, counting: Sequence[Override]) -> str:
    if not counting:
        return "the schedule is not in force"
    rule = "was defined first" if schedule.override_overlap is not Overlap.LAST else "was defined last"
    return f"{', '.join(one.id for one in counting)} {rule}, and wins"


def _does(rota: Rota, one: Override) -> str:
    people = _names(rota, one.people)
    if one.replaces is None:
        return f"puts {people} in place of everybody"
    return f"puts {people} in place of {_names(rota, one.replaces)}" if one.replaces else f"adds {people}"


def _layer(rota: Rota, layer: Layer, place: int, schedule: Schedule, at: Instant) -> Iterator[Step]:
    plan = plan_of(layer, schedule)
    wall = clock_time(at, layer.timezone)
    on = _on(layer, place, schedule, at)
    if not plan.valid.start <= at < plan.valid.end:
        limit = f"begins {clock_time(plan.valid.start, layer.timezone)}" if at < plan.valid.start else None
        text = f"layer {layer.name} is not in force: it {limit or 'ended ' + clock_time(plan.valid.end, layer.timezone)}"
        yield Step(step="layer", text=text, numbers={"layer": layer.name, "local": wall})
        return
    open_ = plan.pattern.always or any(True for _ in plan.pattern.between(plan.zone, at, at + 1))
    state = "is always open" if plan.pattern.always else "is open" if open_ else "is closed"
    yield Step(
        step="windows",
        text=f"layer {layer.name} {state}: it is {wall}",
        numbers={"layer": layer.name, "local": wall, "open": open_},
    )
    if layer.rotation is not None and plan.turns is not None:
        yield from _turn(rota, layer, layer.rotation, plan, plan.turns, at)
    text = f"layer {layer.name} has {_names(rota, on)}"
    if layer.rotation is None:
        text += ": without a rotation all its members at once"
    elif layer.on_away == "next":
        text += " (a turn goes to the next member who is not away in it)"
    yield Step(step="layer", text=text, numbers={"layer": layer.name, "people": on})


def _turn(rota: Rota, layer: Layer, rotation: Rotation, plan: Plan, turns: Turns, at: Instant) -> Iterator[Step]:
    k = turns.locate(at)
    first = clock_time(turns.first, layer.timezone)
    if k < 0:
        text = f"the first turn of layer {layer.name}, turn 0, begins {first}"
        yield Step(step="turn", text=text, numbers={"layer": layer.name, "anchor": iso(turns.first), "turn": None})
        return
    clock = clock_of(rotation)
    start, end = turns.whole(k)
    numbers: dict[str, Number] = {
        "layer": layer.name, "anchor": iso(turns.first), "turn": k, "start": iso(start), "end": iso(end), "clock": str(clock),
    }  # fmt: skip
    unit = f"{rotation.unit}" if rotation.every == 1 else f"{rotation.every} {rotation.unit}s"
    keeps = "handoffs keep their local time" if clock is Clock.WALL else "turns keep their length when the clocks change"
    text = (
        f"a turn every {unit}, counted from {first} ({keeps}): turn {k} is from {clock_time(start, layer.timezone)}"
        f" to {clock_time(end, layer.timezone)}"
    )
    if rotation.lasts is not None:
        over = turns.ends(k, k, turns.starts(k, k + 1))[0]
        text += f"; its member is on until {clock_time(over, layer.timezone)}"
        numbers["lasts_until"] = iso(over)
    yield Step(step="turn", text=text, numbers=numbers)
    serving = [tenure for tenure in plan.tenures if tenure.since <= at]
    index = serving[-1].whose(k) if serving else None
    if index is None:
        yield Step(step="member", text=f"layer {layer.name} has no list of members then", numbers={"layer": layer.name, "n": 0})
        return
    tenure = serving[-1]
    n = len(tenure.groups)
    group = list(tenure.groups[index])
    how = f", walked on from place {tenure.place + 1} at turn {tenure.handoff}" if tenure.handoff else ""
    if tenure.order.skip is not None:
        how += f", one member skipped after every {tenure.order.skip} turns"
    numbers = {
        "layer": layer.name, "turn": k, "n": n, "k mod n": k % n, "place": index, "skip": tenure.order.skip,
        "people": group, "members": ["+".join(member) for member in tenure.groups],
    }  # fmt: skip
    listed = ", ".join("+".join(member) or "nobody" for member in tenure.groups)
    text = f"{n} take turns ({listed}); {k} mod {n} = {k % n}{how}: number {index + 1} of the list, {_names(rota, group)}"
    yield Step(step="member", text=text, numbers=numbers)
