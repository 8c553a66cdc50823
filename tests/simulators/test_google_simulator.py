"""The simulator answers as SIMULATORS.md section 3.2 says, in answers that the vendor's discovery document allows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from tests.simulators.common import Bucket, Fault, clean_environment
from tests.simulators.google import ROOT, TEAM, Google
from tests.simulators.google_schema import problems_of
from tests.simulators.google_signin import EVENTS

DAY = 86_400
EVENT = {
    "id": "shift1", "summary": "Ana: Primary",
    "start": {"dateTime": "2026-03-09T09:00:00Z"}, "end": {"dateTime": "2026-03-09T17:00:00Z"},
    "extendedProperties": {"private": {"syncd": "marker"}},
}  # fmt: skip


class Caller:
    """A client of the simulator that has signed in; every answer of its is held against the schema."""

    def __init__(self, there: Google, scope: str = EVENTS, owner: str = "syncd@rota.example.com") -> None:
        self.there = there
        self.token = there.tokens.issue(scope.split(), owner)
        self.session = requests.Session()
        self.session.trust_env = False

    def __call__(self, method: str, path: str, body: Any = None, match: str | None = None, **query: Any) -> Any:
        headers = {"authorization": f"Bearer {self.token}", **({"if-match": match} if match else {})}
        answer = self.session.request(
            method, f"{self.there.url}{ROOT}{path}", json=body, headers=headers, params=query, timeout=10
        )
        content = answer.json() if answer.content else {}
        kind = {"calendar#event": "Event", "calendar#events": "Events", "calendar#calendarList": "CalendarList",
                "calendar#calendar": "Calendar", "api#channel": "Channel"}.get(content.get("kind"))  # fmt: skip
        assert kind is None or problems_of(kind, content) == []
        return answer.status_code, content

    def events(self, method: str, ref: str = "", body: Any = None, match: str | None = None, **query: Any) -> Any:
        return self(method, f"/calendars/{TEAM}/events{'/' if ref else ''}{ref}", body, match, **query)


@pytest.fixture
def there() -> Iterator[Google]:
    clean_environment()
    with Google() as there:
        there.service_account()
        yield there


@pytest.fixture
def call(there: Google) -> Caller:
    return Caller(there)


def reason(answer: Any) -> tuple[int, str]:
    status, content = answer
    return status, content["error"]["errors"][0]["reason"]


def refs(answer: Any) -> list[str]:
    assert answer[0] == 200, answer
    return [event["id"] for event in answer[1]["items"]]


# --- signing in ------------------------------------------------------------------------------


def form(there: Google, **fields: str) -> tuple[int, dict[str, Any]]:
    answer = requests.post(f"{there.url}/token", data=fields, timeout=10)
    return answer.status_code, answer.json()


def test_no_token_an_unknown_one_and_an_expired_one_are_refused(there: Google, call: Caller) -> None:
    there.clock.advance(3600)
    assert reason(call.events("GET")) == (401, "authError")
    call.token = "nonsense"
    assert reason(call.events("GET")) == (401, "authError")


def test_a_token_without_the_scope_is_refused(there: Google) -> None:
    readonly = Caller(there, "https://www.googleapis.com/auth/calendar.events.readonly")
    assert readonly.events("GET")[0] == 200
    assert reason(readonly.events("POST", body=EVENT)) == (403, "insufficientPermissions")


def test_a_refresh_token_gives_access_until_it_is_withdrawn(there: Google) -> None:
    person = json.loads(there.signed_in("ana@example.com"))
    fields = {name: person[name] for name in ("client_id", "client_secret", "refresh_token")}
    status, granted = form(there, grant_type="refresh_token", **fields)
    assert (status, granted["token_type"], granted["expires_in"]) == (200, "Bearer", 3600)
    there.signin.refresh.clear()
    assert form(there, grant_type="refresh_token", **fields)[1]["error"] == "invalid_grant"
    assert form(there, grant_type="refresh_token", **{**fields, "client_secret": "x"})[0] == 401


def test_an_assertion_that_nobody_signed_is_refused(there: Google) -> None:
    grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assert form(there, grant_type=grant, assertion="e30.e30.e30")[1]["error"] == "invalid_grant"
    assert form(there, grant_type="password")[1]["error"] == "unsupported_grant_type"


# --- events ----------------------------------------------------------------------------------


def test_an_event_is_answered_in_the_calendars_zone_with_all_that_the_server_adds(call: Caller) -> None:
    status, event = call.events("POST", body=EVENT)
    assert status == 200
    assert event["start"] == {"dateTime": "2026-03-09T10:00:00+01:00", "timeZone": "Europe/Berlin"}
    assert event["reminders"] == {"useDefault": True}
    assert event["creator"] == {"email": "syncd@rota.example.com"}
    assert call.events("GET", "shift1") == (200, event)


@pytest.mark.parametrize("ref", ["shfx", "Shift1", "shift-1", "shiftw", "v" * 1025])
def test_ids_are_base32hex_of_at_least_five(call: Caller, ref: str) -> None:
    assert reason(call.events("POST", body={**EVENT, "id": ref})) == (400, "invalid")


def test_an_id_stays_taken_after_a_deletion(call: Caller) -> None:
    call.events("POST", body=EVENT)
    assert reason(call.events("POST", body=EVENT)) == (409, "duplicate")
    assert call.events("DELETE", "shift1") == (204, {})
    assert reason(call.events("POST", body=EVENT)) == (409, "duplicate")


def test_without_an_id_the_server_makes_one(call: Caller) -> None:
    assert len(call.events("POST", body={key: value for key, value in EVENT.items() if key != "id"})[1]["id"]) >= 5


def test_a_deleted_event_is_answered_but_not_listed(call: Caller) -> None:
    call.events("POST", body=EVENT)
    call.events("DELETE", "shift1")
    assert call.events("GET", "shift1")[1]["status"] == "cancelled"
    assert refs(call.events("GET")) == []
    assert refs(call.events("GET", showDeleted="true")) == ["shift1"]
    assert reason(call.events("DELETE", "shift1")) == (410, "deleted")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_write_at_another_version_is_refused(call: Caller, method: str) -> None:
    event = call.events("POST", body=EVENT)[1]
    call.events("PATCH", "shift1", {"summary": "Ben: Primary"})
    body = None if method == "DELETE" else {key: value for key, value in EVENT.items() if key != "id"}
    assert reason(call.events(method, "shift1", body, event["etag"])) == (412, "conditionNotMet")


def test_patch_merges_and_null_takes_a_property_away(call: Caller) -> None:
    call.events("POST", body=EVENT)
    event = call.events("PATCH", "shift1", {"location": "here", "extendedProperties": {"private": {"syncd": None}}})[1]
    assert (event["summary"], event["location"]) == ("Ana: Primary", "here")
    assert "extendedProperties" not in event


def test_update_drops_what_is_left_out(call: Caller) -> None:
    call.events("POST", body={**EVENT, "location": "here"})
    event = call.events("PUT", "shift1", {"start": EVENT["start"], "end": EVENT["end"]})[1]
    assert {"location", "summary", "extendedProperties"}.isdisjoint(event)


def test_a_long_key_is_dropped_and_a_long_value_is_cut_in_silence(call: Caller) -> None:
    event = call.events("POST", body={**EVENT, "extendedProperties": {"private": {"k" * 45: "x", "k": "v" * 1025}}})[1]
    assert event["extendedProperties"] == {"private": {"k": "v" * 1024}}


def test_reminders_move_the_version_alone(there: Google, call: Caller) -> None:
    event = call.events("POST", body=EVENT)[1]
    there.clock.advance(60)
    silent = call.events("PATCH", "shift1", {"reminders": {"useDefault": False}})[1]
    assert silent["etag"] != event["etag"]
    assert silent["updated"] == event["updated"]
    assert call.events("PATCH", "shift1", {"summary": "x"})[1]["updated"] != event["updated"]


@pytest.mark.parametrize("revive", [True, False])
def test_a_deleted_event_is_revived_or_not_by_switch(there: Google, call: Caller, revive: bool) -> None:
    there.calendar.revive = revive
    call.events("POST", body=EVENT)
    call.events("DELETE", "shift1")
    status, _ = call.events(
        "PUT", "shift1", {key: value for key, value in EVENT.items() if key != "id"} | {"status": "confirmed"}
    )
    assert status == (200 if revive else 403)


def test_an_account_without_delegation_invites_nobody(call: Caller) -> None:
    assert reason(call.events("POST", body={**EVENT, "attendees": [{"email": "b@example.com"}]})) == (
        403,
        "forbiddenForServiceAccounts",
    )


def test_a_reader_writes_nothing_and_a_stranger_sees_no_calendar(there: Google) -> None:
    there.calendar.roles["reader@example.com"] = "reader"
    reader, stranger = Caller(there, owner="reader@example.com"), Caller(there, owner="nobody@example.com")
    assert reader.events("GET")[1]["accessRole"] == "reader"
    assert reason(reader.events("POST", body=EVENT)) == (403, "requiredAccessLevel")
    assert reason(stranger.events("GET")) == (404, "notFound")


@pytest.mark.parametrize(
    "body",
    [{"id": "shift1"}, {**EVENT, "summary": 7}, {**EVENT, "invented": 1}, {**EVENT, "start": {"dateTime": "soon"}}],
    ids=["no times", "a number for a title", "an unknown field", "no time at all"],
)
def test_a_body_against_the_schema_fails_loudly(there: Google, call: Caller, body: Any) -> None:
    assert call.events("POST", body=body)[0] == 400
    assert there.violations
    there.violations.clear()


@pytest.mark.parametrize(
    "query", [{"maxResults": "many"}, {"invented": "1"}, {"timeMin": "2026-03-09T09:00:00"}, {"orderBy": "size"}]
)
def test_a_parameter_against_the_schema_fails_loudly(there: Google, call: Caller, query: dict[str, str]) -> None:
    assert call.events("GET", **query)[0] == 400
    assert there.violations
    there.violations.clear()


# --- lists -----------------------------------------------------------------------------------


def fill(call: Caller, number: int) -> None:
    for n in range(number):
        times = {"start": {"dateTime": f"2026-03-{n + 1:02d}T09:00:00Z"}, "end": {"dateTime": f"2026-03-{n + 1:02d}T17:00:00Z"}}
        call.events("POST", body={"id": f"shift{n}", **times})


def test_a_window_takes_what_ends_after_it_begins_and_begins_before_it_ends(call: Caller) -> None:
    fill(call, 4)
    assert refs(call.events("GET", timeMin="2026-03-01T17:00:00Z", timeMax="2026-03-03T09:00:00Z")) == ["shift1"]
    assert refs(call.events("GET", timeMin="2026-03-01T16:59:59Z", timeMax="2026-03-03T09:00:01Z")) == [
        "shift0",
        "shift1",
        "shift2",
    ]


def test_pages_may_be_shorter_than_asked_for_and_only_the_last_has_a_sync_token(there: Google, call: Caller) -> None:
    fill(call, 5)
    there.page = 2
    seen, page = [], call.events("GET", maxResults="2500")
    while "nextPageToken" in page[1]:
        assert "nextSyncToken" not in page[1]
        seen += refs(page)
        page = call.events("GET", maxResults="2500", pageToken=page[1]["nextPageToken"])
    assert [*seen, *refs(page)] == [f"shift{n}" for n in range(5)]
    assert "nextSyncToken" in page[1]


def test_a_sync_token_brings_what_changed_and_what_was_deleted(there: Google, call: Caller) -> None:
    fill(call, 3)
    token = call.events("GET")[1]["nextSyncToken"]
    with there.hand():
        there.calendar.human_edits("shift1", title="Ben: Primary")
        there.calendar.human_deletes("shift2")
    answer = call.events("GET", syncToken=token)
    assert [(event["id"], event["status"]) for event in answer[1]["items"]] == [("shift1", "confirmed"), ("shift2", "cancelled")]
    assert refs(call.events("GET", syncToken=answer[1]["nextSyncToken"])) == []


def test_a_sync_token_goes_with_no_window_and_may_be_lost(there: Google, call: Caller) -> None:
    token = call.events("GET")[1]["nextSyncToken"]
    for query in ({"timeMin": "2026-03-01T00:00:00Z"}, {"q": "x"}, {"showDeleted": "false"}):
        assert reason(call.events("GET", syncToken=token, **query)) == (400, "syncTokenWithRequestRestrictions")
    there.invalidate_sync()
    assert reason(call.events("GET", syncToken=token)) == (410, "fullSyncRequired")


@pytest.mark.parametrize(("match", "found"), [(all, []), (any, ["shift1"])])
def test_several_property_filters_mean_all_or_any_by_switch(there: Google, call: Caller, match: Any, found: list[str]) -> None:
    call.events("POST", body=EVENT)
    there.properties_match = match
    assert refs(call.events("GET", privateExtendedProperty=["syncd=marker", "syncd=other"])) == found


def test_a_list_may_lag_behind_while_a_get_does_not(there: Google, call: Caller) -> None:
    call.events("POST", body=EVENT)
    there.lag = 30
    there.clock.advance(31)
    call.events("PATCH", "shift1", {"summary": "Ben: Primary"})
    call.events("POST", body={**EVENT, "id": "shift2"})
    assert call.events("GET", "shift1")[1]["summary"] == "Ben: Primary"
    assert [event["summary"] for event in call.events("GET")[1]["items"]] == ["Ana: Primary"]
    there.clock.advance(31)
    assert refs(call.events("GET")) == ["shift1", "shift2"]


def test_a_series_is_listed_once_or_by_its_occurrences(there: Google, call: Caller) -> None:
    with there.hand():
        there.calendar.human_creates(1_772_960_400, 1_772_964_000, "Meeting", recurrence=["RRULE:FREQ=DAILY;COUNT=3"])
    assert len(refs(call.events("GET"))) == 1
    single = call.events("GET", singleEvents="true", orderBy="startTime")
    assert [event["id"].rpartition("_")[2] for event in single[1]["items"]] == [f"202603{n:02d}T090000Z" for n in (8, 9, 10)]
    occurrence = single[1]["items"][1]["id"]
    call.events("DELETE", occurrence)
    assert occurrence not in refs(call.events("GET", singleEvents="true"))
    assert occurrence in refs(call.events("GET"))


# --- limits and faults -----------------------------------------------------------------------


@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize("form", [None, "seconds", "date"])
def test_the_rate_is_limited_in_every_form(there: Google, call: Caller, status: int, form: str | None) -> None:
    there.rate, there.rate_status, there.retry_after = Bucket(there.clock, 1, 60), status, form
    call.events("GET")
    assert reason(call.events("GET")) == (status, "userRateLimitExceeded")
    assert there.journal[-1].answer
    there.clock.advance(60)
    assert call.events("GET")[0] == 200


def test_the_abuse_limit_stays_until_it_is_lifted(there: Google, call: Caller) -> None:
    there.quota_exceeded = True
    assert reason(call.events("GET")) == (403, "quotaExceeded")
    there.clock.advance(DAY // 48)
    assert reason(call.events("GET")) == (403, "quotaExceeded")
    there.quota_exceeded = False
    assert call.events("GET")[0] == 200


def test_a_copy_by_a_human_bears_the_private_properties(there: Google, call: Caller) -> None:
    call.events("POST", body=EVENT)
    with there.hand():
        copy = there.calendar.human_copies("shift1")
        there.calendar.human_deletes("shift1")
        there.calendar.human_restores("shift1")
    assert call.events("GET", copy)[1]["extendedProperties"] == EVENT["extendedProperties"]
    assert refs(call.events("GET")) == ["shift1", copy]


# --- the vendor's client -----------------------------------------------------------------------


@pytest.fixture
def service(there: Google) -> Any:
    credentials = Credentials(there.tokens.issue([EVENTS], "syncd@rota.example.com"))  # type: ignore[no-untyped-call]
    return build("calendar", "v3", credentials=credentials, client_options={"api_endpoint": f"{there.url}{ROOT}/"})


def test_the_vendors_client_sends_a_dropped_insert_twice_and_one_event_stands(there: Google, service: Any) -> None:
    """G-41, and why an id of our own matters: the second one meets the first."""
    there.faults.add(Fault(method="POST", path="/events", drop="after"))
    with pytest.raises(HttpError) as refusal:
        service.events().insert(calendarId=TEAM, body=EVENT).execute()
    assert refusal.value.resp.status == 409
    assert len(there.journal.of("POST", "/events")) == 2
    assert len(there.calendar.live()) == 1


def batched(there: Google, service: Any, *numbers: int) -> list[Any]:
    """The outcomes of inserts in one batch, in the order they were asked for."""
    outcomes: dict[str, Any] = {}
    batch = service.new_batch_http_request(callback=lambda ref, answer, error: outcomes.update({ref: error or answer}))
    batch._batch_uri = f"{there.url}/batch/calendar/v3"
    for number in numbers:
        batch.add(service.events().insert(calendarId=TEAM, body={**EVENT, "id": f"shift{number}"}))
    batch.execute()
    return [outcomes[ref] for ref in sorted(outcomes, key=int)]


def test_one_part_of_a_batch_may_fail_and_every_part_counts_for_the_rate(there: Google, service: Any) -> None:
    there.faults.add(Fault(path="/batch", items={1: 503}))
    assert [getattr(outcome, "status_code", 200) for outcome in batched(there, service, 1, 2, 3)] == [200, 503, 200]
    there.rate = Bucket(there.clock, 2, 60)
    assert [getattr(outcome, "status_code", 200) for outcome in batched(there, service, 4, 5, 6)] == [200, 200, 403]


def test_a_batch_is_answered_part_by_part(there: Google, service: Any) -> None:
    outcomes = batched(there, service, 1, 2, 2)
    assert [type(outcome).__name__ for outcome in outcomes] == ["dict", "dict", "HttpError"]
    assert sorted(event["id"] for event in there.calendar.live()) == ["shift1", "shift2"]


def test_calendars_are_told_to_whoever_they_are_shared_with(there: Google) -> None:
    call = Caller(there, "https://www.googleapis.com/auth/calendar.readonly")
    status, listed = call("GET", "/users/me/calendarList")
    assert [(item["id"], item["accessRole"]) for item in listed["items"]] == [(TEAM, "writer")]
    assert call("GET", f"/calendars/{TEAM}")[1]["summary"] == "Team"
    assert status == 200


def test_a_channel_needs_an_https_address(call: Caller) -> None:
    assert call.events("POST", "watch", {"id": "c1", "type": "web_hook", "address": "https://example.com/h"})[0] == 200
    assert reason(call.events("POST", "watch", {"id": "c1", "type": "web_hook", "address": "http://example.com/h"})) == (
        400,
        "invalid",
    )
