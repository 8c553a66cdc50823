"""When a layer is active: SCHEDULES.md section 3, sentence by sentence."""

from hypothesis import given
from hypothesis import strategies as st

from syncd.core.model import DAY, WEEK, Boundary, Hours
from syncd.core.openings import ALWAYS, WEEKS, Pattern, activity, opening_days, openings
from tests.core.say import WEEKDAYS, daily, days, layer, schedule, turns, weekly, whole, whose

WEEK_OF_MARCH = ("2026-03-02", "2026-03-09")


def test_a_daily_window_opens_on_its_days():
    one = schedule(layer("ana", windows=(daily("09:00", "17:00", "mon wed"),)))
    assert whole(one, *WEEK_OF_MARCH) == ["ana 03-02T09:00 03-02T17:00", "ana 03-04T09:00 03-04T17:00"]


def test_a_window_that_crosses_midnight_belongs_to_the_day_it_opened():
    one = schedule(layer("ana", windows=(daily("18:00", "09:00", "sun"),)))
    assert whole(one, "2026-03-08", "2026-03-15") == ["ana 03-08T18:00 03-09T09:00"]


def test_equal_times_are_24_hours():
    one = schedule(layer("ana", windows=(daily("09:00", "09:00", "mon"),)))
    assert whole(one, *WEEK_OF_MARCH) == ["ana 03-02T09:00 03-03T09:00"]


def test_a_weekly_window_wraps_and_equal_times_are_the_whole_week():
    one = schedule(layer("ana", windows=(weekly("fri 18:00", "mon 09:00"),)))
    assert whole(one, *WEEK_OF_MARCH) == ["ana 02-27T18:00 03-02T09:00", "ana 03-06T18:00 03-09T09:00"]
    one = schedule(layer("ana", windows=(weekly("wed 12:00", "wed 12:00"),)))
    assert whole(one, "2026-03-05", "2026-03-06") == ["ana 03-04T12:00 03-11T12:00"]


def test_windows_are_united_and_those_that_overlap_are_one_opening():
    one = schedule(layer("ana", windows=(daily("09:00", "12:00"), daily("11:00", "17:00"), daily("17:00", "18:00"))))
    assert whole(one, "2026-03-02T08:00", "2026-03-02T20:00") == ["ana 03-02T09:00 03-02T17:00", "ana 03-02T17:00 03-02T18:00"]


def test_within_a_turn_windows_that_touch_are_no_interruption():
    windows = (daily("09:00", "17:00"), daily("17:00", "18:00"))
    one = schedule(layer("ana", turns("1 day"), windows=windows), start="2026-03-02")
    assert whole(one, "2026-03-02", "2026-03-03") == ["ana 03-02T09:00 03-02T18:00"]


def test_windows_that_overlap_without_end_have_the_local_weeks_for_turns():
    one = schedule(layer("ana", windows=(daily("08:00", "20:00"), daily("18:00", "10:00"))))
    assert whole(one, "2026-03-03", "2026-03-04") == ["ana 03-02T00:00 03-09T00:00"]


def test_openings_that_only_touch_are_turns_of_their_own():
    one = schedule(layer("ana", windows=(daily("09:00", "09:00"),)))
    assert whole(one, "2026-03-03", "2026-03-04") == ["ana 03-02T09:00 03-03T09:00", "ana 03-03T09:00 03-04T09:00"]


def test_by_default_a_mask_cuts_at_local_midnight():
    one = schedule(layer("ana", windows=(daily("18:00", "09:00"),), days=WEEKDAYS))
    assert whole(one, "2026-03-06T12:00", "2026-03-09T12:00") == ["ana 03-06T18:00 03-07T00:00", "ana 03-09T00:00 03-09T09:00"]


def test_a_mask_alone_opens_its_days():
    one = schedule(layer("ana", days=days("sat sun")), timezone="UTC")
    assert whole(one, *WEEK_OF_MARCH) == ["ana 03-07T00:00 03-09T00:00"]


def test_boundary_shift_keeps_a_window_whole_and_drops_one_whole():
    one = schedule(layer("ana", windows=(daily("18:00", "09:00"),), days=WEEKDAYS, boundary=Boundary.SHIFT))
    assert whole(one, "2026-03-06T12:00", "2026-03-09T12:00") == ["ana 03-06T18:00 03-07T09:00"]


def test_boundary_shift_without_windows_keeps_or_drops_turns():
    one = schedule(
        layer("a b c d e f g", turns("1 day", at="18:00"), days=WEEKDAYS, boundary=Boundary.SHIFT), start="2026-03-05T18:00"
    )
    assert whole(one, "2026-03-06", "2026-03-10") == [
        "a 03-05T18:00 03-06T18:00",
        "b 03-06T18:00 03-07T18:00",
        "e 03-09T18:00 03-10T18:00",
    ]


def test_boundary_shift_judges_an_elapsed_turn_by_its_local_start():
    one = schedule(layer("a b", turns("36 hour"), days=days("mon"), boundary=Boundary.SHIFT), start="2026-03-02")
    assert whole(one, *WEEK_OF_MARCH) == ["a 03-02T00:00 03-03T12:00"]


def test_validity_cuts_what_is_kept_and_in_it_is_on_whose_turn_it_is():
    one = schedule(
        layer("a b", turns("1 day"), windows=(daily("18:00", "09:00"),), days=WEEKDAYS, boundary=Boundary.SHIFT),
        start="2026-03-05", end="2026-03-07T08:00",
    )  # fmt: skip
    assert whole(one, "2026-03-06", "2026-03-09") == [
        "b 03-06T00:00 03-06T09:00",
        "b 03-06T18:00 03-07T00:00",
        "a 03-07T00:00 03-07T08:00",
    ]


def test_a_layers_validity_is_of_its_zone_and_the_schedules_of_its_own():
    one = schedule(
        layer("ana", start="2026-03-02", end="2026-03-04", timezone="America/Chicago"),
        start="2026-03-02T12:00", end="2026-03-04", timezone="Europe/Berlin",
    )  # fmt: skip
    assert whole(one, *WEEK_OF_MARCH) == ["ana 03-02T11:00 03-03T23:00"]


def test_windows_are_of_the_layers_zone():
    one = schedule(layer("ana", windows=(daily("09:00", "18:00"),), timezone="Asia/Tokyo"))
    assert whole(one, "2026-03-02", "2026-03-03") == ["ana 03-02T00:00 03-02T09:00"]


def test_a_window_that_the_clock_leaves_empty_is_no_shift():
    one = schedule(layer("ana", windows=(daily("02:00", "03:00"),), timezone="Europe/Berlin"))
    assert whole(one, "2026-03-28T12:00", "2026-03-30T12:00") == ["ana 03-30T00:00 03-30T01:00"]


def test_a_window_in_the_hour_that_comes_twice_is_open_once():
    one = schedule(layer("ana", windows=(daily("02:00", "02:30"),), timezone="Europe/Berlin"))
    assert whole(one, "2026-10-24T12:00", "2026-10-25T12:00") == ["ana 10-25T00:00 10-25T00:30"]


def test_a_mask_of_no_days_opens_never():
    assert whose(schedule(layer("ana", days=frozenset())), "2026-03-02") == []
    assert activity((), frozenset(), Boundary.MIDNIGHT).never
    assert not ALWAYS.never


def test_the_days_a_layer_opens_on():
    assert opening_days(layer("ana")) == frozenset(range(7))
    assert opening_days(layer("ana", windows=(weekly("fri 12:00", "mon 00:00"),))) == days("fri sat sun")
    assert opening_days(layer("ana", windows=(daily("22:00", "06:00", "mon sun"),), days=WEEKDAYS)) == days("mon")


def test_a_pattern_touches_what_it_shares_a_second_with():
    monday = activity((daily("00:00", "24:00", "mon"),), None, Boundary.MIDNIGHT)
    sunday = -4 * DAY
    assert not monday.touches(sunday, sunday + DAY)
    assert monday.touches(sunday, sunday + DAY + 1)
    assert monday.touches(sunday + 3 * DAY, sunday + 9 * DAY)
    assert monday.touches(0, WEEK)
    assert ALWAYS.touches(0, 1)
    assert not Pattern(()).touches(0, WEEK)


WINDOWS = st.lists(
    st.builds(
        Hours,
        days=st.frozensets(st.integers(0, 6), min_size=1),
        at=st.integers(0, 23).map(lambda hour: hour * 3600),
        length=st.integers(1, 48).map(lambda hours: hours * 3600),
    ),
    min_size=1,
    max_size=4,
).map(tuple)


@given(WINDOWS, st.one_of(st.none(), st.frozensets(st.integers(0, 6))), st.integers(0, 400), st.integers(1, 200))
def test_a_pattern_is_the_hours_of_its_windows(windows, mask, first, length):
    pattern = activity(windows, mask, Boundary.MIDNIGHT)
    open_ = {
        (day * 24 + window.at // 3600 + hour) % 168
        for window in windows
        for day in window.days
        for hour in range(window.length // 3600)
    }
    open_ = {hour for hour in open_ if mask is None or hour // 24 in mask}
    said = {hour % 168 for start, end in pattern.spans for hour in range(start // 3600, end // 3600)}
    assert (set(range(168)) if pattern.always else said) == open_
    monday = -3 * DAY
    assert pattern.touches(monday + first * 3600, monday + (first + length) * 3600) == any(
        hour % 168 in open_ for hour in range(first, first + length)
    )
    assert openings((), mask, Boundary.MIDNIGHT) is WEEKS
