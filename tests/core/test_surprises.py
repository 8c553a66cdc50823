"""What is allowed but probably not meant: one warning each, with what to do."""

from dataclasses import replace

import pytest

from syncd.core.model import Advance, Boundary, Overlap, Roster, Window
from syncd.core.surprises import across, surprises
from tests.core.say import WEEKDAYS, at, away, daily, days, layer, local, override, rota, schedule, turns, weekly

START = "2026-03-02"


def found(one, start=None, end=None):
    window = Window(at(start), at(end)) if start and end else None
    return [(surprise.path, surprise.text) for surprise in surprises(rota(one), one, window)]


def paths(one, *period):
    return [path for path, _ in found(one, *period)]


def of_layer(rotation=None, **more):
    return paths(schedule(layer(more.pop("members", "ana ben"), rotation, **more), start=START))


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (("layers", 0, "rotation", "every"), of_layer(turns("31 day"))),
        (("layers", 0, "rotation", "lasts"), of_layer(turns("1 day", lasts=90_000))),
        (("layers", 0, "days"), of_layer(days=frozenset())),
        (("layers", 0, "windows", 1), of_layer(windows=(daily("09:00", "17:00"), daily("09:00", "17:00", "sat")), days=WEEKDAYS)),
        (("layers", 0, "until"), of_layer(start="2026-03-05", end="2026-03-04")),
        (("layers", 0, "until"), of_layer(turns("2 week"), start="2026-03-02", end="2026-03-09")),
        (("layers", 0, "from"), of_layer(turns("1 week", on="mon"), start="2026-03-06")),
        (("layers", 0, "on_away"), of_layer(on_away="next")),
        (("layers", 0, "boundary"), of_layer(turns("1 day"), windows=(daily("18:00", "09:00"),), days=WEEKDAYS)),
        (("layers", 0, "boundary"), of_layer(turns("1 day", at="00:00", anchor="2026-03-02"), days=WEEKDAYS)[:0] or of_layer(
            turns("1 day", anchor="2026-03-02T18:00"), days=WEEKDAYS)),
        (("layers", 0, "boundary"), of_layer(turns("12 hour", anchor="2026-03-02T00:00"), days=WEEKDAYS)),
    ],
)  # fmt: skip
def test_a_layer_that_surprises_is_told_of(path, said):
    assert said == [path]


def test_a_layer_whose_turns_are_never_counted_is_told_of():
    rotation = turns("1 day", advance=Advance.ACTIVE)
    assert of_layer(rotation, days=frozenset()) == [("layers", 0, "days"), ("layers", 0, "rotation", "advance")]


@pytest.mark.parametrize(
    "said",
    [
        of_layer(turns("1 day")),
        of_layer(turns("1 day"), days=WEEKDAYS),
        of_layer(turns("1 day"), days=frozenset(range(7)), windows=(daily("18:00", "09:00"),)),
        of_layer(turns("1 day"), days=WEEKDAYS, windows=(daily("18:00", "09:00"),), boundary=Boundary.SHIFT),
        of_layer(turns("1 month", lasts=86_400)),
        of_layer(turns("1 week", on="mon"), start="2026-03-04"),
        of_layer(windows=(weekly("mon 09:00", "fri 18:00"),)),
        of_layer(turns("1 day"), start="2026-03-02", end="2026-03-09"),
        of_layer(turns("0 day")),
    ],
)
def test_what_is_meant_or_a_problem_already_is_not_told(said):
    assert said == []


def test_a_short_first_turn_comes_with_the_from_that_avoids_it():
    [surprise] = surprises(
        rota(one := schedule(layer("ana ben", turns("1 week", on="mon", at="09:00"), start="2026-03-06"))), one
    )
    assert surprise.text == "the first turn is short: it ends 81 h after the layer begins"
    assert surprise.remedy == "write `from: 2026-03-09T09:00` (or `from: 2026-03-02T09:00`)"


def test_a_mask_that_cuts_at_midnight_is_told_with_what_each_setting_would_do():
    [(_, text)] = found(schedule(layer("ana", turns("1 day"), windows=(daily("18:00", "09:00"),), days=days("fri")), start=START))
    assert "obeys the next day (on fri)" in text
    assert "kept whole" in text


DAILY = schedule(layer("ana ben", turns("1 day")), start=START)


def test_an_override_outside_the_schedules_time_is_ignored():
    one = replace(DAILY, overrides=(override("ben", "2026-02-01", "2026-02-02", id="o"),))
    assert found(one) == [(("overrides", 0), "override o is outside the schedule's `start` and `end`, or empty: it is ignored")]


def test_overrides_that_overlap_say_which_wins():
    one = replace(
        DAILY,
        overrides=(override("ben", "2026-03-03", "2026-03-05", id="one"), override("ana", "2026-03-04", "2026-03-06", id="two")),
    )
    text = "overrides one and two overlap from Wed 2026-03-04 00:00 UTC to Thu 2026-03-05 00:00 UTC: "
    assert found(one) == [(("overrides", 1), text + "one wins")]
    assert found(replace(one, override_overlap=Overlap.LAST)) == [(("overrides", 1), text + "two wins")]
    assert found(replace(one, override_overlap=Overlap.UNION)) == []


def test_an_override_that_never_counts_is_ignored():
    one = replace(
        DAILY,
        overrides=(
            override("ben", "2026-03-03", "2026-03-06", id="one"),
            override("ana", "2026-03-04", "2026-03-05", id="two"),
            override("cho", "2026-03-07", "2026-03-08", "ana", id="three"),
            override("dev", "2026-03-07", "2026-03-08", "ben", id="four"),
        ),
    )
    assert found(one)[0] == (("overrides", 1), "override two is ignored: another one is in force throughout its time")
    assert paths(one) == [("overrides", 1), ("overrides", 1)]


def test_an_empty_override_overlaps_nothing():
    one = replace(
        DAILY,
        overrides=(override("ben", "2026-03-03", "2026-03-05", id="one"), override("ana", "2026-03-04", "2026-03-04", id="two")),
    )
    assert paths(one) == [("overrides", 1)]
    one = replace(one, overrides=(override("ana", "2026-03-02", "2026-03-02", id="two"), *one.overrides[:1]))
    assert paths(one) == [("overrides", 0)]


def test_the_later_defined_of_two_is_the_one_told_of_whichever_begins_first():
    one = replace(
        DAILY,
        overrides=(override("ben", "2026-03-04", "2026-03-06", id="one"), override("ana", "2026-03-03", "2026-03-05", id="two")),
    )
    assert found(one)[0][1].startswith("overrides one and two overlap from Wed 2026-03-04")


def test_a_layer_below_one_that_is_always_on_never_has_a_turn():
    below = layer("ben", turns("1 day"), name="below")
    for always in (layer("ana", turns("1 week"), priority=1), layer("ana", priority=1)):
        assert paths(schedule(below, always, start=START)) == [("layers", 0)]
    for rarely in (
        layer("ana", turns("1 week", lasts=3600), priority=1),
        layer("ana", windows=(daily("09:00", "10:00"),), priority=1),
        layer("ana", turns("1 week"), priority=1, end="2026-06-01"),
        layer([Roster(since=None, groups=(("ana",), ()))], turns("1 week"), priority=1),
        layer([], turns("1 week"), priority=1),
        layer([Roster(since=None, groups=((),))], priority=1),
    ):
        assert paths(schedule(below, rarely, start=START)) == []


def test_times_are_those_of_the_schedules_clock():
    there = replace(DAILY, timezone="Asia/Tokyo", away=(away("ana", "2026-03-04T12:00", "2026-03-06"),))
    assert found(there)[0][1].endswith("from Wed 2026-03-04 21:00 Asia/Tokyo to Thu 2026-03-05 00:00 Asia/Tokyo")


def test_somebody_on_call_while_away_is_told_of():
    one = replace(DAILY, away=(away("ana", "2026-03-04T12:00", "2026-03-06"), away("zed", "2026-03-04", "2026-03-05")))
    text = "Ana is away but on call as primary from Wed 2026-03-04 12:00 UTC to Thu 2026-03-05 00:00 UTC"
    assert found(one) == [(("away", 0), text)]
    assert found(one, "2026-03-05", "2026-03-09") == []
    assert "ana is away" in surprises(rota(DAILY, "ben"), one)[0].text


def test_somebody_in_two_roles_at_once_is_told_of():
    one = schedule(layer("ana ben", turns("1 day")), layer("ben ana ana", turns("1 day"), role="backup"), start=START)
    assert found(one, "2026-03-02", "2026-03-09") == [
        ((), "Ana is on call as primary and as backup at once, first from Wed 2026-03-04 00:00 UTC"),
        ((), "Ben is on call as primary and as backup at once, first from Thu 2026-03-05 00:00 UTC"),
    ]
    assert found(one) == []
    apart = schedule(layer("ana ben", turns("1 day")), layer("ben ana", turns("1 day"), role="backup"), start=START)
    assert found(apart, "2026-03-02", "2026-03-09") == []
    assert surprises(rota(apart, "zed"), one, Window(at("2026-03-04"), at("2026-03-05")))[0].text.startswith("ana is on call")


def test_people_are_not_looked_for_while_a_layer_contradicts_itself():
    one = replace(DAILY, layers=(*DAILY.layers, layer("ana", turns("0 day"))), away=(away("ana", "2026-03-02", "2026-03-03"),))
    assert found(one) == []


# --- limits, other schedules, next weekend -------------------------------------------------

MARCH = ("2026-03-02", "2026-03-30")


def test_duty_over_the_limit_and_rest_under_it_are_told_once_a_person():
    one = schedule(
        layer("ana ben", turns("1 day")),
        layer("cho ana", turns("1 week"), role="backup"),
        start=START,
        longest=2 * 86_400,
        rest=86_400,
    )
    told = {path: text for path, text in found(one, "2026-03-02", "2026-03-11") if path[:1] == ("limits",)}
    assert (
        told[("limits", "shift")] == "Cho is on call for 168 h without a break, from Mon 2026-03-02 00:00 UTC; the limit is 48 h"
    )
    close = replace(schedule(layer("ana ben", turns("12 hour")), start=START), rest=13 * 3600)
    assert found(close, "2026-03-02", "2026-03-04") == [
        (
            ("limits", "rest"),
            "Ana has 12 h of rest, from Mon 2026-03-02 12:00 UTC to Tue 2026-03-03 00:00 UTC; the limit is 13 h",
        ),
        (
            ("limits", "rest"),
            "Ben has 12 h of rest, from Tue 2026-03-03 00:00 UTC to Tue 2026-03-03 12:00 UTC; the limit is 13 h",
        ),
    ]


def test_within_its_limits_a_rota_is_not_told_of():
    one = replace(schedule(layer("ana ben", turns("12 hour")), start=START), longest=12 * 3600, rest=12 * 3600)
    assert found(one, *MARCH) == []
    assert found(replace(one, longest=None, rest=None), *MARCH) == []


def test_somebody_on_call_in_two_schedules_at_once_is_told_of_at_the_later_one():
    first = schedule(layer("ana ben", turns("1 week")), start=START)
    second = replace(schedule(layer("ben ana", turns("1 day")), start=START), id="search")
    third = replace(schedule(layer("cho", end="2026-03-04"), layer("ben", start="2026-03-03", end="2026-03-04")), id="third")
    known = replace(rota(first, "ana", "ben", "cho"), schedules={one.id: one for one in (first, second, third)})
    told = [(id_, one.text) for id_, one in across(known, Window(at(START), at("2026-03-09")))]
    assert told == [("search", "Ana is on call here and in schedule payments at once, first from Tue 2026-03-03 00:00 UTC")]


def test_what_each_boundary_would_do_next_weekend_is_told():
    nights = layer("ana ben", turns("1 day"), windows=(daily("18:00", "09:00"),), days=WEEKDAYS)
    [(_, text)] = found(schedule(nights, start=START), "2026-03-11", "2026-03-12")
    assert text.endswith(
        "Next weekend it is on Fri 00:00 – Fri 09:00, Fri 18:00 – Sat 00:00, Mon 00:00 – Mon 09:00, Mon 18:00 – Tue 00:00;"
        " with `shift` it would be on Fri 00:00 – Fri 09:00, Fri 18:00 – Sat 09:00, Mon 18:00 – Tue 00:00"
    )
    never = replace(schedule(nights, start=START), end=local("2026-03-12"))
    assert found(never, "2026-03-11", "2026-03-12")[0][1].endswith("it is on at no time; with `shift` it would be on at no time")
