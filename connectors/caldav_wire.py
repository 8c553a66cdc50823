"""One HTTP exchange with a CalDAV server: signed in, bounded in time and size, only with the host that was configured.

Every failure is one of the contract's errors; nothing is sent twice (F1). Whoever may be left waiting is a thread of ours,
so a call ends after `TOTAL` seconds whatever the server does (F32).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from syncd.connector import ConnectorError, Denied, Rejected, Secret, Unavailable

if TYPE_CHECKING:
    from requests.auth import AuthBase

    from connectors.caldav_session import Session

CONNECT, READ, TOTAL = 5.0, 30.0, 60.0
"""Seconds (F32)."""
MOST_BYTES = 10 * 1_048_576
"""Of an answer, decoded (F34)."""
RATIO, RATIO_FROM = 20, 1_048_576
"""How many times larger than what was sent an answer may become, asked from so many bytes on."""
MOST_REDIRECTS = 3
FAMILIES = ("icloud.com",)
"""Vendors whose calendars are on another host of theirs than the one people know (FACTS 4.3)."""


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    url: str

    @property
    def html(self) -> bool:
        """A page for people: of a gateway, a proxy or a sign-in, not of the calendar."""
        start = self.body[:512].lstrip().lower()
        return start.startswith((b"<!doctype html", b"<html")) or b"<html" in start


@dataclass(frozen=True, kw_only=True)
class Credentials:
    username: str | None = None
    password: Secret | None = None
    token: Secret | None = None


def loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def url_problem(url: str) -> str:
    """Why `url` cannot be the address of a calendar, or ""."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https"):
        return f"{url!r} is not an address; write https://HOST/PATH"
    if parts.query or parts.fragment:
        return "an address ends with its path; leave out what follows ? or #"
    if parts.username is not None or parts.password is not None:
        return "no user or password in the address; use `username` and `password`"
    if parts.scheme == "http" and not loopback(host):
        return "http would show the password to everybody on the way; use https"
    return ""


class Wire:
    """Exchanges with the server of `home`. Each call has a connection of its own while it lasts; they are kept for the next."""

    def __init__(self, home: str, credentials: Credentials, ca_file: Path | None, *, digest: bool) -> None:
        self.home = home
        self.digest = digest
        """The server asked for digest authentication: no answer to a first try is wasted on basic again."""
        self._credentials = credentials
        self._ca_file = ca_file
        self._auth: AuthBase | None = None
        self._free: list[Session] = []
        self._lock = threading.Lock()

    def call(self, method: str, url: str, body: bytes | None = None, /, **headers: str) -> Answer:
        """`headers` with underscores for dashes. Redirects are followed within the origin only, three times at most."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            sent.setdefault("Content-Type", "application/xml; charset=utf-8")
        with self.session() as session:
            digest = self.digest
            answer = _exchange(session, method, url, body, sent)
            if answer.status == 401 and not digest and self._asks_for_digest(answer):  # refused: nothing is done twice
                session.auth = self._sign(digest=True)
                answer = _exchange(session, method, url, body, sent)
        return answer

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A connection for one call at a time. The library for discovery gets it too, so its calls are bounded as ours are."""
        from connectors.caldav_session import Session

        with self._lock:
            session = self._free.pop() if self._free else None
        if session is None:
            session = Session(self.allows, str(self._ca_file) if self._ca_file else True)
        session.auth = self._sign(digest=self.digest)
        try:
            yield session
        except BaseException:
            session.close()  # what is left of an answer is nobody's
            raise
        with self._lock:
            self._free.append(session)

    def close(self) -> None:
        with self._lock:
            sessions, self._free = self._free, []
        for session in sessions:
            session.close()

    def allows(self, url: str) -> bool:
        """Our credentials go to the host that was configured, and to no other that a server names or redirects to (F37)."""
        here, there = urlsplit(self.home), urlsplit(url)
        if origin(url) == origin(self.home):
            return True
        return there.scheme == "https" and any(
            all((part.hostname or "").endswith(f".{family}") for part in (here, there)) for family in FAMILIES
        )

    def _asks_for_digest(self, answer: Answer) -> bool:
        return "digest" in answer.headers.get("www-authenticate", "").lower() and self._credentials.password is not None

    def _sign(self, *, digest: bool) -> AuthBase | None:
        """One for all connections: what a challenge taught it serves them all."""
        from connectors.caldav_session import Basic, Bearer, Digest

        given = self._credentials
        with self._lock:
            if given.token is not None:
                self._auth = self._auth or Bearer(given.token)
            elif given.username is not None and given.password is not None and (self._auth is None or digest != self.digest):
                self._auth = (Digest if digest else Basic)(given.username, given.password)
            self.digest = digest
            return self._auth


def _exchange(session: Session, method: str, url: str, body: bytes | None, headers: dict[str, str]) -> Answer:
    response = session.request(method, url, data=body, headers=headers)
    lowered = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status_code, lowered, response.content, str(response.url))


def origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or (443 if parts.scheme == "https" else 80)


def waited(headers: Mapping[str, str]) -> float | None:
    """`Retry-After` in seconds; a date is counted from the server's own `Date`, and says nothing where that is missing."""
    from email.utils import parsedate_to_datetime

    value = headers.get("retry-after", "").strip()
    with suppress(ValueError, TypeError, OverflowError, KeyError):
        if value.replace(".", "", 1).isdecimal():
            return float(value)
        return max(0.0, (parsedate_to_datetime(value) - parsedate_to_datetime(headers["date"])).total_seconds())
    return None


def server_time(headers: Mapping[str, str]) -> int | None:
    from email.utils import parsedate_to_datetime

    with suppress(ValueError, TypeError, OverflowError, KeyError):
        return int(parsedate_to_datetime(headers["date"]).timestamp())
    return None


def missing(url: str, answer: Answer) -> Unavailable:
    return Unavailable(f"the calendar {url} is not there ({answer.status}); restore it, or put another in `url`")


def no_calendar(url: str, there: str = "") -> Unavailable:
    """`there`: the names of those that there are, where somebody looked."""
    others = f"; there are {there}" if there else ""
    return Unavailable(f"{url} is no calendar; put the address of one in `url`, or its name in `calendar`{others}")


def failure(answer: Answer, what: str, *, writing: bool) -> ConnectorError:
    """The contract's word for a status that is neither success nor one that the call itself understands."""
    status, after = answer.status, waited(answer.headers)
    if status == 401:
        return Denied(f"{what}: the server refuses the sign-in (401); check `username` and `password`, or `token`")
    if status in (403, 407):
        remedy = (
            "give the account the right to change this calendar" if writing else "check `url` and the account's right to read it"
        )
        return Denied(f"{what}: the server does not allow it ({status}); {remedy}")
    if status in (423, 429):
        return Unavailable(f"{what}: the server asks us to wait ({status})", after=after, refused=True)
    if status >= 500 or 200 <= status < 300 or status in (408, 425):
        odd = "a page instead of an answer" if answer.html else f"status {status}"
        return Unavailable(f"{what}: the server gave {odd}", after=after)
    if 300 <= status < 400:
        return Unavailable(f"{what}: the server sends us elsewhere ({status}); put the new address in `url`", refused=True)
    if writing:
        return Rejected(f"{what}: the server refuses it ({status})")
    return Unavailable(f"{what}: status {status}; is `url` the address of a CalDAV calendar?")
