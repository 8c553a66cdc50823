"""How each destination stands, configured or removed; and who wants it looked at before its time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from syncd.core.model import Instant
from syncd.store.session import Row, Session
from syncd.store.text import dumps, loads


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """What is remembered of a destination besides its entries. Settings never have their secrets."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    mode: str | None = None
    """Mode, role and schedule of the last cycle that was done: another one holds the dangerous part (section 7)."""
    role: str | None = None
    schedule: str | None = None
    fingerprint: str | None = None
    """Account and calendar whose entries the ledger knows (F10)."""
    acknowledged: str | None = None
    """A human's answer: the fingerprint, or `mode/role/schedule`, that may be written to all the same."""
    status: str | None = None
    since: Instant | None = None
    reason: str = ""
    spared: bool = False
    """Of that status only a hold has told, to those who hear of holds."""
    last_cycle: Instant | None = None
    """The end of the last full one."""
    last_try: Instant | None = None
    next_due: Instant | None = None
    next_unexported: Instant | None = None
    differs_seconds: int | None = None
    failures: int = 0
    found: Mapping[str, str] = field(default_factory=dict)
    """What opening it found: given back to the connector next time."""
    wall: Instant | None = None
    """The clock at the last cycle (F45)."""
    answered: int = 0
    """How often it was `wanted` when the last cycle began."""
    removed: bool = False
    """No longer configured; its entries are left as they are."""
    more: Mapping[str, Any] = field(default_factory=dict)
    """What else the engine wants to find again, as JSON: `zones`, the clock changes ahead as they were known at the last cycle
    that was done, and `until` when (F20)."""


class Destinations:
    def __init__(self, session: Session) -> None:
        self._session = session

    def names(self) -> tuple[str, ...]:
        """Removed ones too."""
        return tuple(row["name"] for row in self._session.rows("SELECT name FROM destinations ORDER BY name"))

    def get(self, name: str) -> Destination | None:
        found = self._session.row("SELECT * FROM destinations WHERE name = :name", name=name)
        return None if found is None else _destination(found)

    def all(self) -> tuple[Destination, ...]:
        return tuple(_destination(row) for row in self._session.rows("SELECT * FROM destinations ORDER BY name"))

    def put(self, destination: Destination) -> bool:
        """Whether anything was new."""
        standing = asdict(destination)
        name, next_due, answered = standing.pop("name"), standing.pop("next_due"), standing.pop("answered")
        if self.get(name) == destination:
            return False
        self._session.put(
            "destinations",
            ("name",),
            name=name,
            next_due=next_due,
            answered=answered,
            standing=dumps(standing),
        )
        return True

    def want(self, names: Iterable[str]) -> None:
        """To be looked at as soon as may be, also where a cycle is under way: that one may have looked too early."""
        for name in names:
            self._session.change(
                "INSERT INTO wanted (destination, times) VALUES (:name, 1)"
                " ON CONFLICT (destination) DO UPDATE SET times = wanted.times + 1",
                name=name,
            )

    def wanted(self, name: str) -> int:
        """How often it was; a cycle reads it when it begins and leaves it as `answered` when it is done."""
        found = self._session.row("SELECT times FROM wanted WHERE destination = :name", name=name)
        return 0 if found is None else int(found["times"])

    def due(self, now: Instant) -> tuple[str, ...]:
        """Those whose time has come, the longest overdue first, and those that are wanted. Never one that was removed."""
        found = self._session.rows(
            "SELECT d.* FROM destinations d LEFT JOIN wanted w ON w.destination = d.name"
            " WHERE d.next_due IS NULL OR d.next_due <= :now OR w.times > d.answered ORDER BY coalesce(d.next_due, 0), d.name",
            now=now,
        )
        return tuple(one.name for one in map(_destination, found) if not one.removed)

    def forget(self, name: str) -> bool:
        self._session.change("DELETE FROM wanted WHERE destination = :name", name=name)
        return self._session.change("DELETE FROM destinations WHERE name = :name", name=name) > 0


def _destination(row: Row) -> Destination:
    return Destination(name=row["name"], next_due=row["next_due"], answered=row["answered"], **loads(row["standing"]))
