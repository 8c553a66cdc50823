"""What Google Calendar is sent, and what is made of what stands there: words, times, markers, pages, and who changed what."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from connectors.google import Google
from syncd.connector import Denied, Rejected, Stale, Unavailable, Unsupported
from syncd.core.model import DAY, HOUR, Window
from tests.connectors.conformance import NOW, SITE, WINDOW, T, op, said, shift
from tests.connectors.google_place import Place, opened
from tests.simulators.common import Fault
from tests.simulators.google import TEAM
from tests.simulators.google_signin import EVENTS


@pytest.fixture
def place() -> Iterator[Place]:
    with opened() as place:
        yield place


@pytest.fixture
def google(place: Place) -> Iterator[Google]:
    connector = place.connector()
    yield connector
    connector.close()


# --- what is sent ------------------------------------------------------------------------------


def test_an_event_shows_as_free_reminds_nobody_and_invites_nobody(place: Place, google: Google) -> None:
    google.create(shift(), op("shift1"))
    [call] = place.journal.writes("/events")
    assert call.json == {
        "id": "shift1",
        "summary": "Ana Lopez: Primary",
        "description": google.wording(shift()).partition("\n")[2],
        "start": {"dateTime": "2027-03-08T00:00:00Z"},
        "end": {"dateTime": "2027-03-08T08:00:00Z"},
        "transparency": "transparent",
        "reminders": {"useDefault": False, "overrides": []},
        "extendedProperties": {"private": {"syncd": op("shift1").marker}},
    }


def test_nothing_in_the_description_looks_like_html(place: Place, google: Google) -> None:
    google.create(shift(), op("shift1"))
    sent = place.journal.writes("/events")[0].json["description"]
    assert "Ana Lopez (ana@example.com)" in sent
    assert "<" not in sent


def test_no_write_makes_google_send_mail(place: Place, google: Google) -> None:
    entry = google.replace(google.create(shift(), op("shift1")), shift("ben"), op("shift1"))
    google.delete(entry, op("shift1"))
    assert [call.first("sendUpdates") for call in place.journal.writes("/events")] == ["none"] * 3
    assert not any("attendees" in (call.json or {}) for call in place.journal.writes("/events"))


def test_an_alarm_is_a_popup_so_many_minutes_before(place: Place) -> None:
    place.connector(alarm=30).create(shift(), op("shift1"))
    assert place.calendar.records["shift1"].now["reminders"]["overrides"] == [{"method": "popup", "minutes": 30}]


def test_a_zone_names_itself_and_keeps_the_hour_that_happens_twice(place: Place) -> None:
    autumn = 1_824_940_800 + HOUR  # the second 02:00 of 2027-10-31 in Berlin
    entry = place.connector(zone="Europe/Berlin").create(shift(start=autumn, end=autumn + HOUR), op("shift1"))
    assert place.journal.writes("/events")[0].json["start"] == {
        "dateTime": "2027-10-31T02:00:00+01:00",
        "timeZone": "Europe/Berlin",
    }
    assert said(entry) == (autumn, autumn + HOUR, "ana")


def test_every_write_names_the_version_it_means(place: Place, google: Google) -> None:
    first = google.create(shift(), op("shift1"))
    second = google.replace(first, shift("ben"), op("shift1"))
    google.delete(second, op("shift1"))
    assert [call.headers.get("if-match") for call in place.journal.writes("/events")] == [None, first.version, second.version]


def test_nothing_is_written_over_what_was_never_read(place: Place, google: Google) -> None:
    entry = dataclasses.replace(google.create(shift(), op("shift1")), version=None)
    with pytest.raises(Stale):
        google.replace(entry, shift("ben"), op("shift1"))
    with pytest.raises(Stale):
        google.delete(entry, op("shift1"))
    assert len(place.journal.writes("/events")) == 1


# --- markers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [1, 1000, 1001, 1024, 1025, 3500])
def test_a_long_marker_is_split_before_google_cuts_it(google: Google, length: int) -> None:
    marker = "".join(chr(33 + n % 90) for n in range(length))
    assert google.create(shift(), op("shift1", marker)).marker == marker
    assert google.read(WINDOW, {}).entries[0].marker == marker


def test_a_shorter_marker_leaves_nothing_of_the_longer_one(google: Google) -> None:
    entry = google.create(shift(), op("shift1", "long" * 1000))
    assert google.replace(entry, shift(), op("shift1", "short")).marker == "short"


def test_a_marker_outlives_what_humans_edit_and_not_what_strips_it(place: Place, google: Google) -> None:
    google.create(shift(), op("shift1"))
    with place.hand():
        place.calendar.human_edits("shift1", title="Ben Okafor: Primary", location="at home")
    assert google.read(WINDOW, {}).entries[0].marker == op("shift1").marker
    with place.hand():
        place.calendar.strip("shift1")
    [bare] = google.read(WINDOW, {}).entries
    assert bare.marker is None
    assert google.replace(bare, shift("ben"), op("shift1")).marker == op("shift1").marker


# --- looking -----------------------------------------------------------------------------------


def test_at_rest_a_look_is_one_request_and_no_token_is_asked_for(place: Place, google: Google) -> None:
    made = [google.create(shift(start=T + n * DAY), op(f"shift{n}")) for n in range(3)]
    before = len(place.journal)
    for _ in range(3):
        google.close()
        google.read(WINDOW, {entry.ref: entry.version or "" for entry in made})
    assert [call.method for call in place.journal[before:]] == ["GET"] * 3
    assert len(place.journal.of("POST", "/token")) == 1


@pytest.mark.parametrize("page", [1, 2, 3, 4])
def test_pages_are_followed_to_the_end(place: Place, google: Google, page: int) -> None:
    for n in range(4):
        google.create(shift(start=T + n * DAY), op(f"shift{n}"))
    place.page = page
    assert [entry.ref for entry in google.read(WINDOW, {}).entries] == [f"shift{n}" for n in range(4)]


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_page_that_fails_fails_the_look(place: Place, google: Google, nth: int) -> None:
    for n in range(3):
        google.create(shift(start=T + n * DAY), op(f"shift{n}"))
    place.page = 1
    place.faults.add(Fault(method="GET", path="/events", first=nth, status=500))
    with pytest.raises(Unavailable):
        google.read(WINDOW, {})


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"items": None},
        {"items": [7]},
        {"items": [{}]},
        "",
        "null",
        {"items": [], "nextPageToken": "again"},
        "[" * 100_000,
    ],
    ids=["nothing", "a list", "no items", "a number", "no id", "empty", "null", "for ever", "too deep"],
)
def test_an_answer_that_is_no_list_is_never_an_empty_one(place: Place, google: Google, body: Any) -> None:
    place.faults.add(Fault(method="GET", path="/events", times=None, status=200, body=body))
    with pytest.raises(Unavailable):
        google.read(WINDOW, {})


def test_a_page_may_leave_out_its_events_and_the_next_still_count(place: Place, google: Google) -> None:
    google.create(shift(), op("shift1"))
    pages = [{"nextPageToken": "2"}, {"items": [place.calendar.records["shift1"].now], "nextPageToken": ""}]
    for number, page in enumerate(pages, 1):
        body = {"kind": "calendar#events", **page}
        place.faults.add(Fault(method="GET", path="/events", first=number, status=200, body=body))
    assert [entry.ref for entry in google.read(WINDOW, {}).entries] == ["shift1"]
    place.faults.add(Fault(method="GET", path="/events", status=200, body={"kind": "calendar#events"}))
    assert google.read(WINDOW, {}).entries == ()


def test_a_deleted_entry_and_one_long_forgotten_are_gone(place: Place, google: Google) -> None:
    known = {name: google.create(shift(), op(name)).version or "" for name in ("shift1", "shift2", "shift3")}
    with place.hand():
        place.calendar.human_deletes("shift1")
        place.calendar.vanish("shift2")
    assert [entry.ref for entry in google.read(WINDOW, known).entries] == ["shift3"]


def test_a_list_that_lags_behind_is_not_believed_over_the_event_itself(place: Place, google: Google) -> None:
    """W11: neither the late list's old words nor its gap is a human's doing."""
    first = google.create(shift(), op("shift1"))
    place.clock.advance(60)
    place.lag = 30
    changed = google.replace(first, shift("ben"), op("shift1"))
    fresh = google.create(shift("cho", T + DAY), op("shift2"))
    seen = google.read(WINDOW, {entry.ref: entry.version or "" for entry in (changed, fresh)}).entries
    assert seen == (changed, fresh)


def test_a_whole_day_is_one_of_the_schedules_zone(place: Place, google: Google) -> None:
    with place.hand():
        days = {"start": {"date": "2027-03-28"}, "end": {"date": "2027-03-29"}}  # 23 hours: clocks go forward
        place.calendar.insert({"summary": "Ben Okafor", **days}, "a.human@example.com")
    [entry] = google.read(Window(NOW, NOW + 60 * DAY), {}).entries
    assert said(entry) == (1_806_188_400, 1_806_188_400 + 23 * HOUR, "ben")


def test_a_series_of_others_is_seen_by_its_occurrences(place: Place, google: Google) -> None:
    with place.hand():
        place.calendar.human_creates(T, T + HOUR, "Ben Okafor", recurrence=["RRULE:FREQ=DAILY;COUNT=5"])
    seen = google.read(Window(T + DAY, T + 3 * DAY), {}).entries
    assert [entry.start for entry in seen] == [T + DAY, T + 2 * DAY]
    assert len({entry.uid for entry in seen}) == 2


def test_years_of_a_series_are_not_read_one_by_one(place: Place, google: Google) -> None:
    google.create(shift(), op("shift1"))
    with place.hand():
        daily = place.calendar.human_creates(NOW, NOW + HOUR, "Stand-up", recurrence=["RRULE:FREQ=DAILY"])
        place.calendar.delete(f"{daily}_20270302T000000Z", None)
    seen = google.read(Window(NOW - 1_100 * DAY, NOW + 1_100 * DAY), {}).entries
    assert [entry.ref for entry in seen] == [daily, "shift1"]


def test_a_known_entry_without_a_version_is_taken_as_it_is_listed(place: Place, google: Google) -> None:
    google.create(shift(), op("shift1"))
    before = len(place.journal)
    google.read(WINDOW, {"shift1": ""})
    assert len(place.journal) == before + 1


def test_an_entry_that_a_human_repeats_is_still_there_and_its_copies_go_by_other_ids(place: Place, google: Google) -> None:
    entry = google.create(shift(), op("shift1"))
    with place.hand():
        place.calendar.human_edits("shift1", recurrence=["RRULE:FREQ=DAILY;COUNT=3"])
    seen = google.read(WINDOW, {entry.ref: entry.version or ""}).entries
    assert [one.start for one in seen if one.uid == "shift1"] == [T]
    google.replace(next(one for one in seen if one.uid == "shift1"), shift(), op("shift1"))
    assert [one.uid for one in google.read(WINDOW, {}).entries] == ["shift1"]


@pytest.mark.parametrize(
    "times",
    [{}, {"start": {}}, {"start": {"dateTime": "soon"}}, {"start": 7}, {"start": {"date": "2027-02-30"}},
     {"start": {"dateTime": "2027-03-09T00:00:00", "timeZone": "Mars/Olympus"}}],
)  # fmt: skip
def test_an_event_without_sense_hides_no_other(place: Place, google: Google, times: Any) -> None:
    good = google.create(shift(), op("shift1"))
    odd = {"id": "oddity", "etag": '"9"', "status": "confirmed", "summary": "Ana Lopez", **times}
    body = {"kind": "calendar#events", "items": [odd, place.calendar.records["shift1"].now]}
    place.faults.add(Fault(method="GET", path="/events$", times=2, status=200, body=body))
    assert google.read(WINDOW, {}).entries == (good,)
    known = google.read(WINDOW, {"oddity": '"9"'}).entries
    assert [(entry.ref, entry.person) for entry in known] == [("oddity", None), ("shift1", "ana")]


def test_the_fingerprint_names_account_and_calendar(place: Place) -> None:
    assert place.connector().read(WINDOW, {}).fingerprint == f"google:syncd@rota.example.com:{TEAM}"
    assert (
        place.connector(calendar="primary").read(WINDOW, {}).fingerprint == "google:syncd@rota.example.com:syncd@rota.example.com"
    )
    place.key = place.signed_in("ana@example.com")
    assert place.connector(calendar="primary").read(WINDOW, {}).fingerprint == "google:ana@example.com:ana@example.com"


def test_the_servers_time_is_told(place: Place, google: Google) -> None:
    place.clock.skew = 90
    assert google.read(WINDOW, {}).server_time == NOW + 90


# --- what is gone or taken ---------------------------------------------------------------------


def test_the_id_of_a_deleted_event_is_stale(google: Google) -> None:
    google.delete(google.create(shift(), op("shift1")), op("shift1"))
    with pytest.raises(Stale):
        google.create(shift(), op("shift1"))
    assert google.create(shift(), op("shift2")).ref == "shift2"


@pytest.mark.parametrize("first", [False, True])
def test_deleting_what_a_human_deleted_is_well_in_either_order_of_checks(place: Place, google: Google, first: bool) -> None:
    place.calendar.precondition_first = first
    entry = google.create(shift(), op("shift1"))
    with place.hand():
        place.calendar.human_deletes("shift1")
    google.delete(entry, op("shift1"))


def test_a_deleted_event_that_forbids_its_change_is_stale(place: Place, google: Google) -> None:
    """G-03: one answer that was seen."""
    entry = google.create(shift(), op("shift1"))
    body = {"error": {"code": 403, "message": "Forbidden", "errors": [{"domain": "global", "reason": "forbidden"}]}}
    place.faults.add(Fault(method="PATCH", path="/events", times=None, status=403, body=body))
    with pytest.raises(Denied):
        google.replace(entry, shift("ben"), op("shift1"))
    with place.hand():
        place.calendar.human_deletes("shift1")
    with pytest.raises(Stale):
        google.replace(entry, shift("ben"), op("shift1"))


def test_a_request_that_google_finds_wrong_is_rejected(google: Google, place: Place) -> None:
    with pytest.raises(Rejected, match="Invalid resource id"):
        google.create(shift(), op("shift-1"))


# --- how it is opened --------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["", "/", "/calendar/v3", "/calendar/v3/"])
def test_base_url_is_taken_with_and_without_its_last_part(place: Place, end: str) -> None:
    assert place.connector(base_url=place.url + end).read(WINDOW, {}).entries == ()


@pytest.mark.parametrize(
    "url", ["http://calendar.example.com", "ftp://127.0.0.1", "http://ana@127.0.0.1", "calendar", "http://[", "https://"]
)
def test_a_token_goes_over_plain_http_to_this_machine_only(place: Place, url: str) -> None:
    with pytest.raises(Unsupported):
        place.connector(base_url=url).read(WINDOW, {})


def test_a_proxy_of_the_environment_is_not_used_for_this_machine(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert place.connector().read(WINDOW, {}).entries == ()


def test_the_environment_of_other_google_tools_changes_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_CLOUD_UNIVERSE_DOMAIN", "elsewhere.example.com")
    monkeypatch.setenv("GOOGLE_API_USE_MTLS_ENDPOINT", "always")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")
    monkeypatch.setenv("GOOGLE_CLOUD_QUOTA_PROJECT", "another")
    assert place.connector().read(WINDOW, {}).entries == ()
    assert "x-goog-user-project" not in place.journal[-1].headers


def test_threads_share_one_token_and_no_connection(place: Place, google: Google) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: google.create(shift(start=T + n * HOUR, end=T + (n + 1) * HOUR), op(f"shift{n}")), range(24)))
    assert len(place.journal.of("POST", "/token")) == 1
    assert len(place.calendar.live()) == 24


def test_the_vendors_client_is_imported_at_the_first_call_only() -> None:
    code = "import sys, connectors.google; print([n for n in ('googleapiclient', 'google.auth', 'httplib2') if n in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


# --- rights and doctor -------------------------------------------------------------------------


def unwell(connector: Google) -> tuple[str, str, str]:
    [finding] = [finding for finding in connector.doctor() if not finding.ok]
    return finding.what, finding.text, finding.remedy


def test_doctor_says_who_we_are_and_what_the_calendar_is_called(place: Place, google: Google) -> None:
    assert [(finding.what, finding.ok) for finding in google.doctor()] == [
        ("credentials", True),
        ("calendar", True),
        ("rights", True),
        ("clock", True),
    ]
    assert "“Team”" in list(google.doctor())[1].text
    assert not place.journal.writes("/calendars/")


def test_doctor_finds_a_calendar_that_is_not_shared(place: Place) -> None:
    what, text, remedy = unwell(place.connector(calendar="other@group.calendar.example.com"))
    assert what == "calendar"
    assert "other@group.calendar.example.com" in text
    assert "Share with specific people" in remedy
    assert "syncd@rota.example.com" in remedy


def test_doctor_does_not_guess_at_rights_that_google_does_not_tell(place: Place, google: Google) -> None:
    body = {"kind": "calendar#events", "summary": "Team", "items": []}
    place.faults.add(Fault(method="GET", path="/events", status=200, body=body))
    (rights,) = [finding for finding in google.doctor() if finding.what == "rights"]
    assert rights.ok
    assert "does not say" in rights.text


def test_doctor_finds_a_share_that_only_reads(place: Place, google: Google) -> None:
    place.calendar.roles["syncd@rota.example.com"] = "reader"
    what, text, remedy = unwell(google)
    assert (what, "may only read it" in text) == ("rights", True)
    assert "Make changes to events" in remedy
    with pytest.raises(Denied, match="writer access"):
        google.create(shift(), op("shift1"))


def test_a_calendar_that_shows_only_busy_times_is_denied_and_not_misread(place: Place, google: Google) -> None:
    google.create(shift(), op("shift1"))
    place.calendar.roles["syncd@rota.example.com"] = "freeBusyReader"
    with pytest.raises(Denied, match="only when it is busy"):
        google.read(WINDOW, {})


def test_doctor_finds_a_missing_scope(place: Place) -> None:
    place.key = place.signed_in(scope="https://www.googleapis.com/auth/calendar.calendarlist")
    what, text, remedy = unwell(place.connector())
    assert (what, EVENTS in text, "syncd auth google" in remedy) == ("calendar", True, True)


def test_doctor_finds_the_api_switched_off(place: Place, google: Google) -> None:
    place.api_enabled = False
    what, text, remedy = unwell(google)
    assert (what, "API is off" in text, "Enable" in remedy) == ("calendar", True, True)


def test_doctor_finds_credentials_that_are_withdrawn(place: Place, google: Google) -> None:
    place.tokens.refuse_next = 1
    what, text, remedy = unwell(google)
    assert (what, "refuses the key" in text, "Keys" in remedy) == ("credentials", True, True)


def test_a_user_who_acts_for_another_is_known_by_that_ones_name(place: Place) -> None:
    place.key = place.service_account("robot@rota.example.com", "none", delegated=True)
    place.calendar.roles["ana@example.com"] = "writer"
    connector = place.connector(subject="ana@example.com")
    assert [finding for finding in connector.doctor() if not finding.ok] == []
    assert connector.read(WINDOW, {}).fingerprint == f"google:ana@example.com:{TEAM}"
    assert place.connector(SITE, subject="ana@example.com", calendar="primary").create(shift(), op("shift1")).person == "ana"
