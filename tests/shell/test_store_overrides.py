"""Overrides are kept for ever; marks say what no longer holds (SCHEDULES.md section 4, MERGE.md rules 1 and 2)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from syncd.core.model import HOUR, Override, Schedule, Window
from syncd.store import Approved, Mark, Marked, NotFound, Recorded, Store, Stored, in_force
from syncd.store.text import short
from tests.stores import NOON, Place

FILE = Override(id="file-0123456789ab", roles=("primary",), people=("ben",), replaces=None, start=NOON, end=NOON + 4 * HOUR)
NEW = Override(
    id="", roles=("primary",), people=("cho",), replaces=(), start=NOON, end=NOON + HOUR, reason="dentist", origin="command"
)
PAYMENTS = Schedule(id="payments", title="Payments", timezone="UTC", layers=(), overrides=(FILE,))


def cut(override: str, role: str | None, start: int, end: int) -> Mark:
    return Mark(
        id=f"mk-{override}-{start}",
        schedule="payments",
        override=override,
        kind=Marked.CUT,
        by="ana",
        at=NOON,
        role=role,
        window=Window(NOON + start * HOUR, NOON + end * HOUR),
    )


def hours(schedule: Schedule) -> list[tuple[str, tuple[str, ...], float, float]]:
    return [(one.id, one.roles, (one.start - NOON) / HOUR, (one.end - NOON) / HOUR) for one in schedule.overrides]


def test_an_override_comes_back_as_it_was_told(store: Store) -> None:
    with store.write() as tx:
        named = tx.overrides.add("payments", NEW, by="ana", at=NOON, run="run-1")
        tx.overrides.add("search", replace(NEW, replaces=None), by="ana", at=NOON, origin="import")
    assert len(named) == 9
    assert named.startswith("ov-")
    told = replace(NEW, id=named, by="ana", at=NOON)
    with store.read() as tx:
        assert tx.overrides.list("payments") == (
            Recorded(override=told, schedule="payments", approval=Approved.APPROVED, run="run-1"),
        )
        assert [one.override.origin for one in tx.overrides.list()] == ["command", "import"]
        assert tx.overrides.in_force(PAYMENTS).overrides == (FILE, told)


def test_the_same_override_twice_has_two_ids(store: Store) -> None:
    with store.write() as tx:
        assert len({tx.overrides.add("payments", NEW, by="ana", at=NOON) for _ in range(50)}) == 50


def test_a_name_that_is_taken_is_not_given_again(store: Store) -> None:
    with store.write() as tx:
        taken = short("ov", store.instance, "payments", 2, 0)
        tx.overrides.add("payments", replace(NEW, id=taken), by="ana", at=NOON)
        assert tx.overrides.add("payments", NEW, by="ana", at=NOON) != taken


def test_an_id_is_given_once(store: Store) -> None:
    with store.write() as tx:
        tx.overrides.add("payments", replace(NEW, id="mine"), by="ana", at=NOON)
        with pytest.raises(ValueError, match="mine"):
            tx.overrides.add("payments", replace(NEW, id="mine"), by="ana", at=NOON)


def test_a_removal_is_a_mark_and_can_be_undone(store: Store) -> None:
    with store.write() as tx:
        named = tx.overrides.add("payments", NEW, by="ana", at=NOON)
        mark = tx.overrides.remove("payments", named, by="ben", at=NOON + 1, reason="not needed")
        assert tx.overrides.remove("payments", named, by="cho", at=NOON + 2) == mark
        (recorded,) = tx.overrides.list("payments")
        assert recorded.removed is not None
        assert (recorded.removed.by, recorded.removed.at, recorded.removed.reason) == ("ben", NOON + 1, "not needed")
        assert hours(tx.overrides.in_force(PAYMENTS)) == [(FILE.id, ("primary",), 0, 4)]
        assert tx.overrides.undo("payments", mark, by="ben", at=NOON + 3)
        assert not tx.overrides.undo("payments", mark, by="ben", at=NOON + 3)
        assert tx.overrides.list("payments")[0].removed is None
        assert len(tx.overrides.in_force(PAYMENTS).overrides) == 2


def test_an_override_of_the_file_is_removed_by_a_mark_against_its_id(store: Store) -> None:
    with store.write() as tx:
        tx.overrides.remove("payments", FILE.id, by="ana", at=NOON)
        assert tx.overrides.in_force(PAYMENTS).overrides == ()
        assert tx.overrides.in_force(replace(PAYMENTS, id="search")).overrides == (FILE,)


def test_an_import_takes_its_time(store: Store) -> None:
    """MERGE.md rule 1: ben [0,4) is the file's, a human gives cho [1,2)."""
    with store.write() as tx:
        tx.overrides.cut("payments", FILE.id, "primary", Window(NOON + HOUR, NOON + 2 * HOUR), by="import", at=NOON, run="run-7")
        imported = replace(NEW, replaces=None, start=NOON + HOUR, end=NOON + 2 * HOUR)
        named = tx.overrides.add("payments", imported, by="import", at=NOON, origin="import", run="run-7")
        assert hours(tx.overrides.in_force(PAYMENTS)) == [
            (FILE.id, ("primary",), 0, 1),
            (FILE.id, ("primary",), 2, 4),
            (named, ("primary",), 1, 2),
        ]
        assert [mark.kind for mark in tx.overrides.marks(run="run-7")] == [Marked.CUT]


def test_a_cut_is_for_one_role_only() -> None:
    both = replace(FILE, roles=("primary", "backup"))
    schedule = replace(PAYMENTS, overrides=(both,))
    assert hours(in_force(schedule, Stored(marks=(cut(FILE.id, "primary", 1, 2),)))) == [
        (FILE.id, ("primary",), 0, 1),
        (FILE.id, ("backup",), 0, 4),
        (FILE.id, ("primary",), 2, 4),
    ]


@pytest.mark.parametrize(
    ("cuts", "left"),
    [
        (((-1, 1),), [(1, 4)]),
        (((3, 9),), [(0, 3)]),
        (((0, 4),), []),
        (((-1, 9),), []),
        (((4, 5), (-2, 0)), [(0, 4)]),
        (((1, 2), (3, 4)), [(0, 1), (2, 3)]),
        (((1, 3), (2, 4)), [(0, 1)]),
        (((1, 2), (2, 3)), [(0, 1), (3, 4)]),
    ],
)
def test_what_lies_outside_the_cuts_is_left(cuts: tuple[tuple[int, int], ...], left: list[tuple[int, int]]) -> None:
    marks = tuple(cut(FILE.id, "primary", start, end) for start, end in cuts)
    assert [(start, end) for _, _, start, end in hours(in_force(PAYMENTS, Stored(marks=marks)))] == left


def test_roles_that_keep_the_same_piece_keep_it_together() -> None:
    schedule = replace(PAYMENTS, overrides=(replace(FILE, roles=("primary", "backup")),))
    marks = (cut(FILE.id, "primary", 1, 2), cut(FILE.id, "backup", 1, 2))
    assert hours(in_force(schedule, Stored(marks=marks))) == [
        (FILE.id, ("primary", "backup"), 0, 1),
        (FILE.id, ("primary", "backup"), 2, 4),
    ]


def test_recorded_ones_come_after_the_file_in_the_order_of_recording(store: Store) -> None:
    with store.write() as tx:
        names = [tx.overrides.add("payments", replace(NEW, start=NOON - n), by="ana", at=NOON) for n in range(20)]
        assert [one.id for one in tx.overrides.in_force(PAYMENTS).overrides] == [FILE.id, *names]


def test_every_change_is_a_new_revision_of_that_schedule(place: Place) -> None:
    store = place.open()
    with store.write() as tx:
        seen = [tx.overrides.revision("payments")]
        named = tx.overrides.add("payments", NEW, by="ana", at=NOON)
        seen.append(tx.overrides.revision("payments"))
        tx.overrides.cut("payments", named, "primary", Window(NOON, NOON + 60), by="ana", at=NOON)
        seen.append(tx.overrides.revision("payments"))
        mark = tx.overrides.remove("payments", named, by="ana", at=NOON)
        seen.append(tx.overrides.revision("payments"))
        tx.overrides.undo("payments", mark, by="ana", at=NOON)
        seen.append(tx.overrides.revision("payments"))
        tx.overrides.add("search", NEW, by="ana", at=NOON)
        assert seen == [0, 1, 2, 3, 4]
    with place.open().read() as tx:
        assert (tx.overrides.revision("payments"), tx.overrides.revision("search")) == (4, 1)


def test_a_pending_override_counts_once_it_is_approved(store: Store) -> None:
    with store.write() as tx:
        one, two = (tx.overrides.add("payments", NEW, by="ana", at=NOON, approval=Approved.PENDING) for _ in range(2))
        assert hours(tx.overrides.in_force(PAYMENTS)) == [(FILE.id, ("primary",), 0, 4)]
        tx.overrides.decide(one, True, by="ben", at=NOON + 1)
        tx.overrides.decide(two, False, by="ben", at=NOON + 1, reason="no")
        assert [recorded.approval for recorded in tx.overrides.list()] == [Approved.APPROVED, Approved.REJECTED]
        assert [override.id for override in tx.overrides.in_force(PAYMENTS).overrides] == [FILE.id, one]
        for named in (one, two, "ov-nosuch"):
            with pytest.raises(NotFound):
                tx.overrides.decide(named, True, by="ben", at=NOON + 2)
