"""Changes to the rota that were recorded here, kept for ever: an override is never edited, only marked."""

from __future__ import annotations

from collections.abc import Sequence

from syncd.core.model import Away, Instant, Override, Schedule, Window
from syncd.store.away import EVERY, TimesOff
from syncd.store.errors import NotFound
from syncd.store.marks import Approved, Mark, Marked, Recorded, Stored, in_force
from syncd.store.session import Row, Session
from syncd.store.text import count, dumps, loads, short


class Overrides:
    def __init__(self, session: Session, instance: str) -> None:
        self._session = session
        self._instance = instance
        self.away = TimesOff(session, instance)

    def revision(self, schedule: str) -> int:
        """Rises with each change to this schedule's overrides and time off; 0 before the first (MERGE.md rule 2)."""
        sql = "SELECT revision FROM revisions WHERE schedule IN (:schedule, :every)"
        return sum(int(row["revision"]) for row in self._session.rows(sql, schedule=schedule, every=EVERY))

    def add(
        self,
        schedule: str,
        override: Override,
        *,
        by: str,
        at: Instant,
        origin: str | None = None,
        approval: Approved = Approved.APPROVED,
        run: str = "",
    ) -> str:
        """Its id, new where `override.id` is empty. Raises `ValueError` for an id that was used before."""
        place = count(self._session, "overrides")
        named = override.id or self._unused("ov", schedule, place)
        if override.id and self._known(override.id):
            raise ValueError(f"there is an override {override.id} already")
        self._session.insert(
            "overrides",
            id=named,
            place=place,
            schedule=schedule,
            roles=dumps(override.roles),
            people=dumps(override.people),
            replaces=None if override.replaces is None else dumps(override.replaces),
            starts=override.start,
            ends=override.end,
            reason=override.reason,
            origin=origin or override.origin,
            actor=by,
            at=at,
            approval=approval.value,
            run=run,
        )
        self._bump(schedule)
        return named

    def remove(self, schedule: str, override: str, *, by: str, at: Instant, reason: str = "", run: str = "") -> str:
        """The mark's id; the mark that is there already, if it was removed before. The override may be the file's."""
        for mark in self._marks(schedule):
            if mark.override == override and mark.kind is Marked.REMOVED:
                return mark.id
        return self._mark(schedule, override, Marked.REMOVED, by=by, at=at, reason=reason, run=run)

    def cut(
        self, schedule: str, override: str, role: str, window: Window, *, by: str, at: Instant, reason: str = "", run: str = ""
    ) -> str:
        """From now on it does not hold in `window` for `role`; the mark's id."""
        return self._mark(schedule, override, Marked.CUT, by=by, at=at, reason=reason, run=run, role=role, window=window)

    def decide(self, override: str, approved: bool, *, by: str, at: Instant, reason: str = "", run: str = "") -> None:
        """A pending override is approved or rejected. Raises `NotFound` where none of that id waits."""
        recorded = self.get(override)
        if recorded is None or recorded.approval is not Approved.PENDING or recorded.removed:
            raise NotFound(f"no override {override} waits for approval")
        kind = Marked.APPROVED if approved else Marked.REJECTED
        self._mark(recorded.schedule, override, kind, by=by, at=at, reason=reason, run=run)

    def undo(self, schedule: str, mark: str, *, by: str, at: Instant, reason: str = "", run: str = "") -> bool:
        """That mark (a removal, a cut) no longer counts. Whether it did."""
        for one in self._marks(schedule):
            if one.id == mark:
                self._mark(schedule, one.override, Marked.UNDONE, by=by, at=at, reason=reason, run=run, undoes=mark)
                return True
        return False

    def get(self, override: str) -> Recorded | None:
        found = self._session.row("SELECT * FROM overrides WHERE id = :id", id=override)
        return None if found is None else _recorded(found, self._marks(found["schedule"]))

    def list(self, schedule: str | None = None) -> tuple[Recorded, ...]:
        """All that were ever recorded, in the order of recording; of every schedule where none is named."""
        where, values = ("", {}) if schedule is None else (" WHERE schedule = :schedule", {"schedule": schedule})
        found = self._session.rows(f"SELECT * FROM overrides{where} ORDER BY place", **values)  # noqa: S608 - text of ours
        marks = self._marks(schedule)
        return tuple(_recorded(row, marks) for row in found)

    def marks(self, schedule: str | None = None, *, run: str | None = None) -> tuple[Mark, ...]:
        """Those that count, in the order of recording; of one run where it is named."""
        return tuple(mark for mark in self._marks(schedule) if run is None or mark.run == run)

    def stored(self, schedule: str) -> Stored:
        """For `in_force`."""
        return Stored(recorded=self.list(schedule), marks=self.marks(schedule), away=self.away.of(schedule))

    def in_force(self, schedule: Schedule) -> Schedule:
        return in_force(schedule, self.stored(schedule.id))

    def _marks(self, schedule: str | None) -> Sequence[Mark]:
        where, values = ("", {}) if schedule is None else (" WHERE schedule = :schedule", {"schedule": schedule})
        found = self._session.rows(f"SELECT * FROM override_marks{where} ORDER BY place DESC", **values)  # noqa: S608 - text of ours
        undone: set[str] = set()
        counted = []
        for mark in map(_mark, found):  # latest first: what undoes may be undone itself
            if mark.id in undone:
                continue
            if mark.undoes is not None:
                undone.add(mark.undoes)
            counted.append(mark)
        return [mark for mark in reversed(counted) if mark.kind is not Marked.UNDONE]

    def _mark(
        self,
        schedule: str,
        override: str,
        kind: Marked,
        *,
        by: str,
        at: Instant,
        reason: str,
        run: str,
        role: str | None = None,
        window: Window | None = None,
        undoes: str | None = None,
    ) -> str:
        place = count(self._session, "overrides")
        named = self._unused("mk", schedule, place)
        self._session.insert(
            "override_marks",
            id=named,
            place=place,
            schedule=schedule,
            override=override,
            kind=kind.value,
            role=role,
            starts=window.start if window else None,
            ends=window.end if window else None,
            undoes=undoes,
            actor=by,
            at=at,
            reason=reason,
            run=run,
        )
        self._bump(schedule)
        return named

    def time_off(self, away: Away, *, schedule: str | None, by: str, at: Instant) -> str:
        """Records it for one schedule, or (None) for every one; its id."""
        self._bump(schedule or EVERY)
        return self.away.add(away, schedule=schedule, by=by, at=at)

    def no_time_off(self, id_: str, *, by: str, at: Instant, reason: str = "") -> bool:
        """Takes it back. Whether it counted until now. Raises `NotFound`."""
        known = self.away.get(id_)
        if known is None:
            raise NotFound(f"no time off {id_} was recorded here; `syncd away list` shows all")
        self._bump(known.schedule or EVERY)
        return self.away.remove(id_, by=by, at=at, reason=reason)

    def _bump(self, schedule: str) -> None:
        self._session.change(
            "INSERT INTO revisions (schedule, revision) VALUES (:schedule, 1)"
            " ON CONFLICT (schedule) DO UPDATE SET revision = revisions.revision + 1",
            schedule=schedule,
        )

    def _unused(self, prefix: str, schedule: str, place: int) -> str:
        attempt = 0
        while self._known(named := short(prefix, self._instance, schedule, place, attempt)):
            attempt += 1
        return named

    def _known(self, named: str) -> bool:
        sql = "SELECT id FROM overrides WHERE id = :id UNION SELECT id FROM override_marks WHERE id = :id"
        return self._session.row(sql, id=named) is not None


def _mark(row: Row) -> Mark:
    return Mark(
        id=row["id"],
        schedule=row["schedule"],
        override=row["override"],
        kind=Marked(row["kind"]),
        by=row["actor"],
        at=row["at"],
        reason=row["reason"],
        role=row["role"],
        window=None if row["starts"] is None else Window(row["starts"], row["ends"]),
        undoes=row["undoes"],
        run=row["run"],
    )


def _recorded(row: Row, marks: Sequence[Mark]) -> Recorded:
    own = tuple(mark for mark in marks if mark.override == row["id"])
    decided = [mark.kind.value for mark in own if mark.kind in (Marked.APPROVED, Marked.REJECTED)]
    override = Override(
        id=row["id"],
        roles=tuple(loads(row["roles"])),
        people=tuple(loads(row["people"])),
        replaces=None if row["replaces"] is None else tuple(loads(row["replaces"])),
        start=row["starts"],
        end=row["ends"],
        reason=row["reason"],
        origin=row["origin"],
        by=row["actor"],
        at=row["at"],
    )
    approval = Approved(decided[-1] if decided else row["approval"])
    return Recorded(override=override, schedule=row["schedule"], approval=approval, run=row["run"], marks=own)
