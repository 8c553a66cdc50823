"""Time cut into elementary pieces, and pieces put together again: who(t) as a piecewise constant function."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Generic, NamedTuple, TypeVar

from syncd.core.model import Instant, Window

T = TypeVar("T")


class Piece(NamedTuple, Generic[T]):
    """`value` holds throughout `[start, end)`."""

    start: Instant
    end: Instant
    value: T


def cuts(windows: Iterable[tuple[Instant, Instant]], within: Window) -> list[Window]:
    """The elementary pieces of `within`: between two neighbouring boundaries of `windows` nothing begins or ends."""
    start, end = within
    if start >= end:
        return []
    marks = {start, end}
    for one in windows:
        marks.update(mark for mark in one if start < mark < end)
    edges = sorted(marks)
    return [Window(a, b) for a, b in pairwise(edges)]


def coalesce(pieces: Iterable[tuple[Instant, Instant, T]]) -> list[Piece[T]]:
    """Pieces in order, those of equal value that touch made one. Empty ones are left out; overlapping ones must not come."""
    whole: list[Piece[T]] = []
    for start, end, value in pieces:
        if start >= end:
            continue
        if whole and whole[-1].end == start and whole[-1].value == value:
            whole[-1] = Piece(whole[-1].start, end, value)
        else:
            whole.append(Piece(start, end, value))
    return whole


def union(windows: Iterable[tuple[Instant, Instant]]) -> list[Window]:
    """The time that any of `windows` covers, in order; what touches or overlaps is one."""
    covered: list[Window] = []
    for start, end in sorted(windows):
        if start >= end:
            continue
        if covered and start <= covered[-1].end:
            covered[-1] = Window(covered[-1].start, max(end, covered[-1].end))
        else:
            covered.append(Window(start, end))
    return covered


def minus(windows: Iterable[tuple[Instant, Instant]], taken: Iterable[tuple[Instant, Instant]]) -> list[Window]:
    """What of `windows` no time of `taken` covers; both in order and without overlaps."""
    left: list[Window] = []
    holes = list(taken)
    first = 0
    for begin, end in windows:
        start = begin
        while first < len(holes) and holes[first][1] <= start:
            first += 1
        for hole in holes[first:]:
            if hole[0] >= end:
                break
            if start < hole[0]:
                left.append(Window(start, hole[0]))
            start = max(start, hole[1])
        if start < end:
            left.append(Window(start, end))
    return left


def both(ones: Iterable[tuple[Instant, Instant]], others: Iterable[tuple[Instant, Instant]]) -> list[Window]:
    """The time that `ones` and `others` share; both in order and without overlaps."""
    shared: list[Window] = []
    rest = list(others)
    first = 0
    for start, end in ones:
        while first < len(rest) and rest[first][1] <= start:
            first += 1
        for other in rest[first:]:
            if other[0] >= end:
                break
            shared.append(Window(max(start, other[0]), min(end, other[1])))
    return shared
