"""Who is on top of any pile of overrides, worked out from what the vendor tells, against the pile itself."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.pagerduty_answer import Answer
from connectors.pagerduty_overrides import Look, Piece, is_over, told_by, tops, torn
from connectors.pagerduty_overrides import Override as Told
from syncd.connector import Unavailable
from syncd.core.model import Window
from tests.simulators.pagerduty_account import Override, Schedule

START, END = 1_803_859_200, 1_803_859_200 + 40 * 900
SLOTS = st.integers(0, 40)
PILES = st.lists(st.tuples(SLOTS, SLOTS, st.sampled_from(["PANA", "PBEN", "PCHO"])), max_size=8)


def pile(entries: list[tuple[int, int, str]]) -> Schedule:
    there = Schedule("P1", "Payments")
    for order, (first, last, user) in enumerate(entries):
        start, end = START + min(first, last) * 900, START + (max(first, last) + 1) * 900
        there.overrides[f"Q{order * 7_919 % 97:02d}"] = Override(f"Q{order * 7_919 % 97:02d}", user, start, end, order)
    return there


def look(there: Schedule, *, joined: bool) -> Look:
    told = {one.id: Told(one.id, one.start, one.end, one.user) for one in there.overrides.values()}
    pieces = there.pieces(START, END, joined=joined)
    final = [Piece(start, end, user) for start, end, user, _ in pieces]
    covered = [Piece(start, end, user) for start, end, user, ref in pieces if ref]
    return Look(told, final, covered, {}, None, None)


@settings(max_examples=200, deadline=None)
@given(entries=PILES, joined=st.booleans())
def test_the_person_on_top_is_always_right_and_the_override_where_it_can_be_told(
    entries: list[tuple[int, int, str]], joined: bool
) -> None:
    there = pile(entries)
    window = Window(START, END)
    seen = look(there, joined=joined)
    assert torn(seen, window) is None
    found = tops(seen, window, ())
    for at in range(START, END, 900):
        on = [one for one in there.overrides.values() if one.start <= at < one.end]
        top = max(on, key=lambda one: one.order, default=None)
        told = next((one for one in found if one.start <= at < one.end), None)
        if top is None:
            assert told is None
            continue
        assert told is not None
        assert told.user == top.user
        assert told.ref in {one.id for one in on if one.user == top.user}
        if len({one.user for one in on}) == len(on):
            assert told.ref == top.id


@settings(max_examples=100, deadline=None)
@given(entries=PILES, newcomer=st.tuples(SLOTS, SLOTS))
def test_an_override_that_came_between_the_two_reads_is_noticed_where_there_was_none(
    entries: list[tuple[int, int, str]], newcomer: tuple[int, int]
) -> None:
    """Rendered before it came, listed after it; and the other way round."""
    window = Window(START, END)
    before = look(pile(entries), joined=False)
    after = look(pile([*entries, (*newcomer, "PDEV")]), joined=False)
    start = START + min(newcomer) * 900
    covered = any(one.start <= start < one.end for one in before.overrides.values())
    if start < END and not covered:
        assert torn(before._replace(overrides=after.overrides), window) is not None
    if start < END:
        assert torn(after._replace(overrides=before.overrides), window) is not None


@pytest.mark.parametrize("status", [201, 201.0, "201", None])
def test_an_item_with_an_id_stands_however_its_status_is_written(status: object) -> None:
    item = {"id": "Q1", "start": "2027-03-02T01:00:00+01:00", "end": "2027-03-03T00:00:00Z", "user": {"id": "PANA"}}
    body = [{"status": status, "override": item}]
    [(override, words)] = told_by(Answer(201, {}, body))
    assert (override.ref, override.version, words) == ("Q1", "2027-03-02T00:00:00Z/2027-03-03T00:00:00Z/PANA", "")


def test_an_item_without_an_id_or_with_errors_is_refused_with_its_reasons() -> None:
    item = {"start": "2027-03-02T00:00:00Z", "end": "2027-03-03T00:00:00Z", "user": {"id": "PANA"}}
    body = [
        {"status": 400, "errors": ["End\nfirst", "Never"], "override": {**item, "id": "Q1"}},
        {"status": 201, "override": item},
    ]
    assert [(override.ref, words) for override, words in told_by(Answer(201, {}, body))] == [("", "End first; Never"), ("", "")]
    assert told_by(Answer(201, {}, [3, {"override": {"start": "never"}}])) == []
    with pytest.raises(Unavailable):
        told_by(Answer(201, {}, {"nothing": 1}))


def test_a_version_tells_whether_an_override_is_over() -> None:
    said = "2027-03-01T00:00:00Z/2027-03-02T00:00:00Z/PANA"
    assert [is_over(said, now) for now in (1_803_945_599, 1_803_945_600, None)] == [False, True, False]
    assert not is_over("another version", 1_803_945_600)
    assert not is_over("", 1_803_945_600)
