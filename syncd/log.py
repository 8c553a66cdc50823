"""Writes what happened to stderr: readable on a terminal, else one JSON object a line; secrets are taken out last.

Where stderr is the journal each line begins with its priority, which the journal takes off again (sd-daemon(3)).
"""

from __future__ import annotations

import base64
import json
import logging
import os
import re
import sys
from typing import Any, Literal, TextIO
from urllib.parse import quote

import structlog
from structlog.typing import EventDict, WrappedLogger

from syncd.connector import Secret

Format = Literal["auto", "json", "text"]
Logger = structlog.typing.FilteringBoundLogger

MASK = "***"

_KEYS = re.compile(r"(?i)(token|password|passwd|secret|authorization|api[-_]?key|cookie|credential|assertion|private[-_]?key)")
_TEXTS = (
    # Authorization headers, whoever quotes them: `Bearer x`, `Basic x`, `Token token=x`.
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{4,}"), rf"\1 {MASK}"),
    (re.compile(r"(?i)\btoken\s+token=[^\s\"',;]+"), f"Token token={MASK}"),
    # `https://user:password@host`
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^/\s@\"']+@", re.IGNORECASE), rf"\1{MASK}@"),
    # `?access_token=x`, `client_secret: x`, `"password": "x"`, also inside quoted JSON
    (
        re.compile(
            r"(?i)([\w-]*(?:token|password|passwd|secret|api[-_]?key|assertion|authorization|cookie)\\*[\"']?\s*[=:]\s*\\*[\"']?)"
            r"(?!\*\*\*)(?!(?:bearer|basic|token)\b)[^\s\"'\\&,;{}\[\]]+"
        ),
        rf"\1{MASK}",
    ),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)", re.DOTALL), MASK),
)
_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (0, 7))
"""Level of logging → of syslog."""
_NOISY = (
    "urllib3",
    "requests",
    "apprise",
    "caldav",
    "googleapiclient",
    "google",
    "msal",
    "httpx2",
    "httpcore2",
    "httplib2",
    "pagerduty",
)


def redact(text: str) -> str:
    """`text` without any secret read in this process, in whatever coding it may have been sent, or anything shaped like one."""
    text = masked(text)
    for pattern, mask in _TEXTS:
        text = pattern.sub(mask, text)
    return text


def masked(text: str) -> str:
    """`text` without any secret read in this process; in sentences of ours nothing else can be one."""
    for secret in Secret.masked():
        for form in _forms(secret):
            text = text.replace(form, MASK)
    return text


def _forms(secret: str) -> set[str]:
    plain = {secret, *(line.strip() for line in secret.splitlines() if len(line.strip()) >= 16)}
    coded = {quote(secret, safe=""), secret.encode("unicode_escape").decode(), base64.b64encode(secret.encode()).decode()}
    # As text in JSON, and as JSON in JSON.
    once = {json.dumps(form)[1:-1] for form in plain}
    return plain | coded | once | {json.dumps(form)[1:-1] for form in once}


def _clean(value: object, depth: int = 0) -> object:
    """Texts are redacted before they are rendered, too: afterwards their quotes are no longer where a pattern expects them."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict) and depth < 8:
        return {k: MASK if isinstance(k, str) and _KEYS.search(k) else _clean(v, depth + 1) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset) and depth < 8:
        return [_clean(item, depth + 1) for item in value]
    return value


def _values(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Values under a name like `token` are masked whatever they are."""
    return {key: MASK if _KEYS.search(key) else _clean(value) for key, value in event.items()}


def _last(_: WrappedLogger, __: str, rendered: Any) -> str:
    return redact(str(rendered))


class _Stderr(logging.StreamHandler[TextIO]):
    """Writes to whatever stderr is at that moment."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    @stream.setter
    def stream(self, _: TextIO) -> None:
        return


class _Prioritised(structlog.stdlib.ProcessorFormatter):
    """`<3>` before an error, `<6>` before an info, each line of it: the journal reads lines."""

    def format(self, record: logging.LogRecord) -> str:
        priority = next(number for least, number in _PRIORITIES if record.levelno >= least)
        return "\n".join(f"<{priority}>{line}" for line in super().format(record).split("\n"))


def _is_journal(out: TextIO) -> bool:
    """`$JOURNAL_STREAM` is `DEVICE:INODE` of the stream that we were given; it says nothing once that was redirected."""
    try:
        facts = os.fstat(out.fileno())
    except (OSError, ValueError, AttributeError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{facts.st_dev}:{facts.st_ino}"


def configure(level: str = "info", form: Format = "auto", stream: TextIO | None = None) -> None:
    """For the whole process, libraries' logging too. `level`: debug, info, warning, error.

    Every line has `event`, `level` and `timestamp` (UTC).
    """
    out = stream or sys.stderr
    text = form == "text" or (form == "auto" and out.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="%Y-%m-%dT%H:%M:%S.%fZ", utc=True),
    ]
    # A traceback is plain text, without the values of variables: they may be secrets.
    render: list[Any] = (
        [_values, structlog.dev.ConsoleRenderer(colors=out.isatty(), exception_formatter=structlog.dev.plain_traceback)]
        if text
        else [
            structlog.processors.format_exc_info,
            _values,
            structlog.processors.JSONRenderer(sort_keys=True, default=str, ensure_ascii=False),
        ]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = _Stderr() if stream is None else logging.StreamHandler(stream)
    formatter = _Prioritised if _is_journal(out) else structlog.stdlib.ProcessorFormatter
    handler.setFormatter(
        formatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render, _last],
            foreign_pre_chain=shared,
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # At DEBUG these print whole requests with their credentials; at INFO, a line for each.
    least = logging.INFO if root.level <= logging.DEBUG else max(logging.WARNING, root.level)
    for name in _NOISY:
        logging.getLogger(name).setLevel(least)


def logger(**names: object) -> Logger:
    """A logger whose lines carry `names`, such as `destination` and `run`."""
    bound: Logger = structlog.get_logger().bind(**names)
    return bound
