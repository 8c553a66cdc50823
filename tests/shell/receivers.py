"""Where notices arrive in tests: a mail server's process and an HTTP receiver, both on loopback; nothing else can be reached."""

from __future__ import annotations

import json
import queue
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest


class MailServer:
    """`port`; `mails`: as they come."""

    def __init__(self, mode: str = "") -> None:
        script = Path(__file__).with_name("mail_server.py")
        self.process = subprocess.Popen([sys.executable, str(script), mode], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())
        self._lines: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.taken: list[Any] = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(json.loads(line))

    @property
    def mails(self) -> list[Any]:
        while not self._lines.empty():
            self.taken.append(self._lines.get())
        return self.taken

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def mail_server(mode: str = "") -> Iterator[MailServer]:
    found = MailServer(mode)
    try:
        yield found
    finally:
        found.close()


class HttpReceiver:
    """`got`: (path, content type, body) of each POST. `status` is what it answers, with `answer` as JSON and `headers`."""

    def __init__(self) -> None:
        self.got: list[tuple[str, str, str]] = []
        self.status, self.answer = 200, '{"ok": true, "code": 0, "errcode": 0, "StatusCode": 0, "result": {}}'
        self.headers: dict[str, str] = {}
        there = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                there.got.append((self.path, self.headers.get("Content-Type", ""), body))
                said = there.answer.encode()
                self.send_response(there.status)
                self.send_header("Content-Length", str(len(said)))
                for name, value in there.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def speak_tls(self, context: ssl.SSLContext) -> None:
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def until(what: Callable[[], object]) -> None:
    """Until `what()` is true; fails after half a minute."""
    end = time.monotonic() + 30
    while not what():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that would leave this machine is refused, and no name is looked up."""
    connect, look_up = socket.socket.connect, socket.getaddrinfo

    def checked(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6} and address[0] not in {"127.0.0.1", "::1", "localhost"}:
            raise OSError(f"a test tried to reach {address}")
        connect(self, address)

    def looked_up(host: Any, *rest: Any, **more: Any) -> Any:
        if host not in {"127.0.0.1", "::1", "localhost", None}:
            raise OSError(f"a test asked for the address of {host}")
        return look_up(host, *rest, **more)

    monkeypatch.setattr(socket.socket, "connect", checked)
    monkeypatch.setattr(socket, "getaddrinfo", looked_up)
