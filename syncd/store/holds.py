"""Changes that wait for a human; an answer releases those of them that still stand, and only those (MERGE.md rule 16)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from syncd.core.model import Instant
from syncd.store.errors import NotFound
from syncd.store.session import Row, Session
from syncd.store.text import dumps, loads

SHORTEST_PREFIX = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """`changes`: as `syncd holds` shows them. `identities`: by which the engine knows them again; free of the time."""

    destination: str
    digest: str
    reason: str
    changes: tuple[Any, ...]
    identities: frozenset[str]
    since: Instant
    answered_by: str | None = None
    answered_at: Instant | None = None


class Holds:
    def __init__(self, session: Session) -> None:
        self._session = session

    def put(
        self, destination: str, digest: str, *, reason: str, changes: Iterable[Any], identities: Iterable[str], since: Instant
    ) -> bool:
        """Whether it is a new one; a hold that is open or answered already stays as it is."""
        return (
            self._session.change(
                "INSERT INTO holds (destination, digest, reason, changes, identities, since, state)"
                " VALUES (:destination, :digest, :reason, :changes, :identities, :since, 'open')"
                " ON CONFLICT (destination, digest) DO UPDATE SET reason = excluded.reason, changes = excluded.changes,"
                " identities = excluded.identities, since = excluded.since, state = 'open', actor = NULL, answered_at = NULL"
                " WHERE holds.state = 'closed'",
                destination=destination,
                digest=digest,
                reason=reason,
                changes=dumps(list(changes)),
                identities=dumps(sorted(identities)),
                since=since,
            )
            > 0
        )

    def open(self, destination: str | None = None) -> tuple[Hold, ...]:
        """What waits for an answer, oldest first; everywhere where no destination is named."""
        return self._in("open", destination)

    def answered(self, destination: str | None = None) -> tuple[Hold, ...]:
        """What was answered and is not closed yet."""
        return self._in("answered", destination)

    def answer(self, digest: str, *, by: str, at: Instant) -> Hold:
        """Releases the open hold whose digest begins so. Raises `NotFound` unless it is exactly one."""
        prefix = digest.strip().lower()
        if len(prefix) < SHORTEST_PREFIX:
            raise NotFound(f"{digest!r} is too short: {SHORTEST_PREFIX} digits of a hold's digest are needed")
        found = [hold for hold in self.open() if hold.digest.startswith(prefix)]
        if not found:
            raise NotFound(f"no hold {digest} waits for an answer; `syncd holds` lists those that do")
        if len(found) > 1:
            raise NotFound(f"{digest} is the beginning of {len(found)} holds: {', '.join(hold.digest for hold in found)}")
        self._session.change(
            "UPDATE holds SET state = 'answered', actor = :actor, answered_at = :at"
            " WHERE destination = :destination AND digest = :digest",
            destination=found[0].destination,
            digest=found[0].digest,
            actor=by,
            at=at,
        )
        return next(hold for hold in self.answered(found[0].destination) if hold.digest == found[0].digest)

    def released(self, destination: str) -> frozenset[str]:
        """Identities of changes that a human let go on."""
        return frozenset().union(*(hold.identities for hold in self.answered(destination)))

    def close(self, destination: str, digest: str) -> bool:
        """It was done, or nothing of it stands any more. Whether it was open or answered."""
        sql = "UPDATE holds SET state = 'closed' WHERE destination = :destination AND digest = :digest AND state <> 'closed'"
        return self._session.change(sql, destination=destination, digest=digest) > 0

    def close_all(self, destination: str) -> int:
        """How many were open or answered."""
        sql = "UPDATE holds SET state = 'closed' WHERE destination = :destination AND state <> 'closed'"
        return self._session.change(sql, destination=destination)

    def _in(self, state: str, destination: str | None) -> tuple[Hold, ...]:
        where, values = ("", {}) if destination is None else (" AND destination = :destination", {"destination": destination})
        sql = f"SELECT * FROM holds WHERE state = :state{where} ORDER BY since, destination, digest"  # noqa: S608 - text of ours
        return tuple(_hold(row) for row in self._session.rows(sql, state=state, **values))


def _hold(row: Row) -> Hold:
    return Hold(
        destination=row["destination"],
        digest=row["digest"],
        reason=row["reason"],
        changes=tuple(loads(row["changes"])),
        identities=frozenset(loads(row["identities"])),
        since=row["since"],
        answered_by=row["actor"],
        answered_at=row["answered_at"],
    )
