"""What probes are answered: one word to anybody, everything with the key or from this machine."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from syncd.connector import Secret
from syncd.web.health import Answers, Endpoint

ROW = {
    "destination": 'we"ird',
    "status": "Error",
    "holds": 2,
    "conflicts": 0,
    "imported_30d": 1,
    "differs_seconds": None,
}


class Told:
    def __init__(self) -> None:
        self.alive = True
        self.reasons: list[str] = []

    def answers(self) -> Answers:
        return Answers(
            alive=lambda: self.alive,
            reasons=lambda: self.reasons,
            status=lambda: {"destinations": [ROW]},
            metrics=lambda: "syncd_up 1\n",
        )


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def endpoint(told: Told) -> Iterator[Endpoint]:
    found = Endpoint("127.0.0.1", 0, None, told.answers())
    found.start()
    yield found
    found.close()


@pytest.fixture
def locked(told: Told) -> Iterator[Endpoint]:
    found = Endpoint("127.0.0.1", 0, Secret("environment K", lambda: "zeisig"), told.answers())
    found.start()
    yield found
    found.close()


def ask(endpoint: Endpoint, path: str, method: str = "GET", **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(urlsplit(endpoint.url).netloc, timeout=30)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_livez_says_whether_the_loop_turns(endpoint: Endpoint, told: Told) -> None:
    assert ask(endpoint, "/livez") == (200, "alive\n")
    told.alive = False
    assert ask(endpoint, "/livez") == (503, "stuck\n")
    assert ask(endpoint, "/readyz") == (503, "not ready\n")


def test_readyz_tells_one_word_and_no_reason(endpoint: Endpoint, told: Told) -> None:
    assert ask(endpoint, "/readyz") == (200, "ready\n")
    told.reasons = ["calendar: the token of Ana is refused"]
    assert ask(endpoint, "/readyz") == (503, "not ready\n")


def test_without_a_key_this_machine_is_told_everything(endpoint: Endpoint) -> None:
    code, text = ask(endpoint, "/status")
    assert (code, json.loads(text)) == (200, {"destinations": [ROW]})
    code, text = ask(endpoint, "/metrics")
    assert (code, text) == (200, "syncd_up 1\n")


@pytest.mark.parametrize("path", ["/status", "/metrics"])
def test_with_a_key_nobody_else_is_told(locked: Endpoint, path: str) -> None:
    assert ask(locked, path)[0] == 401
    assert ask(locked, path, Authorization="Bearer lerche")[0] == 401
    assert ask(locked, path, Authorization="zeisig")[0] == 401
    assert ask(locked, path, Authorization="Bearer zeisig")[0] == 200
    assert ask(locked, "/livez")[0] == 200


@pytest.mark.parametrize(("method", "path", "code"), [("GET", "/", 404), ("POST", "/status", 501), ("HEAD", "/livez", 200)])
def test_there_is_nothing_else(endpoint: Endpoint, method: str, path: str, code: int) -> None:
    assert ask(endpoint, path, method)[0] == code


def test_somebody_from_elsewhere_is_not_told_without_a_key(told: Told) -> None:
    from syncd.web.health import _Handler

    handler: Any = _Handler.__new__(_Handler)
    handler.server = type("Server", (), {"key": None})()
    for address, allowed in (
        ("127.0.0.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("192.0.2.7", False),
        ("fe80::1%lo", False),
    ):
        handler.client_address = (address, 1)
        assert handler._allowed() is allowed
