"""What makes our entries in a calendar equal to the rota, around what is kept for a human.

Entries are matched to shifts so that a reassigned, moved or shortened shift stays the same event (MERGE.md rule 18).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import product

from syncd.core.desired import Target
from syncd.core.drift import Drift
from syncd.core.entry import Entry
from syncd.core.merge import Do, Tell
from syncd.core.model import Instant, Shift, Source, Window
from syncd.core.own import Own, Standing, is_unknown, same_from
from syncd.core.plan import Change, next_generation, ordered
from syncd.core.record import Action, Memory, Value
from syncd.core.sweep import sweep
from syncd.core.timeline import cuts

PUT = {Do.PUSH, Do.WITHDRAW}


def plan(
    *,
    now: Instant,
    horizon: Instant,
    targets: Sequence[Target],
    there: Standing,
    drifts: Sequence[Drift],
    memory: Memory,
    wording: Callable[[Shift], str],
    native_update: bool = True,
    truncates: bool = False,
    foreign: Sequence[tuple[Entry, Drift]] = (),
) -> tuple[Change, ...]:
    """Calls in the order in which they are sent. `horizon`: what begins later is created only if something of it stood there.

    `truncates`: deleting what is running ends it now (pagers). `foreign`: others' entries that are to go, with the drift that
    says so (exclusive destinations).
    """
    kept = {ref for d in drifts if d.do in {Do.KEEP, Do.HOLD} for ref, _ in d.refs}
    kept |= {over.entry.over or "" for over in there.over if over.entry.ref in kept}  # it stands on what lies under it
    blocked = _blocked(there, drifts, kept)
    wanted = [part for t in targets for part in _clipped(t, blocked.get(t.lane, ()), now)]
    ours = [own for own in there.own if own.entry.ref not in kept and own.says.end > now]
    pairs, missing, surplus = _matched(wanted, ours, now)
    changes = [
        c for own, target in pairs for c in _fitted(own, target, now, wording, native_update=native_update, truncates=truncates)
    ]
    stood = [own.says for own in ours] + [row.accepted for row in there.gone]
    for target in missing:
        reaches = target.shift.start < horizon or any(v.start < target.end and target.start < v.end for v in stood)
        if reaches:
            changes.append(_created(target, now))
    changes += [c for own in surplus for c in _removed(own, now, truncates=truncates)]
    changes += [_away(entry, drift) for entry, drift in foreign]
    changes += [_lifted(over, there, drifts) for over in there.over if over.entry.ref not in kept]
    told = _Told(drifts)
    explained = [told.explained(c) for c in changes]
    standing = [own.says for own in ours if own.row is None or own.row.doubt != "delete"]
    standing += [Value(e.person or "", e.start, e.end) for e, _ in foreign if e.over is None]
    return _numbered(ordered(explained, standing, wanted, now), there, memory)


def _blocked(there: Standing, drifts: Iterable[Drift], kept: set[str]) -> dict[int, list[Window]]:
    """By lane, the time that a kept entry or a held piece takes from the rota's shifts (rule 16)."""
    out: dict[int, list[Window]] = defaultdict(list)
    for own in there.own:
        if own.entry.ref in kept:
            out[own.says.lane].append(Window(own.says.start, own.says.end))
    for d in drifts:
        if d.do is Do.HOLD or (d.do is Do.KEEP and not d.refs):
            out[d.lane].append(Window(d.start, d.end))
    return out


def _clipped(target: Target, blocked: Iterable[Window], now: Instant) -> list[Target]:
    parts = cuts(blocked, Window(target.start, target.end))
    free = [p for p in parts if p.end > now and not any(b.start < p.end and p.start < b.end for b in blocked)]
    return [target._replace(start=p.start, end=p.end) for p in free]


def _matched(
    wanted: Sequence[Target], ours: Sequence[Own], now: Instant
) -> tuple[list[tuple[Own, Target]], list[Target], list[Own]]:
    """Equal; same person, most overlap; same key; same lane, most overlap. What is left over on either side."""
    targets = dict(enumerate(wanted))
    entries = dict(enumerate(ours))
    pairs: list[tuple[Own, Target]] = []

    def take(t: int, e: int) -> None:
        pairs.append((entries.pop(e), targets.pop(t)))

    equal: dict[tuple[str, Instant, Instant], list[int]] = defaultdict(list)
    for e, own in sorted(entries.items(), key=lambda p: _surest(p[1])):
        equal[own.says.person, max(own.says.start, now), own.says.end].append(e)
    for t, target in list(targets.items()):
        same = equal.get((target.shift.person, max(target.start, now), target.end))
        if same:
            take(t, same.pop(0))
    meeting = _meeting(targets, entries, now)
    by_key = {target.shift.key: t for t, target in sorted(targets.items(), reverse=True)}
    same_person = [(-shared, t, e) for shared, t, e in meeting if targets[t].shift.person == entries[e].says.person]
    same_key = [(0, by_key[key], e) for e, own in entries.items() if (key := _key(own)) in by_key]
    same_lane = [(-shared, t, e) for shared, t, e in meeting if targets[t].lane == entries[e].says.lane]
    for alike in (same_person, same_key, same_lane):
        for _, t, e in sorted(alike):
            if t in targets and e in entries:
                take(t, e)
    return pairs, list(targets.values()), list(entries.values())


def _meeting(targets: Mapping[int, Target], entries: Mapping[int, Own], now: Instant) -> list[tuple[int, int, int]]:
    """Seconds shared from now on, target, entry: of those that share any. What runs becomes no later shift."""
    if not targets or not entries:
        return []
    starts = [max(t.start, now) for t in targets.values()] + [max(o.says.start, now) for o in entries.values()]
    ends = [t.end for t in targets.values()] + [o.says.end for o in entries.values()]
    shared: dict[tuple[int, int], int] = defaultdict(int)
    wanted = [(max(t.start, now), t.end, n) for n, t in targets.items()]
    standing = [(max(o.says.start, now), o.says.end, n) for n, o in entries.items()]
    for piece, (ts, es) in sweep(Window(min(starts), max(ends)), wanted, standing):
        for pair in product(ts, es):
            shared[pair] += piece.end - piece.start
    return [(seconds, t, e) for (t, e), seconds in shared.items() if not entries[e].says.start < now < targets[t].start]


def _surest(own: Own) -> tuple[bool, bool, str, str]:
    """Of several that say the same, the one we remember, untouched, of the lowest generation stays (row 19)."""
    return own.row is None, own.edited, own.entry.uid, own.entry.ref


def _key(own: Own) -> str:
    return own.row.key if own.row else own.claim.key if own.claim else ""


def _fitted(
    own: Own, target: Target, now: Instant, wording: Callable[[Shift], str], *, native_update: bool, truncates: bool
) -> list[Change]:
    """The calls that make `own` say `target` from now on; past starts are left as they stand (rule 12).

    What begins now has begun when a pager hears of it, and of what has begun it changes the end alone (PD-47): it begins anew.
    """
    says = own.says
    value = Value(target.shift.person, target.start, target.end, says.lane)
    if same_from(now, says, value):
        return _finished(own, target, now, wording)
    running = says.start < now
    if running and (says.person != value.person or max(value.start, now) != now):
        return [*_removed(own, now, truncates=truncates), _created(target, now)]
    after = value._replace(start=says.start if running else max(value.start, now))
    shift = target.shift._replace(start=after.start, end=after.end)
    begun = after.start <= now and (after.person, after.start) != (says.person, says.start)  # by the time it is sent, it has
    if not native_update or (truncates and begun):
        return [*_removed(own, now, truncates=truncates), _created(target, now)]
    return [_change(own, Action.REPLACE, shift, after)]


def _finished(own: Own, target: Target, now: Instant, wording: Callable[[Shift], str]) -> list[Change]:
    """An entry that says what it shall: signed where its marker says another thing, worded as we would today, touched after a
    delete without an answer, so that a late one finds another version (W5)."""
    shift = target.shift._replace(start=own.says.start, end=own.says.end)
    doomed = own.row is not None and own.row.doubt == "delete"
    signed = own.claim is None or same_from(now, own.claim.value, own.says)
    if doomed or not signed:
        return [_change(own, Action.SIGN, shift, own.says)]
    if not own.worded(wording(shift)):
        return [_change(own, Action.REPLACE, shift, own.says)]
    return []


def _created(target: Target, now: Instant) -> Change:
    start = max(target.start, now)
    value = Value(target.shift.person, start, target.end, target.lane)
    return Change(
        action=Action.CREATE, row="2", key=target.shift.key, shift=target.shift._replace(start=start, end=target.end), after=value
    )


def _removed(own: Own, now: Instant, *, truncates: bool) -> list[Change]:
    """A running entry is shortened to now: its past is history (I7)."""
    if own.says.start >= now or truncates:
        return [_change(own, Action.DELETE, None, None)]
    after = own.says._replace(end=now)
    person = own.accepted.person if own.accepted and is_unknown(own.says.person) else own.says.person
    schedule, role, *_ = [*_key(own).split("/"), "", ""]
    return [_change(own, Action.REPLACE, Shift(schedule, role, person, after.start, now, 0, Source()), after)]


def _change(own: Own, action: Action, shift: Shift | None, after: Value | None) -> Change:
    generation = own.row.generation if own.row else own.claim.generation if own.claim else 0
    row = {Action.DELETE: "4", Action.REPLACE: "3", Action.SIGN: "1", Action.CREATE: "2"}[action]
    return Change(
        action=action,
        row="1" if after == own.says else row,
        key=_key(own),
        generation=generation,
        shift=shift,
        before=own.says,
        entry=own.entry,
        after=after,
        human=own.edited,
        relied=own.row is None or own.row.doubt != "delete",
    )


def _away(entry: Entry, drift: Drift) -> Change:
    before = Value(entry.person or f"?{entry.title}", entry.start, entry.end)
    return Change(action=Action.DELETE, row=drift.row, key="", before=before, entry=entry, human=True, drifts=(drift,))


def _lifted(over: Own, there: Standing, drifts: Iterable[Drift]) -> Change:
    """What lies over an entry of ours goes: that one covers its time, so it uncovers nothing."""
    about = [d for d in drifts if any(ref == over.entry.ref for ref, _ in d.refs)]
    under = next(own.says for own in there.own if own.entry.ref == over.entry.over)
    return Change(
        action=Action.DELETE, row=about[0].row if about else "1", key=over.row.key if over.row else "", before=over.says,
        entry=over.entry, relied=False, human=any(d.do is Do.PUSH for d in about),
        beneath=over.says._replace(person=under.person),
    )  # fmt: skip


class _Told:
    """The pieces that are put right, by lane, so that each change finds those it answers."""

    def __init__(self, drifts: Iterable[Drift]) -> None:
        self._lanes: dict[int, list[Drift]] = defaultdict(list)
        for d in sorted(drifts, key=lambda d: d.start):
            if d.do in PUT:
                self._lanes[d.lane].append(d)
        self._starts = {lane: [d.start for d in found] for lane, found in self._lanes.items()}

    def explained(self, change: Change) -> Change:
        """`change` with the row that asked for it: of the pieces it touches, the one that tells most."""
        if change.drifts or change.before == change.after:
            return change
        about = [d for v in (change.before, change.after) if v is not None for d in self._within(v)]
        if not about:  # the rest of a shift that was cut stands there as it should: it is no new one
            return replace(change, row="3") if change.action is Action.CREATE else change
        chosen = max(about, key=lambda d: (_LOUDNESS[d.tell], d.row not in {"2", "3", "4"}, -d.start))
        return replace(change, row=chosen.row, drifts=tuple(dict.fromkeys(d for d in about if d.tell is not Tell.NOTHING)))

    def _within(self, value: Value) -> list[Drift]:
        lane, starts = self._lanes.get(value.lane, []), self._starts.get(value.lane, [])
        first = max(bisect_right(starts, value.start) - 1, 0)
        return [d for d in lane[first : bisect_left(starts, value.end)] if d.end > value.start]


_LOUDNESS = {Tell.NOTHING: 0, Tell.IMPORTED: 1, Tell.REMOVED: 2, Tell.CONFLICT: 3, Tell.HELD: 4}


def _numbered(changes: Sequence[Change], there: Standing, memory: Memory) -> tuple[Change, ...]:
    """Creates with the generation that makes their id new: one a key and entry, ever (rule 6)."""
    used = dict(memory.generations)
    for key, generation in [(r.key, r.generation) for r in memory.rows] + [
        (o.claim.key, o.claim.generation) for o in there.own if o.claim
    ]:
        used[key] = max(used.get(key, 0), generation)
    return tuple(replace(c, generation=next_generation(c.key, used)) if c.action is Action.CREATE else c for c in changes)
