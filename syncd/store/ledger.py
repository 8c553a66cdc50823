"""What we remember of each destination's entries, a row each. What is equal is not written again (I11)."""

from __future__ import annotations

from collections.abc import Iterable

from syncd.core.record import Action, Echo, Imported, Intent, Memory, Outcome, Piece, Row, Value
from syncd.store.session import Row as Stored
from syncd.store.session import Session
from syncd.store.text import count, dumps, loads, start_of

_TABLES = ("entries", "pieces", "intents", "echoes", "imports", "generations", "observations", "observed")


class Ledger:
    def __init__(self, session: Session) -> None:
        self._session = session

    def memory(self, destination: str) -> Memory:
        """All of it; rows in the order of their creation, intents, echoes and imports in that of recording."""

        def all_of(table: str, order: str) -> list[Stored]:
            sql = f"SELECT * FROM {table} WHERE destination = :destination ORDER BY {order}"  # noqa: S608 - names of ours
            return self._session.rows(sql, destination=destination)

        return Memory(
            rows=tuple(_entry(row) for row in all_of("entries", "place, ref")),
            pieces=tuple(_piece(row) for row in all_of("pieces", "place")),
            intents=tuple(_intent(row) for row in all_of("intents", "place")),
            echoes=tuple(_echo(row) for row in all_of("echoes", "at, op")),
            imports=tuple(_import(row) for row in all_of("imports", "place")),
            generations={row["shift_key"]: row["generation"] for row in all_of("generations", "shift_key")},
        )

    def destinations(self) -> set[str]:
        """Names that any entry, piece or intent is remembered of, configured or not."""
        found = self._session.rows(
            "SELECT destination FROM entries UNION SELECT destination FROM pieces UNION SELECT destination FROM intents"
        )
        return {row["destination"] for row in found}

    def count(self, destination: str) -> int:
        """How many entries there are ours."""
        found = self._session.rows("SELECT count(*) AS n FROM entries WHERE destination = :destination", destination=destination)
        return int(found[0]["n"])

    def put_row(self, destination: str, row: Row) -> bool:
        """Whether anything was written."""
        found = self._session.row(
            "SELECT * FROM entries WHERE destination = :destination AND ref = :ref", destination=destination, ref=row.ref
        )
        if found is not None and _entry(found) == row:
            return False
        self._session.put(
            "entries",
            ("destination", "ref"),
            destination=destination,
            ref=row.ref,
            uid=row.uid,
            shift_key=row.key,
            generation=row.generation,
            op=row.op,
            version=row.version,
            place=row.order,
            doubt=row.doubt,
            **_columns(row.accepted),
        )
        return True

    def drop_row(self, destination: str, ref: str) -> bool:
        """Only when the entry was seen gone (W7)."""
        sql = "DELETE FROM entries WHERE destination = :destination AND ref = :ref"
        return self._session.change(sql, destination=destination, ref=ref) > 0

    def set_pieces(self, destination: str, pieces: Iterable[Piece]) -> bool:
        """`pieces` instead of all that were agreed before."""
        wanted = tuple(pieces)
        sql = "SELECT * FROM pieces WHERE destination = :destination ORDER BY place"
        stored = [_piece(row) for row in self._session.rows(sql, destination=destination)]
        if stored == list(wanted):
            return False
        same = next(
            (n for n, (old, new) in enumerate(zip(stored, wanted, strict=False)) if old != new), min(len(stored), len(wanted))
        )
        self._session.change(
            "DELETE FROM pieces WHERE destination = :destination AND place >= :same", destination=destination, same=same
        )
        for place, piece in enumerate(wanted[same:], start=same):
            self._session.insert(
                "pieces",
                destination=destination,
                place=place,
                starts=piece.start,
                ends=piece.end,
                person=piece.person,
                top_ref=piece.top,
                seen=dumps(piece.seen),
                agreed=int(piece.agreed),
            )
        return True

    def open_intent(self, destination: str, intent: Intent, epoch: int) -> None:
        """W1: before the call, in a transaction of its own; `epoch` of the lease that it is sent under."""
        self._session.put(
            "intents",
            ("destination", "op"),
            destination=destination,
            op=intent.op,
            epoch=epoch,
            place=count(self._session, "intents"),
            value=dumps(_said(intent)),
        )

    def close_intent(self, destination: str, op: str, outcome: Outcome) -> bool:
        """Ends it: its outcome is known. An unknown one stays open, to be settled by reading (W2). Whether one was ended."""
        if outcome is Outcome.UNKNOWN:
            return False
        sql = "DELETE FROM intents WHERE destination = :destination AND op = :op"
        return self._session.change(sql, destination=destination, op=op) > 0

    def put_echo(self, destination: str, echo: Echo) -> bool:
        sql = "SELECT * FROM echoes WHERE destination = :destination AND op = :op"
        found = self._session.row(sql, destination=destination, op=echo.op)
        if found is not None and _echo(found) == echo:
            return False
        self.drop_echo(destination, echo.op)
        self._session.insert(
            "echoes",
            destination=destination,
            op=echo.op,
            uid=echo.uid,
            seen=dumps(echo.seen),
            at=echo.at,
            **_columns(echo.value),
        )
        return True

    def drop_echo(self, destination: str, op: str) -> bool:
        sql = "DELETE FROM echoes WHERE destination = :destination AND op = :op"
        return self._session.change(sql, destination=destination, op=op) > 0

    def put_import(self, destination: str, imported: Imported) -> bool:
        """Kept while the destination is (MERGE.md rule 11)."""
        found = self._session.row(
            "SELECT * FROM imports"
            " WHERE destination = :destination AND override = :override AND ref = :ref AND version = :version",
            destination=destination,
            override=imported.override,
            ref=imported.ref,
            version=imported.version,
        )
        if found is not None and _import(found) == imported:
            return False
        self._session.change(
            "INSERT INTO imports (destination, override, ref, version, starts, ends, people, place)"
            " VALUES (:destination, :override, :ref, :version, :starts, :ends, :people, :place)"
            " ON CONFLICT (destination, override, ref, version)"
            " DO UPDATE SET starts = excluded.starts, ends = excluded.ends, people = excluded.people",
            destination=destination,
            override=imported.override,
            ref=imported.ref,
            version=imported.version,
            starts=imported.start,
            ends=imported.end,
            people=dumps(imported.people),
            place=count(self._session, "imports"),
        )
        return True

    def use_generation(self, destination: str, key: str, generation: int) -> bool:
        """The highest is kept, also of entries long gone (W3)."""
        changed = self._session.change(
            "INSERT INTO generations (destination, shift_key, generation, starts)"
            " VALUES (:destination, :shift_key, :generation, :starts)"
            " ON CONFLICT (destination, shift_key) DO UPDATE SET generation = excluded.generation"
            " WHERE excluded.generation > generations.generation",
            destination=destination,
            shift_key=key,
            generation=generation,
            starts=start_of(key),
        )
        return changed > 0

    def next_order(self, destination: str) -> int:
        """For `Row.order`: rises with every create there."""
        return count(self._session, f"order/{destination}")

    def forget(self, destination: str) -> int:
        """Drops what is known of its entries and how it looked; how many entries of ours that leaves there."""
        left = self.count(destination)
        for table in _TABLES:
            self._session.change(f"DELETE FROM {table} WHERE destination = :destination", destination=destination)  # noqa: S608 - ours
        return left


def _columns(value: Value) -> dict[str, object]:
    return {"person": value.person, "starts": value.start, "ends": value.end, "lane": value.lane}


def _value(row: Stored) -> Value:
    return Value(row["person"], row["starts"], row["ends"], row["lane"])


def _entry(row: Stored) -> Row:
    return Row(
        ref=row["ref"],
        uid=row["uid"],
        key=row["shift_key"],
        generation=row["generation"],
        op=row["op"],
        accepted=_value(row),
        version=row["version"],
        order=row["place"],
        doubt=row["doubt"],
    )


def _piece(row: Stored) -> Piece:
    seen = tuple(loads(row["seen"]))
    return Piece(row["starts"], row["ends"], row["person"], row["top_ref"], seen, bool(row["agreed"]))


def _echo(row: Stored) -> Echo:
    return Echo(row["op"], row["uid"], _value(row), tuple(loads(row["seen"])), row["at"])


def _import(row: Stored) -> Imported:
    return Imported(
        override=row["override"],
        ref=row["ref"],
        version=row["version"],
        start=row["starts"],
        end=row["ends"],
        people=tuple(loads(row["people"])),
    )


def _said(intent: Intent) -> dict[str, object]:
    return {name: getattr(intent, name) for name in Intent.__dataclass_fields__}


def _intent(row: Stored) -> Intent:
    said = loads(row["value"])
    said["action"] = Action(said["action"])
    for name in ("before", "after"):
        said[name] = None if said[name] is None else Value(*said[name])
    said["seen"] = tuple(said["seen"])
    return Intent(**said)
