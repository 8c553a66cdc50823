"""What happens seldom: an import that cannot be, one that is withdrawn, and what lies outside of what is decided."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from connectors.memory_place import Call, Fault
from syncd.connector import Rejected
from syncd.core.model import Window
from tests.machine.story import (
    PAGER,
    SHIFTS,
    A,
    B,
    at_rest,
    create,
    delete,
    edit,
    entry,
    fault,
    h,
    imports,
    kinds,
    on_call,
    recorded,
    rows,
    sent,
    story,
)

REFUSED = Fault(Rejected("no"))


def test_an_edit_after_the_end_of_the_schedule_cannot_be_imported_and_gives_way():
    with story(mode=B, exported=False) as w:
        end = datetime.fromtimestamp(h(24), UTC).replace(tzinfo=None)
        w.rota = replace(w.rota, schedules={"s": replace(w.rota.schedules["s"], end=end)})
        w.cycle()
        edit(w, entry(w, "cho", 16), end=28)
        assert imports(w.cycle()) == []
        assert recorded(w) == []
        assert kinds(w) == {"C"}
        assert entry(w, "cho", 16).end == h(24)
        assert at_rest(w)


def test_deleting_the_entry_of_an_import_is_no_undo_where_nobody_would_be_left():
    """Rule 21 ends with "and without that import somebody is on": ana's event went into a gap, and then away."""
    with story(mode=B, gaps=2) as w:
        edit(w, entry(w, "ana", 0), start=6, end=8)
        assert imports(w.cycle()) == [(("ana",), 6, 8)]
        delete(w, entry(w, "ana", 6))
        assert "6a" not in {row for row, *_ in rows(w.cycle())}
        w.settle()
        assert on_call(w, 7) == ["ana"]
        assert w.shown(0, h(7)) == ["ana"]


def test_an_override_of_a_pager_that_was_imported_and_withdrawn_is_not_imported_again_when_it_comes_to_light():
    """Rule 11: dev's lies beneath ours, since it could not be deleted; a human deletes ours."""
    with story(PAGER, B) as w:
        create(w, "dev", 8, 16)
        w.cycle()
        assert on_call(w, 9) == ["dev"]
        w.remove_override(0)
        for _ in range(2):  # put on top, then seen there
            fault(w, "delete", REFUSED)
            w.cycle()
        assert w.shown(0, h(9)) == ["ben"]
        (top,) = {ref for _, _, _, ref in w.spots[0].paged(Window(h(9), h(10)))}
        w.spots[0].human_deletes(top)
        assert imports(w.cycle()) == []
        w.settle()
        assert on_call(w, 9) == ["ben"]
        assert w.shown(0, h(9)) == ["ben"]


def test_anothers_shift_that_ends_while_one_looks_is_left_where_it_is():
    with story(SHIFTS, A) as w:
        ref = w.spots[0].human_creates(h(-1), h(0) + 1, "dev")

        def a_moment(call: Call) -> None:
            if call.verb == "read":
                w.clock.t = h(0) + 2

        w.spots[0].hook = a_moment
        assert sent(w.cycle()) == [("create", "applied")]  # a moment more of the rota came into sight
        assert ref in w.spots[0].items


def test_an_event_that_a_human_made_a_moment_says_nothing_and_its_time_is_filled_again():
    with story(mode=B) as w:
        ana = entry(w, "ana", 0)
        w.spots[0].human_edits(ana.ref, end=ana.start)
        w.settle()
        assert imports(w.reports[-1]) == []
        assert w.shown(0, h(0)) == w.shown(0, h(7)) == ["ana"]
        assert at_rest(w)
