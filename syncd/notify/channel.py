"""Touches the outside world: one message to one address through Apprise, within seconds, and what became of it.

Nothing here raises: an address that is wrong, refused or dead is an answer. Apprise is imported by the first message.
"""

from __future__ import annotations

import logging
import re
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from syncd.connector import Secret

PERSONAL = frozenset({"mailto", "mailtos"})
"""Schemes of which one channel serves everybody: the person's e-mail becomes its `to`."""
SECONDS = "4"
"""For a connection, and for each answer."""
_PUBLIC = frozenset({"cto", "rto", "to", "from", "name", "format", "mode", "smtp", "user", "verify", "overflow", "method"})


class Message(NamedTuple):
    title: str
    body: str


class Answer(NamedTuple):
    """`problem`: why it did not arrive, "" where it did; may quote the server, so it is redacted before anybody reads it."""

    problem: str = ""

    @property
    def arrived(self) -> bool:
        return not self.problem


def is_personal(url: str) -> bool:
    return url.partition(":")[0].strip().lower() in PERSONAL


def address(url: str, to: str = "") -> str:
    """`url` with our time-outs, and `to` in place of whatever it names, where it is personal."""
    parts = urlsplit(url.strip())
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    query.setdefault("cto", SECONDS)
    query.setdefault("rto", SECONDS)
    path = parts.path
    if is_personal(url):
        query.setdefault("format", "text")
        if to:
            query = {**{name: value for name, value in query.items() if name not in {"to", "cc", "bcc"}}, "to": to}
            path = ""
    return f"{parts.scheme}://{parts.netloc}{path}?{urlencode(query, quote_via=quote)}"


def keep_secret(url: str) -> None:
    """Its parts are secrets as much as the whole: a token in the path, a password, a key in the query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return
    account, _, host = parts.netloc.rpartition("@")
    named = [value for name, value in parse_qsl(parts.query) if name not in _PUBLIC]
    user, _, password = account.partition(":")
    found = {password or user, *named, *(piece for piece in [*parts.path.split("/"), host] if _like_a_token(piece))}
    for piece in found:
        Secret.revealed.update(text for text in (piece, unquote(piece)) if len(text) >= 4)


def _like_a_token(piece: str) -> bool:
    return len(piece) >= 8 and "." not in piece and ":" not in piece and bool(re.search(r"[0-9A-Z]", piece))


def send(url: Secret, message: Message, to: str = "") -> Answer:
    """One attempt; seconds, not minutes. `to`: the e-mail of the person, for a personal channel."""
    try:
        said = url.reveal()
    except (OSError, KeyError):
        return Answer(f"{url.where} is not there or cannot be read")
    keep_secret(said)
    try:
        return _send(address(said, to), message)
    except Exception as error:  # a plugin's mistake is that channel's failure and nobody else's
        return Answer(f"{type(error).__name__}: {error}")


def _send(url: str, message: Message) -> Answer:
    try:
        import apprise
    except ImportError:
        return Answer("apprise is not installed: pip install 'syncd[notify]'")
    _quiet()
    channel: Any = apprise.Apprise(asset=_ours(apprise))
    if not channel.add(url):
        return Answer("Apprise does not take this address: its scheme is unknown, or a part of it is missing")
    result = channel.notify(title=message.title, body=message.body, body_format=apprise.NotifyFormat.TEXT)
    if result:
        return Answer()
    said = [str(entry.message) for entry in result.logs() if entry.level in {"WARNING", "ERROR", "CRITICAL"}]
    return Answer("; ".join(said)[:300] or f"not delivered ({result.status.name.lower()})")


def _ours(apprise: Any) -> Any:
    """Our name on it, and no pictures from anybody's server."""
    return apprise.AppriseAsset(
        app_id="syncd", app_desc="on-call rota", app_url="", image_url_mask="", image_url_logo="", async_mode=False
    )


def _quiet() -> None:
    """At DEBUG both print whole requests with their tokens."""
    for name in ("apprise", "urllib3"):
        logger = logging.getLogger(name)
        if logger.getEffectiveLevel() < logging.INFO:
            logger.setLevel(logging.INFO)
