"""`/livez`, `/readyz`, `/status`, `/metrics`: whether the daemon is well, in one word to anybody and in full with the key.

The port answering is not health: `/livez` says that the loop turns, `/readyz` that every destination had a full cycle within
twice its refresh and none is in Error (a hold alone is no reason).
"""

from __future__ import annotations

import hmac
import ipaddress
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from syncd.connector import Secret

WORDS = {"/livez": ("alive", "stuck"), "/readyz": ("ready", "not ready")}


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Where the answers come from; each is asked again for every request."""

    alive: Callable[[], bool]
    reasons: Callable[[], list[str]]
    """Why it is not ready; empty where it is."""
    status: Callable[[], Mapping[str, Any]]
    metrics: Callable[[], str]


class Endpoint:
    """Listens in a thread of its own from `start` to `close`. Port 0 picks one: `url` says which."""

    def __init__(self, host: str, port: int, key: Secret | None, answers: Answers) -> None:
        self._server = _Server((host, port), _Handler)
        self._server.answers = answers
        self._server.key = key
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self._server.server_address[1]}"
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.2}, name="syncd-health", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    answers: Answers
    key: Secret | None

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        if ":" in address[0]:
            import socket

            self.address_family = socket.AF_INET6
        super().__init__(address, handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 10
    server_version = "syncd"
    sys_version = ""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path in WORDS:
            self._word(path)
        elif path not in ("/status", "/metrics"):
            self._answer(404, "not found\n")
        elif not self._allowed():
            self._answer(401, "the key is asked for: Authorization: Bearer KEY\n")
        elif path == "/status":
            self._answer(200, json.dumps(self.server.answers.status(), ensure_ascii=False) + "\n", "application/json")
        else:
            self._answer(200, self.server.answers.metrics(), "text/plain; version=0.0.4; charset=utf-8")

    do_HEAD = do_GET  # noqa: N815 - as the library calls it

    def _word(self, path: str) -> None:
        answers = self.server.answers
        well = answers.alive() if path == "/livez" else answers.alive() and not answers.reasons()
        self._answer(200 if well else 503, WORDS[path][0 if well else 1] + "\n")

    def _allowed(self) -> bool:
        """With a key whoever has it; without one whoever is on this machine."""
        if self.server.key is None:
            address = ipaddress.ip_address(str(self.client_address[0]).partition("%")[0])
            mapped = getattr(address, "ipv4_mapped", None)
            return bool((mapped or address).is_loopback)
        given = self.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {self.server.key.reveal()}".encode())

    def _answer(self, code: int, text: str, kind: str = "text/plain; charset=utf-8") -> None:
        body = text.encode()
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        if code == 401:
            self.send_header("WWW-Authenticate", "Bearer")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the library calls it
        """Probes come every few seconds: nothing is logged of them."""
