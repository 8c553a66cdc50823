"""The Microsoft simulator does what SIMULATORS.md sections 3.3 and 4 say, in the vendor's own shapes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.simulators.common import Fault
from tests.simulators.microsoft import CLIENT, ONCALL, RESOURCE, Microsoft
from tests.simulators.microsoft_contract import PRESENT, wrong_answer

PROPERTY = "String {11111111-aaaa-bbbb-cccc-222222222222} Name mark"
EXPAND = f"singleValueExtendedProperties($filter=id eq '{PROPERTY}')"
DAY = {"startDateTime": "2026-03-03T00:00:00Z", "endDateTime": "2026-03-04T00:00:00Z"}


class Client:
    """A plain HTTP client with a token; every answer is held against the vendor's schema."""

    def __init__(self, there: Microsoft) -> None:
        self.there = there
        self.session = requests.Session()
        self.session.trust_env, self.session.verify = False, str(there.ca_file)
        self.prefer = 'IdType="ImmutableId"'
        self.token = ""

    def sign_in(self, **form: str) -> requests.Response:
        given = {
            "grant_type": "client_credentials",
            "client_id": CLIENT,
            "client_secret": self.there.secret,
            "scope": f"{RESOURCE}/.default",
        }
        answer = self.session.post(f"{self.there.authority}/oauth2/v2.0/token", data={**given, **form})
        self.token = answer.json().get("access_token", "")
        return answer

    def __call__(self, method: str, path: str, *, user: str = ONCALL, **more: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}", "Prefer": self.prefer, **more.pop("headers", {})}
        url = (
            path
            if path.startswith("http")
            else f"{self.there.base_url}/users/{user}{path}"
            if user
            else self.there.base_url + path
        )
        answer = self.session.request(method, url, headers=headers, **more)
        body = answer.json() if answer.content and "json" in answer.headers.get("content-type", "") else None
        assert wrong_answer(method, urlsplit(url).path, answer.status_code, body) == []
        return answer


@pytest.fixture
def there() -> Iterator[Microsoft]:
    with Microsoft() as there:
        yield there


@pytest.fixture
def call(there: Microsoft) -> Client:
    client = Client(there)
    client.sign_in()
    return client


def event(hour: int = 9, zone: str = "UTC", **more: Any) -> dict[str, Any]:
    times = {
        name: {"dateTime": f"2026-03-03T{at:02}:00:00", "timeZone": zone} for name, at in (("start", hour), ("end", hour + 1))
    }
    return {"subject": f"at {hour}", **times, **more}


def code(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def listed(call: Client, path: str = "/events", **query: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    answer = call("GET", path, params=query)
    while True:
        rows += answer.json()["value"]
        if "@odata.nextLink" not in answer.json():
            return rows
        answer = call("GET", answer.json()["@odata.nextLink"])


# --- the login ------------------------------------------------------------------------------------


def test_the_metadata_names_only_its_own_addresses(there: Microsoft, call: Client) -> None:
    found = call.session.get(f"{there.authority}/v2.0/.well-known/openid-configuration").json()
    assert {urlsplit(value).netloc for value in found.values()} == {urlsplit(there.url).netloc}
    assert call.session.get(f"{there.url}/elsewhere/v2.0/.well-known/openid-configuration").status_code == 400


@pytest.mark.parametrize(
    ("form", "status", "error", "number"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        ({"client_id": "nobody"}, 400, "unauthorized_client", 700016),
        ({"scope": "https://graph.microsoft.com/Calendars.Read"}, 400, "invalid_scope", 1002012),
        ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, 400, "invalid_grant", 700082),
    ],
)
def test_the_login_refuses_in_its_own_words(call: Client, form: dict[str, str], status: int, error: str, number: int) -> None:
    answer = call.sign_in(**form)
    assert (answer.status_code, answer.json()["error"], answer.json()["error_codes"]) == (status, error, [number])
    assert answer.json()["error_description"].startswith(f"AADSTS{number}: ")


def test_a_token_ends_by_the_simulators_clock_and_can_be_revoked_or_refused(there: Microsoft, call: Client) -> None:
    assert call("GET", "/calendar").status_code == 200
    there.clock.advance(3_600)
    assert code(call("GET", "/calendar")) == (401, "InvalidAuthenticationToken")
    call.sign_in()
    there.login.tokens.refuse_next = 1
    assert code(call("GET", "/calendar")) == (401, "InvalidAuthenticationToken")
    assert call("GET", "/calendar").status_code == 200
    there.login.tokens.revoke_all()
    assert code(call("GET", "/calendar")) == (401, "InvalidAuthenticationToken")


# --- mailboxes ----------------------------------------------------------------------------------------


def test_a_mailbox_out_of_scope_unknown_or_without_exchange(there: Microsoft, call: Client) -> None:
    there.add_mailbox("other@example.com")
    there.knobs.reachable = {ONCALL}
    there.knobs.unhosted = {ONCALL}
    assert code(call("GET", "/events", user="other@example.com")) == (403, "ErrorAccessDenied")
    assert code(call("GET", "/events", user="nobody@example.com")) == (404, "ErrorInvalidUser")
    assert code(call("GET", "/events")) == (404, "MailboxNotEnabledForRESTAPI")


def test_calendars_can_be_listed_got_and_made(there: Microsoft, call: Client) -> None:
    made = call("POST", "/calendars", json={"name": "Duty"})
    assert made.status_code == 201
    assert [row["name"] for row in listed(call, "/calendars")] == ["Calendar", "Duty"]
    assert call("GET", f"/calendars/{made.json()['id']}").json()["canEdit"] is True
    assert call("GET", "/calendar").json()["isDefaultCalendar"] is True
    assert code(call("GET", "/calendars/none")) == (404, "ErrorItemNotFound")


# --- events -------------------------------------------------------------------------------------------


def test_a_created_event_has_a_weak_etag_seven_decimals_a_reminder_and_html(call: Client) -> None:
    answer = call("POST", "/events", json=event(9, "Europe/Berlin", body={"contentType": "text", "content": "one\ntwo & three"}))
    body = answer.json()
    assert answer.status_code == 201
    assert body["@odata.etag"] == f'W/"{body["changeKey"]}"'
    assert body["start"] == {"dateTime": "2026-03-03T08:00:00.0000000", "timeZone": "UTC"}
    assert body["originalStartTimeZone"] == "Europe/Berlin"
    assert (body["isReminderOn"], body["reminderMinutesBeforeStart"], body["showAs"], body["type"]) == (
        True,
        15,
        "busy",
        "singleInstance",
    )
    assert body["body"]["contentType"] == "html"
    assert "one<br>\r\ntwo &amp; three" in body["body"]["content"]
    assert "transactionId" not in body
    call.prefer += ', outlook.timezone="Pacific Standard Time", outlook.body-content-type="text"'
    seen = call("GET", f"/events/{body['id']}").json()
    assert seen["start"] == {"dateTime": "2026-03-03T00:00:00.0000000", "timeZone": "Pacific Standard Time"}
    assert seen["body"]["contentType"] == "text"


def test_the_wrapping_and_the_conversion_can_be_turned_off(there: Microsoft, call: Client) -> None:
    there.knobs.wrap, there.knobs.keep_zone = False, True
    body = call("POST", "/events", json=event(9, "Europe/Berlin", body={"contentType": "text", "content": "one"})).json()
    assert body["start"] == {"dateTime": "2026-03-03T09:00:00.0000000", "timeZone": "Europe/Berlin"}
    assert body["body"] == {"contentType": "text", "content": "one"}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (event(9, "Mars/Base"), "TimeZoneNotSupportedException"),
        (event(9, end={"dateTime": "2026-03-03T08:00:00", "timeZone": "UTC"}), "ErrorCalendarEndDateIsEarlierThanStartDate"),
        (event(9, start={"dateTime": "9 o'clock", "timeZone": "UTC"}), "ErrorInvalidRequest"),
        (event(9, isAllDay=True), "ErrorPropertyValidationFailure"),
        (event(9, subject="x" * 256), "ErrorPropertyValidationFailure"),
        ({"subject": "no time"}, "ErrorPropertyValidationFailure"),
        (event(9, singleValueExtendedProperties=[{"id": "mark", "value": "x"}]), "ErrorInvalidProperty"),
    ],
)
def test_a_body_that_makes_no_event_is_refused(call: Client, body: dict[str, Any], error: str) -> None:
    assert code(call("POST", "/events", json=body)) == (400, error)
    assert listed(call) == []


def test_what_the_schema_does_not_allow_is_refused_loudly(there: Microsoft, call: Client) -> None:
    if not PRESENT:
        pytest.skip("the vendor's OpenAPI file is not here")
    assert code(call("POST", "/events", json=event(9, showAs="sleeping", isReminderOn="yes"))) == (400, "RequestBodyRead")
    assert listed(call) == []
    call("GET", "/events", params={"$tip": "3"})
    call("PUT", "/events/x", json={})
    assert len(there.violations) >= 4
    there.violations.clear()


def test_an_event_with_a_transaction_id_is_made_once(there: Microsoft, call: Client) -> None:
    first, again = (call("POST", "/events", json=event(9, transactionId="t1")) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert len(listed(call)) == 1


@pytest.mark.parametrize("status", [400, 409])
@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_spent_transaction_id_is_refused(
    there: Microsoft, call: Client, status: Literal[400, 409], named: bool, elsewhere: bool
) -> None:
    there.knobs.duplicate_status, there.knobs.duplicate_named = status, named
    first = call("POST", "/events", json=event(9, transactionId="t1")).json()
    other = f"/calendars/{there.box().add_calendar('Duty').id}/events"
    answer = call("POST", other if elsewhere else "/events", json=event(9 if elsewhere else 10, transactionId="t1"))
    assert code(answer) == (status, "ErrorDuplicateTransactionId")
    assert answer.json()["error"].get("@event.existingEventId") == (first["id"] if named else None)


@pytest.mark.parametrize("after", ["new", "refused"])
def test_a_transaction_id_of_a_deleted_event(there: Microsoft, call: Client, after: Literal["new", "refused"]) -> None:
    there.knobs.spent_after_deletion = after
    first = call("POST", "/events", json=event(9, transactionId="t1")).json()
    assert call("DELETE", f"/events/{first['id']}").status_code == 204
    again = call("POST", "/events", json=event(9, transactionId="t1"))
    assert again.status_code == (201 if after == "new" else 409)
    assert again.json().get("id") != first["id"]


def test_a_stale_etag_is_a_conflict_and_every_write_moves_it(there: Microsoft, call: Client) -> None:
    first = call("POST", "/events", json=event(9)).json()
    path, old = f"/events/{first['id']}", {"If-Match": first["@odata.etag"]}
    second = call("PATCH", path, json={"subject": "new"}, headers=old).json()
    assert second["@odata.etag"] != first["@odata.etag"]
    assert (second["subject"], second["start"]) == ("new", first["start"])
    assert code(call("PATCH", path, json={"subject": "x"}, headers=old)) == (412, "ErrorIrresolvableConflict")
    assert code(call("DELETE", path, headers=old)) == (412, "ErrorIrresolvableConflict")
    there.human.edits(first["id"], subject="theirs")
    assert code(call("DELETE", path, headers={"If-Match": second["@odata.etag"]})) == (412, "ErrorIrresolvableConflict")
    there.knobs.irresolvable = 1
    assert code(call("DELETE", path)) == (412, "ErrorIrresolvableConflict")
    assert call("DELETE", path).status_code == 204
    assert code(call("DELETE", path)) == (404, "ErrorItemNotFound")


def test_without_the_header_an_id_is_another_and_ends_with_a_move(there: Microsoft, call: Client) -> None:
    fixed = call("POST", "/events", json=event(9)).json()["id"]
    call.prefer = ""
    [loose] = [row["id"] for row in listed(call)]
    assert loose != fixed
    assert code(call("GET", f"/events/{fixed}")) == (404, "ErrorItemNotFound")
    there.human.moves(fixed, there.box().add_calendar("Duty").id)
    assert code(call("GET", f"/events/{loose}")) == (404, "ErrorItemNotFound")
    call.prefer = 'IdType="ImmutableId"'
    assert call("GET", f"/events/{fixed}").status_code == 200


def test_extended_properties_come_only_when_named_and_can_be_searched(call: Client) -> None:
    made = call("POST", "/events", json=event(9, singleValueExtendedProperties=[{"id": PROPERTY, "value": "Mine"}])).json()
    call("POST", "/events", json=event(10))
    assert "singleValueExtendedProperties" not in made
    path = f"/events/{made['id']}"
    assert "singleValueExtendedProperties" not in call("GET", path).json()
    found = call("GET", path, params={"$expand": EXPAND.replace("AAAA", "aaaa"), "$select": "subject"}).json()
    assert found["singleValueExtendedProperties"] == [{"id": PROPERTY, "value": "Mine"}]
    assert set(found) == {"@odata.etag", "id", "subject", "singleValueExtendedProperties"}
    assert "singleValueExtendedProperties" not in call("GET", path, params={"$expand": EXPAND.replace("mark", "Mark")}).json()
    search = f"singleValueExtendedProperties/any(ep: ep/id eq '{PROPERTY}' and ep/value eq 'mine')"
    assert [row["id"] for row in listed(call, **{"$filter": search})] == [made["id"]]


# --- lists ------------------------------------------------------------------------------------------


def test_a_page_has_ten_unless_asked_and_the_next_link_is_opaque_and_its_own(there: Microsoft, call: Client) -> None:
    for minute in range(12):
        call("POST", "/events", json={**event(9), "subject": str(minute)})
    first = call("GET", "/events").json()
    assert len(first["value"]) == 10
    assert first["@odata.nextLink"].startswith(there.base_url)
    assert parse_qs(urlsplit(first["@odata.nextLink"]).query).keys() == {"$skiptoken"}
    assert len(listed(call)) == 12
    assert len(call("GET", "/events", params={"$top": "12"}).json()["value"]) == 12
    assert [len(call("GET", "/events", params={"$top": "5", "$skip": str(skip)}).json()["value"]) for skip in (0, 5, 10)] == [
        5,
        5,
        2,
    ]
    there.knobs.largest_page = 7
    assert len(call("GET", "/events", params={"$top": "12"}).json()["value"]) == 7


def test_a_view_needs_a_window_expands_series_and_honours_offsets(there: Microsoft, call: Client) -> None:
    assert code(call("GET", "/calendarView")) == (400, "ErrorInvalidParameter")
    there.violations.clear()
    master = there.human.creates(1_772_528_400, 1_772_532_000, "Standup", every=86_400, times=3)  # 2026-03-03T09:00Z
    [seen] = listed(call, "/calendarView", **DAY)
    assert (seen["type"], seen["seriesMasterId"]) == ("occurrence", master)
    east = {"startDateTime": "2026-03-03T10:00:00+02:00", "endDateTime": "2026-03-03T10:59:00+02:00"}
    assert listed(call, "/calendarView", **east) == []
    assert [row["type"] for row in listed(call)] == ["seriesMaster"]


def test_events_can_be_filtered_by_their_times(call: Client) -> None:
    for hour in (8, 9, 10):
        call("POST", "/events", json=event(hour))
    between = "start/dateTime lt '2026-03-03T10:00:00' and end/dateTime gt '2026-03-03T09:00:00'"
    assert [row["subject"] for row in listed(call, **{"$filter": between})] == ["at 9"]
    assert code(call("GET", "/events", params={"$filter": "start/dateTime after 'noon'"})) == (400, "BadRequest")


def test_views_and_extended_properties_by_switch(there: Microsoft, call: Client) -> None:
    call("POST", "/events", json=event(9, singleValueExtendedProperties=[{"id": PROPERTY, "value": "Mine"}]))
    search = f"singleValueExtendedProperties/any(ep: ep/id eq '{PROPERTY}')"
    [row] = listed(call, "/calendarView", **DAY, **{"$expand": EXPAND, "$filter": search})
    assert row["singleValueExtendedProperties"]
    there.knobs.views = "500"
    assert call("GET", "/calendarView", params={**DAY, "$expand": EXPAND}).status_code == 500
    assert call("GET", "/calendarView", params={**DAY, "$filter": search}).status_code == 500
    assert call("GET", "/calendarView", params=DAY).status_code == 200
    assert call("GET", "/events", params={"$expand": EXPAND}).status_code == 200
    there.knobs.views = "forget"
    [row] = listed(call, "/calendarView", **DAY, **{"$expand": EXPAND})
    assert "singleValueExtendedProperties" not in row


def test_lists_see_a_write_late_and_a_get_at_once(there: Microsoft, call: Client) -> None:
    there.knobs.lag = 30
    made = call("POST", "/events", json=event(9)).json()
    assert listed(call) == []
    assert call("GET", f"/events/{made['id']}").status_code == 200
    there.clock.advance(31)
    assert len(listed(call)) == 1
    call("DELETE", f"/events/{made['id']}")
    assert len(listed(call)) == 1


# --- delta --------------------------------------------------------------------------------------------


def delta(call: Client, link: str | None = None, **prefer: Any) -> tuple[list[dict[str, Any]], str]:
    answer = call("GET", link or "/calendarView/delta", **({} if link else {"params": DAY}), **prefer)
    rows: list[dict[str, Any]] = answer.json()["value"]
    assert ("@odata.nextLink" in answer.json()) != ("@odata.deltaLink" in answer.json())
    if "@odata.nextLink" in answer.json():
        more, last = delta(call, answer.json()["@odata.nextLink"])
        return rows + more, last
    return rows, answer.json()["@odata.deltaLink"]


def test_a_delta_tells_what_changed_and_names_what_changed_outside_as_removed(there: Microsoft, call: Client) -> None:
    inside = call("POST", "/events", json=event(9, singleValueExtendedProperties=[{"id": PROPERTY, "value": "x"}])).json()
    rows, link = delta(call)
    assert [row["id"] for row in rows] == [inside["id"]]
    assert "singleValueExtendedProperties" not in rows[0]
    outside = there.human.creates(1_772_700_000, 1_772_703_600, "elsewhere")
    there.human.edits(inside["id"], subject="moved")
    rows, link = delta(call, link)
    assert {row["id"]: row.get("@removed") for row in rows} == {outside: {"reason": "deleted"}, inside["id"]: None}
    assert delta(call, link)[0] == []


def test_a_delta_comes_in_pages_and_refuses_what_it_does_not_support(there: Microsoft, call: Client) -> None:
    for hour in range(5):
        call("POST", "/events", json=event(hour))
    rows, _ = delta(call, headers={"Prefer": f"{call.prefer}, odata.maxpagesize=2"})
    assert len(rows) == 5
    assert code(call("GET", "/calendarView/delta", params={**DAY, "$expand": EXPAND})) == (400, "ErrorInvalidUrlQuery")
    there.violations.clear()


@pytest.mark.parametrize("replay", ["old", "twice"])
def test_a_delta_may_tell_a_thing_again(there: Microsoft, call: Client, replay: Literal["old", "twice"]) -> None:
    first = call("POST", "/events", json=event(9)).json()["id"]
    _, link = delta(call)
    there.knobs.replay = replay
    second = call("POST", "/events", json=event(10)).json()["id"]
    assert [row["id"] for row in delta(call, link)[0]] == ([second, first] if replay == "old" else [second, second])


@pytest.mark.parametrize(
    ("spelling", "status"), [("SyncStateNotFound", 410), ("syncStateNotFound", 410), ("resyncRequired", 400)]
)
@pytest.mark.parametrize("location", [False, True])
def test_a_lost_delta_token(there: Microsoft, call: Client, spelling: Any, status: int, location: bool) -> None:
    _, link = delta(call)
    there.knobs.lost_delta, there.knobs.lost_delta_location = spelling, location
    there.deltas.invalidate()
    answer = call("GET", link)
    assert code(answer) == (status, spelling)
    assert ("location" in answer.headers) is location


def test_a_delta_of_another_calendar_by_switch(there: Microsoft, call: Client) -> None:
    path = f"/calendars/{there.box().add_calendar('Duty').id}/calendarView/delta"
    assert call("GET", path, params=DAY).status_code == 200
    there.knobs.deltas_elsewhere = False
    assert call("GET", path, params=DAY).status_code == 400


# --- limits ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", ["7", "Mon, 02 Mar 2026 12:00:30 GMT", None])
def test_more_calls_than_allowed_in_ten_minutes_are_refused(there: Microsoft, call: Client, header: str | None) -> None:
    there.rate_size, there.knobs.retry_after = 3, header
    for _ in range(3):
        assert call("GET", "/calendar").status_code == 200
    answer = call("GET", "/calendar")
    assert code(answer) == (429, "ApplicationThrottled")
    assert answer.headers.get("retry-after") == header
    there.clock.advance(600)
    assert call("GET", "/calendar").status_code == 200


def test_a_fifth_call_at_once_is_refused(there: Microsoft, call: Client) -> None:
    there.faults.add(Fault(path="/calendar$", delay=0.3, times=None))
    clients = [Client(there) for _ in range(6)]
    for client in clients:
        client.token = call.token
    with ThreadPoolExecutor(6) as pool:
        statuses = list(pool.map(lambda client: client("GET", "/calendar").status_code, clients))
    assert 429 in statuses
    assert statuses.count(200) <= 4


# --- batch ----------------------------------------------------------------------------------------------


def batch(call: Client, items: list[dict[str, Any]]) -> requests.Response:
    return call("POST", "/$batch", user="", json={"requests": items})


def item(id_: str, **more: Any) -> dict[str, Any]:
    return {"id": id_, "method": "GET", "url": f"/users/{ONCALL}/events", **more}


def test_a_batch_is_answered_item_by_item_in_any_order(there: Microsoft, call: Client) -> None:
    post = {"method": "POST", "body": event(9), "headers": {"Content-Type": "application/json"}}
    answer = batch(call, [item("a", **post), item("b", url=f"/users/{ONCALL}/events/none"), item("c", dependsOn=["b"])])
    assert answer.status_code == 200
    assert {one["id"]: one["status"] for one in answer.json()["responses"]} == {"a": 201, "b": 404, "c": 424}
    assert len(listed(call)) == 1
    orders = {tuple(one["id"] for one in batch(call, [item(str(n)) for n in range(4)]).json()["responses"]) for _ in range(8)}
    assert len(orders) > 1


def test_a_batch_has_its_limits(there: Microsoft, call: Client) -> None:
    assert batch(call, [item(str(n)) for n in range(21)]).status_code == 400
    assert batch(call, [item("a"), item("A")]).status_code == 400
    answers = batch(call, [item(str(n)) for n in range(5)]).json()["responses"]
    assert {one["id"]: one["status"] for one in answers} == {"0": 200, "1": 200, "2": 200, "3": 200, "4": 429}
    assert [one["headers"]["retry-after"] for one in answers if one["status"] == 429] == ["10"]
    there.faults.add(Fault(path="batch", items={1: 503}))
    assert {one["id"]: one["status"] for one in batch(call, [item("0"), item("1")]).json()["responses"]} == {"0": 200, "1": 503}
    there.violations.clear()


# --- subscriptions ----------------------------------------------------------------------------------------


@pytest.fixture
def listener() -> Iterator[str]:
    """A notification address that answers the validation as it should."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            token = parse_qs(urlsplit(self.path).query)["validationToken"][0].encode()
            self.send_response(200 if "good" in self.path else 500)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(token)))
            self.end_headers()
            self.wfile.write(token)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_subscription_needs_an_address_that_answers_and_an_end_that_is_near(
    there: Microsoft, call: Client, listener: str
) -> None:
    def subscribe(path: str = "/good", until: str = "2026-03-04T12:00:00Z") -> requests.Response:
        body = {
            "changeType": "updated",
            "resource": f"users/{ONCALL}/events",
            "notificationUrl": listener + path,
            "expirationDateTime": until,
        }
        return call("POST", "/subscriptions", user="", json=body)

    made = subscribe()
    assert made.status_code == 201
    path = f"/subscriptions/{made.json()['id']}"
    assert subscribe("/bad").status_code == 400
    assert subscribe(until="2026-03-06T12:00:00Z").status_code == 400, "refused, not shortened"
    assert call("PATCH", path, user="", json={"expirationDateTime": "2026-03-05T00:00:00Z"}).status_code == 200
    assert call("DELETE", path, user="").status_code == 204
    assert call("GET", path, user="").status_code == 404


# --- faults and hands ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("drop", "made"), [("before", 0), ("after", 1), ("half", 1), ("late", 1)])
def test_a_connection_that_breaks_leaves_what_it_says(there: Microsoft, call: Client, drop: Any, made: int) -> None:
    there.faults.add(Fault(method="POST", path="/events$", drop=drop))
    with pytest.raises(requests.RequestException):
        call("POST", "/events", json=event(9))
    there.land_late_writes()
    assert len(listed(call)) == made
    assert [one.outcome for one in there.journal.writes("/events$")] == [
        {"half": "half", "late": "late"}.get(drop, f"dropped {drop}")
    ]


def test_a_human_deletes_restores_takes_over_and_duplicates(there: Microsoft, call: Client) -> None:
    mine = {"transactionId": "t1", "singleValueExtendedProperties": [{"id": PROPERTY, "value": "x"}]}
    ref = call("POST", "/events", json=event(9, **mine)).json()["id"]
    there.human.deletes(ref)
    assert listed(call) == []
    there.human.restores(ref)
    copy = there.human.duplicates(ref)
    rows = {row["id"]: row for row in listed(call, **{"$expand": EXPAND})}
    assert rows[copy]["singleValueExtendedProperties"] == rows[ref]["singleValueExtendedProperties"]
    assert (rows[ref].get("transactionId"), rows[copy].get("transactionId")) == ("t1", None)
    there.human.takes_over(ref, "theirs")
    rows = {row["id"]: row for row in listed(call, **{"$expand": EXPAND})}
    assert "singleValueExtendedProperties" not in rows[ref]


def test_a_user_signs_in_with_a_code_and_opens_what_is_theirs_or_shared(there: Microsoft, call: Client) -> None:
    there.add_mailbox("duty@example.com", "shared")
    scope = f"{RESOURCE}/Calendars.ReadWrite offline_access openid"
    flow = call.session.post(f"{there.authority}/oauth2/v2.0/devicecode", data={"client_id": CLIENT, "scope": scope}).json()
    redeem = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": flow["device_code"]}
    assert call.sign_in(**redeem).json()["error"] == "authorization_pending"
    there.login.approve(flow["user_code"], ONCALL)
    given = call.sign_in(**redeem).json()
    assert call("GET", "/calendar").status_code == 200
    assert code(call("GET", "/calendar", user="duty@example.com")) == (403, "ErrorAccessDenied")
    there.shares["duty@example.com"] = {ONCALL}
    assert call("GET", "/calendar", user="duty@example.com").status_code == 200
    again = call.sign_in(grant_type="refresh_token", refresh_token=given["refresh_token"]).json()
    assert again["refresh_token"] != given["refresh_token"]
    assert call("GET", "/calendar").status_code == 200
