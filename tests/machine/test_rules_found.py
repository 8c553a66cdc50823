"""What the state machine found later, each pinned with a sentence."""

from __future__ import annotations

from syncd.core.mode import Mode
from tests.machine.world import HOUR, T0, World


def test_of_two_edits_on_each_other_neither_is_lost_where_one_entry_is_not_remembered() -> None:
    """Ledger lost; ana's moved event reaches over ben's, which a human gave to dev: both are named in what can be had back."""
    world = World("calendar", Mode.BIDIRECTIONAL)
    try:
        world.override("ana", T0 + 8 * HOUR, T0 + 12 * HOUR)
        world.cycle()
        world.lose_ledger()
        world.cycle()
        items = {(i.start - T0) // HOUR: i for i in world.future(0)}
        order = world.future(0)
        world.human_edits(0, order.index(items[8]), start=T0 + 9 * HOUR, end=T0 + 13 * HOUR)
        order = world.future(0)
        world.human_edits(0, order.index(items[12]), who="dev")
        world.settle(3)
        with world.store.read() as tx:
            told = [c for c in tx.conflicts.open() if c.start < T0 + 13 * HOUR and c.end > T0 + 12 * HOUR]
            had = {p for c in told for p in c.destination_had["people"]}
        assert had == {"ana", "dev"}
    finally:
        world.close()


def test_an_entry_that_is_not_remembered_where_the_rota_has_nobody_waits_for_an_answer_and_keeps_nobody_off_for_ever() -> None:
    """Ledger lost; ben's event was moved to where one place of two is empty now: one answer, and everybody is shown again."""
    world = World("calendar", Mode.BIDIRECTIONAL, people=2)
    try:
        world.cycle()
        ben = next(n for n, item in enumerate(world.future(0)) if item.who.startswith("Ben"))
        world.human_edits(0, ben, start=T0 + 2 * HOUR, end=T0 + 10 * HOUR)
        world.lose_ledger()
        world.override("cho", T0, T0 + 4 * HOUR)
        world.cycle()
        with world.store.read() as tx:
            assert any("nobody in the rota" in hold.reason for hold in tx.holds.open())
        world.settle(3)
        assert [world.shown(0, at) for at in world.instants(0)] == [world.wanted(at) for at in world.instants(0)]
    finally:
        world.close()


def test_what_reaches_beyond_the_window_is_read_before_anything_is_decided_of_that_time() -> None:
    """Ledger lost; cho's event, made longer, reaches into ana's shift, whose event begins just where the look had ended."""
    world = World("calendar", Mode.BIDIRECTIONAL)
    try:
        world.cycle()
        last = world.future(0)[-1]
        world.human_edits(0, world.future(0).index(last), end=last.end + HOUR)
        world.lose_ledger()
        world.cycle()
        known = {item.ref for item in world.future(0)}
        world.lose_ledger()
        world.settle(3)
        assert {item.ref for item in world.future(0)} == known
    finally:
        world.close()
