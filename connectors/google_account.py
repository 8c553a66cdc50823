"""Whom we are to Google: the credentials, one access token for all threads, and what a refusal of either means."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from hashlib import sha256
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl

from google.auth.exceptions import GoogleAuthError
from google.oauth2 import credentials as user_credentials
from google.oauth2 import service_account

from connectors.google_http import TROUBLE, Answer, Http, NotSent, safe
from syncd.connector import ConnectorError, Denied, Secret, Unavailable, Unsupported

SCOPE = "https://www.googleapis.com/auth/calendar.events"
"""The least that suffices: events of the calendars shared with us, no calendar's settings and nobody's sharing."""
TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
PASSING = ("server_error", "temporarily_unavailable", "internal_failure")
"""What a token endpoint says with a status that is not 5xx, and takes back by itself."""


@dataclass
class _SignedIn:
    """Credentials as read, and the vendor's object for them with its access token. `lock`: one asks for a token at a time."""

    info: dict[str, Any]
    found: Any = field(repr=False)
    lock: Lock = field(default_factory=Lock)


_SIGNED_IN: dict[str, _SignedIn] = {}
"""By a digest of the credentials: a token outlives the cycle that asked for it, and serves all destinations that may use it."""


class Account:
    """The credentials of one destination. Read where they lie at the first call, and again after a refusal (F30)."""

    def __init__(self, secret: Secret, subject: str | None) -> None:
        self._secret = secret
        self._subject = subject
        self._lock = Lock()
        self._opened: _SignedIn | None = None

    @property
    def name(self) -> str:
        """Who acts: an address, or the client's id where a user's credentials do not say whose they are.

        Raises `Denied` or `Unsupported`, as `token` does.
        """
        info = self._open().info
        return str(self._subject or info.get("client_email") or info.get("account") or f"client {info['client_id']}")

    @property
    def robot(self) -> str | None:
        """The service account's address; None for a user's credentials."""
        email: str | None = self._open().info.get("client_email")
        return email

    def token(self, http: Http, refused: str | None) -> str:
        """A valid access token: one request for all threads, none while it is valid. `refused`: the one that was not accepted."""
        opened = self._open()
        with opened.lock:
            problem = None
            if not opened.found.valid or opened.found.token == refused:
                problem = _renew(opened.found, http, opened.info, self._subject)
            if isinstance(problem, Denied):
                self.forget()
            if problem is not None:
                raise problem
            return str(opened.found.token)

    def forget(self) -> None:
        """The next call reads the credentials anew: they may have been replaced."""
        for key in [key for key, one in list(_SIGNED_IN.items()) if one is self._opened]:
            _SIGNED_IN.pop(key, None)
        self._opened = None

    def scrub(self, text: str) -> str:
        """`text` of a stranger without anything that is secret here, on one line and short."""
        if self._opened is None:
            return tidy(text)
        return scrubbed(text, [*secrets_of(self._opened.info), str(self._opened.found.token or "")])

    def _open(self) -> _SignedIn:
        with self._lock:
            opened = self._opened
            if opened is None:
                loaded = _load(self._secret, self._subject)
                if isinstance(loaded, ConnectorError):
                    raise loaded
                key = sha256(json.dumps([loaded[0], self._subject], sort_keys=True).encode()).hexdigest()
                opened = self._opened = _SIGNED_IN.setdefault(key, _SignedIn(*loaded))
            return opened


def secrets_of(info: Mapping[str, Any]) -> list[str]:
    """What of the credentials nobody may read."""
    return [str(info[name]) for name in ("private_key", "private_key_id", "refresh_token", "client_secret") if info.get(name)]


def scrubbed(text: str, secrets: Iterable[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, "***") if len(secret) >= 8 else text
    return tidy(text)


def tidy(text: str) -> str:
    """A vendor's words, fit for one sentence of ours: anything long and unbroken may be a credential."""
    text = re.sub(r"[^\s/:,;()<>\"']{60,}|(?<=bearer )\S+", "***", text[:2000], flags=re.IGNORECASE)
    return " ".join("".join(char if char.isprintable() else " " for char in text).replace(";", ",").split())[:200].rstrip(" .")


# --- reading credentials -------------------------------------------------------------------------


def _load(secret: Secret, subject: str | None) -> tuple[dict[str, Any], Any] | ConnectorError:
    """The credentials' fields and the vendor's object for them.

    What is wrong is returned, not raised: no frame of a traceback knows a secret, and no text has any of it.
    """
    where = f"the credentials ({secret.where})"
    text = _reveal(secret)
    if text is None:
        return Denied(f"{where} cannot be read; check that they are there and that syncd may read them")
    info = parsed(text)
    if info is None:
        return Denied(f"{where} are no JSON object; use the key file as it was downloaded")
    if not safe(str(info.get("token_uri") or TOKEN_URI)):
        return Denied(f"{where} name a token_uri that is not https; download the key file again")
    if info.get("type") == "service_account":
        return _service(info, subject, where)
    if info.get("type") == "authorized_user":
        return _user(info, subject, where)
    if "installed" in info or "web" in info:
        return Denied(f"{where} are those of an OAuth client, and nobody has signed in yet; run: syncd auth google")
    return Unsupported(f"{where} are neither a service account's key nor a signed-in user's; make one of these")


def _reveal(secret: Secret) -> str | None:
    try:
        return secret.reveal()
    except (OSError, KeyError, ValueError):
        return None


def parsed(text: str) -> dict[str, Any] | None:
    """The JSON object that `text` is, or None."""
    try:
        info = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return info if isinstance(info, dict) else None


def _missing(info: Mapping[str, Any], fields: tuple[str, ...], where: str) -> Denied | None:
    missing = [field for field in fields if not isinstance(info.get(field), str) or not info[field]]
    return Denied(f"{where} lack {', '.join(missing)}; use the key file as it was downloaded") if missing else None


def _service(info: dict[str, Any], subject: str | None, where: str) -> tuple[dict[str, Any], Any] | ConnectorError:
    info = {"token_uri": TOKEN_URI} | info
    if missing := _missing(info, ("client_email", "private_key", "token_uri"), where):
        return missing
    try:
        found = service_account.Credentials.from_service_account_info(  # type: ignore[no-untyped-call]
            info, scopes=[SCOPE], subject=subject
        )
    except (ValueError, TypeError, GoogleAuthError):
        return Denied(f"{where} hold a private key that cannot be read; download the key file again")
    return info, found


def _user(info: dict[str, Any], subject: str | None, where: str) -> tuple[dict[str, Any], Any] | ConnectorError:
    if missing := _missing(info, ("client_id", "client_secret", "refresh_token"), where):
        return missing
    if subject is not None:
        return Denied(f"{where} are a user's, who cannot act for {subject}; leave `subject` out, or use a service account's key")
    return info, user_credentials.Credentials(  # type: ignore[no-untyped-call]
        None,
        refresh_token=info["refresh_token"],
        token_uri=str(info.get("token_uri") or TOKEN_URI),
        client_id=info["client_id"],
        client_secret=info["client_secret"],
    )


# --- asking for a token --------------------------------------------------------------------------


class _Refused(Exception):
    """The token endpoint answered something else than a token. Ends the vendor's own loop, which would sleep and ask again."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer


class _Reply:
    """What google-auth wants to see of an answer."""

    def __init__(self, answer: Answer) -> None:
        self.status = answer[0].status
        self.headers = dict(answer[0])
        self.data = answer[1]


def ask(http: Http, url: str, body: Any, headers: Mapping[str, str]) -> Answer:
    """One POST to a token endpoint. Raises `Unavailable`: whatever the call was for, it was not made."""
    why = "it gave no answer"
    try:
        return http.send(url, "POST", body, headers)
    except NotSent as cause:
        why = str(cause)
    except TROUBLE:
        pass
    raise Unavailable(f"Google's token endpoint cannot be reached: {why}", refused=True)


def _renew(found: Any, http: Http, info: Mapping[str, Any], subject: str | None) -> ConnectorError | None:
    """Asks for a token once; what went wrong is returned, so that no frame that knows a secret is in a traceback.

    `refresh` and not `before_request`: that would look up a regional boundary at another host of Google's by itself.
    """
    posted = b""

    def request(url: str, method: str = "GET", body: Any = None, headers: Any = None, **_: Any) -> _Reply:
        nonlocal posted
        posted = body or b""
        answer = ask(http, url, body, headers or {})
        if answer[0].status != 200 or "access_token" not in (parsed(answer[1].decode("utf-8", "replace")) or {}):
            raise _Refused(answer)
        return _Reply(answer)

    problem: ConnectorError | None = None
    refusal: Answer | None = None
    try:
        found.refresh(request)
    except ConnectorError as cause:
        problem = cause
    except _Refused as cause:
        refusal = cause.answer
    except (GoogleAuthError, ValueError, TypeError, OverflowError):
        problem = Unavailable("Google's token endpoint gave an answer that makes no sense", refused=True)
    if refusal is not None:
        sent = [value for _, value in parse_qsl(bytes(posted).decode("ascii", "replace"))]
        problem = judge(refusal, [*sent, *secrets_of(info), str(found.token or "")], info, subject)
    return problem.with_traceback(None) if problem is not None else None


def judge(answer: Answer, secrets: list[str], info: Mapping[str, Any], subject: str | None) -> ConnectorError:
    """What a token endpoint's refusal means, in its own words, and what to click."""
    response, body = answer
    data = parsed(body.decode("utf-8", "replace")) or {}
    code = scrubbed(str(data.get("error", "")), secrets)[:60]
    words = scrubbed(str(data.get("error_description", "")), secrets)
    said = ": ".join(part for part in (code, words) if part) or f"HTTP {response.status}"
    if response.status == 429 or code in ("rate_limit_exceeded", "slow_down"):
        return Unavailable(f"Google asks us to wait before asking for a token ({said})", after=wait(response), refused=True)
    if (
        response.status >= 500
        or response.status == 408
        or not code
        or code in ("server_error", "temporarily_unavailable", "internal_failure")
    ):
        return Unavailable(f"Google's token endpoint fails ({said})", after=wait(response), refused=True)
    if code == "invalid_client":
        return Denied(
            f"Google does not know the OAuth client or its secret ({said}); download the client's file again, then sign in"
        )
    who = info.get("client_email")
    if who is None:
        return Denied(f"Google no longer accepts the sign-in ({said}); sign in again with: syncd auth google")
    if subject and code in ("unauthorized_client", "access_denied"):
        return Denied(
            f"Google does not let {who} act for {subject} ({said}); in the Admin console under Security → Access and data "
            "control → API controls → Manage domain-wide delegation, "
            f"add client id {info.get('client_id', '')} with the scope {SCOPE}"
        )
    if subject and code == "invalid_grant" and "signature" not in words.lower() and "jwt" not in words.lower():
        return Denied(f"Google does not know {subject}, for whom {who} shall act ({said}); check `subject`")
    return Denied(
        f"Google refuses the key of {who} ({said}); check the clock of this machine, else make a new key under "
        f"IAM & Admin → Service Accounts → {who} → Keys"
    )


def wait(response: Mapping[str, str]) -> float | None:
    """`Retry-After` in seconds; a date there is counted from the server's own `Date`."""
    value = response.get("retry-after", "").strip()
    if value.isdigit():
        return float(value[:9])
    until, now = moment(value), moment(response.get("date", ""))
    return float(max(0, until - now)) if until is not None and now is not None else None


def moment(text: str) -> int | None:
    """An HTTP date as seconds since 1970."""
    try:
        return int(parsedate_to_datetime(text).timestamp())
    except (ValueError, TypeError, OverflowError):
        return None
