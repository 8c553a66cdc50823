"""Hears what a receiver answers inside Apprise's plugins, which tell only whether the status was good.

Some vendors refuse with a 200 and say so in the body; a `Retry-After` is to be obeyed; and whoever tries a channel wants to read
what the server said. So the name `requests` (or `smtplib`) in a plugin's own module is one that listens; nothing else is touched.
"""

from __future__ import annotations

import json
import smtplib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import local
from typing import Any, NamedTuple

MOST = 65_536
"""Bytes of an answer that are read."""
QUOTED = 200
_CONFIRMED = {"feishu": ("code", "StatusCode"), "dingtalk": ("errcode",), "wecombot": ("errcode",)}
"""Schemes whose answer has to be JSON with 0 under one of these names, whatever the status."""
_REFUSED = {"zoom": ("code", "errorCode"), "twilio": ("error_code",)}
"""Schemes whose answer may be anything but JSON with something else than 0 there."""
_listener = local()


class Reply(NamedTuple):
    """`status` 0: none came, `text` says why. `after`: seconds that it asks us to wait."""

    status: int
    text: str
    after: float | None = None

    @property
    def words(self) -> str:
        quoted = " ".join(self.text.split())[:QUOTED]
        return f"{self.status} {quoted}".strip() if self.status else quoted

    @property
    def good(self) -> bool:
        return 200 <= self.status < 400


def refusal(scheme: str, reply: Reply) -> str:
    """Why a good status is none, or ""."""
    confirmed, refused = _CONFIRMED.get(scheme, ()), _REFUSED.get(scheme, ())
    try:
        found = json.loads(reply.text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        failed = bool(confirmed) or reply.text.startswith("Webhook message delivery failed")
        return f"no confirmation in the answer: {reply.words}" if failed else ""
    told = [found[name] for name in (*confirmed, *refused) if found.get(name) is not None]
    if found.get("ok") is False and scheme in {"slack", "tgram"}:
        return f"refused: {reply.words}"
    if any(str(one) != "0" for one in told) or (confirmed and not told):
        return f"refused: {reply.words}"
    return ""


@contextmanager
def hearing(plugin: object) -> Iterator[list[Reply]]:
    """Every answer that `plugin` gets on this thread, as it comes."""
    for kind in type(plugin).__mro__:
        for name in (kind.__module__, f"{kind.__module__.rpartition('.')[0]}.smtp"):
            _open(sys.modules.get(name))
    found: list[Reply] = []
    _listener.heard = found
    try:
        yield found
    finally:
        _listener.heard = None


def _open(module: Any) -> None:
    if module is None or not module.__name__.startswith("apprise.plugins."):
        return
    for name, listening in (("requests", _Requests), ("smtplib", _Smtplib)):
        real = getattr(module, name, None)
        if real is not None and not isinstance(real, listening):
            setattr(module, name, listening(real))


def _hear(reply: Reply) -> None:
    heard = getattr(_listener, "heard", None)
    if heard is not None:
        heard.append(reply)


class _Requests:
    """`requests`, whose answers are heard and have an end."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def get(self, *args: Any, **more: Any) -> Any:
        return self._heard(self._real.get, *args, **more)

    def post(self, *args: Any, **more: Any) -> Any:
        return self._heard(self._real.post, *args, **more)

    def request(self, *args: Any, **more: Any) -> Any:
        return self._heard(self._real.request, *args, **more)

    def _heard(self, call: Callable[..., Any], *args: Any, **more: Any) -> Any:
        try:
            answer = call(*args, **{**more, "stream": True})
            with answer:
                body = b""
                for part in answer.iter_content(4_096):
                    body += part
                    if len(body) > MOST:
                        break
        except self._real.RequestException as error:
            reason = getattr(error.args[0], "reason", error) if error.args else error
            _hear(Reply(0, f"{type(error).__name__}: {reason}"))
            raise
        # what a plugin reads is what was read here
        answer._content, answer._content_consumed = body, True
        _hear(Reply(answer.status_code, body.decode("utf-8", "replace"), _after(answer.headers.get("Retry-After"), body)))
        return answer


def _after(header: str | None, body: bytes) -> float | None:
    """Seconds or a date; Telegram says it in the body."""
    if header is None:
        try:
            return float(json.loads(body)["parameters"]["retry_after"])
        except (ValueError, KeyError, TypeError):
            return None
    if header.strip().isascii() and header.strip().isdigit():
        return float(header)
    try:
        at = parsedate_to_datetime(header)
    except ValueError:
        return None
    return (at - datetime.now(UTC)).total_seconds() if at.tzinfo else None


class _Smtplib:
    """`smtplib`, whose connections are heard."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.SMTP, self.SMTP_SSL = _Plain, _Tls

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class _Plain(smtplib.SMTP):
    def connect(self, *args: Any, **more: Any) -> tuple[int, bytes]:
        return _connected(super().connect, *args, **more)

    def starttls(self, *args: Any, **more: Any) -> tuple[int, bytes]:
        return _connected(super().starttls, *args, **more)

    def login(self, *args: Any, **more: Any) -> tuple[int, bytes]:
        return _connected(super().login, *args, **more)

    def getreply(self) -> tuple[int, bytes]:
        return _replied(super().getreply)


class _Tls(smtplib.SMTP_SSL):
    def connect(self, *args: Any, **more: Any) -> tuple[int, bytes]:
        return _connected(super().connect, *args, **more)

    def login(self, *args: Any, **more: Any) -> tuple[int, bytes]:
        return _connected(super().login, *args, **more)

    def getreply(self) -> tuple[int, bytes]:
        return _replied(super().getreply)


def _connected(call: Callable[..., tuple[int, bytes]], *args: Any, **more: Any) -> tuple[int, bytes]:
    try:
        return call(*args, **more)
    except OSError as error:
        _hear(Reply(0, f"{type(error).__name__}: {error}"))
        raise


def _replied(call: Callable[[], tuple[int, bytes]]) -> tuple[int, bytes]:
    try:
        code, text = call()
    except OSError as error:
        _hear(Reply(0, f"{type(error).__name__}: {error}"))
        raise
    if code != 221:  # how it says goodbye is no answer to anything
        _hear(Reply(code, text.decode("utf-8", "replace")))
    return code, text
