"""What a human wrote at a destination and the rota displaced or could not say, until somebody restores it or lets it be (I4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from syncd.core.model import Instant
from syncd.store.session import Row, Session
from syncd.store.text import count, dumps, loads, short


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """`rota` and `destination_had`: what either side said, as JSON. `done`: what became of it, in words."""

    id: str
    destination: str
    role: str
    start: Instant
    end: Instant
    rota: Any
    destination_had: Any
    done: str
    since: Instant
    closed_at: Instant | None = None
    closed_by: str | None = None
    closed_how: str | None = None


class Conflicts:
    def __init__(self, session: Session, instance: str) -> None:
        self._session = session
        self._instance = instance

    def put(
        self,
        id: str,  # noqa: A002 - as it is called in JSON
        destination: str,
        *,
        role: str,
        start: Instant,
        end: Instant,
        rota: Any,
        destination_had: Any,
        done: str,
        since: Instant,
    ) -> str:
        """Its id, new where `id` is empty. One that is there already, open or closed, stays as it is."""
        if id and self.get(id) is not None:
            return id
        place = count(self._session, "conflicts")
        attempt = 0
        named = id
        while not named or (not id and self.get(named) is not None):
            named = short("cf", self._instance, destination, place, attempt)
            attempt += 1
        self._session.insert(
            "conflicts",
            id=named,
            place=place,
            destination=destination,
            role=role,
            starts=start,
            ends=end,
            rota=dumps(rota),
            destination_had=dumps(destination_had),
            done=done,
            since=since,
        )
        return named

    def get(self, id: str) -> Conflict | None:  # noqa: A002 - as it is called in JSON
        found = self._session.row("SELECT * FROM conflicts WHERE id = :id", id=id)
        return None if found is None else _conflict(found)

    def open(self, destination: str | None = None) -> tuple[Conflict, ...]:
        """Oldest first; everywhere where no destination is named."""
        where, values = ("", {}) if destination is None else (" AND destination = :destination", {"destination": destination})
        sql = f"SELECT * FROM conflicts WHERE closed_at IS NULL{where} ORDER BY place"  # noqa: S608 - text of ours
        return tuple(_conflict(row) for row in self._session.rows(sql, **values))

    def close(self, id: str, *, by: str, at: Instant, how: str) -> bool:  # noqa: A002 - as it is called in JSON
        """`how`: restored, dismissed, settled. Whether it was open."""
        sql = "UPDATE conflicts SET closed_at = :at, closed_by = :actor, closed_how = :how WHERE id = :id AND closed_at IS NULL"
        return self._session.change(sql, id=id, at=at, actor=by, how=how) > 0


def _conflict(row: Row) -> Conflict:
    return Conflict(
        id=row["id"],
        destination=row["destination"],
        role=row["role"],
        start=row["starts"],
        end=row["ends"],
        rota=loads(row["rota"]),
        destination_had=loads(row["destination_had"]),
        done=row["done"],
        since=row["since"],
        closed_at=row["closed_at"],
        closed_by=row["closed_by"],
        closed_how=row["closed_how"],
    )
