"""Decides what of the rota is to be told at an instant: handoffs ahead, who is on call today, changed duty, coverage gaps.

Nothing here is told because time has passed between two looks, only because it is due, still true and not told yet: so a restart,
a suspended machine or a clock that was set neither loses a notice nor sends one twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from syncd.core.gaps import Cause, Gap
from syncd.core.model import DAY, HOUR, Instant, Shift, Window, iso
from syncd.core.timeline import both, minus, union
from syncd.core.zone import local_of, zone

FURTHEST_LEAD = 7 * DAY
REMINDERS = (24 * HOUR, HOUR)
"""How long before a gap begins it is told again."""
OPEN = 0
"""Instead of a reminder that nobody got: it has begun."""

Duty = tuple[str, str, Instant, Instant]
"""role, person, start, end"""


# --- handoffs ------------------------------------------------------------------------------


class Handoff(NamedTuple):
    """Who takes over and who is relieved at an instant, in one role; whoever goes on from one turn to the next stays."""

    role: str
    at: Instant
    incoming: tuple[str, ...]
    outgoing: tuple[str, ...]
    staying: tuple[str, ...] = ()


def handoffs(duty: Iterable[Shift], window: Window) -> list[Handoff]:
    """Those in `window` (the start counts), in order. `duty`: every shift that touches it."""
    by_role: dict[str, list[Shift]] = {}
    for shift in duty:
        by_role.setdefault(shift.role, []).append(shift)
    found = []
    for role, here in by_role.items():
        edges = {edge for shift in here for edge in (shift.start, shift.end) if window.start <= edge < window.end}
        for at in sorted(edges):
            before = dict.fromkeys(one.person for one in here if one.start < at <= one.end)
            after = dict.fromkeys(one.person for one in here if one.start <= at < one.end)
            incoming = tuple(one for one in after if one not in before)
            outgoing = tuple(one for one in before if one not in after)
            if incoming or outgoing:
                found.append(Handoff(role, at, incoming, outgoing, tuple(one for one in after if one in before)))
    return sorted(found, key=lambda one: (one.at, one.role))


def free_at(duty: Iterable[Shift], role: str, person: str, at: Instant) -> Instant:
    """The end of the duty, without interruption, that `person` has in `role` at `at`; `at` itself where there is none."""
    spans = union((one.start, one.end) for one in duty if one.role == role and one.person == person)
    return next((span.end for span in spans if span.start <= at < span.end), at)


# --- every day -----------------------------------------------------------------------------


def today(at: int, name: str, now: Instant) -> tuple[str, Instant, Instant]:
    """Today's date in the zone `name`, the instant of `at` (seconds after its midnight), and the end of the day."""
    where = zone(name)
    midnight = where.wall(now) // DAY * DAY
    return f"{local_of(midnight):%Y-%m-%d}", where.instant(midnight + at), where.instant(midnight + DAY)


def on_call(duty: Iterable[Shift], window: Window) -> list[Duty]:
    """Who is on call in `window`, by start and role, each stretch whole."""
    spans: dict[tuple[str, str], list[tuple[Instant, Instant]]] = {}
    for one in duty:
        spans.setdefault((one.role, one.person), []).append((one.start, one.end))
    found = [(*who, *span) for who, mine in spans.items() for span in union(mine)]
    here = [one for one in found if one[2] < window.end and one[3] > window.start]
    return sorted(here, key=lambda one: (one[2], one[0], one[1]))


# --- changed duty --------------------------------------------------------------------------


class Moved(NamedTuple):
    """A stretch of duty that somebody has now, or has no more."""

    role: str
    start: Instant
    end: Instant
    added: bool


def changes(before: Iterable[Sequence[Any]], after: Iterable[Sequence[Any]], window: Window) -> dict[str, list[Moved]]:
    """person → what of their duty in `window` differs, in order. How it is cut into turns makes no difference."""
    was, is_ = _by_person(before, window), _by_person(after, window)
    found: dict[str, list[Moved]] = {}
    for role, person in sorted({*was, *is_}):
        old, new = was.get((role, person), []), is_.get((role, person), [])
        moved = [Moved(role, *span, added=True) for span in minus(new, old)]
        moved += [Moved(role, *span, added=False) for span in minus(old, new)]
        if moved:
            found.setdefault(person, []).extend(moved)
    return {person: sorted(moved, key=lambda one: (one.start, one.role, one.added)) for person, moved in found.items()}


def _by_person(duty: Iterable[Sequence[Any]], window: Window) -> dict[tuple[str, str], list[Window]]:
    spans: dict[tuple[str, str], list[tuple[Instant, Instant]]] = {}
    for role, person, start, end in duty:
        spans.setdefault((role, person), []).append((start, end))
    return {who: both(union(mine), [window]) for who, mine in spans.items()}


# --- coverage gaps -------------------------------------------------------------------------


class Hole(NamedTuple):
    """A gap as it is told. `start` or `end` None: nothing says when it began, or will end."""

    role: str
    start: Instant | None
    end: Instant | None
    cause: str
    people: tuple[str, ...]

    @property
    def key(self) -> str:
        said = [self.role, str(self.start), str(self.end), self.cause, *self.people]
        return hashlib.sha256("\0".join(said).encode()).hexdigest()[:16]


def hole(gap: Gap, window: Window, wider: Iterable[Gap]) -> Hole:
    """Free of the moment it was looked at: an edge that is only that of the period is no edge.

    `wider`: the same gaps of a period that is longer at both ends; what moves with the period is its edge.
    """
    same = [one for one in wider if one[:2] == gap[:2] and one.cause is gap.cause and one.people == gap.people]
    start = gap.start if gap.start != window.start or any(one.start == gap.start for one in same) else None
    end = gap.end if gap.end != window.end or any(one.end == gap.end for one in same) else None
    return Hole(gap.role, start, end, gap.cause.value, gap.people)


def to_tell(found: Iterable[Gap]) -> list[Gap]:
    """Too many on call is no gap in the coverage."""
    return [gap for gap in found if gap.cause is not Cause.OVERLAP]


class Round(NamedTuple):
    """What is to be told of a schedule's gaps: `why`, and a `key` that names it."""

    why: str
    key: str
    gaps: tuple[tuple[Gap, Hole], ...]


Told = dict[str, list[Any]]
"""A hole's key → role, start, end, and the shortest reminder (seconds before it begins) that was told, None where none was."""


def rounds(
    found: Sequence[tuple[Gap, Hole]], told: Mapping[str, Sequence[Any]], now: Instant, *, daily_due: bool
) -> tuple[list[Round], Told]:
    """What is due at `now`, and what is told after it.

    At the daily time whatever is new; at any time what has changed since it was told; and each again a day and an hour before it
    begins. What is told for another reason within that time needs no reminder of its own. One that has begun, and of which the
    last hour's reminder was not told, is told at once: nobody is on call now.
    """
    after: Told = {one.key: list(told[one.key]) for _, one in found if one.key in told}
    new = [(gap, one) for gap, one in found if one.key not in told]
    altered = [(gap, one) for gap, one in new if any(_touches(gap, was) for was in told.values())]
    out = [_round("new", new)] if daily_due and new else [_round("changed", altered)] if altered else []
    fresh = {one.key for of in out for _, one in of.gaps}
    for gap, one in found:
        begun = one.start is None or one.start <= now
        due = [lead for lead in REMINDERS if one.start is not None and one.start - lead <= now]
        lead = OPEN if begun else min(due, default=None)
        before = told[one.key][3] if one.key in told else None
        if one.key in fresh:
            after[one.key] = [one.role, one.start, one.end, lead]
        elif lead is not None and (before is None or lead < before) and not (begun and before == REMINDERS[-1]):
            out.append(Round("now" if begun else f"{lead // HOUR} h", one.key, ((gap, one),)))
            after[one.key] = [one.role, one.start, one.end, lead]
    return out, after


def _round(why: str, of: Sequence[tuple[Gap, Hole]]) -> Round:
    return Round(why, hashlib.sha256("".join(one.key for _, one in of).encode()).hexdigest()[:16], tuple(of))


def _touches(gap: Gap, was: Sequence[Any]) -> bool:
    role, start, end = was[:3]
    return bool(gap.role == role and (start is None or start < gap.end) and (end is None or gap.start < end))


def name_of(*parts: object) -> str:
    """A dedup key of the outbox: readable, and the same whenever the same is told, and never for anything else."""
    return "/".join(iso(part) if isinstance(part, int) else str(part) for part in parts)
