"""A daemon on a thread of the test's, with turns that are quick and a file that the test may change."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event

from syncd.config import Config, load
from syncd.daemon import Daemon
from syncd.store import Store

LOOP = "the loop"


class Quick:
    """The real clock, with the daemon's turns a hundred times as fast.

    `set_by`: seconds by which a test sets it; `skipped`: seconds that a test lets pass at once.
    """

    set_by = 0
    skipped = 0

    def __init__(self) -> None:
        self.goes = Event()
        """Cleared, the loop's next wait has no end."""
        self.goes.set()
        self.stands = Event()
        """The loop waits so."""

    def now(self) -> int:
        return int(time.time()) + self.set_by + self.skipped

    def monotonic(self) -> float:
        return time.monotonic() + self.skipped

    def wait(self, event: Event, seconds: float) -> bool:
        if not self.goes.is_set() and threading.current_thread().name == LOOP:
            self.stands.set()
            self.goes.wait(60)
        return event.wait(min(seconds / 100, 0.05))


class Running:
    def __init__(self, folder: Path, text: str, turned: Callable[[Daemon], None] = lambda daemon: None) -> None:
        self.folder = folder
        self.file = folder / "syncd.yaml"
        self.file.write_text(text)
        store = Store.open(folder / "state")
        assert store is not None
        self.store = store
        self.clock = Quick()
        self.alarms: list[str] = []
        self.daemon = Daemon(
            config=self.load(),
            store=store,
            clock=self.clock,
            load=lambda: self.load(),
            turned=lambda: turned(self.daemon),
            alarm=self.alarms.append,
        )
        self.thread = threading.Thread(target=self.daemon.run, name=LOOP)
        self.thread.start()

    def load(self) -> Config:
        return load(self.file)

    def until(self, what: object) -> None:
        """Until `what()` is true; fails after half a minute."""
        assert callable(what)
        end = time.monotonic() + 30
        while not what():
            assert time.monotonic() < end, "it did not happen"
            time.sleep(0.01)

    def files(self, name: str = "calendar") -> list[Path]:
        return sorted((self.folder / name).glob("*.ics"))

    def want(self, name: str) -> None:
        with self.store.write() as tx:
            tx.destinations.want([name])

    def close(self) -> None:
        self.daemon.stop.set()
        self.thread.join(30)
        self.until(lambda: not self.daemon.open_calls)  # a connection that is closed under a thread takes the process with it
        self.store.close()
        assert not self.thread.is_alive()
