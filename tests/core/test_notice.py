"""What is told of a drift: once for each thing that happened, by a name that time does not change (W6)."""

from __future__ import annotations

from dataclasses import replace

from syncd.core.drift import Drift
from syncd.core.entry import Entry
from syncd.core.merge import Do, Tell
from syncd.core.notice import Notice, notices

DRIFT = Drift(
    start=4,
    end=8,
    lane=0,
    row="7",
    do=Do.PUSH,
    tell=Tell.CONFLICT,
    base=frozenset({"ana"}),
    desired="ben",
    observed=frozenset({"cho"}),
    refs=(("r", "1"),),
    left=("r",),
)


def told(*drifts: Drift) -> list[Notice]:
    return notices(drifts, destination="d", schedule="s", role="primary")


def test_what_tells_nothing_is_not_told():
    assert told(replace(DRIFT, tell=Tell.NOTHING)) == []


def test_a_notice_says_who_stood_there_whom_the_rota_has_and_what_was_done():
    (one,) = told(DRIFT)
    assert (one.kind, one.had, one.rota, one.start, one.end, one.refs) == (Tell.CONFLICT, ("cho",), ("ben",), 4, 8, ("r",))
    assert "cho" in one.text
    assert "ben" in one.text
    assert one.done in one.text


def test_nobody_and_somebody_unknown_are_said_in_words():
    (one,) = told(replace(DRIFT, desired=None, observed=frozenset({"?Zoe"})))
    assert "Zoe" in one.text
    assert "?" not in one.text
    assert "nobody" in one.text
    assert "somebody unknown" in told(replace(DRIFT, observed=frozenset({"?"})))[0].text


def test_neighbours_that_differ_in_their_period_only_are_told_in_one_breath():
    assert [(n.start, n.end) for n in told(DRIFT, replace(DRIFT, start=8, end=12))] == [(4, 12)]
    assert len(told(DRIFT, replace(DRIFT, start=9, end=12))) == 2
    assert len(told(DRIFT, replace(DRIFT, start=8, end=12, desired="ana"))) == 2
    assert len(told(DRIFT, replace(DRIFT, lane=1))) == 2


def test_the_same_thing_has_the_same_name_as_time_passes_and_another_thing_another():
    def name(drift: Drift) -> str:
        return told(drift)[0].id

    assert name(DRIFT) == name(replace(DRIFT, start=5))
    others = [
        replace(DRIFT, end=9),
        replace(DRIFT, observed=frozenset({"dev"})),
        replace(DRIFT, refs=(("r", "2"),)),
        replace(DRIFT, do=Do.IMPORT),
        replace(DRIFT, row="5"),
        replace(DRIFT, lane=1),
        replace(DRIFT, desired=None),
    ]
    assert len({name(DRIFT), *map(name, others)}) == len(others) + 1


def test_what_displaced_a_human_can_be_restored():
    assert {kind for kind in Tell if replace(told(DRIFT)[0], kind=kind).restorable} == {Tell.CONFLICT, Tell.REMOVED}


def test_events_that_cover_a_hole_with_one_known_person_are_named():
    hole = replace(DRIFT, row="6", observed=frozenset(), desired="ana", refs=())
    half = Entry(ref="x", uid="x", start=4, end=6, person="dev", title="Dev Rao: Primary")
    others = [replace(half, ref="y", person=None), replace(half, ref="z", start=8, end=9), replace(half, ref="w", start=0, end=4)]
    (one,) = notices([hole], destination="d", schedule="s", role="primary", foreign=[half, *others])
    assert ["Dev Rao: Primary" in str(said) for said in one.also] == [True]


def test_a_notice_knows_whether_the_edit_came_into_the_rota_and_says_what_happened_in_the_words_of_the_table():
    assert [told(replace(DRIFT, do=do))[0].imported for do in (Do.IMPORT, Do.PUSH, Do.WITHDRAW)] == [True, False, False]
    assert told(DRIFT)[0].drift == "changed on both sides, differently"


def test_a_notice_knows_whether_a_hold_tells_of_it():
    assert [told(replace(DRIFT, do=do))[0].waits for do in (Do.HOLD, Do.KEEP)] == [True, False]
