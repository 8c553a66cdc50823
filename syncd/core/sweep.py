"""Walks through elementary segments once, with what covers each: every comparison over time is this walk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from syncd.core.model import Instant, Window
from syncd.core.timeline import cuts

T = TypeVar("T")

Track = list[tuple[Instant, Instant, T]]
"""Periods with what holds in each; they may overlap."""


def sweep(within: Window, *tracks: Track[Any]) -> Iterator[tuple[Window, list[list[Any]]]]:
    """Each elementary segment of `within`, and for each track what covers it, in the track's own order of start."""
    waiting = [sorted(((s, n, e, x) for n, (s, e, x) in enumerate(track)), key=lambda p: p[:2], reverse=True) for track in tracks]
    active: list[list[tuple[Instant, Any]]] = [[] for _ in tracks]
    for piece in cuts(_bounds(tracks), within):
        covering: list[list[Any]] = []
        for place, queue in enumerate(waiting):
            on = active[place]
            if on and any(end <= piece.start for end, _ in on):
                on = active[place] = [(end, x) for end, x in on if end > piece.start]
            while queue and queue[-1][0] <= piece.start:
                _, _, end, x = queue.pop()
                if end > piece.start:
                    on.append((end, x))
            covering.append([x for _, x in on])
        yield piece, covering


def _bounds(tracks: Iterable[Track[Any]]) -> Iterator[tuple[Instant, Instant]]:
    return ((start, end) for track in tracks for start, end, _ in track)
