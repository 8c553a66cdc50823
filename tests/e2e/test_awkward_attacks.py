"""What people, rotas and clocks do to a calendar on an odd server: hostile names, changed settings, strange events."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import Any

import pytest

from syncd.core.mode import Mode
from syncd.core.model import DAY, HOUR, Person, Role, basic
from syncd.cycle import Report, Trigger
from tests.connectors.conformance import HOSTILE
from tests.e2e.awkward_world import AwkwardWorld, awkward
from tests.machine.world import HORIZON, NAMES, T0, rota
from tests.simulators.awkward_caldav import Quirk
from tests.simulators.awkward_text import said

A, B, M = Mode.AUTHORITATIVE, Mode.BIDIRECTIONAL, Mode.MANUAL


def people(world: AwkwardWorld, **changed: Person) -> None:
    world.rota = replace(world.rota, people={**world.rota.people, **changed})


def role(world: AwkwardWorld, **changed: Any) -> None:
    world.rota = replace(world.rota, roles={"primary": replace(world.rota.roles["primary"], **changed)})


def schedule(world: AwkwardWorld, **changed: Any) -> None:
    world.rota = replace(world.rota, schedules={"s": replace(world.rota.schedules["s"], **changed)})


def settings(world: AwkwardWorld, **changed: Any) -> None:
    world.settings[0] = replace(world.settings[0], **changed)


def done(report: Report) -> list[str]:
    assert report.error is None, report.error
    return sorted(answer.call.change.action.value for answer in report.answers)


def rows(report: Report) -> list[tuple[str, float, float, str]]:
    assert report.error is None, report.error
    assert report.decision is not None
    drifts = [d for d in report.decision.plan.drifts if d.row != "1"]
    return [(d.row, (d.start - T0) / HOUR, (d.end - T0) / HOUR, d.do.name.lower()) for d in drifts]


def at_rest(world: AwkwardWorld) -> None:
    before = len(world.there.writes())
    report = world.cycle()
    assert [row for row in rows(report) if row[3] != "keep"] == []
    assert report.decision is not None
    assert report.decision.plan.empty, report.decision.plan.changes
    assert len(world.there.writes()) == before


def first(world: AwkwardWorld) -> str:
    return world.future(0)[0].ref + ".ics"


ALL_REWRITES = (Quirk.REFORMATS, Quirk.STAMPS, Quirk.REWRITES_SUMMARY, Quirk.ADDS_ALARM, Quirk.NEW_ETAG_ALWAYS)

STRANGE_NAMES = {
    **HOSTILE,
    "the title of the role": "Primary",
    "nothing but an emoji": "\U0001f600",
    "a name that contains another's": "Ben Okafor Jr",
    "part of another's name": "Ben",
    "a question mark": "?",
    "only white space and controls": "\x00 \x07",
    "backslashes": "C:\\new\\table\\,;",
}


@pytest.mark.parametrize("mode", [A, B])
@pytest.mark.parametrize("name", list(STRANGE_NAMES.values()), ids=list(STRANGE_NAMES))
def test_a_strange_name_is_data_all_the_way(name: str, mode: Mode) -> None:
    with awkward(*ALL_REWRITES, mode=mode, exported=False) as w:
        people(w, ana=Person(id="ana", name=name))
        assert set(done(w.cycle())) == {"create"}
        at_rest(w)
        w.there.migrate()
        at_rest(w)
        w.lose_ledger()
        w.cycle()
        assert not w.ack_all()
        at_rest(w)


def test_an_alias_that_is_anothers_address_names_nobody() -> None:
    with awkward(exported=False) as w:
        people(
            w,
            ana=Person(id="ana", name="Ana Lima", aliases=("ben@example.com",)),
            ben=Person(id="ben", name="Ben Okafor", email="ben@example.com"),
        )
        w.cycle()
        at_rest(w)
        w.human_edits(0, 0, who="ben@example.com")
        report = w.cycle()
        assert report.decision is not None
        assert report.decision.plan.pulls == ()
        assert done(report) == []


@pytest.mark.parametrize("mode", [A, B, M])
def test_a_person_renamed_in_the_rota_is_nobodys_edit(mode: Mode) -> None:
    with awkward(*ALL_REWRITES, mode=mode) as w:
        people(w, ana=Person(id="ana", name="Anita Brown"))
        report = w.cycle(trigger=Trigger.EXPORT)
        assert set(done(report)) == {"replace"}
        assert rows(report) == []
        at_rest(w)


@pytest.mark.parametrize(
    "quirk", [Quirk.REFORMATS, Quirk.DROPS_UNKNOWN, Quirk.STAMPS, Quirk.REWRITES_SUMMARY, Quirk.NO_ETAG_ON_PUT]
)
def test_two_people_swap_names(quirk: Quirk) -> None:
    with awkward(quirk) as w:
        people(w, ana=Person(id="ana", name=NAMES["ben"]), ben=Person(id="ben", name=NAMES["ana"]))
        report = w.cycle(trigger=Trigger.EXPORT)
        assert rows(report) == []
        assert report.decision is not None
        assert report.decision.plan.pulls == ()


@pytest.mark.parametrize("quirk", [None, *ALL_REWRITES, Quirk.DROPS_UNKNOWN, Quirk.WEAK_ETAGS])
def test_a_changed_title_template_is_nobodys_edit(quirk: Quirk | None) -> None:
    with awkward(*([quirk] if quirk else [])) as w:
        settings(w, options=replace(w.settings[0].options, title="[{role}] on call now {person}"))
        report = w.cycle(trigger=Trigger.EXPORT)
        assert rows(report) == []
        at_rest(w)


@pytest.mark.parametrize("mode", [A, B])
def test_a_role_grows_to_two_and_back(mode: Mode) -> None:
    with awkward(mode=mode) as w:
        w.rota = rota(2)
        w.quiet()
        w.rota = rota(1)
        w.quiet()


def test_bidirectional_to_authoritative_and_back() -> None:
    with awkward(mode=B) as w:
        w.human_edits(0, 0, who="dev")
        settings(w, mode=A)
        report = w.cycle()
        assert done(report) == []  # a human's edit is overwritten only after a word
        settings(w, mode=B)
        w.settle(1)
        w.quiet()


def test_another_role_at_the_same_destination() -> None:
    with awkward(mode=A) as w:
        schedule(w, layers=tuple(replace(layer, role="backup") for layer in w.rota.schedules["s"].layers))
        w.rota = replace(w.rota, roles={**w.rota.roles, "backup": Role(id="backup", title="Backup", people=1)})
        settings(w, role="backup")
        w.cycle()
        w.ack_all()
        w.cycle()
        w.cycle()
        at_rest(w)
        assert {i.who.rpartition(" ")[2] for i in w.future(0)} == {"Backup"}


def test_a_horizon_shortened_removes_nothing_and_lengthened_adds() -> None:
    with awkward(mode=A) as w:
        before = len(w.future(0))
        settings(w, horizon=HORIZON // 4)
        at_rest(w)
        assert len(w.future(0)) == before
        settings(w, horizon=HORIZON * 2)
        assert set(done(w.cycle())) == {"create"}
        at_rest(w)


@pytest.mark.parametrize("mode", [A, B])
def test_an_emptied_rota_is_held_whole(mode: Mode) -> None:
    with awkward(mode=mode) as w:
        before = len(w.future(0))
        schedule(w, layers=())
        assert done(w.cycle(trigger=Trigger.EXPORT)) == []
        assert len(w.future(0)) == before
        assert w.ack_all()
        w.cycle(trigger=Trigger.EXPORT)
        assert [i for i in w.future(0) if i.start > w.clock.t] == []


@pytest.mark.parametrize("by", [HOUR, -HOUR, DAY, -DAY])
def test_a_clock_that_is_wrong_deletes_nothing(by: int) -> None:
    with awkward(mode=A) as w:
        right = w.there.clock
        w.clock.t += 9 * HOUR
        w.cycle()
        true = w.clock.t
        w.there.clock = lambda: true
        w.clock.t += by
        w.there.calls.clear()
        w.cycle()
        assert not [call for call in w.there.calls if call[0] == "DELETE"]
        w.clock.t = true
        w.there.clock = right
        w.cycle()
        w.quiet()


@pytest.mark.parametrize("quirk", [None, Quirk.ZONES_OFF, Quirk.REFORMATS, Quirk.ADDS_ALARM])
def test_zoned_times_with_alarms_across_a_clock_change(quirk: Quirk | None) -> None:
    for change in (26 * DAY, 236 * DAY):  # 2026-03-29 and 2026-10-25 in Berlin
        with awkward(*([quirk] if quirk else []), exported=False, options={"zone": "Europe/Berlin", "alarm": 30}) as w:
            w.clock.t = T0 + change
            w.cycle()
            at_rest(w)
            w.quiet()


def test_a_thousand_meetings_of_others_are_left_alone() -> None:
    with awkward(exported=False) as w:
        for n in range(1_000):
            start = T0 + n * HOUR // 20
            w.there.put(f"m{n}.ics", meeting(f"m{n}", start, start + HOUR))
        w.seen.refresh()
        w.cycle()
        at_rest(w)
        assert sum(name.startswith("m") and name[1:-4].isdecimal() for name in w.there.objects) == 1_000


@pytest.mark.parametrize("quirk", [None, Quirk.WEAK_ETAGS, Quirk.ALL_RANGES, Quirk.LISTS_GONE])
def test_recurring_meetings_cost_one_request_at_rest(quirk: Quirk | None) -> None:
    with awkward(*([quirk] if quirk else []), exported=False) as w:
        for n in range(5):
            w.there.put(f"m{n}.ics", meeting(f"m{n}", T0 - 30 * DAY, T0 - 30 * DAY + HOUR, "RRULE:FREQ=DAILY\r\n"))
        w.cycle()
        w.cycle()
        w.there.calls.clear()
        at_rest(w)
        assert [call[0] for call in w.there.calls] == ["REPORT"]


def meeting(uid: str, start: int, end: int, more: str = "") -> str:
    return (
        f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:{basic(start)}\r\n"
        f"DTSTART:{basic(start)}\r\nDTEND:{basic(end)}\r\nSUMMARY:Stand-up Ana Lima\r\n{more}END:VEVENT\r\nEND:VCALENDAR\r\n"
    )


@pytest.mark.parametrize("mode", [A, B])
@pytest.mark.parametrize(
    "lines",
    [
        {"RRULE": "FREQ=DAILY"},
        {"STATUS": "CANCELLED"},
        {"ATTENDEE": "mailto:eve@example.com", "ORGANIZER": "mailto:ana@example.com"},
        {"CLASS": "PRIVATE", "TRANSP": "OPAQUE"},
        {"SUMMARY": ""},
        {"SUMMARY": "Ana Lima and Ben Okafor"},
        {"DTEND": basic(T0 - 5 * HOUR)},
        {"X-SYNCD-MARKER": "s1.other.e30.bm9uZQ"},
        {"X-SYNCD-MARKER": ""},
        {"UID": "another"},
    ],
    ids=lambda lines: " ".join(lines),
)
def test_a_human_turns_our_event_into_something_else(lines: dict[str, str], mode: Mode) -> None:
    with awkward(mode=mode) as w:
        w.there.edit(first(w), **lines)
        w.seen.refresh()
        w.cycle()
        w.ack_all()
        w.cycle()
        w.cycle()
        at_rest(w)
        assert not w.seen.broken


@pytest.mark.parametrize("mode", [A, B])
def test_a_human_turns_our_event_into_a_day(mode: Mode) -> None:
    with awkward(mode=mode) as w:
        name = w.future(0)[2].ref + ".ics"
        text = w.there.objects[name].text
        start, end = said(text).start, said(text).end
        w.there.put(
            name,
            text.replace(f"DTSTART:{basic(start)}", "DTSTART;VALUE=DATE:20260303").replace(
                f"DTEND:{basic(end)}", "DTEND;VALUE=DATE:20260304"
            ),
        )
        w.seen.wrote_at(name.removesuffix(".ics"))
        w.cycle()
        w.quiet()


@pytest.mark.parametrize("quirk", [None, Quirk.UID_403, Quirk.UID_409, Quirk.UID_412, Quirk.UIDS_STAY_TAKEN, Quirk.DROPS_UNKNOWN])
def test_an_object_that_goes_by_another_name_now_is_no_duplicate(quirk: Quirk | None) -> None:
    with awkward(*([quirk] if quirk else []), mode=B) as w:
        name = first(w)
        w.there.rename(name, "moved.ics")
        w.seen.refresh()
        for _ in range(3):
            w.cycle()
            w.ack_all()
        at_rest(w)


def test_two_instances_in_one_calendar_leave_each_other_alone() -> None:
    with awkward(mode=A) as one:
        mine = dict(one.there.objects)
        two = AwkwardWorld(one.there, A)
        try:
            report = two.cycle()
            assert report.decision is not None
            assert done(report) == []
            assert report.decision.holds or report.decision.whole
            assert one.there.objects == mine
            one.there.clock = one.clock.now
            one.there.watch = one.seen.watched
            at_rest(one)
        finally:
            two.close()


@pytest.mark.parametrize("mode", [A, B])
def test_with_store_and_key_lost_nothing_is_touched(mode: Mode) -> None:
    with awkward(mode=mode) as w:
        before = dict(w.there.objects)
        w.store.close()
        shutil.rmtree(w.directory)
        w.directory.mkdir()
        w.store = w._open()
        for _ in range(3):
            assert done(w.cycle()) == []
        assert w.there.objects == before
