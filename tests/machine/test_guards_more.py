"""Guards where a smaller reading would hold what is harmless, or keep quiet about what is not."""

from __future__ import annotations

import pytest

from connectors.memory_place import Fault
from syncd.connector import Unsupported
from syncd.core.mode import Mode
from tests.machine.story import SHIFTS, A, create, stands, story
from tests.machine.world import World


def test_duplicates_of_shifts_that_stay_are_removed_without_an_answer() -> None:
    """A batch of creates that landed twice takes nobody off when one of each goes, however many they are."""
    world = World("pager", Mode.AUTHORITATIVE)
    try:
        world.cycle()
        spot = world.spots[0]
        for item in world.future(0):
            ref = spot.human_creates(item.start, item.end, item.who)
            with world.store.write() as tx:
                row = next(r for r in tx.ledger.memory("d0").rows if r.ref == item.ref)
                tx.ledger.put_row("d0", type(row)(ref=ref, uid="", key=row.key, generation=2, op="late", accepted=row.accepted))
        world.clock.t += 1
        world.cycle()
        world.cycle()
        with world.store.read() as tx:
            assert tx.holds.open() == ()
        starts = sorted(i.start for i in world.future(0))
        assert len(starts) == len(set(starts))
    finally:
        world.close()


def test_a_destination_of_the_wrong_kind_needs_attention_at_once() -> None:
    world = World("calendar", Mode.AUTHORITATIVE)
    try:
        world.cycle()
        said = Unsupported("this schedule was upgraded: use kind pagerduty_v3")
        world.spots[0].hook = lambda call: Fault(said)
        with pytest.raises(Unsupported):
            world.cycle()  # this little world hands the report's error on
        with world.store.read() as tx:
            known = tx.destinations.get("d0")
        assert known is not None
        assert known.status == "Error"
        assert "upgraded" in known.reason
    finally:
        world.close()


def test_others_shifts_beside_ours_go_though_they_are_many() -> None:
    """Where the rota has somebody all the time, whoever else is taken away leaves nobody off."""
    with story(SHIFTS, A) as w:
        for n in range(6):
            create(w, "dev", 8 * n + 1, 8 * n + 3)
        w.cycle()
        assert "dev" not in {person for person, _, _ in stands(w)}
        with w.store.read() as tx:
            assert tx.holds.open() == ()
