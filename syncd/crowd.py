"""How many cycles work at once: what each has in mind, and its threads for calls, are what a daemon's memory is made of."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition

MOST = 32
PATIENCE = 10.0
"""Seconds without a sign of life after which a cycle is not counted: however many hang, nobody waits for them for longer."""


class Crowd:
    """Lets in `most` at a time, in the order of asking."""

    def __init__(self, monotonic: Callable[[], float], most: int = MOST, patience: float = PATIENCE) -> None:
        self._monotonic, self._most, self._patience = monotonic, most, patience
        self._changed = Condition()
        self._waiting: deque[object] = deque()
        self._seen: dict[object, float] = {}
        """Who is in → when last heard of."""

    @contextmanager
    def turn(self, ended: Callable[[], bool] = lambda: False) -> Iterator[Callable[[], None]]:
        """Waits until there is room; `ended` lets in whoever is only about to leave. Call what it gives as a sign of life."""
        one = object()
        with self._changed:
            self._waiting.append(one)
            while not ended() and (self._waiting[0] is not one or self._full()):
                self._changed.wait(1.0)
            self._waiting.remove(one)
            self._seen[one] = self._monotonic()
            self._changed.notify_all()
        try:
            yield lambda: self._heard(one)
        finally:
            with self._changed:
                del self._seen[one]
                self._changed.notify_all()

    def _full(self) -> bool:
        now = self._monotonic()
        return sum(now - at < self._patience for at in self._seen.values()) >= self._most

    def _heard(self, one: object) -> None:
        with self._changed:
            if one in self._seen:  # else its turn is over, and this is a late answer
                self._seen[one] = self._monotonic()
