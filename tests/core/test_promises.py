"""What the language promises of every rota: turns that do not touch within themselves, and fair orders that are fair."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncd.core.model import DAY, HOUR, Rotation, Schedule, Unit, Window
from syncd.core.rotation import order_of
from syncd.core.shifts import shifts
from tests.core.rotas import schedules

WEEK_HOURS = 168
HOURS = {Unit.HOUR: 1, Unit.DAY: 24, Unit.WEEK: WEEK_HOURS}


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(schedules())
def test_pieces_of_one_persons_turn_never_touch(case: tuple[Schedule, int]):
    schedule, at = case
    found = shifts(schedule, Window(at, at + 6 * DAY))
    for shift in found:
        same = [other for other in found if other is not shift and (other.person, other.source) == (shift.person, shift.source)]
        if shift.source.turn is not None or shift.source.override is not None:
            assert not any(other.start <= shift.end and shift.start <= other.end for other in same)


def place_in_the_week(turn: int, rotation: Rotation) -> int:
    """The hour of the week at which a turn begins, as if no clock ever changed; months count as one place."""
    return 0 if rotation.unit is Unit.MONTH else turn * rotation.every * HOURS[rotation.unit] % WEEK_HOURS


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(Unit), st.integers(1, 30), st.integers(2, 12), st.integers(0, 5_000))
def test_a_fair_order_keeps_its_promise_for_two_to_twelve_people_in_all_units(unit: Unit, every: int, n: int, since: int):
    rotation = Rotation(unit=unit, every=every, fair=True)
    order = order_of(rotation, n)
    period = len({place_in_the_week(turn, rotation) for turn in range(WEEK_HOURS)})
    length = n * (order.skip or period)
    served = [order.of(turn) % n for turn in range(since, since + length)]

    each = Counter((member, place_in_the_week(since + i, rotation)) for i, member in enumerate(served))
    assert set(each.values()) == {length // (n * period)}
    assert len(each) == n * period
    if n > 2:
        assert all(one != other for one, other in pairwise(served))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(Unit), st.integers(1, 30), st.integers(2, 12), st.integers(0, 3_000), st.integers(1, 600))
def test_in_any_period_the_turns_of_two_members_of_a_fair_order_differ_by_at_most_two(
    unit: Unit, every: int, n: int, since: int, length: int
):
    order = order_of(Rotation(unit=unit, every=every, fair=True), n)
    counts = Counter(order.of(turn) % n for turn in range(since, since + length))
    assert max(counts.values()) - min(counts.get(member, 0) for member in range(n)) <= 2


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(schedules(), st.integers(0, 5 * 24))
def test_what_a_short_question_answers_a_long_one_does_too(case: tuple[Schedule, int], hours: int):
    schedule, at = case
    moment = Window(at + hours * HOUR, at + hours * HOUR + 1)
    whole = shifts(schedule, Window(at - DAY, at + 7 * DAY))
    assert shifts(schedule, moment) == [one for one in whole if one.start < moment.end and one.end > moment.start]
