"""The plan as a value: calls on entries, in an order in which coverage never drops, with a digest that names it.

Cover first, uncover last: a failure half-way leaves two people on call, not none.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from syncd.core.desired import Target
from syncd.core.drift import Drift, Pull, as_of
from syncd.core.entry import Entry
from syncd.core.merge import TABLE, Do
from syncd.core.model import Instant, Shift
from syncd.core.record import Action, Value


class Status(StrEnum):
    NOW = "now"
    WAITS = "waits"
    HELD = "held"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One call on one entry. `before` is what stands there, `after` what shall (its start may be the running shift's own)."""

    action: Action
    row: str
    key: str
    shift: Shift | None = None
    """What is written; None for a delete."""
    before: Value | None = None
    entry: Entry | None = None
    after: Value | None = None
    generation: int = 0
    status: Status = Status.NOW
    reason: str = ""
    relied: bool = True
    """Whether what it changes counts as standing; not where a delete of it is under way (W5)."""
    human: bool = False
    """It takes away or overwrites what a human did there."""
    beneath: Value | None = None
    """What comes to light again where what is deleted lay over it."""
    drifts: tuple[Drift, ...] = ()
    """What it answers; their notices are due once it is applied (W6)."""

    @property
    def drift(self) -> str:
        return TABLE[self.row].drift

    @property
    def ref(self) -> str | None:
        return self.entry.ref if self.entry else None

    @property
    def removes(self) -> bool:
        """Takes somebody off, whoever may follow."""
        return self.action is Action.DELETE or (
            self.before is not None and self.after is not None and self.after.end < self.before.end
        )

    def name(self, now: Instant) -> str:
        """The same in every cycle while it stands, so without `now`: holds and digests know a change by it (rule 16).

        What is running cannot be deleted in a calendar, only ended: that is the same answer to the same question.
        """
        ends = self.after is None or self.after.end <= now
        action = Action.DELETE if ends else self.action
        return as_of(" ".join((action, self.key, _said(self.before, now), _said(self.after, now))), now)


def _said(value: Value | None, now: Instant) -> str:
    return "-" if value is None or value.end <= now else f"{value.person}[{value.start},{value.end})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a cycle would do at one destination: `changes` in the order in which they are sent."""

    destination: str
    changes: tuple[Change, ...] = ()
    pulls: tuple[Pull, ...] = ()
    drifts: tuple[Drift, ...] = ()
    now: Instant = 0

    @property
    def digest(self) -> str:
        """16 hex digits, equal for equal plans whenever they are made."""
        changes, pulls = (c.name(self.now) for c in self.changes), (p.name(self.now) for p in self.pulls)
        return digest([self.destination, *changes], pulls)

    @property
    def empty(self) -> bool:
        return not self.changes and not self.pulls

    @property
    def kept(self) -> tuple[Drift, ...]:
        return tuple(d for d in self.drifts if d.do in {Do.KEEP, Do.HOLD})


def digest(names: Iterable[str], pulls: Iterable[str] = ()) -> str:
    said = [sorted(names), sorted(pulls)]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]


def next_generation(key: str, used: dict[str, int]) -> int:
    """1 + the highest ever used for `key`; `used` is brought up to date (W3, MERGE.md rule 6)."""
    used[key] = used.get(key, 0) + 1
    return used[key]


class Cover:
    """Who certainly stands at each instant from now on, against how many the rota wants there (MERGE.md rule 5).

    A removal counts as done when it is sent, a cover when it is confirmed. What is kept for a human counts on neither side.
    """

    def __init__(self, standing: Iterable[Value], wanted: Iterable[Value], changes: Iterable[Change], now: Instant) -> None:
        standing, wanted = list(standing), list(wanted)
        touched = [v for c in changes for v in (c.before, c.after) if v is not None]
        self._now = now
        self._bounds = sorted({max(t, now) for v in (*standing, *wanted, *touched) for t in (v.start, v.end)})
        self._stands = [0] * len(self._bounds)
        self._wanted = [0] * len(self._bounds)
        for value in standing:
            self._add(self._stands, value, 1)
        for value in wanted:
            self._add(self._wanted, value, 1)

    def safe(self, change: Change) -> bool:
        """Whether nobody the rota wants is missed once `change` is sent."""
        return all(self._stands[i] > self._wanted[i] or self._wanted[i] == 0 for i in self._uncovered(change))

    def sent(self, change: Change) -> None:
        """What it uncovers no longer stands for sure; what both versions cover does."""
        for i in self._uncovered(change):
            self._stands[i] -= 1

    def confirmed(self, change: Change) -> None:
        """What it newly covers stands."""
        for i in self._covered_anew(change):
            self._stands[i] += 1

    def refused(self, change: Change) -> None:
        """Nothing was done: what was there stands as before."""
        for i in self._uncovered(change):
            self._stands[i] += 1

    def _uncovered(self, change: Change) -> list[int]:
        if not change.relied:
            return []
        kept = set(self._span(change.after))
        return [i for i in self._span(change.before) if i not in kept]

    def _covered_anew(self, change: Change) -> list[int]:
        had = set(self._span(change.before)) if change.relied else set()
        return [i for i in self._span(change.after) if i not in had]

    def _span(self, value: Value | None) -> range:
        if value is None or value.end <= self._now:
            return range(0)
        return range(bisect_left(self._bounds, max(value.start, self._now)), bisect_left(self._bounds, value.end))

    def _add(self, counts: list[int], value: Value, by: int) -> None:
        for i in self._span(value):
            counts[i] += by


def ordered(changes: Sequence[Change], standing: Sequence[Value], wanted: Sequence[Target], now: Instant) -> tuple[Change, ...]:
    """`changes` so that each is safe once those before it are confirmed; a ring of moves is opened with a create.

    What can never be safe waits, with its reason: what it relies on is missing.
    """
    cover = Cover(standing, [t.value for t in wanted], changes, now)
    left = sorted(changes, key=_phase)
    out: list[Change] = []
    while left:
        waiting: list[Change] = []
        for change in left:
            if change.status is Status.HELD:
                out.append(change)
            elif cover.safe(change):
                cover.sent(change)
                cover.confirmed(change)
                out.append(change)
            else:
                waiting.append(change)
        if len(waiting) == len(left):
            ring = next((c for c in waiting if _moves(c) and c.after is not None and c.after.end > now), None)
            if ring is None:
                out.extend(replace(c, status=Status.WAITS, reason="nobody else would certainly be on call") for c in waiting)
                break
            waiting = [part for c in waiting for part in (_opened(c) if c is ring else [c])]
            cover = _again(out, waiting, standing, wanted, now)
        left = waiting[::-1]  # a chain of moves unwinds from one end or the other
    return tuple(out)


def _again(
    done: Sequence[Change], left: Sequence[Change], standing: Sequence[Value], wanted: Sequence[Target], now: Instant
) -> Cover:
    cover = Cover(standing, [t.value for t in wanted], [*done, *left], now)
    for change in done:
        if change.status is Status.NOW:
            cover.sent(change)
            cover.confirmed(change)
    return cover


def _moves(change: Change) -> bool:
    """Whether it covers anew as well as it uncovers; what only ends early has nothing to open a ring with."""
    before, after = change.before, change.after
    return before is not None and after is not None and (after.start < before.start or before.end < after.end)


def _opened(change: Change) -> list[Change]:
    create = replace(change, action=Action.CREATE, before=None, entry=None, generation=0)
    return [create, replace(change, action=Action.DELETE, after=None, shift=None)]


def _phase(change: Change) -> tuple[int, Instant, Instant, str, str]:
    """Create and widen, other replaces, shorten and delete, then what changes words only; soonest first."""
    before, after = change.before, change.after
    at = after or before or Value("", 0, 0)
    if change.action is Action.CREATE:
        phase = 0
    elif change.action is Action.DELETE:
        phase = 2
    elif change.action is Action.SIGN or before == after:
        phase = 3
    elif before and after and after.start <= before.start and after.end >= before.end:
        phase = 0
    elif before and after and after.start >= before.start and after.end <= before.end and after.person == before.person:
        phase = 2
    else:
        phase = 1
    return (phase, at.start, at.end, at.person, change.ref or "")
