"""The chassis of every vendor simulator: a loopback web server with a clock, a journal, faults on demand and a human's hand.

A simulator subclasses `Simulator`, gives `routes()` (Starlette, `async def` end points that never really wait) and may
override `admit` (credentials, rate) and `refusal` (its vendor's error form). What a test uses of any simulator:

    with Vendor() as there:
        there.url                               # http(s)://127.0.0.1:PORT
        there.ca_file                           # the test CA, where it speaks TLS
        there.clock.advance(60)
        there.faults.add(Fault(method="POST", path="/events", drop="after"))
        there.journal.writes()                  # what reached the vendor
        with there.hand():                      # a human changes things in the vendor's own interface

SIMULATORS.md sections 1 and 4 say what this has to do. Leaving the `with` fails where a request broke the vendor's schema.
"""

from __future__ import annotations

import asyncio
import atexit
import functools
import os
import random
import shutil
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl

import trustme
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from tests.simulators.faults import Fault, Faults
from tests.simulators.parts import NOON, Bucket, Call, Clock, Journal, Tokens

__all__ = [
    "NOON", "Bucket", "Call", "Clock", "Fault", "Faults", "Journal", "Simulator", "Tokens",
    "answer", "call_of", "clean_environment",
]  # fmt: skip


class Simulator:
    """One vendor on 127.0.0.1. `tls`: with the certificate of a CA made for this process."""

    tls = False

    def __init__(self, *, clock: Clock | None = None, seed: int = 1, port: int = 0) -> None:
        self.clock = clock or Clock()
        self.seed = seed
        self.random = random.Random(seed)  # printed by the fixture that fails; shuffles answers where a vendor does
        self.journal = Journal()
        self.faults = Faults()
        self.violations: list[str] = []
        """Requests that broke the vendor's schema. A test that means to send such a request clears this."""
        self.most_at_once = 0
        """The largest number of requests that were open at one time."""
        self.before_write: Callable[[Call], object] = lambda call: None
        """Told of each call that may change something, before it does, while nothing else is served."""
        self._open = 0
        self._lock = threading.RLock()
        self._late: list[tuple[dict[str, Any], Call]] = []
        self._slow: set[asyncio.Task[Any]] = set()
        self._port = port
        self._server: asyncio.Server | None = None
        self._connections: set[Any] = set()
        self._app = Starlette(routes=list(self.routes()))
        self.url = ""

    # --- what a vendor says --------------------------------------------------------------

    def routes(self) -> Sequence[BaseRoute]:
        raise NotImplementedError

    def admit(self, call: Call) -> Response | None:
        """Before anything else: an answer that refuses the call (credential, rate, schema), or None."""
        return None

    def headers(self, call: Call) -> Mapping[str, str]:
        """Headers of every answer."""
        return {}

    def refuse(self, call: Call, problem: str) -> None:
        """Notes that a request breaks the vendor's schema; the test fails when the simulator is left."""
        self.violations.append(f"{call.method} {call.path}: {problem}")

    # --- what a test does ----------------------------------------------------------------

    @property
    def ca_file(self) -> Path:
        return _authority()[0]

    @contextmanager
    def hand(self) -> Iterator[None]:
        """A human's hand: no request is served while it changes the state."""
        with self._lock:
            yield

    def land_late_writes(self) -> int:
        """Performs the requests that a `late` fault swallowed, in their order; how many there were. What a delay holds up is
        waited for."""
        late, self._late = self._late, []
        for scope, call in late:
            asyncio.run_coroutine_threadsafe(self._perform(scope, call), _loop()).result(10)
        asyncio.run_coroutine_threadsafe(self._slow_ones(), _loop()).result(30)
        return len(late)

    async def _slow_ones(self) -> None:
        await asyncio.gather(*self._slow, return_exceptions=True)

    # --- running -------------------------------------------------------------------------

    def start(self) -> Self:
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), _loop()).result(10)
        return self

    def stop(self) -> None:
        if self._server is not None:
            asyncio.run_coroutine_threadsafe(self._close(self._server), _loop()).result(10)
            self._server = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.stop()
        if kind is not None:
            print(f"{type(self).__name__}: seed {self.seed}")
        elif self.violations:
            raise AssertionError("requests the vendor's schema does not allow:\n" + "\n".join(self.violations))

    async def _listen(self) -> asyncio.Server:
        listener = socket.socket(proto=socket.IPPROTO_TCP)  # named, or asyncio leaves Nagle on: 40 ms a call
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self._port))
        scheme = "https" if self.tls else "http"
        self.url = f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(
            self._serve, log_config=None, access_log=False, lifespan="off", interface="asgi3", proxy_headers=False, http="h11",
            ws="none", server_header=False, date_header=False, timeout_keep_alive=600,
        )  # fmt: skip
        config.load()
        state = ServerState()
        self._connections = state.connections
        return await asyncio.get_running_loop().create_server(
            lambda: H11Protocol(config, state, {}), sock=listener, ssl=_authority()[1] if self.tls else None
        )

    async def _close(self, server: asyncio.Server) -> None:
        server.close()
        for connection in list(self._connections):
            connection.transport.abort()
        await asyncio.sleep(0)

    # --- one request ---------------------------------------------------------------------

    async def _serve(self, scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        self._open += 1
        self.most_at_once = max(self.most_at_once, self._open)
        try:
            await self._one(scope, receive, send)
        finally:
            self._open -= 1

    async def _one(self, scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        call = Call(
            at=self.clock.now, method=scope["method"], path=scope["path"],
            query=tuple(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)),
            headers={key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]}, body=body,
        )  # fmt: skip
        with self._lock:
            call.fault = self.faults.next(call.method, call.path)
            self.journal.append(call)
        fault = call.fault or Fault()
        if fault.delay and (task := asyncio.current_task()):
            self._slow.add(task)
            task.add_done_callback(self._slow.discard)
            await asyncio.sleep(fault.delay)
        if fault.drop in ("before", "late"):
            call.outcome = "late" if fault.drop == "late" else "dropped before"
            if fault.drop == "late":
                self._late.append((scope, call))
            await self._drop(send)
            return
        if fault.status is not None and not fault.commit:
            answer = Response(fault.content, fault.status, dict(fault.headers))
        else:
            answer = await self._perform(scope, call)
            if fault.status is not None:
                answer = Response(fault.content, fault.status, dict(fault.headers))
        if fault.drop == "after":
            call.outcome = "dropped after"
            await self._drop(send)
            return
        answer.headers.setdefault("date", formatdate(self.clock.now + self.clock.skew, usegmt=True))
        call.answer = bytes(answer.body)
        await self._answer(call, fault, answer, send)

    async def _perform(self, scope: dict[str, Any], call: Call) -> Response:
        """The change and its answer, whatever becomes of the latter."""
        with self._lock:
            refused = self.admit(call)
            if refused is None:
                if call.method != "GET":
                    self.before_write(call)
                refused = await self._route(scope, call)
            for name, value in self.headers(call).items():
                refused.headers.setdefault(name, value)
            return refused

    async def _route(self, scope: dict[str, Any], call: Call) -> Response:
        status, headers, body = 500, [], b""

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": call.body, "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            nonlocal status, headers, body
            if message["type"] == "http.response.start":
                status, headers = message["status"], message["headers"]
            else:
                body += message.get("body", b"")

        await self._app({**scope, "call": call, "state": {}}, receive, send)
        answer = Response(body, status)
        answer.raw_headers = list(headers)
        return answer

    async def _answer(self, call: Call, fault: Fault, answer: Response, send: Callable[..., Any]) -> None:
        body = bytes(answer.body)
        await send({"type": "http.response.start", "status": answer.status_code, "headers": answer.raw_headers})
        if fault.drop == "half":
            call.outcome = "half"
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            await self._drop(send, gently=True)
            return
        if fault.trickle:
            for at in range(len(body)):
                await send({"type": "http.response.body", "body": body[at : at + 1], "more_body": True})
                await asyncio.sleep(fault.trickle)
            body = b""
        call.status, call.outcome = answer.status_code, "answered"  # before the last byte: the client may look at once
        await send({"type": "http.response.body", "body": body})

    async def _drop(self, send: Callable[..., Any], *, gently: bool = False) -> None:
        cycle = send.__self__  # type: ignore[attr-defined]  # uvicorn's request cycle, which holds the connection
        cycle.transport.close() if gently else cycle.transport.abort()
        while not cycle.disconnected:
            await asyncio.sleep(0)


def call_of(request: Request) -> Call:
    """The journal's record of a request, inside an end point."""
    call: Call = request.scope["call"]
    return call


def answer(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse(content, status, dict(headers or {}))


# --- what all simulators of a process share ----------------------------------------------------


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="simulators", daemon=True).start()
    return loop


@functools.cache
def _authority() -> tuple[Path, ssl.SSLContext]:
    """The test CA's file and a server context for 127.0.0.1, made once a process."""
    folder = Path(tempfile.mkdtemp(prefix="simulators-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    ca_file = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost", key_type=trustme.KeyType.ECDSA).configure_cert(context)
    return ca_file, context


MISLEADING = (
    "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY",
    "GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_API_USE_CLIENT_CERTIFICATE",
)  # fmt: skip


def clean_environment() -> None:
    """Removes what would send loopback calls elsewhere or replace the test CA (SIMULATORS.md section 1, rule 8)."""
    for name in MISLEADING:
        os.environ.pop(name, None)
        os.environ.pop(name.lower(), None)
