"""A ledger that is lost, a key that is lost, a clock that is wrong: what stands is adopted or left, never doubled."""

from __future__ import annotations

import shutil

import pytest

from syncd.core.model import HOUR
from tests.e2e.town import ROLLING, ROTA, Town


def lose(town: Town, *, key: bool = False) -> None:
    """The store; its key only if said so."""
    for path in town.database.parent.glob("syncd.db*"):
        path.unlink()
    if key:
        shutil.rmtree(town.database.parent)


def test_a_lost_ledger_adopts_what_stands_and_writes_nothing(shown: Town) -> None:
    before = shown.refs()
    lose(shown)
    shown.export()
    assert (shown.writes(), shown.refs()) == ([], before)
    shown.nothing_to_do()


def test_with_a_lost_ledger_missing_shifts_are_made_and_what_differs_is_held(shown: Town) -> None:
    shown.remove("cho 14T09 15T09")
    shown.give("ana 12T09 13T09", "dee")
    lose(shown)
    told = shown.export(code=1)
    assert shown.shown() == [ROLLING[0], "dee 12T09 13T09", *ROLLING[2:]]
    assert sorted((one["action"], one["row"], one["outcome"]) for one in told["changes"]) == [
        ("create", "2", "applied"),
        ("replace", "13", "held"),
    ]
    (hold,) = shown.syncd.json("holds")
    shown.syncd.run("ack", hold["digest"])
    shown.export()
    assert shown.shown() == ROLLING
    assert shown.told() == ["C 12T09 13T09" if shown.mode == "bidirectional" else "R 12T09 13T09"]
    shown.nothing_to_do()


def test_with_a_lost_key_nothing_at_all_is_written(shown: Town) -> None:
    before = shown.refs()
    lose(shown, key=True)
    result = shown.failed()
    assert "held" in result.output
    assert (shown.writes(), shown.refs()) == ([], before)
    assert shown.syncd.json("status")[0]["status"] == "Error"


@pytest.mark.parametrize("hours", [1, -1], ids=["fast", "slow"])
def test_a_clock_that_is_an_hour_wrong_removes_nothing(both: Town, hours: int) -> None:
    """The calendar's own clock tells."""
    override = both.override("dee", "12T12", "12T18")
    both.export()
    both.syncd.json("override", "remove", override)
    stood = len(both.shown())
    both.offset = -hours * HOUR
    told = both.export(code=1)
    assert "DELETE" not in both.requests()
    assert len(both.shown()) == stood
    waiting = [one for one in told["changes"] if one["status"] == "waits"]
    assert {one["action"] for one in waiting} >= {"delete"}
    assert "clock" in waiting[0]["reason"]
    both.offset = 0
    both.export()
    assert both.shown() == ROLLING
    both.nothing_to_do()


def test_a_clock_that_was_put_back_removes_nothing(both: Town) -> None:
    both.pass_time(3)
    both.override("dee", "13T09", "14T09")
    override = both.override("dee", "12T12", "12T18")
    both.export()
    both.syncd.json("override", "remove", override)
    both.pass_time(-1)
    both.export(code=1)
    assert "DELETE" not in both.requests()
    both.pass_time(1)
    both.export()
    assert both.shown() == [*ROLLING[:2], "dee 13T09 14T09", *ROLLING[3:]]
    both.nothing_to_do()


def test_a_corrupt_store_is_exit_74_and_nothing_is_written(one: Town) -> None:
    for path in one.database.parent.glob("syncd.db-*"):
        path.unlink()
    one.database.write_bytes(b"not a database" * 1_000)
    one.proxy.journal.clear()
    result = one.syncd.run("export", "--now")
    assert result.exit_code == 74
    assert "syncd.db" in result.stderr
    assert one.requests() == []


def test_a_renamed_person_is_shown_by_the_new_name_and_nobody_is_told(shown: Town) -> None:
    before = shown.refs()
    shown.write(ROTA.replace("Ana Lima", "Ana Lima-Novak"))
    shown.export()
    assert shown.requests() == ["REPORT", "PUT", "PUT"]
    assert [event.title for event in shown.events()][1] == "Ana Lima-Novak: Primary"
    assert sorted(shown.refs().values()) == sorted(before.values())
    assert shown.told() == []
    shown.nothing_to_do()
