"""From layers and overrides to shifts: SCHEDULES.md sections 4 to 6, sentence by sentence."""

from dataclasses import replace
from datetime import datetime

import pytest

from syncd.core.model import (
    DAY,
    Advance,
    Boundary,
    Clock,
    Overlap,
    Person,
    Rota,
    Schedule,
    Source,
    Window,
)
from syncd.core.shifts import oncall, roles_of, shifts
from tests.core.say import WEEKDAYS, at, daily, layer, override, read, rota, schedule, turns, weekly, whole, whose

# --- golden cases -------------------------------------------------------------------------


def test_alice_bob_and_carol_take_weeks_from_1_march():
    one = schedule(layer("alice bob carol", turns("1 week")), start="2026-03-01")
    assert whole(one, "2026-03-01", "2026-03-29") == [
        "alice 03-01T00:00 03-08T00:00",
        "bob 03-08T00:00 03-15T00:00",
        "carol 03-15T00:00 03-22T00:00",
        "alice 03-22T00:00 03-29T00:00",
    ]


def test_four_people_take_twelve_hours_and_alice_is_back_on_3_march():
    one = schedule(layer("alice bob carol dave", turns("12 hour")), start="2026-03-01")
    assert whole(one, "2026-03-01", "2026-03-03T01:00") == [
        "alice 03-01T00:00 03-01T12:00",
        "bob 03-01T12:00 03-02T00:00",
        "carol 03-02T00:00 03-02T12:00",
        "dave 03-02T12:00 03-03T00:00",
        "alice 03-03T00:00 03-03T12:00",
    ]


def test_a_weekly_handoff_is_on_monday_at_ten():
    one = schedule(layer("a b c", turns("1 week", on="mon", at="10:00"), start="2026-03-04"))
    assert whole(one, "2026-03-04", "2026-03-17") == [
        "a 03-04T00:00 03-09T10:00",
        "b 03-09T10:00 03-16T10:00",
        "c 03-16T10:00 03-23T10:00",
    ]


@pytest.mark.parametrize(("kept", "handoff"), [(Clock.WALL, "03-09T14:00"), (Clock.ELAPSED, "03-09T15:00")])
def test_a_handoff_at_nine_in_chicago_stays_at_nine_or_lands_on_ten(kept, handoff):
    one = schedule(layer("a b", turns("1 week", clock=kept), start="2026-03-02T09:00", timezone="America/Chicago"))
    assert whole(one, "2026-03-03", "2026-03-04") == [f"a 03-02T15:00 {handoff}"]


def test_primary_and_backup_offset_by_three_days():
    one = schedule(
        layer("ana ben", turns("1 week", anchor="2026-03-02")),
        layer("ana ben", turns("1 week", anchor="2026-03-05"), role="backup"),
    )
    assert whole(one, "2026-03-05", "2026-03-09") == ["ana 03-02T00:00 03-09T00:00", "ana 03-05T00:00 03-12T00:00"]


def test_weekday_nights_and_saturday_cover_monday_morning_with_midnight_and_not_with_shift():
    saturday = layer("sam", windows=(daily("00:00", "24:00", "sat sun"),))
    for boundary, monday in ((Boundary.MIDNIGHT, ["nia"]), (Boundary.SHIFT, [])):
        nights = layer("nia", windows=(daily("18:00", "09:00"),), days=WEEKDAYS, boundary=boundary)
        one = schedule(nights, saturday)
        assert whose(one, "2026-03-09T05:00") == monday
        assert whose(one, "2026-03-07T05:00") == (["sam"] if monday else ["nia", "sam"])


# --- whole shifts and the period ----------------------------------------------------------


def test_shifts_are_never_cut_at_the_edge_of_the_period():
    one = schedule(layer("ana ben", turns("1 month")), start="2026-01-31")
    assert whole(one, "2026-03-01", "2026-03-01T00:01") == ["ben 02-28T00:00 03-31T00:00"]


def test_a_period_ends_before_its_last_instant():
    one = schedule(layer("ana ben", turns("1 day")), start="2026-03-01")
    assert whole(one, "2026-03-01", "2026-03-02") == ["ana 03-01T00:00 03-02T00:00"]


def test_an_empty_period_has_no_shifts():
    one = schedule(layer("ana", turns("1 day")), start="2026-03-01")
    assert shifts(one, Window(at("2026-03-02"), at("2026-03-02"))) == []


def test_two_turns_that_touch_stay_two_shifts_even_of_one_person():
    one = schedule(layer("ana", turns("1 day")), start="2026-03-01")
    assert whole(one, "2026-03-01", "2026-03-03") == ["ana 03-01T00:00 03-02T00:00", "ana 03-02T00:00 03-03T00:00"]


def test_shifts_are_sorted_by_start_role_and_person():
    one = schedule(layer("zoe+ana", turns("1 week")), layer("ben", turns("1 week"), role="backup"), start="2026-03-01")
    found = shifts(one, Window(at("2026-03-01"), at("2026-03-02")))
    assert [(shift.role, shift.person, shift.slot) for shift in found] == [
        ("backup", "ben", 0),
        ("primary", "ana", 1),
        ("primary", "zoe", 0),
    ]


def test_a_key_tells_schedule_role_start_and_slot():
    one = schedule(layer("ana", turns("1 week")), start="2026-03-07")
    assert shifts(one, Window(at("2026-03-08"), at("2026-03-09")))[0].key == "payments/primary/20260307T000000Z/0"


def test_slots_rank_by_layer_place_in_the_group_then_override():
    one = schedule(
        layer("zoe+yan", turns("1 day")),
        layer("xia", turns("1 day")),
        start="2026-03-01",
        overrides=(override("adam", "2026-03-01", "2026-03-02", ""), override("abe", "2026-03-01", "2026-03-02", "")),
    )
    found = shifts(one, Window(at("2026-03-01"), at("2026-03-01T01:00")))
    assert {shift.person: shift.slot for shift in found} == {"zoe": 0, "yan": 1, "xia": 2, "adam": 3, "abe": 4}


def test_roles_are_those_of_layers_overrides_and_needs():
    one = schedule(
        layer("ana"), overrides=(override("ben", "2026-03-01", "2026-03-02", roles=("backup",)),), needs={"third": "always"}
    )
    assert roles_of(one) == ("primary", "backup", "third")


def test_a_source_is_a_layer_and_a_turn_or_an_override():
    one = schedule(
        layer("ana", turns("1 day"), name="week"),
        layer("cho", name="all", role="backup"),
        start="2026-03-01",
        overrides=(override("ben", "2026-03-02", "2026-03-03", id="o1"),),
    )
    found = shifts(one, Window(at("2026-03-01"), at("2026-03-03")))
    assert [shift.source for shift in found if shift.role == "primary"] == [Source("week", 0), Source(override="o1")]
    assert {shift.source for shift in found if shift.role == "backup"} == {Source("all")}


# --- tiers --------------------------------------------------------------------------------


def test_the_highest_priority_with_somebody_decides():
    one = schedule(layer("low"), layer("high", windows=(daily("09:00", "17:00"),), priority=1))
    assert whose(one, "2026-03-03T12:00") == ["high"]
    assert whose(one, "2026-03-03T17:00") == ["low"]


def test_below_a_layer_that_is_always_on_nobody_is_seen():
    one = schedule(layer("low", turns("1 day")), layer("high", turns("1 week"), priority=1), start="2026-03-02")
    assert whole(one, "2026-03-10", "2026-03-11") == ["high 03-09T00:00 03-16T00:00"]


def test_a_turn_interrupted_by_a_higher_layer_becomes_several():
    one = schedule(layer("ana", turns("1 day")), layer("ben", windows=(daily("09:00", "10:00"),), priority=1), start="2026-03-01")
    assert whole(one, "2026-03-01", "2026-03-02") == [
        "ana 03-01T00:00 03-01T09:00",
        "ben 03-01T09:00 03-01T10:00",
        "ana 03-01T10:00 03-02T00:00",
    ]


def test_a_turn_interrupted_by_a_window_becomes_several():
    one = schedule(layer("ana", turns("2 day"), windows=(daily("09:00", "17:00"),)), start="2026-03-01")
    assert whole(one, "2026-03-01", "2026-03-03") == ["ana 03-01T09:00 03-01T17:00", "ana 03-02T09:00 03-02T17:00"]


def test_an_empty_group_lets_the_next_priority_step_in():
    empty = replace(layer("x", turns("1 day"), priority=1), rosters=())
    one = schedule(layer("low"), empty, start="2026-03-01")
    assert whose(one, "2026-03-03") == ["low"]


def test_equal_priorities_are_united_in_the_order_of_the_file():
    one = schedule(layer("zoe", turns("1 day")), layer("ana", turns("1 day")), start="2026-03-01")
    found = shifts(one, Window(at("2026-03-01"), at("2026-03-02")))
    assert [(shift.person, shift.slot) for shift in found] == [("ana", 1), ("zoe", 0)]


def test_a_person_counts_once_and_the_later_layers_turn_is_cut_around_the_first_ones():
    one = schedule(
        layer("ana", turns("1 day"), windows=(daily("09:00", "12:00"),), name="first"),
        layer("ana", turns("1 day"), name="second"),
        start="2026-03-01",
    )
    found = shifts(one, Window(at("2026-03-01"), at("2026-03-02")))
    assert [(shift.source.layer, *read([shift])) for shift in found] == [
        ("second", "ana 03-01T00:00 03-01T09:00"),
        ("first", "ana 03-01T09:00 03-01T12:00"),
        ("second", "ana 03-01T12:00 03-02T00:00"),
    ]


def test_a_person_twice_in_a_group_counts_once():
    one = schedule(layer("ana+ben+ana", turns("1 day")), start="2026-03-01")
    assert whose(one, "2026-03-01") == ["ana", "ben"]


# --- overrides ----------------------------------------------------------------------------

DAILY = schedule(layer("ana ben cho", turns("1 day")), start="2026-03-01")
PAIRS = schedule(layer("ana+ben cho+dev", turns("1 week")), start="2026-03-01")


def overridden(one: Schedule, *overrides, **more) -> Schedule:
    return replace(one, overrides=overrides, **more)


def test_an_override_replaces_everybody_whatever_the_layer():
    one = overridden(PAIRS, override("zed", "2026-03-02", "2026-03-03"))
    assert whose(one, "2026-03-02") == ["zed"]


def test_an_override_with_nobody_leaves_a_gap():
    assert whose(overridden(PAIRS, override("", "2026-03-02", "2026-03-03")), "2026-03-02") == []


def test_an_override_cuts_a_turn_in_three():
    one = overridden(DAILY, override("zed", "2026-03-01T08:00", "2026-03-01T09:00"))
    assert whole(one, "2026-03-01", "2026-03-02") == [
        "ana 03-01T00:00 03-01T08:00",
        "zed 03-01T08:00 03-01T09:00",
        "ana 03-01T09:00 03-02T00:00",
    ]


def test_an_override_is_one_shift_however_many_turns_it_spans():
    one = overridden(DAILY, override("zed", "2026-03-01T08:00", "2026-03-04T09:00"))
    assert "zed 03-01T08:00 03-04T09:00" in whole(one, "2026-03-02", "2026-03-03")


def test_an_override_of_years_is_whole_and_costs_no_turns():
    one = overridden(DAILY, override("zed", "1996-03-01", "2996-03-01"), start=None)
    found = shifts(replace(one, start=datetime.fromisoformat("1990-01-01")), Window(at("2026-03-02"), at("2026-03-03")))
    assert [(shift.start, shift.end) for shift in found] == [(at("1996-03-01"), at("2996-03-01"))]


def test_an_override_of_somebody_who_is_on_already_leaves_the_shift_as_it_is():
    one = overridden(DAILY, override("ana zed", "2026-03-01T08:00", "2026-03-02T12:00"))
    assert whole(one, "2026-03-01", "2026-03-03") == [
        "ana 03-01T00:00 03-02T00:00",
        "zed 03-01T08:00 03-02T12:00",
        "ana 03-02T00:00 03-02T12:00",
        "ben 03-02T12:00 03-03T00:00",
    ]


def test_a_shift_of_anybody_it_does_not_affect_is_never_cut():
    one = overridden(PAIRS, override("zed", "2026-03-02", "2026-03-03", "ana"))
    assert whole(one, "2026-03-01", "2026-03-08") == [
        "ana 03-01T00:00 03-02T00:00",
        "ben 03-01T00:00 03-08T00:00",
        "zed 03-02T00:00 03-03T00:00",
        "ana 03-03T00:00 03-08T00:00",
    ]


def test_replacing_somebody_holds_only_while_she_would_be_on():
    one = overridden(DAILY, override("zed", "2026-03-01", "2026-03-05", "ana"))
    assert [whose(one, f"2026-03-0{day}") for day in range(1, 5)] == [["zed"], ["ben"], ["cho"], ["zed"]]


def test_replacing_several_holds_while_any_of_them_would_be_on():
    one = overridden(DAILY, override("zed", "2026-03-01", "2026-03-04", "ana ben"))
    assert whole(one, "2026-03-01", "2026-03-04") == ["zed 03-01T00:00 03-03T00:00", "cho 03-03T00:00 03-04T00:00"]


def test_replacing_somebody_by_nobody_takes_her_off():
    one = overridden(PAIRS, override("", "2026-03-02", "2026-03-03", "ana"))
    assert whose(one, "2026-03-02") == ["ben"]


def test_a_tier_left_empty_lets_the_next_one_step_in():
    one = schedule(layer("low"), layer("high", priority=1), overrides=(override("", "2026-03-02", "2026-03-03", "high"),))
    assert whose(one, "2026-03-02") == ["low"]


def test_somebody_replaced_by_people_lets_no_lower_tier_step_in():
    one = schedule(layer("low"), layer("high", priority=1), overrides=(override("zed", "2026-03-02", "2026-03-03", "high"),))
    assert whose(one, "2026-03-02") == ["zed"]


def test_somebody_of_a_lower_tier_is_replaced_where_that_steps_in():
    one = schedule(
        layer("low"),
        layer("high", priority=1),
        overrides=(override("", "2026-03-02", "2026-03-03", "high"), override("zed", "2026-03-02", "2026-03-03", "low")),
    )
    assert whose(one, "2026-03-02") == ["zed"]


def test_somebody_replaced_by_herself_and_another_keeps_her_shift():
    one = overridden(DAILY, override("ana zed", "2026-03-01T08:00", "2026-03-01T12:00", "ana"))
    assert whole(one, "2026-03-01", "2026-03-02") == ["ana 03-01T00:00 03-02T00:00", "zed 03-01T08:00 03-01T12:00"]


def test_replacing_none_joins_whoever_is_on():
    one = overridden(DAILY, override("zed", "2026-03-01T08:00", "2026-03-02T12:00", ""))
    assert whole(one, "2026-03-01", "2026-03-02") == ["ana 03-01T00:00 03-02T00:00", "zed 03-01T08:00 03-02T12:00"]


def test_somebody_two_overrides_put_on_has_the_first_ones_shift():
    one = overridden(
        DAILY,
        override("zed", "2026-03-01T08:00", "2026-03-01T12:00", "", id="one"),
        override("zed", "2026-03-01T10:00", "2026-03-01T14:00", "", id="two"),
    )
    found = [shift for shift in shifts(one, Window(at("2026-03-01"), at("2026-03-02"))) if shift.person == "zed"]
    assert [(shift.source.override, *read([shift])) for shift in found] == [
        ("one", "zed 03-01T08:00 03-01T12:00"),
        ("two", "zed 03-01T12:00 03-01T14:00"),
    ]


def test_an_override_counts_only_between_the_schedules_start_and_end():
    one = overridden(DAILY, override("zed", "2026-02-27", "2026-03-09"), end=datetime.fromisoformat("2026-03-03"))
    assert whole(one, "2026-02-01", "2026-04-01") == ["zed 03-01T00:00 03-03T00:00"]


def test_pieces_of_one_override_are_told_apart_by_time_and_touching_ones_are_one():
    pieces = (("2026-03-01", "2026-03-02"), ("2026-03-02", "2026-03-03"), ("2026-03-05", "2026-03-06"))
    one = overridden(DAILY, *(override("zed", *piece, id="o") for piece in pieces))
    assert [line for line in whole(one, "2026-03-01", "2026-03-08") if "zed" in line] == [
        "zed 03-01T00:00 03-03T00:00",
        "zed 03-05T00:00 03-06T00:00",
    ]


ALL = override("xia", "2026-03-01", "2026-03-03", id="one")
ALSO = override("yan", "2026-03-02", "2026-03-04", id="two")


@pytest.mark.parametrize(
    ("overlap", "second"),
    [(Overlap.FIRST, ["xia"]), (Overlap.REJECT, ["xia"]), (Overlap.LAST, ["yan"]), (Overlap.UNION, ["xia", "yan"])],
)
def test_of_overrides_that_overlap_first_last_or_all_count(overlap, second):
    one = overridden(DAILY, ALL, ALSO, override_overlap=overlap)
    assert [whose(one, f"2026-03-0{day}") for day in (1, 2, 3)] == [["xia"], second, ["yan"]]


def test_overrides_of_different_people_hold_together():
    one = overridden(
        PAIRS, override("xia", "2026-03-02", "2026-03-03", "ana"), override("yan", "2026-03-02", "2026-03-03", "ben")
    )
    assert whose(one, "2026-03-02") == ["xia", "yan"]


def test_overrides_of_the_same_person_overlap():
    one = overridden(
        PAIRS, override("xia", "2026-03-02", "2026-03-03", "ana"), override("yan", "2026-03-02", "2026-03-03", "ana")
    )
    assert whose(one, "2026-03-02") == ["ben", "xia"]


def test_one_that_replaces_all_overlaps_one_that_joins():
    one = overridden(PAIRS, override("xia", "2026-03-02", "2026-03-03"), override("yan", "2026-03-02", "2026-03-03", ""))
    assert whose(one, "2026-03-02") == ["xia"]


def test_an_override_that_has_lost_does_not_make_others_lose():
    one = overridden(
        PAIRS,
        override("xia", "2026-03-02", "2026-03-03", "ana", id="1"),
        override("yan", "2026-03-02", "2026-03-03", id="2"),
        override("zed", "2026-03-02", "2026-03-03", "ben", id="3"),
    )
    assert whose(one, "2026-03-02") == ["xia", "zed"]


def test_an_override_of_another_role_does_nothing_here():
    assert whose(overridden(DAILY, override("zed", "2026-03-01", "2026-03-02", roles=("backup",))), "2026-03-01") == ["ana"]


# --- cost ---------------------------------------------------------------------------------


def test_turns_of_an_hour_over_ten_years_are_all_there():
    one = schedule(layer("ana ben", turns("1 hour")), start="1970-01-01")
    assert len(shifts(one, Window(at("2026-01-01"), at("2036-01-01")))) == 87_648


def test_a_turn_that_lasts_longer_than_anything_asked_is_whole():
    one = schedule(layer("ana ben", turns("1000 week")), start="2026-03-02")
    found = shifts(one, Window(at("2030-01-01"), at("2030-01-02")))
    assert [(shift.start, shift.end) for shift in found] == [(at("2026-03-02"), at("2026-03-02") + 7000 * DAY)]


def test_somebody_on_for_ever_by_override_beside_her_own_turns_is_followed_as_far_as_needed():
    one = schedule(
        layer("ana ben cho", turns("1 week"), end="2026-06-01"), start="2026-03-02",
        overrides=(override("ana", "2026-04-01", "2030-01-01", id="o"),),
    )  # fmt: skip
    found = shifts(one, Window(at("2026-07-01"), at("2026-07-02")))
    assert [(shift.source.override, shift.start, shift.end) for shift in found] == [("o", at("2026-06-01"), at("2030-01-01"))]


# --- who is on call -----------------------------------------------------------------------


def test_oncall_says_until_free_and_next():
    one = schedule(layer("ana ana ben", turns("1 day")), start="2026-03-01")
    [row] = oncall(rota(one), one, at("2026-03-01T12:00"))
    [person] = row.people
    assert (person.id, person.name, person.email) == ("ana", "Ana", None)
    assert (person.until, person.free_at, person.next) == (at("2026-03-02"), at("2026-03-03"), "ana")


def test_oncall_has_a_row_for_each_role_also_where_nobody_is():
    one = schedule(layer("ana", windows=(daily("09:00", "10:00"),)), needs={"backup": "always"})
    rows = oncall(rota(one), one, at("2026-03-01T12:00"))
    assert [(row.role, row.people) for row in rows] == [("primary", ()), ("backup", ())]


def test_somebody_never_free_within_a_year_is_free_at_no_time():
    one = schedule(layer("ana", turns("1 week")), start="2026-03-01")
    [person] = oncall(rota(one), one, at("2026-03-01"), "primary")[0].people
    assert (person.free_at, person.next) == (None, "ana")


def test_nobody_is_next_where_no_shift_starts_within_a_year():
    one = schedule(layer("ana", turns("1 week")), start="2026-03-01", end="2026-03-04")
    [person] = oncall(rota(one), one, at("2026-03-01"))[0].people
    assert (person.until, person.free_at, person.next) == (at("2026-03-04"), at("2026-03-04"), None)


def test_somebody_whom_the_rota_does_not_know_has_no_name():
    one = overridden(DAILY, override("zed", "2026-03-01", "2026-03-02"))
    known = Rota(people={"ana": Person(id="ana", name="Ana", email="ana@example.com", phone="1")})
    assert oncall(known, one, at("2026-03-01"))[0].people[0][:4] == ("zed", None, None, None)
    assert oncall(known, DAILY, at("2026-03-01"))[0].people[0][:4] == ("ana", "Ana", "ana@example.com", "1")


def test_a_weekly_window_and_a_rotation_by_active_turns():
    one = schedule(
        layer("ana ben", turns("1 day", advance=Advance.ACTIVE), windows=(weekly("mon 09:00", "wed 09:00"),)),
        start="2026-03-02",
    )
    assert [shift.person for shift in shifts(one, Window(at("2026-03-02"), at("2026-03-16")))] == ["ana", "ben"] * 3
