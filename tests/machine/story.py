"""Words for short stories about one destination: hours since the beginning instead of instants, people instead of titles."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from connectors.memory import Memory
from connectors.memory_place import Call, Fault, Item
from syncd.core.mode import Mode
from syncd.core.model import HOUR, Rota
from syncd.cycle import Cycle, Report, Trigger, site_of
from tests.machine.world import T0, World

A, B, M = Mode.AUTHORITATIVE, Mode.BIDIRECTIONAL, Mode.MANUAL
CALENDAR, PAGER, SHIFTS = "calendar", "pager", "shifts"
SHAPES = [CALENDAR, PAGER, SHIFTS]

Said = tuple[str, float, float]
"""Person, first hour, last hour."""


def h(hours: float) -> int:
    """An instant: so many hours after the beginning."""
    return int(T0 + hours * HOUR)


def hours(instant: int) -> float:
    return (instant - T0) / HOUR


@contextmanager
def story(shape: Any = CALENDAR, mode: Mode = B, *, gaps: float = 0, exported: bool = True, **settings: Any) -> Iterator[World]:
    """A world in which the rota (ana [0,8) ben [8,16) cho [16,24) …) is already shown.

    `gaps`: hours of each turn that nobody is on.
    """
    world = World(shape, mode, **settings)
    try:
        if gaps:
            world.rota = with_gaps(world.rota, gaps)
        if exported:
            for n in range(len(world.settings)):
                world.cycle(n)
        yield world
    finally:
        world.close()


def with_gaps(rota: Rota, gap: float) -> Rota:
    schedule = rota.schedules["s"]
    layers = tuple(
        replace(layer, rotation=replace(layer.rotation, lasts=int((8 - gap) * HOUR)))
        for layer in schedule.layers
        if layer.rotation
    )
    return replace(rota, schedules={"s": replace(schedule, layers=layers)})


def stands(world: World, n: int = 0) -> list[Said]:
    """What of ours stands from now on (pagers: of anybody)."""
    return sorted(((world.person(i.who), hours(i.start), hours(i.end)) for i in world.future(n)), key=lambda said: said[1:])


def first(world: World, until: float, n: int = 0) -> list[Said]:
    """What stands and begins before hour `until`."""
    return [said for said in stands(world, n) if said[1] < until]


def entry(world: World, person: str, start: float, n: int = 0) -> Item:
    """The one entry of ours that shows `person` from hour `start`."""
    (found,) = [i for i in world.future(n) if world.person(i.who) == person and i.start == h(start)]
    return found


def edit(world: World, item: Item, n: int = 0, **change: Any) -> None:
    """A human changes an event. `who`: an id; `start`, `end`: hours."""
    said = {k: v if k == "who" else h(v) for k, v in change.items()}
    world.human_edits(n, world.future(n).index(item), **said)


def create(world: World, person: str, start: float, end: float, n: int = 0) -> str:
    """A human makes an entry; its ref."""
    before = set(world.spots[n].items)
    world.human_creates(n, person, h(start), h(end))
    return next(ref for ref in world.spots[n].items if ref not in before)


def delete(world: World, item: Item, n: int = 0) -> None:
    world.spots[n].human_deletes(item.ref)


def override(world: World, person: str, start: float, end: float) -> None:
    world.override(person, h(start), h(end))


def fault(world: World, verb: Any, what: Fault, nth: int = 1, n: int = 0) -> None:
    """What happens to the nth call of `verb` from now on."""
    spot = world.spots[n]
    spot.script[verb, nth + sum(c.verb == verb for c in spot.calls)] = what


def writes(world: World, n: int = 0) -> list[Call]:
    return world.spots[n].writes()


def sent(report: Report) -> list[tuple[str, str]]:
    """Action and outcome of every call, in order."""
    return [(a.call.change.action.value, a.outcome.value) for a in report.answers]


def rows(report: Report) -> list[tuple[str, float, float, str]]:
    """Row, hours and what is done, of every piece that does not agree."""
    assert report.decision is not None
    return [(d.row, hours(d.start), hours(d.end), d.do.name.lower()) for d in report.decision.plan.drifts if d.row != "1"]


def imports(report: Report) -> list[tuple[tuple[str, ...], float, float]]:
    assert report.decision is not None
    return [(p.people, hours(p.start), hours(p.end)) for p in report.decision.plan.pulls]


def told(world: World) -> list[tuple[str, str, float, float]]:
    """Notices that are due or sent, of what happened at a piece of time: kind, whom the destination had, hours."""
    with world.store.read() as tx:
        said = [p.notice for p in tx.outbox.pending(world.clock.t)]
    return [(n["kind"], "+".join(n["had"]), hours(n["start"]), hours(n["end"])) for n in said if n["kind"] in "RICH" and n["had"]]


def kinds(world: World) -> set[str]:
    return {kind for kind, *_ in told(world)}


def restorable(world: World) -> list[tuple[str, float, float]]:
    with world.store.read() as tx:
        return [("+".join(c.destination_had["people"]), hours(c.start), hours(c.end)) for c in tx.conflicts.open()]


def recorded(world: World) -> list[Said]:
    """Overrides that stand in the rota's store: from the command line and imported."""
    with world.store.read() as tx:
        return [
            (r.override.people[0], hours(r.override.start), hours(r.override.end))
            for r in tx.overrides.list("s")
            if r.removed is None
        ]


def on_call(world: World, at: float) -> list[str]:
    return world.wanted(h(at))


def at_rest(world: World, n: int = 0) -> bool:
    """Whether one more cycle finds nothing to do and writes nothing."""
    before = len(writes(world, n))
    report = world.cycle(n)
    assert report.decision is not None
    return report.decision.plan.empty and len(writes(world, n)) == before


def cycle_of(w: World, **change: Any) -> Cycle:
    """The engine itself, at the first destination; a human's export unless `change` says otherwise."""
    settings = w.settings[0]
    with w.store.read() as tx:
        known = tx.destinations.get(settings.name)
    connector = Memory(settings.options, site_of(settings, w.rota, known.found if known else {}))
    plain = Cycle(
        store=w.store, settings=settings, rota=w.rota, connector=connector, clock=w.clock, run="x", trigger=Trigger.EXPORT
    )
    return replace(plain, **change)
