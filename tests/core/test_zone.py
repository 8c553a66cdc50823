"""Wall times and instants, round every clock change."""

from datetime import UTC, date, datetime
from itertools import pairwise
from zoneinfo import available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.core.model import DAY, Clock, Window
from syncd.core.shifts import shifts
from syncd.core.zone import EARLIEST, LATEST, ambiguous_or_missing, instant, local_of, moved, stretches, wall_of, weekday, zone
from tests.core.say import at, layer, schedule, turns

BERLIN = "Europe/Berlin"
SOME = (
    "Europe/Berlin", "Europe/London", "America/New_York", "America/Chicago", "America/Sao_Paulo", "America/Havana",
    "America/St_Johns", "America/Nuuk", "America/Santiago", "Australia/Lord_Howe", "Australia/Sydney", "Africa/Cairo",
    "Africa/Casablanca", "Asia/Gaza", "Asia/Tehran", "Asia/Pyongyang", "Antarctica/Troll", "Europe/Volgograd",
    "Pacific/Apia", "Pacific/Norfolk",
)  # fmt: skip


@pytest.mark.parametrize(
    ("local", "there", "found"),
    [
        ("2026-03-29T02:30", BERLIN, "2026-03-29T01:00"),  # does not exist
        ("2026-03-29T03:00", BERLIN, "2026-03-29T01:00"),
        ("2026-10-25T02:30", BERLIN, "2026-10-25T00:30"),  # exists twice
        ("2026-10-25T03:00", BERLIN, "2026-10-25T02:00"),
        ("2011-12-30T12:00", "Pacific/Apia", "2011-12-30T10:00"),  # the day that was skipped
        ("2026-03-29T02:30+02:00", BERLIN, "2026-03-29T00:30"),
    ],
)
def test_a_local_time_is_the_first_instant_that_is_at_it_or_past_the_jump(local, there, found):
    assert instant(datetime.fromisoformat(local), there) == at(found)


def test_a_bare_date_is_local_midnight():
    assert instant(date(2026, 3, 1), BERLIN) == at("2026-02-28T23:00")
    assert wall_of(date(1970, 1, 2)) == DAY


@pytest.mark.parametrize(
    ("local", "found"),
    [
        ("2026-03-29T02:00", "missing"),
        ("2026-03-29T02:59", "missing"),
        ("2026-03-29T03:00", ""),
        ("2026-03-29T01:59", ""),
        ("2026-10-25T02:00", "twice"),
        ("2026-10-25T02:59", "twice"),
        ("2026-10-25T03:00", ""),
        ("2026-10-25T02:30+01:00", ""),
    ],
)
def test_a_time_is_clear_or_missing_or_twice(local, found):
    assert ambiguous_or_missing(datetime.fromisoformat(local), BERLIN) == found


def test_weekdays_are_counted_from_monday():
    assert weekday(wall_of(date(2026, 3, 2))) == 0
    assert weekday(wall_of(date(1969, 12, 31))) == 2


def test_times_at_the_ends_of_the_calendar_are_instants_too():
    assert instant(datetime.fromisoformat("0001-01-01"), BERLIN) < EARLIEST
    assert instant(datetime.fromisoformat("9999-12-31T23:00"), "America/Chicago") > LATEST
    assert instant(datetime.fromisoformat("0001-01-01T00:00+09:00"), BERLIN) < EARLIEST
    assert local_of(LATEST + 9 * DAY) == local_of(LATEST)


@pytest.mark.parametrize("name", SOME)
@given(moment=st.integers(at("2010-01-01"), at("2037-12-31")))
def test_what_a_clock_has_reached_is_the_last_wall_time_at_or_before(name, moment):
    there = zone(name)
    reached = there.reached(moment)
    assert there.instant(reached) <= moment < there.instant(reached + 1)


@pytest.mark.parametrize("name", SOME)
def test_many_walls_at_once_are_the_same_instants_as_one_by_one(name):
    there = zone(name)
    start = wall_of(date(2011, 12, 1))
    walls = range(start, start + 400 * DAY, 5 * 3600 + 1800)
    table = there.table(start, start + 400 * DAY)
    single = [there.instant(wall) for wall in walls]
    assert table.instants(walls) == table.instants(list(walls)) == [table.instant(wall) for wall in walls] == single
    assert single == sorted(single)
    assert table.instants([]) == []


ROTATIONS = [
    layer(people, turns(every, clock=Clock.WALL, at="02:30"), start="2011-01-01T02:30")
    for every, people in (("1 day", "a b c"), ("1 week", "d e f"), ("12 hour", "g h i"))
]


def no_hole_and_no_double_cover(name, start, end):
    for one in ROTATIONS:
        there = schedule(layer(one.rosters, one.rotation, start="2011-01-01T02:30", timezone=name), timezone=name)
        found = shifts(there, Window(start, end))
        assert found[0].start <= start
        assert found[-1].end >= end
        assert all(first.end == second.start for first, second in pairwise(found))


@pytest.mark.parametrize("name", SOME)
def test_handoffs_share_one_instant_round_every_clock_change(name):
    no_hole_and_no_double_cover(name, at("2011-12-01"), at("2038-01-01"))


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(available_timezones()))
def test_handoffs_share_one_instant_in_every_zone(name):
    no_hole_and_no_double_cover(name, at("2011-12-01"), at("2038-01-01"))


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(available_timezones()))
def test_no_clock_change_is_overlooked(name):
    there = zone(name)
    start, end = at("2015-01-01"), at("2038-01-01")
    changes = [moment for moment in there.table(start, end).since if start < moment < end]
    hourly = [there.offset(moment) for moment in range(start, end, 3600)]
    assert len(changes) == sum(first != second for first, second in pairwise(hourly))


def test_the_day_that_apia_skipped_is_no_shift_and_is_counted():
    one = schedule(layer("a b c d", turns("1 day"), start="2011-12-28", timezone="Pacific/Apia"))
    found = shifts(one, Window(at("2011-12-28T10:00"), at("2012-01-01T10:00")))
    assert [(shift.person, shift.source.turn) for shift in found] == [("a", 0), ("b", 1), ("d", 3), ("a", 4)]


def test_a_zone_is_found_once_and_an_unknown_one_is_refused():
    assert zone(BERLIN) is zone(BERLIN)
    with pytest.raises(KeyError):
        zone("Europe/Nowhere")
    assert datetime.fromtimestamp(instant(datetime.fromisoformat("2026-07-01"), "UTC"), UTC).hour == 0


def test_the_stretches_of_a_year_are_its_offset_and_its_clock_changes():
    told = stretches([BERLIN, "UTC", BERLIN], at("2026-01-01T00:00"), at("2027-01-01T00:00"))
    assert told == {
        BERLIN: [
            [at("2026-01-01T00:00"), 3600],
            [at("2026-03-29T01:00"), 7200],
            [at("2026-10-25T01:00"), 3600],
        ],
        "UTC": [[at("2026-01-01T00:00"), 0]],
    }


def test_zones_have_moved_where_what_lies_ahead_is_no_longer_what_was_told():
    start, end = at("2026-01-01T00:00"), at("2027-01-01T00:00")
    told = stretches([BERLIN, "UTC"], start, end)
    for now in ("2025-07-01T00:00", "2026-02-01T00:00", "2026-03-29T01:00", "2026-07-01T00:00", "2026-12-31T00:00"):
        assert moved(told, end, at(now), {BERLIN}) == []
    other = {**told, BERLIN: [[start, 3600], [at("2026-03-29T01:00"), 7200]]}  # no way back to winter
    assert moved(other, end, at("2026-07-01T00:00"), {BERLIN}) == [BERLIN]
    assert moved(other, end, at("2026-12-31T00:00"), {BERLIN}) == [BERLIN]
    assert moved(other, end, end, {BERLIN}) == []
    assert moved({}, 0, start, {BERLIN}) == []


def test_a_zone_that_the_rota_names_no_more_has_not_moved_and_need_not_be_there():
    told = {"US/Nowhere": [[0, 0]], BERLIN: [[0, 0]]}
    end = at("2027-01-01T00:00")
    assert moved(told, end, at("2026-07-01T00:00"), {"UTC"}) == []
    assert moved(told, end, at("2026-07-01T00:00"), {"UTC", BERLIN}) == [BERLIN]
