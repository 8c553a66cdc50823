"""Which shift a few words mean."""

import pytest

from syncd.core.model import Person, Role, Rota
from syncd.core.words import Unclear, find
from tests.core.say import at, layer, said, schedule, turns

ROLES = {"primary": Role(id="primary", title="Primary"), "back": Role(id="back", title="Back up")}
PEOPLE = {
    "ana": Person(id="ana", name="Ana Lima", aliases=("AL",)),
    "ben": Person(id="ben", name="Ben Okafor"),
    "ben2": Person(id="ben2", name="Ben Ito"),
}
DAILY = schedule(
    layer("ana ben", turns("1 day", at="09:00")),
    layer("ben2", turns("1 week", at="09:00"), role="back"),
    start="2026-03-02T09:00",
)
OTHER = schedule(layer("ana", turns("1 week")), id="night", title="Night watch", start="2026-03-02")
NOW = at("2026-03-11T12:00")  # a Wednesday; Ben Okafor is on, Ana from Thursday 09:00 on


def meant(text, *more):
    one = find(Rota(people=PEOPLE, roles=ROLES), (DAILY, *more), text, NOW)
    return f"{one.person} {one.role} {said(one.start)}"


@pytest.mark.parametrize(
    ("text", "shift"),
    [
        ("ana tomorrow", "ana primary 03-12T09:00"),
        ("Ana thu", "ana primary 03-12T09:00"),
        ("ana's thursday", "ana primary 03-12T09:00"),
        ("ana lima on sat", "ana primary 03-14T09:00"),
        ("AL next fri", "ana primary 03-20T09:00"),
        ("al next mon", "ana primary 03-16T09:00"),
        ("lima this sat", "ana primary 03-14T09:00"),
        ("ana weekend", "ana primary 03-14T09:00"),
        ("ana this weekend", "ana primary 03-14T09:00"),
        ("ana next weekend", "ana primary 03-22T09:00"),
        ("ana 14 mar", "ana primary 03-14T09:00"),
        ("ana march 14th", "ana primary 03-14T09:00"),
        ("ana 2026-03-14", "ana primary 03-14T09:00"),
        ("ana sat 2026-03-14", "ana primary 03-14T09:00"),
        ("ana 1 jan", "ana primary 12-31T09:00"),
        ("ben today", "ben primary 03-11T09:00"),
        ("ben wed", "ben primary 03-11T09:00"),
        ("ito next week", "ben2 back 03-16T09:00"),
        ("ito back up next week", "ben2 back 03-16T09:00"),
        ("ben2 this week", "ben2 back 03-09T09:00"),
        ("ben2 week", "ben2 back 03-09T09:00"),
    ],
)
def test_a_person_and_a_time_name_a_shift(text, shift):
    assert meant(text) == shift


def test_a_schedule_or_a_role_tells_two_apart():
    assert meant("ana next week night watch", OTHER) == "ana primary 03-16T00:00"
    assert meant("ana next week night", OTHER) == "ana primary 03-16T00:00"
    with pytest.raises(Unclear, match="can mean") as raised:
        meant("ana sat", OTHER, schedule(layer("ana", turns("1 day")), id="third", start="2026-03-02"))
    assert len(raised.value.candidates) == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "nobody's name"),
        ("zed", "nobody's name"),
        ("ben k", "no day or week"),
        ("ana soon", "no day or week"),
        ("ana next month", "no day to come"),
        ("ana 31 feb", "no day to come"),
        ("ana 9 mar", "has ended"),
        ("ana 14 foo", "no day to come"),
        ("ana sat sun mon", "no day or week"),
        ("ana next week", "can mean 4 shifts"),
        ("ana back", "no such shift"),
        ("ana last week", "has ended"),
        ("ito yesterday primary", "no such shift"),
    ],
)
def test_what_means_none_or_several_is_refused(text, words):
    with pytest.raises(Unclear) as raised:
        meant(text)
    assert words in str(raised.value)


def test_a_name_that_two_have_is_refused_with_both():
    twins = {"x": Person(id="x", name="Ben A"), "y": Person(id="y", name="Ben B")}
    with pytest.raises(Unclear, match="'ben': ben can be x or y"):
        find(Rota(people=twins), (DAILY,), "ben", NOW)


def test_a_shift_that_ended_is_told_with_the_last_ones():
    gone = schedule(layer("ana", turns("1 day"), end="2026-03-09"), start="2026-03-02")
    with pytest.raises(Unclear, match="has ended") as raised:
        find(Rota(people=PEOPLE, roles=ROLES), (gone,), "ana", NOW)
    assert [said(one.start) for one in raised.value.candidates] == ["03-06T00:00", "03-07T00:00", "03-08T00:00"]
