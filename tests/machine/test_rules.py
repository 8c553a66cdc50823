"""The rules of the merge that a simpler reading gets wrong (MERGE.md 1 to 14), each from the counter-example that broke it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connectors.memory_place import Fault, lost
from syncd.connector import Unavailable
from syncd.core.mode import OnDeleted
from syncd.core.model import Overlap
from syncd.cycle import Trigger
from tests.machine.story import (
    CALENDAR,
    PAGER,
    SHAPES,
    A,
    B,
    M,
    at_rest,
    create,
    delete,
    edit,
    entry,
    fault,
    first,
    h,
    imports,
    kinds,
    on_call,
    override,
    recorded,
    restorable,
    rows,
    sent,
    stands,
    story,
    told,
    writes,
)

REFUSED = Fault(Unavailable("refused without an answer", refused=True))


# --- 1: an import takes its time ---


@pytest.mark.parametrize("overlap", list(Overlap))
def test_rule_1_an_import_has_effect_whatever_override_overlap_says(overlap: Overlap):
    with story() as w:
        w.rota = replace(w.rota, schedules={"s": replace(w.rota.schedules["s"], override_overlap=overlap)})
        override(w, "ben", 0, 4)
        w.cycle()
        edit(w, entry(w, "ben", 0), who="cho")
        report = w.cycle()
        assert imports(report) == [(("cho",), 0, 4)]
        assert on_call(w, 2) == ["cho"]
        assert first(w, 8) == [("cho", 0, 4), ("ana", 4, 8)]
        assert at_rest(w)


def test_rule_1_an_earlier_override_keeps_what_lies_outside_the_import():
    with story() as w:
        override(w, "dev", 0, 8)
        w.cycle()
        edit(w, entry(w, "dev", 0), end=3)  # row 6 from 3 on: put back
        w.cycle()
        edit(w, entry(w, "dev", 0), who="cho", end=3)
        assert imports(w.cycle()) == [(("cho",), 0, 3)]
        assert [on_call(w, at) for at in (2, 5)] == [["cho"], ["dev"]]


# --- 2: the lease guards the destination, the rota is shared ---


def test_rule_2_an_import_computed_from_a_rota_that_changed_since_is_decided_again():
    with story(count=2) as w:
        edit(w, entry(w, "ana", 0, n=0), n=0, who="cho")
        edit(w, entry(w, "ana", 0, n=1), n=1, who="dev")

        def other_first(call):
            if call.verb == "read":
                w.spots[1].hook = None
                w.cycle(0)  # the other destination's edit is committed between this look and its decision

        w.spots[1].hook = other_first
        report = w.cycle(1)
        assert on_call(w, 2) == ["cho"]
        assert ("C", "dev", 0, 8) in told(w)  # row 7, against the rota as it is now
        assert ("dev", 0, 8) in restorable(w)
        assert report.error is None


# --- 3: an own entry that a human extended into a gap ---


def test_rule_3_an_hour_more_into_a_gap_is_an_edit_and_is_imported():
    with story(gaps=2) as w:
        edit(w, entry(w, "ana", 0), end=7)
        report = w.cycle()
        assert rows(report) == [("5", 6, 7, "import")]
        assert on_call(w, 6.5) == ["ana"]
        assert w.shown(0, h(6.5)) == ["ana"]
        assert at_rest(w)


def test_rule_3_in_authoritative_mode_the_hour_is_taken_back_with_a_notice():
    with story(mode=A, gaps=2) as w:
        edit(w, entry(w, "ana", 0), end=7)
        w.cycle()
        assert first(w, 8) == [("ana", 0, 6)]
        assert told(w) == [("R", "ana", 6, 7)]


def test_rule_3_extended_past_the_last_exported_shift_is_row_10():
    with story() as w:
        edit(w, entry(w, "cho", 40), end=50)
        report = w.cycle()
        assert rows(report) == [("10", 48, 50, "import")]
        assert told(w) == [("C", "cho", 48, 50)]
        assert on_call(w, 49) == ["cho"]


# --- 4: values are per lane, never sets ---


def test_rule_4_one_of_two_edited_keeps_the_other():
    with story(people=2) as w:
        edit(w, entry(w, "ana", 0), who="cho")
        assert imports(w.cycle()) == [(("ben", "cho"), 0, 8)] or on_call(w, 2) == ["ben", "cho"]
        assert on_call(w, 2) == ["ben", "cho"]
        assert w.shown(0, h(2)) == ["ben", "cho"]
        assert at_rest(w)


def test_rule_4_deleting_one_of_two_is_a_deletion_and_not_an_edit():
    with story(people=2) as w:
        delete(w, entry(w, "ana", 0))
        report = w.cycle()
        assert imports(report) == []
        assert on_call(w, 2) == ["ana", "ben"]
        assert w.shown(0, h(2)) == ["ana", "ben"]
        assert kinds(w) <= {"C"}


def test_rule_4_an_import_that_names_somebody_twice_cannot_be_said():
    with story(people=2) as w:
        edit(w, entry(w, "ana", 0), who="ben")
        report = w.cycle()
        assert imports(report) == []
        assert on_call(w, 2) == ["ana", "ben"]
        assert w.shown(0, h(2)) == ["ana", "ben"]
        assert told(w) == [("C", "ben", 0, 8)]


def test_rule_4_somebody_unknown_in_one_lane_and_a_colleague_in_the_other_lower_nobody():
    with story(people=2) as w:
        edit(w, entry(w, "ana", 0), who="zoe")
        edit(w, entry(w, "ben", 0), who="dev")
        w.cycle()
        assert len(on_call(w, 2)) == 2


# --- 5: nothing that uncovers is sent while what it relies on is not certain ---


@pytest.mark.parametrize("what", [lost(), REFUSED])
def test_rule_5_a_shift_is_not_shortened_while_its_successor_is_not_there(what: Fault):
    with story(mode=A) as w:
        override(w, "dev", 7, 8)
        fault(w, "create", what)
        w.cycle()
        assert w.shown(0, h(7.5)) != []
        assert not [line for spot in w.spots for line in spot.broken]
        w.settle()
        assert w.shown(0, h(7.5)) == ["dev"]


def test_rule_5_a_ring_of_moves_is_opened_with_a_create():
    with story(mode=A) as w:
        ana, ben = entry(w, "ana", 0), entry(w, "ben", 8)
        edit(w, ana, start=8, end=16)
        edit(w, ben, start=0, end=8)
        w.cycle()
        assert first(w, 16) == [("ana", 0, 8), ("ben", 8, 16)]
        assert not w.spots[0].broken
        assert at_rest(w)


def test_rule_5_every_handoff_two_hours_later_never_uncovers_anybody():
    with story(mode=A) as w:
        schedule = w.rota.schedules["s"]
        for start in range(0, 48, 8):
            override(w, ("cho", "ana", "ben")[start // 8 % 3], start, start + 2)
        w.rota = replace(w.rota, schedules={"s": schedule})
        w.settle()
        assert not w.spots[0].broken
        assert at_rest(w)


def test_rule_5_a_removal_without_an_answer_counts_as_done():
    with story(PAGER, A) as w:
        override(w, "dev", 0, 8)
        fault(w, "delete", lost())
        w.cycle()
        assert w.shown(0, h(2)) == ["dev"]
        assert not w.spots[0].broken


# --- 6: an id belongs to its entry ---


def test_rule_6_the_id_of_an_entry_that_moved_is_not_used_again():
    with story() as w:
        edit(w, entry(w, "ana", 0), start=8, end=16)
        w.settle()
        assert w.shown(0, h(2)) == ["ana"]
        assert at_rest(w)
        assert len({i.uid for i in w.spots[0].items.values()}) == len(w.spots[0].items)


def test_rule_6_an_id_that_is_taken_by_something_deleted_gets_the_next_generation():
    with story(mode=A) as w:
        w.spots[0].keeps_ids = True
        delete(w, entry(w, "ana", 0))
        w.cycle()
        assert w.shown(0, h(2)) == ["ana"]
        w.lose_ledger()
        delete(w, entry(w, "ana", 0))
        w.settle()
        assert w.shown(0, h(2)) == ["ana"]


# --- 7: what is agreed ---


def test_rule_7_an_override_that_was_exposed_is_not_thereby_agreed():
    with story(PAGER, A) as w:
        create(w, "dev", 4, 8)  # a human's, beneath
        create(w, "cho", 0, 8)  # and another on top
        w.settle()
        assert w.shown(0, h(5)) == ["ana"]
        assert ("R", "dev", 4, 8) in told(w) or ("dev", 4, 8) in restorable(w)
        assert ("R", "cho", 0, 8) in told(w)


def test_rule_7_exposing_a_humans_override_never_makes_it_agreed_in_bidirectional_mode():
    with story(PAGER, B) as w:
        create(w, "dev", 4, 8)
        assert imports(w.cycle()) == [(("dev",), 4, 8)]
        create(w, "cho", 4, 8)
        assert imports(w.cycle()) == [(("cho",), 4, 8)]
        w.clock.t += 60
        delete(w, next(i for i in w.spots[0].items.values() if i.who == "cho"))
        report = w.cycle()
        assert "4" not in {row for row, *_ in rows(report)}
        w.settle()
        assert w.shown(0, h(5)) == w.wanted(h(5))


# --- 8: a lost ledger is never imported from ---


def test_rule_8_our_own_stale_overrides_are_not_imported_after_the_ledger_was_lost():
    with story(PAGER, B) as w:
        override(w, "dev", 8, 16)
        w.cycle()
        w.lose_ledger()  # the override went with it: the rota has ben again
        report = w.cycle()
        assert imports(report) == []
        assert writes_since(w) == 0
        assert report.decision is not None
        assert report.decision.holds
        w.settle()
        assert w.shown(0, h(9)) == ["ben"]
        assert recorded(w) == []
        assert ("C", "dev", 8, 16) in told(w)


def writes_since(w) -> int:
    """Calls of the last cycle."""
    return len(w.reports[-1].answers)


def test_rule_8_a_first_link_with_nothing_to_confuse_just_runs():
    with story(PAGER, B, exported=False) as w:
        create(w, "ana", 0, 8)
        report = w.cycle()
        assert report.decision is not None
        assert not report.decision.holds
        assert stands(w)[0] == ("ana", 0, 8)
        assert len([said for said in stands(w) if said[1] == 0]) == 1  # adopted, not written over


@pytest.mark.parametrize("mode", [A, B])
def test_rule_8_a_first_link_where_overrides_differ_only_plans_until_acknowledged(mode):
    with story(PAGER, mode, exported=False) as w:
        create(w, "dev", 0, 8)
        report = w.cycle()
        assert report.answers == []
        assert imports(report) == []
        assert w.ack_all()
        w.settle()
        assert w.shown(0, h(2)) == ["ana"]
        assert told(w)[0][:2] == ("R" if mode is A else "C", "dev")


def test_rule_8_a_signed_import_whose_override_was_lost_is_held_and_not_overwritten():
    with story() as w:
        edit(w, entry(w, "ana", 0), who="cho")
        w.cycle()
        assert at_rest(w)
        w.lose_ledger()
        report = w.cycle()
        assert w.shown(0, h(2)) == ["cho"]
        assert report.held
        assert imports(report) == []
        assert rows(report) == [("13", 0, 8, "push")]
        assert [said for said in first(w, 24) if said[1] > 0] == [("ben", 8, 16), ("cho", 16, 24)]
        w.settle()
        assert w.shown(0, h(2)) == ["ana"]
        assert ("C", "cho", 0, 8) in told(w)


def test_rule_8_with_a_lost_ledger_equal_entries_are_adopted_and_missing_ones_created():
    with story() as w:
        delete(w, entry(w, "ben", 8))
        w.lose_ledger()
        report = w.cycle()
        assert sent(report) == [("create", "applied")]
        assert w.shown(0, h(9)) == ["ben"]
        assert at_rest(w)


# --- 9: the edge of the horizon ---


def test_rule_9_an_override_across_the_horizon_is_one_import():
    with story(PAGER, B) as w:
        create(w, "dev", 40, 90)
        assert imports(w.cycle()) == [(("dev",), 40, 90)]
        for _ in range(5):
            w.clock.t += 3600
            assert imports(w.cycle()) == []
        assert len(recorded(w)) == 1


def test_rule_9_removing_what_reaches_past_the_horizon_covers_what_lies_beyond():
    with story(PAGER, A) as w:
        create(w, "dev", 40, 60)
        w.settle()
        assert [w.shown(0, h(at)) for at in (41, 49, 57)] == [["cho"], ["ana"], ["ben"]]


# --- 10: an entry moved wholly into the past ---


def test_rule_10_an_entry_moved_into_the_past_is_done_with_once_its_hole_is_filled():
    with story() as w:
        w.clock.t = h(4)
        edit(w, entry(w, "ben", 8), start=1, end=3)
        w.cycle()
        assert w.shown(0, h(9)) == ["ben"]
        edit(w, entry(w, "ben", 8), who="dev")
        report = w.cycle()
        assert [row for row, *_ in rows(report)] == ["5"]
        assert on_call(w, 9) == ["dev"]


# --- 11: what was imported is accepted, signed, and never imported twice ---


def test_rule_11_an_import_signs_the_entry_with_equal_content():
    with story() as w:
        edit(w, entry(w, "ana", 0), who="cho")
        before = entry(w, "cho", 0)
        report = w.cycle()
        assert sent(report) == [("sign", "applied")]
        after = entry(w, "cho", 0)
        assert (after.ref, after.start, after.end, after.who) == (before.ref, before.start, before.end, before.who)
        assert after.marker != before.marker
        assert at_rest(w)


def test_rule_11_an_admin_who_withdraws_an_import_that_could_not_be_signed_is_obeyed():
    with story() as w:
        edit(w, entry(w, "ana", 0), who="cho")
        fault(w, "replace", REFUSED)
        w.cycle()
        assert on_call(w, 2) == ["cho"]
        w.remove_override(0)
        w.settle()
        assert on_call(w, 2) == ["ana"]
        assert w.shown(0, h(2)) == ["ana"]
        assert at_rest(w)


def test_rule_11_a_version_of_an_override_is_never_imported_twice():
    with story(PAGER, B) as w:
        create(w, "dev", 8, 16)
        assert imports(w.cycle()) == [(("dev",), 8, 16)]
        w.remove_override(0)
        reports = [w.cycle() for _ in range(3)]
        assert [imports(r) for r in reports] == [[], [], []]
        assert on_call(w, 9) == ["ben"]
        assert w.shown(0, h(9)) == ["ben"]


# --- 12: running entries ---


def test_rule_12_a_running_entry_that_is_reassigned_is_shortened_to_now_and_a_new_one_begins_now():
    with story(mode=A) as w:
        w.clock.t = h(3)
        running = entry(w, "ana", 0)
        override(w, "dev", 2, 8)
        w.cycle()
        left = w.spots[0].items[running.ref]
        assert (w.person(left.who), left.start, left.end) == ("ana", h(0), h(3))
        assert first(w, 8) == [("dev", 3, 8)]
        assert not w.spots[0].broken
        assert at_rest(w)


def test_rule_12_a_past_start_that_differs_is_left_as_it_stands():
    with story(mode=A) as w:
        w.clock.t = h(3)
        item = entry(w, "ana", 0)
        edit(w, item, start=1)
        w.settle()
        assert w.spots[0].items[item.ref].start == h(1)
        assert "replace" not in {call.verb for call in writes(w)}


# --- 13: what lies beneath ---


def test_rule_13_a_stack_of_foreign_overrides_goes_in_one_cycle_each_with_its_notice():
    with story(PAGER, A) as w:
        for person in ("dev", "cho", "ben"):
            create(w, person, 2, 6)
        w.cycle()
        assert [said for said in stands(w) if said[1] < 8] == [("ana", 0, 8)] or w.shown(0, h(3)) == ["ana"]
        assert {i.who for i in w.spots[0].items.values() if i.start == h(2)} <= {"ana"}
        assert at_rest(w)
        assert {had for kind, had, *_ in told(w) if kind == "R"} == {"dev", "cho", "ben"}


def test_rule_13_a_foreign_entry_with_a_kept_piece_is_not_removed_at_all():
    with story(PAGER, A, gaps=2) as w:
        ref = create(w, "dev", 5, 8)  # 5 to 6 is ana's, 6 to 8 is nobody's
        w.settle()
        assert ref in w.spots[0].items
        assert w.shown(0, h(7)) == ["dev"]
        assert w.shown(0, h(5.5)) == ["ana"]
        assert at_rest(w)


# --- 14: the pager's own layers are nobody's edit ---


def test_rule_14_a_vendors_own_rota_is_not_imported_at_a_first_link():
    with story(PAGER, B, exported=False) as w:
        w.spots[0].layers = [(h(-8), h(60), "dev")]
        report = w.cycle()
        assert imports(report) == []
        assert w.shown(0, h(2)) == ["ana"]


def test_rule_14_a_deleted_override_is_a_deletion_though_the_layer_pages_somebody():
    with story(PAGER, B, exported=False) as w:
        w.spots[0].layers = [(h(-8), h(60), "dev")]
        w.cycle()
        delete(w, entry(w, "ana", 0))
        report = w.cycle()
        assert rows(report) == [("6", 0, 8, "push")]
        assert w.shown(0, h(2)) == ["ana"]
        assert kinds(w) <= {"C"}


def test_rule_14_the_layers_person_is_who_an_accepted_deletion_imports():
    with story(PAGER, B, exported=False, on_deleted=OnDeleted.ACCEPT) as w:
        w.spots[0].layers = [(h(-8), h(60), "dev")]
        w.cycle()
        delete(w, entry(w, "ana", 0))
        assert imports(w.cycle()) == [(("dev",), 0, 8)]


_ = (CALENDAR, M, SHAPES, Trigger)
