"""The only place that reads a clock: what time it is, how long ago, and waiting that an event can end."""

from __future__ import annotations

import time
from threading import Event, Lock
from typing import Protocol
from weakref import WeakSet

from syncd.core.model import Instant


class Clock(Protocol):
    """Handed to whoever needs the time, so that a test may be its own clock."""

    def now(self) -> Instant:
        """Seconds since 1970 in UTC; may jump when the machine's clock is set."""

    def monotonic(self) -> float:
        """Seconds that never jump, for intervals only (F45)."""

    def wait(self, event: Event, seconds: float) -> bool:
        """Until `event` is set or `seconds` have passed; whether it is set."""


class SystemClock:
    def now(self) -> Instant:
        return int(time.time())

    def monotonic(self) -> float:
        return time.monotonic()

    def wait(self, event: Event, seconds: float) -> bool:
        return event.wait(max(0.0, seconds))


class Ending(Event):
    """An event with branches: whoever sets it sets them all, and whoever sets a branch leaves the rest as it is."""

    def __init__(self) -> None:
        super().__init__()
        self._branches: WeakSet[Ending] = WeakSet()
        self._growing = Lock()

    def branch(self) -> Ending:
        with self._growing:
            one = Ending()
            self._branches.add(one)
            if self.is_set():
                one.set()
            return one

    def set(self) -> None:
        with self._growing:
            super().set()
            for one in list(self._branches):
                one.set()
