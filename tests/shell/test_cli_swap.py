"""Swaps and time off by the command line: a few words find the shifts, and what cannot be meant is refused."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.shell.command_line import FOLDER, ROTA, CommandLine, command_line

# NOON is a Wednesday in Ana's week (9 to 16 March); Ben has the next one, Ana the one after.


@pytest.fixture
def syncd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    return command_line(tmp_path, monkeypatch)


def on(syncd: CommandLine, at: str) -> list[str]:
    (row,) = syncd.json("oncall", "--at", at)
    return [one["id"] for one in row["people"]]


def test_two_shifts_change_hands_in_one_go(syncd: CommandLine) -> None:
    told = syncd.json("swap", "ben next week", "ana 23 mar", "--reason", "wedding")
    assert [(one["person"], one["start"]) for one in told["before"]] == [
        ("ben", "2026-03-16T08:00:00Z"),
        ("ana", "2026-03-23T08:00:00Z"),
    ]
    assert [(one["person"], one["start"]) for one in told["after"]] == [
        ("ana", "2026-03-16T08:00:00Z"),
        ("ben", "2026-03-23T08:00:00Z"),
    ]
    assert on(syncd, "2026-03-18T12:00") == ["ana"]
    assert on(syncd, "2026-03-25T12:00") == ["ben"]
    recorded = syncd.json("override", "list")
    assert [(one["people"], one["replaces"], one["reason"], one["by"]) for one in recorded] == [
        (["ana"], ["ben"], "wedding", "ana"),
        (["ben"], ["ana"], "wedding", "ana"),
    ]


def test_a_swap_is_said_in_plain_words_and_shown_before_and_after(syncd: CommandLine) -> None:
    result = syncd.run("swap", "ben", "next", "week", "with", "ana", "sat")
    assert result.exit_code == 0, result.output
    assert "before" in result.output
    assert "now" in result.output
    assert on(syncd, "2026-03-11T11:59:59Z") == ["ana"]
    assert on(syncd, "2026-03-14T12:00") == ["ben"]
    assert on(syncd, "2026-03-18T12:00") == ["ana"]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["ana"], "name two shifts"),
        (["ana", "sat", "ben", "sun"], "name two shifts"),
        (["with", "ana", "ben"], "name two shifts"),
        (["zed sat", "ben next week"], "nobody's name"),
        (["ana x", "ben next week"], "no day or week"),
        (["ana", "ben next week"], "'ana' can mean"),
        (["ben last week", "ana next week"], "has ended"),
        (["cho sat", "ben next week"], "no such shift"),
        (["ana sat", "ana 23 mar"], "nothing to swap"),
        (["ana someday", "ben next week"], "no day or week"),
        (["ana 31 feb", "ben next week"], "no day to come"),
    ],
)
def test_what_a_swap_cannot_mean_is_refused(syncd: CommandLine, words: list[str], hint: str) -> None:
    assert hint in syncd.refused("swap", *words)
    assert syncd.json("override", "list") == []


def test_several_shifts_are_listed_to_choose_from(syncd: CommandLine) -> None:
    said = syncd.refused("swap", "ben", "ana next week")
    assert "payments, primary: ben, Mon 2026-03-16 09:00 CET – Mon 2026-03-23 09:00 CET" in said
    assert said.count("payments, primary: ben") == 7


def test_somebody_on_call_then_already_or_by_an_override_cannot_swap(syncd: CommandLine) -> None:
    syncd.json("override", "add", "--person", "ana", "--replaces", "none", "--from", "2026-03-18", "--to", "2026-03-19")
    assert "Ana Lima is on call as primary then already" in syncd.refused("swap", "ben 16 mar", "ana 23 mar")
    syncd.json("override", "add", "--person", "cho", "--from", "2026-04-01", "--to", "2026-04-02")
    assert "by override ov-" in syncd.refused("swap", "cho 1 apr", "ana 23 mar")


def test_a_swap_that_waits_for_approval_changes_nothing_yet(syncd: CommandLine) -> None:
    syncd.write(ROTA.replace("title: Payments", "title: Payments\n    approval: all"))
    told = syncd.json("swap", "ben next week", "ana 23 mar")
    assert [one["approval"] for one in told["overrides"]] == ["pending", "pending"]
    assert on(syncd, "2026-03-18T12:00") == ["ben"]
    assert syncd.run("swap", "ben next week", "ana 23 mar").stderr.count("waits for approval") == 2


def test_who_would_be_away_or_on_twice_is_said(syncd: CommandLine) -> None:
    two = ROTA + "      - {name: back, role: secondary, members: [ana], from: 2026-03-16T00:00, until: 2026-03-23T00:00}\n"
    syncd.write(two + "    away: [{person: ben, start: 2026-03-24, end: 2026-03-25}]\n")
    said = syncd.run("swap", "ben next week", "ana 23 mar").stderr
    assert "Ana Lima is on call as secondary then, too" in said
    assert "Ben Okafor is away Tue 2026-03-24 00:00 CET" in said


# --- time off ----------------------------------------------------------------------------


def test_time_off_says_where_she_is_on_call_and_who_could_cover(syncd: CommandLine) -> None:
    told = syncd.json("away", "ana", "--from", "2026-03-12", "--to", "2026-03-14", "--reason", "dentist")
    assert (told["person"], told["schedule"], told["start"], told["end"], told["reason"], told["by"]) == (
        "ana", None, "2026-03-11T23:00:00Z", "2026-03-13T23:00:00Z", "dentist", "ana",
    )  # fmt: skip
    (row,) = told["on_call"]
    assert (row["person"], row["role"], row["cover"]) == ("ana", "primary", ["ben"])
    assert {gap["cause"] for gap in syncd.json("gaps")} == {"away"}
    assert on(syncd, "2026-03-13T12:00") == ["ana"]
    assert syncd.run(*shlex.split(row["suggestion"])[1:]).exit_code == 0
    assert syncd.json("gaps") == []
    assert on(syncd, "2026-03-13T12:00") == ["ben"]


def test_time_off_is_listed_taken_back_and_kept(syncd: CommandLine) -> None:
    syncd.write(ROTA + "    away: [{person: ben, start: 2026-03-24, end: 2026-03-25}]\n" + FOLDER)
    id_ = syncd.run("away", "--person", "ana", "--schedule", "payments", "--from", "2026-03-12").stdout.splitlines()[0]
    first, second = syncd.json("away", "list")
    assert (first["person"], first["origin"], first["id"]) == ("ben", "file", None)
    assert (second["id"], second["schedule"], second["by"], second["removed"]) == (id_, "payments", "ana", None)
    assert "Ana Lima" in syncd.run("away", "list").output
    assert syncd.run("away", "remove", id_, "--reason", "she stays").exit_code == 0
    assert "taken back before" in syncd.run("away", "remove", id_).stderr
    assert syncd.json("away", "remove", id_)["person"] == "ana"
    assert "Ana Lima" not in syncd.run("away", "list").output
    assert "taken back" in syncd.run("away", "list", "--all").output
    (told,) = syncd.json("away", "list", "--person", "ana")
    assert told["removed"] == {"by": "ana", "at": "2026-03-11T12:00:00Z", "reason": "she stays"}
    assert syncd.json("gaps") == []
    assert [one["event"] for one in syncd.json("history")] == ["away.removed", "away.added"]


def test_a_turn_is_handed_on_where_the_layer_says_so(syncd: CommandLine) -> None:
    syncd.write(ROTA.replace("role: primary, members", "role: primary, on_away: next, members"))
    assert (
        "Ben Okafor is not on call then" in syncd.run("away", "add", "ben", "--from", "2026-03-17", "--to", "2026-03-18").output
    )
    assert on(syncd, "2026-03-18T12:00") == ["ana"]


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["add"], "name who is away"),
        (["ana", "--person", "ben"], "name who is away"),
        (["anna"], "did you mean 'ana'?"),
        (["ana", "--schedule", "payment"], "did you mean 'payments'?"),
        (["ana", "--from", "2026-03-14", "--to", "2026-03-13"], "not after"),
        (["ana", "--from", "2026-03-01", "--to", "2026-03-02"], "it ended"),
        (["ana", "--from", "2026-03-29T02:30", "--to", "2026-03-30"], "does not exist"),
        (["remove", "aw-000000"], "no time off aw-000000"),
    ],
)
def test_time_off_that_cannot_be_meant_is_refused(syncd: CommandLine, arguments: list[str], hint: str) -> None:
    assert hint in syncd.refused("away", *arguments)


def test_time_off_that_changes_nothing_is_refused(syncd: CommandLine) -> None:
    syncd.json("away", "ana", "--from", "2026-03-12", "--to", "2026-03-14")
    assert "is away then already" in syncd.refused("away", "ana", "--from", "2026-03-12", "--to", "2026-03-13")
    assert syncd.run("away", "ana", "--from", "2026-03-13", "--to", "2026-03-15").exit_code == 0
