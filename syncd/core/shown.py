"""Whom a destination shows: by its entries, or by what it renders itself; and for how long that is not the rota."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from syncd.core.entry import Paged
from syncd.core.model import Instant, Shift, Window
from syncd.core.own import Own, unknown
from syncd.core.record import Value
from syncd.core.sweep import sweep
from syncd.core.timeline import minus, union


def under(over: Iterable[Own], own: Iterable[Own]) -> list[Value]:
    """What each of `own` shows where nothing lies over it, and what lies over it: one person at each instant of each."""
    above: dict[str, list[Value]] = defaultdict(list)
    for one in over:
        if one.says.start < one.says.end:
            above[one.entry.over or ""].append(one.says)
    found = []
    for one in own:
        lying = above.get(one.entry.ref, [])
        if not lying:
            found.append(one.says)
            continue
        span = (one.says.start, one.says.end)
        found += [one.says._replace(start=a, end=b) for a, b in minus([span], [(v.start, v.end) for v in lying])]
        found += lying
    return found


def differs(rota: Iterable[Shift], seen: Iterable[Value], window: Window) -> int:
    """Seconds of `window` in which those shown are not those of the rota."""
    here = [(s.start, s.end, s.person) for s in rota]
    there = [(v.start, v.end, v.person) for v in seen]
    return sum(piece.end - piece.start for piece, (want, on) in sweep(window, here, there) if sorted(want) != sorted(on))


def differs_paged(rota: Iterable[Shift], paged: Iterable[Paged], window: Window) -> int:
    """The same of a destination's own final rota. Its own layers and rotations, which are a fallback where the rota has nobody,
    count where the rota has somebody."""
    spans: dict[tuple[str, bool], list[tuple[Instant, Instant]]] = defaultdict(list)
    for one in paged:
        spans[one.person or unknown(one.title), one.ref is None].append((one.start, one.end))
    here = [(s.start, s.end, s.person) for s in rota]
    there = [(*span, who) for who, mine in spans.items() for span in union(mine)]
    seconds = 0
    for piece, (want, on) in sweep(window, here, there):
        people = {person for person, layer in on if want or not layer}
        if people != set(want):
            seconds += piece.end - piece.start
    return seconds
