"""What a mode and the two options of a bidirectional destination make of a row (MERGE.md rules 4, 15, 19 and 22)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from syncd.core.drift import FAR, Drift, Policy, judged, pulls, said, unsayable
from syncd.core.merge import Do, Tell
from syncd.core.mode import Mode, OnConflict, OnDeleted

A, B = Mode.AUTHORITATIVE, Mode.BIDIRECTIONAL
NOW = 1_000
ONE = Drift(
    start=NOW + 1,
    end=NOW + 9,
    lane=0,
    row="6",
    do=Do.SAME,
    tell=Tell.NOTHING,
    base=frozenset({"ana"}),
    desired="ana",
    observed=frozenset(),
)
FAR_AWAY = replace(ONE, start=NOW + FAR + 1, end=NOW + FAR + 9)


def done(drift: Drift, **policy: object) -> tuple[Do, str]:
    found = judged(drift, Policy(**{"mode": B, **policy}), NOW)  # type: ignore[arg-type]
    return found.do, found.tell.value


def test_a_deletion_is_restored_accepted_or_held_where_it_is_far_away():
    assert done(ONE) == (Do.PUSH, "C")
    assert done(ONE, on_deleted=OnDeleted.ACCEPT) == (Do.IMPORT, "I")
    assert done(ONE, on_deleted=OnDeleted.HOLD) == (Do.PUSH, "C")
    assert done(FAR_AWAY, on_deleted=OnDeleted.HOLD) == (Do.HOLD, "H")
    assert done(FAR_AWAY, on_deleted=OnDeleted.HOLD, released=frozenset({FAR_AWAY.name(NOW)})) == (Do.PUSH, "C")


def test_the_other_modes_have_no_such_choice():
    assert done(ONE, mode=A, on_deleted=OnDeleted.ACCEPT) == (Do.PUSH, "-")
    assert done(replace(ONE, row="7"), mode=A, on_conflict=OnConflict.DESTINATION) == (Do.PUSH, "R")


def test_a_conflict_goes_the_rotas_way_the_destinations_or_waits():
    both = replace(ONE, row="7", observed=frozenset({"cho"}))
    assert done(both) == (Do.PUSH, "C")
    assert done(both, on_conflict=OnConflict.DESTINATION) == (Do.IMPORT, "C")
    assert done(both, on_conflict=OnConflict.HOLD) == (Do.HOLD, "H")
    assert done(both, on_conflict=OnConflict.HOLD, released=frozenset({both.name(NOW)})) == (Do.PUSH, "C")


@pytest.mark.parametrize("row", ["9", "10", "5"])
def test_the_choice_for_conflicts_means_row_7_only(row: str):
    assert done(replace(ONE, row=row), on_conflict=OnConflict.HOLD)[0] is Do.IMPORT


@pytest.mark.parametrize(("row", "do"), [("5", Do.KEEP), ("9", Do.KEEP), ("9'", Do.KEEP), ("7", Do.PUSH), ("10", Do.PUSH)])
def test_somebody_unknown_is_left_where_only_the_human_changed_anything(row: str, do: Do):
    cell = unsayable(replace(ONE, row=row, observed=frozenset({"?Zoe"})))
    assert (cell.do, cell.tell) == (do, Tell.CONFLICT)


def test_anything_else_that_cannot_be_said_gives_way():
    assert unsayable(replace(ONE, row="5", observed=frozenset({"ana", "ben"}))).do is Do.PUSH


@pytest.mark.parametrize(
    ("people", "most", "desired", "sayable"),
    [
        ([], 1, 1, False),
        (["ana"], 1, 0, True),
        (["ana", "ana"], 2, 2, False),
        (["ana", "ben"], 1, 1, False),
        (["ana", "ben"], 1, 2, True),
        (["?Zoe"], 1, 1, False),
    ],
)
def test_the_rota_can_say_known_people_each_once_and_no_more_than_it_holds(people, most, desired, sayable):
    assert said(people, most, desired) is sayable


def imported(start: int, end: int, *people: str, lane: int = 0, ref: str = "r") -> Drift:
    return replace(ONE, start=start, end=end, lane=lane, do=Do.IMPORT, people=people, refs=((ref, "1"),))


def test_neighbours_of_one_value_are_one_import_whatever_event_they_came_from():
    (one,) = pulls([imported(4, 8, "dev", ref="b"), imported(0, 4, "dev", ref="a")])
    assert (one.start, one.end, one.people, one.refs) == (0, 8, ("dev",), (("a", "1"), ("b", "1")))


def test_imports_apart_or_of_others_are_their_own():
    assert len(pulls([imported(0, 4, "dev"), imported(5, 8, "dev")])) == 2
    assert len(pulls([imported(0, 4, "dev"), imported(4, 8, "cho")])) == 2
    assert pulls([ONE]) == ()


def test_two_lanes_of_one_piece_are_one_import():
    found = pulls([imported(0, 4, "dev", "cho"), imported(0, 4, "dev", "cho", lane=1)])
    assert [(p.start, p.end, p.people) for p in found] == [(0, 4, ("dev", "cho"))]


def test_what_was_exported_before_the_protected_instant_is_left_alone_unless_the_rota_changed():
    assert done(ONE, protected=NOW + 2) == (Do.KEEP, "-")
    assert done(replace(ONE, row="5"), mode=A, protected=NOW + 2) == (Do.KEEP, "-")
    assert done(ONE, protected=NOW + 1) == (Do.PUSH, "C")
    assert done(replace(ONE, row="3"), protected=NOW + 2) == (Do.PUSH, "-")


def test_a_name_is_the_same_as_time_passes():
    running = replace(ONE, start=NOW - 5)
    assert running.name(NOW) == running.name(NOW + 3)
    assert running.name(NOW) != running.name(NOW - 9)
    assert ONE.words == "deleted at the destination"
