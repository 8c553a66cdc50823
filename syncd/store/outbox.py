"""Notices on their way: armed with the write that they tell of, due when it is seen done, sent at least once (W6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from syncd.core.model import Instant
from syncd.store.session import Row, Session
from syncd.store.text import count, dumps, loads


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """`notice`: as JSON. `delivered`: where it has arrived already; `attempts` so far, `problem` of the last; `place` in the
    order of arming.
    """

    dedup: str
    notice: Any
    armed_at: Instant
    attempts: int = 0
    delivered: tuple[str, ...] = ()
    problem: str = ""
    place: int = 0


class Outbox:
    def __init__(self, session: Session) -> None:
        self._session = session

    def arm(self, notice: Mapping[str, Any], dedup: str, *, at: Instant) -> bool:
        """Kept, and told only once `due`. Whether it is new: what was said under that key is not said again."""
        if self._session.row("SELECT 1 AS there FROM notices WHERE dedup = :dedup", dedup=dedup) is not None:
            return False
        self._session.change(
            "INSERT INTO notices (dedup, place, notice, state, armed_at, attempts, delivered, problem)"
            " VALUES (:dedup, :place, :notice, 'armed', :at, 0, '[]', '')",
            dedup=dedup,
            place=count(self._session, "notices"),
            notice=dumps(dict(notice)),
            at=at,
        )
        return True

    def due(self, dedup: str, *, at: Instant) -> bool:
        """What it tells of is seen done. Whether it was only armed until now."""
        sql = "UPDATE notices SET state = 'due', next_at = :at WHERE dedup = :dedup AND state = 'armed'"
        return self._session.change(sql, dedup=dedup, at=at) > 0

    def post(self, notice: Mapping[str, Any], dedup: str, *, at: Instant) -> bool:
        """Armed and due at once. Whether it was not due before."""
        self.arm(notice, dedup, at=at)
        return self.due(dedup, at=at)

    def mark_sent_out(self, dedup: str) -> bool:
        """The write that an armed notice tells of goes out now: it is told even if that write's answer never comes."""
        found = self._session.row("SELECT notice FROM notices WHERE dedup = :dedup AND state = 'armed'", dedup=dedup)
        if found is None:
            return False
        said = {**loads(found["notice"]), "sent": True}
        return (
            self._session.change("UPDATE notices SET notice = :notice WHERE dedup = :dedup", dedup=dedup, notice=dumps(said)) > 0
        )

    def drop(self, dedup: str) -> bool:
        """What it would have told of did not happen; it may be armed again."""
        return self._session.change("DELETE FROM notices WHERE dedup = :dedup AND state = 'armed'", dedup=dedup) > 0

    def armed(self) -> tuple[Posted, ...]:
        return self._in("state = 'armed'")

    def pending(self, now: Instant, limit: int = 100, *, beyond: int = -1) -> tuple[Posted, ...]:
        """Due, and not put off beyond `now`; in the order in which they were armed, after the place `beyond`."""
        due = f"state = 'due' AND next_at <= :now AND place > :beyond ORDER BY place LIMIT {int(limit)}"
        return self._in(due, now=now, beyond=beyond)

    def next_at(self) -> Instant | None:
        """When the next one is to be tried."""
        found = self._session.row("SELECT min(next_at) AS next_at FROM notices WHERE state = 'due'")
        return None if found is None else found["next_at"]

    def delivered(self, dedup: str, to: str) -> None:
        """It arrived there; other channels may still be missing."""
        found = self._session.row("SELECT delivered FROM notices WHERE dedup = :dedup", dedup=dedup)
        if found is not None and to not in (before := loads(found["delivered"])):
            sql = "UPDATE notices SET delivered = :delivered WHERE dedup = :dedup"
            self._session.change(sql, dedup=dedup, delivered=dumps([*before, to]))

    def sent(self, dedup: str, *, at: Instant) -> bool:
        """Everybody who is to hear of it has."""
        sql = "UPDATE notices SET state = 'sent', sent_at = :at, problem = '' WHERE dedup = :dedup AND state = 'due'"
        return self._session.change(sql, dedup=dedup, at=at) > 0

    def failed(self, dedup: str, problem: str, *, next_at: Instant | None) -> bool:
        """To be tried again at `next_at`; None: given up, kept with its problem."""
        state = "dropped" if next_at is None else "due"
        sql = (
            "UPDATE notices SET attempts = attempts + 1, problem = :problem, next_at = :next_at, state = :state"
            " WHERE dedup = :dedup AND state = 'due'"
        )
        return self._session.change(sql, dedup=dedup, problem=problem, next_at=next_at, state=state) > 0

    def attempts(self, dedup: str) -> int:
        """How often it failed so far."""
        found = self._session.row("SELECT attempts FROM notices WHERE dedup = :dedup", dedup=dedup)
        return 0 if found is None else int(found["attempts"])

    def put_off(self, dedup: str, *, next_at: Instant) -> bool:
        """Not tried before `next_at`, and no attempt: where it would go nothing arrives now."""
        sql = "UPDATE notices SET next_at = :next_at WHERE dedup = :dedup AND state = 'due'"
        return self._session.change(sql, dedup=dedup, next_at=next_at) > 0

    def _in(self, condition: str, **values: object) -> tuple[Posted, ...]:
        order = "" if "ORDER BY" in condition else " ORDER BY place"
        found = self._session.rows(f"SELECT * FROM notices WHERE {condition}{order}", **values)  # noqa: S608 - text of ours
        return tuple(_posted(row) for row in found)


def _posted(row: Row) -> Posted:
    return Posted(
        dedup=row["dedup"],
        notice=loads(row["notice"]),
        armed_at=row["armed_at"],
        attempts=row["attempts"],
        delivered=tuple(loads(row["delivered"])),
        problem=row["problem"],
        place=row["place"],
    )
