"""Others' entries beside ours at a pager where several are on at once (shift-based): whose they are, and which of them go."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from syncd.core.drift import Drift
from syncd.core.entry import Entry
from syncd.core.merge import Do, Tell
from syncd.core.mode import Mode
from syncd.core.model import Instant, Shift, Window
from syncd.core.record import Row, Value
from syncd.core.sweep import sweep


def adopted(entries: Iterable[Entry], rows: Iterable[Row], rota: Iterable[Shift], now: Instant) -> list[Row]:
    """Rows of somebody's entries that say exactly what the rota does, where none of ours does; never what lies over an entry."""
    known = {row.ref for row in rows}
    ours = {(row.accepted.person, row.accepted.end) for row in rows}
    wanted = {(s.person, max(s.start, now), s.end): s for s in rota if (s.person, s.end) not in ours}
    found = []
    for entry in entries:
        said = (entry.person or "", max(entry.start, now), entry.end)
        shift = wanted.pop(said, None) if entry.ref not in known and entry.over is None else None
        if shift is not None:
            value = Value(shift.person, entry.start, entry.end)
            found.append(
                Row(ref=entry.ref, uid=entry.uid, key=shift.key, generation=0, op="", accepted=value, version=entry.version)
            )
    return found


def others(
    foreign: Iterable[Entry], rota: Sequence[Shift], window: Window, mode: Mode, late: Collection[str] = ()
) -> list[tuple[Entry, Drift]]:
    """Others' entries add somebody, so where the rota decides they go (R) or are told of (C).

    `late`: refs of what is like a create of ours that was never confirmed (W4). It goes whatever the mode, and is told: that it
    is ours is likely, and no proof (W9).
    """
    found: list[tuple[Entry, Drift]] = []
    on = [(s.start, s.end, s.person) for s in rota]
    for entry in foreign:
        span = Window(max(entry.start, window.start), min(entry.end, window.end))
        if span.start >= span.end:
            continue
        decided = [bool(people) for _, (people,) in sweep(span, on)]
        echo = entry.ref in late
        goes = echo or (all(decided) and entry.end <= window.end and mode is not Mode.BIDIRECTIONAL)
        tell = Tell.REMOVED if goes else Tell.CONFLICT if any(decided) and mode is Mode.BIDIRECTIONAL else Tell.NOTHING
        row = "12'" if echo else "10" if any(decided) else "11"
        drift = Drift(
            start=span.start, end=span.end, lane=-1, row=row, do=Do.PUSH if goes else Do.KEEP, tell=tell, base=frozenset(),
            desired=None, observed=frozenset({entry.person or f"?{entry.title}"}), refs=((entry.ref, entry.version or ""),),
        )  # fmt: skip
        found.append((entry, drift))
    return found
