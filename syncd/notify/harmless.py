"""Makes what others wrote harmless in a text: it ends no line, moves no cursor, calls nobody and opens no link of its own."""

from __future__ import annotations

import unicodedata

LONGEST = 300
"""Characters of one value in a text; names and reasons may be of any length."""
_JOINERS = "\u200c\u200d"
"""Written languages and pictures need them; they move nothing."""
_ISOLATE, _END = "\u2068", "\u2069"
_CHAT = str.maketrans({"<": "‹", ">": "›", "`": "'", "@": "@\u2060"})
"""Mentions (`<!channel>`, `<at …>`, `@all`), tags and links begin with these."""


def value(text: str, *, chat: bool, longest: int = LONGEST) -> str:
    """`text` as part of a line. `chat`: where it goes markup and mentions may count, which in a plain mail they do not."""
    said = " ".join("".join(char if _plain(char) else " " for char in text).split())
    said = said if len(said) <= longest else said[: longest - 1].rstrip() + "…"
    if chat:
        said = said.translate(_CHAT).replace("](", "] (")
    return f"{_ISOLATE}{said}{_END}" if any(unicodedata.bidirectional(char) in {"R", "AL"} for char in said) else said


def line(text: str) -> str:
    """Whatever ends a line or commands a terminal becomes a space; what `value` has put in stays."""
    return "".join(char if _plain(char) or char in f"{_ISOLATE}{_END}\u2060" else " " for char in text)


def _plain(char: str) -> bool:
    return char.isprintable() or char in _JOINERS
