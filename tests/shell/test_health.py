"""What probes are answered: one word to anybody, everything with the key or from this machine."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from syncd.cli import cli
from syncd.connector import Secret
from syncd.web.health import Answers, Endpoint
from tests.shell.command_line import ROTA

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


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/status", "/metrics", "/"])
def test_head_is_answered_as_get_is_without_the_text(endpoint: Endpoint, path: str) -> None:
    assert ask(endpoint, path, "HEAD") == (ask(endpoint, path)[0], "")


def test_ten_wrong_keys_a_minute_are_enough_and_probes_go_on(locked: Endpoint) -> None:
    codes = [ask(locked, "/status", Authorization=f"Bearer lerche-{number}")[0] for number in range(11)]
    assert codes == [401] * 10 + [429]
    assert ask(locked, "/metrics", Authorization="Bearer zeisig")[0] == 429, "else guessing would go on"
    assert ask(locked, "/readyz") == (200, "ready\n")


def test_who_names_no_key_is_no_guesser(locked: Endpoint) -> None:
    assert {ask(locked, "/status")[0] for _ in range(15)} == {401}
    assert ask(locked, "/status", Authorization="Bearer zeisig")[0] == 200


def test_hundreds_of_clients_who_dawdle_keep_no_probe_out(endpoint: Endpoint) -> None:
    host, port = str(urlsplit(endpoint.url).hostname), urlsplit(endpoint.url).port
    dawdling = []
    try:
        for _ in range(200):
            client = socket.create_connection((host, port), 30)
            client.sendall(b"GET /livez HTTP/1.1\r\nX-Slow: ")
            dawdling.append(client)
        assert ask(endpoint, "/livez") == (200, "alive\n")
        assert sum("process_request" in thread.name for thread in threading.enumerate()) < 60
    finally:
        for client in dawdling:
            client.close()
    assert ask(endpoint, "/livez") == (200, "alive\n")


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET /livez HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", 431),
        (b"GET /livez HTTP/1.1\r\nA: " + b"b" * 70_000 + b"\r\n\r\n", 431),
        (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400),
        (b"GET /livez HTTP/9.9\r\n\r\n", 505),
    ],
)
def test_what_is_no_request_of_ours_is_refused(endpoint: Endpoint, sent: bytes, code: int) -> None:
    with socket.create_connection((str(urlsplit(endpoint.url).hostname), urlsplit(endpoint.url).port), 30) as client:
        with suppress(OSError):  # it may have heard enough before all of it was sent
            client.sendall(sent)
        answer = b""
        with suppress(OSError):
            while piece := client.recv(65_536):
                answer += piece
    assert not answer or str(code).encode() in answer[:200]
    assert ask(endpoint, "/livez") == (200, "alive\n")


def test_a_mistake_of_ours_is_an_answer_too(endpoint: Endpoint) -> None:
    def reasons() -> list[str]:
        raise RuntimeError("nobody thought of this")

    endpoint._server.answers = replace(endpoint._server.answers, reasons=reasons)
    assert ask(endpoint, "/readyz")[0] == 500


@pytest.mark.parametrize("host", ["::1", "localhost", "0.0.0.0", "::"])  # noqa: S104 - of a test's own
def test_it_listens_where_it_is_told_and_the_command_finds_it(tmp_path: Path, told: Told, host: str) -> None:
    try:
        found = Endpoint(host, 0, None, told.answers())
    except OSError as error:
        pytest.skip(f"{host}: {error}")
    found.start()
    try:
        port = urlsplit(found.url).port
        listen = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        (tmp_path / "syncd.yaml").write_text(ROTA + f'store: state\nhealth: {{listen: "{listen}"}}\n')
        command = ["--config", str(tmp_path / "syncd.yaml"), "health"]
        assert CliRunner().invoke(cli, command).output == "ready\n"
        told.reasons = ["calendar: no full cycle yet"]
        assert CliRunner().invoke(cli, command).exit_code == 1
    finally:
        found.close()


def test_a_port_that_speaks_something_else_is_not_healthy(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:

        def speak() -> None:
            with suppress(OSError):
                client, _ = other.accept()
                with client:
                    client.recv(1_000)
                    client.sendall(b"220 mail.example.com ESMTP\r\n")

        threading.Thread(target=speak, daemon=True).start()
        listen = f"127.0.0.1:{other.getsockname()[1]}"
        (tmp_path / "syncd.yaml").write_text(ROTA + f'store: state\nhealth: {{listen: "{listen}"}}\n')
        found = CliRunner().invoke(cli, ["--config", str(tmp_path / "syncd.yaml"), "health"])
    assert found.exit_code == 1
    assert "does not answer as syncd does" in found.stderr
