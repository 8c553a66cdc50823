"""CalDAV as other servers speak it: budget, finding, sign-in, conditions, odd lists (FACTS 4.3)."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from connectors.caldav import CalDav
from syncd.connector import ConnectorError, Denied, Observation, Rejected, Secret, Stale, Unavailable
from syncd.core.model import DAY, HOUR, Window
from tests.connectors import servers
from tests.connectors.calendars import Calendar
from tests.connectors.conformance import NOW, SITE, WINDOW, T, event, op, said, shift
from tests.simulators.proxy import (
    Answer,
    Exchange,
    Proxy,
    Rule,
    answers,
    changed,
    drop_after,
    drop_before,
    ignoring,
    no_etag,
    page,
    replaced,
    weak_etags,
)

WEEKLY = "RRULE:FREQ=WEEKLY\r\n"


def known(observation: Observation) -> dict[str, str]:
    return {entry.ref: entry.version or "" for entry in observation.entries}


def again(place: Calendar, before: Observation, **more: Any) -> Observation:
    """The next cycle: a new connector, which is told what the last look found."""
    place.proxy.journal.clear()
    connector = CalDav(place.options(**more), dataclasses.replace(SITE, found=before.found))
    try:
        return connector.read(WINDOW, known(before))
    finally:
        connector.close()


def methods(calendar: Calendar) -> list[str]:
    return [one.method for one in calendar.proxy.journal]


# --- how many requests -----------------------------------------------------------------------


def test_nothing_to_do_is_one_request(calendar: Calendar) -> None:
    connector = calendar.connector()
    for number in range(3):
        connector.create(shift(start=T + number * DAY), op(f"a{number}"))
    seen = again(calendar, connector.read(WINDOW, {}))
    assert methods(calendar) == ["REPORT"]
    assert (len(seen.same), seen.entries) == (3, ())


def test_a_change_is_one_request_more_however_many_there_are(calendar: Calendar) -> None:
    connector = calendar.connector()
    made = [connector.create(shift(start=T + number * DAY), op(f"a{number}")) for number in range(4)]
    seen = connector.read(WINDOW, {})
    calendar.edit("a0.ics", SUMMARY="Ben Okafor")
    calendar.delete("a1.ics")
    calendar.put("meeting.ics", event("meeting", T, T + HOUR, "Cho Min-ji"))
    after = again(calendar, seen)
    assert methods(calendar) == ["REPORT", "REPORT"]
    assert after.same == {"a2.ics", "a3.ics"}
    assert {entry.ref: entry.person for entry in after.entries} == {"a0.ics": "ben", "meeting.ics": "cho"}
    assert len(made) == 4


def widened(exchange: Exchange) -> Answer:
    """A server that takes the range for a hint."""
    exchange.body = re.sub(rb'start="[^"]*"', b'start="20200101T000000Z"', exchange.body)
    return exchange.forward()


def test_what_the_server_lists_though_it_is_outside_is_fetched_once(calendar: Calendar) -> None:
    calendar.put("standup.ics", event("standup", NOW - 70 * DAY, NOW - 70 * DAY + HOUR, "Stand-up", WEEKLY))
    calendar.put("before.ics", event("before", NOW - HOUR, NOW, "Ends where the range starts"))
    calendar.proxy.rules = [Rule("REPORT", "", widened)]
    seen = calendar.connector().read(WINDOW, {})
    assert seen.entries == ()
    after = again(calendar, seen)
    assert methods(calendar) == ["REPORT"]
    calendar.edit("before.ics", DTEND="20270301T020000Z")
    assert [entry.ref for entry in again(calendar, after).entries] == ["before.ics"]


def test_a_window_that_grows_sees_what_was_outside(calendar: Calendar) -> None:
    calendar.put("before.ics", event("before", NOW - 2 * HOUR, NOW, "Ben Okafor"))
    calendar.proxy.rules = [Rule("REPORT", "", widened)]
    seen = calendar.connector().read(WINDOW, {})
    connector = CalDav(calendar.options(), dataclasses.replace(SITE, found=seen.found))
    assert [entry.ref for entry in connector.read(Window(NOW - HOUR, NOW + DAY), {}).entries] == ["before.ics"]


def test_many_writes_share_a_few_connections(calendar: Calendar) -> None:
    connector = calendar.connector()
    for phase in range(3):  # each with threads of its own
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(connector.create, [shift()] * 10, [op(f"p{phase}n{number}") for number in range(10)]))
    assert len(calendar.proxy.seen("PUT")) == 30
    assert calendar.proxy.connections <= 4


# --- finding the calendar --------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["radicale", "xandikos"])
def test_a_calendar_is_found_by_its_name_and_then_remembered(kind: str, request: pytest.FixtureRequest) -> None:
    server: servers.Server = request.getfixturevalue(kind)
    title = f"Rotä {kind}"
    path = server.calendar(title)
    with Proxy(server.url) as proxy:
        for url in (f"{proxy.url}/", proxy.url, f"{proxy.url}{server.home}"):
            calendar = Calendar(server, proxy, path)
            connector = calendar.connector(url=url, calendar=title)
            connector.create(shift(), op("a1"))
            seen = connector.read(WINDOW, {})
            assert seen.found["calendar"] == calendar.url
            assert seen.fingerprint == calendar.connector().read(WINDOW, {}).fingerprint
            again(calendar, seen, url=url, calendar=title)
            assert methods(calendar) == ["REPORT"]
            connector.delete(seen.entries[0], op("a1"))


def test_a_name_that_no_calendar_has_is_an_error_that_tells_the_names(calendar: Calendar) -> None:
    calendar.server.calendar("Holidays of Ana")
    with pytest.raises(Unavailable, match="Holidays of Ana"):
        calendar.connector(url=calendar.proxy.url, calendar="Holiday of Ana").read(WINDOW, {})


def test_a_name_that_two_calendars_have_is_an_error(calendar: Calendar) -> None:
    for _ in range(2):
        calendar.server.calendar("Twins")
    with pytest.raises(Unavailable, match="several"):
        calendar.connector(url=calendar.proxy.url, calendar="Twins").read(WINDOW, {})


def test_what_was_found_for_another_name_is_not_used(calendar: Calendar) -> None:
    first, second = (calendar.server.calendar(title) for title in ("First rota", "Second rota"))
    seen = calendar.connector(url=calendar.proxy.url, calendar="First rota").read(WINDOW, {})
    assert seen.found["calendar"].endswith(first)
    other = again(calendar, seen, url=calendar.proxy.url, calendar="Second rota")
    assert other.found["calendar"].endswith(second)


def test_a_calendar_that_was_moved_is_found_again_by_its_name(calendar: Calendar) -> None:
    path = calendar.server.calendar("Moving rota")
    seen = calendar.connector(url=calendar.proxy.url, calendar="Moving rota").read(WINDOW, {})
    calendar.server.request("DELETE", path)
    moved = calendar.server.calendar("Moving rota")
    after = again(calendar, seen, url=calendar.proxy.url, calendar="Moving rota")
    assert after.found["calendar"].endswith(moved)
    assert after.fingerprint != seen.fingerprint


def test_a_found_address_on_another_host_is_not_believed(calendar: Calendar) -> None:
    calendar.server.calendar("Stolen rota")
    options = {"url": calendar.proxy.url, "calendar": "Stolen rota"}
    seen = calendar.connector(**options).read(WINDOW, {})
    found = {**seen.found, "calendar": "http://127.0.0.2:1/"}
    after = CalDav(calendar.options(**options), dataclasses.replace(SITE, found=found)).read(WINDOW, {})
    assert after.found["calendar"] == seen.found["calendar"]


def test_a_calendar_that_vanished_is_no_empty_one(calendar: Calendar) -> None:
    seen = calendar.connector().read(WINDOW, {})
    calendar.server.request("DELETE", calendar.path)
    with pytest.raises(Unavailable, match="not there"):
        again(calendar, seen)
    with pytest.raises((Unavailable, Stale)):
        calendar.connector().create(shift(), op("a1"))


@pytest.mark.parametrize("path", ["/", "/ana/"])
def test_what_is_no_calendar_is_no_empty_one(calendar: Calendar, path: str) -> None:
    with pytest.raises((Unavailable, Denied)):
        calendar.connector(url=calendar.proxy.url + path).read(WINDOW, {})


def test_a_calendar_is_found_by_the_end_of_its_address_too(calendar: Calendar) -> None:
    end = calendar.path.rstrip("/").rpartition("/")[2]
    seen = calendar.connector(url=calendar.proxy.url, calendar=end).read(WINDOW, {})
    assert seen.found["calendar"] == calendar.url


def test_without_a_principal_the_calendars_under_the_address_are_searched(calendar: Calendar) -> None:
    path = calendar.server.calendar("Rota without a principal")
    hidden = replaced(r"<(current-user-principal|C:calendar-home-set)>.*?</\1>", "")
    calendar.proxy.rules = [Rule("PROPFIND", "", hidden)]
    connector = calendar.connector(url=f"{calendar.proxy.url}/ana/", calendar="Rota without a principal")
    assert connector.read(WINDOW, {}).found["calendar"] == calendar.proxy.url + path


@pytest.mark.parametrize(
    ("status", "error"), [(401, Denied), (403, Denied), (404, Unavailable), (429, Unavailable), (500, Unavailable)]
)
@pytest.mark.parametrize("first", [1, 2, 3])
def test_looking_for_a_calendar_fails_in_the_contracts_words(
    calendar: Calendar, status: int, error: type[Exception], first: int
) -> None:
    calendar.proxy.rules = [Rule("PROPFIND", "", answers(status), first)]
    with pytest.raises(error):
        calendar.connector(url=f"{calendar.proxy.url}/ana/", calendar="No such rota").read(WINDOW, {})


def test_a_task_list_is_told_by_doctor(calendar: Calendar) -> None:
    calendar.proxy.rules = [Rule("PROPFIND", "", replaced('name="(VEVENT|VJOURNAL)"', 'name="VTODO"'))]
    assert [finding.what for finding in calendar.connector().doctor() if not finding.ok] == ["events"]


def test_a_cancelled_entry_shows_nobody(calendar: Calendar) -> None:
    connector = calendar.connector()
    connector.create(shift(), op("a1"))
    calendar.put("a1.ics", calendar.get("a1.ics").replace("TRANSP:TRANSPARENT", "STATUS:CANCELLED"))
    [seen] = connector.read(WINDOW, {}).entries
    assert (seen.person, seen.marker) == (None, op("a1").marker)


def test_calendars_are_listed_for_linking(calendar: Calendar) -> None:
    path = calendar.server.calendar("Linked rota")
    assert calendar.connector(url=calendar.proxy.url).calendars()["Linked rota"] == calendar.proxy.url + path


# --- signing in --------------------------------------------------------------------------------


def test_a_wrong_password_is_denied_and_not_shown(calendar: Calendar) -> None:
    connector = calendar.connector(password=Secret("here", lambda: "hunter2"))
    with pytest.raises(Denied) as failure:
        connector.read(WINDOW, {})
    assert "hunter2" not in f"{failure.value!r} {calendar.options(password=Secret('here', lambda: 'hunter2'))!r}"


def test_a_replaced_password_needs_no_restart(calendar: Calendar) -> None:
    passwords = ["wrong"]
    connector = calendar.connector(password=Secret("here", lambda: passwords[-1]))
    with pytest.raises(Denied):
        connector.read(WINDOW, {})
    passwords.append("secret word")
    assert connector.read(WINDOW, {}).entries == ()


def test_a_password_that_cannot_be_read_is_denied(calendar: Calendar) -> None:
    def gone() -> str:
        raise FileNotFoundError

    with pytest.raises(Denied, match="file /run/secrets/x"):
        calendar.connector(password=Secret("file /run/secrets/x", gone)).read(WINDOW, {})


def test_a_token_is_sent_as_bearer(calendar: Calendar) -> None:
    def bearer(exchange: Exchange) -> Answer:
        if exchange.headers.get("Authorization") != "Bearer t0ken":
            return Answer(401, {"WWW-Authenticate": "Bearer"})
        exchange.headers["Authorization"] = servers.basic("ana", "secret word")
        return exchange.forward()

    calendar.proxy.rules = [Rule(".*", "", bearer)]
    more = {"username": None, "password": None, "token": Secret("here", lambda: "t0ken")}
    connector = calendar.connector(**more)
    connector.create(shift(), op("a1"))
    seen = connector.read(WINDOW, {})
    again(calendar, seen, **more)
    assert methods(calendar) == ["REPORT"]
    with pytest.raises(Denied):
        calendar.connector(**{**more, "token": Secret("here", lambda: "old")}).read(WINDOW, {})


def digest(exchange: Exchange) -> Answer:
    """Lets in whoever answers the challenge for `ana`, `secret word` (RFC 7616, MD5)."""
    given = dict(re.findall(r'(\w+)="?([^",]*)"?', exchange.headers.get("Authorization", "")))

    def md5(text: str) -> str:
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    ours = md5(f"{md5('ana:rota:secret word')}:n0nce:{given.get('nc')}:{given.get('cnonce')}:auth:{md5(f'{exchange.method}:{exchange.path}')}")  # fmt: skip  # noqa: E501
    if given.get("response") != ours:
        return Answer(401, {"WWW-Authenticate": 'Digest realm="rota", nonce="n0nce", qop="auth", algorithm=MD5'})
    exchange.headers["Authorization"] = servers.basic("ana", "secret word")
    return exchange.forward()


def test_a_server_that_asks_for_digest_gets_it_and_that_is_remembered(calendar: Calendar) -> None:
    calendar.server.calendar("Digested rota")
    calendar.proxy.rules = [Rule(".*", "", digest)]
    more = {"url": calendar.proxy.url, "calendar": "Digested rota"}
    connector = calendar.connector(**more)
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(connector.create, [shift()] * 8, [op(f"a{number}") for number in range(8)]))
    assert len({entry.ref for entry in made}) == 8
    seen = connector.read(WINDOW, {})
    assert len(seen.entries) == 8
    again(calendar, seen, **more)
    assert methods(calendar) == ["REPORT", "REPORT"], "the challenge, and its answer"
    with pytest.raises(Denied):
        calendar.connector(password=Secret("here", lambda: "wrong")).read(WINDOW, {})


# --- conditions ----------------------------------------------------------------------------------


@pytest.mark.parametrize("etags", [weak_etags, no_etag], ids=["weak", "none on PUT and GET"])
def test_without_strong_etags_a_read_just_before_guards_a_humans_edit(calendar: Calendar, etags: Any) -> None:
    calendar.proxy.rules = [Rule(".*", "", etags)]
    connector = calendar.connector()
    entry = connector.create(shift(), op("a1"))
    assert not (entry.version or "").startswith('"')
    entry = connector.replace(entry, shift("ben"), op("a1"))
    assert said(connector.read(WINDOW, {}).entries[0])[2] == "ben"
    calendar.edit("a1.ics", SUMMARY="Cho Min-ji")
    with pytest.raises(Stale):
        connector.replace(entry, shift(), op("a1"))
    with pytest.raises(Stale):
        connector.delete(entry, op("a1"))
    [seen] = connector.read(WINDOW, {}).entries
    assert seen.person == "cho"
    connector.delete(seen, op("a1"))
    assert connector.read(WINDOW, {}).entries == ()
    sent = [one.headers.get("If-Match", "") for one in calendar.proxy.seen("PUT|DELETE")]
    assert [value for value in sent if value.startswith("W/")] == []


def test_a_server_that_ignores_if_match_on_delete_loses_no_edit(calendar: Calendar) -> None:
    calendar.proxy.rules = [Rule("DELETE", "", ignoring("if-match"))]
    connector = calendar.connector()
    entry = connector.create(shift(), op("a1"))
    calendar.edit("a1.ics", SUMMARY="Cho Min-ji")
    with pytest.raises(Stale):
        connector.delete(entry, op("a1"))
    assert connector.read(WINDOW, {}).entries[0].person == "cho"


def test_a_server_that_ignores_if_none_match_still_has_one_entry_an_id(calendar: Calendar) -> None:
    calendar.proxy.rules = [Rule("PUT", "", ignoring("if-none-match"))]
    connector = calendar.connector()
    for _ in range(2):
        connector.create(shift(), op("a1"))
    assert len(connector.read(WINDOW, {}).entries) == 1


@pytest.mark.parametrize("status", [200, 202, 204])
@pytest.mark.parametrize("heeded", [True, False])
def test_a_delete_may_be_answered_with_any_success(calendar: Calendar, status: int, heeded: bool) -> None:
    def answered(exchange: Exchange) -> Answer:
        answer = exchange.forward() if heeded else ignoring("if-match")(exchange)
        return Answer(status, answer.headers, answer.body) if answer.status < 300 else answer

    connector = calendar.connector()
    entries = [connector.create(shift(), op(name)) for name in ("a1", "a2")]
    calendar.proxy.rules = [Rule("DELETE", "", answered)]
    for entry in entries:
        connector.delete(entry, op(entry.uid))
    assert connector.read(WINDOW, {}).entries == ()
    assert len(calendar.proxy.seen("DELETE")) == 2 + heeded


# --- what the server makes of a condition on DELETE is learned once ------------------------------


def conditions(calendar: Calendar) -> list[str]:
    return [one.headers.get("If-Match", "") for one in calendar.proxy.seen("DELETE")]


@pytest.mark.parametrize("kind", ["radicale", "xandikos"])
def test_a_server_that_heeds_if_match_on_delete_is_asked_once_and_then_believed(
    kind: str, request: pytest.FixtureRequest
) -> None:
    server: servers.Server = request.getfixturevalue(kind)
    with Proxy(server.url) as proxy:
        calendar = Calendar(server, proxy, server.calendar())
        connector = calendar.connector()
        entries = [connector.create(shift(start=T + number * DAY), op(f"a{number}")) for number in range(3)]
        seen = connector.read(WINDOW, {})
        proxy.journal.clear()
        connector.delete(entries[0], op("a0"))
        assert methods(calendar) == ["GET", "DELETE", "DELETE"]
        assert [value == entries[0].version for value in conditions(calendar)] == [False, True]
        connector.delete(entries[1], op("a1"))
        assert methods(calendar)[3:] == ["DELETE"]
        assert seen.found["deletes"] == "if-match", "it is told with the look before it"
        other = calendar.connector(dataclasses.replace(SITE, found=seen.found))
        calendar.edit("a2.ics", SUMMARY="Cho Min-ji")
        proxy.journal.clear()
        with pytest.raises(Stale):
            other.delete(entries[2], op("a2"))
        assert methods(calendar) == ["DELETE"]
        assert [entry.person for entry in other.read(WINDOW, {}).entries] == ["cho"]


def test_a_server_that_ignores_if_match_on_delete_is_asked_once_and_each_entry_is_read_before(calendar: Calendar) -> None:
    calendar.proxy.rules = [Rule("DELETE", "", ignoring("if-match"))]
    connector = calendar.connector()
    entries = [connector.create(shift(start=T + number * DAY), op(f"a{number}")) for number in range(3)]
    seen = connector.read(WINDOW, {})
    calendar.proxy.journal.clear()
    connector.delete(entries[0], op("a0"))
    assert methods(calendar) == ["GET", "DELETE"], "it was gone with the question"
    assert seen.found["deletes"] == "ignored"
    other = calendar.connector(dataclasses.replace(SITE, found=seen.found))
    other.delete(entries[1], op("a1"))
    assert methods(calendar)[2:] == ["GET", "DELETE"]
    calendar.edit("a2.ics", SUMMARY="Cho Min-ji")
    with pytest.raises(Stale):
        other.delete(entries[2], op("a2"))
    assert methods(calendar)[4:] == ["GET"]
    assert [entry.person for entry in other.read(WINDOW, {}).entries] == ["cho"]


def test_many_who_delete_at_once_learn_it_from_one(calendar: Calendar) -> None:
    connector = calendar.connector()
    entries = [connector.create(shift(start=T + number * DAY), op(f"a{number}")) for number in range(8)]
    calendar.proxy.journal.clear()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(connector.delete, entries, [op(entry.uid) for entry in entries]))
    assert sorted(methods(calendar)) == ["DELETE"] * 9 + ["GET"]
    assert connector.read(WINDOW, {}).entries == ()


@pytest.mark.parametrize("fault", [drop_before, drop_after, answers(503), page(200)], ids=["before", "after", "503", "a page"])
@pytest.mark.parametrize("heeded", [True, False])
def test_a_question_without_an_answer_teaches_nothing_and_its_outcome_is_unknown(
    calendar: Calendar, fault: Any, heeded: bool
) -> None:
    def asked(exchange: Exchange) -> Answer:
        if not heeded:
            exchange.headers.pop("If-Match")
        answer: Answer = fault(exchange)
        return answer

    connector = calendar.connector()
    entry, other = (connector.create(shift(), op(name)) for name in ("a1", "a2"))
    calendar.proxy.rules = [Rule("DELETE", "", asked, last=1)]
    with pytest.raises(Unavailable) as failure:
        connector.delete(entry, op("a1"))
    assert not failure.value.refused
    assert len(calendar.proxy.seen("DELETE")) == 1
    seen = connector.read(WINDOW, {})
    assert "deletes" not in seen.found
    assert ("a1.ics" in known(seen)) == (heeded or fault is not drop_after)
    connector.delete(other, op("a2"))
    assert seen.found["deletes"] == "if-match"


@pytest.mark.parametrize(("status", "error"), [(401, Denied), (403, Denied), (423, Unavailable), (405, Rejected)])
def test_a_refused_question_teaches_nothing(calendar: Calendar, status: int, error: type[Exception]) -> None:
    connector = calendar.connector()
    entry = connector.create(shift(), op("a1"))
    calendar.proxy.rules = [Rule("DELETE", "", answers(status))]
    with pytest.raises(error):
        connector.delete(entry, op("a1"))
    seen = connector.read(WINDOW, {})
    assert len(calendar.proxy.seen("DELETE")) == 1
    assert ("deletes" in seen.found, list(known(seen))) == (False, ["a1.ics"])


def test_an_entry_that_is_gone_is_not_asked_with(calendar: Calendar) -> None:
    connector = calendar.connector()
    entry = connector.create(shift(), op("a1"))
    calendar.delete("a1.ics")
    connector.delete(entry, op("a1"))
    assert calendar.proxy.seen("DELETE") == []


def test_an_entry_that_goes_between_the_question_and_the_delete_is_gone(calendar: Calendar) -> None:
    def first(exchange: Exchange) -> Answer:
        answer = exchange.forward()
        calendar.delete("a1.ics")
        return answer

    connector = calendar.connector()
    entry = connector.create(shift(), op("a1"))
    calendar.proxy.rules = [Rule("DELETE", "", first, last=1)]
    connector.delete(entry, op("a1"))
    assert connector.read(WINDOW, {}).entries == ()


# --- a first look --------------------------------------------------------------------------------


def test_a_first_look_at_an_empty_calendar_is_one_request(calendar: Calendar) -> None:
    seen = calendar.connector().read(WINDOW, {})
    assert methods(calendar) == ["PROPFIND"]
    assert again(calendar, seen).entries == ()
    assert methods(calendar) == ["REPORT"]


def test_a_first_look_where_something_stands_asks_for_the_window(calendar: Calendar) -> None:
    calendar.put("past.ics", event("past", NOW - 70 * DAY, NOW - 69 * DAY, "Ben Okafor"))
    calendar.put("meeting.ics", event("meeting", T, T + HOUR, "Cho Min-ji"))
    assert [entry.ref for entry in calendar.connector().read(WINDOW, {}).entries] == ["meeting.ics"]
    assert methods(calendar) == ["PROPFIND", "REPORT", "REPORT"]


@pytest.mark.parametrize("kind", ["507", "too many", "another path"])
def test_a_calendar_too_full_to_be_listed_whole_is_seen_through_its_window(calendar: Calendar, kind: str) -> None:
    calendar.put("meeting.ics", event("meeting", T, T + HOUR, "Cho Min-ji"))
    cut = f"<response><href>{calendar.path}</href><status>HTTP/1.1 507 Insufficient Storage</status></response></multistatus>"
    many = "<response><href>/x</href></response>" * 10_001 + "</multistatus>"
    elsewhere = replaced(r"<href>", "<href>/inside")
    whole = {"507": replaced("</multistatus>", cut), "too many": replaced("</multistatus>", many), "another path": elsewhere}[
        kind
    ]
    calendar.proxy.rules = [Rule("PROPFIND", "", whole, last=1)]
    assert [entry.ref for entry in calendar.connector().read(WINDOW, {}).entries] == ["meeting.ics"]
    assert [(one.method, one.headers["Depth"]) for one in calendar.proxy.journal[:3]] == [
        ("PROPFIND", "1"), ("PROPFIND", "0"), ("REPORT", "1"),
    ]  # fmt: skip


def test_known_entries_that_an_address_of_another_kind_does_not_list_are_not_gone(calendar: Calendar) -> None:
    with pytest.raises((Unavailable, Denied)):
        calendar.connector(url=f"{calendar.proxy.url}/ana/").read(WINDOW, {"a1.ics": '"1"'})


CONFLICT = '<error xmlns="DAV:"><no-uid-conflict xmlns="urn:ietf:params:xml:ns:caldav"/></error>'


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (409, "", Stale), (412, "", Stale), (403, CONFLICT, Stale), (409, CONFLICT, Stale), (403, "", Denied),
        (403, '<error xmlns="DAV:"><need-privileges/></error>', Denied),
        (403, '<error xmlns="DAV:"><valid-calendar-data xmlns="urn:ietf:params:xml:ns:caldav"/></error>', Rejected),
        (400, "", Rejected), (413, "", Rejected), (415, "", Rejected), (401, "", Denied), (404, "", Unavailable),
        (423, "", Unavailable), (429, "", Unavailable), (500, "", Unavailable), (502, "<html>", Unavailable),
        (507, "", Unavailable),
    ],
)  # fmt: skip
def test_a_refused_create_is_told_by_the_contracts_errors(
    calendar: Calendar, status: int, body: str, error: type[Exception]
) -> None:
    calendar.proxy.rules = [Rule("PUT", "", answers(status, body))]
    with pytest.raises(error) as failure:
        calendar.connector().create(shift(), op("a1"))
    assert type(failure.value) is error
    if isinstance(failure.value, Unavailable):
        assert failure.value.refused == (status in (404, 423, 429)), "of what the server broke on, nobody knows"


@pytest.mark.parametrize("kind", ["radicale", "xandikos"])
def test_a_uid_that_another_object_has_is_stale(kind: str, request: pytest.FixtureRequest) -> None:
    server: servers.Server = request.getfixturevalue(kind)
    with Proxy(server.url) as proxy:
        calendar = Calendar(server, proxy, server.calendar())
        calendar.put("other-name.ics", event("a1", T, T + HOUR, "Ben Okafor"))
        with pytest.raises(Stale):
            calendar.connector().create(shift(), op("a1"))


def test_a_server_that_asks_to_wait_until_a_date_is_believed_by_its_own_clock(calendar: Calendar) -> None:
    wait = answers(503, Retry_After="Mon, 01 Mar 2027 00:02:00 GMT", Date="Mon, 01 Mar 2027 00:00:30 GMT")
    for method, known_ones in (("PROPFIND", {}), ("REPORT", {"a1.ics": "1"})):
        calendar.proxy.rules = [Rule(method, "", wait)]
        with pytest.raises(Unavailable) as failure:
            calendar.connector().read(WINDOW, known_ones)
        assert failure.value.after == 90


def test_a_date_to_wait_until_from_a_server_that_tells_no_time_of_its_own_is_no_time_to_wait(calendar: Calendar) -> None:
    calendar.proxy.rules = [Rule("REPORT", "", answers(429, Retry_After="Mon, 01 Mar 2027 00:02:00 GMT"))]
    with pytest.raises(Unavailable) as failure:
        calendar.connector().read(WINDOW, {"a1.ics": "1"})
    assert (failure.value.after, failure.value.refused) == (None, True)


# --- odd lists -------------------------------------------------------------------------------------


def test_names_come_back_with_other_escapes(calendar: Calendar) -> None:
    calendar.path = f"{calendar.server.home}team@example.com-{calendar.path.rstrip('/').rpartition('/')[2]}/"
    assert calendar.server.request("MKCALENDAR", calendar.path)[0] == 201
    calendar.put("ben@example.com.ics", event("ben@example.com", T + DAY, T + DAY + HOUR, "Ben Okafor"))
    calendar.proxy.rules = [Rule("REPORT", "", replaced(r"@(?=[^<]*</href>)", "%40"), 2, 3)]
    connector = calendar.connector()
    connector.create(shift(), op("a1"))
    first, second = connector.read(WINDOW, {}), connector.read(WINDOW, {})
    assert sorted(entry.ref for entry in first.entries) == sorted(entry.ref for entry in second.entries)
    assert connector.read(WINDOW, known(first)).same == {entry.ref for entry in first.entries}
    for entry in first.entries:
        connector.delete(entry, op(entry.uid))
    assert connector.read(WINDOW, {}).entries == ()


def test_a_server_that_names_the_whole_address_and_the_calendar_itself(calendar: Calendar) -> None:
    entry = calendar.connector().create(shift(), op("a1"))
    itself = f"<response><href>{calendar.path}</href><propstat><prop><getetag>x</getetag></prop><status>HTTP/1.1 200 OK</status></propstat></response>"  # fmt: skip  # noqa: E501

    def odd(answer: Answer) -> None:
        answer.body = re.sub(rb"<href>", b"<href>https://inside.example:8443", answer.body)
        answer.body = answer.body.replace(b"</multistatus>", itself.encode() + b"</multistatus>")

    calendar.proxy.rules = [Rule("REPORT", "", changed(odd), last=1)]
    assert calendar.connector().read(WINDOW, {entry.ref: entry.version or ""}).same == {"a1.ics"}


@pytest.mark.parametrize("mark", ["W/&quot;\\1&quot;", "&quot;\\1-gzip&quot;", "\\1"])
def test_an_etag_written_otherwise_is_the_same(calendar: Calendar, mark: str) -> None:
    entry = calendar.connector().create(shift(), op("a1"))
    calendar.proxy.rules = [Rule("REPORT", "", replaced(r'getetag>"?(?:&quot;)?([^<"&]*)"?(?:&quot;)?<', f"getetag>{mark}<"))]
    assert calendar.connector().read(WINDOW, {entry.ref: entry.version or ""}).same == {"a1.ics"}


def test_a_list_that_was_cut_is_no_list(calendar: Calendar) -> None:
    entry = calendar.connector().create(shift(), op("a1"))
    cut = f"<response><href>{calendar.path}</href><status>HTTP/1.1 507 Insufficient Storage</status></response></multistatus>"
    calendar.proxy.rules = [Rule("REPORT", "", replaced("</multistatus>", cut))]
    with pytest.raises(Unavailable, match="507"):
        calendar.connector().read(WINDOW, {entry.ref: "1"})


def test_an_entry_that_the_server_cannot_tell_about_is_not_gone(calendar: Calendar) -> None:
    entry = calendar.connector().create(shift(), op("a1"))
    broken = f'<multistatus xmlns="DAV:"><response><href>{calendar.path}a1.ics</href><status>HTTP/1.1 500 Oops</status></response></multistatus>'  # fmt: skip  # noqa: E501
    calendar.proxy.rules = [Rule("REPORT", "", answers(207, broken))]
    with pytest.raises(Unavailable):
        calendar.connector().read(WINDOW, {entry.ref: "1"})


def test_a_known_entry_that_is_left_out_of_both_lists_is_looked_for_by_itself(calendar: Calendar) -> None:
    entry = calendar.connector().create(shift(), op("a1"))
    gone = calendar.connector().create(shift(), op("a2"))
    calendar.delete("a2.ics")
    empty = answers(207, '<multistatus xmlns="DAV:"/>')
    calendar.proxy.rules = [Rule("REPORT", "", empty)]
    seen = calendar.connector().read(WINDOW, {entry.ref: "1", gone.ref: "1"})
    assert [one.ref for one in seen.entries] == ["a1.ics"]


def test_a_server_without_a_clock_is_taken(calendar: Calendar) -> None:
    assert calendar.connector().read(WINDOW, {}).server_time is not None
    calendar.proxy.rules = [Rule("REPORT|PROPFIND", "", changed(lambda answer: answer.headers.pop("Date")))]
    seen = calendar.connector().read(WINDOW, {})
    assert (seen.server_time, methods(calendar)) == (None, ["PROPFIND"] * 2)
    assert again(calendar, seen).server_time is None
    assert methods(calendar) == ["REPORT"]


def test_a_malformed_entry_hides_no_other(calendar: Calendar) -> None:
    connector = calendar.connector()
    entries = [connector.create(shift(start=T + number * DAY), op(f"a{number}")) for number in range(2)]
    calendar.put("x.ics", event("x", T, T + HOUR, "Ben Okafor"))
    broken = replaced(r"BEGIN:VEVENT(?:(?!BEGIN:VEVENT).)*UID:(a0|x)\b.*?END:VEVENT", "BEGIN:VEVENT nonsense")
    calendar.proxy.rules = [Rule("REPORT", "", broken)]
    seen = {entry.ref: entry for entry in connector.read(WINDOW, {entry.ref: "1" for entry in entries}).entries}
    assert sorted(seen) == ["a0.ics", "a1.ics"]
    assert (seen["a0.ics"].person, seen["a0.ics"].uid, seen["a1.ics"].person) == (None, "a0", "ana")
    calendar.proxy.rules = []
    connector.replace(seen["a0.ics"], shift(), op("a0"))
    assert said(connector.read(WINDOW, {}).entries[0])[2] == "ana"


@pytest.mark.parametrize(
    ("start", "end", "instants"),
    [
        ("DTSTART;VALUE=DATE:20270328", "DTEND;VALUE=DATE:20270329", (1_806_188_400, 1_806_271_200)),
        ("DTSTART:20270328T120000", "DTEND:20270328T130000", (1_806_228_000, 1_806_231_600)),
        ("DTSTART;TZID=America/New_York:20270328T120000", "DURATION:PT1H", (1_806_249_600, 1_806_253_200)),
    ],
    ids=["a day of 23 hours", "floating", "zoned, with a duration"],
)
def test_times_of_other_kinds_are_read_in_the_schedules_zone(
    calendar: Calendar, start: str, end: str, instants: tuple[int, int]
) -> None:
    text = event("x", T, T + HOUR, "Ben Okafor")
    text = re.sub(r"DTEND:.*", f"{end}\r", re.sub(r"DTSTART:.*", f"{start}\r", text))
    calendar.put("x.ics", text)
    [entry] = calendar.connector().read(WINDOW, {}).entries
    assert (entry.start, entry.end) == instants


def test_zoned_times_are_written_with_their_zone_and_mean_the_same(calendar: Calendar) -> None:
    connector = calendar.connector(zone="Europe/Berlin", alarm=15, title="{schedule}: {person} ({role})")
    connector.create(shift(), op("a1"))
    [entry] = connector.read(WINDOW, {}).entries
    assert (said(entry), entry.title) == ((T, T + 8 * HOUR, "ana"), "Payments: Ana Lopez (Primary)")
    text = calendar.get("a1.ics")
    assert "BEGIN:VTIMEZONE" in text
    assert "DTSTART;TZID=Europe/Berlin:20270308T010000" in text
    assert "TRIGGER:-PT15M" in text
    for word in ("ATTENDEE", "ORGANIZER", "VALUE=DATE"):
        assert word not in text


# --- doctor ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["ana/nothere/", "", "bob/theirs/"])
def test_doctor_says_of_a_wrong_address_what_a_look_says(radicale: servers.Server, path: str) -> None:
    """And names the calendars that there are, where it may look for them."""
    password = Secret("here", lambda: radicale.password or "")
    wrong = CalDav(CalDav.Options(url=f"{radicale.url}/{path}", username=radicale.username, password=password), SITE)
    with pytest.raises(ConnectorError) as failure:
        wrong.read(WINDOW, {})
    (finding,) = [one for one in wrong.doctor() if not one.ok]
    assert f"{finding.text}; {finding.remedy}".startswith(str(failure.value))
    wrong.close()


def test_doctor_says_what_is_wrong(calendar: Calendar) -> None:
    wrong = calendar.connector(password=Secret("here", lambda: "wrong"))
    assert [finding.what for finding in wrong.doctor() if not finding.ok] == ["calendar"]
    home = calendar.connector(url=f"{calendar.proxy.url}/ana/")
    assert [finding.ok for finding in home.doctor()][-1] is False
    calendar.proxy.rules = [Rule("PROPFIND", "", replaced(r"<privilege><(write|all|bind|write-content) ?/></privilege>", ""))]
    assert [finding.what for finding in calendar.connector().doctor() if not finding.ok] == ["right to write"]


def test_a_page_in_front_of_the_server_is_no_success(calendar: Calendar) -> None:
    calendar.proxy.rules = [Rule("PUT", "", page(200))]
    with pytest.raises(Unavailable) as failure:
        calendar.connector().create(shift(), op("a1"))
    assert not failure.value.refused
