"""Exports on every place in every mode: the first, one with nothing to do, and what a change of the rota makes of it."""

from __future__ import annotations

from tests.stories.days import ROLLING, ROTA
from tests.stories.story import Story


def test_a_first_export_is_a_write_a_shift_and_two_calls_and_the_next_is_one_look(new: Story) -> None:
    told = new.export()
    assert [(one["action"], one["row"], one["outcome"]) for one in told["changes"]] == [("create", "2", "applied")] * 6
    assert new.entries() == ROLLING
    assert len(new.place.writes()) <= 6
    calls = [call for call in new.place.calls() if call not in ("token", "people")]
    assert len(calls) <= 6 + 2
    new.nothing_to_do()
    new.nothing_to_do()


def test_an_override_is_shown_and_its_removal_too(shown: Story) -> None:
    override = shown.override("dee", "12T12", "12T18")
    shown.export()
    assert shown.shown() == [ROLLING[0], "ana 12T09 12T12", "dee 12T12 12T18", "ana 12T18 13T09", *ROLLING[2:]]
    shown.nothing_to_do()
    shown.run("override", "remove", override)
    shown.export()
    assert shown.shown() == ROLLING
    assert shown.told() == [], "nobody is told of what the rota's own people did"
    shown.nothing_to_do()


def test_a_shift_given_to_somebody_else_in_the_rota(shown: Story) -> None:
    shown.override("dee", "13T09", "14T09")
    shown.export()
    assert shown.place.writes() == (["create", "delete"] if shown.place.stacked else ["replace"])
    assert shown.shown() == [*ROLLING[:2], "dee 13T09 14T09", *ROLLING[3:]]
    shown.nothing_to_do()


def test_an_override_of_a_later_hour_that_begins_now(shown: Story) -> None:
    override = shown.override("dee", "11T14", "11T18")
    shown.export()
    shown.run("override", "remove", override)
    shown.override("dee", "11T12", "11T16")
    shown.export()
    assert shown.shown() == ["dee 11T12 11T16", "cho 11T16 12T09", *ROLLING[1:]]
    shown.nothing_to_do()


def test_a_handoff_that_is_moved_uncovers_nobody(shown: Story) -> None:
    shown.write(ROTA.replace('at: "09:00"', 'at: "11:00"'))
    shown.export()
    assert shown.shown() == shown.rota()
    shown.nothing_to_do()


def test_somebody_who_leaves_the_rota(shown: Story) -> None:
    shown.write(ROTA.replace("members: [ana, ben, cho]", "members: [ana, cho]"))
    shown.export()
    assert shown.shown() == shown.rota()
    assert "ben" not in " ".join(shown.shown())
    shown.nothing_to_do()


def test_time_passes_and_one_shift_more_comes_into_sight(shown: Story) -> None:
    shown.pass_time(24)
    told = shown.export()
    assert [(one["action"], one["after"]["person"]) for one in told["changes"]] == [("create", "cho")]
    assert shown.entries() == ["cho 11T11 12T09", *ROLLING[1:], "cho 17T09 18T09"], "what is over stays"
    shown.nothing_to_do()


def test_a_change_of_clocks_moves_no_instant(new: Story) -> None:
    """Berlin goes from UTC+1 to UTC+2 in the night to 29 March; a handoff at nine there is at 08:00Z before and 07:00Z after."""
    new.pass_time(17 * 24)
    new.write(ROTA.replace("timezone: UTC", "timezone: Europe/Berlin"), horizon="2d")
    new.export()
    assert [line.split(" ", 1)[1] for line in new.entries()] == ["28T12 29T07", "29T07 30T07", "30T07 31T07"]
    new.nothing_to_do()
