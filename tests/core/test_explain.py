"""Why somebody is on call: each step with its numbers, down to the person."""

from dataclasses import replace

from syncd.core.explain import why
from syncd.core.model import Advance, Join, Overlap, Roster
from tests.core.say import at, away, daily, groups, layer, local, override, rota, schedule, turns


def steps(one, moment, role="primary"):
    return {step.step: step for step in why(rota(one), one, role, at(moment)).steps}


ONE = schedule(layer("ana ben cho", turns("1 week", on="mon", at="09:00"), name="week"), start="2026-03-02T09:00")


def test_a_turn_is_explained_by_its_number_and_the_members():
    found = steps(ONE, "2026-03-25")
    assert found["turn"].numbers == {
        "layer": "week", "anchor": "2026-03-02T09:00:00Z", "turn": 3, "start": "2026-03-23T09:00:00Z",
        "end": "2026-03-30T09:00:00Z", "clock": "wall",
    }  # fmt: skip
    assert found["member"].numbers["k mod n"] == 0
    assert found["member"].text == "3 take turns (ana, ben, cho); 3 mod 3 = 0: number 1 of the list, Ana (ana)"
    assert found["answer"].text == "so on call: Ana (ana), by layer week, turn 3"


def test_an_override_is_considered_with_whether_it_counts():
    one = schedule(
        *ONE.layers,
        start="2026-03-02T09:00",
        overrides=(
            override("ben", "2026-03-03", "2026-03-04", id="one"),
            override("cho", "2026-03-03", "2026-03-04", id="two"),
            override("cho", "2026-03-05", "2026-03-06", "ana", id="three"),
            override("cho", "2026-03-07", "2026-03-08", "", id="four"),
            override("", "2026-03-08", "2026-03-09", id="five"),
        ),
    )  # fmt: skip
    explained = why(rota(one), one, "primary", at("2026-03-03"))
    assert [(step.numbers["override"], step.numbers["counts"]) for step in explained.steps if step.step == "override"] == [
        ("one", True), ("two", False),
    ]  # fmt: skip
    assert explained.people == ("ben",)
    assert steps(one, "2026-03-05")["override"].text.startswith(
        "override three puts Cho (cho) in place of Ana (ana) from Thu 2026-03-05 00:00 UTC to Fri"
    )
    assert steps(one, "2026-03-07")["override"].text.startswith("override four adds Cho (cho) from Sat 2026-03-07 00:00 UTC")
    assert steps(one, "2026-03-08")["override"].text.startswith("override five puts nobody in place of everybody from Sun")
    assert steps(one, "2026-03-08")["answer"].text == "so nobody is on call"


def test_a_closed_layer_and_one_below_another_say_so():
    one = schedule(
        layer("zed", name="below"),
        layer("ana", windows=(daily("09:00", "17:00"),), priority=1, name="office"),
        start="2026-03-02",
    )
    open_ = why(rota(one), one, "primary", at("2026-03-03T12:00"))
    assert [step.text for step in open_.steps if step.step == "tier"] == [
        "of the layers with priority 1: Ana (ana)",
        "of the layers with priority 0: Zed (zed); it does not matter, a higher priority has somebody",
    ]  # fmt: skip
    closed = why(rota(one), one, "primary", at("2026-03-03T18:00"))
    assert closed.steps[1].text == "layer office is closed: it is Tue 2026-03-03 18:00 UTC"
    assert closed.people == ("zed",)


def test_what_is_not_in_force_says_so():
    one = schedule(layer("ana", start="2026-03-05"), start="2026-03-02", end="2026-03-09")
    assert steps(one, "2026-03-03")["layer"].text == "layer layer-1 is not in force: it begins Thu 2026-03-05 00:00 UTC"
    assert steps(one, "2026-03-10")["schedule"].text == "schedule payments ended Mon 2026-03-09 00:00 UTC: it puts on nobody"


def test_before_turn_zero_it_says_when_that_begins():
    one = schedule(layer("ana", turns("1 day", anchor="2026-03-05T00:00")), start="2026-03-02")
    assert steps(one, "2026-03-03")["turn"].text == "the first turn of layer layer-1, turn 0, begins Thu 2026-03-05 00:00 UTC"


def test_a_list_that_took_over_says_where_and_an_empty_one_too():
    made = [Roster(since=None, groups=()), Roster(since=local("2026-03-04"), groups=groups("ana ben")),
            Roster(since=local("2026-03-06"), groups=groups("ben cho dev"), join=Join.CONTINUE)]  # fmt: skip
    one = schedule(layer(made, turns("1 day")), start="2026-03-02")
    assert steps(one, "2026-03-03")["member"].text == "layer layer-1 has no list of members then"
    assert steps(one, "2026-03-06")["member"].text == (
        "3 take turns (ben, cho, dev); 4 mod 3 = 1, walked on from place 2 at turn 4: number 2 of the list, Cho (cho)"
    )


def test_a_fair_order_says_how_often_one_is_skipped():
    one = schedule(layer("ana ben", turns("12 hour", fair=True)), start="2026-03-02")
    assert steps(one, "2026-03-09")["member"].text == (
        "2 take turns (ana, ben); 14 mod 2 = 0, one member skipped after every 14 turns: number 2 of the list, Ben (ben)"
    )


def test_a_group_of_nobody_and_turns_that_are_never_counted_have_nobody():
    empty = layer([Roster(since=None, groups=((),))], turns("1 day"))
    assert steps(schedule(empty, start="2026-03-02"), "2026-03-03")["member"].text == (
        "1 take turns (nobody); 1 mod 1 = 0: number 1 of the list, nobody"
    )
    never = layer("ana", turns("1 day", advance=Advance.ACTIVE), days=frozenset())
    assert steps(schedule(never, start="2026-03-02"), "2026-03-03")["layer"].text == "layer layer-1 has nobody"


def test_a_layer_without_a_rotation_says_that_all_are_on():
    assert steps(schedule(layer("ana ben")), "2026-03-03")["layer"].text == (
        "layer layer-1 has Ana (ana), Ben (ben): without a rotation all its members at once"
    )


def test_a_turn_that_was_handed_on_says_so():
    one = schedule(
        layer("ana ben", turns("1 day"), on_away="next"), start="2026-03-02", away=(away("ana", "2026-03-02", "2026-03-03"),)
    )
    found = steps(one, "2026-03-02")
    assert found["member"].numbers["people"] == ["ana"]
    assert found["member"].numbers["members"] == ["ana", "ben"]
    assert found["layer"].text == "layer layer-1 has Ben (ben) (a turn goes to the next member who is not away in it)"


def test_an_unknown_person_is_named_by_id():
    one = schedule(*ONE.layers, start="2026-03-02", overrides=(override("zed", "2026-03-03", "2026-03-04", id="o"),))
    assert why(rota(ONE), one, "primary", at("2026-03-03")).steps[-1].text == "so on call: zed, by override o"


def test_a_duty_shorter_than_its_turn_says_until_when_and_whoever_is_off_is_not_named():
    one = schedule(layer("ana ben", turns("1 week", lasts=3 * 86_400)), start="2026-03-02")
    found = steps(one, "2026-03-06")
    assert found["turn"].text == (
        "a turn every week, counted from Mon 2026-03-02 00:00 UTC (handoffs keep their local time): turn 0 is from"
        " Mon 2026-03-02 00:00 UTC to Mon 2026-03-09 00:00 UTC; its member is on until Thu 2026-03-05 00:00 UTC"
    )
    assert found["layer"].numbers["people"] == []
    assert found["answer"].text == "so nobody is on call"


def test_turns_of_a_fixed_length_and_several_units_are_said_in_words():
    one = schedule(layer("ana", turns("36 hour")), start="2026-03-02", end="2026-03-09")
    assert steps(one, "2026-03-03")["turn"].text.startswith(
        "a turn every 36 hours, counted from Mon 2026-03-02 00:00 UTC (turns keep their length when the clocks change): turn 0"
    )
    assert steps(one, "2026-03-03")["schedule"].text == "schedule payments is in force until Mon 2026-03-09 00:00 UTC"
    assert steps(one, "2026-03-01")["schedule"].text.startswith("schedule payments begins Mon 2026-03-02 00:00 UTC: until then")


def test_an_override_says_when_why_and_by_whom_and_which_one_wins():
    told = override("ben", "2026-03-03", "2026-03-04", id="one", reason="dentist", by="ana")
    beaten = override("cho", "2026-03-03", "2026-03-04", id="two")
    one = schedule(*ONE.layers, start="2026-03-02T09:00", overrides=(told, beaten))
    texts = [step.text for step in why(rota(one), one, "primary", at("2026-03-03")).steps if step.step == "override"]
    times = "in place of everybody from Tue 2026-03-03 00:00 UTC to Wed 2026-03-04 00:00 UTC"
    assert texts == [
        f"override one puts Ben (ben) {times} (dentist, by ana)",
        f"override two puts Cho (cho) {times}; it does not count: one was defined first, and wins",
    ]
    last = replace(one, override_overlap=Overlap.LAST)
    first, _ = (step.text for step in why(rota(last), last, "primary", at("2026-03-03")).steps if step.step == "override")
    assert first.endswith("it does not count: two was defined last, and wins")
    early = replace(one, overrides=(override("ben", "2026-03-01", "2026-03-02", id="early"),))
    assert steps(early, "2026-03-01")["override"].text.endswith("it does not count: the schedule is not in force")


def test_a_layer_that_ended_says_when():
    one = schedule(layer("ana", end="2026-03-05"), start="2026-03-02")
    assert steps(one, "2026-03-06")["layer"].text == "layer layer-1 is not in force: it ended Thu 2026-03-05 00:00 UTC"
