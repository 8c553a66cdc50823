"""Gaps and shares: SCHEDULES.md section 5, sentence by sentence."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import HealthCheck, example, given, settings

from syncd.core.gaps import Cause, fairness, gaps
from syncd.core.model import Advance, Boundary, Overlap, Person, Role, Rota, Team, Window
from tests.core.rotas import schedules
from tests.core.say import WEEKDAYS, at, away, daily, layer, override, rota, said, schedule, turns, weekly


def found(one, start, end, *people, role=None, roles=None):
    known = rota(one, *people, roles=roles or {})
    return [
        " ".join([said(gap.start), said(gap.end), gap.cause, *gap.people])
        for gap in gaps(known, one, Window(at(start), at(end)), role=role)
    ]


OFFICE = schedule(layer("ana ben", turns("1 week"), windows=(daily("09:00", "17:00"),)), start="2026-03-02")


def test_follow_the_sun_as_that_page_words_it_is_not_24_7():
    one = schedule(
        layer("nia", windows=(daily("09:00", "18:00"),), timezone="America/New_York"),
        layer("lee", windows=(daily("09:00", "18:00"),), timezone="Europe/London"),
        layer("tao", windows=(daily("09:00", "18:00"),), timezone="Asia/Tokyo"),
    )
    assert found(one, "2026-01-06", "2026-01-07") == ["01-06T14:00 01-06T18:00 overlap lee nia", "01-06T23:00 01-07T00:00 nobody"]
    assert found(one, "2026-07-06", "2026-07-07") == [
        "07-06T08:00 07-06T09:00 overlap lee tao",
        "07-06T13:00 07-06T17:00 overlap lee nia",
        "07-06T22:00 07-07T00:00 nobody",
    ]


def test_monday_morning_is_nobodys_with_boundary_shift():
    nights = layer("nia", windows=(daily("18:00", "09:00"),), days=WEEKDAYS, boundary=Boundary.SHIFT)
    one = schedule(nights, layer("sam", windows=(weekly("sat 00:00", "mon 00:00"),)))
    assert found(one, "2026-03-07", "2026-03-09T12:00") == [
        "03-07T00:00 03-07T09:00 overlap nia sam",
        "03-09T00:00 03-09T18:00 nobody",
    ]


def test_a_gap_is_whole_and_not_cut_at_the_period():
    assert found(OFFICE, "2026-03-03T20:00", "2026-03-03T21:00") == ["03-03T17:00 03-04T09:00 nobody"]


def test_time_before_the_start_is_no_gap_and_after_the_end_it_is():
    one = schedule(layer("ana", turns("1 day")), start="2026-03-02", end="2026-03-04")
    assert found(one, "2026-02-01", "2026-03-10") == ["03-04T00:00 03-10T00:00 ended"]
    assert found(one, "2026-04-01", "2026-04-10") == ["03-04T00:00 04-10T00:00 ended"]


def test_a_gap_without_an_end_is_cut_at_the_end_of_the_period():
    one = schedule(layer("ana", turns("1 day"), end="2026-03-04"), start="2026-03-02")
    assert found(one, "2026-03-03", "2026-03-10") == ["03-04T00:00 03-10T00:00 nobody"]


def test_a_gap_of_no_known_beginning_begins_with_the_period():
    one = schedule(layer("ana", turns("1 day"), start="2026-03-04"))
    assert found(one, "2026-03-01", "2026-03-05") == ["03-01T00:00 03-04T00:00 nobody"]


def test_a_schedule_that_ends_before_it_starts_has_ended():
    one = schedule(layer("ana", turns("1 day")), start="2026-03-04", end="2026-03-02")
    assert found(one, "2026-03-01", "2026-03-05") == ["03-04T00:00 03-05T00:00 ended"]


def test_only_needed_hours_are_gaps():
    one = replace(OFFICE, needs={"primary": (daily("08:00", "18:00", "mon tue wed thu fri"),)})
    assert found(one, "2026-03-06", "2026-03-09") == ["03-06T08:00 03-06T09:00 nobody", "03-06T17:00 03-06T18:00 nobody"]


def test_needed_hours_are_of_the_schedules_zone_and_whole():
    one = replace(
        schedule(layer("ana", end="2026-03-02")), needs={"primary": (daily("09:00", "17:00"),)}, timezone="Europe/Berlin"
    )
    assert found(one, "2026-03-03T10:00", "2026-03-03T10:01") == ["03-03T08:00 03-03T16:00 nobody"]


def test_after_the_end_needed_hours_are_gaps_one_by_one():
    one = schedule(layer("ana"), end="2026-03-03T12:00", needs={"primary": (daily("09:00", "17:00"),)})
    assert found(one, "2026-03-03", "2026-03-05") == ["03-03T12:00 03-03T17:00 ended", "03-04T09:00 03-04T17:00 ended"]


def test_a_role_that_is_never_needed_has_no_gaps():
    assert found(replace(OFFICE, needs={"primary": "never"}), "2026-03-02", "2026-03-09") == []


def test_a_needed_role_that_nobody_serves_is_a_gap():
    one = replace(OFFICE, needs={"primary": "never", "backup": "always"})
    assert found(one, "2026-03-03", "2026-03-05") == ["03-02T00:00 03-05T00:00 nobody"]
    assert found(one, "2026-03-03", "2026-03-05", role="primary") == []


def test_needed_hours_that_are_always_are_always():
    one = schedule(
        layer("ana", turns("1 day")), start="2026-03-02", end="2026-03-03", needs={"primary": (daily("00:00", "24:00"),)}
    )
    assert found(one, "2026-03-02", "2026-03-09") == ["03-03T00:00 03-09T00:00 ended"]


def test_more_people_than_the_role_takes_overlap():
    one = schedule(layer("ana ben", turns("1 day")), layer("cho", turns("1 day", lasts=6 * 3600)), start="2026-03-02")
    assert found(one, "2026-03-02", "2026-03-03") == ["03-02T00:00 03-02T06:00 overlap ana cho"]
    assert found(one, "2026-03-02", "2026-03-03", roles={"primary": Role(id="primary", title="P", people=2)}) == []


def test_one_overlap_names_everybody_who_was_on_in_it():
    one = schedule(layer("ana ben", turns("1 day")), layer("cho", windows=(daily("18:00", "06:00"),)), start="2026-03-02")
    assert found(one, "2026-03-02T12:00", "2026-03-03") == ["03-02T18:00 03-03T06:00 overlap ana ben cho"]


def test_an_overlap_without_an_end_is_cut_at_the_end_of_the_period():
    one = schedule(layer("ana+ben", turns("1 week")), start="2026-03-02")
    assert found(one, "2026-03-03", "2026-03-10") == ["03-02T00:00 03-10T00:00 overlap ana ben"]


def test_somebody_away_is_reported_wherever_she_is_on_call():
    one = schedule(
        layer("ana ben", turns("1 day")), start="2026-03-02", away=(away("ana", "2026-03-02T12:00", "2026-03-04T12:00"),)
    )
    assert found(one, "2026-03-02", "2026-03-07") == ["03-02T12:00 03-03T00:00 away ana", "03-04T00:00 03-04T12:00 away ana"]


def test_an_unknown_person_of_an_override_is_a_gap():
    one = replace(
        schedule(layer("ana", turns("1 day")), start="2026-03-02"), overrides=(override("zed", "2026-03-03", "2026-03-05"),)
    )
    assert found(one, "2026-03-02", "2026-03-09", "ana") == ["03-03T00:00 03-05T00:00 unknown person zed"]


def test_gaps_of_all_causes_are_one_list_by_start():
    one = schedule(
        layer("ana", turns("1 day"), windows=(daily("00:00", "12:00"),)),
        start="2026-03-02", end="2026-03-03", away=(away("ana", "2026-03-02", "2026-03-02T01:00"),),
    )  # fmt: skip
    assert found(one, "2026-03-02", "2026-03-04") == [
        "03-02T00:00 03-02T01:00 away ana",
        "03-02T12:00 03-03T00:00 nobody",
        "03-03T00:00 03-04T00:00 ended",
    ]


def test_an_empty_period_has_no_gaps():
    assert found(OFFICE, "2026-03-02", "2026-03-02") == []


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (Cause.NOBODY, "override empty puts nobody on; take it back: syncd override remove empty"),
        (Cause.AWAY, "ana could cover: syncd override add --schedule payments --role primary --person ana --replaces ben"),
        (Cause.OVERLAP, "if that is meant write `people: 2` at role primary; else syncd override add --schedule payments"),
        (Cause.UNKNOWN, "add zed to `people`, or take the override back: syncd override remove zed-2026-03-04"),
        (Cause.ENDED, "a later `end`"),
    ],
)
def test_every_gap_says_what_to_do(cause, words):
    one = schedule(
        layer("ana ben", turns("1 day")),
        start="2026-03-02", end="2026-03-08", away=(away("ben", "2026-03-03", "2026-03-04"),),
        overrides=(
            override("zed", "2026-03-04", "2026-03-05"), override("", "2026-03-05", "2026-03-06", id="empty"),
            override("zed", "2026-03-06", "2026-03-07", ""),
        ),
    )  # fmt: skip
    [first, *_] = [gap for gap in gaps(rota(one), one, Window(at("2026-03-02"), at("2026-03-09"))) if gap.cause is cause]
    assert words in first.suggestion


def test_where_nobody_is_free_it_says_so():
    one = schedule(layer("ana", turns("1 day")), start="2026-03-02", away=(away("ana", "2026-03-02", "2026-03-03"),))
    [gap] = gaps(rota(one), one, Window(at("2026-03-02"), at("2026-03-03")))
    assert gap.suggestion == "nobody is free then: look for somebody else"


# --- the cause in words -------------------------------------------------------------------


def why(one, moment, *people, **more):
    known = rota(one, *people)
    return [gap.why for gap in gaps(known, one, Window(at(moment), at(moment) + 1), **more)]


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (
            schedule(layer("ana", windows=(daily("09:00", "12:00"),)), layer("ben", windows=(daily("13:00", "17:00"),))),
            "the hours of layers layer-1, layer-2 do not meet",
        ),
        (OFFICE, "layer layer-1 is closed then"),
        (schedule(layer("ana", end="2026-03-02T10:00")), "layer layer-1 ended Mon 2026-03-02 10:00 UTC"),
        (schedule(layer("ana", start="2026-03-05")), "layer layer-1 begins Thu 2026-03-05 00:00 UTC"),
        (schedule(layer("", turns("1 day")), start="2026-03-01"), "layer layer-1 has an empty roster then"),
        (schedule(layer("", turns("1 day")), layer(""), start="2026-03-01"), "layers layer-1, layer-2 has an empty roster then"),
        (
            schedule(layer("ana", turns("1 day", anchor="2026-03-05T00:00"))),
            "layer layer-1 has its first turn Thu 2026-03-05 00:00 UTC",
        ),
        (
            schedule(layer("ana", turns("1 day", lasts=8 * 3600)), start="2026-03-01"),
            "layer layer-1 is between two turns: the last one ended Mon 2026-03-02 08:00 UTC",
        ),
        (
            schedule(layer("ana", turns("1 day"), days=frozenset({4}), boundary=Boundary.SHIFT), start="2026-03-01"),
            "layer layer-1 drops the turn that began on Sunday, which its `days` leave out",
        ),
        (
            schedule(layer("ana", turns("1 day", advance=Advance.ACTIVE), days=frozenset()), start="2026-03-01"),
            "layer layer-1 is closed then",
        ),
        (
            schedule(
                layer("ana", turns("1 day", advance=Advance.ACTIVE), days=frozenset(), boundary=Boundary.SHIFT),
                start="2026-03-01",
            ),
            "layer layer-1 never has a turn that counts",
        ),
        (schedule(start="2026-03-01", needs={"primary": "always"}), "no layer has the role primary"),
        (
            schedule(layer("ana"), overrides=(override("", "2026-03-02", "2026-03-03", id="o"),)),
            "override o takes everybody off",
        ),
        (schedule(layer("ana"), start="2026-02-01", end="2026-03-01"), "schedule payments ended Sun 2026-03-01 00:00 UTC"),
        (schedule(layer("zed")), "zed is not in `people`"),
        (schedule(layer("ana"), away=(away("ana", "2026-03-01", "2026-03-09"),)), "ana is away then"),
        (schedule(layer("ana ben")), "ana, ben are on call at once, and role primary has 1"),
    ],
)  # fmt: skip
def test_a_gap_says_why_it_is_one(one, said):
    assert why(one, "2026-03-02T18:30", "ana", "ben") == [said]


def test_an_override_that_was_taken_back_is_named_as_the_cause():
    one = schedule(layer("ana", windows=(daily("09:00", "17:00"),)))
    gone = (override("cho", "2026-03-02T17:00", "2026-03-03", id="evening"), override("cho", "2026-03-04", "2026-03-05", id="x"))
    assert why(one, "2026-03-02T18:30", "ana", removed=gone) == [
        "override evening, which covered it, was removed; layer layer-1 is closed then"
    ]


# --- applying the suggestion --------------------------------------------------------------


def applied(one, suggestion):
    """The schedule after the commands of a suggestion; None where it has none."""
    if "syncd " not in suggestion:
        return None
    for number, command in enumerate(suggestion[suggestion.index("syncd ") :].split(" && ")):
        words = command.split()
        if words[2] == "remove":
            one = replace(one, overrides=tuple(other for other in one.overrides if other.id != words[3]))
            continue
        said = {word: words[i + 1] for i, word in enumerate(words[:-1]) if word.startswith("--")}
        replaces = said.get("--replaces")
        new = override(
            said.get("--person", "") if "--nobody" not in words else "", said["--from"], said["--to"],
            None if replaces is None else "" if replaces == "none" else replaces.replace(",", " "),
            id=f"new-{number}", roles=(said["--role"],),
        )  # fmt: skip
        one = replace(one, overrides=(*one.overrides, new))
    return one


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@example(
    (
        schedule(
            layer(""), start="2026-03-03", away=(away("ana", "2026-03-06", "2026-03-07"),), override_overlap=Overlap.LAST,
            overrides=(override("", "2026-03-06", "2026-03-07"), override("ana", "2026-03-06", "2026-03-07")),
        ),
        at("2026-03-06"),
    )
)  # fmt: skip
@given(schedules())
def test_what_a_gap_suggests_closes_it(case):
    one, start = case
    people = ("ana", "ben", "cho", "dev", "eve", "zoe")
    window = Window(start, start + 4 * 86_400)
    for gap in gaps(rota(one, *people), one, window):
        after = applied(one, gap.suggestion)
        if after is None:
            assert gap.cause is Cause.ENDED or any(
                words in gap.suggestion for words in ("else take somebody off", "in force then")
            )
            continue
        left = gaps(rota(one, *people), after, Window(gap.start, gap.end), role=gap.role)
        assert [other for other in left if other.cause is gap.cause and other.people == gap.people and other.end > gap.start
                and other.start < gap.end] == []  # fmt: skip
        if gap.cause in (Cause.AWAY, Cause.OVERLAP):
            was = [g for g in gaps(rota(one, *people), one, Window(gap.start, gap.end)) if g.cause is Cause.NOBODY]
            assert len([g for g in left if g.cause is Cause.NOBODY]) <= len(was)


def test_the_plain_fix_of_an_ended_schedule_closes_it():
    one = schedule(layer("ana", turns("1 day")), start="2026-03-02", end="2026-03-04")
    window = Window(at("2026-03-05"), at("2026-03-06"))
    [gap] = gaps(rota(one), one, window)
    assert gap.suggestion == "give schedule payments a later `end`, or write `needs: {primary: never}`"
    for after in (replace(one, end=None), replace(one, needs={"primary": "never"})):
        assert gaps(rota(after), after, window) == []


def test_whoever_else_there_is_could_cover_where_no_member_is_free():
    one = replace(
        schedule(layer("ana", turns("1 day")), start="2026-03-02", team="sre"), away=(away("ana", "2026-03-02", "2026-03-03"),)
    )
    window = Window(at("2026-03-02"), at("2026-03-03"))
    known = rota(one, "ana", "ben", "cho", teams={"sre": Team(id="sre", title="SRE", people=("ana", "cho"))})
    assert gaps(known, one, window)[0].suggestion.startswith("cho could cover: syncd override add")
    assert gaps(rota(one, "ana", "ben"), one, window)[0].suggestion.startswith("ben could cover: syncd override add")


# --- fairness -----------------------------------------------------------------------------


def shares(one, start, end, **more):
    known = Rota(people={p: Person(id=p, name=p) for p in ("ana", "ben", "cho")}, schedules={one.id: one})
    return [tuple(share) for share in fairness(known, Window(at(start), at(end)), **more)]


def test_hours_nights_weekends_and_holidays_are_counted_for_each_person_and_role():
    one = schedule(layer("ana ben", turns("1 day", at="09:00")), start="2026-03-06T09:00")
    assert shares(one, "2026-03-06T09:00", "2026-03-09T09:00", holidays=lambda _, __: {date(2026, 3, 8), date(2026, 3, 20)}) == [
        ("ana", "primary", 48.0, 2, 1, 1),
        ("ben", "primary", 24.0, 1, 1, 1),
    ]


def test_only_time_within_the_period_counts_and_members_without_any_are_there():
    one = schedule(layer("ana ben", turns("1 week")), start="2026-03-02")
    assert shares(one, "2026-03-03T08:00", "2026-03-03T12:30") == [
        ("ana", "primary", 4.5, 0, 0, 0),
        ("ben", "primary", 0.0, 0, 0, 0),
    ]


def test_nights_and_days_are_those_of_the_schedules_zone():
    one = schedule(layer("ana", windows=(daily("20:00", "22:00"),)), timezone="Asia/Tokyo")
    assert shares(one, "2026-03-03", "2026-03-04") == [("ana", "primary", 2.0, 1, 0, 0)]


def test_shares_can_be_asked_for_one_schedule_and_role():
    one = schedule(layer("ana"), layer("ben", role="backup"))
    assert [share[:2] for share in shares(one, "2026-03-03", "2026-03-04", role="backup")] == [("ben", "backup")]
    assert shares(one, "2026-03-03", "2026-03-04", schedule="other") == []
