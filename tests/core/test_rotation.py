"""Whose turn: SCHEDULES.md section 2, sentence by sentence."""

from collections import Counter
from datetime import date, datetime
from itertools import pairwise

import pytest

from syncd.core.model import Advance, Boundary, Clock, Join, Roster, Window
from syncd.core.rotation import anchor_of, order_of, problems
from syncd.core.shifts import shifts
from tests.core.say import (
    WEEKDAYS,
    at,
    away,
    daily,
    groups,
    layer,
    local,
    override,
    schedule,
    turns,
    weekly,
    whole,
    whose,
)

# --- turns --------------------------------------------------------------------------------


def test_months_clamp_and_are_counted_from_the_anchor_each_time():
    one = schedule(layer("a b c", turns("1 month")), start="2026-01-31")
    assert whole(one, "2026-01-31", "2026-04-01") == [
        "a 01-31T00:00 02-28T00:00",
        "b 02-28T00:00 03-31T00:00",
        "c 03-31T00:00 04-30T00:00",
    ]


def test_before_turn_zero_the_layer_has_nobody():
    one = schedule(layer("ana", turns("1 day", anchor="2026-03-05T09:00")), start="2026-03-01")
    assert whole(one, "2026-03-01", "2026-03-06") == ["ana 03-05T09:00 03-06T09:00"]


def test_an_anchor_of_long_ago_costs_nothing_and_counts_all_the_same():
    one = schedule(layer("a b c", turns("1 hour", anchor="0100-01-01T00:00")))
    [shift] = shifts(one, Window(at("2026-03-01"), at("2026-03-01") + 1))
    assert shift.source.turn == (at("2026-03-01") - at("0100-01-01T00:00")) // 3600


@pytest.mark.parametrize(("kept", "second"), [(Clock.WALL, "03-29T07:00"), (Clock.ELAPSED, "03-29T08:00")])
def test_wall_keeps_the_time_of_day_and_elapsed_the_length(kept, second):
    one = schedule(layer("a b", turns("1 day", clock=kept), start="2026-03-28T09:00", timezone="Europe/Berlin"))
    assert whole(one, "2026-03-28T12:00", "2026-03-28T13:00") == [f"a 03-28T08:00 {second}"]


def test_hours_that_do_not_divide_24_are_elapsed_by_default():
    for every, end in (("12 hour", "03-29T01:00"), ("15 hour", "03-29T05:00"), ("24 hour", "03-29T13:00")):
        one = schedule(layer("a b", turns(every), start="2026-03-28T15:00", timezone="Europe/Berlin"))
        assert whole(one, "2026-03-28T14:30", "2026-03-28T14:31") == [f"a 03-28T14:00 {end}"]


def test_wall_turns_are_counted_from_the_time_as_written_also_where_it_does_not_exist():
    one = schedule(layer("a b", turns("1 day"), start="2026-03-29T02:30", timezone="Europe/Berlin"))
    assert whole(one, "2026-03-29", "2026-03-31") == ["a 03-29T01:00 03-30T00:30", "b 03-30T00:30 03-31T00:30"]


def test_an_anchor_with_an_offset_is_first_converted_and_turn_zero_starts_at_it():
    rotation = turns("1 day", anchor="2026-10-25T02:30+01:00")
    one = schedule(layer("a b", rotation, timezone="Europe/Berlin"))
    assert whole(one, "2026-10-25", "2026-10-26") == ["a 10-25T01:30 10-26T01:30"]
    assert whole(schedule(layer("a", turns("1 hour", anchor="2026-10-25T02:30+01:00"), timezone="Europe/Berlin")),
                 "2026-10-25", "2026-10-25T02:45") == ["a 10-25T01:30 10-25T02:30", "a 10-25T02:30 10-25T03:30"]  # fmt: skip


def test_a_turn_that_a_clock_change_leaves_empty_is_no_shift_and_is_counted():
    one = schedule(layer("a b c d", turns("1 hour"), start="2026-03-29T01:00", timezone="Europe/Berlin"))
    assert whole(one, "2026-03-29", "2026-03-29T03:00") == [
        "a 03-29T00:00 03-29T01:00",
        "c 03-29T01:00 03-29T02:00",
        "d 03-29T02:00 03-29T03:00",
    ]


# --- lasts --------------------------------------------------------------------------------


def test_lasts_is_how_long_of_each_turn_the_member_is_on():
    one = schedule(layer("a b", turns("1 day", lasts=3 * 3600)), start="2026-03-01T09:00")
    assert whole(one, "2026-03-01", "2026-03-03") == ["a 03-01T09:00 03-01T12:00", "b 03-02T09:00 03-02T12:00"]


@pytest.mark.parametrize(("kept", "end"), [(Clock.WALL, "03-29T03:00"), (Clock.ELAPSED, "03-29T04:00")])
def test_lasts_is_counted_like_the_turns(kept, end):
    one = schedule(layer("a b", turns("1 day", lasts=5 * 3600, clock=kept), start="2026-03-29T00:00", timezone="Europe/Berlin"))
    assert whole(one, "2026-03-29", "2026-03-29T01:00") == [f"a 03-28T23:00 {end}"]


@pytest.mark.parametrize("kept", Clock)
def test_lasts_never_goes_beyond_the_turn(kept):
    one = schedule(layer("a b", turns("1 day", lasts=90_000, clock=kept)), start="2026-03-01")
    assert whole(one, "2026-03-01", "2026-03-02") == ["a 03-01T00:00 03-02T00:00"]


def test_lasts_is_counted_from_an_anchor_in_the_second_pass_of_an_hour():
    rotation = turns("1 day", anchor="2026-10-25T02:30+01:00", lasts=900)
    one = schedule(layer("a b", rotation, timezone="Europe/Berlin"))
    assert whole(one, "2026-10-25", "2026-10-26") == ["a 10-25T01:30 10-25T01:45"]


# --- the default anchor -------------------------------------------------------------------


def anchored(rotation, start="2026-03-04T08:00", **more):
    one = layer("a b", rotation, start=start, **more)
    return anchor_of(one, schedule(one))


@pytest.mark.parametrize(
    ("rotation", "anchor"),
    [
        (turns("1 day"), "2026-03-04T08:00"),
        (turns("1 day", at="09:00"), "2026-03-03T09:00"),
        (turns("3 day", at="07:00"), "2026-03-04T07:00"),
        (turns("1 week"), "2026-03-04T08:00"),
        (turns("1 week", at="09:00"), "2026-02-25T09:00"),
        (turns("1 week", on="mon"), "2026-03-02T08:00"),
        (turns("1 week", on="thu", at="09:00"), "2026-02-26T09:00"),
        (turns("7 day", on="thu"), "2026-02-26T08:00"),
        (turns("1 month"), "2026-03-04T08:00"),
        (turns("1 month", at="09:00"), "2026-02-04T09:00"),
        (turns("12 hour", at="21:00"), "2026-03-03T21:00"),
        (turns("4 hour", at="21:00"), "2026-03-04T05:00"),
        (turns("5 hour", at="21:00"), "2026-03-04T07:00"),
        (turns("36 hour"), "2026-03-04T08:00"),
    ],
)
def test_the_anchor_is_the_last_handoff_at_or_before_the_from(rotation, anchor):
    assert anchored(rotation).at == at(anchor)


def test_the_schedules_start_is_the_last_default_and_is_of_its_own_zone():
    one = layer("a b", turns("1 day"), timezone="Europe/London")
    assert anchor_of(one, schedule(one, start="2026-03-01", timezone="America/Chicago")).at == at("2026-03-01T06:00")


def test_without_rotation_or_anything_to_count_from_there_is_no_anchor():
    assert anchor_of(layer("a"), schedule()) is None
    assert anchor_of(layer("a", turns("1 day")), schedule()) is None
    assert shifts(schedule(layer("a", turns("1 day"))), Window(at("2026-03-01"), at("2026-03-02"))) == []


def test_a_bare_date_as_anchor_takes_the_handoff_time():
    one = layer("a b", turns("1 day", at="09:00", anchor=date(2026, 3, 1)))
    assert anchor_of(one, schedule(one)).at == at("2026-03-01T09:00")
    one = layer("a b", turns("1 day", anchor=date(2026, 3, 1)), timezone="Europe/Berlin")
    assert anchor_of(one, schedule(one)).at == at("2026-02-28T23:00")


def test_elapsed_without_at_and_on_is_anchored_at_the_from_itself():
    assert anchored(turns("1 day", clock=Clock.ELAPSED), "2026-10-25T02:30+01:00", timezone="Europe/Berlin").at == at(
        "2026-10-25T01:30"
    )


def test_a_month_whose_day_is_missing_keeps_the_day_for_the_others():
    one = schedule(layer("a b c", turns("1 month", at="12:00"), start="2026-03-31T10:00"))
    assert whole(one, "2026-03-31T10:00", "2026-05-01") == [
        "a 03-31T10:00 03-31T12:00",
        "b 03-31T12:00 04-30T12:00",
        "c 04-30T12:00 05-31T12:00",
    ]


def test_the_first_member_is_on_call_from_the_start_on_the_day_the_clock_jumps():
    one = schedule(layer("a b", turns("1 day", at="02:40"), start="2026-03-29T02:10", timezone="Europe/Berlin"))
    assert whole(one, "2026-03-29", "2026-03-29T12:00") == ["a 03-29T01:00 03-30T00:40"]


# --- advance ------------------------------------------------------------------------------


def test_active_does_not_count_turns_wholly_outside_days():
    one = schedule(layer("a b c", turns("1 day", advance=Advance.ACTIVE), days=WEEKDAYS), start="2026-03-06")
    assert whole(one, "2026-03-06", "2026-03-11") == [
        "a 03-06T00:00 03-07T00:00",
        "b 03-09T00:00 03-10T00:00",
        "c 03-10T00:00 03-11T00:00",
    ]


def test_always_counts_them():
    one = schedule(layer("a b c", turns("1 day"), days=WEEKDAYS), start="2026-03-06")
    assert whole(one, "2026-03-06", "2026-03-11") == [
        "a 03-06T00:00 03-07T00:00",
        "a 03-09T00:00 03-10T00:00",
        "b 03-10T00:00 03-11T00:00",
    ]


def test_active_counts_a_turn_that_a_window_only_touches():
    night = layer("a b", turns("12 hour", advance=Advance.ACTIVE), windows=(daily("23:00", "01:00"),))
    one = schedule(night, start="2026-03-02")
    assert whole(one, "2026-03-02", "2026-03-03T12:00") == [
        "a 03-02T00:00 03-02T01:00",
        "b 03-02T23:00 03-03T00:00",
        "a 03-03T00:00 03-03T01:00",
    ]


def test_active_with_months_and_boundary_shift_counts_those_that_start_on_a_day_of_the_mask():
    rotation = turns("1 month", advance=Advance.ACTIVE)
    one = schedule(layer("a b c", rotation, days=WEEKDAYS, boundary=Boundary.SHIFT), start="2026-01-01")
    # 1 February and 1 March 2026 are Sundays
    assert whole(one, "2026-01-01", "2026-05-01") == ["a 01-01T00:00 02-01T00:00", "b 04-01T00:00 05-01T00:00"]


def test_active_with_months_counts_every_month_that_has_an_open_hour():
    one = schedule(
        layer("a b", turns("1 month", advance=Advance.ACTIVE), windows=(daily("09:00", "10:00", "mon"),)), start="2026-01-01"
    )
    assert whose(one, "2026-01-05T09:00") == ["a"]
    assert whose(one, "2026-02-02T09:00") == ["b"]


def test_a_layer_that_never_opens_has_no_turn_to_count():
    one = schedule(layer("a b", turns("1 day", advance=Advance.ACTIVE), days=frozenset()), start="2026-01-01")
    assert whole(one, "2026-01-01", "2026-02-01") == []


def test_a_turn_before_the_first_counted_one_is_nobodys():
    one = schedule(layer("a b", turns("1 day", advance=Advance.ACTIVE), days=WEEKDAYS), start="2026-03-07")
    assert whole(one, "2026-03-07", "2026-03-10") == ["a 03-09T00:00 03-10T00:00"]


def test_active_days_makes_two_on_weekdays_every_two_working_days():
    one = schedule(layer("a b", turns("2 day", advance=Advance.ACTIVE_DAYS), days=WEEKDAYS), start="2026-03-05")
    assert whole(one, "2026-03-05", "2026-03-11") == [
        "a 03-05T00:00 03-07T00:00",
        "b 03-09T00:00 03-11T00:00",
    ]


def test_a_window_that_crosses_the_handoff_changes_hands_there():
    rotation = turns("1 day", at="06:00", advance=Advance.ACTIVE_DAYS)
    one = schedule(layer("a b", rotation, windows=(daily("22:00", "08:00", "mon tue"),)), start="2026-03-02T06:00")
    assert whole(one, "2026-03-02", "2026-03-04") == [
        "a 03-02T22:00 03-03T06:00",
        "b 03-03T06:00 03-03T08:00",
        "b 03-03T22:00 03-04T08:00",
    ]


def test_turn_zero_starts_at_the_anchor_also_where_that_is_no_working_day():
    one = schedule(layer("a b", turns("1 day", at="09:00", advance=Advance.ACTIVE_DAYS), days=WEEKDAYS), start="2026-03-08")
    assert whole(one, "2026-03-08", "2026-03-10T08:00") == ["a 03-09T00:00 03-10T09:00"]


def test_with_active_days_a_weekly_window_opens_on_each_day_it_touches():
    rotation = turns("2 day", advance=Advance.ACTIVE_DAYS)
    one = schedule(layer("a b", rotation, windows=(weekly("fri 12:00", "mon 12:00"),)), start="2026-03-06")
    assert whole(one, "2026-03-06", "2026-03-09T13:00") == ["a 03-06T12:00 03-08T00:00", "b 03-08T00:00 03-09T12:00"]


def test_with_active_days_and_no_such_day_the_first_turn_never_ends():
    rotation = turns("1 day", advance=Advance.ACTIVE_DAYS)
    one = schedule(layer("a b", rotation, windows=(daily("22:00", "06:00", "mon"),), days=frozenset([1])), start="2026-03-02")
    assert whole(one, "2026-03-09", "2026-03-20") == ["a 03-10T00:00 03-10T06:00", "a 03-17T00:00 03-17T06:00"]


# --- fair ---------------------------------------------------------------------------------


def test_fair_changes_nothing_where_plain_order_is_fair_already():
    assert order_of(turns("1 day", fair=True), 3).skip is None
    assert order_of(turns("1 week", fair=True), 4).skip is None
    assert order_of(turns("1 month", fair=True), 4).skip is None


@pytest.mark.parametrize(
    ("every", "n", "skip"),
    [("12 hour", 4, 14), ("12 hour", 7, 28 - 14), ("1 day", 7, 7), ("12 hour", 2, 14), ("12 hour", 3 * 7, 28)],
)
def test_fair_skips_after_the_smallest_multiple_of_the_period_that_does_it(every, n, skip):
    assert order_of(turns(every, fair=True), n).skip == skip


@pytest.mark.parametrize(("every", "people"), [("12 hour", "a b c d"), ("1 day", "a b c d e f g"), ("8 hour", "a b c")])
def test_in_n_times_b_turns_everybody_serves_each_time_of_each_weekday_equally_often(every, people):
    rotation = turns(every, fair=True)
    n = len(people.split())
    one = schedule(layer(people, rotation), start="2026-03-02")
    turns_ = n * order_of(rotation, n).skip
    length = rotation.every * (3600 if every.endswith("hour") else 86_400)
    found = shifts(one, Window(at("2026-03-02"), at("2026-03-02") + turns_ * length))
    served = Counter((shift.person, shift.start % 604_800) for shift in found)
    assert len(found) == turns_
    assert len(set(served.values())) == 1
    if n > 2:
        assert all(first.person != second.person for first, second in pairwise(found))


# --- rosters ------------------------------------------------------------------------------

THREE = groups("ana ben cho")


def dated(*rosters, every="1 week", **more):
    made = [Roster(since=local(since), groups=groups(people), join=join) for since, people, join in rosters]
    return schedule(layer(made, turns(every, **more)), start="2026-03-02")


def order(one, weeks):
    return [shift.person for shift in shifts(one, Window(at("2026-03-02"), at("2026-03-02") + weeks * 604_800))]


def test_with_continue_whoever_is_on_finishes_the_turn_and_the_new_list_goes_on_after_them():
    one = dated(("2026-03-02", "ana ben cho", Join.CONTINUE), ("2026-03-11", "dev ben cho", Join.CONTINUE))
    assert order(one, 6) == ["ana", "ben", "cho", "dev", "ben", "cho"]


def test_with_recalculate_the_new_list_counts_from_the_anchor_at_once():
    one = dated(("2026-03-02", "ana ben cho", Join.CONTINUE), ("2026-03-11", "cho dev", Join.RECALCULATE))
    assert whole(one, "2026-03-09", "2026-03-23") == [
        "ben 03-09T00:00 03-11T00:00",
        "dev 03-11T00:00 03-16T00:00",
        "cho 03-16T00:00 03-23T00:00",
    ]


def test_somebody_on_before_and_after_a_recalculation_has_one_shift():
    one = dated(("2026-03-02", "ana ben", Join.CONTINUE), ("2026-03-11", "dev ben", Join.RECALCULATE))
    assert "ben 03-09T00:00 03-16T00:00" in whole(one, "2026-03-02", "2026-03-30")


def test_where_that_person_has_left_the_same_place_is_next():
    one = dated(("2026-03-02", "ana ben cho", Join.CONTINUE), ("2026-03-11", "ana cho dev", Join.CONTINUE))
    assert order(one, 5) == ["ana", "ben", "cho", "dev", "ana"]


def test_the_same_place_is_modulo_the_new_length():
    one = dated(("2026-03-02", "ana ben cho", Join.CONTINUE), ("2026-03-18", "dev eve", Join.CONTINUE))
    assert order(one, 5) == ["ana", "ben", "cho", "dev", "eve"]


def test_a_from_that_is_itself_a_handoff_ends_the_old_list_there():
    one = dated(("2026-03-02", "ana ben cho", Join.CONTINUE), ("2026-03-09", "cho ana dev", Join.CONTINUE))
    assert order(one, 4) == ["ana", "dev", "cho", "ana"]


def test_a_changed_group_has_left():
    one = dated(("2026-03-02", "ana+ben cho", Join.CONTINUE), ("2026-03-04", "ana cho", Join.CONTINUE))
    assert order(one, 3) == ["ana", "ben", "ana", "cho"]


def test_the_member_is_looked_for_at_the_same_place_first_then_the_first_equal_one():
    one = dated(("2026-03-02", "ana ben ana cho", Join.CONTINUE), ("2026-03-18", "ben ana ana dev", Join.CONTINUE))
    assert order(one, 5) == ["ana", "ben", "ana", "dev", "ben"]
    one = dated(("2026-03-02", "ana ben ana cho", Join.CONTINUE), ("2026-03-18", "ben ana dev dev ana", Join.CONTINUE))
    assert order(one, 5) == ["ana", "ben", "ana", "dev", "dev"]


def test_the_member_is_the_one_whose_turn_it_is_not_who_overrides():
    one = dated(("2026-03-02", "ana ben cho", Join.CONTINUE), ("2026-03-04", "ana dev ben", Join.CONTINUE))
    one = schedule(*one.layers, start="2026-03-02", overrides=(override("dev", "2026-03-02", "2026-03-09"),))
    assert order(one, 3) == ["dev", "dev", "ben"]


def test_a_second_roster_within_one_turn_takes_over_as_if_both_came_at_the_handoff():
    one = dated(
        ("2026-03-02", "ana ben cho", Join.CONTINUE),
        ("2026-03-03", "ben ana dev", Join.CONTINUE),
        ("2026-03-04", "dev cho ana eve", Join.CONTINUE),
    )
    assert order(one, 3) == ["ana", "eve", "dev"]
    one = dated(
        ("2026-03-02", "ana ben cho", Join.CONTINUE),
        ("2026-03-03", "dev eve", Join.CONTINUE),
        ("2026-03-04", "cho eve dev", Join.CONTINUE),
    )
    assert order(one, 3) == ["ana", "cho", "eve"]


def test_a_recalculation_ends_what_was_waiting_for_the_handoff():
    one = dated(
        ("2026-03-02", "ana ben", Join.CONTINUE),
        ("2026-03-03", "cho", Join.CONTINUE),
        ("2026-03-04", "dev eve", Join.RECALCULATE),
    )
    assert whole(one, "2026-03-02", "2026-03-16") == [
        "ana 03-02T00:00 03-04T00:00",
        "dev 03-04T00:00 03-09T00:00",
        "eve 03-09T00:00 03-16T00:00",
    ]


def test_before_turn_zero_and_after_an_empty_list_continue_recalculates():
    one = dated(("2026-02-02", "ana ben", Join.CONTINUE), ("2026-02-20", "cho dev", Join.CONTINUE))
    assert order(one, 2) == ["cho", "dev"]
    one = dated(("2026-03-02", "", Join.CONTINUE), ("2026-03-11", "cho dev", Join.CONTINUE))
    assert whole(one, "2026-03-02", "2026-03-16") == ["dev 03-11T00:00 03-16T00:00"]


def test_an_empty_list_takes_over_at_the_handoff_and_what_follows_within_that_turn_counts_from_there():
    one = dated(("2026-03-02", "ana ben", Join.CONTINUE), ("2026-03-04", "", Join.CONTINUE))
    assert whole(one, "2026-03-02", "2026-03-30") == ["ana 03-02T00:00 03-09T00:00"]
    one = dated(
        ("2026-03-02", "ana ben", Join.CONTINUE), ("2026-03-04", "", Join.CONTINUE), ("2026-03-05", "cho dev", Join.CONTINUE)
    )
    assert whole(one, "2026-03-02", "2026-03-16") == ["ana 03-02T00:00 03-09T00:00", "dev 03-09T00:00 03-16T00:00"]


def test_before_its_first_list_a_layer_has_nobody():
    one = dated(("2026-03-11", "ana ben", Join.CONTINUE))
    assert whole(one, "2026-03-02", "2026-03-23") == ["ben 03-11T00:00 03-16T00:00", "ana 03-16T00:00 03-23T00:00"]


def test_a_layer_without_a_list_has_nobody():
    assert whole(schedule(layer([], turns("1 week")), layer([], None), start="2026-03-02"), "2026-03-02", "2026-04-01") == []


def test_turns_that_are_not_counted_do_not_exist_for_rosters():
    one = dated(
        ("2026-03-02", "ana ben cho", Join.CONTINUE), ("2026-03-07", "dev ana ben cho", Join.CONTINUE), every="1 day",
        advance=Advance.ACTIVE,
    )  # fmt: skip
    one = schedule(layer(one.layers[0].rosters, one.layers[0].rotation, days=WEEKDAYS), start="2026-03-02")
    assert order(one, 2) == ["ana", "ben", "cho", "ana", "ben", "cho", "dev", "ana", "ben", "cho"]


def test_after_continue_fair_goes_on_from_the_handoff_with_the_new_number_of_members():
    one = dated(
        ("2026-03-02", "a b", Join.CONTINUE), ("2026-03-03T01:00", "b x y z", Join.CONTINUE), every="12 hour", fair=True
    )  # fmt: skip
    found = [shift.person for shift in shifts(one, Window(at("2026-03-02"), at("2026-03-10")))]
    assert found == [*"ab", "a", *"bxyz" * 2, *"bxy", "b", "x"]


def test_a_from_on_the_hour_that_the_clock_leaves_out_comes_before_the_empty_turn_that_begins_then():
    rosters = [Roster(since=None, groups=THREE), Roster(since=local("2026-03-29T03:00"), groups=groups("ana dev eve fay"))]
    one = schedule(layer(rosters, turns("1 hour"), timezone="Europe/Berlin"), start=local("2026-03-28T23:00+00:00"))
    found = shifts(one, Window(at("2026-03-28T23:00"), at("2026-03-29T03:00")))
    # turn 2 begins and ends at 01:00 UTC: it is the new list's first, from ben's place on
    assert [(shift.person, shift.source.turn) for shift in found] == [("ana", 0), ("ben", 1), ("eve", 3), ("fay", 4)]


# --- without a rotation -------------------------------------------------------------------


def test_without_a_rotation_all_members_are_on_at_once_by_local_weeks():
    one = schedule(layer("ana ben"), start="2026-03-04")
    assert whole(one, "2026-03-04", "2026-03-10") == [
        "ana 03-04T00:00 03-09T00:00",
        "ben 03-04T00:00 03-09T00:00",
        "ana 03-09T00:00 03-16T00:00",
        "ben 03-09T00:00 03-16T00:00",
    ]


def test_without_a_rotation_a_dated_roster_holds_from_its_from():
    made = [Roster(since=None, groups=groups("ana")), Roster(since=local("2026-03-04"), groups=groups("ana ben"))]
    assert whole(schedule(layer(made)), "2026-03-03", "2026-03-09") == [
        "ana 03-02T00:00 03-09T00:00",
        "ben 03-04T00:00 03-09T00:00",
    ]


# --- time off -----------------------------------------------------------------------------


def handing(*absences, people="ana ben cho", rotation=None, **more):
    one = layer(people, rotation or turns("1 day"), on_away="next", **more)
    return schedule(one, start="2026-03-01", away=absences)


def test_away_never_moves_anybody_by_itself():
    one = schedule(layer("ana ben", turns("1 day")), start="2026-03-01", away=(away("ana", "2026-03-01", "2026-03-02"),))
    assert whose(one, "2026-03-01") == ["ana"]


def test_on_away_next_hands_the_whole_turn_to_the_next_member_who_is_not_away():
    one = handing(away("ana", "2026-03-01T23:00", "2026-03-02"), away("ben", "2026-03-01", "2026-03-01T01:00"))
    assert whole(one, "2026-03-01", "2026-03-03") == ["cho 03-01T00:00 03-02T00:00", "ben 03-02T00:00 03-03T00:00"]


def test_where_nobody_is_free_the_turn_stays():
    one = handing(*(away(person, "2026-03-01", "2026-03-02") for person in ("ana", "ben", "cho")))
    assert whose(one, "2026-03-01") == ["ana"]


def test_a_group_is_away_with_any_of_its_people():
    one = handing(away("ben", "2026-03-01", "2026-03-02"), people="ana+ben cho")
    assert whose(one, "2026-03-01") == ["cho"]


def test_a_turn_that_does_not_exist_is_handed_to_nobody():
    made = [Roster(since=None, groups=((), ("ana",)))]
    one = schedule(
        layer(made, turns("1 day"), on_away="next"), start="2026-03-01", away=(away("ana", "2026-03-02", "2026-03-03"),)
    )
    assert whole(one, "2026-03-01", "2026-03-03") == ["ana 03-02T00:00 03-03T00:00"]


def test_an_absence_between_two_counted_turns_is_in_neither():
    rotation = turns("1 day", advance=Advance.ACTIVE)
    one = handing(away("ana", "2026-03-07T06:00", "2026-03-08"), people="x y z t ana ben", rotation=rotation, days=WEEKDAYS)
    assert whose(one, "2026-03-06") == ["ana"]


def test_an_absence_on_a_day_between_working_days_is_in_the_turn_that_spans_it():
    rotation = turns("1 day", advance=Advance.ACTIVE_DAYS)
    one = handing(away("ana", "2026-03-07T06:00", "2026-03-08"), people="x y z t ana ben", rotation=rotation, days=WEEKDAYS)
    one = schedule(*one.layers, start="2026-03-02", away=one.away)
    assert whose(one, "2026-03-06") == ["ben"]


def test_an_absence_in_an_elapsed_turn_hands_it_on():
    one = handing(away("ana", "2026-03-01", "2026-03-01T01:00"), rotation=turns("36 hour"))
    assert whose(one, "2026-03-01T12:00") == ["ben"]


def test_somebody_away_before_a_later_list_takes_over_is_replaced_from_her_own_list():
    made = [
        Roster(since=None, groups=()),
        Roster(since=local("2026-03-01T12:00"), groups=groups("ana ben"), join=Join.RECALCULATE),
    ]
    one = schedule(
        layer(made, turns("1 day"), on_away="next"), start="2026-03-01", away=(away("ana", "2026-03-01", "2026-03-02"),)
    )
    assert whole(one, "2026-03-01", "2026-03-02") == ["ben 03-01T12:00 03-02T00:00"]


# --- what is wrong ------------------------------------------------------------------------


def wrong(rotation=None, start="2026-03-02", **more):
    one = layer(more.pop("members", "ana ben"), rotation, start=start, **more)
    return [problem.path for problem in problems(one, schedule(one))]


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (("rotation", "anchor"), wrong(turns("1 day"), start=None)),
        (("rotation", "anchor"), wrong(turns("1 day", at="09:00", anchor="2026-03-02T10:00"))),
        (("rotation", "anchor"), wrong(turns("1 week", on="tue", anchor="2026-03-02T10:00"))),
        (("rotation", "every"), wrong(turns("0 day"))),
        (("rotation", "every"), wrong(turns("6000 week"))),
        (("rotation", "every"), wrong(turns("1300 month"))),
        (("rotation", "lasts"), wrong(turns("1 day", lasts=0))),
        (("rotation", "on"), wrong(turns("2 day", on="mon"))),
        (("rotation", "on"), wrong(turns("1 month", on="mon"))),
        (("rotation", "clock"), wrong(turns("1 month", clock=Clock.ELAPSED))),
        (("rotation", "fair"), wrong(turns("1 day", fair=True, advance=Advance.ACTIVE))),
        (("rotation", "advance"), wrong(turns("1 day", clock=Clock.ELAPSED, advance=Advance.ACTIVE))),
        (("rotation", "advance"), wrong(turns("1 week", advance=Advance.ACTIVE_DAYS))),
        (("rotation", "advance"), wrong(turns("1 day", advance=Advance.ACTIVE_DAYS), days=WEEKDAYS, boundary=Boundary.SHIFT)),
        (("boundary",), wrong(turns("1 day"), boundary=Boundary.SHIFT)),
        (("boundary",), wrong(None, days=WEEKDAYS, boundary=Boundary.SHIFT)),
        (("days",), wrong(None, days=WEEKDAYS, windows=(weekly("mon 09:00", "fri 18:00"),))),
        (
            ("members", 1, "from"),
            wrong(
                members=[
                    Roster(since=datetime.fromisoformat("2026-03-02"), groups=()),
                    Roster(since=datetime.fromisoformat("2026-03-01"), groups=()),
                ]
            ),
        ),
    ],
)
def test_a_contradiction_is_a_problem_with_its_path(path, found):
    assert found == [path]


@pytest.mark.parametrize(
    "rotation",
    [
        None,
        turns("1 week", on="mon", at="09:00", anchor="2026-03-02T09:00"),
        turns("168 hour", on="mon"),
        turns("2 day", advance=Advance.ACTIVE_DAYS),
        turns("1 month", advance=Advance.ACTIVE),
        turns("1 day", fair=True),
    ],
)
def test_what_does_not_contradict_itself_has_no_problems(rotation):
    assert wrong(rotation) == []
    made = [Roster(since=None, groups=THREE), Roster(since=local("2026-03-11"), groups=THREE)]
    assert wrong(rotation, members=made, days=WEEKDAYS, windows=(daily("09:00", "10:00"),), boundary=Boundary.SHIFT) == []
