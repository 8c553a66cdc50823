"""The rota that stories are told of, and times written as day and hour of March 2026 in UTC: `12T09` is 2026-03-12T09:00Z."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from threading import Event

from tests.simulators.common import Clock

NAMES = {"ana": "Ana Lima", "ben": "Ben Okafor", "cho": "Cho Min-ji", "dee": "Dee Novak", "eve": "Eve Abara"}
STRANGER = "Zoe Quill"
"""Somebody whom the destination knows and the rota does not."""
ROTA = """\
timezone: UTC
people:
  ana: {name: Ana Lima, email: ana@example.com}
  ben: {name: Ben Okafor, email: ben@example.com}
  cho: {name: Cho Min-ji, email: cho@example.com}
  dee: {name: Dee Novak, email: dee@example.com}
  eve: {name: Eve Abara, email: eve@example.com}
roles:
  primary: {title: Primary}
schedules:
  payments:
    title: Payments
    start: 2026-03-09T09:00
    layers:
      - {name: day, role: primary, members: [ana, ben, cho], rotation: {every: 1, unit: day, at: "09:00"}}
"""
NOON = "2026-03-11T12:00:00+00:00"
"""Three hours into a shift of Cho's."""
ROLLING = [
    "cho 11T12 12T09",
    "ana 12T09 13T09",
    "ben 13T09 14T09",
    "cho 14T09 15T09",
    "ana 15T09 16T09",
    "ben 16T09 17T09",
]
"""What an export at noon shows of the next five days: a shift that is under way begins with its first export."""
MODES = ("authoritative", "bidirectional", "manual")


def at(text: str) -> int:
    """The instant of `12T09` or `12T09:30`."""
    day, _, hour = text.partition("T")
    hours, _, minutes = hour.partition(":")
    return int(datetime(2026, 3, int(day), int(hours), int(minutes or 0), tzinfo=UTC).timestamp())


def short(instant: float) -> str:
    return f"{datetime.fromtimestamp(instant, UTC):%dT%H:%M}".removesuffix(":00")


@dataclass(frozen=True, order=True)
class Standing:
    """One thing that stands at a destination. `who`: an id of the rota, or the words that stand there instead."""

    start: int
    end: int
    who: str
    ref: str
    by_hand: bool
    """A human made it; everything else is ours."""
    order: int = 0
    """Of a pager's overrides the highest is on top."""

    def __str__(self) -> str:
        return f"{self.who} {short(self.start)} {short(self.end)}"


Piece = tuple[int, int, str]
"""Whom a destination shows in `[start, end)`; more than one are joined by `+`."""


def pieces(things: Iterable[Standing], *, stacked: bool = False) -> list[Piece]:
    """Who is shown when. `stacked`: only what was created last counts."""
    standing = list(things)
    cuts = sorted({edge for one in standing for edge in (one.start, one.end)})
    found: list[Piece] = []
    for start, end in pairwise(cuts):
        on = [one for one in standing if one.start <= start < one.end]
        if not on:
            continue
        names = {max(on, key=lambda one: one.order).who} if stacked else {one.who for one in on}
        who = "+".join(sorted(names))
        if found and found[-1][1:] == (start, who):
            found[-1] = (found[-1][0], end, who)
        else:
            found.append((start, end, who))
    return found


def lines(found: Iterable[Piece], since: int) -> list[str]:
    """`ana 12T09 13T09` and so on, from `since` on."""
    return [f"{who} {short(max(start, since))} {short(end)}" for start, end, who in found if end > since]


class Together:
    """One clock for the command line and the vendor. Whoever waits lets it pass."""

    def __init__(self, there: Clock) -> None:
        self.there = there

    def now(self) -> int:
        return int(self.there.now)

    def monotonic(self) -> float:
        return float(self.there.now)

    def wait(self, event: Event, seconds: float) -> bool:
        self.there.advance(math.ceil(seconds))
        return event.is_set()
