"""Every answer of Google's means one error of the contract, nothing is sent twice, and nothing hangs or swells."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from email.utils import formatdate
from typing import Any

import httplib2
import pytest

from connectors import google_http
from connectors.google import Google
from syncd.connector import ConnectorError, Denied, Entry, Rejected, Stale, Unavailable
from tests.connectors.conformance import NOW, WINDOW, T, op, shift
from tests.connectors.google_place import Place, opened
from tests.simulators.common import Bucket, Clock, Fault, clean_environment

CALLS: dict[str, tuple[str, Callable[[Google, Entry], object]]] = {
    "read": ("GET", lambda google, entry: google.read(WINDOW, {})),
    "create": ("POST", lambda google, entry: google.create(shift("cho"), op("shift2"))),
    "replace": ("PATCH", lambda google, entry: google.replace(entry, shift("ben"), op("shift1", untouched=True))),
    "delete": ("DELETE", lambda google, entry: google.delete(entry, op("shift1"))),
}
every_call = pytest.mark.parametrize("verb", CALLS)


@pytest.fixture
def place() -> Iterator[Place]:
    with opened() as place:
        yield place


@pytest.fixture
def google(place: Place) -> Iterator[Google]:
    connector = place.connector()
    yield connector
    connector.close()


def error(status: int, reason: str = "", message: str = "So it is", **more: Any) -> dict[str, Any]:
    errors = [{"domain": "global", "reason": reason, "message": message}] if reason else []
    return {"error": {"code": status, "message": message, "errors": errors, **more}}


def failing(place: Place, google: Google, verb: str, **fault: Any) -> ConnectorError:
    """The error of one call under that fault; it was sent once."""
    entry = google.create(shift(), op("shift1"))
    method, call = CALLS[verb]
    place.faults.add(Fault(method=method, path="/calendars/", times=None, **fault))
    before = len(place.journal.of("*", "/calendars/"))
    with pytest.raises(ConnectorError) as failure:
        call(google, entry)
    sent = place.journal.of("*", "/calendars/")[before:]
    assert [one.method for one in sent] in ([method], [method, "GET"]), "sent once, and at most looked at"
    place.faults.clear()
    return failure.value


# --- what an answer means ----------------------------------------------------------------------


@every_call
@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize("reason", ["rateLimitExceeded", "userRateLimitExceeded"])
def test_a_rate_limit_is_waited_for(place: Place, google: Google, verb: str, status: int, reason: str) -> None:
    failure = failing(place, google, verb, status=status, body=error(status, reason), headers={"retry-after": "7"})
    assert isinstance(failure, Unavailable)
    assert (failure.refused, failure.after) == (True, 7)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, b""),
        (429, "<html>Sorry</html>"),
        (403, {"error": {"code": 403, "message": "x", "details": [{"reason": "RATE_LIMIT_EXCEEDED"}]}}),
    ],
)
def test_a_rate_limit_is_known_in_any_form(place: Place, google: Google, status: int, body: Any) -> None:
    failure = failing(place, google, "create", status=status, body=body)
    assert isinstance(failure, Unavailable)
    assert (failure.refused, failure.after) == (True, None)


@pytest.mark.parametrize(("form", "after"), [("seconds", 60), ("date", 60), (None, None)])
def test_how_long_to_wait_is_told_by_seconds_or_by_the_servers_own_clock(
    place: Place, google: Google, form: str | None, after: float | None
) -> None:
    google.read(WINDOW, {})
    place.rate, place.retry_after, place.clock.skew = Bucket(place.clock, 0, 60), form, 86_400
    with pytest.raises(Unavailable) as failure:
        google.read(WINDOW, {})
    assert failure.value.after == after


@every_call
def test_the_abuse_limit_pauses_the_destination_for_an_hour_at_least(place: Place, google: Google, verb: str) -> None:
    failure = failing(place, google, verb, status=403, body=error(403, "quotaExceeded"), headers={"retry-after": "5"})
    assert isinstance(failure, Unavailable)
    assert (failure.refused, failure.after) == (True, 3600)


@every_call
@pytest.mark.parametrize(
    "reason", ["insufficientPermissions", "accessNotConfigured", "requiredAccessLevel", "forbidden", "news", ""]
)
def test_every_other_403_is_denied(place: Place, google: Google, verb: str, reason: str) -> None:
    failure = failing(place, google, verb, status=403, body=error(403, reason))
    assert isinstance(failure, Denied)
    assert "“So it is”" in str(failure)
    assert "; " in str(failure), "what happened, and what to do"


def test_a_refusal_of_one_event_says_nothing_about_the_others(place: Place, google: Google) -> None:
    failure = failing(place, google, "replace", status=403, body=error(403, "forbiddenForNonOrganizer"))
    assert type(failure) is Rejected


@pytest.mark.parametrize("verb", ["create", "replace", "delete"])
@pytest.mark.parametrize(("status", "kind"), [(400, Rejected), (409, Stale), (412, Stale), (413, Rejected)])
def test_a_write_refused_for_good_is_not_unknown(place: Place, google: Google, verb: str, status: int, kind: type) -> None:
    failure = failing(place, google, verb, status=status, body=error(status, "reason"))
    assert isinstance(failure, kind)


@pytest.mark.parametrize(("verb", "kind"), [("read", Denied), ("create", Denied), ("replace", Stale)])
@pytest.mark.parametrize("status", [404, 410])
def test_what_is_not_there_is_the_calendar_or_the_event(place: Place, google: Google, verb: str, kind: type, status: int) -> None:
    failure = failing(place, google, verb, status=status, body=error(status, "notFound"))
    assert isinstance(failure, kind)


@every_call
@pytest.mark.parametrize("status", [302, 408, 500, 502, 503, 504])
def test_a_fault_of_the_server_leaves_a_write_unknown(place: Place, google: Google, verb: str, status: int) -> None:
    headers = {"retry-after": "3", "location": place.url + "/elsewhere"}
    failure = failing(place, google, verb, status=status, headers=headers, body="<html>no</html>")
    assert isinstance(failure, Unavailable)
    assert (failure.refused, failure.after) == (False, 3)
    assert not place.journal.of("*", "/elsewhere"), "a redirect is not followed: a token goes to nobody else"


# --- connections ---------------------------------------------------------------------------------


@every_call
@pytest.mark.parametrize("drop", ["before", "after", "half", "late"])
def test_a_call_that_lost_its_answer_is_sent_once_and_unknown(place: Place, google: Google, verb: str, drop: Any) -> None:
    """G-41 the other way round: httplib2 would have sent it again."""
    if (verb, drop) == ("delete", "half"):
        pytest.skip("the answer to a deletion has no body")
    failure = failing(place, google, verb, drop=drop)
    assert isinstance(failure, Unavailable)
    assert not failure.refused


def test_a_create_whose_answer_was_lost_stands_once_and_is_found(place: Place, google: Google) -> None:
    place.faults.add(Fault(method="POST", path="/events", drop="after"))
    with pytest.raises(Unavailable):
        google.create(shift(), op("shift1"))
    [entry] = google.read(WINDOW, {}).entries
    assert (entry.uid, entry.marker) == ("shift1", op("shift1").marker)
    assert len(place.calendar.live()) == 1


def test_an_id_that_is_taken_by_this_very_event_is_a_create_that_was_done(place: Place, google: Google) -> None:
    """The answer was lost, and no list shows the event yet: only a read of it tells (G-02, W3)."""
    first = google.create(shift(), op("shift1"))
    again = google.create(shift(), op("shift1", "m2"))
    assert (again.ref, again.version, again.marker) == (first.ref, first.version, first.marker)
    assert len(place.calendar.live()) == 1


@pytest.mark.parametrize("hand", ["moved", "given away", "unmarked", "deleted"])
def test_an_id_that_is_taken_by_anything_else_is_not(place: Place, google: Google, hand: str) -> None:
    google.create(shift(), op("shift1"))
    with place.hand():
        match hand:
            case "moved":
                place.calendar.human_edits("shift1", start=T + 60, end=T + 120)
            case "given away":
                place.calendar.human_edits("shift1", title="Ben Okafor: Primary")
            case "unmarked":
                place.calendar.strip("shift1")
            case _:
                place.calendar.human_deletes("shift1")
    with pytest.raises(Stale):
        google.create(shift(), op("shift1"))


def test_where_nobody_can_tell_what_has_the_id_nothing_was_done(place: Place, google: Google) -> None:
    google.create(shift(), op("shift1"))
    place.faults.add(Fault(method="GET", path="/events/", status=503))
    with pytest.raises(Unavailable) as failure:
        google.create(shift(), op("shift1"))
    assert failure.value.refused


def test_a_create_that_lands_late_meets_its_own_id(place: Place, google: Google) -> None:
    place.faults.add(Fault(method="POST", path="/events", drop="late"))
    with pytest.raises(Unavailable):
        google.create(shift(), op("shift1"))
    assert google.read(WINDOW, {}).entries == ()
    google.create(shift(), op("shift1"))
    place.land_late_writes()
    assert len(place.calendar.live()) == 1


def test_a_change_that_was_applied_behind_an_error_is_seen_by_the_next_look(place: Place, google: Google) -> None:
    """F2: an error answer, but applied."""
    entry = google.create(shift(), op("shift1"))
    place.faults.add(Fault(method="PATCH", path="/events", status=503, commit=True))
    with pytest.raises(Unavailable):
        google.replace(entry, shift("ben"), op("shift1", untouched=True))
    assert google.read(WINDOW, {"shift1": entry.version or ""}).entries[0].person == "ben"


@every_call
def test_a_server_that_never_answers_is_given_up(
    place: Place, google: Google, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = google.create(shift(), op("shift1"))
    google.close()
    monkeypatch.setattr(google_http, "READ", 0.2)
    method, call = CALLS[verb]
    place.faults.add(Fault(method=method, path="/calendars/", delay=60, drop="before"))
    slow = place.connector()
    with pytest.raises(Unavailable) as failure:
        call(slow, entry)
    assert not failure.value.refused
    slow.close()


def test_an_answer_that_trickles_is_given_up(place: Place, google: Google, monkeypatch: pytest.MonkeyPatch) -> None:
    google.create(shift(), op("shift1"))
    monkeypatch.setattr(google_http, "TOTAL", 0.3)
    place.faults.add(Fault(method="GET", path="/events", trickle=0.05))
    with pytest.raises(Unavailable):
        google.read(WINDOW, {})
    monkeypatch.undo()
    assert len(google.read(WINDOW, {}).entries) == 1, "the late rest is not taken for the next answer"


@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_beyond_all_measure_is_not_read(place: Place, google: Google, packed: bool) -> None:
    body = b'{"items": [' + b" " * 40_000_000 + b"]}"
    headers = {"content-encoding": "gzip"} if packed else {}
    place.faults.add(
        Fault(method="GET", path="/events", status=200, headers=headers, body=gzip.compress(body) if packed else body)
    )
    with pytest.raises(Unavailable):
        google.read(WINDOW, {})
    assert google.read(WINDOW, {}).entries == ()


def test_nobody_at_the_other_end_means_that_nothing_was_done(place: Place) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = place.connector(base_url=f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(Unavailable, match="the connection is refused") as failure:
            nobody.create(shift(), op("shift1"))
    assert failure.value.refused


class Encrypted(Place):
    tls = True


def test_a_certificate_that_nobody_vouches_for_ends_the_call_before_anything_is_sent() -> None:
    clean_environment()
    with Encrypted() as there:
        there.key = there.service_account()
        with pytest.raises(Unavailable, match="certificate is not accepted") as failure:
            there.connector().create(shift(), op("shift1"))
        assert failure.value.refused
        assert not there.journal


def test_the_same_holds_over_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    clean_environment()
    with Encrypted(clock=Clock(NOW)) as there:
        monkeypatch.setattr(httplib2, "CA_CERTS", str(there.ca_file))
        there.key = there.service_account()
        google = there.connector()
        entry = google.create(shift(), op("shift1"))
        there.faults.add(Fault(method="PATCH", path="/events", drop="after"))
        with pytest.raises(Unavailable):
            google.replace(entry, shift("ben"), op("shift1", untouched=True))
        assert [seen.person for seen in google.read(WINDOW, {}).entries] == ["ben"]
        google.close()
        assert len(there.journal.of("PATCH")) == 1


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (TimeoutError(), "no connection within 5 seconds"),
        (socket.gaierror(-2, "canary"), "its name is not known"),
        (ssl.SSLError(1, "canary"), "TLS could not be agreed"),
        (OSError(101, "proxy canary:canary@example.com"), "there is no connection"),
    ],
)
def test_why_nobody_was_reached_is_said_without_a_proxys_password(cause: OSError, words: str) -> None:
    assert google_http._reason(cause) == words


class HangsUp:
    """Answers each request well and hangs up without a word, as servers do with idle connections."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.hung_up = threading.Semaphore(0)
        self.requests: list[str] = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        times = {"start": {"dateTime": "2027-03-08T00:00:00Z"}, "end": {"dateTime": "2027-03-08T08:00:00Z"}}
        event = json.dumps({"id": "shift1", "etag": "1", **times})
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            with peer, peer.makefile("rb") as stream:
                self.requests.append(stream.readline().decode().split(" ")[0])
                length = 0
                while (line := stream.readline().strip()) != b"":
                    name, _, value = line.partition(b":")
                    length = int(value) if name.lower() == b"content-length" else length
                stream.read(length)
                peer.sendall(f"HTTP/1.1 200 OK\r\ncontent-length: {len(event)}\r\n\r\n{event}".encode())
                peer.shutdown(socket.SHUT_RDWR)
            self.hung_up.release()


def test_an_idle_connection_that_the_server_closed_costs_no_write(place: Place) -> None:
    there = HangsUp()
    google = place.connector(base_url=f"http://127.0.0.1:{there.listener.getsockname()[1]}")
    for _ in range(3):
        google.create(shift(), op("shift1"))
        assert there.hung_up.acquire(timeout=10)
    there.listener.close()
    assert there.requests == ["POST"] * 3


def test_dates_of_the_server_are_read_whatever_they_are(place: Place, google: Google) -> None:
    for value in ("", "yesterday", "Thu, 99 Foo 2027", formatdate(NOW, usegmt=True)):
        place.faults.add(Fault(method="GET", path="/events", status=503, headers={"date": value, "retry-after": value}))
        with pytest.raises(Unavailable):
            google.read(WINDOW, {})
        place.faults.clear()
    assert google.read(WINDOW, {}).server_time == NOW < T
