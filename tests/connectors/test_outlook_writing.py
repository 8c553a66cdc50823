"""What is written to an Outlook calendar, and what every answer to it is taken for."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from typing import Any, Literal

import pytest

from connectors.outlook import Outlook
from connectors.outlook_events import PROPERTY
from syncd.connector import ConnectorError, Denied, Entry, Rejected, Stale, Unavailable
from syncd.core.model import DAY, HOUR, Role
from tests.connectors.conformance import NOW, SITE, WINDOW, T, op, said, shift
from tests.connectors.outlook_there import leaks, outlook
from tests.simulators.common import Clock, Fault
from tests.simulators.microsoft import Microsoft


@pytest.fixture
def there() -> Iterator[Microsoft]:
    with Microsoft(clock=Clock(NOW)) as there:
        yield there


@pytest.fixture
def connector(there: Microsoft) -> Iterator[Outlook]:
    connector = outlook(there)
    yield connector
    connector.close()


def sent(there: Microsoft, method: str = "POST") -> Any:
    return there.journal.of(method, "/events")[-1].json


# --- what is said -------------------------------------------------------------------------------


def test_an_event_invites_nobody_shows_as_free_and_reminds_nobody(there: Microsoft, connector: Outlook) -> None:
    connector.create(shift(), op("a1", "mark"))
    body = sent(there)
    assert body["showAs"] == "free"
    assert body["isReminderOn"] is False
    assert body["isAllDay"] is False
    assert body["categories"] == ["Primary"]
    assert body["transactionId"] == "a1"
    assert body["singleValueExtendedProperties"] == [{"id": PROPERTY, "value": "mark"}]
    assert body["start"] == {"dateTime": "2027-03-08T00:00:00", "timeZone": "UTC"}
    assert not {"attendees", "recurrence", "onlineMeeting", "isOnlineMeeting", "location"} & body.keys()


def test_an_alarm_is_a_reminder(there: Microsoft) -> None:
    connector = outlook(there, alarm=0)
    connector.create(shift(), op("a1"))
    connector.close()
    assert (sent(there)["isReminderOn"], sent(there)["reminderMinutesBeforeStart"]) == (True, 0)


def test_a_zone_writes_local_times_except_where_they_are_twofold(there: Microsoft) -> None:
    connector = outlook(there, zone="Europe/Berlin")
    connector.create(shift(), op("a1"))
    assert sent(there)["start"] == {"dateTime": "2027-03-08T01:00:00", "timeZone": "Europe/Berlin"}
    autumn = 1_824_944_400  # 2027-10-31T01:00Z, when Berlin's clocks show 02:00 for the second time
    entry = connector.create(shift(start=autumn, end=autumn + DAY), op("a2"))
    connector.close()
    assert sent(there)["start"] == {"dateTime": "2027-10-31T01:00:00", "timeZone": "UTC"}
    assert (entry.start, entry.end) == (autumn, autumn + DAY)


def test_a_change_leaves_colour_reminder_and_guests_as_people_set_them(there: Microsoft, connector: Outlook) -> None:
    entry = connector.create(shift(), op("a1"))
    there.human.edits(entry.ref, showAs="oof", isReminderOn=True, categories=["Red"])
    [seen] = connector.read(WINDOW, {}).entries
    connector.replace(seen, shift("ben"), op("a1", "m2"))
    event = there.box().items[entry.ref].at()
    assert event is not None
    assert (event.facts["showAs"], event.facts["isReminderOn"], event.facts["categories"]) == ("oof", True, ["Red"])
    assert event.facts["subject"] == "Ben Okafor: Primary"
    assert "transactionId" not in sent(there, "PATCH")


def test_a_whole_day_made_by_a_human_becomes_the_shift_again(there: Microsoft, connector: Outlook) -> None:
    entry = connector.create(shift(), op("a1"))
    there.human.edits(entry.ref, start=T, end=T + DAY, isAllDay=True)
    [seen] = connector.read(WINDOW, {}).entries
    assert said(connector.replace(seen, shift(), op("a1"))) == (T, T + 8 * HOUR, "ana")


def test_a_subject_fits_into_what_exchange_keeps(there: Microsoft) -> None:
    people = {**SITE.people, "eve": dataclasses.replace(SITE.people["ana"], id="eve", name="\U0001f469\u200d\U0001f692" * 90)}
    site = dataclasses.replace(SITE, people=people, role=Role(id="primary", title="\u05d0" * 150), destination="x")
    connector = outlook(there, site, title="{schedule}, {role}: {person}")
    entry = connector.create(shift("eve"), op("a1"))
    assert len(sent(there)["subject"].encode("utf-16-le")) <= 510
    assert entry.person == "eve"
    assert connector.wording(shift("eve")).split("\n")[0] == entry.title == sent(there)["subject"]
    connector.close()


# --- transactionId (MS-11, MS-12) -----------------------------------------------------------------


def test_a_create_sent_again_answers_with_the_first_event(there: Microsoft, connector: Outlook) -> None:
    first = connector.create(shift(), op("a1"))
    assert connector.create(shift(), op("a1")) == first
    assert len(there.box().now()) == 1


def test_a_create_whose_answer_was_lost_made_one_event_that_bears_its_id_and_mark(there: Microsoft, connector: Outlook) -> None:
    connector.read(WINDOW, {})
    there.faults.add(Fault(method="POST", path="/events$", drop="after"))
    with pytest.raises(Unavailable) as failure:
        connector.create(shift(), op("a1", "mark"))
    assert not failure.value.refused
    [seen] = connector.read(WINDOW, {}).entries
    assert (seen.uid, seen.marker) == ("a1", "mark")
    assert connector.create(shift(), op("a1", "mark")).ref == seen.ref
    assert len(there.box().now()) == 1


@pytest.mark.parametrize("status", [400, 409])
@pytest.mark.parametrize("named", [True, False])
def test_an_id_spent_on_another_event_is_stale(
    there: Microsoft, connector: Outlook, status: Literal[400, 409], named: bool
) -> None:
    there.knobs.duplicate_status, there.knobs.duplicate_named = status, named
    connector.create(shift(), op("a1"))
    with pytest.raises(Stale, match="ErrorDuplicateTransactionId"):
        connector.create(shift("ben"), op("a1"))


def test_an_id_spent_in_another_calendar_of_the_mailbox_is_stale(there: Microsoft, connector: Outlook) -> None:
    there.box().add_calendar("Duty")
    other = outlook(there, calendar="Duty")
    other.create(shift(), op("a1"))
    other.close()
    with pytest.raises(Stale):
        connector.create(shift(), op("a1"))


def test_an_id_of_a_deleted_event_makes_a_new_one_or_is_stale(there: Microsoft, connector: Outlook) -> None:
    first = connector.create(shift(), op("a1"))
    connector.delete(first, op("a1"))
    second = connector.create(shift(), op("a1"))
    assert second.ref != first.ref
    there.knobs.spent_after_deletion = "refused"
    connector.delete(second, op("a1"))
    with pytest.raises(Stale):
        connector.create(shift(), op("a1"))


def test_an_answer_with_an_event_that_was_moved_meanwhile_is_stale(there: Microsoft, connector: Outlook) -> None:
    entry = connector.create(shift(), op("a1"))
    there.human.edits(entry.ref, start=T + HOUR, end=T + 9 * HOUR)
    with pytest.raises(Stale):
        connector.create(shift(), op("a1"))


def test_a_server_that_keeps_minutes_only_makes_one_event_and_no_quarrel(there: Microsoft, connector: Outlook) -> None:
    there.faults.add(Fault(method="POST", path="/events$", status=201, body={
        "id": "x", "@odata.etag": 'W/"1"', "subject": "Ana Lopez: Primary",
        "start": {"dateTime": "2027-03-08T00:00:00.0000000", "timeZone": "UTC"},
        "end": {"dateTime": "2027-03-08T08:00:00.0000000", "timeZone": "UTC"},
    }))  # fmt: skip
    assert said(connector.create(shift(start=T + 30, end=T + 8 * HOUR + 30), op("a1"))) == (T, T + 8 * HOUR, "ana")


# --- If-Match (MS-14) -------------------------------------------------------------------------


def test_changing_and_deleting_name_the_version_seen(there: Microsoft, connector: Outlook) -> None:
    entry = connector.create(shift(), op("a1"))
    changed = connector.replace(entry, shift("ben"), op("a1"))
    connector.delete(changed, op("a1"))
    [patch], [delete] = there.journal.of("PATCH"), there.journal.of("DELETE")
    assert (patch.headers["if-match"], delete.headers["if-match"]) == (entry.version, changed.version)
    assert entry.version != changed.version
    assert (entry.version or "").startswith('W/"')


def test_without_a_version_nothing_is_sent(there: Microsoft, connector: Outlook) -> None:
    entry = dataclasses.replace(connector.create(shift(), op("a1")), version=None)
    writes = len(there.journal.writes("^/v1.0"))
    with pytest.raises(Stale):
        connector.replace(entry, shift("ben"), op("a1"))
    with pytest.raises(Stale):
        connector.delete(entry, op("a1"))
    assert len(there.journal.writes("^/v1.0")) == writes


def test_a_conflict_without_cause_is_stale_where_a_version_was_named_and_a_refusal_where_none_was(
    there: Microsoft, connector: Outlook
) -> None:
    entry = connector.create(shift(), op("a1"))
    there.faults.add(Fault(method="PATCH", status=412, body={"error": {"code": "ErrorIrresolvableConflict", "message": "x"}}))
    with pytest.raises(Stale):
        connector.replace(entry, shift("ben"), op("a1"))
    there.knobs.irresolvable = 1
    with pytest.raises(Unavailable) as failure:
        connector.create(shift(), op("a2"))
    assert failure.value.refused
    assert connector.create(shift(), op("a2")).uid == "a2"


# --- how often, and how many at once ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "seconds"), [("1", 1.0), ("120", 120.0), (formatdate(NOW + 30, usegmt=True), 30.0), (None, None), ("soon", None)]
)
def test_a_limit_is_a_refusal_with_the_time_to_wait(
    there: Microsoft, connector: Outlook, header: str | None, seconds: float | None
) -> None:
    connector.read(WINDOW, {})
    there.knobs.retry_after, there.rate_size = header, 0
    there.rate.clear()
    with pytest.raises(Unavailable, match="ApplicationThrottled") as failure:
        connector.create(shift(), op("a1"))
    assert (failure.value.refused, failure.value.after) == (True, seconds)
    assert there.box().now() == []


def test_a_mailbox_never_gets_more_than_four_calls_at_once(there: Microsoft) -> None:
    there.faults.add(Fault(method="POST", path="/events$", delay=0.05, times=None))
    ours = [outlook(there), outlook(there, dataclasses.replace(SITE, destination="other"))]
    with ThreadPoolExecutor(12) as pool:
        made = list(pool.map(lambda n: ours[n % 2].create(shift(start=T + n * DAY), op(f"a{n}")), range(24)))
    assert len({entry.ref for entry in made}) == 24
    for connector in ours:
        connector.close()


# --- every fault at every verb -----------------------------------------------------------------------


def error(code: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": "because", "innerError": {"request-id": "1"}}}


FAULTS: dict[str, tuple[Fault, type[ConnectorError], bool | None]] = {
    # what happens · the error · for a write: is it certain that nothing was done?
    "400": (Fault(status=400, body=error("ErrorInvalidRequest")), Rejected, None),
    "400 of a gateway": (Fault.gateway(400), Rejected, None),
    "402": (Fault(status=402, body=error("x")), Rejected, None),
    "403": (Fault(status=403, body=error("ErrorAccessDenied")), Denied, None),
    "403 of a gateway": (Fault.gateway(403), Denied, None),
    "404 of a gateway": (Fault.gateway(404), Unavailable, False),
    "404 of a mailbox": (Fault(status=404, body=error("ErrorInvalidUser")), Rejected, None),
    "408": (Fault(status=408), Unavailable, False),
    "409": (Fault(status=409, body=error("ErrorFolderExists")), Rejected, None),
    "423": (Fault(status=423, body=error("locked")), Unavailable, False),
    "429": (Fault(status=429, body=error("ApplicationThrottled"), headers={"retry-after": "3"}), Unavailable, True),
    "429 bare": (Fault(status=429), Unavailable, True),
    "500": (Fault(status=500, body=error("ErrorInternalServerError"), times=None), Unavailable, False),
    "500, and done": (Fault(status=500, commit=True, times=None), Unavailable, False),
    "502": (Fault.gateway(502), Unavailable, False),
    "503": (Fault(status=503, body=error("ServiceUnavailable"), headers={"retry-after": "3"}), Unavailable, False),
    "503, and done": (Fault(status=503, commit=True), Unavailable, False),
    "504": (Fault(status=504, body=error("GatewayTimeout")), Unavailable, False),
    "509": (Fault(status=509, body=error("BandwidthLimitExceeded")), Unavailable, False),
    "302": (Fault(status=302, headers={"location": "https://evil.example/"}), Unavailable, False),
    "200 of a gateway": (Fault.gateway(200), Unavailable, False),
    "200, half": (Fault(drop="half"), Unavailable, False),
    "200, a list": (Fault(status=200, body=[]), Unavailable, False),
    "200, deep": (Fault(status=200, body="[" * 200_000), Unavailable, False),
    "200, not text": (Fault(status=200, body=b"\xff\xfe\x00"), Unavailable, False),
    "dropped": (Fault(drop="before"), Unavailable, False),
    "dropped, and done": (Fault(drop="after"), Unavailable, False),
}


def perform(connector: Outlook, verb: str, entry: Entry) -> object:
    if verb == "read":
        return connector.read(WINDOW, {})
    if verb == "create":
        return connector.create(shift("ben", T + DAY), op("a2"))
    if verb == "replace":
        return connector.replace(entry, shift("ben"), op("a1"))
    return connector.delete(entry, op("a1"))


def test_an_empty_answer_confirms_a_deletion_and_nothing_else(there: Microsoft, connector: Outlook) -> None:
    entry = connector.create(shift(), op("a1"))
    there.faults.add(Fault(path="/(events|calendarView)", status=204, times=None))
    for verb in ("read", "create", "replace"):
        with pytest.raises(Unavailable):
            perform(connector, verb, entry)
    perform(connector, "delete", entry)


METHODS = {"read": "GET", "create": "POST", "replace": "PATCH", "delete": "DELETE"}


@pytest.mark.parametrize("verb", METHODS)
@pytest.mark.parametrize("what", FAULTS)
def test_every_fault_at_every_verb_has_its_meaning_is_sent_once_and_passes(
    there: Microsoft, connector: Outlook, verb: str, what: str
) -> None:
    fault, kind, refused = FAULTS[what]
    entry = connector.create(shift(), op("a1"))
    if verb == "delete" and what == "200, half":
        pytest.skip("a 204 has no body to cut")
    there.faults.add(dataclasses.replace(fault, method=METHODS[verb], path="/(events|calendarView)"))
    before = len(there.journal.of(METHODS[verb], "^/v1.0/"))
    with pytest.raises(kind) as failure:
        perform(connector, verb, entry)
    assert leaks(failure.value) == []
    assert "\n" not in str(failure.value)
    if isinstance(failure.value, Unavailable) and verb != "read":
        assert failure.value.refused is refused
        assert len(there.journal.of(METHODS[verb], "^/v1.0/")) == before + 1
    if "retry-after" in fault.headers:
        assert isinstance(failure.value, Unavailable)
        assert failure.value.after == 3
    there.faults.clear()
    known = {entry.ref: ""}
    seen = connector.read(WINDOW, known).entries
    assert len({one.uid for one in seen}) == len(seen) <= 2, "whatever happened, nothing stands twice"


def test_an_error_names_the_vendors_code_and_words(there: Microsoft, connector: Outlook) -> None:
    there.faults.add(Fault(method="POST", path="/events$", status=400, body=error("TimeZoneNotSupportedException")))
    with pytest.raises(Rejected, match="HTTP 400 “TimeZoneNotSupportedException”: because"):
        connector.create(shift(), op("a1"))


def test_a_token_that_a_server_repeats_in_its_error_is_not_told(there: Microsoft, connector: Outlook) -> None:
    connector.read(WINDOW, {})
    token = there.journal.of("GET", "calendarView")[-1].headers["authorization"].removeprefix("Bearer ")
    body = {"error": {"code": token, "message": f"bad token {token}"}}
    there.faults.add(Fault(method="POST", path="/events$", status=400, body=body))
    with pytest.raises(Rejected) as failure:
        connector.create(shift(), op("a1"))
    assert token not in str(failure.value)
    assert leaks(failure.value) == []


def test_an_answer_that_is_too_large_is_not_read_to_its_end(there: Microsoft, connector: Outlook) -> None:
    there.faults.add(Fault(path="calendarView", status=200, body=b'{"value": [' + b" " * 11 * 1024 * 1024 + b"]}"))
    with pytest.raises(Unavailable, match="10 MiB"):
        connector.read(WINDOW, {})


def test_a_slow_answer_is_waited_for_and_a_slower_one_is_not(
    there: Microsoft, connector: Outlook, monkeypatch: pytest.MonkeyPatch
) -> None:
    there.faults.add(Fault(path="calendarView", trickle=0.001))
    assert connector.read(WINDOW, {}).entries == ()
    monkeypatch.setattr("connectors.outlook_http.TOTAL", 30.05)
    there.faults.add(Fault(path="calendarView", trickle=0.01))
    with pytest.raises(Unavailable, match="did not finish"):
        connector.read(WINDOW, {})


def test_a_server_that_never_answers_is_given_up(there: Microsoft, connector: Outlook, monkeypatch: pytest.MonkeyPatch) -> None:
    connector.read(WINDOW, {})
    monkeypatch.setattr("connectors.outlook_http.READ", 0.05)
    there.faults.add(Fault(method="POST", delay=0.5))
    with pytest.raises(Unavailable, match="did not answer") as failure:
        connector.create(shift(), op("a1"))
    assert not failure.value.refused


def test_where_nobody_listens_certainly_nothing_was_done(there: Microsoft, connector: Outlook) -> None:
    connector.read(WINDOW, {})
    there.stop()
    connector.close()
    with pytest.raises(Unavailable, match="could not be reached") as failure:
        connector.create(shift(), op("a1"))
    assert failure.value.refused
    assert leaks(failure.value) == []


def test_a_certificate_that_is_not_trusted_says_so(there: Microsoft) -> None:
    connector = outlook(there, ca_file=None)
    with pytest.raises(Unavailable, match="ca_file") as failure:
        connector.read(WINDOW, {})
    assert failure.value.refused
    assert leaks(failure.value) == []
    connector.close()
