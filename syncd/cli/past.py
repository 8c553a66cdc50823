"""Past questions are answered from the record of who really was on call; where nothing is recorded today's rota answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from syncd.core.model import Instant, Schedule, Source, Window, basic
from syncd.core.shifts import shifts
from syncd.core.timeline import minus

if TYPE_CHECKING:
    from syncd.store import Tx


class Duty(NamedTuple):
    """A shift as it is told: of the rota, of the record, or of both where they touch."""

    schedule: str
    role: str
    person: str
    start: Instant
    end: Instant
    key: str
    source: Source


def duties(tx: Tx | None, schedule: Schedule, window: Window, now: Instant, role: str | None = None) -> list[Duty]:
    """Everything that shares an instant with `window`, whole, by start, role and person. `schedule`: with its overrides."""
    today = shifts(schedule, window, role=role)
    rota = [Duty(one.schedule, one.role, one.person, one.start, one.end, one.key, one.source) for one in today]
    if tx is None or window.start >= now:
        return rota
    hull = Window(min([window.start, *(one.start for one in today)]), max([window.end, *(one.end for one in today)]))
    served, covered = tx.served.between(schedule.id, hull)
    if not covered:
        return rota
    told = [
        Duty(one.schedule, one.role, one.person, one.start, one.end, one.key, one.source)
        for one in served
        if role in (None, one.role)
    ]
    left = [one._replace(start=start, end=end) for one in rota for start, end in minus([Window(one.start, one.end)], covered)]
    found = [one for one in _named(_joined([*told, *left])) if one.start < window.end and one.end > window.start]
    return sorted(found, key=lambda one: (one.start, one.role, one.person))


def recorded(tx: Tx | None, schedule: Schedule, at: Instant, now: Instant) -> bool:
    """Whether the record tells of `at`."""
    return tx is not None and at < now and bool(tx.served.between(schedule.id, Window(at, at + 1))[1])


def _joined(found: list[Duty]) -> list[Duty]:
    """What was served of a shift, and what is to come of it, is one again."""
    whole: list[Duty] = []
    for one in sorted(found, key=lambda one: (one.role, one.person, str(one.source), one.start)):
        last = whole[-1] if whole else None
        if last and (last.role, last.person, last.source, last.end) == (one.role, one.person, one.source, one.start):
            whole[-1] = last._replace(end=one.end)
        else:
            whole.append(one)
    return whole


def _named(found: list[Duty]) -> list[Duty]:
    """What the rota has left of a shift that somebody else began gets a key of its own."""
    used: set[str] = set()
    named = []
    for one in sorted(found, key=lambda one: (one.start, one.role, one.person)):
        key = one.key
        slot = int(key.rpartition("/")[2])
        while key in used:
            key = f"{one.schedule}/{one.role}/{basic(one.start)}/{slot}"
            slot += 1
        used.add(key)
        named.append(one._replace(key=key))
    return named
