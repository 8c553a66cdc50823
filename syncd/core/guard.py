"""Limits that turn changes into holds: what is dangerous waits for a human's word, the rest goes on (I9).

Two independent guards stand before every hazard (W15); this is the second, the merge being the first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from syncd.core.desired import Target
from syncd.core.drift import Pull
from syncd.core.mode import Limits
from syncd.core.model import Instant, Window
from syncd.core.plan import Change, Status, digest
from syncd.core.record import Action
from syncd.core.timeline import union

PULLS = 3
MOVED = 3
REPLACEMENTS = 10
PULL_SHARE = 0.30
REPLACEMENT_SHARE = 0.50


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What the guard must know beside the plan."""

    destination: str
    own_future: int = 0
    """How many entries of ours stand there from now on, or are remembered to."""
    limits: Limits = field(default_factory=Limits)
    rota_empty: bool = False
    """The rota has nobody in the whole window, but entries of ours are there."""
    settings_changed: bool = False
    """Mode, role or schedule of the destination are not those of its last cycle."""
    zones_changed: tuple[str, ...] = ()
    """Zones whose clock changes are no longer those of the last cycle: newer time zone data (F20)."""
    first_link: bool = False
    """A pager of which nothing is remembered holds overrides that differ from the rota (rule 8)."""
    one_at_a_time: bool = False
    """It shows one person at a time: whoever the rota has on then stands in for what is removed, beneath it or beside it."""
    clock_jumped: bool = False
    confirmed: bool = False
    """Somebody ran `export`: who replaces is an actor who confirmed (not for removals)."""
    released: frozenset[str] = frozenset()
    """Names of changes that somebody acknowledged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Changes that wait for `syncd ack DIGEST`."""

    digest: str
    reason: str
    names: tuple[str, ...]


def guarded(
    changes: Sequence[Change], targets: Iterable[Target], here: Circumstances, now: Instant
) -> tuple[tuple[Change, ...], tuple[Hold, ...]]:
    """`changes` with what is dangerous marked as held, and the holds. What was acknowledged is no longer dangerous.

    `targets`: the rota as it shall be shown; what says the same as one of them is a duplicate, and takes nobody off.
    """
    shown, somebody = defaultdict(list), []
    for target in targets:
        shown[target.shift.person].append(target)
        somebody.append((target.start, target.end))
    on = union(somebody) if here.one_at_a_time else []
    held: dict[str, str] = {}

    def hold(found: Iterable[Change], reason: str) -> None:
        for change in found:
            name = change.name(now)
            if change.status is not Status.HELD and name not in here.released:
                held.setdefault(name, reason)

    away = [c for c in changes if c.action is Action.DELETE and c.beneath is None]
    removals = [c for c in away if not (_succeeded(c, changes) or _doubled(c, shown, now) or _covered(c, on, now))]
    replaces = [c for c in changes if c.action is Action.REPLACE and c.before != c.after]
    edits = [c for c in changes if c.human and c.action in {Action.DELETE, Action.REPLACE}]
    if here.first_link:
        hold(changes, "overrides are there that differ from the rota, and nothing is remembered of this destination")
    if here.rota_empty:
        hold(
            [c for c in changes if c.action is Action.DELETE or _ends_early(c)],
            "the rota has nobody at all, but entries of ours are there",
        )
    if here.settings_changed:
        hold([*removals, *edits], "mode, role or schedule of this destination changed")
    moved = [c for c in changes if c.row in {"3", "3'", "4"}]
    if here.zones_changed and not here.confirmed and len({c.key for c in moved}) > MOVED:
        hold(moved, f"newer time zone data moves shifts: the clock changes of {', '.join(here.zones_changed)} are others now")
    hold(
        [c for c in changes if c.row in {"13", "14", "14'"} and c.action is not Action.CREATE and not _answered(c, here, now)],
        "nothing is remembered of these entries, and they differ from the rota",
    )
    limit = max(here.limits.removals, int(here.limits.removal_share * here.own_future))
    if len(removals) > limit:
        hold(removals, f"{len(removals)} entries would be removed with nobody in their place; the limit is {limit}")
    limit = max(REPLACEMENTS, int(REPLACEMENT_SHARE * here.own_future))
    if len(replaces) > limit and not here.confirmed:
        hold(replaces, f"{len(replaces)} entries would be changed at once; the limit is {limit}")
    out = tuple(_marked(c, held, here, now) for c in changes)
    reasons = sorted(set(held.values()))
    found = ((reason, [name for name, why in held.items() if why == reason]) for reason in reasons)
    return out, tuple(hold_for(here.destination, reason, names) for reason, names in found)


def too_many_pulls(pulls: Sequence[Pull], here: Circumstances) -> str:
    """Why imports are held, or "": a server that shifts all its events is no human (rule 25)."""
    limit = max(PULLS, int(PULL_SHARE * here.own_future))
    if here.settings_changed and pulls:
        return "mode, role or schedule of this destination changed"
    return f"{len(pulls)} edits would come into the rota at once; the limit is {limit}" if len(pulls) > limit else ""


def hold_for(destination: str, reason: str, names: Iterable[str]) -> Hold:
    """Its digest covers the held changes only, and the destination: what is asked of two is two answers."""
    ordered = tuple(sorted(names))
    return Hold(digest=digest([destination, *ordered]), reason=reason, names=ordered)


def _marked(change: Change, held: dict[str, str], here: Circumstances, now: Instant) -> Change:
    if reason := held.get(change.name(now)):
        return replace(change, status=Status.HELD, reason=reason)
    if here.clock_jumped and change.removes and change.status is Status.NOW:
        return replace(change, status=Status.WAITS, reason="the clock jumped; nothing is removed in this cycle")
    return change


def _succeeded(change: Change, changes: Sequence[Change]) -> bool:
    """Whether somebody is put in the place of what is removed in the same plan."""
    before = change.before
    put = [c.after for c in changes if c.after is not None and c.action in {Action.CREATE, Action.REPLACE}]
    return before is not None and any(after.start < before.end and before.start < after.end for after in put)


def _answered(change: Change, here: Circumstances, now: Instant) -> bool:
    """Whether the piece of time that asks for it was acknowledged itself."""
    return any(d.name(now) in here.released for d in change.drifts)


def _doubled(change: Change, shown: Mapping[str, Sequence[Target]], now: Instant) -> bool:
    """Whether the rota has the same person on in all of the time of what is removed."""
    before = change.before
    return before is not None and any(
        t.start <= max(before.start, now) and before.end <= t.end for t in shown.get(before.person, ())
    )


def _covered(change: Change, on: Sequence[Window], now: Instant) -> bool:
    """Whether somebody is on in all of the time of what is removed, where one at a time is shown."""
    before = change.before
    return before is not None and any(w.start <= max(before.start, now) and before.end <= w.end for w in on)


def _ends_early(change: Change) -> bool:
    return change.before is not None and change.after is not None and change.after.end < change.before.end
