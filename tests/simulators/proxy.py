"""A fault proxy: it stands before a real server on loopback, keeps a journal, and breaks what it is told to break.

    with Proxy("http://127.0.0.1:5232") as proxy:
        proxy.rules.append(Rule("PUT", r"\\.ics$", drop_after, first=2, last=3))     # the 2nd and 3rd PUT of an entry
        ... proxy.url ...
        assert [one.method for one in proxy.journal] == ["REPORT", "PUT"]

A rule's fault gets the exchange before it is forwarded; it may forward it itself (`exchange.forward()`), change the answer,
or raise `Drop`. The first rule that matches decides.
"""

from __future__ import annotations

import re
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


class Drop(Exception):
    """The connection is closed; `sent`: what of the answer still goes out before that."""

    def __init__(self, sent: bytes = b"") -> None:
        super().__init__()
        self.sent = sent


@dataclass
class Answer:
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def wire(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status} {'OK' if self.status < 400 else 'Broken'}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if "content-length" not in {name.lower() for name in self.headers}:
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body


@dataclass
class Exchange:
    """One request, and what became of it: `status` 0 is a connection that was closed, `forwarded` whether the server saw it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    status: int = 0
    forwarded: bool = False
    forward: Callable[[], Answer] = field(default=lambda: Answer(500), repr=False)
    write: Callable[[bytes], object] = field(default=len, repr=False)
    """Sends bytes at once: a fault that does so ends with `Drop`."""
    closing: threading.Event = field(default_factory=threading.Event, repr=False)


Fault = Callable[[Exchange], Answer]


@dataclass
class Rule:
    """`fault` for the `first` to `last` request (counted from 1; None: for ever) whose method and path match."""

    method: str
    path: str
    fault: Fault
    first: int = 1
    last: int | None = None
    seen: int = 0

    def takes(self, exchange: Exchange) -> bool:
        if not (re.fullmatch(self.method, exchange.method) and re.search(self.path, exchange.path)):
            return False
        self.seen += 1
        return self.first <= self.seen and (self.last is None or self.seen <= self.last)


# --- faults --------------------------------------------------------------------------------


def drop_before(exchange: Exchange) -> Answer:
    raise Drop


def drop_after(exchange: Exchange) -> Answer:
    exchange.forward()
    raise Drop


def half(exchange: Exchange) -> Answer:
    """The headers promise the whole body, and half of it comes."""
    sent = exchange.forward().wire()
    head = sent.index(b"\r\n\r\n") + 4
    raise Drop(sent[: head + (len(sent) - head) // 2])


def answers(status: int, body: bytes | str = b"", **headers: str) -> Fault:
    """An answer of the proxy's own; the server hears nothing. Underscores in names stand for dashes."""
    data = body.encode() if isinstance(body, str) else body
    return lambda exchange: Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, data)


def page(status: int) -> Fault:
    """What gateways and sign-in portals say."""
    return answers(status, "<!DOCTYPE html>\n<html><body><h1>Please stand by</h1></body></html>", Content_Type="text/html")


def delayed(seconds: float) -> Fault:
    def wait(exchange: Exchange) -> Answer:
        exchange.closing.wait(seconds)
        return exchange.forward()

    return wait


def changed(change: Callable[[Answer], None]) -> Fault:
    """The server's answer with something of it changed."""

    def forward(exchange: Exchange) -> Answer:
        answer = exchange.forward()
        change(answer)
        return answer

    return forward


def replaced(pattern: str, text: str) -> Fault:
    """The server's answer with a text of its body replaced."""

    def change(answer: Answer) -> None:
        answer.body = re.sub(pattern.encode(), text.encode(), answer.body, flags=re.DOTALL)

    return changed(change)


def _without_etag(answer: Answer) -> None:
    answer.headers = {name: value for name, value in answer.headers.items() if name.lower() != "etag"}


def _with_weak_etag(answer: Answer) -> None:
    answer.headers = {name: f"W/{value}" if name.lower() == "etag" else value for name, value in answer.headers.items()}
    answer.body = re.sub(rb"(getetag>)(&quot;|\")", rb"\1W/\2", answer.body)


no_etag: Fault = changed(_without_etag)
weak_etags: Fault = changed(_with_weak_etag)


def ignoring(*names: str) -> Fault:
    """The server does not see these headers of the request."""

    def forward(exchange: Exchange) -> Answer:
        exchange.headers = {name: value for name, value in exchange.headers.items() if name.lower() not in names}
        return exchange.forward()

    return forward


# --- the proxy -------------------------------------------------------------------------------


class Proxy:
    """Listens on 127.0.0.1 at a free port; `url` is its base, without a slash at its end."""

    def __init__(self, upstream: str, context: ssl.SSLContext | None = None) -> None:
        self.upstream = urlsplit(upstream)
        self.rules: list[Rule] = []
        self.journal: list[Exchange] = []
        self.connections = 0
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Proxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def seen(self, method: str = ".*", path: str = "") -> list[Exchange]:
        """Those of the journal whose method and path match."""
        return [one for one in self.journal if re.fullmatch(method, one.method) and re.search(path, one.path)]

    def _answer(self, exchange: Exchange) -> Answer:
        with self._lock:
            self.journal.append(exchange)
            rule = next((rule for rule in self.rules if rule.takes(exchange)), None)
        return rule.fault(exchange) if rule else exchange.forward()

    def _forward(self, exchange: Exchange) -> Answer:
        exchange.forwarded = True
        connection = HTTPConnection(self.upstream.hostname or "", self.upstream.port, timeout=30)
        try:
            headers = {name: value for name, value in exchange.headers.items() if name.lower() != "connection"}
            connection.request(exchange.method, exchange.path, exchange.body, headers)
            response = connection.getresponse()
            body = response.read()
            hop = ("connection", "content-length", "transfer-encoding", "keep-alive")
            kept = {name: value for name, value in response.getheaders() if name.lower() not in hop}
            if response.status == 204:
                kept["Content-Length"] = "0"
            return Answer(response.status, kept, body)
        finally:
            connection.close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                super().setup()
                proxy.connections += 1

            def __getattr__(self, name: str) -> Any:
                if name.startswith("do_"):
                    return self._serve
                raise AttributeError(name)

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                exchange = Exchange(self.command, self.path, dict(self.headers.items()), body, closing=proxy.closing)
                exchange.forward = lambda: proxy._forward(exchange)
                exchange.write = self.wfile.write
                try:
                    answer = proxy._answer(exchange)
                    exchange.status = answer.status
                    sent = answer.wire()
                except Drop as drop:
                    sent, self.close_connection = drop.sent, True
                except (OSError, HTTPException):
                    sent, self.close_connection = b"", True
                with suppress(OSError):
                    self.wfile.write(sent)

            def handle(self) -> None:
                with suppress(OSError):
                    super().handle()

            def log_message(self, *_: object) -> None:
                pass

        return Handler
