"""The journal has every notice, once: whether or not it belongs to a write, and however often the same thing is seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from connectors.memory_place import Fault
from syncd.connector import Rejected
from syncd.core.mode import Mode
from syncd.core.model import iso
from syncd.store.journal import Line
from tests.machine.machine import assert_each_notice_is_one_line_of_the_journal
from tests.machine.story import CALENDAR, PAGER, A, B, delete, edit, entry, fault, h, override, story
from tests.machine.world import World

THEN = {"role": "primary", "start": iso(h(8)), "end": iso(h(16))}


def lines(w: World) -> list[Line]:
    with w.store.read() as tx:
        return list(tx.journal.list())


def look_again(w: World, cycles: int = 3) -> None:
    for _ in range(cycles):
        w.clock.t += 60
        w.cycle()


def deleted(w: World) -> None:
    delete(w, entry(w, "ben", 8))


def given_to_a_stranger(w: World) -> None:
    edit(w, entry(w, "ben", 8), who="zoe")


def without_an_account(w: World) -> None:
    w.spots[0].absent = frozenset({"dev"})
    override(w, "dev", 8, 16)


def edited(w: World) -> None:
    edit(w, entry(w, "ben", 8), who="cho")


@pytest.mark.parametrize(
    ("happens", "shape", "mode", "kind", "had", "has", "done"),
    [
        (deleted, CALENDAR, B, "conflict", [], ["ben"], "the rota was put back"),
        (given_to_a_stranger, CALENDAR, B, "conflict", ["zoe: Primary"], ["ben"], "it was left as it is"),
        (without_an_account, PAGER, A, "hold", None, ["dev"], "whoever is there stays"),
        (edited, CALENDAR, A, "removed", ["cho"], ["ben"], "the rota was put back"),
        (edited, CALENDAR, B, "import", ["cho"], ["ben"], "the edit was imported into the rota"),
    ],
)
def test_what_is_told_of_an_edit_is_one_line_of_the_journal(
    happens: Callable[[World], None], shape: Any, mode: Mode, kind: str, had: list[str] | None, has: list[str], done: str
) -> None:
    with story(shape, mode) as w:
        happens(w)
        look_again(w)
        (line,) = [line for line in lines(w) if line.event.startswith("notice: ")]
        assert (line.event, line.destination, line.actor) == (f"notice: {kind}", "d0", "syncd")
        assert line.run
        assert line.old == (None if had is None else {**THEN, "people": had})
        assert {**THEN, "people": has, "done": done}.items() <= dict(line.new).items()  # type: ignore[call-overload]
        assert_each_notice_is_one_line_of_the_journal(w)


def test_what_is_told_though_nothing_is_written_adds_a_line_once_and_not_with_every_cycle() -> None:
    with story(PAGER, A) as w:
        without_an_account(w)
        look_again(w, 1)
        before = lines(w)
        look_again(w)
        assert lines(w) == before


def test_a_hold_and_the_status_that_it_makes_are_lines_that_name_their_notices() -> None:
    with story(CALENDAR, A) as w:
        w.spots[0].account = "somebody else's"
        look_again(w)
        assert [line.event for line in lines(w)[:2]] == ["status Error", "held"]
        assert_each_notice_is_one_line_of_the_journal(w)
        w.spots[0].account = "account"
        look_again(w)
        assert_each_notice_is_one_line_of_the_journal(w)


def test_a_write_that_is_refused_displaces_nothing_so_there_is_no_line_of_it() -> None:
    with story(CALENDAR, A) as w:
        edited(w)
        fault(w, "replace", Fault(Rejected("no")))
        w.cycle()
        assert [line.event for line in lines(w) if line.event.startswith("notice: ")] == []
        look_again(w)
        assert [line.event for line in lines(w) if line.event.startswith("notice: ")] == ["notice: removed"]


def test_a_status_that_is_bad_well_and_bad_again_within_a_second_is_told_each_time() -> None:
    with story(CALENDAR, A) as w:
        for account in ("another", "account", "another"):
            w.spots[0].account = account
            w.cycle()
        with w.store.read() as tx:
            said = [posted.notice["kind"] for posted in tx.outbox.pending(w.clock.t)]
        assert said == ["H", "attention", "recovered", "H", "attention"]
