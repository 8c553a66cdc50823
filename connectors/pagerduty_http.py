"""One exchange with PagerDuty: bounded in time and size, sent once, and whatever fails is told without a secret.

The vendor's clients retry for ever on 429 and replay a POST on a lost connection (PD-64, PD-65): both are off. What they
raise may hold a token, so our errors are raised outside of the handler that caught theirs.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from datetime import timedelta
from threading import Event, Timer
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pagerduty

from connectors.pagerduty_answer import LOOPBACK, Answer, Refusal
from syncd.connector import Secret, Unavailable

CONNECT, READ, TOTAL = 5.0, 30.0, 60.0
"""Seconds: to connect, between two pieces of an answer, for the whole of it (F32)."""
LARGEST = 10 * 1024 * 1024
"""Bytes of one answer (F34)."""


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

    def hook(self, response: httpx2.Response) -> None:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise _Unusable("sent a compressed answer that was not asked for")
        if isinstance(response.stream, httpx2.SyncByteStream):
            response.stream = _Bounded(response.stream, self.late)
        if response.status_code in (401, 429) or 300 <= response.status_code < 400:
            response.read()
            raise Refusal(_answer(response))  # before the client sees it: it would wait, or put the key's end in its error


def _settle(client: Any, one: _OnePerCall) -> None:
    client.event_hooks = {"response": [one.hook]}
    client.max_network_attempts = 0  # PD-65
    client.timeout = httpx2.Timeout(READ, connect=CONNECT)  # the constructor's has no effect
    client.headers["Accept-Encoding"] = "identity"
    client.log.disabled = True  # it would tell each failure a second time, before a command that shows no log
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
    timer = Timer(TOTAL, client.one.late.set)
    timer.daemon = True
    timer.start()
    refused = False
    try:
        return _answer(client.request(method, path, **more))
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
        why = next((one.strerror for one in causes if isinstance(one, OSError) and one.strerror), "")
        return "could not be reached" + (f" ({why})" if why else ""), True
    if any(isinstance(one, httpx2.TimeoutException) for one in causes):
        return f"did not answer within {READ:.0f} s", False
    if any(isinstance(one, httpx2.HTTPError) for one in causes):
        return "closed the connection without a complete answer", False
    return f"could not be asked ({type(problem).__name__})", False


def _answer(response: httpx2.Response) -> Answer:
    text = response.content.decode("utf-8", "replace")
    if not response.is_success:
        for secret in Secret.masked():  # no error may repeat one, should the vendor do so
            text = text.replace(secret, "***")
    try:
        data = json.loads(text) if text.strip() else None
    except (ValueError, RecursionError):
        if response.is_success:
            raise _Unusable("answered with something that is not JSON") from None
        data = None
    return Answer(response.status_code, {key.lower(): value for key, value in response.headers.items()}, data)
