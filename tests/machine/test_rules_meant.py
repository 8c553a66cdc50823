"""What is meant where two readings are possible, and what is easily forgotten (MERGE.md 15 to 28), each from its own case."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connectors.memory import SHAPES as CAPABILITIES
from connectors.memory_place import lost
from syncd.core.desired import project
from syncd.core.mode import OnConflict, OnDeleted
from syncd.core.model import DAY, HOUR, Shift, Source
from syncd.cycle import Trigger
from tests.machine.story import (
    CALENDAR,
    PAGER,
    SHAPES,
    A,
    B,
    at_rest,
    create,
    cycle_of,
    delete,
    edit,
    entry,
    fault,
    first,
    h,
    imports,
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

# --- 15: somebody unknown ---


def test_rule_15_somebody_unknown_is_kept_where_only_the_human_changed_anything():
    with story() as w:
        edit(w, entry(w, "ana", 0), who="zoe")
        report = w.cycle()
        assert rows(report) == [("5", 0, 8, "keep")]
        assert report.answers == []
        assert w.spots[0].items[w.future(0)[0].ref].who.startswith("zoe")
        assert told(w)[0][0] == "C"
        assert at_rest(w)


def test_rule_15_where_both_changed_somebody_unknown_gives_way_to_the_rota():
    with story() as w:
        edit(w, entry(w, "ana", 0), who="zoe")
        override(w, "dev", 0, 8)
        report = w.cycle()
        assert rows(report) == [("7", 0, 8, "push")]
        assert w.shown(0, h(2)) == ["dev"]
        assert told(w)[0][0] == "C"
        assert restorable(w)


def test_rule_15_in_authoritative_mode_somebody_unknown_is_overwritten_with_a_notice():
    with story(mode=A) as w:
        edit(w, entry(w, "ana", 0), who="zoe")
        w.cycle()
        assert w.shown(0, h(2)) == ["ana"]
        assert told(w)[0][0] == "R"


# --- 16: what is held ---


def test_rule_16_a_kept_piece_keeps_the_whole_entry_and_its_lane_is_clipped_around_it():
    with story() as w:
        edit(w, entry(w, "ana", 0), who="zoe", end=10)
        w.cycle()
        assert [said[1:] for said in first(w, 16)] == [(0, 10), (10, 16)]
        assert at_rest(w)


def test_rule_16_a_hold_is_the_same_one_as_time_passes():
    with story(gaps=4) as w:
        w.clock.t = h(1)
        emptied(w)
        report = w.cycle()
        assert report.decision is not None
        (hold,) = report.decision.holds
        w.clock.t += 600
        later = w.cycle()
        assert later.decision is not None
        assert [x.digest for x in later.decision.holds] == [hold.digest]
        with w.store.read() as tx:
            assert [x.digest for x in tx.holds.open()] == [hold.digest]


def emptied(w) -> None:
    """The rota loses all of its layers."""
    w.rota = replace(w.rota, schedules={"s": replace(w.rota.schedules["s"], layers=())})


def test_rule_16_what_was_acknowledged_in_the_evening_is_released_in_the_morning_though_some_of_it_passed():
    with story(mode=A) as w:
        emptied(w)
        w.cycle()
        assert w.ack_all()
        w.clock.t = h(9)
        w.cycle()
        assert [said for said in stands(w) if said[1] > 9] == []


def test_rule_16_a_plans_digest_is_the_same_an_hour_later_while_a_shift_runs():
    with story(mode=A) as w:
        w.clock.t = h(2)
        w.settle()
        override(w, "dev", 0, 8)
        one = planned(w)
        w.clock.t = h(2) + 900
        assert planned(w) == one


def planned(w) -> str:
    decision = cycle_of(w).plan().decision
    assert decision is not None
    return decision.plan.digest


@pytest.mark.parametrize("shape", SHAPES)
def test_rule_16_a_plans_digest_is_the_same_a_moment_later_while_an_edit_of_a_running_shift_comes_in(shape: str):
    with story(shape, B) as w:
        w.clock.t = h(1)
        if shape == PAGER:
            create(w, "cho", 1, 8)
        else:
            edit(w, entry(w, "ana", 0), who="cho")
        plans = []
        for minute in (1, 2):
            w.clock.t = h(1 + minute / 60)
            decision = cycle_of(w, trigger=Trigger.PLAN).plan().decision
            assert decision is not None
            plans.append(decision.plan)
        assert [len(plan.pulls) for plan in plans] == [1, 1]
        assert plans[0].digest == plans[1].digest


def test_rule_16_an_answer_counts_whatever_is_written_in_a_humans_title():
    with story(mode=B, on_conflict=OnConflict.HOLD) as w:
        ben = entry(w, "ben", 8)
        w.spots[0].human_edits(ben.ref, who="Room [1,2) or [9999999999999999,3)")
        override(w, "dev", 8, 16)
        w.cycle()
        assert w.ack_all()
        w.cycle()
        assert first(w, 16) == [("ana", 0, 8), ("dev", 8, 16)]


# --- 17: keys against time ---


def test_rule_17_in_a_calendar_two_touching_turns_of_one_person_are_two_entries():
    with story(mode=A) as w:
        override(w, "ana", 8, 16)
        w.cycle()
        assert first(w, 16) == [("ana", 0, 8), ("ana", 8, 16)]


def test_rule_17_in_a_calendar_geometry_that_shows_the_same_people_is_put_right_without_a_notice():
    with story(mode=A) as w:
        override(w, "ana", 8, 16)
        w.cycle()
        edit(w, entry(w, "ana", 0), end=16)
        w.settle()
        assert first(w, 16) == [("ana", 0, 8), ("ana", 8, 16)]
        assert told(w) == []


def test_rule_17_in_a_pager_an_entry_stays_while_every_instant_of_it_is_the_rotas():
    with story(PAGER, A) as w:
        override(w, "ana", 8, 16)
        w.cycle()
        before = entry(w, "ana", 0).ref
        override(w, "ana", 0, 16)  # one shift of sixteen hours now
        w.cycle()
        assert before in w.spots[0].items
        assert [w.shown(0, h(at)) for at in (2, 9)] == [["ana"], ["ana"]]


# --- 18: matching ---


def test_rule_18_a_move_of_two_hours_over_a_neighbour_leaves_both_their_events():
    with story(mode=A) as w:
        ana, ben = entry(w, "ana", 0), entry(w, "ben", 8)
        edit(w, ana, start=2, end=10)
        w.cycle()
        assert w.person(w.spots[0].items[ana.ref].who) == "ana"
        assert w.person(w.spots[0].items[ben.ref].who) == "ben"
        assert first(w, 16) == [("ana", 0, 8), ("ben", 8, 16)]


def test_rule_18_a_reassigned_shift_stays_the_same_event():
    with story(mode=A) as w:
        ref = entry(w, "ben", 8).ref
        override(w, "dev", 8, 16)
        w.cycle()
        assert entry(w, "dev", 8).ref == ref


# --- 19: imports are joined ---


def test_rule_19_one_event_over_two_turns_is_one_override_and_one_event():
    with story() as w:
        edit(w, entry(w, "ana", 0), who="dev", end=16)
        edit(w, entry(w, "ben", 8), who="dev")
        report = w.cycle()
        assert imports(report) == [(("dev",), 0, 16)]
        assert recorded(w) == [("dev", 0, 16)]
        w.settle()
        assert at_rest(w)


# --- 20: a move never takes anybody off ---


def test_rule_20_the_new_place_is_imported_and_the_old_one_restored():
    with story(gaps=4) as w:
        edit(w, entry(w, "ana", 0), start=4, end=8)  # from [0,4) into the gap [4,8)
        report = w.cycle()
        assert imports(report) == [(("ana",), 4, 8)]
        assert ("6", 0, 4, "push") in rows(report)
        w.settle()
        assert [w.shown(0, h(at)) for at in (1, 5)] == [["ana"], ["ana"]]
        assert at_rest(w)


# --- 21: undo ---


def test_rule_21_a_human_who_deletes_the_override_an_import_came_from_undoes_the_import():
    with story(PAGER, B) as w:
        ref = create(w, "dev", 8, 16)
        w.cycle()
        assert on_call(w, 9) == ["dev"]
        w.spots[0].human_deletes(ref)
        report = w.cycle()
        assert "6a" in {row for row, *_ in rows(report)}
        assert on_call(w, 9) == ["ben"]
        w.settle()
        assert w.shown(0, h(9)) == ["ben"]
        assert recorded(w) == []


def test_rule_21_an_undo_that_would_leave_nobody_is_a_deletion_and_is_restored():
    with story(PAGER, B, gaps=2) as w:
        ref = create(w, "dev", 6, 8)
        create(w, "dev", 6, 8)
        w.cycle()
        w.override("cho", h(6), h(8))
        w.settle()
        if ref in w.spots[0].items:
            w.spots[0].human_deletes(ref)
        w.settle()
        assert w.wanted(h(7)) == w.shown(0, h(7)) != []


# --- 22: the two options ---


def test_rule_22_accept_imports_who_is_on_call_then_and_never_nobody():
    with story(on_deleted=OnDeleted.ACCEPT) as w:
        delete(w, entry(w, "ana", 0))
        w.settle()
        assert on_call(w, 2) == ["ana"]
        assert w.shown(0, h(2)) == ["ana"]


def test_rule_22_accept_of_one_of_two_leaves_the_other_alone():
    with story(people=2, on_deleted=OnDeleted.ACCEPT) as w:
        delete(w, entry(w, "ana", 0))
        w.cycle()
        assert on_call(w, 2) == ["ben"]
        w.settle()
        assert w.shown(0, h(2)) == ["ben"]


def test_rule_22_hold_waits_for_what_is_more_than_three_days_away_and_an_ack_restores_it():
    with story(on_deleted=OnDeleted.HOLD, exported=False) as w:
        w.settings[0] = replace(w.settings[0], horizon=5 * DAY)
        w.cycle()
        near, far = entry(w, "ana", 24), entry(w, "ben", 80)
        delete(w, near)
        delete(w, far)
        report = w.cycle()
        assert w.shown(0, h(25)) == ["ana"]
        assert w.shown(0, h(81)) == []
        assert report.decision is not None
        assert len(report.decision.holds) == 1
        assert w.ack_all()
        w.cycle()
        assert w.shown(0, h(81)) == ["ben"]


def test_rule_22_destination_lets_the_humans_value_win_where_both_changed():
    with story(on_conflict=OnConflict.DESTINATION) as w:
        edit(w, entry(w, "ana", 0), who="cho")
        override(w, "dev", 0, 8)
        assert imports(w.cycle()) == [(("cho",), 0, 8)]
        assert on_call(w, 2) == ["cho"]


def test_rule_22_hold_leaves_a_conflict_as_it_is_until_an_ack_lets_the_rota_win():
    with story(on_conflict=OnConflict.HOLD) as w:
        edit(w, entry(w, "ana", 0), who="cho")
        override(w, "dev", 0, 8)
        report = w.cycle()
        assert w.shown(0, h(2)) == ["cho"]
        assert report.decision is not None
        assert report.decision.holds
        assert w.ack_all()
        w.cycle()
        assert w.shown(0, h(2)) == ["dev"]


def test_rule_22_rota_means_row_7_only():
    with story(on_conflict=OnConflict.ROTA, gaps=2) as w:
        override(w, "dev", 6, 8)
        w.cycle()
        edit(w, entry(w, "dev", 6), who="cho")
        w.remove_override(0)
        assert rows(w.cycle()) == [("9", 6, 8, "import")]
        assert on_call(w, 7) == ["cho"]


# --- 23: split and copy ---


def test_rule_23_the_notice_of_a_hole_names_the_events_that_cover_it_with_one_known_person():
    with story() as w:
        edit(w, entry(w, "ana", 0), end=4)
        create(w, "dev", 4, 8)  # the second half of a split: made by hand
        w.cycle()
        assert w.shown(0, h(5)) == ["ana"]
        with w.store.read() as tx:
            (conflict,) = tx.conflicts.open()
        (event,) = conflict.destination_had["events"]
        assert "Dev Rao: Primary" in str(event)


# --- 24: what a destination can say ---


def shift(person: str, start: int, end: int, slot: int = 0) -> Shift:
    return Shift("s", "primary", person, start, end, slot, Source())


def test_rule_24_two_people_on_a_pager_of_one_make_no_difference_for_ever():
    with story(PAGER, A, people=2) as w:
        w.settle()
        assert at_rest(w)
        assert w.shown(0, h(2)) == ["ana"]


def test_rule_24_times_are_brought_to_the_destinations_grain():
    can = replace(CAPABILITIES[CALENDAR], grain=60)
    kept, losses = project([shift("ana", 0, 3_630), shift("ben", 3_630, 7_200)], can)
    assert [(s.person, s.start, s.end) for s in kept] == [("ana", 0, 3_600), ("ben", 3_600, 7_200)]
    assert len(losses) == 2


# --- 25: imports have a limit ---


def test_rule_25_a_server_that_shifts_all_its_events_is_held():
    with story() as w:
        for item in w.future(0):
            edit(w, item, start=(item.start - h(0)) / HOUR + 1, end=(item.end - h(0)) / HOUR + 1)
        report = w.cycle()
        assert imports(report) == []
        assert recorded(w) == []
        assert report.decision is not None
        assert report.decision.holds


def test_rule_25_three_edits_are_a_humans_and_come_in_at_once():
    with story() as w:
        for person, start in (("ana", 0), ("cho", 16), ("ben", 32)):
            edit(w, entry(w, person, start), who="dev")
        assert len(imports(w.cycle())) == 3


def test_rule_25_four_edits_wait_for_an_ack_and_then_come_in():
    with story(gaps=2) as w:
        for person, start in (("ana", 0), ("ben", 8), ("cho", 16), ("ana", 24)):
            edit(w, entry(w, person, start), who="dev")
        assert imports(w.cycle()) == []
        assert w.ack_all()
        w.cycle()
        assert [on_call(w, at) for at in (1, 9, 17, 25)] == [["dev"]] * 4


# --- 26: edited or not is asked before parsing ---


def test_rule_26_renaming_a_person_makes_nobody_unknown():
    with story() as w:
        people = {**w.rota.people, "ana": replace(w.rota.people["ana"], name="Ana Lima-Souza")}
        w.rota = replace(w.rota, people=people)
        report = w.cycle()
        assert imports(report) == []
        assert rows(report) == []
        assert told(w) == []
        assert {a for a, _ in sent(report)} == {"replace"}  # brought up to date, last and without a notice
        assert "Ana Lima-Souza: Primary" in {i.who for i in w.spots[0].items.values()}
        assert at_rest(w)


def test_rule_26_a_new_template_is_no_edit_of_anybodys():
    with story() as w:
        options = replace(w.settings[0].options, title="On call: {person}")
        w.settings[0] = replace(w.settings[0], options=options)
        report = w.cycle(trigger=Trigger.EXPORT)
        assert rows(report) == []
        assert {i.who for i in w.spots[0].items.values()} == {"On call: Ana Lima", "On call: Ben Okafor", "On call: Cho Min-ji"}


def test_rule_26_a_humans_cosmetic_edit_stays():
    with story() as w:
        item = entry(w, "ana", 0)
        w.spots[0].human_edits(item.ref, who="Ana Lima: Primary (in the office)")
        report = w.cycle()
        assert rows(report) == []
        assert report.answers == []
        assert at_rest(w)


# --- 27: another destination of this instance in a shared calendar ---


def test_rule_27_entries_of_another_destination_of_this_instance_are_foreign_silently():
    with story(count=2, exported=False) as w:
        w.settings[1] = replace(w.settings[1], options=w.settings[0].options)  # both show in one calendar
        w.cycle(0)
        mine = set(w.spots[0].items)
        report = w.cycle(1)
        assert report.decision is not None
        assert not report.decision.holds
        assert told(w) == []
        assert mine < set(w.spots[0].items)
        assert len(w.spots[0].items) == 2 * len(mine)
        assert at_rest(w)


# --- 28: the table runs once ---


@pytest.mark.parametrize("shape", SHAPES)
def test_rule_28_after_an_import_the_rest_is_pushed_in_the_same_cycle(shape: str):
    with story(shape, B) as w:
        if shape == PAGER:
            create(w, "dev", 0, 8)
        else:
            edit(w, entry(w, "ana", 0), who="dev")
        override(w, "dev", 8, 16)
        w.cycle()
        assert [w.shown(0, h(at)) for at in (1, 9)] == [["dev"], ["dev"]]
        assert at_rest(w)


def test_rule_28_a_lost_answer_of_a_signature_leaves_the_import_in_place():
    with story() as w:
        edit(w, entry(w, "ana", 0), who="cho")
        fault(w, "replace", lost(commit=True))
        w.cycle()
        w.settle()
        assert on_call(w, 2) == ["cho"]
        assert recorded(w) == [("cho", 0, 8)]
        assert len(writes(w)) <= 8


def test_rule_16_an_answer_still_counts_once_what_it_lets_go_on_has_begun():
    with story(gaps=4) as w:
        w.clock.t = h(7)
        emptied(w)
        report = w.cycle()
        assert report.decision is not None
        assert [c.before.person for c in report.decision.plan.changes if c.before and c.before.start == h(8)] == ["ben"]
        w.clock.t = h(9)
        w.cycle()
        with w.store.read() as tx:
            assert len(tx.holds.open()) == 1, "what has begun meanwhile is not another question"
        assert w.ack_all()
        w.cycle()
        assert w.shown(0, h(10)) == []
        with w.store.read() as tx:
            assert tx.holds.open() == ()
