"""The store cannot be written at any one commit of a cycle, and the process goes on: nothing is written remotely without its
intent, and the next cycle puts it right (F42)."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any

import pytest

from syncd.cycle import Trigger
from syncd.store import StoreError
from tests.machine.story import SHAPES
from tests.machine.test_crash import STORIES, check, prepared
from tests.machine.world import World


class Full:
    """The commit of that number fails, and `more` after it; None counts them. `intents`: ops of those that were written."""

    def __init__(self, world: World, number: int | None, more: int = 0) -> None:
        self.commits, self.intents, self.writes = 0, set[str](), 0
        self._failing = range(number, number + 1 + more) if number else range(0)
        self._world, self._write, self._answer = world, world.store.write, world.spots[0].answer

    def __enter__(self) -> Full:
        self._world.store.write = self._written  # type: ignore[method-assign]
        self._world.spots[0].answer = self._answered  # type: ignore[method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        del self._world.store.write
        del self._world.spots[0].answer

    @contextmanager
    def _written(self, lease: Any = None) -> Any:
        self.commits += 1
        mine = self.commits
        with self._write(lease) as tx:
            yield tx
            if mine in self._failing:
                raise StoreError("the disk is full")
            kept = {intent.op for intent in tx.ledger.memory("d0").intents}
        self.intents |= kept

    def _answered(self, verb: Any, target: str, work: Any) -> Any:
        self.writes += verb != "read"
        assert self.writes <= len(self.intents), "a write without its intent"
        return self._answer(verb, target, work)


@pytest.mark.parametrize("more", [0, pytest.param(2, marks=pytest.mark.long)])
@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_commit_that_fails_anywhere_loses_nothing(shape: str, story: str, more: int) -> None:
    with prepared(shape, story) as world, Full(world, None) as counted:
        world.cycle(trigger=Trigger.EXPORT)
    for number in range(1, counted.commits + 1):
        with prepared(shape, story) as world:
            with Full(world, number, more), pytest.raises(StoreError, match="the disk is full"):
                world.cycle(trigger=Trigger.EXPORT)
            world.settle(2)
            check(world, story, ("failed commit", number))
