"""What waits for a human's word (I9), by number, by circumstance, and not twice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from syncd.core.desired import Target
from syncd.core.drift import Pull
from syncd.core.entry import Entry
from syncd.core.guard import Circumstances, guarded, too_many_pulls
from syncd.core.mode import Limits
from syncd.core.model import Shift, Source
from syncd.core.plan import Change, Status
from syncd.core.record import Action, Value

HERE = Circumstances(destination="d", own_future=0)


def entry(said: Value) -> Entry:
    return Entry(ref=f"r{said.start}", uid="u", start=said.start, end=said.end, person=said.person)


def removal(n: int) -> Change:
    said = Value("ana", n * 10, n * 10 + 8)
    return Change(action=Action.DELETE, row="4", key=f"k{n}", before=said, entry=entry(said))


def replacement(n: int) -> Change:
    said = Value("ana", n * 10, n * 10 + 8)
    after = said._replace(person="ben")
    shift = Shift("s", "primary", "ben", after.start, after.end, 0, Source())
    return Change(action=Action.REPLACE, row="3", key=f"k{n}", before=said, after=after, entry=entry(said), shift=shift)


def created(n: int) -> Change:
    after = Value("cho", n * 10, n * 10 + 8)
    return Change(
        action=Action.CREATE, row="2", key=f"k{n}", after=after, shift=Shift("s", "primary", "cho", *after[1:3], 0, Source())
    )


def held(changes: list[Change], here: Circumstances = HERE) -> int:
    return sum(c.status is Status.HELD for c in guarded(changes, (), here, 0)[0])


@pytest.mark.parametrize(
    ("many", "own", "limits", "expected"),
    [
        (3, 3, Limits(), 0),
        (4, 4, Limits(), 4),
        (30, 100, Limits(), 0),
        (31, 100, Limits(), 31),
        (4, 4, Limits(removals=4), 0),
        (2, 9, Limits(removals=1, removal_share=0.1), 2),
    ],
)
def test_removals_over_the_larger_of_number_and_share_are_held(many: int, own: int, limits: Limits, expected: int):
    assert held([removal(n) for n in range(many)], replace(HERE, own_future=own, limits=limits)) == expected


def test_a_removal_with_somebody_in_its_place_is_none():
    assert held([c for n in range(9) for c in (removal(n), created(n))]) == 0


@pytest.mark.parametrize(
    ("many", "own", "confirmed", "expected"),
    [(10, 10, False, 0), (11, 11, False, 11), (50, 100, False, 0), (51, 100, False, 51), (51, 100, True, 0)],
)
def test_replacements_over_ten_or_half_wait_for_whoever_runs_export(many: int, own: int, confirmed: bool, expected: int):
    assert held([replacement(n) for n in range(many)], replace(HERE, own_future=own, confirmed=confirmed)) == expected


def test_a_duplicate_of_what_the_rota_says_takes_nobody_off():
    found = [removal(n) for n in range(9)]
    shown = [Target(Shift("s", "primary", "ana", n * 10, n * 10 + 8, 0, Source()), 0, n * 10, n * 10 + 8) for n in range(9)]
    assert {c.status for c in guarded(found, shown, HERE, 0)[0]} == {Status.NOW}


def test_whom_the_rota_has_on_is_in_the_place_of_what_is_removed_where_one_at_a_time_is_shown():
    """A pager's overrides lie on top of ours, so nothing needs to be made when they go."""
    found = [removal(n) for n in range(4)]
    ben = [
        Target(Shift("s", "primary", "ben", 0, 20, 0, Source()), 0, 0, 20),
        Target(Shift("s", "primary", "cho", 20, 40, 0, Source()), 0, 20, 40),
    ]
    here = replace(HERE, one_at_a_time=True)
    assert {c.status for c in guarded(found, ben, here, 0)[0]} == {Status.NOW}
    assert {c.status for c in guarded(found, ben[:1], replace(here, limits=Limits(removals=1)), 0)[0][2:]} == {Status.HELD}
    assert {c.status for c in guarded(found, ben, HERE, 0)[0]} == {Status.HELD}, "in a calendar each of two counts"


def test_an_empty_rota_holds_what_ends_anybody_even_if_confirmed():
    shorten = replace(replacement(1), after=Value("ana", 10, 12))
    found = [removal(0), shorten, created(2)]
    assert held(found, replace(HERE, rota_empty=True, confirmed=True)) == 2


def test_other_settings_hold_removals_and_what_overwrites_a_human():
    found = [removal(0), replace(replacement(1), human=True), replacement(2), created(3)]
    assert held(found, replace(HERE, settings_changed=True)) == 2


def test_a_first_link_holds_everything():
    assert held([created(0), removal(1)], replace(HERE, first_link=True)) == 2


@pytest.mark.parametrize("row", ["13", "14", "14'"])
def test_what_overwrites_entries_of_which_nothing_is_remembered_is_held(row: str):
    assert held([replace(removal(0), row=row), replace(created(1), row=row)]) == 1


def test_what_was_acknowledged_goes():
    found = [removal(n) for n in range(4)]
    named = guarded(found, (), HERE, 0)[1][0].names
    assert held(found, replace(HERE, released=frozenset(named))) == 0
    assert held([*found, removal(9)], replace(HERE, released=frozenset(named))) == 1


def test_a_hold_names_what_it_holds_and_is_the_same_in_every_order():
    found = [removal(n) for n in range(4)]
    (one,), (other,) = guarded(found, (), HERE, 0)[1], guarded(found[::-1], (), HERE, 0)[1]
    assert one.digest == other.digest
    assert len(one.names) == 4
    assert "4 entries" in one.reason


def test_nothing_is_removed_while_the_clock_is_not_trusted():
    done, holds = guarded([removal(0), created(1)], (), replace(HERE, clock_jumped=True), 0)
    assert [c.status for c in done] == [Status.WAITS, Status.NOW]
    assert holds == ()


def pull(n: int) -> Pull:
    return Pull(start=n, end=n + 1, people=("ana",), row="5", refs=())


@pytest.mark.parametrize(
    ("many", "own", "waits"), [(0, 0, False), (3, 0, False), (4, 4, True), (30, 100, False), (31, 100, True)]
)
def test_imports_have_a_limit(many: int, own: int, waits: bool):
    assert bool(too_many_pulls([pull(n) for n in range(many)], replace(HERE, own_future=own))) is waits


def test_any_import_waits_after_other_settings():
    assert too_many_pulls([pull(0)], replace(HERE, settings_changed=True))
    assert not too_many_pulls([], replace(HERE, settings_changed=True))
