"""One connection to Google: every request is sent once, every answer is measured, no proxy stands before loopback.

httplib2 sends again, POST included, whenever a connection drops (G-41). A write that got no answer may have been done, so
here that is an error, `NoAnswer`, and never a second request.
"""

from __future__ import annotations

import http.client
import io
import ipaddress
import select
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NoReturn
from urllib.parse import urlsplit

import httplib2
from httplib2.decode import DecodeLimitError, DecodeRatioError

CONNECT, READ, TOTAL = 5.0, 30.0, 60.0
"""Seconds: to connect, for the next byte, for a whole answer (F32)."""
LARGEST = 10 * 1024 * 1024
"""Bytes of an answer, as sent and as unpacked (F34)."""


class NoAnswer(Exception):
    """A request was sent and no whole answer came. What it asked for may have been done."""


class NotSent(Exception):
    """Nobody could be reached: certainly nothing was done."""


TROUBLE = (NoAnswer, OSError, http.client.HTTPException, httplib2.HttpLib2Error, DecodeLimitError, DecodeRatioError)
"""All that a dead, slow or mad server makes of a call."""


def is_loopback(host: str | None) -> bool:
    if host is None:
        return False
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def safe(url: str) -> bool:
    """Whether a secret may be sent to `url`: https, or plain http to this machine itself; never with a name in it."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    trusted = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
    return bool(host) and "@" not in parts.netloc and trusted


class _Metered(io.RawIOBase):
    """Bytes of an answer, up to `LARGEST` and until `TOTAL` is over, however slowly they trickle."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw = raw
        self._sock = sock
        self._left = LARGEST
        self._until = time.monotonic() + TOTAL

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        rest = self._until - time.monotonic()
        if rest <= 0:
            raise TimeoutError("the answer took too long")
        self._sock.settimeout(min(READ, rest))
        read: int | None = self._raw.readinto(buffer)
        self._left -= read or 0
        if self._left < 0:
            raise DecodeLimitError("the answer is too long")
        return read

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        raw: Any = self.fp.detach()
        self.fp = io.BufferedReader(_Metered(raw, sock))


class _Once:
    """What plain and TLS connections have in common."""

    response_class = _Answer
    sock: Any
    timeout: Any

    def __init__(self, host: str, *args: Any, **options: Any) -> None:
        if is_loopback(urlsplit(f"//{host}").hostname):
            options["proxy_info"] = None
        super().__init__(host, *args, **options)  # type: ignore[call-arg]

    def connect(self) -> None:
        wait, self.timeout = self.timeout, CONNECT
        why = ""
        try:
            super().connect()  # type: ignore[misc]
        except OSError as cause:
            why = _reason(cause)
        finally:
            self.timeout = wait
        if why:
            raise NotSent(why)
        self.sock.settimeout(wait)

    def request(self, method: str, url: str, body: Any = None, headers: Any = None, **rest: Any) -> None:
        if self.sock is not None and _closed(self.sock):
            self.close()  # type: ignore[attr-defined]  # the server hung up while we were idle: sending opens a new one
        failed = False
        try:
            super().request(method, url, body, headers or {}, **rest)  # type: ignore[misc]
        except (OSError, http.client.HTTPException):
            failed = True
        if failed:
            self._lost()

    def getresponse(self) -> Any:
        answer = None
        with suppress(OSError, http.client.HTTPException):
            answer = super().getresponse()  # type: ignore[misc]
        return answer or self._lost()

    def _lost(self) -> NoReturn:
        self.close()  # type: ignore[attr-defined]
        raise NoAnswer("the connection was closed without an answer")


def _reason(cause: OSError) -> str:
    """Why nobody could be reached, in words that hold no part of a proxy's address."""
    match cause:
        case ssl.SSLCertVerificationError():
            return f"its certificate is not accepted: {cause.verify_message}"
        case ssl.SSLError():
            return "TLS could not be agreed"
        case TimeoutError():
            return f"no connection within {CONNECT:.0f} seconds"
        case socket.gaierror():
            return "its name is not known"
        case ConnectionRefusedError():
            return "the connection is refused"
        case _:
            return "there is no connection"


def _closed(sock: socket.socket) -> bool:
    """An idle connection on which something waits to be read was closed by the server."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


class _Plain(_Once, httplib2.HTTPConnectionWithTimeout):  # type: ignore[misc]
    pass


class _Tls(_Once, httplib2.HTTPSConnectionWithTimeout):  # type: ignore[misc]
    pass


Answer = tuple[Any, bytes]
"""httplib2's response (a dict of headers with `status`) and the body."""


class Http(httplib2.Http):  # type: ignore[misc]
    """What the vendor's client sends its requests through. `token(refused)` gives the access token to send with them.

    Not for two threads at once. Redirects are not followed: a token goes to nobody else.
    """

    def __init__(self, token: Callable[[Http, str | None], str]) -> None:
        super().__init__(timeout=READ, decode_limit_hard=LARGEST, decode_limit_safe=1 << 20, decode_limit_chunk=4096)
        self.follow_redirects = False
        self._token = token

    def request(self, uri: str, method: str = "GET", body: Any = None, headers: Any = None, **_: Any) -> Answer:
        """A refused token is renewed once (G-43): a 401 says that nothing was done."""
        token = self._token(self, None)
        answer = self.send(uri, method, body, {**(headers or {}), "authorization": f"Bearer {token}"})
        if answer[0].status == 401:
            token = self._token(self, token)
            answer = self.send(uri, method, body, {**(headers or {}), "authorization": f"Bearer {token}"})
        return answer

    def send(self, uri: str, method: str, body: Any, headers: Mapping[str, str]) -> Answer:
        """One request as it is. Raises `NotSent` or one of `TROUBLE`.

        The connection is then closed, lest a late answer be taken for that of the next request.
        """
        plain = urlsplit(uri).scheme == "http"
        done = False
        try:
            answer: Answer = super().request(
                uri, method, body=body, headers=dict(headers), connection_type=_Plain if plain else _Tls
            )
            done = True
        finally:
            if not done:
                self.close()
        return answer


__all__ = ["READ", "TROUBLE", "Answer", "Http", "NoAnswer", "NotSent", "is_loopback", "safe"]
