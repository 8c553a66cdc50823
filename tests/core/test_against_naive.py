"""Shifts against the same language told a second time (naive.py), on random rotas; and what holds for all of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncd.core.explain import why
from syncd.core.gaps import gaps
from syncd.core.model import DAY, Hours, Layer, Roster, Rota, Schedule, Shift, Window
from syncd.core.shifts import oncall, shifts
from syncd.core.zone import instant
from tests.core.naive import Naive
from tests.core.rotas import schedules

PERIOD = 6 * DAY
random_rotas = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))


def said(shift: Shift, window: Window) -> tuple[str, str, int | None, int, int]:
    source = shift.source.layer or f"override {shift.source.override}"
    return shift.person, source, shift.source.turn, max(shift.start, window.start), min(shift.end, window.end)


@random_rotas
@given(schedules())
def test_shifts_are_those_that_a_slow_reader_of_the_text_finds(case: tuple[Schedule, int]):
    schedule, at = case
    window = Window(at - DAY, at + PERIOD)
    told = Naive(schedule, *window).shifts("primary", *window)
    expected = [(person, source, turn if isinstance(turn, int) else None, a, b) for person, source, turn, a, b in told]
    found = [said(shift, window) for shift in shifts(schedule, window, role="primary")]
    assert sorted(found, key=str) == sorted(expected, key=str)


@random_rotas
@given(schedules(), st.integers(1, 47))
def test_two_halves_of_a_period_have_the_shifts_of_the_whole(case: tuple[Schedule, int], half: int):
    schedule, at = case
    middle = at + half * DAY // 8
    whole = shifts(schedule, Window(at, at + PERIOD))
    first, second = shifts(schedule, Window(at, middle)), shifts(schedule, Window(middle, at + PERIOD))
    assert sorted({*first, *second}) == sorted(whole)


@random_rotas
@given(schedules())
def test_distinct_shifts_have_distinct_keys_and_nobody_is_on_twice(case: tuple[Schedule, int]):
    schedule, at = case
    found = shifts(schedule, Window(at, at + PERIOD))
    assert len({shift.key for shift in found}) == len(found)
    assert found == sorted(found, key=lambda shift: (shift.start, shift.role, shift.person))
    for person in {shift.person for shift in found}:
        mine = [shift for shift in found if shift.person == person]
        assert all(one.end <= other.start for one, other in pairwise(mine))
        assert all(one.start < one.end for one in mine)


@random_rotas
@given(schedules())
def test_a_layer_of_lower_priority_changes_nothing_where_a_higher_one_has_somebody(case: tuple[Schedule, int]):
    schedule, at = case
    below = Layer(name="below", role="primary", timezone="UTC", rosters=(Roster(since=None, groups=(("zed",),)),), priority=-1)
    plain = replace(schedule, overrides=())
    window = Window(at, at + PERIOD)
    more = shifts(replace(plain, layers=(*plain.layers, below)), window)
    assert [shift[:5] for shift in more if shift.person != "zed"] == [shift[:5] for shift in shifts(plain, window)]


@random_rotas
@given(schedules(), st.integers(0, 2 * 48), st.booleans())
def test_gaps_are_the_needed_time_without_anybody_and_no_period_changes_them(case: tuple[Schedule, int], first: int, hours: bool):
    schedule, at = case
    window = Window(at + first * 1800, at + PERIOD)
    if hours:
        need = (Hours(days=frozenset({0, 1, 4}), at=6 * 3600, length=20 * 3600),)
        schedule = replace(schedule, needs={"primary": need}, timezone="UTC")
    found = gaps(Rota(), schedule, window, role="primary")
    on = shifts(schedule, window, role="primary")
    for t in range(window.start, window.end, 1800):
        empty = not any(shift.start <= t < shift.end for shift in on)
        begun = schedule.start is None or t >= instant(schedule.start, schedule.timezone)
        day = datetime.fromtimestamp(t, UTC)
        needed = not hours or any(
            (day - timedelta(days=back)).weekday() in (0, 1, 4) and 6 <= day.hour + 24 * back < 26 for back in (0, 1)
        )
        named = [gap for gap in found if gap.cause in ("nobody", "ended") and gap.start <= t < gap.end]
        assert len(named) == (empty and begun and needed), day
    wider = gaps(Rota(), schedule, Window(window.start - 3 * DAY, window.end + 3 * DAY), role="primary")
    inside = [gap for gap in found if window.start < gap.start and gap.end < window.end]
    assert [gap for gap in inside if gap not in wider] == []


@random_rotas
@given(schedules(), st.integers(0, 6 * 48))
def test_why_and_oncall_end_in_the_people_of_the_shifts(case: tuple[Schedule, int], half_hours: int):
    schedule, start = case
    at = start + half_hours * 1800
    people = [shift.person for shift in shifts(schedule, Window(at, at + 1), role="primary")]
    explained = why(Rota(), schedule, "primary", at)
    assert list(explained.people) == people == explained.steps[-1].numbers["people"]
    [row] = oncall(Rota(), schedule, at, "primary")
    assert [person.id for person in row.people] == people
    for person in row.people:
        assert person.until > at
        assert person.free_at is None or person.free_at >= person.until
