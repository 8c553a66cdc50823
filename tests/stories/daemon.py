"""The daemon through hours that pass in seconds: its loop moves the clock of all, whenever nobody else is busy."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

from syncd.config import load
from syncd.daemon import Daemon
from syncd.store import Store
from tests.simulators.common import Clock
from tests.stories.days import Together
from tests.stories.story import Story


class Driven(Together):
    """`wait` of the loop's own thread lets the time pass; everybody else waits for it to have passed."""

    def __init__(self, there: Clock) -> None:
        super().__init__(there)
        self.loop: int | None = None
        self.until = there.now

    def wait(self, event: Event, seconds: float) -> bool:
        if threading.get_ident() != self.loop:
            deadline = self.there.now + seconds
            while self.there.now < deadline and not event.wait(0.001):
                pass
            return event.is_set()
        while self.busy() or self.there.now >= self.until:
            time.sleep(0.001)
            if event.is_set():
                return True
        self.there.advance(seconds)
        return event.is_set()

    @staticmethod
    def busy() -> bool:
        """Some worker is at something else than waiting."""
        workers = [one.ident for one in threading.enumerate() if one.name.startswith("syncd-")]
        frames = sys._current_frames()
        return any(ident in frames and not frames[ident].f_code.co_filename.endswith("threading.py") for ident in workers)


class Running:
    """The daemon of a story's configuration."""

    def __init__(self, story: Story) -> None:
        path = story.syncd.folder / "syncd.yaml"
        config = load(path)
        key = config.marker_key.reveal() if config.marker_key else None
        store = Store.open(story.database.parent, config.tenant, key)
        assert store is not None
        self.store, self.clock = store, Driven(story.place.clock)
        self.daemon = Daemon(config=config, store=store, clock=self.clock, load=lambda: load(path))
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        self.clock.loop = threading.get_ident()
        self.daemon.run()

    def passes(self, seconds: float) -> None:
        """So much time, and what the daemon does in it."""
        self.clock.until = self.clock.there.now + seconds
        end = time.monotonic() + 100
        while self.clock.there.now < self.clock.until or self.clock.busy():
            assert self.thread.is_alive()
            assert time.monotonic() < end, "the time does not pass"
            time.sleep(0.005)


@contextmanager
def daemon(story: Story) -> Iterator[Running]:
    running = Running(story)
    running.thread.start()
    try:
        yield running
    finally:
        running.daemon.stop.set()
        running.thread.join(30)
        running.store.close()
        assert not running.thread.is_alive()
