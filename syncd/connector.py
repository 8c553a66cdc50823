"""The contract that a destination implements, and the words it is written in.

    ENTRY     a shift as it stands at a destination: what it says (person, start, end), its REF and its VERSION
    REF       the destination's own address of an entry (a file name, a path, an event id, an override id)
    VERSION   changes whenever the entry changes, by whosever hand (an etag); None where the destination has none
    UID       the id an entry was created with; a MARKER is bound to it, so that a copied entry is nobody's
    MARKER    text of ours that the destination keeps beside the entry and no human sees; opaque here
    OWN       written by us; everything else is FOREIGN, and a connector returns both

A connector talks to one destination and has no opinion. It must not retry, sleep, log, cache between cycles, read
the clock, look at modes, turn an error into an empty list, or invite anybody. It raises:

    ConnectorError
    ├── Unavailable   no answer, or a passing refusal. A write's outcome is UNKNOWN unless `refused`
    ├── Denied        the credential is refused, or lacks a right
    ├── Rejected      this one request is refused for good
    │   └── Stale     ... because the entry is no longer at the version named, or its id is already taken
    └── Unsupported   the destination is of a kind that this connector cannot serve

Anything else that it raises is a bug, which stops this destination alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

from syncd.core.entry import Absent, Capabilities, Entry, Paged
from syncd.core.model import Instant, Person, Role, Schedule, Shift, Window


class ConnectorError(Exception):
    """Its text is one sentence for the admin: what happened and what to do. Never a secret."""


LONGEST_WAIT = 1e9
"""Seconds. Whoever asks for more asks for this: clocks and locks have to be able to say it."""


class Unavailable(ConnectorError):
    """`after`: seconds the destination asks us to wait. `refused`: certainly nothing was done (a 429)."""

    def __init__(self, text: str, *, after: float | None = None, refused: bool = False) -> None:
        super().__init__(text)
        self.after = after if after is None or after < LONGEST_WAIT else LONGEST_WAIT
        self.refused = refused


class Denied(ConnectorError):
    pass


class Rejected(ConnectorError):
    pass


class Stale(Rejected):
    pass


class Unsupported(ConnectorError):
    pass


class Secret:
    """A secret of the configuration; read where it lies when it is needed, never printed."""

    __slots__ = ("_source", "where")
    revealed: ClassVar[set[str]] = set()
    """What was read so far in this process."""

    def __init__(self, where: str, source: Any) -> None:
        self.where = where
        """`file /run/secrets/x`, `environment TOKEN`, `credential pagerduty-token`."""
        self._source = source

    def reveal(self) -> str:
        """The secret, without the line end. Raises `OSError` or `KeyError` where it is not there."""
        text = str(self._source())
        Secret.revealed.add(text)
        return text

    @classmethod
    def masked(cls) -> list[str]:
        """What is taken out of all that is told, the longest first; less than four signs cannot be told from ordinary text."""
        return sorted((text for text in tuple(cls.revealed) if len(text) >= 4), key=len, reverse=True)

    def __repr__(self) -> str:
        return "***"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A complete look at `window` and at every known ref. A partial one is an error, never an `Observation`.

    A known ref that is neither in `entries` nor in `same` was looked for by itself and is gone (W11).
    """

    entries: tuple[Entry, ...]
    same: frozenset[str] = frozenset()
    """Known refs that stand at the version known, so that their content was not fetched again."""
    paged: tuple[Paged, ...] = ()
    """Whom the destination says it pages (`capabilities.renders`): its final rota, whatever its entries say."""
    rendered: bool = True
    """False: its final rota was not asked for in this look, so that the `paged` of the last one still holds."""
    missing: Mapping[str, Absent] = field(default_factory=dict)
    """People of the rota whom the destination cannot put on call (row 15). Nothing is sent for them until a look no longer has
    them here, so a connector looks for their accounts again now and then."""
    server_time: Instant | None = None
    fingerprint: str = ""
    """Account and calendar, without secrets: another one behind the same name stops everything."""
    found: Mapping[str, str] = field(default_factory=dict)
    """What opening it found (a calendar's URL, accounts); given back next time as `Site.found`. What later calls of the same
    connector learn may still be added, so it is read after the last of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One write: the deterministic `uid` of its entry (letters a-v and digits), and the marker to keep with it."""

    uid: str
    marker: str
    untouched: bool = False
    """Of a replace: the entry is at the version that our own last write left, so all that is in it is ours. Else a human may
    have added to it, and that is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What a connector is told of the rota it shows; no store, no other destination's secrets."""

    destination: str
    schedule: Schedule
    role: Role
    people: Mapping[str, Person]
    found: Mapping[str, str] = field(default_factory=dict)
    state: Path | None = None
    """The directory of the program's own files, for what a user's sign-in gave; None: it keeps none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of `doctor`: what was looked at, whether it is well, and what to do if not."""

    what: str
    ok: bool
    text: str
    remedy: str = ""
    server_time: Instant | None = None
    """The destination's clock, where this line is about it: whoever asked compares it with their own (F45)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A schedule or calendar that is there. `options`: those that name it, for a destination. `note`: why it may not do."""

    id: str
    name: str
    options: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


@runtime_checkable
class Connector(Protocol):
    Options: ClassVar[type]
    """A dataclass whose fields are the allowed keys under `options:` (str, int, bool, Path, Secret, or optional)."""
    capabilities: ClassVar[Capabilities]

    def __init__(self, options: Any, site: Site) -> None:
        """Opens nothing: the first call does."""

    def read(self, window: Window, known: Mapping[str, str]) -> Observation:
        """Every entry, own and foreign, that shares an instant with `window`; each of `known` (ref → version) wherever it is."""

    def wording(self, shift: Shift) -> str:
        """All that a human would read in `shift`'s entry, the title as its first line; "" where there are no words."""

    def create(self, shift: Shift, op: Operation) -> Entry: ...

    def replace(self, entry: Entry, shift: Shift, op: Operation) -> Entry:
        """`entry` as it was seen; `Stale` if it is no longer that. Only where `capabilities.native_update`.

        Person, time, title and marker are said anew; what else a human made of the entry stays, a description they changed too.
        Where anything of theirs stays the answer has no version, so that the entry is never taken for ours alone.
        """

    def delete(self, entry: Entry, op: Operation) -> None:
        """Already gone is success; `Stale` if it is no longer as it was seen."""

    def doctor(self) -> Iterable[Finding]:
        """Credentials, rights, flavour, clock: each in the vendor's own words with what to click."""

    def close(self) -> None:
        """Connections are given back; the connector may be used again."""


@runtime_checkable
class CreatesMany(Protocol):
    """For vendors that take several in one call and answer for each."""

    batch: ClassVar[int]

    def create_many(self, shifts: Sequence[Shift], ops: Sequence[Operation]) -> Sequence[Entry | ConnectorError]:
        """One outcome an item, in order; raises only where the call as a whole failed."""


@runtime_checkable
class Listing(Protocol):
    """For vendors that tell which schedules or calendars there are: `syncd link`."""

    def places(self) -> Sequence[Place]: ...


@runtime_checkable
class Telling(Protocol):
    """For vendors whose schedule is a rota of its own."""

    def original(self, window: Window) -> Mapping[str, Any]:
        """The vendor's own words (its JSON) for the schedule of the options, what it shows in `window`, and who is who."""


__all__ = [
    "Absent", "Capabilities", "Connector", "ConnectorError", "CreatesMany", "Denied", "Entry", "Finding", "Listing",
    "Observation", "Operation", "Paged", "Place", "Rejected", "Secret", "Site", "Stale", "Telling", "Unavailable", "Unsupported",
]  # fmt: skip
