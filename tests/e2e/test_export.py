"""A first export, an export with nothing to do, and changes of the rota: what reaches the calendar, and in how many requests."""

from __future__ import annotations

from tests.e2e.town import ROLLING, ROTA, Town


def test_a_first_export_shows_every_shift_once_in_one_request_a_shift_and_one_look(new: Town) -> None:
    told = new.export()
    assert new.requests() == ["PROPFIND", *["PUT"] * 6]
    assert [(one["action"], one["row"], one["outcome"]) for one in told["changes"]] == [("create", "2", "applied")] * 6
    assert new.shown() == ROLLING
    assert all(event.ours for event in new.events())
    new.nothing_to_do()


def test_nothing_to_do_stays_so_however_often_it_is_asked(shown: Town) -> None:
    for _ in range(3):
        shown.nothing_to_do()


def test_an_override_is_shown_and_its_removal_too(shown: Town) -> None:
    before = shown.refs()
    override = shown.override("dee", "12T12", "12T18")
    told = shown.export()
    assert shown.shown() == [ROLLING[0], "ana 12T09 12T12", "dee 12T12 12T18", "ana 12T18 13T09", *ROLLING[2:]]
    assert len(shown.writes()) == 3
    assert {one["outcome"] for one in told["changes"]} == {"applied"}
    assert before["ana 12T09 13T09"] in {shown.refs()[line] for line in ("ana 12T09 12T12", "ana 12T18 13T09")}
    shown.nothing_to_do()
    shown.syncd.json("override", "remove", override)
    told = shown.export()
    assert shown.shown() == ROLLING
    assert sorted(one["action"] for one in told["changes"]) == ["delete", "delete", "replace"]
    assert shown.told() == [], "nobody is told of what the rota's own people did"
    shown.nothing_to_do()


def test_an_override_for_a_whole_shift_is_one_write(shown: Town) -> None:
    before = shown.refs()
    shown.override("dee", "13T09", "14T09")
    shown.export()
    assert shown.requests() == ["REPORT", "PUT"]
    assert shown.refs()["dee 13T09 14T09"] == before["ben 13T09 14T09"]
    shown.nothing_to_do()


def test_two_changes_are_two_writes_and_one_look(shown: Town) -> None:
    shown.override("dee", "13T09", "14T09")
    shown.override("dee", "15T09", "16T09")
    shown.export()
    assert shown.requests() == ["REPORT", "PUT", "PUT"]
    shown.nothing_to_do()


def test_somebody_new_in_the_rota_takes_turns(shown: Town) -> None:
    """Turns are counted from the rota's start: with a fourth member it is somebody else's turn on most days."""
    shown.write(ROTA.replace("members: [ana, ben, cho]", "members: [ana, ben, cho, dee]"))
    shown.export()
    assert shown.shown() == [
        "cho 11T12 12T09", "dee 12T09 13T09", "ana 13T09 14T09", "ben 14T09 15T09", "cho 15T09 16T09", "dee 16T09 17T09",
    ]  # fmt: skip
    assert len(shown.writes()) == 5
    shown.nothing_to_do()


def test_time_passes_and_one_shift_more_comes_into_sight(shown: Town) -> None:
    shown.pass_time(24)
    told = shown.export()
    assert [(one["action"], one["after"]["person"]) for one in told["changes"]] == [("create", "cho")]
    assert shown.requests() == ["REPORT", "PUT"]
    assert shown.shown() == [*ROLLING, "cho 17T09 18T09"], "what is over stays"
    shown.nothing_to_do()


def test_a_change_of_clocks_moves_no_instant(new: Town) -> None:
    """Berlin goes from UTC+1 to UTC+2 in the night to 29 March; a handoff at nine there is at 08:00Z before and 07:00Z after."""
    new.syncd.at("2026-03-28T12:00:00+00:00")
    new.write(ROTA.replace("timezone: UTC", "timezone: Europe/Berlin"), horizon="2d")
    new.export()
    assert [line.split(" ", 1)[1] for line in new.shown()] == ["28T12 29T07", "29T07 30T07", "30T07 31T07"]
    new.nothing_to_do()
