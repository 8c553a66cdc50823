"""Compares a pager schedule with the rota, where overrides lie on top of each other and the one on top is paged.

Entries carry nothing of ours, so ownership is the ledger's (W9), and what was agreed is kept as pieces of time. Only overrides
count: the pager's own layers are not an edit of anybody's (MERGE.md rule 14).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from syncd.core.desired import Target
from syncd.core.drift import Drift, Policy, judged, said, unsayable
from syncd.core.entry import Entry, Paged
from syncd.core.merge import Cell, Do, Hands, Piece, Tell, classify
from syncd.core.mode import OnDeleted
from syncd.core.model import Instant, Window
from syncd.core.own import unknown
from syncd.core.record import Echo, Memory, Value
from syncd.core.record import Piece as Base
from syncd.core.sweep import sweep


def is_like(entry: Entry, value: Value, seen: Iterable[str], now: Instant) -> bool:
    """Whether `entry` may be the create of `value` that was never confirmed: equal, and not there before it was sent (W4)."""
    same_start = max(entry.start, now) == max(value.start, now)
    return entry.ref not in seen and entry.person == value.person and same_start and entry.end == value.end


def echoes(entries: Iterable[Entry], memory: Memory, now: Instant) -> dict[str, Echo]:
    """Ref → the unconfirmed create that it is like; refs of the ledger are ours anyway."""
    owned = {row.ref for row in memory.rows}
    found: dict[str, Echo] = {}
    for echo in memory.echoes:
        for entry in entries:
            if entry.ref not in owned and entry.ref not in found and is_like(entry, echo.value, echo.seen, now):
                found[entry.ref] = echo
    return found


def nothing_remembered(memory: Memory) -> bool:
    """A first link and a lost ledger are the same thing here (rule 8)."""
    return not memory.rows and not memory.pieces


def compare(
    *,
    now: Instant,
    window: Window,
    targets: Sequence[Target],
    entries: Sequence[Entry],
    paged: Sequence[Paged],
    memory: Memory,
    policy: Policy,
    without: Callable[[str, Window], bool],
) -> list[Drift]:
    """Every piece of `window` from now on, judged."""
    window = Window(max(window.start, now), window.end)
    owned = {row.ref for row in memory.rows}
    there = {entry.ref: entry for entry in entries}
    echo = echoes(entries, memory, now)
    lost = nothing_remembered(memory)
    top = [(p.start, p.end, p) for p in paged]
    drifts: list[Drift] = []
    for piece, (d, b, o) in sweep(
        window,
        [(t.start, t.end, t.shift.person) for t in targets],
        [(b.start, b.end, b) for b in memory.pieces],
        top,
    ):
        want: str | None = d[0] if d else None
        base: Base | None = b[-1] if b else None
        on: Paged | None = o[0] if o and o[0].ref is not None else None
        if want is None and base is None and on is None:
            continue
        hands = _hands(on, base, owned, echo)
        agreed = base is not None and base.agreed and base.person is not None
        drift = _drift(piece, want, base if agreed else None, on, hands, known=not (lost and on is not None), there=there)
        drift = _undone(drift, memory, without, there)
        drifts.append(_sayable(judged(drift, policy, now), policy, o[0] if o else None, memory))
    return drifts


def _hands(on: Paged | None, base: Base | None, owned: set[str], echo: dict[str, Echo]) -> Hands:
    if on is None or on.ref is None:
        return Hands.NONE
    if on.ref in owned:
        return Hands.OURS
    if base is not None and base.agreed and base.top == on.ref:
        return Hands.ADOPTED
    if on.ref in echo:
        return Hands.ECHO
    return Hands.SEEN if base is not None and on.ref in base.seen else Hands.FOREIGN


def _drift(
    piece: Window, want: str | None, base: Base | None, on: Paged | None, hands: Hands, *, known: bool, there: dict[str, Entry]
) -> Drift:
    observed = frozenset[str]() if on is None else frozenset({on.person or unknown(on.title)})
    agreed = frozenset[str]() if base is None or base.person is None else frozenset({base.person})
    row = classify(Piece(base=agreed, desired=want, observed=observed, hands=hands, base_known=known))
    refs = ((on.ref, there[on.ref].version or "" if on.ref in there else ""),) if on is not None and on.ref is not None else ()
    left = (base.top,) if base is not None and base.top is not None else ()
    return Drift(
        start=piece.start,
        end=piece.end,
        lane=0,
        row=row,
        do=Do.SAME,
        tell=Tell.NOTHING,
        base=agreed,
        desired=want,
        observed=observed,
        refs=refs,
        left=left,
    )


def _undone(drift: Drift, memory: Memory, without: Callable[[str, Window], bool], there: dict[str, Entry]) -> Drift:
    """Row 6a: the human took away the very entry that an import came from, and nothing else changed (rule 21)."""
    if drift.desired is None or drift.base != {drift.desired} or drift.row == "1":
        return drift
    gone = [
        i for i in memory.imports if i.ref in drift.left and i.ref not in there and i.start < drift.end and drift.start < i.end
    ]
    undone = next((i for i in gone if without(i.override, Window(drift.start, drift.end))), None)
    return drift if undone is None else replace(drift, row="6a", withdraw=undone.override)


def _sayable(drift: Drift, policy: Policy, on: Paged | None, memory: Memory) -> Drift:
    """An import as it can be said, or what takes its place. An accepted deletion leaves whom the pager's own layers page."""
    if drift.do is not Do.IMPORT:
        return drift
    people = sorted(drift.observed)
    if drift.row == "6" and policy.on_deleted is OnDeleted.ACCEPT:
        people = [on.person] if on is not None and on.person is not None else []
    if not said(people, 1, 0):
        cell = unsayable(drift)
    elif policy.imports_wait:
        cell = Cell(Do.KEEP, Tell.CONFLICT)
    elif any((i.ref, i.version) in drift.refs and i.start < drift.end and drift.start < i.end for i in memory.imports):
        cell = Cell(Do.PUSH, Tell.CONFLICT)  # imported once, and withdrawn since (rule 11)
    else:
        return replace(drift, people=tuple(people))
    return replace(drift, do=cell.do, tell=cell.tell)


def agreed(
    drifts: Iterable[Drift], paged: Sequence[Paged], entries: Sequence[Entry], memory: Memory, now: Instant
) -> tuple[Base, ...]:
    """What is agreed after the decision: what both sides say, what was imported, and "seen" where nothing was known (rule 7)."""
    lost = nothing_remembered(memory)
    updates: list[Base] = []
    for d in drifts:
        refs = tuple(sorted(e.ref for e in entries if e.start < d.end and d.start < e.end))
        top = d.refs[0][0] if d.refs else None
        if d.do is Do.IMPORT:
            updates.append(Base(d.start, d.end, d.people[0], top, refs))
        elif d.do is Do.SAME and d.desired is not None:
            updates.append(Base(d.start, d.end, d.desired, top, refs))
        elif d.do is Do.SAME or (lost and d.observed):
            updates.append(Base(d.start, d.end, None, None, refs, agreed=False))
    return rebased(memory.pieces, updates, now)


def confirmed(
    pieces: Sequence[Base], value: Value, ref: str, refs: Iterable[str], targets: Sequence[Target], now: Instant
) -> tuple[Base, ...]:
    """After a create that was answered: what it says where that is what the rota says; elsewhere nothing is agreed, only seen."""
    updates: list[Base] = []
    seen = tuple(sorted({*refs, ref}))
    span = Window(max(value.start, now), value.end)
    for piece, (on,) in sweep(span, [(t.start, t.end, t.shift.person) for t in targets]):
        says = value.person in on
        updates.append(Base(piece.start, piece.end, value.person if says else None, ref if says else None, seen, agreed=says))
    return rebased(pieces, updates, now)


def rebased(pieces: Sequence[Base], updates: Sequence[Base], now: Instant) -> tuple[Base, ...]:
    """`pieces` with `updates` in their places, past ones dropped, equal neighbours joined: equal input gives equal output."""
    out: list[Base] = []
    news = sorted(updates)
    bounds = [(p.start, p.end, p) for p in pieces]
    if not bounds and not news:
        return ()
    hull = Window(min([p.start for p in pieces] + [u.start for u in news]), max([p.end for p in pieces] + [u.end for u in news]))
    for piece, (old, new) in sweep(hull, bounds, [(u.start, u.end, u) for u in news]):
        chosen: Base | None = new[-1] if new else old[-1] if old else None
        if chosen is None or (chosen.person is None and not chosen.seen):
            continue
        part = chosen._replace(start=piece.start, end=piece.end)
        if out and out[-1].end == part.start and out[-1][2:] == part[2:]:
            out[-1] = out[-1]._replace(end=part.end)
        else:
            out.append(part)
    return tuple(p for p in out if p.end > now)
