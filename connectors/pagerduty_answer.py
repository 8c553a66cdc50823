"""An answer of PagerDuty's: its status, the server's clock, how long to wait, and the vendor's own words for what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

from syncd.core.model import Instant

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


def _date(text: str) -> Instant | None:
    try:
        return int(parsedate_to_datetime(text).timestamp())
    except (TypeError, ValueError, OverflowError):
        return None
