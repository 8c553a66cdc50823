"""One exchange with PagerDuty: bounded in time and size, sent once, and whatever fails is told without a secret.

The vendor's clients retry for ever on 429 and replay a POST on a lost connection (PD-64, PD-65): both are off. What they
raise may hold a token, so our errors are raised outside of the handler that caught theirs.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parsedate_to_datetime
from threading import Event, Timer
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pagerduty

from syncd.connector import Unavailable
from syncd.core.model import Instant

CONNECT, READ, TOTAL = 5.0, 30.0, 60.0
"""Seconds: to connect, between two pieces of an answer, for the whole of it (F32)."""
LARGEST = 10 * 1024 * 1024
"""Bytes of one answer (F34)."""
LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer. `data` is what its JSON says, None where it has no body."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    data: Any = field(repr=False)

    @property
    def time(self) -> Instant | None:
        """The server's clock."""
        return _date(self.headers.get("date", ""))

    @property
    def after(self) -> float | None:
        """Seconds to wait: Retry-After, else the vendor's own header (PD-11); a 429 may have neither (PD-12)."""
        text = self.headers.get("retry-after", "").strip()
        until, now = _date(text), self.time
        if until is not None and now is not None:
            return float(max(1, until - now))
        for given in (text, self.headers.get("ratelimit-reset", "").strip()):
            if given.isascii() and given.isdigit():
                return float(max(1, int(given[:6])))
        return None

    @property
    def code(self) -> int | None:
        code = self._error.get("code")
        return code if isinstance(code, int) else None

    @property
    def words(self) -> str:
        """The vendor's own words on one line; `errors` is a list in v2 and a map in v3 (PD-14)."""
        errors = self._error.get("errors") or []
        if isinstance(errors, dict):
            errors = [
                f"{path}: {text}" for path, texts in errors.items() for text in (texts if isinstance(texts, list) else [texts])
            ]
        said = [str(self._error.get("message") or ""), *(map(str, errors) if isinstance(errors, list) else [])]
        return line(
            " ".join(
                filter(None, [f"HTTP {self.status}", f"code {self.code}" if self.code else "", "; ".join(filter(None, said))])
            )
        )

    @property
    def _error(self) -> Mapping[str, Any]:
        error = self.data.get("error") if isinstance(self.data, dict) else None
        if isinstance(error, str):  # the identity host's form
            return {"message": f"{error} {self.data.get('error_description') or ''}".strip()}
        return error if isinstance(error, dict) else {}


def line(text: str) -> str:
    """Somebody else's text as part of a sentence of ours: one line, not too long, nothing that moves a cursor."""
    return "".join(sign if sign.isprintable() else " " for sign in text)[:300].strip()


class Refusal(Exception):
    """An answer that is no success. It never leaves this package."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class _Unusable(Exception):
    """There was an answer, and nothing can be done with it."""


class _Bounded(httpx2.SyncByteStream):
    """An answer's bytes, as far as we are willing to take them."""

    def __init__(self, stream: httpx2.SyncByteStream, late: Event) -> None:
        self._stream, self._late = stream, late

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for piece in self._stream:
            size += len(piece)
            if size > LARGEST:
                raise _Unusable("sent an answer of more than 10 MiB")
            if self._late.is_set():
                raise _Unusable(f"did not finish its answer within {TOTAL:.0f} s")
            yield piece

    @property
    def elapsed(self) -> timedelta | None:
        """The vendor's client asks how long the answer took."""
        return getattr(self._stream, "elapsed", None)

    def close(self) -> None:
        self._stream.close()


class _OnePerCall:
    """What the vendor's clients have to be told so that one call is one request."""

    def __init__(self) -> None:
        self.late = Event()
        self.secrets: tuple[str, ...] = ()
        """What no error may repeat, should an answer hold it."""

    def hook(self, response: httpx2.Response) -> None:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise _Unusable("sent a compressed answer that was not asked for")
        if isinstance(response.stream, httpx2.SyncByteStream):
            response.stream = _Bounded(response.stream, self.late)
        if response.status_code in (401, 429) or 300 <= response.status_code < 400:
            response.read()
            raise Refusal(
                _answer(response, self.secrets)
            )  # before the client sees it: it would wait, or put the key's end in its error


def _settle(client: Any, one: _OnePerCall) -> None:
    client.event_hooks = {"response": [one.hook]}
    client.max_network_attempts = 0  # PD-65
    client.timeout = httpx2.Timeout(READ, connect=CONNECT)  # the constructor's has no effect
    client.headers["Accept-Encoding"] = "identity"
    client.one = one


class Rest(pagerduty.RestApiV2Client):
    def __init__(self, credential: str, kind: str, base: str, context: ssl.SSLContext) -> None:
        home = urlsplit(base).hostname in LOOPBACK
        super().__init__(credential, auth_type=kind, base_url=base, verify=context, trust_env=not home)
        _settle(self, _OnePerCall())

    @property
    def url(self) -> str:
        """Plain http too, on loopback (PD-63); `checked` refused it elsewhere."""
        return str(self._url)

    @url.setter
    def url(self, new_base_url: str) -> None:
        self._url = new_base_url


class TokenClient(pagerduty.OAuthTokenClient):
    def __init__(self, secret: str, client_id: str, base: str, context: ssl.SSLContext) -> None:
        home = urlsplit(base).hostname in LOOPBACK
        super().__init__(secret, client_id, base_url=base, verify=context, trust_env=not home)
        _settle(self, _OnePerCall())

    @property
    def url(self) -> str:
        return str(self._url)

    @url.setter
    def url(self, new_base_url: str) -> None:
        self._url = new_base_url


FAILURES = (pagerduty.Error, pagerduty.UrlError, httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, OSError, ValueError)


def ask(client: Any, method: str, path: str, more: dict[str, Any]) -> Answer:
    """One request, one answer of any status. Raises `Unavailable`; `refused` where nothing can have been sent."""
    client.one.late.clear()
    client.one.secrets = (client.auth_method.secret,)
    timer = Timer(TOTAL, client.one.late.set)
    timer.daemon = True
    timer.start()
    refused = False
    try:
        return _answer(client.request(method, path, **more), client.one.secrets)
    except Refusal as refusal:
        return refusal.answer
    except _Unusable as problem:
        trouble = str(problem)
    except FAILURES as problem:  # judged by its type alone: its text, its request and its cause may carry a token
        trouble, refused = _trouble(problem)
    finally:
        timer.cancel()
    raise Unavailable(f"PagerDuty ({urlsplit(client.url).hostname}) {trouble}", refused=refused)


def _trouble(problem: BaseException) -> tuple[str, bool]:
    """What to tell of `problem`, and whether nothing can have been sent."""
    causes: list[BaseException] = []
    at: BaseException | None = problem
    while at is not None and len(causes) < 8:
        causes.append(at)
        at = at.__cause__ or at.__context__
    if any(isinstance(one, ssl.SSLCertVerificationError) for one in causes):
        return "showed a certificate that is not trusted; name its authority in ca_file", True
    if any(
        isinstance(one, (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)) for one in causes
    ):
        return "could not be reached", True
    if any(isinstance(one, httpx2.TimeoutException) for one in causes):
        return f"did not answer within {READ:.0f} s", False
    if any(isinstance(one, httpx2.HTTPError) for one in causes):
        return "closed the connection without a complete answer", False
    return f"could not be asked ({type(problem).__name__})", False


def _answer(response: httpx2.Response, secrets: tuple[str, ...]) -> Answer:
    text = response.content.decode("utf-8", "replace")
    if not response.is_success:
        for secret in secrets:
            text = text.replace(secret, "***")
    try:
        data = json.loads(text) if text.strip() else None
    except (ValueError, RecursionError):
        if response.is_success:
            raise _Unusable("answered with something that is not JSON") from None
        data = None
    return Answer(response.status_code, {key.lower(): value for key, value in response.headers.items()}, data)


def _date(text: str) -> Instant | None:
    try:
        return int(parsedate_to_datetime(text).timestamp())
    except (TypeError, ValueError, OverflowError):
        return None
