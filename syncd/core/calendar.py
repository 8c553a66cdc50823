"""Compares a calendar with the rota: only our own entries are assignments there, lane by lane.

Serves every destination whose entries stand side by side (calendars, shift-based pager schedules); `pager.py` serves those where
entries lie on top of each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from syncd.core.desired import Target
from syncd.core.drift import Drift, Policy, judged, said, unsayable
from syncd.core.merge import Cell, Do, Hands, Piece, Tell, classify
from syncd.core.model import Instant, Window
from syncd.core.own import Own, Standing, same_from
from syncd.core.record import Imported, Memory, Row, Value
from syncd.core.sweep import Track, sweep

Base = tuple[str, str]
"""Person, and the ref of the entry that said so."""


def compare(
    *,
    now: Instant,
    window: Window,
    targets: Sequence[Target],
    there: Standing,
    memory: Memory,
    policy: Policy,
    without: Callable[[str, Window], bool],
) -> list[Drift]:
    """Every piece of `window` from now on, judged. `without(override, window)`: whether somebody is on there without it."""
    window = Window(max(window.start, now), window.end)
    imports = [i for i in memory.imports if i.ref in {row.ref for row in there.gone}]
    written = {row.ref for row in memory.rows if row.version is not None}  # since any import of theirs: it is a new edit
    twice = {(i.ref, i.version) for i in memory.imports if i.ref not in written}
    lanes: dict[int, tuple[Track[str], Track[Base], Track[Own]]] = defaultdict(lambda: ([], [], []))
    for target in targets:
        _add(lanes[target.lane][0], target.value, target.shift.person)
    for own in there.own:
        _add(lanes[own.says.lane][2], own.says, own)
        if own.row is not None and own.accepted is not None:  # what a lost ledger agreed to is not known (rule 8)
            _add(lanes[own.accepted.lane][1], own.accepted, (own.accepted.person, own.entry.ref))
    for over in there.over:
        _add(lanes[over.says.lane][2], over.says, over)
    for row in there.gone:
        _add(lanes[row.accepted.lane][1], row.accepted, (row.accepted.person, row.ref))
    drifts: list[Drift] = []
    for lane, (wanted, agreed, standing) in sorted(lanes.items()):
        for piece, (d, b, o) in sweep(window, wanted, agreed, standing):
            if d or b or o:
                drifts.append(_drift(piece, lane, d, b, o, imports, without))
    return _sayable([_answerable(judged(d, policy, now), policy, now) for d in drifts], policy, twice)


def _answerable(drift: Drift, policy: Policy, now: Instant) -> Drift:
    """Row 14 of an entry of ours: its removal waits for an answer, so that it does not keep others off for ever (rule 8)."""
    if drift.row != "14":
        return drift
    if drift.name(now) in policy.released:
        return replace(drift, do=Do.PUSH, tell=Tell.REMOVED)
    return replace(drift, do=Do.HOLD)


def _add(track: list[tuple[Instant, Instant, Any]], value: Value, what: object) -> None:
    if value.start < value.end:
        track.append((value.start, value.end, what))


def _drift(
    window: Window,
    lane: int,
    desired: list[str],
    agreed: list[Base],
    standing: list[Own],
    imports: list[Imported],
    without: Callable[[str, Window], bool],
) -> Drift:
    edited = [own for own in standing if own.edited]
    over = [own for own in edited if own.entry.over is not None]
    seen = over or edited or standing  # an entry a human edited beats those nobody touched
    observed = frozenset(own.says.person for own in seen if own.says.person)
    want = desired[0] if desired else None
    differs = observed != (frozenset() if want is None else {want})
    hands = Hands.NONE if not seen else Hands.EDITED if any(own.edited for own in seen) else Hands.OURS
    left = tuple(ref for _, ref in agreed)
    undone = next((i for i in imports if i.ref in left and i.start < window.end and window.start < i.end), None)
    if undone is not None and not without(undone.override, window):
        undone = None
    piece = Piece(
        base=frozenset(person for person, _ in agreed),
        desired=want,
        observed=observed,
        hands=hands,
        base_known=not (differs and any(own.lost for own in standing)) and all(own.accepted is not None for own in standing),
        import_lost=undone is not None,
    )
    return Drift(
        start=window.start,
        end=window.end,
        lane=lane,
        row=classify(piece),
        do=Do.SAME,
        tell=Tell.NOTHING,
        base=piece.base,
        desired=want,
        observed=observed,
        refs=tuple((own.entry.ref, own.entry.version or "") for own in seen),
        since=tuple(own.row.op for own in seen if own.row is not None),
        left=left,
        withdraw=undone.override if undone else "",
    )


def _sayable(drifts: list[Drift], policy: Policy, twice: set[tuple[str, str]]) -> list[Drift]:
    """Imports as the set over all lanes of their piece; what the rota cannot say gives way, or is left (rules 4 and 15)."""
    cuts: set[Instant] = {t for d in drifts for t in (d.start, d.end) if d.do is Do.IMPORT}
    if not cuts:
        return drifts
    pieces = [part for d in drifts for part in _cut(d, cuts)]
    at: dict[Window, list[Drift]] = defaultdict(list)
    for d in _elementary(pieces):
        at[Window(d.start, d.end)].append(d)
    out: list[Drift] = []
    for together in at.values():
        out.extend(_together(together, policy, twice) if any(d.do is Do.IMPORT for d in together) else together)
    return sorted(out, key=lambda d: (d.lane, d.start))


def _together(lanes: list[Drift], policy: Policy, twice: set[tuple[str, str]]) -> list[Drift]:
    checked = [replace(d, do=cell.do, tell=cell.tell) if (cell := _refused(d, policy, twice)) else d for d in lanes]
    desired = sum(d.desired is not None for d in lanes)
    people = [person for d in checked if (person := _on(d))]
    if not said(people, policy.people, desired):
        return [replace(d, do=Do.PUSH, tell=Tell.CONFLICT) if d.do is Do.IMPORT else d for d in checked]
    return [replace(d, people=tuple(people)) if d.do is Do.IMPORT else d for d in checked]


def _refused(drift: Drift, policy: Policy, twice: set[tuple[str, str]]) -> Cell | None:
    """The cell that takes an import's place where this one may not be made; None where it may."""
    if drift.do is not Do.IMPORT:
        return None
    if not drift.observed and drift.row == "6":
        return None  # a deletion that is accepted: whoever is on in the other lanes
    if len(drift.observed) != 1 or not said(list(drift.observed), policy.people, 0):
        return unsayable(drift)
    if policy.imports_wait:
        return Cell(Do.KEEP, Tell.CONFLICT)
    if any(ref in twice for ref in drift.refs):
        return Cell(Do.PUSH, Tell.CONFLICT)  # imported once, and withdrawn since (rule 11)
    return None


def _on(drift: Drift) -> str | None:
    """Who is on in a lane once its drift is dealt with."""
    if drift.do is Do.IMPORT:
        return next(iter(drift.observed), None)
    return drift.desired


def _cut(drift: Drift, at: set[Instant]) -> list[Drift]:
    inside = sorted(t for t in at if drift.start < t < drift.end)
    bounds = [drift.start, *inside, drift.end]
    return [replace(drift, start=a, end=b) for a, b in pairwise(bounds)]


def _elementary(drifts: list[Drift]) -> list[Drift]:
    """Cut at every boundary of every lane, so that equal periods are equal keys."""
    bounds = {t for d in drifts for t in (d.start, d.end)}
    return [part for d in drifts for part in _cut(d, bounds)]


def accepted(there: Standing, drifts: Sequence[Drift], now: Instant) -> tuple[list[Row], list[str]]:
    """Rows as they are after the decision, where they change: content of entries that agree or were imported (rule 11), and the
    refs of rows that are done with: their entry is gone or past, and its hole is decided (rule 10)."""
    undecided: dict[str, bool] = {}
    agrees: dict[str, bool] = {}
    for d in drifts:
        for ref in {*d.left, *(ref for ref, _ in d.refs)}:
            undecided[ref] = undecided.get(ref, False) or d.do is Do.HOLD or (d.do is Do.KEEP and not d.refs)
        for ref, _ in d.refs:
            agrees[ref] = agrees.get(ref, True) and d.do in {Do.SAME, Do.IMPORT}
    rows: list[Row] = []
    for own in there.own:
        past = own.says.end <= now and not undecided.get(own.entry.ref, False)
        if agrees.get(own.entry.ref, past) and (row := _row(own, now)) is not None:
            rows.append(row)
    dropped = [row.ref for row in there.gone if not undecided.get(row.ref, False)]
    return rows, dropped


def _row(own: Own, now: Instant) -> Row | None:
    """`own` with what it says as what was agreed; None where that changes nothing in the ledger."""
    old, claim, entry = own.row, own.claim, own.entry
    if old is not None and same_from(now, old.accepted, own.says) and (claim is None or old.op == claim.op):
        return None
    if claim is not None:
        order = old.order if old else 0
        return Row(
            ref=entry.ref, uid=entry.uid, key=claim.key, generation=claim.generation, op=claim.op, accepted=own.says, order=order
        )
    return replace(old, accepted=own.says, version=None, doubt="") if old is not None else None
