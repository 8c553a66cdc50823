"""What we remember of a destination: the values that the ledger keeps, one per table row."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from syncd.core.model import Instant


class Value(NamedTuple):
    """What an entry says: one person, one period, one lane (a place at the destination for one person)."""

    person: str
    start: Instant
    end: Instant
    lane: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An entry that is ours, kept until it is seen gone (W7). One row a ref."""

    ref: str
    uid: str
    key: str
    generation: int
    op: str
    """The operation whose marker the entry bore when `accepted` was set; another marker there is newer than this row."""
    accepted: Value
    """What both sides last agreed that it says (base)."""
    version: str | None = None
    """Of the entry after our last write, while `accepted` is what that write said: where versions are made of the content an
    entry may come back to it, and would be taken for untouched."""
    order: int = 0
    """Rises with every create: what was created last is on top (S)."""
    doubt: str = ""
    """Empty, or the action whose outcome is unknown: `replace` (base unknown, W8) or `delete` (never rely on it, W5)."""


class Piece(NamedTuple):
    """S: what was agreed of `[start, end)`, which ref was on top then, and which refs lay there (W10)."""

    start: Instant
    end: Instant
    person: str | None
    top: str | None
    seen: tuple[str, ...] = ()
    agreed: bool = True
    """False: nothing was agreed, these refs were only seen (MERGE.md rule 7)."""


class Action(StrEnum):
    CREATE = "create"
    REPLACE = "replace"
    DELETE = "delete"
    SIGN = "sign"


class Outcome(StrEnum):
    APPLIED = "applied"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A write that was about to be sent (W1). Open until its outcome is known, by answer or by reading."""

    op: str
    run: str
    action: Action
    key: str
    generation: int
    uid: str
    ref: str | None = None
    """Of the entry replaced or deleted."""
    before: Value | None = None
    after: Value | None = None
    version: str | None = None
    seen: tuple[str, ...] = ()
    """S: refs that stood there when it was sent: an equal entry not among them is this one (W4)."""
    at: Instant = 0


class Echo(NamedTuple):
    """A create that was never confirmed; for a day an entry like it is taken for ours (W4)."""

    op: str
    uid: str
    value: Value
    seen: tuple[str, ...]
    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """Where an imported override came from: that version of that entry is never imported twice (MERGE.md rule 11)."""

    override: str
    ref: str
    version: str
    start: Instant
    end: Instant
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """All that is remembered of one destination, as one value."""

    rows: tuple[Row, ...] = ()
    pieces: tuple[Piece, ...] = ()
    intents: tuple[Intent, ...] = ()
    echoes: tuple[Echo, ...] = ()
    imports: tuple[Imported, ...] = ()
    generations: dict[str, int] = field(default_factory=dict)
    """Key → highest generation ever used, also of entries long gone (W3)."""
