"""Reads the configuration again, on a thread of its own: the loop waits for no disk and for no source."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread

from syncd.clock import Clock
from syncd.config import Config

LONGEST = 60.0
"""Seconds after which it is said that there is no end; a file and a source are given up well before that."""


class Reread:
    def __init__(self, load: Callable[[], Config], clock: Clock) -> None:
        self._load, self._clock = load, clock
        self._thread: Thread | None = None
        self._found: Config | Exception | None = None
        self._since = 0.0
        self._said = False

    def begin(self) -> bool:
        """Whether it has begun: not while it is under way, and not where there is no thread to be had."""
        if self._thread is not None:
            return False
        thread = Thread(target=self._read, name="syncd-reload", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            return False
        self._thread, self._since, self._said = thread, self._clock.monotonic(), False
        return True

    def ended(self) -> Config | Exception | None:
        """What came of it, once; None while it is under way."""
        if self._thread is None:
            return None
        if self._thread.is_alive():
            if self._said or self._clock.monotonic() - self._since < LONGEST:
                return None
            self._said = True
            return TimeoutError(f"it has been read for {LONGEST:.0f} s and there is no end: a disk or a source hangs")
        found, self._thread, self._found = self._found, None, None
        return found

    def _read(self) -> None:
        try:
            self._found = self._load()
        except Exception as error:  # also what nobody thought of: the one in force is known to work
            self._found = error
