"""From all that is known of one destination to all that is to be done: the middle of a cycle, values in and values out.

`cycle.py` gathers a `Question` and applies the `Decision`; in between nothing is asked, written or waited for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from syncd.core import absent, beside, calendar, pager, plan_calendar, plan_pager, shown
from syncd.core.desired import Loss, Target, in_lanes, project
from syncd.core.drift import Drift, Policy, Pull, pulls
from syncd.core.entry import Absent, Capabilities, Entry, Paged
from syncd.core.guard import Circumstances, Hold, guarded, hold_for, too_many_pulls
from syncd.core.imports import covers, says, with_pulls
from syncd.core.merge import Do, Tell
from syncd.core.model import DAY, Instant, Schedule, Shift, Window
from syncd.core.notice import Notice, notices
from syncd.core.own import Standing, Verdict, standing, unknown
from syncd.core.plan import Change, Plan
from syncd.core.record import Memory, Piece, Row, Value
from syncd.core.shifts import shifts

FURTHEST = 366 * DAY
"""What stands later than this is not compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One destination, as it was seen, beside what we remember of it and what the rota says."""

    destination: str
    schedule: Schedule
    role: str
    now: Instant
    horizon: int
    """Seconds ahead that are exported."""
    can: Capabilities
    entries: Sequence[Entry]
    paged: Sequence[Paged] = ()
    missing: Mapping[str, Absent] = field(default_factory=dict)
    marks: Mapping[str, Verdict] = field(default_factory=dict)
    memory: Memory
    policy: Policy
    here: Circumstances
    wording: Callable[[Shift], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a cycle does and remembers. Nothing of it depends on when within a second it was asked for."""

    plan: Plan
    targets: tuple[Target, ...]
    """The rota as the destination can say it, after the imports."""
    standing: tuple[Value, ...]
    """What certainly stands there before the first call."""
    rows: tuple[Row, ...] = ()
    dropped: tuple[str, ...] = ()
    pieces: tuple[Piece, ...] | None = None
    withdrawn: tuple[str, ...] = ()
    holds: tuple[Hold, ...] = ()
    notices: tuple[Notice, ...] = ()
    losses: tuple[Loss, ...] = ()
    lacking: tuple[Shift, ...] = ()
    """Shifts of people who have no account there (row 15): not shown, whatever stands in their place."""
    lacks: str = ""
    """Why the first of them is not, and what to do."""
    differs: int = 0
    """Seconds of the horizon in which the destination did not show what the rota says."""
    whole: str = ""
    """Why nothing at all may be written there, or ""."""


def window_of(question_now: Instant, horizon: int, rota: Sequence[Shift], memory: Memory, can: Capabilities) -> Window:
    """What is to be read: the hull of the horizon, of every shift in it, and of what we remember to stand there (F17)."""
    ends = [
        question_now + horizon,
        *(s.end for s in rota),
        *(r.accepted.end for r in memory.rows),
        *(p.end for p in memory.pieces),
    ]
    starts = [s.start for s in rota] if can.edits_past else [question_now]
    return Window(min(question_now, *starts), min(max(ends), question_now + horizon + FURTHEST))


def decide(q: Question) -> Decision:
    """The whole policy applied to one destination; deterministic."""
    return _pager(q) if q.can.stacked else _calendar(q)


# --- calendars and everything whose entries stand side by side ------------------------------------------------


def _calendar(q: Question) -> Decision:
    memory = _adopted(q) if q.can.exclusive else q.memory
    there = standing(q.entries, memory, q.marks, q.now)
    if whole := _not_ours(q, there):
        return Decision(plan=Plan(destination=q.destination, now=q.now), targets=(), standing=(), whole=whole)
    window = _hull(q, [(o.says.start, o.says.end) for o in there.own] + [(r.accepted.start, r.accepted.end) for r in memory.rows])
    places = [o.says for o in (*there.own, *there.over)] + [o.accepted for o in there.own if o.accepted]
    rota, losses = _desired(q, q.schedule, window)
    on, hands = [o.says for o in there.own if not o.edited], [o.says for o in (*there.own, *there.over) if o.edited]
    shows = absent.left(rota, q.missing, on, hands)
    targets = in_lanes(shows, places, q.now)
    drifts = calendar.compare(
        now=q.now,
        window=window,
        targets=targets,
        there=there,
        memory=memory,
        policy=q.policy,
        without=_without(q),
    )
    late = pager.echoes([e for e in there.foreign if e.over is None], memory, q.now)
    able = [s for s in shows if s.person not in q.missing]
    others = beside.others(there.foreign, able, Window(q.now, window.end), q.policy.mode, late) if q.can.exclusive else []
    drifts, pulled, holds = _imports(q, [*drifts, *(d for _, d in others)], window)
    drifts = absent.kept(drifts, q.missing)
    after = rota
    if pulled or _withdrawn(drifts):
        after, losses = _desired(q, with_pulls(q.schedule, q.role, pulled, _withdrawn(drifts)), window)
        shows = absent.left(after, q.missing, on, hands)
        targets = in_lanes(shows, places, q.now)
    changes = plan_calendar.plan(
        now=q.now, horizon=q.now + q.horizon, targets=targets, there=there, drifts=drifts, memory=memory, wording=q.wording,
        native_update=q.can.native_update, truncates=q.can.exclusive, foreign=[(e, d) for e, d in others if d.do is Do.PUSH],
    )  # fmt: skip
    rows, dropped = calendar.accepted(there, drifts, q.now)
    here = replace(
        q.here, own_future=sum(o.says.end > q.now for o in there.own) + len(there.gone), rota_empty=not after and bool(there.own),
        first_link=q.can.exclusive and not q.memory.rows and bool(others) and q.here.first_link,
    )  # fmt: skip
    stands = shown.under(there.over, [o for o in there.own if o.row is None or o.row.doubt != "delete"])
    stands += [Value(e.person or f"?{e.title}", e.start, e.end) for e, d in others if d.do is Do.PUSH and e.over is None]
    return _decided(
        q, drifts, pulled, changes, here, holds, after=after, shows=shows, targets=targets, losses=losses, stands=stands,
        differs=shown.differs(after, [o.says for o in there.own], _horizon(q)),
        rows=[*rows, *memory.rows[len(q.memory.rows) :]], dropped=dropped,
        foreign=there.foreign, peers=there.peers,
    )  # fmt: skip


def _adopted(q: Question) -> Memory:
    """Shift-based pagers: somebody's entry that says exactly what the rota does, where none of ours does, is taken as ours."""
    rota, _ = project(shifts(q.schedule, _horizon(q), role=q.role), q.can)
    return replace(q.memory, rows=(*q.memory.rows, *beside.adopted(q.entries, q.memory.rows, rota, q.now)))


def _not_ours(q: Question, there: Standing) -> str:
    """Markers that this key does not verify, where the ledger knows nothing: another key's, or the key was lost (section 9)."""
    strangers = [*there.peers, *there.copies]
    if not strangers or q.memory.rows or q.memory.intents or "strangers" in q.here.released:
        return ""
    told = "entries there carry a syncd marker that this key does not verify, and nothing is remembered of this destination"
    remedy = "put back the key that they were written with; acknowledged, they stay, and ours come beside them"
    return f"{len(strangers)} {told}: {remedy}"


# --- pagers whose entries lie on each other ---------------------------------------------------------------------


def _pager(q: Question) -> Decision:
    known = {row.ref for row in q.memory.rows}
    there = {entry.ref: entry for entry in q.entries}
    spans = [(e.start, e.end) for e in q.entries if e.ref in known or any(p.ref == e.ref for p in q.paged)]
    window = _hull(q, [*spans, *((p.start, p.end) for p in q.memory.pieces)])
    rota, losses = _desired(q, q.schedule, window)
    on = [Value(p.person, p.start, p.end) for p in q.paged if p.person is not None and p.ref in known]
    hands = [Value(p.person or unknown(p.title), p.start, p.end) for p in q.paged if p.ref is not None and p.ref not in known]
    mine = [e for e in q.entries if e.ref in known]
    on += [Value(e.person, e.start, e.end) for e in mine if e.person is not None and e.person in q.missing]
    wanted = in_lanes(absent.left(rota, q.missing, on, hands), (), q.now)
    drifts = pager.compare(
        now=q.now, window=window, targets=wanted, entries=q.entries, paged=q.paged, memory=q.memory,
        policy=q.policy, without=_without(q),
    )  # fmt: skip
    drifts, pulled, holds = _imports(q, drifts, window)
    drifts = absent.kept(drifts, q.missing)
    after, losses = _desired(q, with_pulls(q.schedule, q.role, pulled, _withdrawn(drifts)), window)
    shows = absent.left(after, q.missing, on, hands)
    targets = in_lanes(shows, (), q.now)
    echoes = pager.echoes(q.entries, q.memory, q.now)
    changes = plan_pager.plan(
        now=q.now, horizon=q.now + q.horizon, targets=targets, entries=q.entries, paged=q.paged, drifts=drifts, memory=q.memory,
        echoes=echoes, mode=q.policy.mode,
    )  # fmt: skip
    own = [e for e in mine if e.end > q.now]
    differs = any(d.observed and d.row not in {"1", "11"} for d in drifts)
    here = replace(
        q.here, own_future=len(own), rota_empty=not after and bool(own),
        first_link=pager.nothing_remembered(q.memory) and differs and q.here.first_link,
    )  # fmt: skip
    doomed = {row.ref for row in q.memory.rows if row.doubt == "delete"}
    stands = [Value(e.person or f"?{e.title}", e.start, e.end) for e in q.entries if e.ref not in doomed]
    linked = here.first_link and any(c.name(q.now) not in here.released for c in changes)
    return _decided(
        q, drifts, pulled, changes, here, holds, after=after, shows=shows, targets=targets, losses=losses, stands=stands,
        differs=0, rows=[], dropped=[ref for ref in known if ref not in there], foreign=(), peers=(),
        pieces=None if linked else pager.agreed(drifts, q.paged, q.entries, q.memory, q.now),
    )  # fmt: skip


# --- what both share ------------------------------------------------------------------------------------------


def _horizon(q: Question) -> Window:
    return Window(q.now, q.now + q.horizon)


def _hull(q: Question, spans: Iterable[tuple[Instant, Instant]]) -> Window:
    window = Window(q.now, q.now + q.horizon)
    ends = [s.end for s in shifts(q.schedule, window, role=q.role)] + [end for _, end in spans]
    return Window(q.now, min(max([window.end, *ends]), window.end + FURTHEST))


def _desired(q: Question, schedule: Schedule, window: Window) -> tuple[list[Shift], list[Loss]]:
    rota, losses = project(shifts(schedule, window, role=q.role), q.can)
    return [s for s in rota if s.end > q.now], losses


def _without(q: Question) -> Callable[[str, Window], bool]:
    """Whether somebody is on without an override; asked only where the entry of an import is gone."""

    def answer(override: str, window: Window) -> bool:
        return covers(shifts(with_pulls(q.schedule, q.role, (), [override]), window, role=q.role), window)

    return answer


def _withdrawn(drifts: Iterable[Drift]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(d.withdraw for d in drifts if d.do is Do.WITHDRAW))


def _imports(q: Question, drifts: list[Drift], window: Window) -> tuple[list[Drift], tuple[Pull, ...], list[Hold]]:
    """The imports of this cycle. One that would have no effect is undone (rule 1); too many are held (rule 25)."""
    found = pulls(drifts)
    if not found and not _withdrawn(drifts):
        return drifts, (), []
    own_future = sum(row.accepted.end > q.now for row in q.memory.rows)
    reason = too_many_pulls(found, replace(q.here, own_future=own_future))
    waiting = [d for d in drifts if d.do in {Do.IMPORT, Do.WITHDRAW} and d.name(q.now) not in q.here.released]
    if reason and waiting:
        names = [d.name(q.now) for d in waiting]
        held = [replace(d, do=Do.HOLD, tell=Tell.HELD) if d in waiting else d for d in drifts]
        return held, pulls(held), [hold_for(q.destination, reason, names)]
    rota = shifts(with_pulls(q.schedule, q.role, found, _withdrawn(drifts)), window, role=q.role)
    failed = [p for p in found if not says(rota, p)]
    if failed:
        drifts = [
            replace(d, do=Do.PUSH, tell=Tell.CONFLICT)
            if d.do is Do.IMPORT and any(p.start < d.end and d.start < p.end for p in failed)
            else d
            for d in drifts
        ]
    return drifts, pulls(drifts), []


def _decided(
    q: Question,
    drifts: list[Drift],
    pulled: tuple[Pull, ...],
    changes: Sequence[Change],
    here: Circumstances,
    holds: list[Hold],
    *,
    after: list[Shift],
    shows: list[Shift],
    targets: list[Target],
    losses: list[Loss],
    stands: list[Value],
    differs: int,
    rows: list[Row],
    dropped: list[str],
    foreign: Sequence[Entry],
    peers: Sequence[Entry],
    pieces: tuple[Piece, ...] | None = None,
) -> Decision:
    marked, more = guarded(changes, targets, replace(here, one_at_a_time=q.can.people == 1), q.now)
    known = {name for hold in holds for name in hold.names}
    waiting = [d for d in drifts if d.do is Do.HOLD and d.name(q.now) not in known]
    if waiting:
        words = "; ".join(sorted({d.words for d in waiting}))
        more = (
            *more,
            hold_for(q.destination, f"{words}; an ack lets the rota win", [d.name(q.now) for d in waiting]),
        )
    lacking = absent.lacking(after, q.missing, q.now, q.now + q.horizon)
    marked = absent.unsent(marked, q.missing) + absent.refused(lacking, shows, q.missing, q.now)
    plan = Plan(destination=q.destination, changes=marked, pulls=pulled, drifts=tuple(drifts), now=q.now)
    beneath = [d for c in marked for d in c.drifts if d not in drifts]  # what goes though no piece of time showed it
    told = notices(
        [*drifts, *dict.fromkeys(beneath)],
        destination=q.destination,
        schedule=q.schedule.id,
        role=q.role,
        foreign=foreign,
    )
    told += [_peer(q, entry) for entry in peers]
    told += absent.told(lacking, q.missing, destination=q.destination, schedule=q.schedule.id, role=q.role)
    return Decision(
        plan=plan, targets=tuple(targets), standing=tuple(v for v in stands if v.end > q.now), rows=tuple(rows),
        dropped=tuple(dropped), pieces=pieces, withdrawn=_withdrawn(drifts), holds=(*holds, *more),
        notices=tuple(told), losses=tuple(losses), lacking=lacking, lacks=q.missing[lacking[0].person].text if lacking else "",
        differs=shown.differs_paged(after, q.paged, _horizon(q)) if q.can.renders else differs,
    )  # fmt: skip


def _peer(q: Question, entry: Entry) -> Notice:
    text = f"{entry.title!r} was written by another instance of syncd: two keep one calendar"
    return Notice(
        id=f"peer-{q.destination}-{entry.ref}", kind=Tell.HELD, destination=q.destination, schedule=q.schedule.id,
        role=q.role, start=entry.start, end=entry.end, text=text, had=(entry.person or f"?{entry.title}",),
        done="nothing was changed", refs=(entry.ref,),
    )  # fmt: skip
