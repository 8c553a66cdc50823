"""Time off that was recorded by command, beside the file's own: kept for ever, ended by a mark (SCHEDULES.md section 4)."""

from __future__ import annotations

from dataclasses import dataclass

from syncd.core.model import Away, Instant
from syncd.store.session import Row, Session
from syncd.store.text import count, short

EVERY = ""
"""As a schedule: every one; no schedule is named so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeOff:
    """`schedule` None: in every schedule. `removed_by`, `removed_at`: who took it back, and when."""

    id: str
    away: Away
    schedule: str | None
    by: str
    at: Instant
    removed_by: str | None = None
    removed_at: Instant | None = None
    removed_reason: str = ""


class TimesOff:
    def __init__(self, session: Session, instance: str) -> None:
        self._session = session
        self._instance = instance

    def add(self, away: Away, *, schedule: str | None, by: str, at: Instant) -> str:
        """Its new id."""
        place = count(self._session, "away")
        attempt = 0
        while self.get(named := short("aw", self._instance, schedule or EVERY, place, attempt)) is not None:
            attempt += 1
        self._session.insert(
            "away",
            id=named,
            place=place,
            schedule=schedule or EVERY,
            person=away.person,
            starts=away.start,
            ends=away.end,
            reason=away.reason,
            actor=by,
            at=at,
        )
        return named

    def remove(self, id_: str, *, by: str, at: Instant, reason: str = "") -> bool:
        """Whether it counted until now. What was removed stays as it was marked."""
        sql = "UPDATE away SET removed_by = :by, removed_at = :at, removed_reason = :reason WHERE id = :id AND removed_at IS NULL"
        return self._session.change(sql, id=id_, by=by, at=at, reason=reason) > 0

    def get(self, id_: str) -> TimeOff | None:
        found = self._session.row("SELECT * FROM away WHERE id = :id", id=id_)
        return None if found is None else _time_off(found)

    def list(self) -> tuple[TimeOff, ...]:
        """All that was ever recorded, in the order of recording."""
        return tuple(map(_time_off, self._session.rows("SELECT * FROM away ORDER BY place")))

    def of(self, schedule: str) -> tuple[Away, ...]:
        """What counts in a schedule."""
        sql = "SELECT * FROM away WHERE removed_at IS NULL AND schedule IN (:schedule, :every) ORDER BY place"
        return tuple(_time_off(row).away for row in self._session.rows(sql, schedule=schedule, every=EVERY))


def _time_off(row: Row) -> TimeOff:
    return TimeOff(
        id=row["id"],
        away=Away(person=row["person"], start=row["starts"], end=row["ends"], reason=row["reason"]),
        schedule=row["schedule"] or None,
        by=row["actor"],
        at=row["at"],
        removed_by=row["removed_by"],
        removed_at=row["removed_at"],
        removed_reason=row["removed_reason"] or "",
    )
