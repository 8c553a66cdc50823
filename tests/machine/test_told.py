"""What people are told of a destination's status: once, also where a hold is its cause, and never less than once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connectors.memory_place import Fault, lost
from syncd.connector import Denied
from syncd.core.mode import OnConflict
from syncd.core.model import DAY
from tests.machine.story import CALENDAR, PAGER, A, B, create, edit, fault, h, override, story
from tests.machine.world import World


def said(w: World) -> list[str]:
    """Kinds of all that was told, in order; those who hear of holds are spared an `attention?`."""
    with w.store.read() as tx:
        found = [posted.notice for posted in tx.outbox.pending(w.clock.t)]
    return [one["kind"] + ("?" if one.get("spares") else "") for one in found]


def status(w: World) -> str | None:
    with w.store.read() as tx:
        known = tx.destinations.get("d0")
    return known.status if known else None


def pass_time(w: World, cycles: int = 2) -> None:
    for _ in range(cycles):
        w.clock.t += 60
        w.cycle()


def answer(w: World) -> None:
    w.ack_all()
    pass_time(w)


def overrides_of_others(w: World) -> None:
    """What a first link finds: the rota's first shifts are not shown, and that waits for an answer."""
    w.clock.t += 60  # no shift comes into the horizon in the next hours
    create(w, "dev", 1, 20)
    w.cycle()


def test_those_who_hear_of_a_hold_are_not_told_of_the_status_that_it_makes_but_of_its_end() -> None:
    with story(PAGER, A, exported=False) as w:
        overrides_of_others(w)
        pass_time(w)
        assert said(w) == ["H", "attention?"]
        answer(w)
        assert sorted(said(w)) == ["H", "R", "R", "R", "attention?", "recovered"]


def test_another_account_behind_the_name_is_told_once_and_so_is_its_end() -> None:
    with story(CALENDAR, A) as w:
        w.spots[0].account = "another"
        pass_time(w, 3)
        w.spots[0].account = "account"
        pass_time(w, 3)
        assert said(w) == ["H", "attention?", "recovered"]


def test_a_credential_that_is_refused_while_a_hold_waits_is_told_to_all_and_once() -> None:
    with story(PAGER, A, exported=False) as w:
        overrides_of_others(w)
        for _ in range(2):
            fault(w, "read", Fault(Denied("revoked")))
            with pytest.raises(Denied):
                w.cycle()
            pass_time(w, 1)
        assert said(w) == ["H", "attention?", "attention"]
        answer(w)
        assert said(w).count("recovered") == 1


def test_a_look_that_fails_once_while_a_hold_waits_is_no_other_cause_but_an_hour_without_one_is() -> None:
    with story(PAGER, A, exported=False) as w:
        overrides_of_others(w)
        for passes in (60, 60, 3_600, 60):
            w.clock.t += passes
            fault(w, "read", lost())
            w.cycle()
        assert said(w) == ["H", "attention?", "attention"]


def conflict(w: World, start: float) -> None:
    """Both sides changed it, differently, so many hours from now, and that waits for an answer."""
    w.settings[0] = replace(w.settings[0], horizon=5 * DAY)
    w.clock.t += 60
    w.cycle()
    edit(w, next(item for item in w.future(0) if item.start == h(start)), who="eve")
    override(w, "dev", start, start + 8)
    pass_time(w, 1)


def test_an_edit_that_waits_for_an_answer_is_told_by_its_hold_alone() -> None:
    with story(CALENDAR, B, on_conflict=OnConflict.HOLD) as w:
        conflict(w, 16)
        pass_time(w)
        assert said(w) == ["H", "attention?"]
        with w.store.read() as tx:
            (hold,) = [posted.notice for posted in tx.outbox.pending(w.clock.t) if posted.notice["kind"] == "H"]
        assert hold["digest"]
        assert [one["people"] for one in hold["changes"]] == [["eve: Primary"]]


def test_a_hold_that_nobody_answered_until_the_shift_is_near_is_told_again_by_what_it_has_become() -> None:
    with story(CALENDAR, B, on_conflict=OnConflict.HOLD) as w:
        conflict(w, 80)
        assert (said(w), status(w)) == (["H", "attention?"], "Warning")
        w.clock.t = h(9)
        pass_time(w)
        assert (said(w), status(w)) == (["H", "attention?", "attention"], "Error")
