"""`/livez`, `/readyz`, `/status`, `/metrics`: whether the daemon is well, in one word to anybody and in full with the key.

The port answering is not health: `/livez` says that the loop turns, `/readyz` that every destination had a full cycle within
twice its refresh and none is in Error (a hold alone is no reason).
"""

from __future__ import annotations

import hmac
import ipaddress
import json
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import Lock, Thread
from typing import Any

from syncd import log
from syncd.connector import Secret

MOST = 32
"""Connections at once; a further one ends the oldest, so that clients who dawdle keep no probe out."""
PATIENCE = 10.0
"""Seconds that a client may be silent."""
WRONG, MINUTE = 10, 60.0
"""How often a minute an address may name a wrong key before it is not listened to for the rest of it."""
MOST_GUESSERS = 1_000

PLAIN = "text/plain; charset=utf-8"
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


class _Guesses:
    """Who named a wrong key, and when (PROTOCOL.md section 6)."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._wrong: dict[str, deque[float]] = {}

    def too_many(self, address: str) -> bool:
        with self._lock:
            return len(self._lately(address)) >= WRONG

    def wrong(self, address: str) -> None:
        with self._lock:
            lately = self._lately(address)
            lately.append(time.monotonic())
            self._wrong[address] = lately
            while len(self._wrong) > MOST_GUESSERS:
                del self._wrong[next(iter(self._wrong))]

    def _lately(self, address: str) -> deque[float]:
        since = time.monotonic() - MINUTE
        return deque((at for at in self._wrong.get(address, ()) if at > since), WRONG)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    answers: Answers
    key: Secret | None

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self.guesses = _Guesses()
        self._open: dict[socket.socket, None] = {}
        self._counting = Lock()
        found = socket.getaddrinfo(address[0], address[1], type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        self.address_family = min(found, key=lambda one: one[0] != socket.AF_INET)[0]
        super().__init__(address, handler)

    def server_bind(self) -> None:
        """Without asking the network for our own name, which may take a minute and is of no use."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._counting:
            self._open[request] = None
            oldest = next(iter(self._open)) if len(self._open) > MOST else None
            if oldest is not None:
                del self._open[oldest]
        if oldest is not None:
            with suppress(OSError):
                oldest.shutdown(socket.SHUT_RDWR)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._counting:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away, or no thread to be had: nothing to wake anybody for."""
        log.logger().debug("health.unanswered", reason=repr(sys.exc_info()[1]))


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = PATIENCE
    server_version = "syncd"
    sys_version = ""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        try:
            code, text, kind = self._found(path)
        except Exception as error:  # a probe that is not answered is taken for a process that is gone
            log.logger().exception("health.bug", path=path, reason=str(error))
            code, text, kind = 500, "a bug; the log has more\n", PLAIN
        self._answer(code, text, kind)

    def _found(self, path: str) -> tuple[int, str, str]:
        if path in WORDS:
            return self._word(path)
        if path not in ("/status", "/metrics"):
            return 404, "not found\n", PLAIN
        if self.server.guesses.too_many(self.client_address[0]):
            return 429, "a wrong key was named too often; wait a minute\n", PLAIN
        if not self._allowed():
            return 401, "the key is asked for: Authorization: Bearer KEY\n", PLAIN
        if path == "/status":
            return 200, json.dumps(self.server.answers.status(), ensure_ascii=False) + "\n", "application/json"
        return 200, self.server.answers.metrics(), "text/plain; version=0.0.4; charset=utf-8"

    do_HEAD = do_GET  # noqa: N815 - as the library calls it

    def _word(self, path: str) -> tuple[int, str, str]:
        answers = self.server.answers
        well = answers.alive() if path == "/livez" else answers.alive() and not answers.reasons()
        return 200 if well else 503, WORDS[path][0 if well else 1] + "\n", PLAIN

    def _allowed(self) -> bool:
        """With a key whoever has it; without one whoever is on this machine."""
        if self.server.key is None:
            address = ipaddress.ip_address(str(self.client_address[0]).partition("%")[0])
            mapped = getattr(address, "ipv4_mapped", None)
            return bool((mapped or address).is_loopback)
        given = self.headers.get("Authorization", "")
        right = hmac.compare_digest(given.encode(), f"Bearer {self.server.key.reveal()}".encode())
        if given and not right:
            self.server.guesses.wrong(self.client_address[0])
        return right

    def _answer(self, code: int, text: str, kind: str) -> None:
        body = text.encode()
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        if code == 401:
            self.send_header("WWW-Authenticate", "Bearer")
        elif code == 429:
            self.send_header("Retry-After", str(int(MINUTE)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the library calls it
        """Probes come every few seconds: nothing is logged of them."""
