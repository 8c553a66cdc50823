"""Whose turn it is to write, among the threads of one process: whoever asked first."""

from __future__ import annotations

import threading
from collections import deque


class Turns:
    """A lock that is handed on in the order of asking: with hundreds of threads at work a common one lets some starve."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Lock] = deque()

    def take(self, timeout: float) -> bool:
        """Whether it is ours within `timeout` seconds."""
        with self._guard:
            if not self._taken:
                self._taken = True
                return True
            mine = threading.Lock()
            mine.acquire()
            self._waiting.append(mine)
        try:
            return mine.acquire(timeout=timeout) or not self._gone(mine)
        except BaseException:  # interrupted: whoever waits behind us must not wait for ever
            if not self._gone(mine):
                self.end()
            raise

    def _gone(self, mine: threading.Lock) -> bool:
        """Out of the queue; not where the turn was handed to us in the last moment."""
        with self._guard:
            if mine not in self._waiting:
                return False
            self._waiting.remove(mine)
            return True

    def end(self) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False
