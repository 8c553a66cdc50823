"""Touches the outside world: one message to one address through Apprise, within seconds, and what became of it.

Nothing here raises: an address that is wrong, refused or dead is an answer. Apprise is imported by the first message.
"""

from __future__ import annotations

import logging
import re
from importlib.util import find_spec
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from syncd.connector import Secret
from syncd.notify.answers import hearing, refusal

PERSONAL = frozenset({"mailto", "mailtos"})
"""Schemes of which one channel serves everybody: the person's e-mail becomes its `to`."""
SECONDS = "4"
"""For a connection, and for each answer."""
INSTALL = "pip install 'syncd[notify]'"
_NOT_TAKEN = "Apprise does not take this address: its scheme is unknown, or a part of it is missing"
_REST = "\n… and more: `syncd history`\n"
_LONGEST = {
    "twilio": 1_500, "workflows": 20_000, "wecombot": 2_000, "tgram": 3_600, "feishu": 8_000, "dingtalk": 8_000,
    "mailto": 500_000, "mailtos": 500_000,
}  # fmt: skip
"""Where what Apprise says is not what the vendor takes: an SMS is sent in parts, markup and escapes make a text longer."""
_PUBLIC = frozenset({"cto", "rto", "to", "from", "name", "format", "mode", "smtp", "user", "verify", "overflow", "method"})


class Message(NamedTuple):
    title: str
    body: str


class Answer(NamedTuple):
    """`problem`: why it did not arrive, "" where it did; `said`: the receiver's last words. Both may quote the server, so they
    are redacted before anybody reads them. `after`: seconds for which it wants to hear nothing.
    """

    problem: str = ""
    said: str = ""
    after: float | None = None

    @property
    def arrived(self) -> bool:
        return not self.problem


def installed() -> bool:
    """Whether Apprise, an extra, is there."""
    return find_spec("apprise") is not None


def problem_of(url: str) -> str:
    """Why Apprise would not send to this address, or ""; nothing is sent. Only where it is installed."""
    import apprise

    _quiet()
    try:
        return "" if apprise.Apprise(asset=_ours(apprise)).add(address(url, "somebody@example.com")) else _NOT_TAKEN
    except Exception as error:  # a plugin's mistake
        return f"{_NOT_TAKEN} ({type(error).__name__})"


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
    if not installed():
        return Answer(f"Apprise is not installed: {INSTALL}")
    import apprise

    _quiet()
    channel: Any = apprise.Apprise(asset=_ours(apprise))
    if not channel.add(url):
        return Answer(_NOT_TAKEN)
    [plugin] = channel
    scheme = url.partition(":")[0].lower()
    fitting = _fitting(message, _most(scheme, plugin))
    with hearing(plugin) as heard:
        result = channel.notify(title=fitting.title, body=fitting.body, body_format=apprise.NotifyFormat.TEXT)
    last = next((one for one in reversed(heard) if not one.good), heard[-1] if heard else None)
    after = max((one.after for one in heard if one.after is not None), default=None)
    if result:
        why = next((why for one in heard if (why := refusal(scheme, one))), "")
        return Answer(why, last.words if last else "", after)
    told = [str(entry.message) for entry in result.logs() if entry.level in {"WARNING", "ERROR", "CRITICAL"}]
    told += [last.words] if last else []
    return Answer("; ".join(told)[:500] or f"not delivered ({result.status.name.lower()})", last.words if last else "", after)


def _most(scheme: str, plugin: Any) -> int:
    """Bytes that the vendor takes of one text: beyond that it refuses all of it."""
    return _LONGEST.get(scheme) or max(1_500, int(plugin.body_maxlen))


def _fitting(message: Message, most: int) -> Message:
    """Whole lines, as many as there is room for; the rest can be read elsewhere."""
    room = most - len(message.title.encode()) - len(_REST.encode())
    if len(message.body.encode()) <= room:
        return message
    lines = []
    for line in message.body.splitlines():
        room -= len(line.encode()) + 2
        if room < 0:
            break
        lines.append(line)
    return message._replace(body="\n".join(lines).rstrip() + _REST)


def _ours(apprise: Any) -> Any:
    """Our name on it, no pictures from anybody's server; on this thread, as all channels share Apprise's few of its own."""
    return apprise.AppriseAsset(
        app_id="syncd",
        app_desc="on-call rota",
        app_url="",
        image_url_mask="",
        image_url_logo="",
        async_mode=False,
        service_timeout=0,
    )


def _quiet() -> None:
    """At DEBUG both print whole requests with their tokens; and what Apprise has to say of each attempt, we say once."""
    for name in ("apprise", "urllib3"):
        logger = logging.getLogger(name)
        if logger.getEffectiveLevel() < logging.INFO:
            logger.setLevel(logging.INFO)
    apprise = logging.getLogger("apprise")
    if apprise.propagate:
        apprise.propagate = False
        apprise.addHandler(logging.NullHandler())
