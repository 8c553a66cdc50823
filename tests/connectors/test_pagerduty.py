"""The layer-based PagerDuty connector keeps the contract, and knows what the vendor's answers mean."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from connectors.pagerduty import PagerDuty
from syncd.connector import CreatesMany, Entry, Paged, Rejected, Site, Unavailable, Unsupported
from syncd.core.model import DAY, HOUR, Instant, Window
from tests.connectors.conformance import NOW, SITE, WINDOW, Conformance, T, op, said, shift
from tests.connectors.pagerduty_place import LAYERS, METHODS, account, fault, options, user
from tests.simulators.common import Fault
from tests.simulators.pagerduty import PagerDuty as Vendor
from tests.simulators.pagerduty_account import Layer

LISTS = rf"^/schedules/{LAYERS}/overrides$"
ONE_LOOK = Window(T, T + 8 * HOUR)


@pytest.fixture
def place() -> Iterator[Vendor]:
    with account() as there:
        yield there


@pytest.fixture
def pager(place: Vendor) -> Iterator[PagerDuty]:
    connector = PagerDuty(options(place), SITE)
    yield connector
    connector.close()


class TestPagerDuty(Conformance):
    def make(self, place: Vendor, site: Site) -> PagerDuty:
        return PagerDuty(options(place), site)

    def human_creates(self, place: Vendor, start: Instant, end: Instant, who: str) -> str:
        return place.human_overrides(LAYERS, user(place, who), start, end)

    def human_deletes(self, place: Vendor, ref: str) -> None:
        place.human_deletes(LAYERS, ref)

    def fault(self, place: Vendor, verb: str, kind: str) -> None:
        place.faults.add(fault(METHODS[verb], kind))

    def writes(self, place: Vendor) -> int:
        return len(place.journal.writes())

    def reads(self, place: Vendor) -> int:
        return len(place.journal.reads())


# --- who is on top ----------------------------------------------------------------------------


def layers(place: Vendor, who: str, start: Instant, end: Instant) -> None:
    with place.hand():
        place.account.schedules[LAYERS].layers.insert(0, Layer([user(place, who)], start, DAY, end))


@pytest.mark.parametrize("joins", [True, False], ids=["neighbours joined", "every piece told"])
def test_whoever_was_put_there_last_is_paged(place: Vendor, pager: PagerDuty, joins: bool) -> None:
    place.joins_rendered = joins
    layers(place, "cho", T, T + 4 * HOUR)
    layers(place, "Zoe Unknown", T, T + 2 * HOUR)
    below = pager.create(shift(start=T + HOUR, end=T + 6 * HOUR), op("a1"))
    top = place.human_overrides(LAYERS, user(place, "ben"), T + 3 * HOUR, T + 5 * HOUR)
    assert pager.read(ONE_LOOK, {}).paged == (
        Paged(start=T, end=T + HOUR, person=None, title="Zoe Unknown"),
        Paged(start=T + HOUR, end=T + 3 * HOUR, person="ana", ref=below.ref),
        Paged(start=T + 3 * HOUR, end=T + 5 * HOUR, person="ben", ref=top),
        Paged(start=T + 5 * HOUR, end=T + 6 * HOUR, person="ana", ref=below.ref),
    )


def test_touching_overrides_of_one_person_are_told_apart(pager: PagerDuty) -> None:
    first, second = (pager.create(shift(start=T + at * HOUR, end=T + (at + 4) * HOUR), op(f"a{at}")) for at in (0, 4))
    assert [(one.start, one.ref) for one in pager.read(ONE_LOOK, {}).paged] == [(T, first.ref), (T + 4 * HOUR, second.ref)]


def test_of_two_that_say_the_same_ours_is_named(place: Vendor, pager: PagerDuty) -> None:
    refs = [place.human_overrides(LAYERS, user(place, "ana"), T, T + 8 * HOUR) for _ in range(4)]
    for ours in refs:
        assert [one.ref for one in pager.read(ONE_LOOK, {ours: ""}).paged] == [ours]


def test_a_write_that_falls_between_the_two_reads_makes_the_look_again(place: Vendor, pager: PagerDuty) -> None:
    """The list of overrides lags behind the rendered schedule for one look: who is on top cannot be told from the two."""
    pager.read(ONE_LOOK, {})
    ref = place.human_overrides(LAYERS, user(place, "ben"), T, T + 8 * HOUR)
    place.faults.add(Fault(path=LISTS, status=200, body={"overrides": []}, headers={"content-type": "application/json"}))
    assert [one.ref for one in pager.read(ONE_LOOK, {}).paged] == [ref]


def test_two_lists_that_go_on_disagreeing_are_no_look(place: Vendor, pager: PagerDuty) -> None:
    place.lag = 60
    pager.create(shift(), op("a1"))
    with pytest.raises(Unavailable, match="disagree at 2027-03-08T00:00:00Z"):
        pager.read(ONE_LOOK, {})
    place.clock.advance(60)
    assert len(pager.read(ONE_LOOK, {}).entries) == 1


def test_what_one_list_lacks_is_gone_only_if_a_second_lacks_it_too(place: Vendor, pager: PagerDuty) -> None:
    place.joins_rendered = False
    entry = pager.create(shift(start=T + 9 * HOUR, end=T + 10 * HOUR), op("a1"))
    place.faults.add(Fault(path=LISTS, status=200, body={"overrides": []}, headers={"content-type": "application/json"}))
    observation = pager.read(ONE_LOOK, {entry.ref: ""})
    assert [one.ref for one in observation.entries] == [entry.ref]


# --- budget -----------------------------------------------------------------------------------


def test_a_look_at_rest_is_two_reads_and_the_second_one_searches_nobody(place: Vendor, pager: PagerDuty) -> None:
    pager.create(shift(), op("a1"))
    found = pager.read(WINDOW, {}).found
    before = len(place.journal)
    other = PagerDuty(options(place), replace(SITE, found=found))
    seen = {entry.ref: entry.version or "" for entry in other.read(WINDOW, {}).entries}
    other.read(WINDOW, seen)
    paths = [call.path for call in place.journal[before:]]
    assert paths == [f"/schedules/{LAYERS}", f"/schedules/{LAYERS}/overrides"] * 2
    other.close()


def test_what_is_over_is_known_without_another_read(place: Vendor, pager: PagerDuty) -> None:
    entry = pager.create(shift(end=T + HOUR), op("a1"))
    place.clock.set(T + 2 * DAY)
    before = len(place.journal)
    observation = pager.read(Window(T + 2 * DAY, T + 3 * DAY), {entry.ref: entry.version or ""})
    assert observation.same == {entry.ref}
    assert len(place.journal) == before + 2


def test_a_window_of_seven_months_is_read_in_slices_of_at_most_three(place: Vendor, pager: PagerDuty) -> None:
    entries = [pager.create(shift(start=NOW + at * DAY, end=NOW + (at + 40) * DAY), op(f"a{at}")) for at in (60, 170)]
    before = len(place.journal)
    observation = pager.read(Window(NOW, NOW + 210 * DAY), {})
    calls = [call for call in place.journal[before:] if call.path.endswith("/overrides")]
    assert [call.first("since") for call in calls] == ["2027-03-01T00:00:00Z", "2027-05-30T00:00:00Z", "2027-08-28T00:00:00Z"]
    assert calls[-1].first("until") == "2027-09-27T00:00:00Z"
    assert [said(one) for one in observation.entries] == [said(one) for one in entries]
    assert [(one.start, one.end) for one in observation.paged] == [(one.start, one.end) for one in entries]


# --- creating and deleting --------------------------------------------------------------------


def test_several_are_created_in_one_call_and_each_is_judged(place: Vendor, pager: PagerDuty) -> None:
    assert isinstance(pager, CreatesMany)
    pager.read(WINDOW, {})
    place.faults.add(Fault(method="POST", items={1: 400}))
    shifts = [shift(start=T + at * DAY) for at in range(3)]
    first, second, third = pager.create_many(shifts, [op(f"a{at}") for at in range(3)])
    assert isinstance(first, Entry)
    assert isinstance(third, Entry)
    assert isinstance(second, Rejected)
    assert "ana" in str(second)
    assert "Something went wrong" in str(second)
    assert len(place.journal.writes()) == 1
    assert {one.ref for one in pager.read(WINDOW, {}).entries} == {first.ref, third.ref}


def test_somebody_unknown_is_refused_and_the_others_are_created(place: Vendor, pager: PagerDuty) -> None:
    with place.hand():
        del place.account.users[user(place, "ben")]
    outcomes = pager.create_many([shift(), shift("ben", T + DAY), shift("cho", T + 2 * DAY)], [op("a1"), op("a2"), op("a3")])
    assert [type(one) for one in outcomes] == [Entry, Rejected, Entry]
    assert "ben" in str(outcomes[1])
    assert "ben@example.com" in str(outcomes[1])


def test_the_other_documented_answer_is_understood_too(place: Vendor, pager: PagerDuty) -> None:
    place.create_shape = "object"
    pager.read(WINDOW, {})
    place.faults.add(Fault(method="POST", items={0: 400}))
    refused, made = pager.create_many([shift(), shift("ben", T + DAY)], [op("a1"), op("a2")])
    assert isinstance(refused, Rejected)
    assert isinstance(made, Entry)
    assert said(made) == (T + DAY, T + DAY + 8 * HOUR, "ben")


def test_an_item_that_the_answer_does_not_mention_is_unknown(place: Vendor, pager: PagerDuty) -> None:
    pager.read(WINDOW, {})
    place.faults.add(Fault(method="POST", status=201, body=[], headers={"content-type": "application/json"}))
    [outcome] = pager.create_many([shift()], [op("a1")])
    assert isinstance(outcome, Unavailable)
    assert not outcome.refused


def test_what_is_over_is_refused(place: Vendor, pager: PagerDuty) -> None:
    place.clock.set(T + DAY)
    with pytest.raises(Rejected, match="in the past"):
        pager.create(shift(), op("a1"))


def test_deleting_a_running_override_cuts_it_short(place: Vendor, pager: PagerDuty) -> None:
    entry = pager.create(shift(), op("a1"))
    place.clock.set(T + HOUR)
    pager.delete(entry, op("a1"))
    assert [said(one) for one in pager.read(ONE_LOOK, {}).entries] == [(T, T + HOUR, "ana")]


def test_deleting_a_past_override_is_refused_and_it_stays(place: Vendor, pager: PagerDuty) -> None:
    entry = pager.create(shift(), op("a1"))
    place.clock.set(T + DAY)
    with pytest.raises(Rejected, match="may be over"):
        pager.delete(entry, op("a1"))
    place.past_delete_status = 404  # the vendor does not say which it is (PD-28)
    pager.delete(entry, op("a1"))
    assert len(pager.read(ONE_LOOK, {}).entries) == 1


def test_an_override_cannot_be_replaced(pager: PagerDuty) -> None:
    entry = pager.create(shift(), op("a1"))
    with pytest.raises(Rejected):
        pager.replace(entry, shift("ben"), op("a1"))


# --- another kind, another schedule -----------------------------------------------------------


@pytest.mark.parametrize("status", [400, 404])
def test_an_upgraded_schedule_is_unsupported_and_never_deleted(place: Vendor, pager: PagerDuty, status: int) -> None:
    place.upgraded_status = status
    entry = pager.create(shift(), op("a1"))
    place.human_upgrades(LAYERS)
    with pytest.raises(Unsupported, match="kind: pagerduty_v3"):
        pager.read(WINDOW, {entry.ref: ""})
    with pytest.raises(Unsupported, match="kind: pagerduty_v3"):
        pager.create(shift("ben"), op("a2"))
    with pytest.raises(Unsupported, match="kind: pagerduty_v3"):
        pager.delete(entry, op("a1"))
    [finding] = pager.doctor()
    assert not finding.ok
    assert "kind: pagerduty_v3" in finding.text


def test_a_schedule_that_is_not_there_is_refused_with_what_to_look_at(place: Vendor) -> None:
    pager = PagerDuty(options(place, schedule="PNOWHERE"), SITE)
    with pytest.raises(Rejected, match=r"no schedule PNOWHERE.*options: schedule"):
        pager.read(WINDOW, {})
    pager.close()


def test_the_fingerprint_is_the_account_and_the_schedule(pager: PagerDuty) -> None:
    assert pager.read(WINDOW, {}).fingerprint == f"pagerduty:acme.pagerduty.com:{LAYERS}"


def test_an_answer_without_its_list_is_no_empty_list(place: Vendor, pager: PagerDuty) -> None:
    pager.create(shift(), op("a1"))
    json = {"content-type": "application/json"}
    lists: list[Any] = [{}, {"overrides": None}, [], {"overrides": [1]}, {"overrides": [{"id": "Q1", "start": "soon"}]}]
    for body in lists:
        place.faults.add(Fault(path=LISTS, status=200, body=body, headers=json))
        with pytest.raises(Unavailable):
            pager.read(WINDOW, {})
    schedules: list[Any] = [{}, {"schedule": []}, {"schedule": {"type": "schedule"}}]
    for body in schedules:
        place.faults.add(Fault(path=f"^/schedules/{LAYERS}$", status=200, body=body, headers=json))
        with pytest.raises(Unavailable):
            pager.read(WINDOW, {})
    assert len(pager.read(WINDOW, {}).entries) == 1


def test_a_schedule_that_calls_itself_shift_based_is_believed(place: Vendor, pager: PagerDuty) -> None:
    json = {"content-type": "application/json"}
    place.faults.add(Fault(status=200, body={"schedule": {"id": LAYERS, "type": "schedule_v3"}}, headers=json, times=2))
    with pytest.raises(Unsupported, match="kind: pagerduty_v3"):
        pager.read(WINDOW, {})
    assert [finding.ok for finding in pager.doctor()] == [False]
