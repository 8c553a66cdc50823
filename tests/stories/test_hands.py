"""What a human does at a destination, and what each mode makes of it on every place (PROTOCOL.md section 4)."""

from __future__ import annotations

import pytest

from tests.stories.days import ROLLING, STRANGER
from tests.stories.story import Story


def but(*lines: str) -> list[str]:
    """The rota with all from 12T09 to 14T09 replaced."""
    return [ROLLING[0], *lines, *ROLLING[3:]]


def both_ways(story: Story) -> bool:
    return story.mode == "bidirectional"


def test_a_shift_given_to_somebody_else(shown: Story) -> None:
    shown.give("ana 12T09 13T09", "dee")
    shown.export()
    if both_ways(shown):
        assert shown.shown() == but("dee 12T09 13T09", "ben 13T09 14T09")
        assert (shown.imported(), shown.told()) == (["dee 12T09 13T09"], ["I 12T09 13T09"])
    else:
        assert shown.shown() == ROLLING
        assert (shown.imported(), shown.told(), len(shown.place.writes())) == ([], ["R 12T09 13T09"], 1)
    shown.nothing_to_do()


def test_a_shift_dragged_two_hours_later_over_the_next(shown: Story) -> None:
    ref = shown.move("ana 12T09 13T09", "12T11", "13T11")
    shown.export()
    if both_ways(shown):
        assert shown.shown() == but("ana 12T09 13T11", "ben 13T11 14T09")
        assert (shown.imported(), shown.told()) == (["ana 13T09 13T11"], ["C 12T09 12T11", "I 13T09 13T11"])
    else:
        assert shown.shown() == ROLLING
    assert shown.refs()["ana 12T09 13T09"] == ref
    shown.nothing_to_do()


def test_a_shift_made_shorter_leaves_no_hole(shown: Story) -> None:
    ref = shown.move("ana 12T09 13T09", "12T09", "13T05")
    shown.export()
    assert (shown.shown(), shown.refs()["ana 12T09 13T09"]) == (ROLLING, ref)
    assert (shown.imported(), shown.told()) == ([], ["C 13T05 13T09"] if both_ways(shown) else [])
    shown.nothing_to_do()


def test_a_shift_made_longer_over_the_next(shown: Story) -> None:
    if shown.place.stacked:
        shown.add("ana", "13T09", "13T13")
    else:
        shown.move("ana 12T09 13T09", "12T09", "13T13")
    shown.export()
    if both_ways(shown):
        assert shown.shown() == but("ana 12T09 13T13", "ben 13T13 14T09")
        assert (shown.imported(), shown.told()) == (["ana 13T09 13T13"], ["I 13T09 13T13"])
    else:
        assert (shown.shown(), shown.imported()) == (ROLLING, [])
    shown.nothing_to_do()


def test_a_deleted_shift_comes_back(shown: Story) -> None:
    shown.remove("ana 12T09 13T09")
    shown.export()
    assert shown.shown() == ROLLING
    assert len(shown.place.writes()) == 1
    assert shown.told() == (["C 12T09 13T09"] if both_ways(shown) else [])
    shown.nothing_to_do()


def test_a_deleted_shift_that_is_put_back_stands_once(shown: Story) -> None:
    thing = shown.remove("ana 12T09 13T09")
    shown.export()
    shown.place.put_back(thing)
    shown.export()
    assert [line for line in shown.entries() if line == "ana 12T09 13T09"] == ["ana 12T09 13T09"]
    assert shown.shown() == ROLLING
    shown.nothing_to_do()


def test_what_people_put_beside_or_on_top_of_ours(shown: Story) -> None:
    """A calendar's other events are nobody's assignment; what lies on a pager's schedule pages."""
    ref = shown.add("dee", "12T12", "12T18")
    told = shown.export()
    there = ref in {one.ref for one in shown.place.standing()}
    if not shown.place.pager:
        assert (there, told["changes"], shown.told(), shown.shown()) == (True, [], [], ROLLING)
    elif not both_ways(shown):
        assert (there, shown.shown(), shown.told()) == (False, ROLLING, ["R 12T12 12T18"])
    elif shown.place.stacked:
        assert shown.shown() == but("ana 12T09 12T12", "dee 12T12 12T18", "ana 12T18 13T09", "ben 13T09 14T09")
        assert (shown.imported(), shown.told()) == (["dee 12T12 12T18"], ["I 12T12 12T18"])
    else:
        assert there
        assert (shown.imported(), shown.told()) == ([], ["C 12T12 12T18"])
    shown.nothing_to_do()


def test_a_copy_with_our_marks_is_left_alone(shown: Story) -> None:
    copy = shown.place.copy(shown.thing("ana 12T09 13T09"))
    told = shown.export()
    assert (told["changes"], told["pulls"], told["notices"], shown.syncd.json("conflicts")) == ([], [], [], [])
    assert copy in {one.ref for one in shown.place.standing()}
    shown.nothing_to_do()


def test_an_entry_that_lost_our_marks_is_still_ours(shown: Story) -> None:
    shown.place.strip(shown.thing("ana 12T09 13T09"))
    shown.export()
    assert (shown.shown(), len(shown.entries())) == (ROLLING, 6)
    shown.nothing_to_do()
    shown.give("ana 12T09 13T09", "dee")
    shown.export()
    assert shown.shown()[1] == ("dee 12T09 13T09" if both_ways(shown) else "ana 12T09 13T09")
    shown.nothing_to_do()


def test_a_shift_given_to_somebody_whom_the_rota_does_not_know(shown: Story) -> None:
    shown.give("ana 12T09 13T09", STRANGER)
    shown.export()
    if both_ways(shown):
        assert shown.shown()[1].startswith(STRANGER)
        assert shown.shown()[1].endswith("12T09 13T09")
        assert (shown.place.writes(), shown.imported(), shown.told()) == ([], [], ["C 12T09 13T09"])
    else:
        assert (shown.shown(), shown.told()) == (ROLLING, ["R 12T09 13T09"])
    shown.nothing_to_do()


def test_both_sides_changed_and_what_was_lost_is_restored_in_one_step(shown: Story) -> None:
    shown.override("eve", "12T09", "13T09")
    shown.give("ana 12T09 13T09", "dee")
    shown.export()
    assert shown.shown() == but("eve 12T09 13T09", "ben 13T09 14T09"), "the rota's change wins"
    assert shown.told() == ["C 12T09 13T09" if both_ways(shown) else "R 12T09 13T09"]
    (conflict,) = shown.syncd.json("conflicts")
    assert (conflict["rota"], conflict["destination_had"]["people"]) == (["eve"], ["dee"])
    shown.run("restore", conflict["id"])
    assert shown.syncd.json("conflicts") == []
    shown.export()
    assert shown.shown() == but("dee 12T09 13T09", "ben 13T09 14T09")
    shown.nothing_to_do()


@pytest.mark.parametrize("who", ["dee", STRANGER])
def test_a_hand_on_the_shift_under_way_changes_what_is_left_of_it(shown: Story, who: str) -> None:
    shown.give("cho 11T11 12T09", who)
    shown.export()
    if not both_ways(shown):
        assert shown.shown() == ROLLING
    elif who == STRANGER:
        assert shown.shown()[0].startswith(STRANGER)
    else:
        assert shown.shown() == ["dee 11T12 12T09", *ROLLING[1:]]
        (override,) = shown.syncd.json("override", "list")
        assert (override["start"], override["end"]) == ("2026-03-11T12:00:00Z", "2026-03-12T09:00:00Z")
    shown.nothing_to_do()


# --- options of bidirectional mode -------------------------------------------------------------


@pytest.fixture
def both(shown: Story) -> Story:
    if not both_ways(shown):
        pytest.skip("only bidirectional mode has a choice")
    return shown


def test_a_deletion_is_accepted_only_where_somebody_is_left_on_call(both: Story) -> None:
    both.write(on_deleted="accept")
    both.remove("ana 12T09 13T09")
    both.export()
    assert (both.shown(), both.told()) == (ROLLING, ["C 12T09 13T09"])
    both.nothing_to_do()


def test_a_deletion_of_a_far_shift_waits_for_an_answer_where_that_is_asked_for(both: Story) -> None:
    both.write(on_deleted="hold")
    both.remove("ana 12T09 13T09")
    both.remove("ana 15T09 16T09")
    both.export(code=1)
    assert both.shown() == [*ROLLING[:4], ROLLING[5]], "within 72 hours it is put back at once"
    both.acknowledge()
    both.export()
    assert both.shown() == ROLLING
    both.nothing_to_do()


@pytest.mark.parametrize("choice", ["rota", "destination", "hold"])
def test_where_both_changed_it_goes_as_it_was_said(both: Story, choice: str) -> None:
    both.write(on_conflict=choice)
    both.override("eve", "12T09", "13T09")
    both.give("ana 12T09 13T09", "dee")
    both.export(code=1 if choice == "hold" else 0)
    who = "eve" if choice == "rota" else "dee"
    assert both.shown() == but(f"{who} 12T09 13T09", "ben 13T09 14T09")
    if choice == "hold":
        both.acknowledge()
        both.export()
        assert both.shown() == but("eve 12T09 13T09", "ben 13T09 14T09")
    both.nothing_to_do()


def test_an_edit_of_an_import_is_imported_too(both: Story) -> None:
    both.give("ana 12T09 13T09", "dee")
    both.export()
    (dee,) = [one for one in both.place.standing() if one.who == "dee"]
    both.place.give(dee, "eve")
    both.export()
    assert both.shown() == but("eve 12T09 13T09", "ben 13T09 14T09")
    both.nothing_to_do()


def test_so_many_hands_on_top_are_taken_off_again(shown: Story) -> None:
    """Ours stand beneath, so nobody is missed: it is no removal that has to wait."""
    if not shown.place.stacked or both_ways(shown):
        pytest.skip("where the rota wins, and others' entries hide ours")
    for line in ROLLING[1:5]:
        shown.add("eve", *line.split()[1:])
    shown.export()
    assert (shown.shown(), shown.place.writes()) == (ROLLING, ["delete"] * 4)
    shown.nothing_to_do()


def test_an_import_that_an_admin_withdraws_is_not_imported_again(both: Story) -> None:
    both.give("ana 12T09 13T09", "dee")
    both.export()
    (override,) = both.syncd.json("override", "list")
    both.run("override", "remove", override["id"])
    both.export()
    assert both.shown() == ROLLING
    both.nothing_to_do()


def test_so_many_edits_that_no_human_made_them_are_held(both: Story) -> None:
    for line, person in zip(ROLLING[1:5], ("dee", "ana", "dee", "ben"), strict=True):
        both.give(line, person)
    stood = both.shown()
    both.export(code=1)
    assert (both.place.writes(), both.imported(), both.shown()) == ([], [], stood)
    assert "edits" in both.acknowledge()["reason"]
    both.export()
    assert (len(both.imported()), both.shown()) == (4, stood)
    both.nothing_to_do()


def test_a_shift_that_was_given_away_and_is_given_back(shown: Story) -> None:
    shown.give("ana 12T09 13T09", "dee")
    shown.export()
    line = "dee 12T09 13T09" if both_ways(shown) else "ana 12T09 13T09"
    shown.place.give(next(one for one in shown.place.standing() if str(one) == line), "ana")
    shown.export()
    assert shown.shown() == shown.rota() == ROLLING
    shown.nothing_to_do()


def test_a_shift_that_is_given_away_again_after_the_rota_took_it_back(shown: Story) -> None:
    shown.give("ana 12T09 13T09", "dee")
    shown.export()
    for one in shown.syncd.json("override", "list"):
        shown.run("override", "remove", one["id"])
    shown.export()
    assert shown.shown() == ROLLING
    shown.nothing_to_do()
    shown.give("ana 12T09 13T09", "dee")
    shown.export()
    assert shown.shown()[1] == ("dee 12T09 13T09" if both_ways(shown) else "ana 12T09 13T09")
    shown.nothing_to_do()


def test_the_same_edit_made_again_is_told_again_and_can_be_had_back_again(shown: Story) -> None:
    shown.override("eve", "12T09", "13T09")  # so that every mode lets the rota win
    shown.give("ana 12T09 13T09", "dee")
    shown.export()
    first = [one["id"] for one in shown.syncd.json("conflicts")]
    assert shown.shown()[1] == "eve 12T09 13T09"
    shown.run("ack", *first)
    shown.pass_time(0.1)
    for _ in range(2):
        for one in shown.syncd.json("override", "list"):
            shown.run("override", "remove", one["id"]) if not one["removed"] else None
        shown.export()
        shown.override("eve", "12T09", "13T09")
        shown.give("ana 12T09 13T09", "dee")
        shown.export()
        (again,) = shown.syncd.json("conflicts")
        assert again["id"] not in first
        assert again["destination_had"]["people"] == ["dee"]
        first.append(again["id"])
        shown.run("ack", again["id"])
