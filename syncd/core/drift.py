"""What a comparison found and what the mode makes of it: values between the table and the plan."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from syncd.core.merge import TABLE, Cell, Do, Tell
from syncd.core.mode import Mode, OnConflict, OnDeleted
from syncd.core.model import DAY, Instant
from syncd.core.own import is_unknown

_BEGINS = re.compile(r"(?<=\[)[0-9]{1,12}(?=,)")
FAR = 3 * DAY
"""`on_deleted: hold` waits only for what starts later than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """All that a destination's settings have to say about drift."""

    mode: Mode
    on_deleted: OnDeleted = OnDeleted.RESTORE
    on_conflict: OnConflict = OnConflict.ROTA
    people: int = 1
    """Most that the role holds at one time."""
    imports_wait: bool = False
    """The schedule wants every import approved: it waits as a conflict."""
    released: frozenset[str] = frozenset()
    """Names of held changes that somebody acknowledged."""
    protected: Instant = 0
    """What was exported before this instant is left alone, unless the rota itself changed there (`protect_until`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One piece of time in one lane, judged."""

    start: Instant
    end: Instant
    lane: int
    row: str
    do: Do
    tell: Tell
    base: frozenset[str]
    desired: str | None
    observed: frozenset[str]
    refs: tuple[tuple[str, str], ...] = ()
    """Ref and version of the entries observed."""
    since: tuple[str, ...] = ()
    """Our last writes of those: the same edit after another of them is another one, even at the same version."""
    left: tuple[str, ...] = ()
    """Refs of the entries that said what was agreed, whether they still stand or not."""
    people: tuple[str, ...] = ()
    """Import: who is on in all lanes."""
    withdraw: str = ""
    """The override that an undone import made."""

    @property
    def words(self) -> str:
        return TABLE[self.row].drift

    def name(self, now: Instant) -> str:
        """What a hold calls it: the same in every cycle while it stands, so without `now`, and without the row: what an answer
        lets go on makes the next look call the rest by another one."""
        return as_of(f"{self.lane} [{self.start},{self.end}) {self.desired} {'+'.join(sorted(self.observed))}", now)


def as_of(name: str, now: Instant) -> str:
    """A change's or a drift's name of some time ago as it is called at `now`: what has begun since then is running.

    All of it is read in the same way whenever it is asked for: a title in it may hold anything.
    """
    return _BEGINS.sub(lambda found: "running" if int(found[0]) <= now else found[0], name)


def judged(drift: Drift, policy: Policy, now: Instant) -> Drift:
    """`drift` with the cell of its row, as the two options of a bidirectional destination change it (MERGE.md rule 22)."""
    cell = TABLE[drift.row].cell(policy.mode)
    if drift.row in {"5", "6"} and drift.start < policy.protected:
        cell = Cell(Do.KEEP)
    elif policy.mode is Mode.BIDIRECTIONAL:
        cell = _by_option(drift, cell, policy, now)
    return replace(drift, do=cell.do, tell=cell.tell)


def _by_option(drift: Drift, cell: Cell, policy: Policy, now: Instant) -> Cell:
    if (
        drift.row == "6"
        and policy.on_deleted is OnDeleted.HOLD
        and drift.start > now + FAR
        and drift.name(now) not in policy.released
    ):
        return Cell(Do.HOLD, Tell.HELD)
    if drift.row == "6" and policy.on_deleted is OnDeleted.ACCEPT:
        return Cell(Do.IMPORT, Tell.IMPORTED)
    if drift.row == "7" and policy.on_conflict is OnConflict.DESTINATION:
        return Cell(Do.IMPORT, Tell.CONFLICT)
    if drift.row == "7" and policy.on_conflict is OnConflict.HOLD and drift.name(now) not in policy.released:
        return Cell(Do.HOLD, Tell.HELD)
    return cell


PUT_BACK = Cell(Do.PUSH, Tell.CONFLICT)
LEFT = Cell(Do.KEEP, Tell.CONFLICT)


def unsayable(drift: Drift) -> Cell:
    """An edit the rota cannot say: somebody unknown is left where only the human changed it, else the rota wins (rule 15)."""
    somebody_unknown = len(drift.observed) == 1 and is_unknown(next(iter(drift.observed)))
    return LEFT if somebody_unknown and drift.row in {"5", "9", "9'"} else PUT_BACK


def said(people: list[str], most: int, desired: int) -> bool:
    """Whether the rota can say that these are on: all known, nobody twice, no more than the role holds (or the rota has)."""
    return bool(people) and not any(map(is_unknown, people)) and len(set(people)) == len(people) <= max(most, desired)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """An import: `people` hold the role in `[start, end)`, whatever the layers say; overrides before it make room (rule 1)."""

    start: Instant
    end: Instant
    people: tuple[str, ...]
    row: str
    refs: tuple[tuple[str, str], ...]

    def name(self, now: Instant) -> str:
        """The same in every look while it stands, as a change's."""
        return as_of(f"import {self.row} [{self.start},{self.end}) {'+'.join(self.people)}", now)


def pulls(drifts: Iterable[Drift]) -> tuple[Pull, ...]:
    """One import for adjacent pieces of one value (rule 19)."""
    out: list[Pull] = []
    taken: set[tuple[Instant, Instant]] = set()
    for d in sorted((d for d in drifts if d.do is Do.IMPORT), key=lambda d: (d.start, d.lane)):
        if (d.start, d.end) in taken:
            continue  # another lane of the same piece said it for all of them
        taken.add((d.start, d.end))
        last = out[-1] if out else None
        if last and last.end == d.start and last.people == d.people:
            out[-1] = replace(last, end=d.end, refs=tuple(dict.fromkeys(last.refs + d.refs)))
        else:
            out.append(Pull(start=d.start, end=d.end, people=d.people, row=d.row, refs=d.refs))
    return tuple(out)


def joined(drifts: Iterable[Drift]) -> list[Drift]:
    """Drifts told in one breath: neighbours in a lane that differ in their period only."""
    out: dict[int, list[Drift]] = {}
    for d in sorted(drifts, key=lambda d: (d.lane, d.start)):
        mine = out.setdefault(d.lane, [])
        if mine and mine[-1].end == d.start and replace(mine[-1], start=0, end=0) == replace(d, start=0, end=0):
            mine[-1] = replace(mine[-1], end=d.end)
        else:
            mine.append(d)
    return sorted((d for lane in out.values() for d in lane), key=lambda d: (d.start, d.lane))
