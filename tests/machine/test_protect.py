"""`protect_until`: the older rule of the original, where earlier exports are left alone unless the rota itself changed them."""

from __future__ import annotations

import pytest

from connectors.memory_place import Shape
from syncd.core.mode import Mode
from tests.machine.world import HOUR, T0, World

DAY = 24 * HOUR


@pytest.mark.parametrize("mode", [Mode.AUTHORITATIVE, Mode.BIDIRECTIONAL])
@pytest.mark.parametrize("shape", ["calendar", "shifts"])
def test_an_edit_before_the_protected_horizon_is_left_alone(shape: Shape, mode: Mode) -> None:
    world = World(shape, mode, protect_until=DAY)
    try:
        world.cycle()
        item = world.future(0)[1]
        world.human_edits(0, 1, who="cho")
        writes = len(world.spots[0].writes())
        report = world.cycle()
        assert len(world.spots[0].writes()) == writes
        assert report.decision is not None
        assert not report.decision.plan.pulls
        assert world.shown(0, item.start) == ["cho"]
    finally:
        world.close()


def test_a_deletion_before_the_protected_horizon_is_left_alone_and_after_it_is_put_back() -> None:
    world = World("calendar", Mode.AUTHORITATIVE, protect_until=DAY)
    try:
        world.cycle()
        near, far = world.future(0)[1], world.future(0)[4]
        world.human_deletes(0, 4)
        world.human_deletes(0, 1)
        for _ in range(3):
            world.cycle()
        assert world.shown(0, near.start) == []
        assert world.shown(0, far.start) == world.wanted(far.start)
    finally:
        world.close()


def test_a_change_of_the_rota_itself_goes_out_also_there() -> None:
    world = World("calendar", Mode.AUTHORITATIVE, protect_until=DAY)
    try:
        world.cycle()
        world.override("dev", T0 + 9 * HOUR, T0 + 11 * HOUR)
        world.cycle()
        assert world.shown(0, T0 + 9 * HOUR) == ["dev"]
    finally:
        world.close()
