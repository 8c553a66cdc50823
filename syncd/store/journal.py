"""Everything that happened, appended and never changed: each row is chained to the one before (PROTOCOL.md section 6)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from syncd.core.model import Instant
from syncd.store.session import Row, Session
from syncd.store.text import dumps, loads

_BEGIN = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A row of `syncd history`. `entry`: what it is about (a ref or a key); `old` and `new`: values as JSON."""

    id: int
    at: Instant
    run: str
    destination: str | None
    event: str
    actor: str
    entry: str | None
    old: object
    new: object
    digest: str | None
    """Of the plan that it was part of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What following the chain found; `head` is the last link, to be kept elsewhere by whoever wants to."""

    rows: int
    head: str
    problems: tuple[str, ...]


class Journal:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(
        self,
        *,
        at: Instant,
        event: str,
        run: str = "",
        destination: str | None = None,
        actor: str = "syncd",
        entry: str | None = None,
        old: object = None,
        new: object = None,
        digest: str | None = None,
    ) -> int:
        """Its number: 1, 2, 3 …"""
        head = self._head()
        place, before = (1, _BEGIN) if head is None else (int(head["place"]) + 1, str(head["chain"]))
        line = {
            "place": place,
            "at": at,
            "run": run,
            "destination": destination,
            "event": event,
            "actor": actor,
            "entry": entry,
            "old": dumps(old),
            "new": dumps(new),
            "digest": digest,
        }
        chain = _link(before, line)
        self._session.insert(
            "journal",
            **line,
            chain=chain,
        )
        self._session.change(
            "INSERT INTO journal_head (name, place, chain) VALUES ('journal', :place, :chain)"
            " ON CONFLICT (name) DO UPDATE SET place = excluded.place, chain = excluded.chain",
            place=place,
            chain=chain,
        )
        return place

    def list(
        self,
        *,
        destination: str | None = None,
        run: str | None = None,
        event: str | None = None,
        since: Instant | None = None,
        until: Instant | None = None,
        limit: int | None = None,
    ) -> tuple[Line, ...]:
        """Newest first; `since` counts, `until` no longer does."""
        where, values = _filter(destination=destination, run=run, event=event, since=since, until=until)
        end = "" if limit is None else f" LIMIT {int(limit)}"
        found = self._session.rows(f"SELECT * FROM journal{where} ORDER BY place DESC{end}", **values)  # noqa: S608 - text of ours
        return tuple(_line(row) for row in found)

    def count(self, event: str, *, destination: str | None = None, since: Instant | None = None) -> int:
        where, values = _filter(destination=destination, run=None, event=event, since=since, until=None)
        return int(self._session.rows(f"SELECT count(*) AS n FROM journal{where}", **values)[0]["n"])  # noqa: S608 - text of ours

    def verify(self) -> Audit:
        """A row that was changed, deleted (the last one too), added or moved is a problem, named by its number."""
        problems, count = [], 0
        place, before = 0, _BEGIN
        for row in self._all():
            count += 1
            if row["place"] != place + 1:
                problems.append(f"between line {place} and line {row['place']} something was deleted")
            elif row["chain"] != _link(before, {name: row[name] for name in _CHAINED}):
                problems.append(f"line {row['place']} is not what was written")
            place, before = int(row["place"]), str(row["chain"])
        head = self._head()
        if (place, before) != ((0, _BEGIN) if head is None else (head["place"], head["chain"])):
            problems.append(f"line {place} is not the last that was written")
        return Audit(rows=count, head=before, problems=tuple(problems))

    def _all(self) -> Iterator[Row]:
        """From the first on, a thousand at a time: the journal of years need not fit into memory."""
        sql = "SELECT * FROM journal WHERE place > :after ORDER BY place LIMIT 1000"
        found = self._session.rows("SELECT * FROM journal ORDER BY place LIMIT 1000")
        while found:
            yield from found
            found = self._session.rows(sql, after=found[-1]["place"])

    def _head(self) -> Row | None:
        return self._session.row("SELECT place, chain FROM journal_head WHERE name = 'journal'")


_CHAINED = ("place", "at", "run", "destination", "event", "actor", "entry", "old", "new", "digest")


def _link(before: str, line: dict[str, object]) -> str:
    return hashlib.sha256(f"{before}\n{dumps(line)}".encode()).hexdigest()


def _filter(
    *, destination: str | None, run: str | None, event: str | None, since: Instant | None, until: Instant | None
) -> tuple[str, dict[str, object]]:
    asked = {"destination": destination, "run": run, "event": event, "since": since, "until": until}
    values: dict[str, object] = {name: value for name, value in asked.items() if value is not None}
    said = {"since": "at >= :since", "until": "at < :until"}
    conditions = [said.get(name, f"{name} = :{name}") for name in values]
    return (" WHERE " + " AND ".join(conditions) if conditions else ""), values


def _line(row: Row) -> Line:
    return Line(
        id=row["place"],
        at=row["at"],
        run=row["run"],
        destination=row["destination"],
        event=row["event"],
        actor=row["actor"],
        entry=row["entry"],
        old=loads(row["old"]),
        new=loads(row["new"]),
        digest=row["digest"],
    )
