"""Credentials are read late, asked for once, renewed without a restart, and never told to anybody."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from connectors.google import Google
from syncd.connector import ConnectorError, Denied, Secret, Unavailable, Unsupported
from tests.connectors.conformance import WINDOW, T, op, shift
from tests.connectors.google_place import Place, opened
from tests.simulators.common import Fault


@pytest.fixture
def place() -> Iterator[Place]:
    with opened() as place:
        yield place


def denied(place: Place, **options: Any) -> str:
    connector = place.connector(**options)
    with pytest.raises(Denied) as failure:
        connector.read(WINDOW, {})
    connector.close()
    return str(failure.value)


def changed(place: Place, **fields: Any) -> str:
    """The credentials with other fields; None takes one away."""
    content = json.loads(place.key) | fields
    return json.dumps({name: value for name, value in content.items() if value is not None})


# --- the token -----------------------------------------------------------------------------------


def test_a_person_who_signed_in_is_as_good_as_a_service_account(place: Place) -> None:
    place.key = place.signed_in("ana@example.com")
    google = place.connector()
    google.create(shift(), op("shift1"))
    assert google.read(WINDOW, {}).fingerprint.startswith("google:ana@example.com:")
    assert [call.form["grant_type"] for call in place.journal.of("POST", "/token")] == ["refresh_token"]


def test_a_token_that_expired_at_the_server_is_renewed_once(place: Place) -> None:
    google = place.connector()
    google.read(WINDOW, {})
    place.clock.advance(3600)
    google.create(shift(), op("shift1"))
    assert [call.status for call in place.journal.of("POST", "/events")] == [401, 200]
    assert len(place.journal.of("POST", "/token")) == 2
    assert len(place.calendar.live()) == 1


def test_a_token_that_is_refused_again_and_again_is_asked_for_once(place: Place) -> None:
    google = place.connector()
    body = {"error": {"code": 401, "message": "Invalid Credentials", "errors": [{"reason": "authError"}]}}
    place.faults.add(Fault(method="GET", path="/events", times=None, status=401, body=body))
    with pytest.raises(Denied, match="access token of syncd@rota"):
        google.read(WINDOW, {})
    assert len(place.journal.of("GET", "/events")) == 2
    assert len(place.journal.of("POST", "/token")) == 2


def test_many_threads_renew_one_token(place: Place) -> None:
    google = place.connector()
    google.read(WINDOW, {})
    place.clock.advance(3600)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda n: google.create(shift(start=T + n, end=T + n + 60), op(f"shift{n}")), range(12)))
    assert len(place.journal.of("POST", "/token")) == 2


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
def test_a_token_endpoint_that_fails_is_asked_once_and_nothing_was_done(place: Place, status: int) -> None:
    """google-auth by itself would ask three times and sleep between."""
    place.faults.add(Fault(path="/token", times=None, status=status, headers={"retry-after": "9"}, body="<html>no</html>"))
    with pytest.raises(Unavailable) as failure:
        place.connector().create(shift(), op("shift1"))
    assert (failure.value.refused, failure.value.after) == (True, 9)
    assert len(place.journal) == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"drop": "before"},
        {"drop": "half"},
        {"status": 200, "body": "<html>hello</html>"},
        {"status": 200, "body": {}},
        {"status": 200, "body": {"access_token": "x", "expires_in": "soon"}},
        {"status": 200, "body": {"access_token": "x", "expires_in": 10**20}},
        {"status": 400, "body": {"error": "server_error"}},
        {"status": 404, "body": ""},
    ],
)
def test_a_token_endpoint_out_of_its_mind_is_unavailable(place: Place, fault: dict[str, Any]) -> None:
    place.faults.add(Fault(path="/token", **fault))
    google = place.connector()
    with pytest.raises(Unavailable) as failure:
        google.create(shift(), op("shift1"))
    assert failure.value.refused
    assert len(place.journal) == 1
    google.create(shift(), op("shift1"))


def test_a_withdrawn_key_is_denied_and_a_new_one_taken_up_without_a_restart(place: Place) -> None:
    """F30."""
    google = place.connector()
    google.read(WINDOW, {})
    place.tokens.revoke_all()
    place.signin.robots.clear()
    with pytest.raises(Denied, match="account not found"):
        google.read(WINDOW, {})
    place.key = place.service_account("another@rota.example.com")
    assert google.read(WINDOW, {}).fingerprint.startswith("google:another@rota.example.com:")


# --- what is wrong with credentials --------------------------------------------------------------


def test_a_sign_in_that_was_withdrawn_says_how_to_sign_in_again(place: Place) -> None:
    place.key = place.signed_in()
    place.signin.refresh.clear()
    text = denied(place)
    assert "Token has been expired or revoked" in text
    assert "syncd auth google" in text


def test_a_delegation_that_is_missing_says_where_to_grant_it(place: Place) -> None:
    text = denied(place, subject="ana@example.com")
    for part in ("Client is unauthorized", "domain-wide delegation", "1234567890", "auth/calendar.events", "ana@example.com"):
        assert part in text


def test_a_client_whose_secret_changed_says_so(place: Place) -> None:
    place.key = place.signed_in()
    place.key = changed(place, client_secret="another-secret")
    assert "OAuth client" in denied(place)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("", "no JSON"),
        ("{", "no JSON"),
        ("[]", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ('{"installed": {"client_id": "x"}}', "nobody has signed in"),
        ('{"type": "authorized_user", "client_id": "x"}', "lack client_secret, refresh_token"),
        ('{"type": "service_account", "client_email": 7}', "lack client_email, private_key;"),
    ],
)
def test_credentials_that_are_none_say_what_they_are(place: Place, key: str, words: str) -> None:
    place.key = key
    text = denied(place)
    assert words in text
    assert "file key.json" in text
    assert not place.journal


def test_credentials_of_another_kind_are_unsupported(place: Place) -> None:
    place.key = '{"type": "external_account"}'
    with pytest.raises(Unsupported):
        place.connector().read(WINDOW, {})


@pytest.mark.parametrize("failure", [FileNotFoundError(2, "canary"), PermissionError(13, "canary"), KeyError("canary")])
def test_credentials_that_cannot_be_read_say_where_they_should_be(place: Place, failure: Exception) -> None:
    def absent() -> str:
        raise failure

    assert "file key.json" in denied(place, credentials=Secret("file key.json", absent))


def test_a_private_key_that_is_none_is_denied(place: Place) -> None:
    place.key = changed(place, private_key="canary-private")
    assert "private key" in denied(place)


def test_credentials_that_lead_elsewhere_without_tls_are_denied(place: Place) -> None:
    place.key = changed(place, token_uri="http://tokens.example.com/token")
    assert "token_uri" in denied(place)


def test_a_users_credentials_act_for_nobody_else(place: Place) -> None:
    place.key = place.signed_in()
    assert "subject" in denied(place, subject="ben@example.com")


# --- nothing is told -----------------------------------------------------------------------------


def echo(place: Place) -> str:
    """A server that tells us what it was sent."""
    known = json.loads(place.key)
    told = [str(known[name]) for name in ("refresh_token", "client_secret", "private_key_id", "private_key") if name in known]
    return " ".join(["Bearer canary-access-0001", *told, "A" * 80])


FAILURES: dict[str, Callable[[Place], Fault]] = {
    "the token endpoint echoes": lambda place: Fault(
        path="/token", first=2, status=400, body={"error": "invalid_grant", "error_description": echo(place)}
    ),
    "the token endpoint echoes in one word": lambda place: Fault(path="/token", first=2, status=400, body={"error": echo(place)}),
    "the interface echoes": lambda place: Fault(
        path="/events", status=403, body={"error": {"code": 403, "message": echo(place), "errors": [{"reason": echo(place)}]}}
    ),
    "no token": lambda place: Fault(path="/token", drop="before"),
    "a token without sense": lambda place: Fault(path="/token", status=200, body=echo(place)),
    "no answer": lambda place: Fault(path="/events", drop="half"),
    "an answer without sense": lambda place: Fault(path="/events", status=200, body=echo(place)),
    "all is refused": lambda place: Fault(path="/events", times=None, status=401, body=echo(place)),
}


def everything_told(failure: BaseException) -> str:
    """All texts of an error: its chain, with the local names of every frame outside the test."""
    told = []
    seen: BaseException | None = failure
    while seen is not None:
        told += [str(seen), repr(seen), repr(seen.args), repr(vars(seen))]
        seen = seen.__cause__ or seen.__context__
    inside = failure.__traceback__
    while inside is not None and inside.tb_frame.f_code.co_filename == __file__:
        inside = inside.tb_next
    frames = traceback.TracebackException(type(failure), failure, inside, capture_locals=True)
    return "\n".join([*told, *frames.format()])


def told_by(google: Google) -> str:
    """All that three calls tell the world, failed or not."""
    told = ""
    for call in (lambda: google.read(WINDOW, {}), lambda: google.create(shift(), op("shift1")), lambda: list(google.doctor())):
        try:
            told += repr(call())
        except ConnectorError as failure:
            told += everything_told(failure)
    return told + repr(google) + repr(vars(google))


@pytest.mark.parametrize("who", ["a service account", "a person"])
@pytest.mark.parametrize("name", FAILURES)
def test_no_secret_is_in_any_error_log_or_traceback(place: Place, caplog: pytest.LogCaptureFixture, name: str, who: str) -> None:
    caplog.set_level(logging.DEBUG)
    if who == "a person":
        place.key = place.signed_in()
    whole = json.loads(place.key)
    google = place.connector()
    place.faults.add(FAILURES[name](place))
    told = told_by(google)
    place.tokens.revoke_all()
    told += told_by(google) + caplog.text
    secrets = [whole[field] for field in ("private_key_id", "client_secret", "refresh_token") if field in whole]
    for secret in (*secrets, "canary-access", "A" * 70, *whole.get("private_key", "").splitlines()[1:-1]):
        assert secret not in told


@pytest.mark.parametrize("half", [lambda text: text[:-20], lambda text: text.replace("BEGIN", "END"), lambda text: text + "}"])
def test_no_secret_is_told_of_credentials_that_cannot_be_used(place: Place, half: Callable[[str], str]) -> None:
    whole = json.loads(place.key)
    place.key = half(place.key)
    told = told_by(place.connector())
    assert "key file" in told
    for secret in (whole["private_key_id"], *whole["private_key"].splitlines()[1:-1]):
        assert secret not in told


def test_options_do_not_print_their_credentials(place: Place) -> None:
    options = place.connector()._options
    assert "canary" not in repr(options)
    assert "PRIVATE" not in repr(options)
    assert isinstance(options, Google.Options)
