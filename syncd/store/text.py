"""How values become text in a column and short names for people."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import datetime
from typing import Any

from syncd.core.model import Instant
from syncd.store.errors import StoreError
from syncd.store.session import Session

_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's: nothing in it is taken for something else when it is read aloud."""


def dumps(value: object) -> str:
    """One text for equal values: they are compared, and chained, as text."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def loads(text: str) -> Any:
    """What `dumps` wrote. Raises `StoreError` for anything else: the file is damaged where no check of its pages shows it."""
    try:
        return json.loads(text)
    except (ValueError, TypeError):
        raise StoreError(f"the store is damaged: {text!r:.60} was not written by syncd. Put back a copy of it.") from None


def short(prefix: str, *parts: object) -> str:
    """`ov-7k2mqx`: six letters of the digest of `parts`."""
    number = int.from_bytes(hashlib.sha256(dumps([str(part) for part in parts]).encode()).digest()[:8], "big")
    letters = []
    for _ in range(6):
        number, digit = divmod(number, 32)
        letters.append(_LETTERS[digit])
    return f"{prefix}-{''.join(letters)}"


_START = re.compile(r"/([0-9]{8}T[0-9]{6}Z)/[^/]*\Z")


def start_of(key: str) -> Instant | None:
    """When the shift of that key starts (`SCHEDULE/ROLE/START/SLOT`); None where it does not say."""
    found = _START.search(key)
    try:
        return None if found is None else int(datetime.strptime(f"{found[1]}+0000", "%Y%m%dT%H%M%SZ%z").timestamp())
    except ValueError:
        return None


def count(session: Session, name: str) -> int:
    """The next number of that name: 1, 2, 3 …; never one twice."""
    if session.change("UPDATE counters SET value = value + 1 WHERE name = :name", name=name) == 0:
        session.change("INSERT INTO counters (name, value) VALUES (:name, 1)", name=name)
    found = session.row("SELECT value FROM counters WHERE name = :name", name=name)
    assert found is not None  # noqa: S101 - written just now
    return int(found["value"])
