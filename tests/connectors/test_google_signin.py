"""Signing in to Google: the browser comes back to this machine, and only the code of our own question counts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from connectors.google_signin import Client, authorise, client_of
from syncd.connector import ConnectorError, Denied, Unavailable
from tests.connectors.conformance import WINDOW, op, shift
from tests.connectors.google_place import Place, opened
from tests.simulators.common import Fault
from tests.simulators.google_signin import CLIENT, EVENTS


@pytest.fixture
def place() -> Iterator[Place]:
    with opened() as place:
        yield place


@pytest.fixture
def client(place: Place) -> Client:
    auth = {"auth_uri": f"{place.url}/o/oauth2/v2/auth", "token_uri": f"{place.url}/token"}
    return client_of(json.dumps({"installed": {**CLIENT, **auth, "redirect_uris": ["http://localhost"]}}))


class Browser:
    """Opens what it is shown and follows where it is sent, as a person's would."""

    def __init__(self, *, before: Callable[[str], None] = lambda back: None) -> None:
        self.before = before
        self.pages: list[requests.Response] = []
        self.thread: Thread | None = None

    def __call__(self, url: str) -> None:
        self.thread = Thread(target=self.visit, args=(url,))
        self.thread.start()

    def visit(self, url: str) -> None:
        self.before(parse_qs(urlsplit(url).query)["redirect_uri"][0])
        with requests.Session() as session:
            session.trust_env = False
            self.pages.append(session.get(url, timeout=10))

    def done(self) -> requests.Response:
        assert self.thread is not None
        self.thread.join(10)
        return self.pages[-1]


def test_a_person_signs_in_and_the_destination_works(place: Place, client: Client) -> None:
    browser = Browser()
    granted = authorise(client, browser)
    assert "close this window" in browser.done().text
    assert granted["type"] == "authorized_user"
    assert granted["account"] == "ana@example.com"
    place.calendar.roles["ana@example.com"] = "writer"
    place.key = json.dumps(granted)
    google = place.connector()
    google.create(shift(), op("shift1"))
    assert len(google.read(WINDOW, {}).entries) == 1


def test_google_is_asked_for_the_least_and_for_a_lasting_sign_in(place: Place, client: Client) -> None:
    browser = Browser()
    authorise(client, browser)
    browser.done()
    [asked] = place.signin.asked
    assert asked["scope"].split() == [EVENTS, "openid", "email"]
    assert (asked["access_type"], asked["response_type"], asked["code_challenge_method"]) == ("offline", "code", "S256")
    assert asked["redirect_uri"].startswith("http://127.0.0.1:")
    assert len(asked["state"]) >= 32
    [exchange] = place.journal.of("POST", "/token")
    assert 43 <= len(exchange.form["code_verifier"]) <= 128
    assert exchange.form["code_verifier"] not in str(asked)


def test_no_two_questions_are_alike(place: Place, client: Client) -> None:
    for _ in range(2):
        browser = Browser()
        authorise(client, browser)
        browser.done()
    first, second = place.signin.asked
    assert first["state"] != second["state"]
    assert first["code_challenge"] != second["code_challenge"]


def test_whoever_comes_without_our_question_is_sent_away(place: Place, client: Client) -> None:
    answers = []

    def intrude(back: str) -> None:
        for path in ("/", "/?code=stolen", "/?code=stolen&state=guessed", "/favicon.ico", "/?error=access_denied"):
            answers.append(requests.get(back + path, timeout=10).status_code)

    browser = Browser(before=intrude)
    assert authorise(client, browser)["account"] == "ana@example.com"
    browser.done()
    assert answers == [404] * 5


def failing(client: Client, **options: Any) -> ConnectorError:
    browser = Browser()
    with pytest.raises(ConnectorError) as failure:
        authorise(client, browser, **options)
    browser.done()
    assert "canary" not in str(failure.value) + repr(failure.value.__cause__) + repr(failure.value.__context__)
    return failure.value


def test_a_person_may_say_no(place: Place, client: Client) -> None:
    place.signin.denies = True
    failure = failing(client)
    assert isinstance(failure, Denied)
    assert "access_denied" in str(failure)


def test_a_box_left_unticked_is_noticed_at_once(place: Place, client: Client) -> None:
    place.signin.unticks = (EVENTS,)
    assert "unticked" in str(failing(client))


def test_a_sign_in_that_does_not_last_is_refused(place: Place, client: Client) -> None:
    place.signin.gives_refresh_token = False
    assert "lasting" in str(failing(client))


def test_a_code_that_google_no_longer_takes_is_denied(place: Place, client: Client) -> None:
    body = {"error": "invalid_grant", "error_description": "canary-code-0001 is old, canary-client-secret"}
    place.faults.add(Fault(path="/token", status=400, body=body))
    assert isinstance(failing(client), Denied)


def test_a_token_endpoint_that_fails_is_unavailable(place: Place, client: Client) -> None:
    place.faults.add(Fault(path="/token", drop="after"))
    assert isinstance(failing(client), Unavailable)


def test_nobody_is_waited_for_for_ever(client: Client) -> None:
    with pytest.raises(Unavailable, match="nobody signed in"):
        authorise(client, lambda url: None, wait=0.05)


def test_an_account_without_an_address_is_still_signed_in(place: Place, client: Client) -> None:
    place.signin.unticks = ("openid",)
    browser = Browser()
    assert "account" not in authorise(client, browser)
    browser.done()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "no JSON"),
        ('{"web": {"client_id": "x"}}', "Desktop app"),
        ('{"installed": {"client_id": "x"}}', "Desktop app"),
        ('{"type": "service_account"}', "Desktop app"),
        ('{"installed": {"client_id": "x", "client_secret": "y", "token_uri": "http://example.com"}}', "https"),
    ],
)
def test_a_file_that_is_no_clients_says_what_to_make(text: str, words: str) -> None:
    with pytest.raises(Denied, match=words):
        client_of(text)


def test_a_client_does_not_print_its_secret(client: Client) -> None:
    assert "canary" not in repr(client)
