"""Who really was on call, written down as time passes and never rewritten: past questions are answered from this."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from syncd.core.model import Instant, Shift, Source, Window
from syncd.store.session import Session
from syncd.store.text import dumps, loads


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """Duty that was done: the part of a shift that had passed when it was written down."""

    schedule: str
    role: str
    person: str
    start: Instant
    end: Instant
    key: str
    source: Source


class ServedRecord:
    def __init__(self, session: Session) -> None:
        self._session = session

    def since(self, schedule: str) -> Instant | None:
        """From when on there is any record."""
        return self._edge("min(starts)", schedule)

    def until(self, schedule: str) -> Instant | None:
        """To where it reaches."""
        return self._edge("max(ends)", schedule)

    def record(self, schedule: str, window: Window, shifts: Iterable[Shift]) -> int:
        """`shifts` as they were in force during `window`, which has passed; what is written down already stays. Rows changed.

        Where `window` begins at or before the end of the record, the record is continued; else a time without one is left.
        """
        reached = self.until(schedule)
        start = window.start if reached is None else max(window.start, reached)
        if start >= window.end:
            return 0
        if reached != start or not self._stretch("recorded", {"schedule": schedule}, start, window.end):
            self._session.insert(
                "recorded",
                schedule=schedule,
                starts=start,
                ends=window.end,
            )
        changed = 0
        for shift in shifts:
            begin, end = max(shift.start, start), min(shift.end, window.end)
            if shift.schedule == schedule and begin < end:
                self._write(shift, begin, end)
                changed += 1
        return changed

    def between(self, schedule: str, window: Window) -> tuple[tuple[Served, ...], tuple[Window, ...]]:
        """What was served in `window`, whole, by start, role and person; and the times of it that the record covers."""
        values: dict[str, object] = {"schedule": schedule, "starts": window.start, "ends": window.end}
        touching = "WHERE schedule = :schedule AND starts < :ends AND ends > :starts"
        rows = self._session.rows(f"SELECT * FROM served {touching} ORDER BY starts, role, person", **values)  # noqa: S608
        known = self._session.rows(f"SELECT * FROM recorded {touching} ORDER BY starts", **values)  # noqa: S608 - text of ours
        served = tuple(
            Served(
                schedule=row["schedule"],
                role=row["role"],
                person=row["person"],
                start=row["starts"],
                end=row["ends"],
                key=row["shift_key"],
                source=Source(*loads(row["source"])),
            )
            for row in rows
        )
        return served, tuple(Window(max(row["starts"], window.start), min(row["ends"], window.end)) for row in known)

    def _write(self, shift: Shift, begin: Instant, end: Instant) -> None:
        source = dumps(shift.source)
        same: dict[str, object] = {
            "schedule": shift.schedule,
            "role": shift.role,
            "person": shift.person,
            "shift_key": shift.key,
            "source": source,
        }
        if begin > shift.start and self._stretch("served", same, begin, end):
            return
        self._session.change(
            "INSERT INTO served (schedule, role, person, starts, ends, shift_key, source)"
            " VALUES (:schedule, :role, :person, :starts, :ends, :shift_key, :source) ON CONFLICT DO NOTHING",
            starts=begin,
            ends=end,
            **same,
        )

    def _stretch(self, table: str, same: dict[str, object], reached: Instant, end: Instant) -> bool:
        """What ends at `reached` goes on to `end`; only ever later."""
        also = "".join(f" AND {name} = :{name}" for name in same)
        sql = f"UPDATE {table} SET ends = :later WHERE ends = :reached{also}"  # noqa: S608 - names of ours
        return self._session.change(sql, later=end, reached=reached, **same) > 0

    def _edge(self, edge: str, schedule: str) -> Instant | None:
        sql = f"SELECT {edge} AS edge FROM recorded WHERE schedule = :schedule"  # noqa: S608 - text of ours
        found = self._session.row(sql, schedule=schedule)
        return None if found is None else found["edge"]
