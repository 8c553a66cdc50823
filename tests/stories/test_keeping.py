"""What is held, shown before it is done, taken back, forgotten or lost, and how an edit travels, on every place."""

from __future__ import annotations

import pytest

from tests.stories.days import ROLLING, ROTA
from tests.stories.story import Story
from tests.stories.vendors import in_memory

EMPTY = ROTA.replace("    start: 2026-03-09T09:00\n", "    start: 2026-03-09T09:00\n    end: 2026-03-11T09:00\n")


def test_a_rota_without_anybody_removes_nothing_until_it_is_acknowledged(shown: Story) -> None:
    shown.write(EMPTY)
    shown.export(code=1)
    assert (shown.shown(), shown.place.writes()) == (ROLLING, [])
    shown.export(code=1)
    assert "nobody" in shown.acknowledge()["reason"]
    shown.export()
    assert shown.shown() == []
    assert shown.entries() == ["cho 11T11 11T12"], "what is over stays"
    shown.nothing_to_do()


def test_an_acknowledged_hold_whose_reason_is_gone_removes_nothing(shown: Story) -> None:
    shown.write(EMPTY)
    shown.export(code=1)
    shown.acknowledge()
    shown.write()
    shown.export()
    assert (shown.shown(), shown.place.writes()) == (ROLLING, [])


def test_a_place_that_somebody_emptied_is_filled_again(shown: Story) -> None:
    for thing in shown.place.standing():
        shown.place.delete(thing)
    shown.export()
    assert (shown.shown(), shown.place.writes().count("delete")) == (ROLLING, 0)
    shown.nothing_to_do()


def test_the_daemon_writes_to_a_manual_destination_never_and_to_others_at_once(shown: Story) -> None:
    shown.override("dee", "13T09", "14T09")
    shown.give("ana 15T09 16T09", "eve")
    stood = shown.shown()
    shown.daemon_turns()
    if shown.mode == "manual":
        assert (shown.shown(), shown.place.writes(), shown.imported()) == (stood, [], [])
        assert shown.status()["differs_seconds"] == 2 * 86_400
        shown.export()
    who = "eve" if shown.mode == "bidirectional" else "ana"
    assert shown.shown() == [*ROLLING[:2], "dee 13T09 14T09", ROLLING[3], f"{who} 15T09 16T09", ROLLING[5]]


def test_a_plan_that_was_shown_is_done_and_no_other(shown: Story) -> None:
    shown.override("dee", "13T09", "14T09")
    (plan,) = shown.syncd.json("plan")
    shown.give("ana 15T09 16T09", "eve")
    stood = shown.shown()
    shown.run("export", "--plan", plan["digest"], code=1)
    assert (shown.shown(), shown.place.writes()) == (stood, [])
    (plan,) = shown.syncd.json("plan")
    shown.pass_time(0.5)
    shown.run("export", "--plan", plan["digest"])
    shown.nothing_to_do()


def test_an_undone_import_is_taken_back_at_the_destination_too(shown: Story) -> None:
    if shown.mode != "bidirectional":
        shown.write(ROTA.replace("members: [ana, ben, cho]", "members: [ana, dee, cho]"))
    else:
        shown.give("ben 13T09 14T09", "dee")
    run = shown.export()["run"]
    assert "dee 13T09 14T09" in shown.shown()
    shown.run("undo", run, "--now")
    shown.export()
    assert "ben 13T09 14T09" in shown.shown()
    shown.nothing_to_do()


def test_a_lost_ledger_makes_nothing_twice_and_removes_nothing(shown: Story) -> None:
    before = shown.refs()
    shown.lose_ledger()
    shown.export()
    assert (shown.refs(), shown.place.writes()) == (before, [])
    shown.nothing_to_do()


def test_with_a_lost_ledger_what_differs_waits_for_an_answer(shown: Story) -> None:
    shown.give("ana 12T09 13T09", "dee")
    shown.lose_ledger()
    stood = shown.shown()
    shown.export(code=1)
    assert (shown.shown(), shown.imported()) == (stood, [])
    shown.acknowledge()
    shown.export()
    if not (shown.mode == "bidirectional" and shown.place.kind == "pagerduty_v3"):  # there others' shifts are kept, and told
        assert shown.shown() == ROLLING
    assert shown.imported() == [], "nothing is imported from what nobody remembers"
    shown.nothing_to_do()


def test_a_purge_takes_what_is_ours_and_nothing_else(shown: Story) -> None:
    beside = shown.add("eve", "18T10", "18T11")
    shown.syncd.json("purge", "team", "--now")
    left = shown.place.standing()
    assert [one.ref for one in left if one.end > shown.now] == [beside]
    assert shown.syncd.json("purge", "team", "--now")[0]["changes"] == []


def test_a_destination_that_is_forgotten_keeps_its_entries(shown: Story) -> None:
    stood = shown.refs()
    shown.syncd.write(ROTA)
    assert shown.status()["reason"]
    shown.run("forget", "team")
    assert shown.refs() == stood
    assert shown.syncd.json("status") == []


def test_an_edit_reaches_another_destination_in_the_same_run(shown: Story) -> None:
    if shown.mode != "bidirectional":
        pytest.skip("only bidirectional mode imports")
    with in_memory(shown.place.clock) as other:
        shown.others["other"] = other
        shown.write(more=shown.destination("other", other, mode="authoritative"))
        shown.export()
        assert shown.shown(other) == ROLLING
        shown.give("ana 12T09 13T09", "dee")
        shown.export()
        expected = [ROLLING[0], "dee 12T09 13T09", *ROLLING[2:]]
        assert (shown.shown(), shown.shown(other)) == (expected, expected)
        assert {one["destination"]: one["imported_30d"] for one in shown.syncd.json("status")} == {"team": 1, "other": 0}
        shown.nothing_to_do()
