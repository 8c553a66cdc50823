"""Decides which list of members is walked in which turn, and from which place (SCHEDULES.md section 2, dated rosters)."""

from __future__ import annotations

from typing import NamedTuple

from syncd.core.model import Group, Instant, Join, Layer, Roster, Rotation
from syncd.core.rotation import PLAIN, Order, Turns, order_of
from syncd.core.zone import EARLIEST, instant


class Tenure(NamedTuple):
    """One list in force from `since` on: turn `k` is served by `groups[(place + f(k) - f(handoff)) mod n]`."""

    since: Instant
    groups: tuple[Group, ...]
    order: Order = PLAIN
    handoff: int = 0
    """The first turn it was walked on in; 0 with place 0 where turns are counted from the anchor."""
    place: int = 0
    before: tuple[Group, int] | None = None
    """Whoever had the turn before it took over, with the place that is looked at first."""

    def whose(self, turn: int) -> int | None:
        """The place in the list whose turn it is; None in an empty list."""
        if not self.groups:
            return None
        return (self.place + self.order.of(turn) - self.order.of(self.handoff)) % len(self.groups)

    def group(self, turn: int) -> Group:
        index = self.whose(turn)
        return () if index is None else self.groups[index]

    def walked(self, first: int, last: int) -> list[Group]:
        """Of the turns `first` to `last`."""
        if self.order.skip is not None or not self.groups:
            return [self.group(turn) for turn in range(first, last + 1)]
        n, shift = len(self.groups), self.place - self.handoff
        return [self.groups[(turn + shift) % n] for turn in range(first, last + 1)]


def tenures(layer: Layer, turns: Turns | None) -> list[Tenure]:
    """The lists of a layer in the order in which they serve; `turns` None: every list holds from its `from`."""
    found: list[Tenure] = []
    for roster in layer.rosters:
        since = EARLIEST if roster.since is None else instant(roster.since, layer.timezone)
        fresh = Tenure(since, roster.groups)
        if turns is not None and layer.rotation is not None:
            fresh = _taken_over(found, since, roster, turns, layer.rotation)
        while found and found[-1].since >= fresh.since:
            found.pop()
        found.append(fresh)
    return found


def _taken_over(found: list[Tenure], since: Instant, roster: Roster, turns: Turns, rotation: Rotation) -> Tenure:
    order = order_of(rotation, len(roster.groups)) if roster.groups else PLAIN
    counted = Tenure(since, roster.groups, order)
    turn = turns.locate(since)
    if not found or roster.join is Join.RECALCULATE or since <= turns.first:
        return counted
    old = found[-1]
    handoff = turn + 1
    while handoff and turns.starts(handoff - 1, handoff - 1)[0] == since:
        handoff -= 1
    start = turns.starts(handoff, handoff)[0]
    waiting = old.since >= start  # it has not served yet: both take over at one handoff
    before = old.before if waiting else _server(old, handoff - 1)
    if not old.groups or before is None:
        return counted._replace(since=start if waiting else since)
    if not roster.groups:
        return Tenure(start, (), before=before)
    member, place = before
    same = place % len(roster.groups)
    if roster.groups[same] == member:
        place = same
    elif member in roster.groups:
        place = roster.groups.index(member)
    else:
        return Tenure(start, roster.groups, order, handoff, same, (member, same))
    return Tenure(start, roster.groups, order, handoff, place + 1, (member, place))


def _server(old: Tenure, turn: int) -> tuple[Group, int] | None:
    index = old.whose(turn)
    return None if index is None else (old.groups[index], index)
