"""Sends one request to Microsoft and judges the answer: bounded in time and size, never repeated, never led elsewhere."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from syncd.connector import Unavailable
from syncd.event import tidy

if TYPE_CHECKING:
    import requests

CONNECT, READ, TOTAL = 5.0, 30.0, 60.0
"""Seconds: to connect, between two pieces of an answer, for the whole of it (F32)."""
LARGEST = 10 * 1024 * 1024
"""Bytes of one answer, after decoding (F34)."""
LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer. `data` is what its JSON says; None where it has no body or is not JSON."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    text: str = field(repr=False)
    """Of the login this is the token itself: it is in no repr."""
    data: Any = field(repr=False)

    def raise_for_status(self) -> None:
        """Of the login's client (MS-54): whatever must be raised was raised before msal saw the answer."""

    @property
    def status_code(self) -> int:
        return self.status

    @property
    def after(self) -> float | None:
        """Seconds to wait, by the server's own clock where it names a date (MS-43)."""
        text = self.headers.get("Retry-After", "").strip()
        if text.isascii() and text.isdigit():
            return float(text[:9])
        until, now = instant(text), self.time
        return max(0.0, float(until - now)) if until is not None and now is not None else None

    @property
    def time(self) -> int | None:
        """The server's clock, seconds UTC."""
        return instant(self.headers.get("Date", ""))

    @property
    def code(self) -> str:
        """The error's code in Graph's form or the login's (a text); "" where there is none."""
        return tidy(str(self.error.get("code") or ""), 100)

    @property
    def error(self) -> Mapping[str, Any]:
        error = self.data.get("error") if isinstance(self.data, dict) else None
        return error if isinstance(error, dict) else {}

    @property
    def words(self) -> str:
        """What the vendor says, as one sentence and not too long."""
        message = tidy(str(self.error.get("message") or ""), 300).rstrip(".").replace(". ", ", ")
        return f"HTTP {self.status}" + (f" “{self.code}”" if self.code else "") + (f": {message}" if message else "")


def instant(text: str) -> int | None:
    try:
        return int(parsedate_to_datetime(text).timestamp())
    except (TypeError, ValueError, OverflowError):
        return None


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port: where a token may be sent. Raises `ValueError` where it is no address."""
    parts = urlsplit(url)
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    if parts.username is not None or parts.password is not None:
        raise ValueError("an address with a user name")
    return parts.scheme, (parts.hostname or "").lower(), port


def checked(name: str, url: str) -> str:
    """`url` as a setting: https, or http on loopback. Raises `ValueError` with what to write."""
    try:
        scheme, host, _ = origin(url)
    except ValueError:
        scheme, host = "", ""
    if (
        not host
        or not (scheme == "https" or (scheme == "http" and host in LOOPBACK))
        or urlsplit(url).query
        or urlsplit(url).fragment
    ):
        raise ValueError(f"{name}: write an https address without a user name or question mark (http is for loopback only)")
    return url.rstrip("/")


@dataclass
class Http:
    """One session a thread. `ca_file`: a bundle to trust instead of the usual one."""

    ca_file: str | None = None
    _own: threading.local = field(default_factory=threading.local)
    _open: list[requests.Session] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None = None, auth: Any = None) -> Answer:
        """Raises `Unavailable` where there is no complete answer; `refused` where nothing can have been sent."""
        trouble, sent = "", True
        try:
            return self._send(method, url, headers, body, auth)
        except Exception as problem:  # judged by its type alone: its text and its request may carry a token
            trouble, sent = _trouble(problem)
        # Raised here, outside of the handler: what requests knew of the request does not hang on to our error.
        raise Unavailable(f"{urlsplit(url).hostname} {trouble}", refused=not sent)

    def _send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, auth: Any) -> Answer:
        # Accept-Encoding: a list of events is small, a compressed bomb is not.
        wanted = {"Accept": "application/json", "Accept-Encoding": "identity", **headers}
        deadline = time.monotonic() + TOTAL - READ  # a length of time, not a time of day; the last piece may take READ
        with self._session().request(
            method, url, headers=wanted, data=body, auth=auth, timeout=(CONNECT, READ), stream=True, allow_redirects=False
        ) as response:
            raw = bytearray()
            while piece := response.raw.read1(65_536, decode_content=True):  # what has come, not a buffer full of it
                raw += piece
                if len(raw) > LARGEST:
                    raise _Unusable("sent an answer of more than 10 MiB")
                if time.monotonic() > deadline:
                    raise _Unusable(f"did not finish its answer within {TOTAL:.0f} s")
            text = raw.decode("utf-8", "replace")
            return Answer(response.status_code, response.headers, text, _json(text))

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._own, "session", None)
        if session is None:
            import requests

            session = requests.Session()
            session.trust_env = False  # neither a proxy nor another CA bundle comes in through the environment (MS-56)
            session.verify = self.ca_file or True
            session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
            self._own.session = session
            with self._lock:
                self._open.append(session)
        return session

    def close(self) -> None:
        with self._lock:
            for session in self._open:
                session.close()
            self._open.clear()
            self._own = threading.local()


class _Unusable(Exception):
    """There was an answer, and nothing can be done with it."""


def _trouble(problem: Exception) -> tuple[str, bool]:
    """What to tell of `problem`, and whether the request may have been sent."""
    import requests
    from urllib3.exceptions import NewConnectionError
    from urllib3.exceptions import TimeoutError as Slow

    if isinstance(problem, _Unusable):
        return str(problem), True
    causes = list(_causes(problem))
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return "showed a certificate that is not trusted; name its authority in `ca_file`", False
    if isinstance(problem, requests.ConnectTimeout) or any(isinstance(cause, NewConnectionError) for cause in causes):
        return "could not be reached", False
    if isinstance(problem, requests.Timeout) or any(isinstance(cause, Slow) for cause in causes):
        return f"did not answer within {READ:.0f} s", True
    return "closed the connection without a complete answer", True


def _causes(problem: BaseException, depth: int = 0) -> Iterator[BaseException]:
    """`problem` and what it is made of: requests and urllib3 wrap in arguments and in `reason`."""
    yield problem
    inside = [*problem.args, getattr(problem, "reason", None), problem.__cause__]
    for cause in inside if depth < 6 else ():
        if isinstance(cause, BaseException):
            yield from _causes(cause, depth + 1)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
