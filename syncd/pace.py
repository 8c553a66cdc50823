"""Paces the calls of one credential over all who share it: how many at once, whose turn it is, and rests that were asked for."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from threading import Condition, Event

from syncd.clock import Clock
from syncd.connector import Unavailable
from syncd.core.model import Instant

LOOK: Instant = 0
"""The urgency of a look: before every write, because it may find that somebody is missing now."""
_GLANCE = 0.5
"""Seconds between two looks at whether the wait for a turn was ended."""
_SILENCE = 5.0
"""Seconds that all wait for the answer of one call before others are made: who is slow keeps nobody else waiting for long."""


class Turn:
    """The right to make one call, until it is given back; twice is once."""

    def __init__(self, pace: Pace) -> None:
        self._pace: Pace | None = pace

    def end(self) -> None:
        pace, self._pace = self._pace, None
        if pace is not None:
            pace.given_back()


class Pace:
    """`calls` at once; at first, and after a rest, one until it was answered, so that a refusal of it is heard by all before they
    call. Turns go by urgency: the start of the call's shift."""

    def __init__(self, calls: int) -> None:
        self._calls = max(1, calls)
        self._most = 1
        self._asked: float | None = None
        """When the call was made that all wait for."""
        self._out = 0
        self._waiting: list[tuple[Instant, int]] = []
        self._numbers = count()
        self._changed = Condition()
        self._not_before = 0.0

    def turn(self, urgency: Instant, clock: Clock, stop: Event, patience: float) -> Turn:
        """Waits for it. Raises `Unavailable` where a rest is beyond our `patience` in seconds, or `stop` was set meanwhile."""
        turn = self._taken(urgency, clock, stop)
        try:
            while (left := self.rest(clock)) > 0:
                if left > patience:
                    raise Unavailable(f"it asked to be left alone for {left:.0f} s more", after=left, refused=True)
                if clock.wait(stop, left):
                    raise Unavailable("the wait that it asked for was cut short", after=left, refused=True)
            with self._changed:
                self._asked = clock.monotonic() if self._asked is None else self._asked
        except BaseException:
            turn.end()
            raise
        return turn

    def told(self, clock: Clock, after: float) -> None:
        """It asked for `after` seconds of rest."""
        with self._changed:
            if after > 0:
                self._not_before, self._most, self._asked = max(self._not_before, clock.monotonic() + after), 1, None

    def answered(self) -> None:
        """A call was, as it should be."""
        with self._changed:
            self._most = self._calls

    def rest(self, clock: Clock) -> float:
        """Seconds for which no call is to be made; 0 or less where one may be."""
        with self._changed:
            return self._not_before - clock.monotonic()

    def given_back(self) -> None:
        with self._changed:
            self._out -= 1
            self._changed.notify_all()

    def _room(self, clock: Clock) -> bool:
        silent = self._asked is not None and clock.monotonic() - self._asked >= _SILENCE
        return self._out < (self._calls if silent else self._most)

    def _taken(self, urgency: Instant, clock: Clock, stop: Event) -> Turn:
        with self._changed:
            mine = (urgency, next(self._numbers))
            heappush(self._waiting, mine)
            while not self._room(clock) or self._waiting[0] != mine:
                if stop.is_set():
                    self._waiting.remove(mine)
                    self._waiting.sort()  # a sorted list is a heap
                    self._changed.notify_all()
                    raise Unavailable("it was not its turn before the cycle had to end", refused=True)
                self._changed.wait(_GLANCE)
            heappop(self._waiting)
            self._out += 1
            self._changed.notify_all()
            return Turn(self)
