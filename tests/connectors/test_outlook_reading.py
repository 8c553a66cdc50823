"""What a look at an Outlook calendar asks, believes and remembers."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.outlook import Outlook
from connectors.outlook_events import PROPERTY, Events
from syncd.connector import Denied, Entry, Observation, Rejected, Unavailable
from syncd.core.model import DAY, HOUR, Window
from syncd.event import CalendarOptions
from tests.connectors.conformance import NOW, SITE, WINDOW, T, op, said, shift
from tests.connectors.outlook_there import outlook
from tests.simulators.common import Call, Clock, Fault
from tests.simulators.microsoft import ONCALL, Microsoft


@pytest.fixture
def there() -> Iterator[Microsoft]:
    with Microsoft(clock=Clock(NOW)) as there:
        yield there


def look(there: Microsoft, known: dict[str, str] | None = None, **more: object) -> Observation:
    """With a connector of its own, as every cycle has."""
    connector = outlook(there, **more)
    try:
        return connector.read(WINDOW, known or {})
    finally:
        connector.close()


def again(there: Microsoft, before: Observation, **more: object) -> Observation:
    """The next cycle's look: what opening found is given back."""
    connector = outlook(there, dataclasses.replace(SITE, found=before.found), **more)
    known = {entry.ref: entry.version or "" for entry in before.entries}
    try:
        return connector.read(WINDOW, known)
    finally:
        connector.close()


def put(there: Microsoft, count: int = 1) -> list[Entry]:
    connector = outlook(there)
    made = [connector.create(shift(start=T + n * DAY), op(f"a{n}")) for n in range(count)]
    connector.close()
    return made


def graph_calls(there: Microsoft) -> list[Call]:
    return there.journal.of("*", "^/v1.0/")


# --- what it costs, and what it asks ---------------------------------------------------------


def test_at_rest_a_cycle_is_one_read_and_nothing_else(there: Microsoft) -> None:
    put(there, 12)
    first = look(there)
    there.journal.clear()
    second = again(there, first)
    third = again(there, second)
    assert [(call.method, call.path.rpartition("/")[2]) for call in there.journal] == [("GET", "calendarView")] * 2
    assert first.entries == second.entries == third.entries
    assert len(third.entries) == 12


def test_a_first_look_finds_the_calendar_and_signs_in_once(there: Microsoft) -> None:
    look(there)
    assert [call.path.rpartition("/")[2] for call in there.journal] == [
        "openid-configuration", "token", "calendar", "calendarView",
    ]  # fmt: skip


def test_every_request_asks_for_ids_that_stay_and_times_in_utc(there: Microsoft) -> None:
    [entry] = put(there)
    connector = outlook(there)
    entry = connector.replace(entry, shift("ben"), op("a0"))
    connector.read(Window(T - DAY, T), {entry.ref: "x"})
    connector.delete(entry, op("a0"))
    list(connector.doctor())
    connector.close()
    calls = graph_calls(there)
    assert {call.method for call in calls} == {"GET", "POST", "PATCH", "DELETE"}
    for call in calls:
        assert 'IdType="ImmutableId"' in call.headers["prefer"]
        assert 'outlook.timezone="UTC"' in call.headers["prefer"]


def test_a_look_asks_for_titles_and_times_and_for_nobodys_words(there: Microsoft) -> None:
    look(there)
    [call] = there.journal.of("GET", "calendarView")
    assert "body" not in (call.first("$select") or "")
    assert "attendees" not in (call.first("$select") or "")
    assert PROPERTY in (call.first("$expand") or "")


def test_the_servers_time_and_the_calendar_come_with_the_look(there: Microsoft) -> None:
    there.clock.skew = 90
    seen = look(there)
    assert seen.server_time == NOW + 90
    assert seen.fingerprint == f"outlook:{ONCALL}:{there.box().default}"


# --- what is believed -----------------------------------------------------------------------


@pytest.mark.parametrize("wrap", [True, False])
@pytest.mark.parametrize("keep_zone", [True, False])
def test_wrapped_bodies_and_converted_zones_are_no_change(there: Microsoft, wrap: bool, keep_zone: bool) -> None:
    there.knobs.wrap, there.knobs.keep_zone = wrap, keep_zone
    connector = outlook(there, zone="America/New_York")
    made = connector.create(shift(), op("a1"))
    [seen] = connector.read(WINDOW, {}).entries
    connector.close()
    assert seen == made
    assert said(seen) == (T, T + 8 * HOUR, "ana")


def test_a_whole_day_is_a_day_of_the_schedules_zone(there: Microsoft) -> None:
    there.human.creates(T, T + DAY, "Ana Lopez", isAllDay=True)
    [seen] = look(there).entries
    assert datetime.fromtimestamp(seen.start, UTC).hour == 23, "midnight in Berlin in March"
    assert seen.end - seen.start == DAY


def test_answers_in_another_zone_than_asked_for_are_understood(there: Microsoft) -> None:
    body = {
        "id": "x", "subject": "Ana Lopez", "@odata.etag": 'W/"1"',
        "start": {"dateTime": "2027-03-10T09:00:00.0000000", "timeZone": "Pacific Standard Time"},
        "end": {"dateTime": "2027-03-10T13:00:00.0000000", "timeZone": "America/New_York"},
    }  # fmt: skip
    there.faults.add(Fault(path="calendarView", status=200, body={"value": [body]}))
    [seen] = look(there).entries
    assert said(seen) == (1_804_698_000, 1_804_701_600, "ana"), "2027-03-10T17:00Z to 18:00Z"


def test_a_strangers_event_that_cannot_be_read_is_left_out_and_ours_is_an_error(there: Microsoft) -> None:
    strange = {"id": "x", "subject": "?", "start": None, "end": {"dateTime": "soon", "timeZone": "UTC"}}
    there.faults.add(Fault(path="calendarView", status=200, body={"value": [strange]}))
    assert look(there).entries == ()
    there.faults.add(Fault(path="calendarView", status=200, body={"value": [strange]}))
    with pytest.raises(Unavailable, match="ours"):
        look(there, {"x": "v"})
    marked = {**strange, "singleValueExtendedProperties": [{"id": PROPERTY, "value": "m"}]}
    there.faults.add(Fault(path="calendarView", status=200, body={"value": [marked]}))
    with pytest.raises(Unavailable, match="ours"):
        look(there)


def test_a_series_of_somebody_else_is_seen_meeting_by_meeting(there: Microsoft) -> None:
    there.human.creates(T, T + HOUR, "Standup", every=DAY, times=3)
    seen = look(there).entries
    assert [entry.start for entry in sorted(seen, key=lambda entry: entry.start)] == [T, T + DAY, T + 2 * DAY]
    assert len({entry.uid for entry in seen}) == 3
    assert all(entry.marker is None for entry in seen)


def test_of_an_event_of_ours_made_a_series_only_the_event_itself_is_ours(there: Microsoft) -> None:
    [entry] = put(there)
    box = there.box()
    box.store(dataclasses.replace(box.items[entry.ref].at(), repeats=(T, T + DAY)))  # type: ignore[type-var]
    seen = look(there, {entry.ref: "x"}).entries
    assert [one.ref for one in seen if one.uid == "a0"] == [entry.ref]
    assert len(seen) == 3


STUMBLED = {"error": {"code": "ErrorInternalServerError", "message": "An internal server error occurred."}}


# --- extended properties on views (MS-26) -------------------------------------------------------


@pytest.mark.parametrize("views", ["500", "forget"])
def test_where_views_do_not_show_our_mark_the_plain_list_does_and_is_remembered(
    there: Microsoft, views: Literal["500", "forget"]
) -> None:
    made = put(there, 3)
    before = look(there)
    there.knobs.views = views
    first = again(there, dataclasses.replace(before, entries=tuple(dataclasses.replace(e, version="") for e in before.entries)))
    there.journal.clear()
    second = again(there, first)
    assert [entry.marker for entry in second.entries] == [entry.marker for entry in made]
    assert first.entries == second.entries == before.entries
    assert [call.path.rpartition("/")[2] for call in there.journal] == ["events"], "one read at rest, here too"


def test_what_bears_no_mark_of_ours_at_the_version_known_is_not_asked_for_twice(there: Microsoft) -> None:
    """Somebody's meeting stands there for weeks: a look stays one read."""
    made = put(there, 2)
    there.human.creates(T, T + HOUR, "Stand-up")
    there.human.takes_over(made[0].ref, "Ana Lopez: Primary")
    before = look(there)
    there.journal.clear()
    second = again(there, before)
    assert [call.path.rpartition("/")[2] for call in there.journal] == ["calendarView"]
    assert {entry.ref for entry in second.entries} | second.same == {entry.ref for entry in before.entries}
    assert made[0].ref in second.same


def test_a_plain_list_that_stops_working_is_no_end_the_view_is_asked_again(there: Microsoft) -> None:
    put(there)
    there.knobs.views = "500"
    first = look(there)
    there.knobs.views = "work"
    there.faults.add(Fault(method="GET", path="/events$", status=500, body=STUMBLED, times=None))
    assert again(there, first).entries == first.entries


def test_a_500_everywhere_is_no_empty_calendar(there: Microsoft) -> None:
    put(there)
    there.faults.add(Fault(method="GET", path="/(events|calendarView)$", status=500, body=STUMBLED, times=None))
    with pytest.raises(Unavailable):
        look(there)


def test_an_event_whose_mark_a_human_took_away_is_still_there(there: Microsoft) -> None:
    [entry, other] = put(there, 2)
    there.human.takes_over(entry.ref, "Ben Okafor: Primary")
    there.human.creates(T, T + HOUR, "Standup", every=DAY, times=3)
    seen = look(there, {entry.ref: entry.version or "", other.ref: other.version or ""})
    [taken] = [one for one in seen.entries if one.ref == entry.ref]
    assert (taken.marker, taken.person) == (None, "ben")
    assert "list" not in seen.found, "the view is as good as before"
    assert len(seen.entries) == 5


@pytest.mark.parametrize(
    "fault", [Fault(status=500), Fault(status=500, body=STUMBLED, headers={"retry-after": "5"}), Fault.gateway(500)]
)
def test_a_500_that_is_a_passing_one_is_not_asked_around(there: Microsoft, fault: Fault) -> None:
    put(there)
    there.faults.add(dataclasses.replace(fault, path="calendarView"))
    with pytest.raises(Unavailable):
        look(there)
    assert there.journal.of("GET", "/events") == []


def test_a_view_that_forgets_is_noticed_by_our_ids_even_where_nothing_is_remembered(there: Microsoft) -> None:
    connector = outlook(there)
    made = connector.create(shift(), op("0123456789abcdefghijklmnopqrstuv"))
    connector.close()
    there.knobs.views = "forget"
    assert look(there).entries == (made,)


def test_rows_without_a_proper_id_are_nobodys(there: Microsoft) -> None:
    rows = [{"id": []}, {"id": {}}, {"id": None}, {}]
    there.faults.add(Fault(path="/calendarView", status=200, body={"value": rows}))
    assert look(there, {}).entries == ()


# --- pages ----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 3, 10, 11])
def test_every_page_is_read(there: Microsoft, size: int) -> None:
    put(there, 10)
    there.knobs.largest_page = size
    assert len(look(there).entries) == 10


@pytest.mark.parametrize("page", [1, 2, 3, 4])
@pytest.mark.parametrize("broken", [{"status": 503}, {"drop": "half"}, {"status": 200, "body": {"value": None}}])
def test_a_list_cut_at_any_page_is_no_list(there: Microsoft, page: int, broken: dict[str, object]) -> None:
    put(there, 10)
    there.knobs.largest_page = 3
    there.faults.add(Fault(method="GET", path="calendarView", first=page, **broken))  # type: ignore[arg-type]
    with pytest.raises(Unavailable):
        look(there)


@pytest.mark.parametrize(
    "other", ["https://evil.example/v1.0/x", "http://127.0.0.1/x", "//evil.example/x", 7, "https://a:b@127.0.0.1/"]
)
def test_a_next_page_elsewhere_is_never_asked_for(there: Microsoft, other: object) -> None:
    there.faults.add(Fault(path="calendarView", status=200, body={"value": [], "@odata.nextLink": other}))
    with pytest.raises(Unavailable, match="another address"):
        look(there)


@pytest.mark.parametrize("form", ["whole", "path", "query"])
def test_a_next_page_is_followed_in_any_form_that_odata_allows(there: Microsoft, form: str) -> None:
    put(there, 3)
    box = there.box()
    path = f"/v1.0/users/{ONCALL}/calendars/{quote(box.default)}/calendarView"
    times = "?startDateTime=2027-03-01T00:00:00Z&endDateTime=2027-03-31T00:00:00Z&$top=500"
    link = {"whole": there.base_url.removesuffix("/v1.0") + path + times, "path": path + times, "query": times}[form]
    there.faults.add(Fault(path="calendarView", status=200, body={"value": [], "@odata.nextLink": link}))
    assert len(look(there).entries) == 3


@pytest.mark.parametrize("none", ["", None])
def test_a_next_page_that_is_none_is_the_end(there: Microsoft, none: object) -> None:
    there.faults.add(Fault(path="calendarView", status=200, body={"value": [], "@odata.nextLink": none}))
    assert look(there).entries == ()


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("2027-03-08T09:00:00.0000000", "UTC"),
        ("2027-03-08T09:00:00", "UTC"),
        ("2027-03-08T09:00", "UTC"),
        ("2027-03-08T09:00:00.000Z", "UTC"),
        ("2027-03-08T09:00:00Z", "Europe/Berlin"),
        ("2027-03-08T10:00:00+01:00", "UTC"),
        ("2027-03-08T10:00:00.0000000", "W. Europe Standard Time"),
        ("2027-03-08T10:00:00", "Europe/Berlin"),
    ],
)
def test_a_time_is_the_same_instant_in_every_form(there: Microsoft, text: str, zone: str) -> None:
    event = {
        "id": "x",
        "subject": "?",
        "start": {"dateTime": text, "timeZone": zone},
        "end": {"dateTime": text, "timeZone": zone},
    }
    there.faults.add(Fault(path="calendarView", status=200, body={"value": [event]}))
    assert [entry.start for entry in look(there, known={"x": ""}).entries] == [1_804_496_400]


def test_a_next_page_on_another_port_is_another_address(there: Microsoft) -> None:
    with Microsoft() as other:
        link = f"{other.base_url}/users/{ONCALL}/calendarView?$skiptoken=1"
        there.faults.add(Fault(path="calendarView", status=200, body={"value": [], "@odata.nextLink": link}))
        with pytest.raises(Unavailable, match="another address"):
            look(there)
        assert other.journal == []


def test_a_list_without_end_is_an_error(there: Microsoft) -> None:
    link = f"{there.base_url}/users/{ONCALL}/calendarView?$skiptoken=again"
    there.faults.add(Fault(path="calendarView", status=200, body={"value": [], "@odata.nextLink": link}, times=None))
    with pytest.raises(Unavailable, match="does not end"):
        look(there)
    assert len(there.journal.of("GET", "calendarView")) <= 3


# --- what is known (W11) ------------------------------------------------------------------------


def test_known_events_outside_of_the_window_cost_one_read_each(there: Microsoft) -> None:
    made = put(there, 3)
    for entry in made[:2]:
        there.human.edits(entry.ref, start=T + 60 * DAY, end=T + 61 * DAY)
    connector = outlook(there)
    there.journal.clear()
    seen = connector.read(WINDOW, {entry.ref: "x" for entry in made})
    connector.close()
    assert {entry.ref for entry in seen.entries} == {entry.ref for entry in made}
    assert all(entry.marker for entry in seen.entries)
    assert len(there.journal.of("GET", "/events/")) == 2


def test_an_event_moved_to_another_calendar_is_gone_from_this_one(there: Microsoft) -> None:
    [entry] = put(there)
    there.human.moves(entry.ref, there.box().add_calendar("Private").id)
    assert look(there, {entry.ref: "x"}).entries == ()


def test_a_list_that_is_late_does_not_make_a_known_event_absent(there: Microsoft) -> None:
    there.knobs.lag = 30
    [entry] = put(there)
    assert [one.ref for one in look(there, {entry.ref: "x"}).entries] == [entry.ref]
    assert look(there).entries == ()


@pytest.mark.parametrize(
    "fault",
    [
        Fault(path="/events/", status=503),
        Fault(path="/events/", status=500),
        Fault(path="/events/", drop="half"),
        Fault.gateway(404, path="/events/"),
        Fault(path="/events/", status=404, body={"error": {"code": "ErrorInvalidUser", "message": "no"}}),
        Fault(path="/events/", status=200, body={}),
    ],
    ids=["503", "500", "half", "a gateway's 404", "no mailbox", "nothing"],
)
def test_a_known_event_that_cannot_be_asked_for_is_not_gone(there: Microsoft, fault: Fault) -> None:
    [entry] = put(there)
    there.human.edits(entry.ref, start=T + 60 * DAY, end=T + 61 * DAY)
    there.faults.add(fault)
    with pytest.raises((Unavailable, Rejected)):
        look(there, {entry.ref: "x"})


# --- which calendar -----------------------------------------------------------------------------


def test_a_calendar_goes_by_its_name_or_its_id(there: Microsoft) -> None:
    other = there.box().add_calendar("On call")
    there.human.creates(T, T + HOUR, "Ana Lopez", calendar=other.id)
    by_name, by_id = look(there, calendar="on CALL"), look(there, calendar=other.id)
    assert by_name.entries == by_id.entries != ()
    assert by_name.fingerprint == by_id.fingerprint != look(there).fingerprint


def test_more_calendars_than_a_page_holds_are_all_looked_at(there: Microsoft) -> None:
    there.knobs.largest_page = 2
    for number in range(7):
        there.box().add_calendar(f"Team {number}")
    assert look(there, calendar="Team 6").fingerprint.endswith(list(there.box().calendars)[-1])


@pytest.mark.parametrize(("names", "words"), [([], "no calendar 'Duty'"), (["Duty", "duty"], "several calendars 'Duty'")])
def test_a_name_that_is_nobodys_or_two_calendars_is_refused(there: Microsoft, names: list[str], words: str) -> None:
    for name in names:
        there.box().add_calendar(name)
    with pytest.raises(Rejected, match=words):
        look(there, calendar="Duty")


def test_a_calendar_deleted_and_made_again_is_another_one(there: Microsoft) -> None:
    box = there.box()
    first = box.add_calendar("Duty")
    before = look(there, calendar="Duty")
    del box.calendars[first.id]
    with pytest.raises(Rejected, match="no calendar"):
        again(there, before, calendar="Duty")
    box.add_calendar("Duty")
    after = again(there, before, calendar="Duty")
    assert after.fingerprint != before.fingerprint


def test_another_calendar_in_the_settings_is_looked_up_anew(there: Microsoft) -> None:
    other = there.box().add_calendar("Duty")
    before = look(there)
    assert again(there, before, calendar="Duty").fingerprint.endswith(other.id)


# --- whose mailbox ------------------------------------------------------------------------------


def test_a_calendar_without_an_id_is_no_calendar(there: Microsoft) -> None:
    there.faults.add(Fault(path="/calendar$", status=200, body={"name": "x"}))
    with pytest.raises(Unavailable, match="no id"):
        look(there)


def test_a_calendar_deleted_between_two_looks_of_one_connector_is_an_error_and_not_empty(there: Microsoft) -> None:
    other = there.box().add_calendar("Duty")
    connector = outlook(there, calendar="Duty")
    connector.read(WINDOW, {})
    del there.box().calendars[other.id]
    with pytest.raises(Rejected, match="ErrorItemNotFound"):
        connector.read(WINDOW, {})
    connector.close()


def test_where_the_plain_list_is_used_a_calendar_that_is_gone_is_looked_up_too(there: Microsoft) -> None:
    first = there.box().add_calendar("Duty")
    there.knobs.views = "500"
    before = look(there, calendar="Duty")
    del there.box().calendars[first.id]
    second = there.box().add_calendar("Duty")
    assert again(there, before, calendar="Duty").fingerprint.endswith(second.id)


@pytest.mark.parametrize("kind", ["user", "shared", "room"])
def test_shared_and_room_mailboxes_are_like_any(there: Microsoft, kind: str) -> None:
    there.add_mailbox("war.room@example.com", kind)
    connector = outlook(there, mailbox="War.Room@example.com")
    made = connector.create(shift(), op("a1"))
    assert connector.read(WINDOW, {}).entries == (made,)
    connector.close()


def test_a_mailbox_out_of_reach_says_what_to_click(there: Microsoft) -> None:
    there.knobs.reachable = set()
    with pytest.raises(Denied, match=r"ErrorAccessDenied.*Application Calendars\.ReadWrite"):
        look(there)


@pytest.mark.parametrize("mailbox", ["nobody@example.com", "gone@example.com"])
def test_a_mailbox_that_is_none_is_named(there: Microsoft, mailbox: str) -> None:
    there.add_mailbox("gone@example.com")
    there.knobs.unhosted.add("gone@example.com")
    with pytest.raises(Rejected, match=mailbox):
        look(there, mailbox=mailbox)


def test_the_calendars_of_a_mailbox_can_be_listed(there: Microsoft) -> None:
    there.box().add_calendar("Duty")
    connector: Outlook = outlook(there)
    assert [(row["name"], row["canEdit"]) for row in connector.calendars()] == [("Calendar", True), ("Duty", True)]
    connector.close()


# --- whatever a server says (F34, F35) ------------------------------------------------------------

JSON = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.just([]) | st.just({}) | st.just([[{}]])
TIMES = st.fixed_dictionaries(
    {
        "dateTime": st.sampled_from(
            ["2027-03-08T00:00:00.0000000", "0000-01-01T00:00:00", "9999-12-31T23:59:59", "2027-13-01T00:00:00"]
        )
        | JSON
    },
    optional={"timeZone": st.sampled_from(["UTC", "Pacific Standard Time", "Europe", "../x", "\0", "Mars/Base"]) | JSON},
)
EVENTS = st.fixed_dictionaries(
    {"id": st.text() | JSON, "start": TIMES | JSON, "end": TIMES | JSON},
    optional={
        "subject": JSON, "isAllDay": JSON, "type": JSON, "transactionId": JSON, "@odata.etag": JSON, "changeKey": JSON,
        "singleValueExtendedProperties": JSON | st.lists(st.fixed_dictionaries({"id": st.just(PROPERTY), "value": JSON})),
    },
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(event=EVENTS)
def test_whatever_stands_in_an_event_it_is_an_entry_nothing_or_unavailable(event: dict[str, object]) -> None:
    try:
        entry = Events(CalendarOptions(), SITE).entry(event, {})
    except Unavailable:
        return
    assert entry is None or (entry.ref and entry.start <= entry.end and isinstance(entry.title, str))
