"""Elementary pieces, and pieces put together again."""

from hypothesis import given
from hypothesis import strategies as st

from syncd.core.model import Window
from syncd.core.timeline import Piece, both, coalesce, cuts, minus, union


def test_cuts_are_between_all_boundaries_and_within_the_window():
    assert cuts([(0, 5), (3, 9)], Window(1, 8)) == [(1, 3), (3, 5), (5, 8)]
    assert cuts([], Window(1, 8)) == [(1, 8)]
    assert cuts([(0, 5)], Window(8, 8)) == []


def test_pieces_of_equal_value_that_touch_become_one():
    assert coalesce([(0, 1, "a"), (1, 2, "a"), (2, 2, "b"), (2, 3, "b"), (4, 5, "b")]) == [
        Piece(0, 2, "a"),
        Piece(2, 3, "b"),
        Piece(4, 5, "b"),
    ]


def test_a_union_is_in_order_and_without_overlaps():
    assert union([(5, 6), (0, 2), (1, 3), (3, 4), (7, 7)]) == [(0, 4), (5, 6)]


def test_what_is_taken_away_is_left_out():
    assert minus([(0, 10), (20, 30)], [(2, 3), (8, 22), (29, 40)]) == [(0, 2), (3, 8), (22, 29)]
    assert minus([(0, 10)], []) == [(0, 10)]


def test_what_both_share():
    assert both([(0, 10), (20, 30)], [(5, 22), (25, 26), (40, 50)]) == [(5, 10), (20, 22), (25, 26)]


SPANS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=5)


def seconds(spans):
    return {second for start, end in spans for second in range(start, end)}


@given(SPANS, SPANS)
def test_they_agree_with_sets_of_seconds(ones, others):
    a, b = union(ones), union(others)
    assert seconds(a) == seconds(ones)
    assert seconds(minus(a, b)) == seconds(ones) - seconds(others)
    assert seconds(both(a, b)) == seconds(ones) & seconds(others)
    assert seconds(cuts(ones, Window(3, 20))) == set(range(3, 20))
