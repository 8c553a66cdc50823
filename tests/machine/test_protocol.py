"""The write protocol and the promises (PROTOCOL.md 2 and 3) over the real engine: each test fails where its rule is taken out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connectors.memory_place import Fault, lost
from syncd.connector import Denied, Unavailable
from syncd.core.mode import Limits, Mode
from syncd.core.model import HOUR, Approval
from syncd.cycle import Report, Trigger
from syncd.store import LeaseLost
from tests.machine.story import (
    CALENDAR,
    PAGER,
    SHAPES,
    SHIFTS,
    A,
    B,
    M,
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
from tests.machine.world import Killed, World

REFUSED = Fault(Unavailable("refused without an answer", refused=True))


def run(w: World, **change: object) -> Report:
    with w.store.lease("destination/d0") as lease:
        return cycle_of(w, **change).run_under(lease)


# --- W1, W2: intents and three outcomes ---


@pytest.mark.parametrize("shape", SHAPES)
def test_w1_every_write_has_its_intent_in_the_store_before_it_is_sent(shape: str):
    with story(shape, A, exported=False) as w:
        open_then = []

        def look(call):
            if call.verb != "read":
                with w.store.read() as tx:
                    open_then.append(len(tx.ledger.memory("d0").intents))

        w.spots[0].hook = look
        w.cycle()
        assert open_then == [1] * 6
        with w.store.read() as tx:
            assert tx.ledger.memory("d0").intents == ()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("done", [True, False])
def test_w2_a_create_without_an_answer_is_settled_by_reading_and_makes_one_entry(shape: str, done: bool):
    with story(shape, A, exported=False) as w:
        fault(w, "create", lost(commit=done))
        w.cycle()
        w.settle()
        assert [said for said in stands(w) if said[1] == 0] == [("ana", 0, 8)]
        assert [c.verb for c in writes(w)].count("create") == (6 if done else 7)
        assert at_rest(w)


def test_w2_a_certain_refusal_is_not_taken_for_an_unknown_outcome():
    with story(mode=A, exported=False) as w:
        fault(w, "create", REFUSED)
        report = w.cycle()
        assert sent(report) == [("create", "rejected")]
        with w.store.read() as tx:
            memory = tx.ledger.memory("d0")
        assert memory.intents == ()
        assert memory.echoes == ()


def test_w2_after_three_calls_in_a_row_without_an_answer_a_destination_is_left_alone():
    with story(mode=A, exported=False) as w:
        for nth in range(1, 7):
            fault(w, "create", lost(), nth)
        w.cycle()
        assert len(writes(w)) == 3


# --- W3: deterministic ids ---


@pytest.mark.parametrize("late", [1, 5, 6, 7, 8, 14])
def test_w3_a_create_that_lands_late_never_makes_a_second_event(late: int):
    with story(mode=A, exported=False) as w:
        fault(w, "create", lost(late=late))
        seen: list[int] = []

        def count(call):
            seen.append(sum(i.start == h(0) for i in w.spots[0].items.values()))

        w.spots[0].hook = count
        for _ in range(4):
            w.cycle()
        assert max(seen) == 1
        assert first(w, 8) == [("ana", 0, 8)]
        assert at_rest(w)


def test_w3_ids_are_the_same_for_the_same_rota_whoever_writes_first():
    with story(mode=A) as w:
        before = sorted(w.spots[0].items)
        w.spots[0].items.clear()
        w.lose_ledger()
        w.settle()
        assert sorted(w.spots[0].items) == before


# --- W4: late echoes ---


@pytest.mark.parametrize("shape", [PAGER, "shifts"])
@pytest.mark.parametrize("mode", [A, B])
def test_w4_a_create_that_lands_after_we_looked_is_cleaned_up(shape: str, mode: Mode):
    with story(shape, mode, exported=False) as w:
        fault(w, "create", lost(late=20 if shape == PAGER else 10))
        w.cycle()
        w.settle(4)
        assert len([i for i in w.spots[0].items.values() if i.start == h(0)]) == 1
        assert at_rest(w)


@pytest.mark.parametrize("late", [4, 6, 7, 8, 9, 10])
def test_w4_an_unconfirmed_create_is_never_imported_when_it_lands_late(late: int):
    with story(PAGER, B) as w:
        override(w, "dev", 8, 16)
        fault(w, "create", lost(late=late))
        w.cycle()
        w.remove_override(0)
        for _ in range(7):
            assert imports(w.cycle()) == []
        assert recorded(w) == []
        assert [who for who, start, _ in stands(w) if start == 8] == ["ben"]


# --- W5: doomed entries ---


def test_w5_an_entry_with_a_delete_unresolved_is_never_relied_on():
    with story(PAGER, A) as w:
        doomed = entry(w, "ben", 8).ref
        override(w, "dev", 8, 16)
        lost_deletes(w, late=12)
        w.cycle()
        w.spots[0].hook = None
        assert [who for who, start, _ in stands(w) if start == 8] == ["ben", "dev"]
        w.remove_override(0)  # ben's old override would be right again, but its delete may still land
        w.cycle()
        assert {one.who for one in w.spots[0].items.values() if one.start == h(8) and one.ref != doomed} >= {"ben"}
        for _ in range(12):
            w.cycle()
        assert not w.spots[0].broken
        assert w.shown(0, h(9)) == ["ben"]
        assert len([said for said in stands(w) if said[1] == 8]) == 1


def lost_deletes(w: World, late: int = 0) -> None:
    """The first delete lands late, the others never."""
    faults = [lost(late=late)] if late else []
    w.spots[0].hook = lambda call: (faults.pop() if faults else lost()) if call.verb == "delete" else None


def test_w5_in_a_calendar_a_late_delete_finds_another_version():
    with story(mode=A, gaps=2) as w:
        override(w, "dev", 6, 8)
        w.cycle()
        w.remove_override(0)
        fault(w, "delete", lost(late=4))
        w.cycle()
        override(w, "dev", 6, 8)
        for _ in range(5):
            w.cycle()
        assert w.shown(0, h(7)) == ["dev"]


# --- W6: armed notices ---


def test_w6_a_notice_is_told_though_the_write_that_it_tells_of_has_no_answer():
    with story(mode=A) as w:
        edit(w, entry(w, "ana", 0), who="dev")
        fault(w, "replace", lost(commit=True))
        w.cycle()
        w.settle()
        assert told(w) == [("R", "dev", 0, 8)]
        assert restorable(w) == [("dev", 0, 8)]


def test_w6_a_process_that_dies_after_its_write_tells_of_it_in_the_next_run():
    with story(mode=A) as w:
        edit(w, entry(w, "ana", 0), who="dev")
        w.spots[0].kill_at = len(w.spots[0].calls) + 2
        spot, real = w.spots[0], w.spots[0].answer

        def dies_after(verb, target, work):
            answer = real(verb, target, work)
            if verb == "replace":
                raise Killed
            return answer

        spot.kill_at = 0
        spot.answer = dies_after  # type: ignore[method-assign]
        with pytest.raises(Killed):
            w.cycle()
        del spot.answer
        assert w.shown(0, h(2)) == ["ana"]
        w.settle()
        assert told(w) == [("R", "dev", 0, 8)]
        assert restorable(w) == [("dev", 0, 8)]


def test_w6_a_notice_of_what_was_not_done_is_not_told():
    with story(mode=A) as w:
        edit(w, entry(w, "ana", 0), who="dev")
        fault(w, "replace", REFUSED)
        w.cycle()
        assert told(w) == []


def test_w6_the_same_thing_is_told_once_however_often_it_is_seen():
    with story() as w:
        edit(w, entry(w, "ana", 0), who="zoe")
        for _ in range(3):
            w.clock.t += 60
            w.cycle()
        assert len(told(w)) == 1


# --- W7: the owned set is not the base ---


def test_w7_every_override_we_wrote_is_ours_until_it_is_seen_gone():
    with story(PAGER, B) as w:
        override(w, "dev", 8, 16)
        for nth in range(1, 4):
            fault(w, "delete", lost(), nth)
        w.cycle()
        create(w, "cho", 8, 16)
        w.settle()
        assert on_call(w, 9) == ["cho"]
        assert [said[0] for said in stands(w) if said[1] == 8] == ["cho"]


@pytest.mark.parametrize("mode", [A, B])
@pytest.mark.parametrize("shape", [PAGER, SHIFTS])
def test_w7_what_was_deleted_by_its_answer_and_stands_still_is_ours_and_goes_with_the_next_look(shape: str, mode: Mode):
    with story(shape, mode) as w:
        override(w, "dev", 10, 14)
        w.cycle()
        lies = w.spots[0].items[entry(w, "dev", 10).ref]
        w.remove_override(0)
        w.cycle()
        w.spots[0].items[lies.ref] = lies
        w.clock.t += 300
        w.settle()
        assert "dev" not in {who for who, _, _ in stands(w)}
        assert (told(w), recorded(w)) == ([], [])


# --- W8: embedded base ---


def test_w8_an_edit_is_known_for_one_though_the_ledger_was_lost():
    with story(mode=A) as w:
        edit(w, entry(w, "ana", 0), who="dev")
        w.lose_ledger()
        report = w.cycle()
        assert w.shown(0, h(2)) == ["dev"]  # held: what was agreed is not known
        assert report.held
        w.settle()
        assert told(w)[0][:2] == ("R", "dev")


def test_w8_an_update_that_was_applied_without_an_answer_is_no_edit_of_anybodys():
    with story() as w:
        override(w, "dev", 0, 8)
        fault(w, "replace", lost(commit=True))
        w.cycle()
        w.settle()
        assert told(w) == []
        assert recorded(w) == [("dev", 0, 8)]


def test_w8_an_entry_whose_marks_were_stripped_is_not_absent():
    with story() as w:
        item = entry(w, "ana", 0)
        w.spots[0].strips(item.ref)
        report = w.cycle()
        assert imports(report) == []
        assert [said for said in stands(w) if said[1] == 0] == [("ana", 0, 8)]
        assert "create" not in {action for action, _ in sent(report)}


# --- W10, W11 ---


def test_w10_our_own_override_exposed_by_a_human_who_took_another_away_is_not_imported():
    with story(PAGER, B) as w:
        override(w, "dev", 8, 16)
        lost_deletes(w)  # ben's stays beneath
        w.cycle()
        w.spots[0].human_deletes(entry(w, "dev", 8).ref)
        assert imports(w.cycle()) == []
        w.settle()
        assert recorded(w) == [("dev", 8, 16)]
        assert w.shown(0, h(9)) == ["dev"]


def test_w10_a_humans_override_that_was_seen_before_is_exposed_and_not_edited():
    with story(PAGER, B) as w:
        override(w, "cho", 8, 16)
        create(w, "dev", 8, 16)  # both changed, differently: the rota goes on top, with a word
        w.cycle()
        assert w.shown(0, h(9)) == ["cho"]
        w.spots[0].human_deletes(entry(w, "cho", 8).ref)
        assert imports(w.cycle()) == []
        assert w.shown(0, h(9)) == ["cho"]
        assert recorded(w) == [("cho", 8, 16)]


@pytest.mark.parametrize("shape", SHAPES)
def test_w11_a_look_that_misses_everything_once_changes_nothing(shape: str):
    with story(shape, B) as w:
        spot = w.spots[0]
        kept, looks = dict(spot.items), []

        def blind(call):
            if call.verb == "read":
                looks.append(call)
                spot.items = {} if len(looks) == 1 else dict(kept)

        spot.hook = blind
        report = w.cycle()
        assert report.answers == []
        assert imports(report) == []
        assert len(looks) >= 2


# --- W12, W13 ---


def test_w12_a_pager_gets_the_new_override_before_the_old_one_goes():
    with story(PAGER, A) as w:
        override(w, "dev", 8, 16)
        assert sent(w.cycle()) == [("create", "applied"), ("delete", "applied")]
        assert not w.spots[0].broken


def test_w13_a_stale_holder_can_open_no_intent():
    with story(mode=A) as w:
        override(w, "dev", 0, 8)
        before = len(writes(w))
        lease = w.store.lease("destination/d0")
        lease.release()
        with w.store.lease("destination/d0"):
            pass
        with pytest.raises(LeaseLost):
            cycle_of(w).run_under(lease)
        assert len(writes(w)) == before


# --- structural cases ---


def test_moved_in_authoritative_mode_comes_back():
    with story(mode=A) as w:
        edit(w, entry(w, "ana", 0), start=48, end=56)
        w.settle()
        assert w.shown(0, h(2)) == ["ana"]
        assert at_rest(w)


def test_shortened_in_bidirectional_mode_the_vacated_part_is_restored():
    with story() as w:
        edit(w, entry(w, "ana", 0), end=5)
        report = w.cycle()
        assert rows(report) == [("6", 5, 8, "push")]
        assert kinds(w) <= {"C"}
        w.settle()
        assert w.shown(0, h(6)) == ["ana"]


def test_extended_over_a_neighbour_in_bidirectional_mode_never_takes_anybody_off_call():
    with story() as w:
        edit(w, entry(w, "ana", 0), end=10)
        w.settle()
        assert [w.shown(0, h(at)) for at in (2, 9, 12)] == [on_call(w, at) for at in (2, 9, 12)]
        assert "" not in [("".join(on_call(w, at))) for at in (2, 9, 12)]


@pytest.mark.parametrize("mode", [A, B])
def test_a_commute_window_in_a_pager_is_exactly_that_part(mode):
    with story(PAGER, mode) as w:
        create(w, "dev", 3, 4)
        w.settle()
        middle = "ana" if mode is A else "dev"
        assert [on_call(w, at) for at in (2, 3.5, 5)] == [["ana"], [middle], ["ana"]]
        assert [w.shown(0, h(at)) for at in (2, 3.5, 5)] == [["ana"], [middle], ["ana"]]
        assert kinds(w) == ({"R"} if mode is A else {"I"})


@pytest.mark.parametrize("what", ["mode", "role"])
def test_after_a_change_of_mode_overwriting_a_humans_edit_waits_for_one_ack(what: str):
    with story(mode=B) as w:
        edit(w, entry(w, "ana", 0), who="zoe")
        w.cycle()
        w.settings[0] = replace(w.settings[0], mode=A)
        report = w.cycle()
        assert w.shown(0, h(2)) != ["ana"]
        assert report.decision is not None
        assert len(report.decision.holds) == 1
        assert w.ack_all()
        w.cycle()
        assert w.shown(0, h(2)) == ["ana"]
        w.settle(2)
        assert at_rest(w)
        assert what


# --- I2, I3, I7, I11, I12, I13 ---


@pytest.mark.parametrize("shape", SHAPES)
def test_i2_a_first_export_is_one_entry_a_shift_and_a_second_writes_nothing(shape: str):
    with story(shape, A) as w:
        assert stands(w) == [(p, n * 8, n * 8 + 8) for n, p in enumerate(("ana", "ben", "cho") * 2)]
        before = len(writes(w))
        w.cycle()
        assert len(writes(w)) == before


def test_i3_no_call_ever_touches_a_humans_event_in_a_calendar():
    with story(mode=A) as w:
        ref = create(w, "dev", 0, 8)
        item = w.spots[0].items[ref]
        override(w, "cho", 0, 8)
        w.settle()
        assert w.spots[0].items[ref] == item


def test_i3_anothers_override_that_says_what_was_agreed_goes_with_a_notice_when_the_rota_changes():
    with story(PAGER, A) as w:
        create(w, "ben", 8, 16)
        override(w, "cho", 8, 16)
        w.cycle()
        assert stands(w)[1] == ("cho", 8, 16)
        assert told(w) == [("R", "ben", 8, 16)]


def test_row_4_an_adopted_override_goes_with_a_notice_when_its_shift_is_removed():
    with story(PAGER, A, gaps=2, exported=False) as w:
        override(w, "dev", 6, 8)
        create(w, "dev", 6, 8)
        w.cycle()
        w.remove_override(0)
        w.cycle()
        assert w.shown(0, h(7)) == []
        assert told(w) == [("R", "dev", 6, 8)]
        assert at_rest(w)


@pytest.mark.parametrize("shape", SHAPES)
def test_i7_what_is_past_is_never_changed(shape: str):
    with story(shape, A) as w:
        w.clock.t = h(10)
        override(w, "dev", 0, 16)
        w.settle()
        assert not w.spots[0].broken
        past = [(w.person(i.who), i.start, i.end) for i in w.spots[0].items.values() if i.start < h(10)]
        assert ("ana", h(0), h(8)) in past
        assert ("ben", h(8), h(10)) in past


@pytest.mark.parametrize(("shape", "reads"), [("calendar", 1), (PAGER, 1), (SHIFTS, 1)])
def test_i11_a_cycle_with_nothing_to_do_is_one_look_and_changes_no_ledger(shape: str, reads: int):
    with story(shape, A) as w:
        with w.store.read() as tx:
            before = tx.ledger.memory("d0")
        calls = len(w.spots[0].calls)
        w.cycle()
        assert [c.verb for c in w.spots[0].calls[calls:]] == ["read"] * reads
        with w.store.read() as tx:
            assert tx.ledger.memory("d0") == before


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("error", [Unavailable("no answer"), Denied("the token was revoked")])
def test_i12_a_failed_look_is_unknown_and_never_empty(shape: str, error: Exception):
    with story(shape, B) as w:
        override(w, "dev", 0, 8)
        before = dict(w.spots[0].items)
        fault(w, "read", Fault(error))
        report = run(w)
        assert report.error is error
        assert w.spots[0].items == before
        assert report.answers == []
        with w.store.read() as tx:
            known = tx.destinations.get("d0")
        assert known is not None
        assert known.status == ("Error" if isinstance(error, Denied) else "OK")


def test_i13_manual_between_triggers_shows_and_writes_nothing():
    with story(mode=M, exported=False) as w:
        report = w.cycle(trigger=Trigger.DAEMON)
        assert writes(w) == []
        assert report.decision is not None
        assert len(report.decision.plan.changes) == 6
        w.cycle(trigger=Trigger.EXPORT)
        edit(w, entry(w, "ana", 0), who="dev")
        w.cycle(trigger=Trigger.DAEMON)
        assert recorded(w) == []
        assert w.shown(0, h(2)) == ["dev"]
        w.cycle(trigger=Trigger.EXPORT)
        assert recorded(w) == []
        assert w.shown(0, h(2)) == ["ana"]
        assert kinds(w) == {"R"}


def test_i13_a_trigger_does_the_plan_that_was_shown_or_nothing():
    with story(mode=M, exported=False) as w:
        shown = cycle_of(w).plan().decision
        assert shown is not None
        override(w, "dev", 0, 8)
        report = run(w, digest=shown.plan.digest)
        assert report.stale
        assert writes(w) == []
        w.remove_override(0)
        report = run(w, digest=shown.plan.digest[:6])
        assert not report.stale
        assert len(writes(w)) == 6


# --- I9: the guards ---


def held(report: Report) -> list[str]:
    assert report.decision is not None
    return [hold.reason for hold in report.decision.holds]


def overridden(w: World, many: int) -> None:
    """So many short overrides in gaps, exported."""
    for n in range(many):
        override(w, "dev", n * 8 + 6, n * 8 + 8)
    w.cycle()


@pytest.mark.parametrize("shape", SHAPES)
def test_i9_three_removals_go_and_four_are_held(shape: str):
    for many in (3, 4):
        with story(shape, A, gaps=2) as w:
            overridden(w, many)
            for _ in range(many):
                w.remove_override(0)
            report = w.cycle()
            assert bool(held(report)) == (many == 4)
            assert len([said for said in stands(w) if said[0] == "dev"]) == (4 if many == 4 else 0)
            w.settle(2)
            assert [said for said in stands(w) if said[0] == "dev"] == []


def test_i9_the_limit_is_the_settings():
    with story(mode=A, gaps=2, limits=Limits(removals=4)) as w:
        overridden(w, 4)
        for _ in range(4):
            w.remove_override(0)
        assert held(w.cycle()) == []


def test_i9_removals_are_held_even_when_a_human_runs_export():
    with story(mode=A, gaps=2) as w:
        overridden(w, 4)
        for _ in range(4):
            w.remove_override(0)
        assert held(w.cycle(trigger=Trigger.EXPORT))


@pytest.mark.parametrize("shape", SHAPES)
def test_i9_an_empty_rota_over_entries_of_ours_removes_nothing(shape: str):
    with story(shape, A, limits=Limits(removals=100)) as w:
        before = dict(w.spots[0].items)
        w.rota = replace(w.rota, schedules={"s": replace(w.rota.schedules["s"], layers=())})
        report = w.cycle(trigger=Trigger.EXPORT)
        assert held(report)
        assert w.spots[0].items == before


def test_i9_both_empty_is_fine():
    with story(mode=A, exported=False) as w:
        w.rota = replace(w.rota, schedules={"s": replace(w.rota.schedules["s"], layers=())})
        assert held(w.cycle()) == []


def test_i9_more_than_ten_replacements_wait_for_whoever_runs_export():
    with story(mode=A, exported=False) as w:
        w.settings[0] = replace(w.settings[0], horizon=12 * 8 * HOUR)
        w.cycle()
        override(w, "dev", 0, 12 * 8)
        for n in range(12):
            override(w, "dev", n * 8, n * 8 + 8)
        w.rota = replace(w.rota, people=w.rota.people)
        schedule = w.rota.schedules["s"]
        layer = schedule.layers[0]
        others = replace(layer, rosters=(replace(layer.rosters[0], groups=(("ben",), ("cho",), ("ana",))),))
        for _ in range(13):
            w.remove_override(0)
        w.rota = replace(w.rota, schedules={"s": replace(schedule, layers=(others,))})
        assert held(w.cycle())
        assert first(w, 8) == [("ana", 0, 8)]
        assert held(w.cycle(trigger=Trigger.EXPORT)) == []
        assert first(w, 8) == [("ben", 0, 8)]


@pytest.mark.parametrize("shape", SHAPES)
def test_i9_all_own_entries_missing_means_creates_only(shape: str):
    with story(shape, A) as w:
        w.spots[0].items.clear()
        report = w.cycle()
        assert {action for action, _ in sent(report)} == {"create"}
        assert len(stands(w)) == 6


def test_i9_a_hold_alarms_at_once():
    with story(mode=A, gaps=2) as w:
        overridden(w, 4)
        for _ in range(4):
            w.remove_override(0)
        w.cycle()
        with w.store.read() as tx:
            said = [p.notice for p in tx.outbox.pending(w.clock.t) if p.notice["kind"] == "H"]
            (hold,) = tx.holds.open()
        assert [n["digest"] for n in said] == [hold.digest]


# --- F8, F10, F16, row 18, a lost key, F45 ---


@pytest.mark.parametrize("shape", SHAPES)
def test_f10_another_account_behind_the_name_is_never_written_to_until_acknowledged(shape: str):
    with story(shape, A) as w:
        w.spots[0].account = "somebody else's"
        override(w, "dev", 0, 8)
        before = len(writes(w))
        report = w.cycle(trigger=Trigger.EXPORT)
        assert len(writes(w)) == before
        assert report.decision is not None
        assert report.decision.whole
        with w.store.read() as tx:
            known = tx.destinations.get("d0")
            assert len(tx.holds.open()) == 1
        assert known is not None
        assert known.status == "Error"
        assert w.ack_all()
        w.settle()
        assert w.shown(0, h(2)) == ["dev"]


def test_f16_a_copy_with_our_marker_is_foreign():
    with story(mode=A) as w:
        ref = w.spots[0].human_copies(entry(w, "ana", 0).ref)
        w.spots[0].human_edits(ref, start=h(40), end=h(44))
        copy = w.spots[0].items[ref]
        report = w.cycle()
        assert report.answers == []
        assert w.spots[0].items[ref] == copy
        assert at_rest(w)


def test_row_18_an_entry_of_another_instance_is_not_touched_and_raises_an_alarm():
    with story(mode=A) as w:
        ref = w.spots[0].human_creates(h(0), h(8), "Ana Lima: Primary", marker="s1.another-instance.e30.x")
        item = w.spots[0].items[ref]
        report = w.cycle()
        assert report.answers == []
        assert w.spots[0].items[ref] == item
        assert [kind for kind, *_ in told(w)] == ["H"]


def test_a_lost_key_holds_the_destination_whole():
    with story(mode=A) as w:
        before = dict(w.spots[0].items)
        w.lose_ledger()
        w.store.close()
        for path in w.directory.iterdir():
            if path.is_file():
                path.unlink()
        w.store = w._open()
        report = w.cycle()
        assert w.spots[0].items == before
        assert report.decision is not None
        assert "does not verify" in report.decision.whole
        w.clock.t += 60
        w.cycle(trigger=Trigger.EXPORT)
        assert w.spots[0].items == before


def test_row_15_a_person_the_pager_does_not_know_leaves_the_incumbent():
    with story(PAGER, A) as w:
        w.spots[0].absent = frozenset({"dev"})
        override(w, "dev", 8, 16)
        w.cycle()
        assert w.shown(0, h(9)) == ["ben"]
        with w.store.read() as tx:
            known = tx.destinations.get("d0")
        assert known is not None
        assert known.status == "Error"


def _gone(w: World, *people: str) -> None:
    w.spots[0].absent = frozenset(people)
    for _ in range(3):
        w.clock.t += 60
        w.cycle()


@pytest.mark.parametrize("shape", [PAGER, SHIFTS])
def test_row_15_whom_a_human_put_in_the_place_of_somebody_without_an_account_stays_until_there_is_one(shape: str):
    with story(shape, A) as w:
        w.spots[0].absent = frozenset({"ben"})
        if shape == PAGER:
            create(w, "cho", 8, 16)
        else:
            edit(w, entry(w, "ben", 8), who="cho")
        _gone(w, "ben")
        assert w.shown(0, h(9)) == ["cho"]
        assert ("H", "cho", 8, 16) in told(w)
        _gone(w)
        assert w.shown(0, h(9)) == ["ben"]
        assert ("R", "cho", 8, 16) in told(w)
        assert restorable(w) == [("cho", 8, 16)]


@pytest.mark.parametrize("shape", [PAGER, SHIFTS])
def test_row_15_whom_a_human_put_in_the_place_of_somebody_without_an_account_comes_into_the_rota(shape: str):
    with story(shape, B) as w:
        w.spots[0].absent = frozenset({"ben"})
        if shape == PAGER:
            create(w, "cho", 8, 16)
        else:
            edit(w, entry(w, "ben", 8), who="cho")
        _gone(w, "ben")
        assert on_call(w, 9) == ["cho"]
        assert told(w) == [("I", "cho", 8, 16)]
        _gone(w)
        assert w.shown(0, h(9)) == ["cho"]
        assert at_rest(w)


@pytest.mark.parametrize("shape", [PAGER, SHIFTS])
def test_row_15_nothing_is_sent_for_the_rest_of_what_stands_there_if_that_person_is_missing_too(shape: str):
    with story(shape, A) as w:
        _gone(w)
        before = len(writes(w))
        override(w, "dev", 20, 24)
        _gone(w, "cho", "dev")
        assert len(writes(w)) == before
        assert w.shown(0, h(18)) == ["cho"]
        assert w.shown(0, h(22)) == ["cho"]


@pytest.mark.parametrize("mode", [A, B])
def test_row_15_whom_a_human_put_beside_somebody_without_an_account_stays(mode: Mode):
    with story(SHIFTS, mode) as w:
        w.spots[0].absent = frozenset({"ben"})
        create(w, "cho", 8, 16)
        _gone(w, "ben")
        assert "cho" in w.shown(0, h(9))


def test_row_19_of_two_that_say_the_same_the_one_we_remember_stays():
    with story(mode=A) as w:
        remembered = entry(w, "ana", 0)
        w.cycle()
        override(w, "dev", 0, 8)
        w.cycle()
        edit(w, entry(w, "ben", 8), who="dev", start=0, end=8)
        w.settle()
        assert remembered.ref in w.spots[0].items
        assert first(w, 16) == [("dev", 0, 8), ("ben", 8, 16)]


def test_f45_nothing_is_removed_in_a_cycle_in_which_the_clock_went_back():
    with story(mode=A, gaps=2) as w:
        overridden(w, 1)
        w.remove_override(0)
        w.clock.t -= 3600
        report = w.cycle()
        assert ("dev", 6, 8) in stands(w)
        assert report.waiting
        w.clock.t += 7200
        w.settle()
        assert ("dev", 6, 8) not in stands(w)


def test_f45_nothing_is_removed_while_the_destinations_clock_differs_from_ours():
    with story(mode=A, gaps=2) as w:
        overridden(w, 1)
        w.remove_override(0)
        w.spots[0].clock = lambda: w.clock.t + 3600
        w.cycle()
        assert ("dev", 6, 8) in stands(w)


@pytest.mark.parametrize("shape", SHAPES)
def test_f15_two_bidirectional_destinations_of_one_rota_are_quiet_after_three_cycles(shape: str):
    with story(shape, B, count=2) as w:
        if shape == PAGER:
            create(w, "dev", 0, 8, n=0)
            create(w, "cho", 16, 24, n=1)
        else:
            edit(w, entry(w, "ana", 0, n=0), n=0, who="dev")
            edit(w, entry(w, "cho", 16, n=1), n=1, who="dev")
        for _ in range(3):
            w.cycle(0)
            w.cycle(1)
        before = len(writes(w, 0)) + len(writes(w, 1))
        for _ in range(5):
            w.cycle(0)
            w.cycle(1)
        assert len(writes(w, 0)) + len(writes(w, 1)) == before
        assert w.shown(0, h(2)) == w.shown(1, h(2)) == w.wanted(h(2))


def test_i10_a_failing_destination_does_not_hinder_another():
    with story(mode=A, count=2, exported=False) as w:
        fault(w, "read", lost(), n=0)
        w.cycle(0)
        w.cycle(1)
        assert stands(w, 0) == []
        assert len(stands(w, 1)) == 6


def test_f13_an_event_that_a_human_changed_meanwhile_is_read_again_and_not_overwritten():
    with story() as w:
        override(w, "dev", 0, 8)
        item = entry(w, "ana", 0)

        def human(call):
            if call.verb == "replace":
                w.spots[0].hook = None
                edit(w, item, who="cho")

        w.spots[0].hook = human
        w.cycle()
        w.settle()
        assert told(w) == [("C", "cho", 0, 8)]  # both changed, differently: the rota wins, with a word
        assert restorable(w) == [("cho", 0, 8)]
        assert w.shown(0, h(2)) == ["dev"]


_ = delete


@pytest.mark.parametrize("shape", [CALENDAR, PAGER])
def test_where_every_override_is_approved_first_an_edit_waits_as_a_conflict(shape: str):
    with story(shape, B) as w:
        w.rota = replace(w.rota, schedules={"s": replace(w.rota.schedules["s"], approval=Approval.ALL)})
        if shape == PAGER:
            create(w, "dev", 8, 16)
        else:
            edit(w, entry(w, "ben", 8), who="dev")
        report = w.cycle()
        assert imports(report) == []
        assert recorded(w) == []
        assert w.shown(0, h(9)) == ["dev"]
        assert kinds(w) == {"C"}


def test_what_was_imported_once_and_withdrawn_is_put_back_though_the_ledger_forgot_that_it_agreed():
    with story() as w:
        edit(w, entry(w, "ana", 0), who="cho")
        fault(w, "replace", REFUSED)  # not signed
        w.cycle()
        w.remove_override(0)
        with w.store.write() as tx:
            for row in tx.ledger.memory("d0").rows:
                tx.ledger.put_row(
                    "d0", replace(row, accepted=row.accepted._replace(person="ana")) if row.accepted.start == h(0) else row
                )
        assert imports(w.cycle()) == []
        assert on_call(w, 2) == ["ana"]
