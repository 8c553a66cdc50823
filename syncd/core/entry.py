"""What stands at a destination, and what a destination can say: the far side of every comparison."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from syncd.core.model import Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a destination can say and do."""

    exclusive: bool = False
    """Whoever it shows is paged, so others' entries count too (a pager); else only ours are assignments (a calendar)."""
    stacked: bool = False
    """Of entries that overlap the one created last is on top; the observation says which (PagerDuty's overrides)."""
    renders: bool = False
    """It tells itself whom it pages (`Observation.paged`); else its entries do."""
    markers: bool = True
    own_ids: bool = True
    """The client chooses the id, so that a create sent twice makes one entry."""
    native_update: bool = True
    edits_past: bool = False
    people: int | None = None
    """How many it can show at once; None: any number."""
    shortest: int = 1
    """Seconds of the shortest entry it takes."""
    grain: int = 1
    """Seconds that its times are multiples of."""
    calls: int = 1
    """How many calls it takes at once. A connector serves so many threads, each on a connection of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What stands at a destination. `person`: an id of the rota, or None where nobody or several were recognised."""

    ref: str
    uid: str
    start: Instant
    end: Instant
    person: str | None
    title: str = ""
    """What a human reads there; for a pager the name or address of whoever is not known to the rota."""
    version: str | None = None
    marker: str | None = None
    over: str | None = None
    """The ref of the entry that this one lies over: while it does, that one's person is not on. `person` None without a title:
    nobody is."""


class Absent(NamedTuple):
    """Somebody of the rota whom a destination cannot put on call: since when that is known; a sentence why, and what to do."""

    since: Instant
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Paged:
    """Whom a destination that renders its rota pages in `[start, end)`: `ref` is the entry that says so, None its own layers."""

    start: Instant
    end: Instant
    person: str | None
    title: str = ""
    ref: str | None = None
