"""The shift-based PagerDuty connector keeps the contract, and obeys what the vendor allows of a started shift."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from connectors.pagerduty_v3 import PagerDutyV3
from syncd.connector import Rejected, Site, Stale, Unavailable, Unsupported
from syncd.core.model import DAY, HOUR, Instant, Window
from tests.connectors.conformance import SITE, WINDOW, Conformance, T, op, said, shift
from tests.connectors.pagerduty_place import LAYERS, METHODS, SHIFTS, account, fault, options, user
from tests.simulators.common import Fault
from tests.simulators.pagerduty import PagerDuty as Vendor
from tests.simulators.pagerduty_account import Layer


@pytest.fixture
def place() -> Iterator[Vendor]:
    with account() as there:
        yield there


class TestPagerDutyV3(Conformance):
    def make(self, place: Vendor, site: Site) -> PagerDutyV3:
        return PagerDutyV3(options(place, schedule=SHIFTS), site)

    def human_creates(self, place: Vendor, start: Instant, end: Instant, who: str) -> str:
        return place.human_adds_shift(SHIFTS, user(place, who), start, end)

    def human_moves(self, place: Vendor, ref: str, start: Instant, end: Instant) -> None:
        place.human_changes_shift(SHIFTS, ref, start=start, end=end)

    def human_gives(self, place: Vendor, ref: str, who: str) -> None:
        place.human_changes_shift(SHIFTS, ref, user=user(place, who))

    def human_deletes(self, place: Vendor, ref: str) -> None:
        place.human_deletes(SHIFTS, ref)

    def fault(self, place: Vendor, verb: str, kind: str) -> None:
        place.faults.add(fault(METHODS[verb], kind))

    def writes(self, place: Vendor) -> int:
        return len(place.journal.writes())

    def reads(self, place: Vendor) -> int:
        return len(place.journal.reads())


@pytest.fixture
def pager(place: Vendor) -> Iterator[PagerDutyV3]:
    connector = PagerDutyV3(options(place, schedule=SHIFTS), SITE)
    yield connector
    connector.close()


def test_several_people_are_on_call_at_once(pager: PagerDutyV3) -> None:
    for number, who in enumerate(("ana", "ben", "cho")):
        pager.create(shift(who), op(f"a{number}"))
    assert sorted(entry.person or "" for entry in pager.read(WINDOW, {}).entries) == ["ana", "ben", "cho"]
    assert pager.capabilities.people is None


def test_a_look_at_rest_is_one_read_and_searches_nobody(place: Vendor, pager: PagerDutyV3) -> None:
    pager.create(shift(), op("a1"))
    first = pager.read(WINDOW, {})
    before = len(place.journal)
    other = PagerDutyV3(options(place, schedule=SHIFTS), replace(SITE, found=first.found))
    second = other.read(WINDOW, {entry.ref: entry.version or "" for entry in first.entries})
    assert [call.path for call in place.journal[before:]] == [f"/v3/schedules/{SHIFTS}/custom_shifts"]
    assert (second.entries, second.fingerprint) == (first.entries, first.fingerprint)
    other.close()


def test_every_page_is_read(place: Vendor, pager: PagerDutyV3) -> None:
    for number in range(250):
        place.human_adds_shift(SHIFTS, user(place, "ana"), T + number * HOUR, T + (number + 1) * HOUR)
    assert len(pager.read(WINDOW, {}).entries) == 250
    assert [call.first("offset") for call in place.journal.of("GET", "custom_shifts$")] == ["0", "100", "200"]


def test_a_shift_of_nobody_is_a_gap_and_no_entry(place: Vendor, pager: PagerDutyV3) -> None:
    place.human_adds_shift(SHIFTS, None, T, T + HOUR)
    entry = pager.create(shift(), op("a1"))
    assert [one.ref for one in pager.read(WINDOW, {}).entries] == [entry.ref]
    place.human_changes_shift(SHIFTS, entry.ref, user=None)
    assert pager.read(WINDOW, {entry.ref: entry.version or ""}).entries == ()


def test_only_the_end_of_a_started_shift_is_changed(place: Vendor, pager: PagerDutyV3) -> None:
    entry = pager.create(shift(), op("a1"))
    place.clock.set(T + HOUR)
    changed = pager.replace(entry, shift(end=T + 2 * HOUR), op("a1"))
    assert said(changed) == (T, T + 2 * HOUR, "ana")
    assert place.journal.of("PUT")[0].json == {"custom_shift": {"end_time": "2027-03-08T02:00:00Z"}}
    for other in (shift("ben", end=T + 2 * HOUR), shift(start=T + HOUR, end=T + 2 * HOUR)):
        with pytest.raises(Rejected, match="has started"):
            pager.replace(changed, other, op("a1"))
    assert len(place.journal.of("PUT")) == 1


def test_a_change_says_only_what_changes(place: Vendor, pager: PagerDutyV3) -> None:
    entry = pager.create(shift(), op("a1"))
    pager.replace(entry, shift("ben"), op("a1"))
    member = {"type": "user_member", "user_id": user(place, "ben")}
    assignments = [{"type": "shift_assignment", "member": member}]
    assert [call.json for call in place.journal.of("PUT")] == [{"custom_shift": {"assignments": assignments}}]


def test_deleting_a_running_shift_ends_it_and_a_past_one_is_refused(place: Vendor, pager: PagerDutyV3) -> None:
    pager.create(shift(), op("a1"))
    place.clock.set(T + HOUR)
    [entry] = pager.read(WINDOW, {}).entries
    pager.delete(entry, op("a1"))
    [ended] = pager.read(WINDOW, {}).entries
    assert said(ended) == (T, T + HOUR, "ana")
    with pytest.raises(Rejected, match="may be over"):
        pager.delete(ended, op("a1"))


def test_a_look_before_a_write_that_fails_leaves_no_doubt(place: Vendor, pager: PagerDutyV3) -> None:
    entry = pager.create(shift(), op("a1"))
    for call in (lambda: pager.replace(entry, shift("ben"), op("a1")), lambda: pager.delete(entry, op("a1"))):
        place.faults.add(Fault(method="GET", drop="before"))
        with pytest.raises(Unavailable) as failure:
            call()
        assert failure.value.refused
        place.faults.clear()
    assert len(place.journal.writes()) == 1


def test_a_shift_deleted_between_the_look_and_the_change_is_stale(place: Vendor, pager: PagerDutyV3) -> None:
    entry = pager.create(shift(), op("a1"))
    place.faults.add(Fault(method="PUT", status=404, body={"error": {"message": "Not Found", "code": 2100}}))
    with pytest.raises(Stale, match="is gone"):
        pager.replace(entry, shift("ben"), op("a1"))


def test_a_layer_based_schedule_is_unsupported(place: Vendor) -> None:
    pager = PagerDutyV3(options(place, schedule=LAYERS), SITE)
    with pytest.raises(Unsupported, match=r"layer-based.*kind: pagerduty"):
        pager.read(WINDOW, {})
    with pytest.raises(Unsupported):
        pager.create(shift(), op("a1"))
    [finding] = pager.doctor()
    assert not finding.ok
    pager.close()


def test_a_schedule_that_went_missing_is_not_an_entry_deleted(place: Vendor, pager: PagerDutyV3) -> None:
    entry = pager.create(shift(), op("a1"))
    with place.hand():
        del place.account.schedules[SHIFTS]
    with pytest.raises(Rejected, match="no schedule PSHIFT1"):
        pager.delete(entry, op("a1"))
    with pytest.raises(Rejected, match="no schedule PSHIFT1"):
        pager.read(WINDOW, {entry.ref: ""})


def test_an_answer_without_its_list_is_no_empty_list(place: Vendor, pager: PagerDutyV3) -> None:
    json = {"content-type": "application/json"}
    member = {"type": "user_member", "user_id": "P1"}
    bodies: list[Any] = [
        {}, [], {"custom_shifts": {}}, {"custom_shifts": [{"id": "A1"}]},
        {"custom_shifts": [{"assignments": [{"member": member}]}]},
        {"custom_shifts": [{"id": "A1", "assignments": [{"member": member}], "start_time": "2027-03-08T00:00:00"}]},
    ]  # fmt: skip
    for body in bodies:
        place.faults.add(Fault(method="GET", status=200, body=body, headers=json))
        with pytest.raises(Unavailable):
            pager.read(WINDOW, {})
    assert pager.read(WINDOW, {}).entries == ()


def test_doctor_tells_of_overrides_and_of_rotations_beside_the_rota(place: Vendor, pager: PagerDutyV3) -> None:
    entry = pager.create(shift(), op("a1"))
    assert [(one.text, one.ok) for one in pager.doctor()][-1] == ("none over custom shifts in the next 30 days", True)
    place.human_overrides_shift(SHIFTS, entry.ref, user(place, "ben"), T, T + HOUR)
    with place.hand():
        place.account.schedules[SHIFTS].rotations["R1"] = Layer([user(place, "cho")], T, HOUR)
    findings = {finding.what: finding for finding in pager.doctor()}
    assert findings["overrides"].text.startswith("1 over custom shifts")
    assert (findings["rotations"].ok, findings["rotations"].text) == (
        False,
        "rotations of this schedule page 1 person besides the rota",
    )
    place.renders = False
    assert "does not render" in {one.what: one for one in pager.doctor()}["final schedule"].text
    place.renders = True
    place.faults.add(Fault(method="GET", path=f"{SHIFTS}$", first=2, status=503))
    assert [finding.ok for finding in pager.doctor() if finding.what == "final schedule"] == [False]


def test_an_override_is_an_entry_that_lies_over_ours(place: Vendor, pager: PagerDutyV3) -> None:
    ours = pager.create(shift(), op("a1"))
    ref = place.human_overrides_shift(SHIFTS, ours.ref, user(place, "ben"), T + HOUR, T + 2 * HOUR)
    seen = pager.read(WINDOW, {})
    [over] = [one for one in seen.entries if one.ref == f"overrides/{ref}"]
    assert (said(over), over.over) == ((T + HOUR, T + 2 * HOUR, "ben"), ours.ref)
    assert [(*said(one), one.ref) for one in seen.paged] == [  # type: ignore[arg-type]
        (ours.start, T + HOUR, "ana", ours.ref),
        (T + HOUR, T + 2 * HOUR, "ben", over.ref),
        (T + 2 * HOUR, ours.end, "ana", ours.ref),
    ]  # fmt: skip
    pager.delete(over, op("a2"))
    pager.delete(over, op("a2"))
    assert [one.ref for one in pager.read(WINDOW, {over.ref: over.version or ""}).entries] == [ours.ref]


def test_an_override_given_to_somebody_else_meanwhile_is_stale(place: Vendor, pager: PagerDutyV3) -> None:
    ours = pager.create(shift(), op("a1"))
    ref = place.human_overrides_shift(SHIFTS, ours.ref, user(place, "ben"), T + HOUR, T + 2 * HOUR)
    [over] = [one for one in pager.read(WINDOW, {}).entries if one.over]
    with place.hand():
        place.account.schedules[SHIFTS].v3_overrides[ref].overriding = {"type": "user_member", "user_id": user(place, "cho")}
    with pytest.raises(Stale, match=f"the override {ref}"):
        pager.delete(over, op("a2"))
    assert place.account.schedules[SHIFTS].v3_overrides


def test_an_override_told_in_pieces_is_one_entry(place: Vendor, pager: PagerDutyV3) -> None:
    """Whether the vendor clips the rendering at the window's edges or not, and where a long window is read in slices."""
    ours = pager.create(shift(start=T - 100 * DAY, end=T + 200 * DAY), op("a1"))
    ref = place.human_overrides_shift(SHIFTS, ours.ref, user(place, "ben"), T - 10 * DAY, T + 190 * DAY)
    for clips in (False, True):
        place.clips_rendered = clips
        seen = pager.read(Window(T, T + 180 * DAY), {})
        assert [said(one) for one in seen.entries if one.over] == [(T - 10 * DAY, T + 190 * DAY, "ben")]
        assert [one.ref for one in seen.paged] == [f"overrides/{ref}"]


@pytest.mark.parametrize("left_out", ["shift_id", "type"])
def test_what_the_source_of_a_piece_leaves_out_is_asked_for(place: Vendor, pager: PagerDutyV3, left_out: str) -> None:
    ours = pager.create(shift(), op("a1"))
    ref = place.human_overrides_shift(SHIFTS, ours.ref, user(place, "ben"), T + HOUR, T + 2 * HOUR)
    place.leaves_out = left_out
    assert [(one.ref, one.over) for one in pager.read(WINDOW, {}).entries if one.over] == [(f"overrides/{ref}", ours.ref)]


def test_a_list_without_an_end_is_no_look(place: Vendor, pager: PagerDutyV3) -> None:
    place.human_adds_shift(SHIFTS, user(place, "ana"), T, T + HOUR)
    one = {"id": "A1", "start_time": "2027-03-08T00:00:00Z", "end_time": "2027-03-08T01:00:00Z"}
    member = {"type": "user_member", "user_id": user(place, "ana")}
    body = {"custom_shifts": [{**one, "assignments": [{"member": member}]}], "more": True}
    place.faults.add(Fault(method="GET", status=200, body=body, headers={"content-type": "application/json"}, times=None))
    with pytest.raises(Unavailable, match="more than 100 pages"):
        pager.read(WINDOW, {})
    assert len(place.journal) == 100


def test_a_page_that_is_empty_before_the_end_is_no_look(place: Vendor, pager: PagerDutyV3) -> None:
    place.faults.add(Fault(method="GET", path="custom_shifts$", status=200, body={"custom_shifts": [], "more": True}))
    with pytest.raises(Unavailable, match="empty page"):
        pager.read(WINDOW, {})


@pytest.mark.parametrize("status", [400, 404])
def test_an_id_from_before_an_upgrade_is_gone(place: Vendor, pager: PagerDutyV3, status: int) -> None:
    place.faults.add(Fault(path="custom_shifts/Q1$", status=status, body={"error": {"message": "Not Found", "code": 2100}}))
    assert pager.read(WINDOW, {"Q1": ""}).entries == ()


def test_a_create_that_the_answer_does_not_mention_is_unknown(place: Vendor, pager: PagerDutyV3) -> None:
    place.faults.add(Fault(method="POST", status=201, body={"custom_shifts": []}, headers={"content-type": "application/json"}))
    with pytest.raises(Unavailable, match="does not mention") as failure:
        pager.create(shift(), op("a1"))
    assert not failure.value.refused


def test_a_server_that_refuses_to_render_is_read_nonetheless(place: Vendor, pager: PagerDutyV3) -> None:
    ours = pager.create(shift(), op("a1"))
    ref = place.human_overrides_shift(SHIFTS, ours.ref, user(place, "ben"), T + HOUR, T + 2 * HOUR)
    wrong = {"error": {"message": "Invalid Request", "code": 2001, "errors": {"include": ["is not known"]}}}
    place.faults.add(Fault(method="GET", path=f"{SHIFTS}$", status=400, body=wrong))
    seen = pager.read(WINDOW, {})
    assert [(one.ref, one.over) for one in seen.entries if one.over] == [(f"overrides/{ref}", ours.ref)]
    assert [said(one)[2] for one in seen.paged] == ["ben", "ana", "ana"]  # type: ignore[arg-type]
