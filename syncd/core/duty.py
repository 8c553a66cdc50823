"""Decides who is on call by which source: tiers of layers, and overrides over them (SCHEDULES.md section 4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from itertools import groupby

from syncd.core.layers import Duty, duties, valid
from syncd.core.model import Layer, Schedule, Window
from syncd.core.overrides import OnCall, Standing, decide, in_force
from syncd.core.timeline import Piece, cuts, minus, union


def tiers_of(schedule: Schedule, role: str) -> list[list[tuple[int, Layer]]]:
    """The layers of a role with their places in the file, the highest priority first, equal ones together."""
    own = sorted(((i, layer) for i, layer in enumerate(schedule.layers) if layer.role == role), key=lambda one: -one[1].priority)
    return [list(tier) for _, tier in groupby(own, key=lambda one: one[1].priority)]


def on_duty(schedule: Schedule, role: str, window: Window, far: Window) -> list[Duty]:
    """Who is on call by which source, in order of start, layer and place; exact in `window`, cut or not at its edges.

    Layers are asked within `far` only, so that an override without an end in sight costs no turns.
    """
    tiers = tiers_of(schedule, role)
    pieces = in_force(schedule, role, window, valid(schedule))
    members = _members(layer for tier in tiers for _, layer in tier) if pieces else frozenset()
    hidden = [Window(piece.start, piece.end) for piece in pieces if _alone(piece.value, members)]
    seen = minus([window], hidden)
    asked = Window(max(seen[0].start, far.start), min(seen[-1].end, far.end)) if seen else Window(0, 0)
    zones = union((piece.start, piece.end) for piece in pieces)
    found: list[Duty] = []
    said: list[list[Duty]] = []
    covered = zones
    for place, tier in enumerate(tiers):
        if not pieces and covered and covered[0].start <= window.start and covered[0].end >= window.end:
            break  # nothing below is ever seen
        here = _united([duties(layer, i, schedule, asked) for i, layer in tier])
        said.append(here)
        found += _around(here, covered)
        if place + 1 < len(tiers):
            covered = union([*covered, *((duty.start, duty.end) for duty in here)])
    if pieces:
        found += _overridden(said, pieces, len(schedule.layers), members)
    elif len(tiers) == 1 == len(tiers[0]) and len(tiers[0][0][1].rosters) == 1:
        return found
    found.sort(key=_order)
    return sorted(_rejoined(found), key=_order)


def _members(layers: Iterable[Layer]) -> frozenset[str]:
    return frozenset(p for layer in layers for roster in layer.rosters for group in roster.groups for p in group)


def _order(duty: Duty) -> tuple[int, int, int]:
    return duty[0], duty[3], duty[5]


def _united(layers: list[list[Duty]]) -> list[Duty]:
    """Layers of one priority: a person on by several has the turn of the first, and the later one's is cut around it."""
    if len(layers) == 1:
        return layers[0]
    united: list[Duty] = []
    held: dict[str, list[Window]] = {}
    for layer in layers:
        own: dict[str, list[Duty]] = {}
        for duty in layer:
            own.setdefault(duty.person, []).append(duty)
        for person, mine in own.items():
            united += _around(mine, held.get(person, []))
            held[person] = union([*held.get(person, []), *((duty.start, duty.end) for duty in mine)])
    united.sort(key=_order)
    return united


def _around(found: list[Duty], holes: Sequence[Window]) -> list[Duty]:
    """What of the duties, in order of start, lies outside `holes`."""
    if not holes:
        return found
    left: list[Duty] = []
    first = 0
    for duty in found:
        start, end = duty.start, duty.end
        while first < len(holes) and holes[first].end <= start:
            first += 1
        i = first
        while i < len(holes) and holes[i].start < end:
            if start < holes[i].start:
                left.append(duty._replace(start=start, end=holes[i].start))
            start = holes[i].end
            i += 1
        if start < end:
            left.append(duty if start == duty.start else duty._replace(start=start))
    return left


def _alone(standing: Sequence[Standing], members: Set[str]) -> bool:
    """Whether overrides decide without a look at the layers: all are replaced, by people whom no layer has on."""
    return any(one.override.replaces is None for one in standing) and not any(
        one.override.replaces or not members.isdisjoint(one.override.people) for one in standing
    )


def _overridden(
    tiers: list[list[Duty]], pieces: list[Piece[tuple[Standing, ...]]], after: int, members: Set[str]
) -> Iterator[Duty]:
    """Who is on while overrides are in force, from one boundary to the next."""
    coming = sorted(((duty, tier) for tier, said in enumerate(tiers) for duty in said), key=lambda one: -one[0].start)
    here: list[tuple[Duty, int]] = []
    for piece in pieces:
        while coming and coming[-1][0].start < piece.end:
            here.append(coming.pop())
        here = [one for one in here if one[0].end > piece.start]
        within = Window(piece.start, piece.end)
        alone = _alone(piece.value, members)
        later = sorted(here, key=lambda one: -one[0].start)
        now: list[tuple[Duty, int]] = []
        for mark in [within] if alone else cuts(((duty.start, duty.end) for duty, _ in here), within):
            now = [one for one in now if one[0].end > mark.start]
            while later and later[-1][0].start <= mark.start:
                now.append(later.pop())
            on: list[list[OnCall]] = [[] for _ in tiers]
            for duty, tier in sorted(now, key=lambda one: _order(one[0])[1:]):
                on[tier].append(OnCall(duty.person, duty.source, duty.turn, duty.place))
            for one in decide(on, piece.value, after):
                yield Duty(mark.start, mark.end, *one)


def _rejoined(found: Iterable[Duty]) -> list[Duty]:
    """Duties in order of start; the pieces of one person's turn, or of one override, that touch are one again."""
    whole: list[Duty] = []
    last: dict[tuple[str, int, int], int] = {}
    for duty in found:
        i = last.get(duty[2:5])
        if i is not None and whole[i].end == duty.start:
            whole[i] = whole[i]._replace(end=duty.end)
        else:
            last[duty[2:5]] = len(whole)
            whole.append(duty)
    return whole
