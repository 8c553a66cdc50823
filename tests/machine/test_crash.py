"""The process dies before or after any call and any commit of an export, a change and an import; the next puts it right (F3, F4).

No duplicate, no hole, no silent loss, whatever shape the destination has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from syncd.core.mode import Mode
from syncd.core.model import HOUR
from syncd.cycle import Trigger
from tests.machine.machine import assert_nothing_lost
from tests.machine.story import PAGER, SHAPES, A, B, create, edit, entry, h, override, recorded
from tests.machine.world import Killed, World

AHEAD = 16 * HOUR
"""Two shifts are enough to die between."""

Point = tuple[str, int]
"""`before call`, `after call`, `before commit` or `after commit`, and the number of it."""


def nothing(world: World) -> None:
    """A first export."""


def changed(world: World) -> None:
    """The rota gives the evening to somebody else and the early morning to a third."""
    override(world, "dev", 8, 16)
    override(world, "cho", 0, 4)


def edited(world: World) -> None:
    """A human gives a shift to somebody else at the destination."""
    if world.shape == PAGER:
        create(world, "dev", 8, 16)
    else:
        edit(world, entry(world, "ben", 8), who="dev")


def deleted(world: World) -> None:
    """A human takes a shift away."""
    world.human_deletes(0, 1)


STORIES: dict[str, tuple[Callable[[World], None], Mode]] = {
    "first export": (nothing, A),
    "change": (changed, A),
    "edit put back": (edited, A),
    "import": (edited, B),
    "deletion": (deleted, B),
}


@contextmanager
def prepared(shape: Any, story: str) -> Iterator[World]:
    happens, mode = STORIES[story]
    world = World(shape, mode)
    try:
        world.settings[0] = replace(world.settings[0], horizon=AHEAD)
        if happens is not nothing:
            world.cycle()
            happens(world)
        yield world
    finally:
        world.close()


class Death:
    """Counts calls and commits, and kills at one of them."""

    def __init__(self, world: World, point: Point | None) -> None:
        self.calls = self.commits = 0
        self._point = point
        self._world = world
        self._answer = world.spots[0].answer
        self._write = world.store.write

    def __enter__(self) -> Death:
        self._world.spots[0].answer = self._answered  # type: ignore[method-assign]
        self._world.store.write = self._written  # type: ignore[method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        del self._world.spots[0].answer
        del self._world.store.write

    def _answered(self, verb: Any, target: str, work: Any) -> Any:
        self.calls += 1
        mine = self.calls
        self._die("before call", mine)
        answer = self._answer(verb, target, work)
        self._die("after call", mine)
        return answer

    @contextmanager
    def _written(self, lease: Any = None) -> Iterator[Any]:
        self.commits += 1
        mine = self.commits
        with self._write(lease) as tx:
            yield tx
            self._die("before commit", mine)
        self._die("after commit", mine)

    def _die(self, when: str, number: int) -> None:
        if self._point == (when, number):
            raise Killed


def points(shape: str, story: str) -> list[Point]:
    """Every place to die in, counted in a run where nobody does."""
    with prepared(shape, story) as world, Death(world, None) as counted:
        world.cycle(trigger=Trigger.EXPORT)
    calls = [(when, n) for n in range(1, counted.calls + 1) for when in ("before call", "after call")]
    commits = [(when, n) for n in range(1, counted.commits + 1) for when in ("before commit", "after commit")]
    assert counted.calls >= 1
    assert counted.commits >= 2
    return calls + commits


@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("shape", SHAPES)
def test_whoever_dies_anywhere_loses_nothing(shape: str, story: str):
    for point in points(shape, story):
        with prepared(shape, story) as world:
            with Death(world, point), pytest.raises(Killed):
                world.cycle(trigger=Trigger.EXPORT)
            world.settle(2)
            check(world, story, point)


def check(world: World, story: str, point: Point) -> None:
    spot = world.spots[0]
    report = world.cycle(trigger=Trigger.EXPORT)
    assert report.decision is not None
    assert report.decision.plan.empty, (point, report.decision.plan.changes)
    assert not report.decision.holds, point
    assert spot.broken == [], point
    for at in world.instants(0):
        if at < h(16):
            assert world.shown(0, at) == world.wanted(at), (point, at - h(0))
    own = sorted((i.start, i.end, i.who) for i in world.future(0))
    assert len(own) == len(set(own)), (point, "written twice")
    for one, other in pairwise(own):
        assert world.shape == PAGER or one[1] <= other[0], (point, "one on the other")
    assert_nothing_lost(world)
    if story == "import":
        assert recorded(world) == [("dev", 8, 16)], point
    with world.store.read() as tx:
        memory = tx.ledger.memory("d0")
    assert memory.intents == (), point
    assert world.shape == PAGER or {row.ref for row in memory.rows} >= {i.ref for i in world.future(0)}, point
