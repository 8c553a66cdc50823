"""The simulated PagerDuty does what SIMULATORS.md sections 1, 3.1 and 4 ask of it, in answers that the vendor's schema allows."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pagerduty
import pytest

from tests.simulators.common import Clock, Fault, clean_environment
from tests.simulators.pagerduty import CLIENT_ID, CLIENT_SECRET, KEY, READ_KEY, PagerDuty
from tests.simulators.pagerduty_account import Layer, Restriction

HOUR, DAY = 3_600, 86_400
NOW = 1_803_859_200  # 2027-03-01T00:00:00Z, a Monday
WEEK = {"since": "2027-03-01T00:00:00Z", "until": "2027-03-08T00:00:00Z"}


class Caller:
    """Sends as a strict client does, and holds each answer against the schema."""

    def __init__(self, there: PagerDuty, authorization: str = f"Token token={KEY}") -> None:
        self.there = there
        headers = {"Accept": "application/vnd.pagerduty+json;version=2", "Content-Type": "application/json"}
        self.http = httpx2.Client(
            base_url=there.url, verify=ssl.create_default_context(cafile=there.ca_file), timeout=2,
            headers={**headers, "Authorization": authorization},
        )  # fmt: skip

    def __call__(self, method: str, path: str, body: Any = None, **query: Any) -> httpx2.Response:
        response = self.http.request(method, path, params=query or None, json=body)
        status = response.status_code
        if method == "GET" and path.endswith("/overrides") and not path.startswith("/v3") and status == 200:
            status = 201  # the schema says 201 where every client expects 200
        if status not in (402, 429) and response.content:
            kind = response.headers["content-type"]
            assert self.there.contract.answer_problem(method, path, status, kind, response.content) is None
        return response


@pytest.fixture
def there() -> Iterator[PagerDuty]:
    clean_environment()
    with PagerDuty(clock=Clock(NOW)) as there:
        there.account.add_user("Ana Lopez", "ana@example.com", "PANA")
        there.account.add_user("Ben Okafor", "ben@example.com", "PBEN")
        there.account.add_schedule("Payments", "PLAYER1")
        there.account.add_schedule("Payments in shifts", "PSHIFT1", kind="schedule_v3")
        yield there


@pytest.fixture
def call(there: PagerDuty) -> Iterator[Caller]:
    caller = Caller(there)
    yield caller
    caller.http.close()


def override(user: str = "PANA", start: str = "2027-03-02T00:00:00Z", end: str = "2027-03-03T00:00:00Z") -> dict[str, Any]:
    return {"start": start, "end": end, "user": {"id": user, "type": "user_reference"}}


def custom(user: str = "PANA", start: str = "2027-03-02T00:00:00Z", end: str = "2027-03-03T00:00:00Z") -> dict[str, Any]:
    member = {"type": "user_member", "user_id": user}
    assignments = [{"type": "shift_assignment", "member": member}]
    return {"type": "custom_shift", "start_time": start, "end_time": end, "assignments": assignments}


def made(call: Caller, *items: Mapping[str, Any]) -> list[str]:
    return [one["override"]["id"] for one in call("POST", "/schedules/PLAYER1/overrides", {"overrides": list(items)}).json()]


def final(call: Caller, **query: Any) -> list[tuple[str, str, str]]:
    schedule = call("GET", "/schedules/PLAYER1", **{**WEEK, **query}).json()["schedule"]
    entries = schedule["final_schedule"]["rendered_schedule_entries"]
    return [(one["start"], one["end"], one["user"]["id"]) for one in entries]


# --- credentials and rate ---------------------------------------------------------------------


@pytest.mark.parametrize("authorization", ["", "Basic x", f"Token {KEY}", "Token token=wrong", "Bearer wrong"])
def test_a_malformed_or_unknown_credential_is_401_with_code_2006(there: PagerDuty, authorization: str) -> None:
    response = Caller(there, authorization)("GET", "/schedules/PLAYER1")
    assert (response.status_code, response.json()["error"]["code"]) == (401, 2006)


def test_a_token_has_the_scopes_that_were_asked_for_and_given_and_ends(there: PagerDuty) -> None:
    form = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    http = Caller(there).http
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    asked = {**form, "scope": "as_account-us.acme schedules.read nonsense"}
    told = http.post("/oauth/token", data=asked, headers=kind).json()
    assert (told["scope"], told["expires_in"]) == ("as_account-us.acme schedules.read", 86_400)
    bearer = Caller(there, f"Bearer {told['access_token']}")
    assert bearer("GET", "/schedules/PLAYER1").status_code == 200
    response = bearer("POST", "/schedules/PLAYER1/overrides", {"overrides": [override()]})
    assert (response.status_code, response.json()["error"]["code"]) == (403, 2010)
    there.clock.advance(86_400)
    assert bearer("GET", "/schedules/PLAYER1").status_code == 401
    assert http.post("/oauth/token", data={**form, "scope": "as_account-eu.acme"}, headers=kind).status_code == 400
    assert http.post("/oauth/token", data={**form, "client_secret": "x"}, headers=kind).status_code == 401


def test_a_read_only_key_may_not_write(there: PagerDuty) -> None:
    reader = Caller(there, f"Token token={READ_KEY}")
    assert reader("GET", "/schedules/PLAYER1").status_code == 200
    assert reader("POST", "/schedules/PLAYER1/overrides", {"overrides": [override()]}).status_code == 403


@pytest.mark.parametrize("bare", [False, True])
def test_the_rate_is_counted_a_credential_and_told_on_every_answer(there: PagerDuty, call: Caller, bare: bool) -> None:
    there.rate, there.bare_429 = 2, bare
    first = call("GET", "/schedules/PLAYER1")
    assert (first.headers["ratelimit-limit"], first.headers["ratelimit-remaining"], first.headers["ratelimit-reset"]) == (
        "2", "1", "60",
    )  # fmt: skip
    call("GET", "/schedules/PLAYER1")
    there.clock.advance(20)
    refused = call("GET", "/schedules/PLAYER1")
    assert refused.status_code == 429
    assert refused.headers.get("ratelimit-reset") == (None if bare else "40")
    assert refused.content == b"" if bare else refused.json()["error"]["code"] == 2020
    assert Caller(there, f"Token token={READ_KEY}")("GET", "/schedules/PLAYER1").status_code == 200
    there.clock.advance(40)
    assert call("GET", "/schedules/PLAYER1").status_code == 200


def test_a_body_that_the_schema_refuses_is_refused_loudly(there: PagerDuty, call: Caller) -> None:
    if not there.contract.present:
        pytest.skip("the vendor's schema is not here")
    assert call("POST", "/v3/schedules/PSHIFT1/custom_shifts", {"custom_shifts": []}).status_code == 400
    assert call("GET", "/schedules/PLAYER1/overrides", since="2027-03-01T00:00:00Z").json()["error"]["code"] == 2001
    assert len(there.violations) == 2
    there.violations.clear()


def test_leaving_it_fails_where_a_request_broke_the_schema() -> None:
    there = PagerDuty()
    there.start()
    there.violations.append("POST /x: wrong")
    with pytest.raises(AssertionError, match="POST /x: wrong"):
        there.__exit__(None)


# --- layer-based schedules --------------------------------------------------------------------


def test_overrides_are_clipped_unless_overflow_and_carry_no_paging(call: Caller) -> None:
    made(call, override(start="2027-03-01T12:00:00Z", end="2027-03-09T00:00:00Z"))
    window = {"since": "2027-03-02T00:00:00Z", "until": "2027-03-03T00:00:00Z"}
    [clipped] = call("GET", "/schedules/PLAYER1/overrides", **window).json()["overrides"]
    assert (clipped["start"], clipped["end"]) == ("2027-03-02T00:00:00Z", "2027-03-03T00:00:00Z")
    answer = call("GET", "/schedules/PLAYER1/overrides", **window, overflow="true").json()
    assert list(answer) == ["overrides"]
    assert (answer["overrides"][0]["start"], answer["overrides"][0]["end"]) == ("2027-03-01T12:00:00Z", "2027-03-09T00:00:00Z")


def test_editable_tells_nothing_but_ids_of_future_ones(there: PagerDuty, call: Caller) -> None:
    made(call, override(start="2027-03-01T00:00:00Z"))
    [future] = made(call, override(start="2027-03-04T00:00:00Z", end="2027-03-05T00:00:00Z"))
    there.clock.advance(HOUR)
    response = call.http.get("/schedules/PLAYER1/overrides", params={**WEEK, "editable": "true"})
    assert response.json() == {"overrides": [{"id": future}]}


def test_each_item_of_a_create_has_its_own_status(there: PagerDuty, call: Caller) -> None:
    body = {"overrides": [override(), override(end="2027-03-02T00:00:00Z"), override("PNOBODY")]}
    response = call("POST", "/schedules/PLAYER1/overrides", body)
    assert (response.status_code, [one["status"] for one in response.json()]) == (201, [201, 400, 400])
    assert ["id" in one["override"] for one in response.json()] == [True, False, False]
    there.create_shape = "object"
    told = call.http.post("/schedules/PLAYER1/overrides", json=body).json()["overrides"]
    assert ["id" in one for one in told] == [True, False, False]


def test_a_missing_field_is_that_items_and_the_deprecated_form_works(there: PagerDuty, call: Caller) -> None:
    bad = {"start": "2027-03-02T00:00:00Z", "user": {"id": "PANA", "type": "user_reference"}}
    assert [one["status"] for one in call.http.post("/schedules/PLAYER1/overrides", json={"overrides": [bad]}).json()] == [400]
    there.violations.clear()
    response = call.http.post("/schedules/PLAYER1/overrides", json={"override": override()})
    assert (response.status_code, "id" in response.json()["override"]) == (201, True)


def test_the_override_created_last_wins_and_gaps_are_left_out(there: PagerDuty, call: Caller) -> None:
    made(call, override(), override("PBEN", "2027-03-02T06:00:00Z", "2027-03-02T12:00:00Z"))
    assert final(call) == [
        ("2027-03-02T00:00:00Z", "2027-03-02T06:00:00Z", "PANA"),
        ("2027-03-02T06:00:00Z", "2027-03-02T12:00:00Z", "PBEN"),
        ("2027-03-02T12:00:00Z", "2027-03-03T00:00:00Z", "PANA"),
    ]
    assert final(call, until="2027-03-02T07:00:00Z")[-1] == ("2027-03-02T06:00:00Z", "2027-03-02T07:00:00Z", "PBEN")
    there.human_overrides("PLAYER1", "PBEN", NOW + DAY, NOW + 2 * DAY)
    assert [one[2] for one in final(call)] == ["PBEN"]


def test_nothing_is_rendered_without_a_window_and_one_end_sets_the_other(there: PagerDuty, call: Caller) -> None:
    assert "final_schedule" not in call("GET", "/schedules/PLAYER1").json()["schedule"]
    with there.hand():
        there.account.schedules["PLAYER1"].layers.append(Layer(["PANA", "PBEN"], NOW, DAY))
    schedule = call("GET", "/schedules/PLAYER1", since="2027-03-01T00:00:00Z").json()["schedule"]
    assert len(schedule["final_schedule"]["rendered_schedule_entries"]) == 14
    assert schedule["schedule_layers"][0]["rendered_coverage_percentage"] == 100


def test_a_layer_hands_over_at_its_local_time_and_within_its_restrictions(there: PagerDuty, call: Caller) -> None:
    """The clocks of Berlin go forward on 2027-03-28 at 01:00Z."""
    with there.hand():
        schedule = there.account.schedules["PLAYER1"]
        schedule.zone = "Europe/Berlin"
        start = 1_806_048_000  # 2027-03-26T09:00 in Berlin: ana, ben on the 27th, ana again on the 28th
        office = [Restriction(9 * HOUR, 8 * HOUR)]
        schedule.layers.append(Layer(["PANA", "PBEN"], start, DAY, restrictions=office))
    told = final(call, since="2027-03-27T00:00:00Z", until="2027-03-29T00:00:00Z", time_zone="UTC")
    assert told == [
        ("2027-03-27T08:00:00Z", "2027-03-27T16:00:00Z", "PBEN"),
        ("2027-03-28T07:00:00Z", "2027-03-28T15:00:00Z", "PANA"),
    ]


def test_a_weekly_restriction_covers_the_days_it_spans(there: PagerDuty, call: Caller) -> None:
    with there.hand():
        weekend = [Restriction(18 * HOUR, 62 * HOUR, 4)]
        there.account.schedules["PLAYER1"].layers.append(Layer(["PANA"], NOW, DAY, restrictions=weekend))
    assert final(call, since="2027-03-02T00:00:00Z", until="2027-03-12T00:00:00Z") == [
        ("2027-03-05T18:00:00Z", "2027-03-08T08:00:00Z", "PANA")
    ]


def test_deleting_a_future_a_running_a_past_and_an_unknown_override(there: PagerDuty, call: Caller) -> None:
    future, running = made(call, override(), override(start="2027-03-01T00:00:00Z", end="2027-03-01T08:00:00Z"))
    at = "/schedules/PLAYER1/overrides/"
    assert call("DELETE", at + future).status_code == 204
    assert call("DELETE", at + future).status_code == 404
    there.clock.advance(HOUR)
    assert call("DELETE", at + running).status_code == 200
    assert final(call) == [("2027-03-01T00:00:00Z", "2027-03-01T01:00:00Z", "PANA")]
    there.clock.advance(HOUR)
    assert call.http.delete(at + running).status_code == 400
    there.past_delete_status = 404
    assert call("DELETE", at + running).status_code == 404


def test_an_upgrade_keeps_the_id_and_changes_the_lists(there: PagerDuty, call: Caller) -> None:
    def lists() -> list[list[str]]:
        return [[one["id"] for one in call("GET", path).json()["schedules"]] for path in ("/schedules", "/v3/schedules")]

    made(call, override())
    assert lists() == [["PLAYER1"], ["PSHIFT1"]]
    assert call("GET", "/v3/schedules/PSHIFT1").status_code == 200
    assert call.http.get("/v3/schedules/PLAYER1").status_code == 400
    there.human_upgrades("PLAYER1")
    assert lists() == [[], ["PLAYER1", "PSHIFT1"]]
    refused = call("GET", "/schedules/PLAYER1")
    assert refused.status_code == 400
    assert "shift-based" in refused.json()["error"]["errors"][0]
    assert len(call("GET", "/v3/schedules/PLAYER1/custom_shifts", **WEEK).json()["custom_shifts"]) == 1


def test_users_are_paged_and_the_sum_has_a_limit(there: PagerDuty, call: Caller) -> None:
    with there.hand():
        for number in range(120):
            there.account.add_user(f"User {number}", f"user{number}@example.com")
    page = call("GET", "/users", limit="500").json()
    assert (len(page["users"]), page["limit"], page["more"], page["total"]) == (100, 100, True, None)
    assert len(call("GET", "/users", offset="100", limit="100").json()["users"]) == 22
    assert call("GET", "/users", offset="9950", limit="100").json()["error"]["code"] == 2001
    assert [one["id"] for one in call("GET", "/users", query="okafor").json()["users"]] == ["PBEN"]
    assert call("GET", "/users/PBEN").json()["user"]["email"] == "ben@example.com"
    assert call("GET", "/users/PNOBODY").json()["error"]["code"] == 2100


def test_abilities_and_who_is_on_call(there: PagerDuty, call: Caller) -> None:
    assert "teams" in call("GET", "/abilities").json()["abilities"]
    assert call("GET", "/abilities/teams").status_code == 204
    assert call("GET", "/abilities/sso").status_code == 402
    there.human_overrides("PLAYER1", "PBEN", NOW, NOW + DAY)
    assert [one["user"]["id"] for one in call.http.get("/oncalls").json()["oncalls"]] == ["PBEN"]


# --- shift-based schedules --------------------------------------------------------------------


def test_a_custom_shift_is_created_read_changed_and_deleted(there: PagerDuty, call: Caller) -> None:
    at = "/v3/schedules/PSHIFT1/custom_shifts"
    [one] = call("POST", at, {"custom_shifts": [custom()]}).json()["custom_shifts"]
    assert call("GET", f"{at}/{one['id']}").json()["custom_shift"] == one
    told = call("PUT", f"{at}/{one['id']}", {"custom_shift": {"end_time": "2027-03-02T12:00:00Z"}}).json()["custom_shift"]
    assert (told["start_time"], told["end_time"]) == ("2027-03-02T00:00:00Z", "2027-03-02T12:00:00Z")
    there.clock.set(NOW + DAY + HOUR)
    moved = {"custom_shift": {"start_time": "2027-03-02T06:00:00Z"}}
    refused = call("PUT", f"{at}/{one['id']}", moved)
    assert (refused.status_code, type(refused.json()["error"]["errors"])) == (400, dict)
    assert call("DELETE", f"{at}/{one['id']}").status_code == 204
    assert call("GET", f"{at}/{one['id']}").json()["custom_shift"]["end_time"] == "2027-03-02T01:00:00Z"
    assert call("DELETE", f"{at}/{one['id']}").status_code == 400
    [gone] = call("POST", at, {"custom_shifts": [custom(start="2027-03-04T00:00:00Z", end="2027-03-05T00:00:00Z")]}).json()[
        "custom_shifts"
    ]
    assert call("DELETE", f"{at}/{gone['id']}").status_code == 204
    assert call("GET", f"{at}/{gone['id']}").status_code == 404


def test_custom_shifts_are_paged_and_created_all_or_none(there: PagerDuty, call: Caller) -> None:
    at = "/v3/schedules/PSHIFT1/custom_shifts"
    assert call("POST", at, {"custom_shifts": [custom(), custom("PNOBODY")]}).status_code == 400
    call("POST", at, {"custom_shifts": [custom() for _ in range(30)]})
    page = call("GET", at, **WEEK).json()
    assert (len(page["custom_shifts"]), page["limit"], page["more"]) == (25, 25, True)
    assert call("GET", at, **WEEK, offset="25").json()["more"] is False


def test_a_v3_override_names_one_source_and_both_people(there: PagerDuty, call: Caller) -> None:
    at = "/v3/schedules/PSHIFT1/overrides"
    ana, ben = ({"type": "user_member", "user_id": user} for user in ("PANA", "PBEN"))
    times = {"start_time": "2027-03-02T00:00:00Z", "end_time": "2027-03-03T00:00:00Z"}
    item = {"type": "override_shift", **times, "overridden_member": ana, "overriding_member": ben}
    for sources in ({}, {"rotation_id": "R", "custom_shift_id": "C"}):
        refused = call("POST", at, {"overrides": [{**item, **sources}]})
        assert (refused.status_code, type(refused.json()["error"]["errors"])) == (400, dict)
    [one] = call("POST", at, {"overrides": [{**item, "custom_shift_id": "C"}]}).json()["overrides"]
    assert call("GET", at, **WEEK).json()["overrides"] == [one]
    assert call("DELETE", f"{at}/{one['id']}").status_code == 204
    if there.contract.present:
        assert call("POST", at, {"overrides": [{**item, "overridden_member": None}]}).status_code == 400
        there.violations.clear()


def computed(call: Caller, **query: Any) -> list[tuple[str, str, str, dict[str, str]]]:
    query = {**WEEK, "include[]": "final_schedule", **query}
    told = call("GET", "/v3/schedules/PSHIFT1", **query).json()["schedule"]["final_schedule"]["computed_shift_assignments"]
    on = [one for one in told if one["member"]["type"] == "user_member"]
    return sorted((one["start_time"], one["end_time"], one["member"]["user_id"], one["source"]) for one in on)


def test_an_override_of_a_custom_shift_takes_its_piece_of_the_final_schedule(there: PagerDuty, call: Caller) -> None:
    [shift] = call("POST", "/v3/schedules/PSHIFT1/custom_shifts", {"custom_shifts": [custom()]}).json()["custom_shifts"]
    start, end = shift["start_time"], shift["end_time"]
    over = there.human_overrides_shift("PSHIFT1", shift["id"], "PBEN", NOW + DAY, NOW + DAY + 90 * 60)
    named = {"shift_id": shift["id"]}
    assert computed(call) == [
        (start, "2027-03-02T01:30:00Z", "PBEN", {"type": "custom_shift_override", **named, "override_id": over}),
        ("2027-03-02T01:30:00Z", end, "PANA", {"type": "custom_shift", **named}),
    ]
    window = {"since": "2027-03-02T01:15:00Z", "until": "2027-03-02T01:20:00Z"}
    assert [one[:3] for one in computed(call, **window)] == [("2027-03-02T01:15:00Z", "2027-03-02T01:20:00Z", "PBEN")]
    assert [one[:3] for one in computed(call, **window, overflow="true")] == [(start, "2027-03-02T01:30:00Z", "PBEN")]
    there.clock.set(NOW + DAY + HOUR + 60)
    path = f"/v3/schedules/PSHIFT1/overrides/{over}"
    assert call("DELETE", path).status_code == 204
    assert call("GET", path).json()["override"]["end_time"] == "2027-03-02T01:01:00Z"
    assert call.http.delete(path).status_code == 400  # the schema has no word for it
    there.cuts_v3_overrides = False
    assert (call("DELETE", path).status_code, call("GET", path).status_code) == (204, 404)


def test_a_rotation_is_on_beside_the_custom_shifts(there: PagerDuty, call: Caller) -> None:
    with there.hand():
        there.account.schedules["PSHIFT1"].rotations["R1"] = Layer(["PBEN"], NOW, DAY)
    call("POST", "/v3/schedules/PSHIFT1/custom_shifts", {"custom_shifts": [custom()]})
    told = computed(call, until="2027-03-03T00:00:00Z")
    assert [(one[2], one[3]["type"]) for one in told] == [("PBEN", "schedule_rotation"), ("PANA", "custom_shift")]
    there.hides_deleted = True
    with there.hand():
        del there.account.users["PBEN"]
    assert [one[2] for one in computed(call)] == ["PANA"]


def test_the_final_schedule_comes_on_request_with_gaps_as_empty_members(there: PagerDuty, call: Caller) -> None:
    call("POST", "/v3/schedules/PSHIFT1/custom_shifts", {"custom_shifts": [custom(), custom("PBEN")]})
    assert "final_schedule" not in call("GET", "/v3/schedules/PSHIFT1", **WEEK).json()["schedule"]
    told = call("GET", "/v3/schedules/PSHIFT1", **WEEK, **{"include[]": "final_schedule"}).json()["schedule"]["final_schedule"]
    shifts = told["computed_shift_assignments"]
    members = [(one["start_time"][8:10], one["end_time"][8:10], one["member"].get("user_id")) for one in shifts]
    assert sorted(members, key=str) == [("01", "02", None), ("02", "03", "PANA"), ("02", "03", "PBEN"), ("03", "08", None)]


# --- what the chassis does --------------------------------------------------------------------


@pytest.mark.parametrize(("drop", "done"), [("before", 0), ("after", 1), ("half", 1)])
def test_a_dropped_call_is_done_or_not_as_it_says(there: PagerDuty, call: Caller, drop: Any, done: int) -> None:
    there.faults.add(Fault(method="POST", drop=drop))
    with pytest.raises(httpx2.TransportError):
        made(call, override())
    assert len(there.account.schedules["PLAYER1"].overrides) == done
    assert [one.outcome for one in there.journal] == [{"half": "half"}.get(drop, f"dropped {drop}")]


def test_a_late_write_lands_when_the_test_says(there: PagerDuty, call: Caller) -> None:
    there.faults.add(Fault(method="POST", drop="late"))
    with pytest.raises(httpx2.TransportError):
        made(call, override())
    assert final(call) == []
    assert there.land_late_writes() == 1
    assert len(final(call)) == 1


def test_a_fault_strikes_from_its_first_match_as_often_as_it_says(there: PagerDuty, call: Caller) -> None:
    there.faults.add(Fault(path="^/users", first=2, times=2, status=503))
    assert [call.http.get("/users").status_code for _ in range(4)] == [200, 503, 503, 200]
    assert call("GET", "/schedules/PLAYER1").status_code == 200


def test_a_write_shows_in_lists_only_after_the_lag(there: PagerDuty, call: Caller) -> None:
    there.lag = 5
    made(call, override())
    assert call("GET", "/schedules/PLAYER1/overrides", **WEEK).json()["overrides"] == []
    there.clock.advance(5)
    assert len(call("GET", "/schedules/PLAYER1/overrides", **WEEK).json()["overrides"]) == 1


def test_the_date_is_the_tests_clock_with_its_skew(there: PagerDuty, call: Caller) -> None:
    there.clock.skew = 90
    assert call("GET", "/schedules/PLAYER1").headers["date"] == "Mon, 01 Mar 2027 00:01:30 GMT"


def test_the_vendors_own_client_works_unmodified_over_kept_connections(there: PagerDuty) -> None:
    client = pagerduty.RestApiV2Client(KEY, base_url=there.url, verify=ssl.create_default_context(cafile=there.ca_file))
    assert [one["id"] for one in client.list_all("users")] == ["PANA", "PBEN"]
    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(lambda _: client.rget("/users/PANA")["self"] == f"{there.url}/users/PANA", range(20)))
