"""What makes a pager page whom the rota says: new overrides on top, then what says anything else is taken from beneath (W12)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from syncd.core.desired import Target
from syncd.core.drift import Drift
from syncd.core.entry import Entry, Paged
from syncd.core.merge import Do, Tell
from syncd.core.mode import Mode
from syncd.core.model import Instant, Window
from syncd.core.own import unknown
from syncd.core.plan import Change, next_generation, ordered
from syncd.core.record import Action, Echo, Memory, Row, Value
from syncd.core.sweep import sweep


def plan(
    *,
    now: Instant,
    horizon: Instant,
    targets: Sequence[Target],
    entries: Sequence[Entry],
    paged: Sequence[Paged],
    drifts: Sequence[Drift],
    memory: Memory,
    echoes: dict[str, Echo],
    mode: Mode,
) -> tuple[Change, ...]:
    """Calls in the order in which they are sent."""
    rows = {row.ref: row for row in memory.rows}
    future = [e for e in entries if e.end > now]
    wanted = [(t.start, t.end, t) for t in targets]
    kept = [d for d in drifts if d.do in {Do.KEEP, Do.HOLD}]
    gone = {e.ref for e in future if _goes(e, rows, echoes, wanted, drifts, kept, mode, now)}
    gone |= _twice_there([e for e in future if e.ref in rows and e.ref not in gone], rows, now)
    while True:
        missing = _missing(future, gone, rows, paged, targets, kept, now)
        buried = {e.ref for e in future if e.ref in rows and e.ref not in gone and any(_meet(t, e) for t in missing)}
        if not buried:
            break  # own entries never lie on each other at rest (I2): what would be buried is written anew
        gone |= buried
    stood = [e for e in future if e.ref in gone]
    creates = [_created(t, drifts) for t in missing if t.shift.start < horizon or any(_meet(t, e) for e in stood)]
    deletes = [_deleted(e, rows.get(e.ref), drifts, now, echo=e.ref in echoes) for e in stood]
    doomed = {row.ref for row in memory.rows if row.doubt == "delete"}
    standing = [_value(e) for e in future if e.ref not in doomed]
    return _numbered(ordered([*creates, *deletes], standing, targets, now), memory)


def _twice_there(ours: Sequence[Entry], rows: dict[str, Row], now: Instant) -> set[str]:
    """Own entries that lie on other own ones, though all say what the rota does: the one on top stays (row 19, I2)."""
    last = sorted(ours, key=lambda e: (rows[e.ref].order, e.ref), reverse=True)
    stays: list[Entry] = []
    goes: set[str] = set()
    for entry in last:
        if any(max(e.start, entry.start, now) < min(e.end, entry.end) for e in stays):
            goes.add(entry.ref)
        else:
            stays.append(entry)
    return goes


def _value(entry: Entry) -> Value:
    return Value(entry.person or unknown(entry.title), entry.start, entry.end)


def _meet(target: Target, entry: Entry) -> bool:
    return entry.start < target.end and target.start < entry.end


def _goes(
    entry: Entry,
    rows: dict[str, Row],
    echoes: dict[str, Echo],
    wanted: list[tuple[Instant, Instant, Target]],
    drifts: Sequence[Drift],
    kept: Sequence[Drift],
    mode: Mode,
    now: Instant,
) -> bool:
    """Ours where it says, at any future instant, something else than the rota; another's where the rota decides it all."""
    span = Window(max(entry.start, now), entry.end)
    here = [(piece, [t.shift.person for t in on]) for piece, (on,) in sweep(span, wanted)]
    if any(d.start < span.end and span.start < d.end and any(ref == entry.ref for ref, _ in d.refs) for d in kept):
        return False  # an entry with any kept piece is not removed at all (rule 13)
    if entry.ref in rows:
        return rows[entry.ref].doubt == "delete" or any(entry.person not in on for _, on in here)
    if entry.ref in echoes:
        return any(entry.person not in on for _, on in here) or _twice(entry, rows)
    mine = [d for d in drifts if any(ref == entry.ref for ref, _ in d.refs) and d.do is Do.PUSH]
    removed = [d for d in mine if d.row == "4'"]  # agreed once, and the rota no longer has anybody there
    empty = [piece for piece, on in here if not on]
    if all(entry.person in on for _, on in here):
        return False
    if any(not any(d.start <= p.start and p.end <= d.end for d in removed) for p in empty):
        return False
    if mode is not Mode.BIDIRECTIONAL:
        return True
    return any(d.row in {"3'", "4'"} and d.observed == d.base for d in mine)


def _twice(entry: Entry, rows: dict[str, Row]) -> bool:
    """A create that landed late, when its successor was already written (W4)."""
    return any(
        r.accepted.person == entry.person and r.accepted.end == entry.end and r.accepted.start >= entry.start
        for r in rows.values()
    )


def _missing(
    entries: Sequence[Entry],
    gone: set[str],
    rows: dict[str, Row],
    paged: Sequence[Paged],
    targets: Sequence[Target],
    kept: Sequence[Drift],
    now: Instant,
) -> list[Target]:
    """The rota's shifts, or parts of them, that would not be on top once `gone` is gone.

    Which of several that remain would be on top is not told, so only an instant where all of them say the same is sure; one with
    a delete unresolved is never relied on (W5).
    """
    if not targets:
        return []
    span = Window(max(now, min(t.start for t in targets)), max(t.end for t in targets))
    staying = [
        (e.start, e.end, e) for e in entries if e.ref not in gone and not (e.ref in rows and rows[e.ref].doubt == "delete")
    ]
    out: list[Target] = []
    spoken = [(d.start, d.end, d) for d in kept]
    tops = [(p.start, p.end, p) for p in paged]
    for piece, (on, stay, left, top) in sweep(span, [(t.start, t.end, t) for t in targets], staying, spoken, tops):
        if not on or left:
            continue
        target: Target = on[0]
        untouched = top and top[0].ref is not None and top[0].ref not in gone and top[0].person == target.shift.person
        if untouched or (stay and all(e.person == target.shift.person for e in stay)):
            continue
        last = out[-1] if out else None
        if last is not None and last.shift == target.shift and last.end == piece.start:
            out[-1] = last._replace(end=piece.end)
        else:
            out.append(target._replace(start=piece.start, end=piece.end))
    return out


def _created(target: Target, drifts: Sequence[Drift]) -> Change:
    about = [d for d in drifts if d.do in {Do.PUSH, Do.WITHDRAW} and d.start < target.end and target.start < d.end]
    chosen = max(about, key=lambda d: (d.tell is not Tell.NOTHING, d.row not in {"2", "3"}, -d.start), default=None)
    return Change(
        action=Action.CREATE,
        row=chosen.row if chosen else "2",
        key=target.shift.key,
        after=target.value,
        shift=target.shift._replace(start=target.start, end=target.end),
        drifts=tuple(d for d in about if d.tell is not Tell.NOTHING),
    )


def _deleted(entry: Entry, row: Row | None, drifts: Sequence[Drift], now: Instant, *, echo: bool) -> Change:
    about = [d for d in drifts if d.do in {Do.PUSH, Do.WITHDRAW} and any(ref == entry.ref for ref, _ in d.refs)]
    telling = [d for d in about if d.tell is not Tell.NOTHING]
    if row is None and not telling:  # it lay beneath, where no piece shows it: another's never goes without a word (I3, rule 13)
        about = telling = [_beneath(entry, now, row="12'" if echo else "10")]
    chosen = max(about, key=lambda d: (d.tell is not Tell.NOTHING, -d.start), default=None)
    return Change(
        action=Action.DELETE,
        row=chosen.row if chosen else "4",
        key=row.key if row else "",
        before=_value(entry),
        entry=entry,
        generation=row.generation if row else 0,
        relied=row is None or row.doubt != "delete",
        human=row is None,
        drifts=tuple(telling),
    )


def _beneath(entry: Entry, now: Instant, *, row: str) -> Drift:
    said = frozenset({entry.person or unknown(entry.title)})
    return Drift(
        start=max(entry.start, now),
        end=entry.end,
        lane=0,
        row=row,
        do=Do.PUSH,
        tell=Tell.REMOVED,
        base=frozenset(),
        desired=None,
        observed=said,
        refs=((entry.ref, entry.version or ""),),
    )


def _numbered(changes: Iterable[Change], memory: Memory) -> tuple[Change, ...]:
    used = dict(memory.generations)
    for row in memory.rows:
        used[row.key] = max(used.get(row.key, 0), row.generation)
    return tuple(replace(c, generation=next_generation(c.key, used)) if c.action is Action.CREATE else c for c in changes)
