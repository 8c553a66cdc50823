"""An import takes its time, and earlier overrides of that role make room (MERGE.md rule 1)."""

from __future__ import annotations

import pytest

from syncd.core.drift import Pull
from syncd.core.imports import covers, cuts_for, says, with_pulls
from syncd.core.model import Override, Schedule, Shift, Source, Window

PULL = Pull(start=4, end=8, people=("dev",), row="5", refs=(("r", "1"),))


def override(start: int, end: int, *roles: str, id: str = "o") -> Override:  # noqa: A002
    return Override(id=id, roles=roles or ("primary",), people=("ben",), replaces=None, start=start, end=end)


def schedule(*overrides: Override) -> Schedule:
    return Schedule(id="s", title="S", timezone="UTC", layers=(), overrides=overrides)


def shift(person: str, start: int, end: int) -> Shift:
    return Shift("s", "primary", person, start, end, 0, Source())


@pytest.mark.parametrize(
    ("start", "end", "left"),
    [
        (0, 12, [(0, 4), (8, 12)]),
        (0, 6, [(0, 4)]),
        (6, 12, [(8, 12)]),
        (4, 8, []),
        (0, 4, [(0, 4)]),
        (8, 9, [(8, 9)]),
    ],
)
def test_an_earlier_override_keeps_what_lies_outside(start: int, end: int, left: list[tuple[int, int]]):
    *old, new = with_pulls(schedule(override(start, end)), "primary", [PULL]).overrides
    assert [(o.start, o.end) for o in old] == left
    assert (new.people, new.start, new.end, new.origin, new.replaces) == (("dev",), 4, 8, "import", None)


def test_an_override_of_several_roles_is_cut_for_that_role_only():
    old = with_pulls(schedule(override(0, 12, "primary", "backup")), "primary", [PULL]).overrides[:-1]
    assert [(o.roles, o.start, o.end) for o in old] == [(("backup",), 0, 12), (("primary",), 0, 4), (("primary",), 8, 12)]


def test_an_override_of_another_role_is_left_alone():
    other = override(0, 12, "backup")
    assert with_pulls(schedule(other), "primary", [PULL]).overrides[0] == other
    assert cuts_for(schedule(other), "primary", PULL) == []


def test_cuts_are_what_is_shared():
    found = cuts_for(schedule(override(0, 6, id="a"), override(6, 12, id="b"), override(8, 12, id="c")), "primary", PULL)
    assert found == [("a", (4, 6)), ("b", (6, 8))]


def test_a_withdrawn_import_is_gone():
    assert with_pulls(schedule(override(0, 6, id="a"), override(6, 12, id="b")), "primary", (), ["a"]).overrides[0].id == "b"


def test_the_rota_says_an_import_only_if_it_has_those_people_all_the_time():
    assert says([shift("dev", 0, 6), shift("dev", 6, 9)], PULL)
    assert not says([shift("dev", 0, 7)], PULL)
    assert not says([shift("dev", 0, 9), shift("ana", 5, 6)], PULL)


def test_covered_is_every_instant():
    assert covers([shift("ana", 0, 5), shift("ben", 5, 9)], Window(2, 8))
    assert not covers([shift("ana", 0, 5), shift("ben", 6, 9)], Window(2, 8))
