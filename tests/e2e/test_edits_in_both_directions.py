"""Bidirectional mode in detail: edits one after the other, out of sight, undone, at odds with the rota; and its options."""

from __future__ import annotations

import re

from tests.e2e.town import ROLLING, ROTA, Town


def second(line: str) -> list[str]:
    """The rota with its second shift replaced."""
    return [ROLLING[0], line, *ROLLING[2:]]


def test_a_shift_dragged_out_of_sight_is_imported_there_and_filled_here(both: Town) -> None:
    both.drag("ana 12T09 13T09", "25T09", "26T09")
    both.export()
    assert both.shown() == [*ROLLING, "ana 25T09 26T09"]
    assert both.told() == ["C 12T09 13T09", "C 25T09 26T09"], "row 10: it was never shown there"
    both.nothing_to_do()


def test_a_shift_dragged_into_the_past_is_filled_again_and_the_past_stays(both: Town) -> None:
    both.drag("ana 12T09 13T09", "10T09", "11T09")
    both.export()
    assert both.shown() == ["ana 10T09 11T09", *ROLLING]
    assert both.told() == ["C 12T09 13T09"]
    assert both.syncd.json("override", "list") == []
    both.export()  # what is over is forgotten
    both.nothing_to_do()


def test_an_edit_of_an_edit_is_imported_too(both: Town) -> None:
    ref = both.give("ana 12T09 13T09", "dee")
    both.export()
    both.give("dee 12T09 13T09", "cho")
    both.export()
    assert both.shown() == second("cho 12T09 13T09")
    both.give("cho 12T09 13T09", "ana")
    both.export()
    assert both.refs()["ana 12T09 13T09"] == ref
    assert both.shown() == ROLLING
    both.nothing_to_do()


def test_an_import_that_an_admin_withdraws_is_not_imported_again(both: Town) -> None:
    both.give("ana 12T09 13T09", "dee")
    both.export()
    (override,) = both.syncd.json("override", "list")
    (told,) = [one for one in both.outbox() if one["kind"] == "I"]
    assert told["overrides"] == [override["id"]], "the notice names what takes the import back"
    both.syncd.json("override", "remove", override["id"])
    both.export()
    assert both.shown() == ROLLING
    both.nothing_to_do()


def test_an_edit_of_a_shift_under_way_changes_what_is_left_of_it(both: Town) -> None:
    both.pass_time(3)
    ref = both.give("cho 11T12 12T09", "dee")
    both.export()
    (override,) = both.syncd.json("override", "list")
    assert (override["people"], override["start"], override["end"]) == (["dee"], "2026-03-11T15:00:00Z", "2026-03-12T09:00:00Z")
    assert both.refs()["dee 11T12 12T09"] == ref
    both.nothing_to_do()


def test_an_edit_with_a_change_of_the_rota_elsewhere_keeps_both(both: Town) -> None:
    both.override("dee", "14T09", "15T09")
    both.drag("ana 12T09 13T09", "12T09", "13T13")
    both.export()
    assert both.shown() == [
        *ROLLING[:2], "ana 13T09 13T13", "ben 13T13 14T09", "dee 14T09 15T09", *ROLLING[4:],
    ]  # fmt: skip
    both.nothing_to_do()


def test_an_unknown_name_comes_into_the_rota_once_somebody_there_bears_it(both: Town) -> None:
    both.retitle("ana 12T09 13T09", "Zoe Quill: Primary")
    both.syncd.run("export", "--now")
    both.write(ROTA.replace("people:\n", "people:\n  zoe: {name: Zoe Quill, email: zoe@example.com}\n"))
    assert [pull["people"] for pull in both.export()["pulls"]] == [["zoe"]]


def test_a_conflict_over_an_unknown_name_is_restored_once_somebody_bears_it(both: Town) -> None:
    both.retitle("ana 12T09 13T09", "Zoe Quill: Primary")
    both.syncd.run("export", "--now")
    (conflict,) = both.syncd.json("conflicts")
    assert "is not in `people`" in both.syncd.refused("restore", conflict["id"])
    both.write(ROTA.replace("people:\n", "people:\n  zoe: {name: Zoe Quill, email: zoe@example.com}\n"))
    assert both.syncd.run("restore", conflict["id"]).exit_code == 0
    both.export()
    assert both.shown()[1] == "Zoe Quill: Primary 12T09 13T09"


def test_an_unknown_name_is_kept_until_it_is_one_that_the_rota_knows(both: Town) -> None:
    both.retitle("ana 12T09 13T09", "Zoe Quill: Primary")
    told = both.export()
    (kept,) = told["left"]
    assert (kept["start"], kept["end"]) == ("2026-03-12T09:00:00Z", "2026-03-13T09:00:00Z")
    assert both.syncd.json("status")[0]["status"] == "Error", "nobody of the rota is shown there, within three days"
    both.retitle("Zoe Quill: Primary 12T09 13T09", "Dee Novak: Primary")
    both.export()
    assert both.shown() == second("dee 12T09 13T09")
    assert both.syncd.json("status")[0]["status"] == "OK"
    both.nothing_to_do()


def test_a_program_that_drops_what_it_does_not_know_makes_no_second_event(both: Town) -> None:
    ref = both.event("ana 12T09 13T09").ref
    both.put(ref, re.sub(r"(?m)^X-SYNCD-MARKER(?:.*\r?\n)(?:[ \t].*\r?\n)*", "", both.get(ref)))
    assert not both.event("ana 12T09 13T09").ours
    both.export()
    assert both.shown() == ROLLING
    both.nothing_to_do()
    both.give("ana 12T09 13T09", "dee")
    both.export()
    assert both.shown() == second("dee 12T09 13T09")
    both.nothing_to_do()


def test_words_added_to_the_description_stay(both: Town) -> None:
    ref = both.event("ana 12T09 13T09").ref
    both.edit(ref, DESCRIPTION="Ana is on a train until noon")
    both.export()
    assert (both.writes(), "on a train" in both.get(ref)) == ([], True)
    both.nothing_to_do()


def test_a_deletion_is_accepted_only_where_somebody_is_left_on_call(both: Town) -> None:
    both.write(on_deleted="accept")
    both.remove("ana 12T09 13T09")
    both.export()
    assert both.shown() == ROLLING
    assert both.told() == ["C 12T09 13T09"]
    both.nothing_to_do()


def test_a_deletion_of_a_far_shift_waits_for_an_answer_where_that_is_asked_for(both: Town) -> None:
    both.write(on_deleted="hold")
    both.remove("ana 12T09 13T09")
    both.remove("ana 15T09 16T09")
    both.export(code=1)
    assert both.shown() == [*ROLLING[:4], ROLLING[5]], "within 72 hours it is put back at once"
    (hold,) = both.syncd.json("holds")
    both.syncd.run("ack", hold["digest"])
    both.export()
    assert both.shown() == ROLLING
    both.nothing_to_do()


def test_where_both_changed_the_destination_wins_if_it_is_said_so(both: Town) -> None:
    both.write(on_conflict="destination")
    both.override("cho", "12T09", "13T09")
    both.give("ana 12T09 13T09", "dee")
    both.export()
    assert both.shown() == second("dee 12T09 13T09")
    both.nothing_to_do()


def test_where_both_changed_it_waits_if_it_is_said_so(both: Town) -> None:
    both.write(on_conflict="hold")
    both.override("cho", "12T09", "13T09")
    both.give("ana 12T09 13T09", "dee")
    both.export(code=1)
    assert both.shown() == second("dee 12T09 13T09")
    (hold,) = both.syncd.json("holds")
    both.syncd.run("ack", hold["digest"])
    both.export()
    assert both.shown() == second("cho 12T09 13T09")
    both.nothing_to_do()


def test_so_many_edits_that_no_human_made_them_are_held(both: Town) -> None:
    for line, person in zip(ROLLING[1:5], ("dee", "ana", "dee", "ben"), strict=True):
        both.give(line, person)
    stood = both.shown()
    both.export(code=1)
    assert (both.writes(), both.syncd.json("override", "list"), both.shown()) == ([], [], stood)
    (hold,) = both.syncd.json("holds")
    assert "edits" in hold["reason"]
    both.syncd.run("ack", hold["digest"])
    both.export()
    assert [one["origin"] for one in both.syncd.json("override", "list")] == ["import"] * 4
    assert both.shown() == stood
    both.nothing_to_do()
