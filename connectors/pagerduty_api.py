"""Decides how PagerDuty is asked: which region, which credential, one call at a time, and what each status means."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from connectors.pagerduty_answer import LOOPBACK, Answer, Refusal, line
from syncd.connector import ConnectorError, Denied, Secret, Unavailable
from syncd.core.model import DAY, Instant, Window

if TYPE_CHECKING:
    from connectors.pagerduty_http import Rest

T = TypeVar("T")

US, EU = "api.pagerduty.com", "api.eu.pagerduty.com"  # PD-07
IDENTITY = "https://identity.pagerduty.com"  # PD-04
SCOPES = ("schedules.read", "schedules.write", "users.read")  # PD-05
PAGE, PAGES = 100, 100
ACCEPT = "application/vnd.pagerduty+json;version=2"  # PD-03: of the v3 paths too


@dataclass(frozen=True, kw_only=True)
class PagerDutyOptions:
    """`schedule` is its id. Either `token` (an API key) or all of `client_id`, `client_secret`, `account` (an app)."""

    schedule: str
    token: Secret | None = None
    client_id: str | None = None
    client_secret: Secret | None = None
    account: str | None = None
    """The account's subdomain: `acme` of acme.pagerduty.com, or with its region `eu.acme`."""
    base_url: str | None = None
    ca_file: Path | None = None

    def __post_init__(self) -> None:
        if not self.schedule.strip() or any(sign in self.schedule for sign in "/?#% "):
            raise ValueError("schedule: write the schedule's id, the last part of its page's address, such as P123ABC")
        app = (self.client_id, self.client_secret, self.account)
        if self.token is not None and any(one is not None for one in app):
            raise ValueError("token: write either a token or client_id, client_secret and account, not both")
        if self.token is None and any(one is None for one in app):
            raise ValueError("token: write a token, or all of client_id, client_secret and account")
        if self.base_url is not None:
            checked(self.base_url)


def checked(url: str) -> str:
    """`url` as a setting, without the last slash. Raises `ValueError` with what to write."""
    parts = urlsplit(url)
    plain = parts.scheme == "http" and parts.hostname in LOOPBACK
    if not parts.hostname or not (parts.scheme == "https" or plain) or parts.username or parts.query or parts.fragment:
        raise ValueError("base_url: write an https address such as https://api.eu.pagerduty.com (http is for loopback only)")
    return url.rstrip("/")


@dataclass
class _Lane:
    """All calls of one credential wait for each other here (PD-13), and share the app's token while it is valid."""

    lock: RLock = field(default_factory=RLock)
    token: str | None = field(default=None, repr=False)


_LANES: dict[str, _Lane] = {}


class Api:
    """One credential at one of PagerDuty's regions. Opens nothing until the first call."""

    def __init__(self, options: PagerDutyOptions) -> None:
        self._options = options
        self.base = checked(options.base_url) if options.base_url else f"https://{US}"
        self.host = urlsplit(self.base).hostname or ""
        self._client: Rest | None = None

    # --- calls ---------------------------------------------------------------------------

    def get(self, path: str, params: Sequence[tuple[str, str]] = ()) -> Answer:
        return self._send("GET", path, params=params)

    def post(self, path: str, body: Mapping[str, Any]) -> Answer:
        return self._send("POST", path, body=body)

    def put(self, path: str, body: Mapping[str, Any]) -> Answer:
        return self._send("PUT", path, body=body)

    def delete(self, path: str) -> Answer:
        return self._send("DELETE", path)

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _send(
        self, method: str, path: str, *, params: Sequence[tuple[str, str]] = (), body: Mapping[str, Any] | None = None
    ) -> Answer:
        """A complete answer of status 2xx. Raises `Refusal` for 400, 404 and the like, else what the contract says."""
        secret, lane = self._lane()
        with lane.lock:
            held = lane.token is not None
            answer = self._once(method, path, params, body, self._credential(lane, secret))
            if answer.status == 401 and self._options.token is None and held:  # the app's token ran out: certainly not done
                lane.token = None
                answer = self._once(method, path, params, body, self._credential(lane, secret))
            if answer.status == 401 and self._options.token is None:
                lane.token = None
        problem = _problem(answer, f"{method} {path}")
        if problem is not None:
            raise problem
        return answer

    def _once(
        self, method: str, path: str, params: Sequence[tuple[str, str]], body: Mapping[str, Any] | None, credential: str
    ) -> Answer:
        from connectors.pagerduty_http import Rest, ask  # the vendor's client, when it is needed

        if self._client is None:
            self._client = Rest(credential, "token" if self._options.token else "bearer", self.base, self._context())
        client = self._client
        client.auth_method.secret = credential
        # The schema wants a Content-Type on GET and DELETE as well, and no From on any call of a schedule (PD-06).
        more: dict[str, Any] = {"headers": {"Accept": ACCEPT, "Content-Type": "application/json"}}
        if params:
            more["params"] = dict(params)
        if body is not None:
            more["json"] = dict(body)
        return ask(client, method, path, more)

    def _context(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self._options.ca_file)
        except (OSError, ssl.SSLError) as problem:
            trouble = type(problem).__name__
        raise Denied(f"ca_file: {self._options.ca_file} cannot be read as certificates ({trouble}); write the path of a PEM file")

    # --- signing in ----------------------------------------------------------------------

    def _lane(self) -> tuple[str, _Lane]:
        source = self._options.token or self._options.client_secret
        if source is None:
            raise Denied("neither a token nor a client secret is configured")
        secret = _revealed(source)
        name = "\0".join((self.base, self._options.client_id or "", self._options.account or "", secret))
        return secret, _LANES.setdefault(hashlib.sha256(name.encode()).hexdigest(), _Lane())

    def _credential(self, lane: _Lane, secret: str) -> str:
        if self._options.token is not None:
            return secret
        if lane.token is None:
            lane.token = self._new_token(secret)
        return lane.token

    def _new_token(self, secret: str) -> str:
        """Client credentials (PD-04). No token, no call: whatever fails here, nothing was written."""
        from connectors.pagerduty_http import TokenClient, ask

        client = TokenClient(secret, self._options.client_id or "", identity(self.base), self._context())
        account = self._options.account or ""
        form = {"grant_type": "client_credentials", "scope": scope(self.base, account)}
        more = {"data": form, "headers": {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}}
        trouble: ConnectorError | Refusal | None = None
        try:
            answer = ask(client, "POST", "/oauth/token", more)
            trouble = _problem(answer, "POST /oauth/token")
        except Unavailable as problem:
            trouble = problem
        finally:
            client.close()
        if isinstance(trouble, Unavailable):
            raise Unavailable(str(trouble), after=trouble.after, refused=True)
        if trouble is not None:
            raise Denied(
                f"PagerDuty gives no token to the app {self._options.client_id} for the account {account} ({answer.words}): "
                "look at client_id, client_secret and account (its subdomain) and at the app's scopes"
            )
        token = answer.data.get("access_token") if isinstance(answer.data, dict) else None
        if not isinstance(token, str) or not token:
            raise Unavailable("PagerDuty's identity host answered without an access token", refused=True)
        Secret.revealed.add(token)
        return token


def identity(base: str) -> str:
    """Where tokens are asked for: the vendor's identity host for its own API hosts, else where the API is."""
    return IDENTITY if urlsplit(base).hostname in (US, EU) else base


def scope(base: str, account: str) -> str:
    """What a token is asked to be good for (PD-04, PD-05)."""
    region = "" if "." in account else "eu." if urlsplit(base).hostname == EU else "us."
    return f"as_account-{region}{account} {' '.join(SCOPES)}"


def _revealed(source: Secret) -> str:
    try:
        secret = source.reveal().strip()
    except (OSError, KeyError, ValueError):
        secret = ""
    if not secret or not secret.isascii() or not secret.isprintable():
        raise Denied(f"the credential is missing, empty or no key: look at {source.where}")
    return secret


def _problem(answer: Answer, call: str) -> ConnectorError | Refusal | None:
    """The error tree's word for a status (PD-15)."""
    status = answer.status
    if 200 <= status < 300:
        return None
    if status == 429:
        return Unavailable("PagerDuty's rate limit is reached (960 calls a minute)", after=answer.after, refused=True)
    if status == 401:
        return Denied(f"PagerDuty refuses the credential ({answer.words}): create a new API key and put it where the old one is")
    if status == 402:
        return Denied(f"the PagerDuty account lacks an ability for this ({answer.words}): look at its pricing plan")
    if status == 403:
        return Denied(
            f"PagerDuty denies {call} ({answer.words}): "
            f"an API key must not be read-only, an app needs the scopes {', '.join(SCOPES)}"
        )
    if 300 <= status < 400:
        return Unavailable("PagerDuty's address leads elsewhere: look at base_url and the service region", refused=True)
    if status >= 500 or status in (408, 425):  # 408: it took too long (2016), and may have been done
        return Unavailable(f"PagerDuty is in trouble ({answer.words})", after=answer.after, refused=False)
    return Refusal(answer)


# --- what both kinds of schedule need ------------------------------------------------------

SLICE = 90 * DAY
"""The longest window that is asked for at once (PD-30)."""


def slices(window: Window) -> list[Window]:
    starts = range(window.start, window.end, SLICE)
    return [Window(start, min(start + SLICE, window.end)) for start in starts]


def moment(text: object) -> Instant:
    """A time of the vendor's, with any offset (PD-09), in whole seconds. An answer that says something else is no answer."""
    at: datetime | None
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise Unavailable(f"PagerDuty's answer has a time that cannot be read: {line(str(text))[:40]!r}")
    return int(at.timestamp())


def listed(answer: Answer, name: str) -> list[Mapping[str, Any]]:
    """The list under `name`; its absence is an incomplete answer, never an empty list."""
    items = answer.data.get(name) if isinstance(answer.data, dict) else None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise Unavailable(f"PagerDuty's answer has no list of {name}")
    return items


def item_of(answer: Answer, name: str) -> Mapping[str, Any]:
    item = answer.data.get(name) if isinstance(answer.data, dict) else None
    if not isinstance(item, dict):
        raise Unavailable(f"PagerDuty's answer has no {name}")
    return item


def every(api: Api, path: str, name: str, params: Sequence[tuple[str, str]] = ()) -> tuple[list[Mapping[str, Any]], Answer]:
    """All pages of a list, and the last answer (PD-16, PD-17). The vendor ends every list at 10,000: more is incomplete."""
    found: list[Mapping[str, Any]] = []
    for _ in range(PAGES):
        answer = api.get(path, [*params, ("limit", str(PAGE)), ("offset", str(len(found)))])
        items = listed(answer, name)
        found += items
        if not answer.data.get("more"):
            return found, answer
        if not items:
            raise Unavailable(f"PagerDuty's list of {name} has an empty page before its end")
    raise Unavailable(f"PagerDuty's list of {name} has more than {PAGES} pages, which cannot be read to the end")


def check_deleted(answer: Answer, start: Instant) -> None:
    """What has not begun is gone with 204 (PD-28, PD-47); what stands before the vendor may say 200 to whatever it is asked."""
    if answer.status != 204 and answer.time is not None and start > answer.time:
        raise Unavailable(f"PagerDuty answered a deletion with HTTP {answer.status}; the next look shows whether it is done")


def account_of(page: object, api: Api) -> str:
    """The account's own host as it stands in the address of a page, else that of the API."""
    return urlsplit(page).hostname or api.host if isinstance(page, str) else api.host


def before_writing(call: Callable[[], T]) -> T:
    """A call that comes before a write: if it fails, nothing was written."""
    try:
        return call()
    except Unavailable as problem:
        text, after = str(problem), problem.after
    raise Unavailable(text, after=after, refused=True)
