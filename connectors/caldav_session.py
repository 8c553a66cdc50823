"""How requests is held to our bounds: sign-in, one try, no environment, capped answers, a deadline. Imported late."""

from __future__ import annotations

import socket
import threading
import zlib
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urljoin

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase, HTTPDigestAuth
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError

from connectors.caldav_wire import CONNECT, MOST_BYTES, MOST_REDIRECTS, RATIO, RATIO_FROM, READ, TOTAL
from syncd.connector import Denied, Secret, Unavailable


class Session(requests.Session):
    """A connection that asks only where `allows` says, and raises only the contract's errors."""

    def __init__(self, allows: Callable[[str], bool], verify: bool | str) -> None:
        super().__init__()
        self._allows = allows
        self.trust_env = False  # neither proxies nor .netrc nor another CA than the one configured
        self.verify = verify
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # each call stands for itself
        self.headers.update({"Accept-Encoding": "identity", "User-Agent": "syncd"})
        for scheme in ("http://", "https://"):
            self.mount(scheme, _Adapter(pool_connections=1, pool_maxsize=1, max_retries=0))

    def request(  # type: ignore[override]  # the library for discovery hands over more, of which nothing else is wanted
        self, method: str, url: str, data: bytes | None = None, headers: Any = None, **_: object
    ) -> requests.Response:
        for _hop in range(MOST_REDIRECTS + 1):
            if not self._allows(url):
                raise Unavailable(
                    "the server names an address on another host, which is not asked; put it in `url`", refused=True
                )
            try:
                response = super().request(method, url, data=data, headers=headers, allow_redirects=False)
            except requests.RequestException as cause:
                raise _unavailable(cause) from cause
            target = response.headers.get("location")
            if response.status_code not in (301, 302, 307, 308) or not target:
                return response
            url = urljoin(url, target)
        raise Unavailable("the server redirects in a ring", refused=True)


# --- sign-in -----------------------------------------------------------------------------


def _reveal(secret: Secret, name: str) -> str:
    """Read at every call, so that a replaced secret needs no restart."""
    try:
        return secret.reveal()
    except (OSError, KeyError, ValueError) as cause:
        raise Denied(f"the {name} cannot be read from {secret.where}") from cause


class Basic(AuthBase):
    def __init__(self, username: str, password: Secret) -> None:
        self._username, self._password = username, password

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        pair = f"{self._username}:{_reveal(self._password, 'password')}".encode()
        request.headers["Authorization"] = f"Basic {b64encode(pair).decode()}"
        return request


class Bearer(AuthBase):
    def __init__(self, token: Secret) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        token = _reveal(self._token, "token").strip()
        if not token.isascii() or not token.isprintable():
            raise Denied(f"the token in {self._token.where} is none: it has characters that no token has")
        request.headers["Authorization"] = f"Bearer {token}"
        return request


class Digest(HTTPDigestAuth):
    """Its second request answers the server's challenge; the first was refused, so nothing is done twice."""

    def __init__(self, username: str, password: Secret) -> None:
        super().__init__(username, "")
        self._secret = password

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        self.password = _reveal(self._secret, "password")
        signed: requests.PreparedRequest = super().__call__(request)  # type: ignore[no-untyped-call]
        return signed


# --- bounds --------------------------------------------------------------------------------


class _Call(threading.local):
    """The connection that this thread's call goes through: what the deadline shuts."""

    connection: Any = None


_CALL = _Call()


class _Http(HTTPConnection):
    def request(self, *args: Any, **more: Any) -> None:
        _CALL.connection = self
        super().request(*args, **more)


class _Https(HTTPSConnection):
    def request(self, *args: Any, **more: Any) -> None:
        _CALL.connection = self
        super().request(*args, **more)


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


class _Deadline:
    """Shuts a call's connection after `TOTAL` seconds: a trickle of bytes never meets the time-out between two of them."""

    def __init__(self) -> None:
        self.passed = False
        self._calls: list[Any] = []
        self._timer = threading.Timer(TOTAL, self._shut)
        self._timer.daemon = True

    def __enter__(self) -> _Deadline:
        _CALL.connection = None
        self._call = _CALL.__dict__
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def _shut(self) -> None:
        self.passed = True
        sock = getattr(self._call.get("connection"), "sock", None)
        if sock is not None:
            with suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)  # below TLS, which the waiting thread may be in


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        super().init_poolmanager(*args, **more)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}

    def send(self, request: requests.PreparedRequest, *_: Any, **more: Any) -> requests.Response:
        more.update(stream=True, timeout=(CONNECT, READ), proxies=None)
        with _Deadline() as deadline:
            try:
                response = super().send(request, **more)
                try:
                    response._content = _body(response)
                    response._content_consumed = True  # type: ignore[attr-defined]
                except BaseException:
                    response.close()  # what is left of it is not read, and its connection not used again
                    raise
            except (requests.RequestException, HTTPError, OSError, zlib.error) as cause:
                raise (_late() if deadline.passed else _unavailable(cause)) from cause
        if deadline.passed:  # headers that end with the connection are taken for whole
            raise _late()
        return response


def _body(response: requests.Response) -> bytes:
    """The whole answer, decoded piece by piece, so that a bomb is noticed before it is unpacked (F34)."""
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("", "identity", "gzip", "x-gzip", "deflate"):
        raise Unavailable(f"the server packs its answer in a way nobody asked for ({coding[:40]})")
    unpack = None if coding in ("", "identity") else zlib.decompressobj(zlib.MAX_WBITS | 32)
    body, sent = bytearray(), 0
    for piece in response.raw.stream(65_536, decode_content=False):
        sent += len(piece)
        while piece:
            body += unpack.decompress(piece, 65_536) if unpack else piece
            piece = unpack.unconsumed_tail if unpack else b""
            if len(body) > MOST_BYTES or (len(body) > RATIO_FROM and len(body) > RATIO * sent):
                raise Unavailable(f"the server's answer is larger than {MOST_BYTES // 1_048_576} MiB or packed beyond reason")
    if unpack and not unpack.eof and sent:
        raise Unavailable("the server's answer ends before its end")
    return bytes(body)


def _late() -> Unavailable:
    return Unavailable(f"the server did not finish its answer within {TOTAL:.0f} seconds")


def _unavailable(cause: BaseException) -> Unavailable:
    """`refused` where the request certainly never left: no name, no connection, no trust."""
    reasons = [cause]
    while len(reasons) < 8:
        last = reasons[-1]
        inner = getattr(last, "reason", None) or next((arg for arg in last.args if isinstance(arg, BaseException)), None)
        if not isinstance(inner, BaseException):
            break
        reasons.append(inner)
    if any(isinstance(reason, requests.exceptions.SSLError) for reason in reasons):
        return Unavailable("the server's certificate is not trusted; name the file of its authority in `ca_file`", refused=True)
    if any(isinstance(reason, NameResolutionError) for reason in reasons):
        return Unavailable("the server's name is not known; check `url`", refused=True)
    for reason in reasons:
        if isinstance(reason, NewConnectionError):
            why = getattr(reason.__cause__, "strerror", None) or "no connection"
            return Unavailable(f"the server cannot be reached: {reason.conn.host}:{reason.conn.port}: {why}", refused=True)
        if isinstance(reason, requests.exceptions.ConnectTimeout):
            return Unavailable(f"the server cannot be reached: no connection within {CONNECT:.0f} seconds", refused=True)
    if isinstance(cause, requests.exceptions.Timeout) or "timed out" in str(cause):
        return Unavailable(f"the server did not answer within {READ:.0f} seconds")
    if isinstance(cause, OSError) and "ca_file" not in str(cause) and "TLS CA" in str(cause):
        return Unavailable("the file named in `ca_file` is not there", refused=True)
    return Unavailable("the connection to the server broke before its answer was complete")
