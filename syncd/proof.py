"""Whether the store can be written: proved again and again, told once when it cannot, and once when it can again."""

from __future__ import annotations

import os
from collections.abc import Callable

from syncd import log
from syncd.clock import Clock
from syncd.store import Store, StoreError

PAUSE = 30.0
"""Seconds between two proofs."""
AGAIN = 5.0
"""The same while it cannot be written."""


class Proof:
    """`alarm` is told, in a sentence for the admins of all schedules, what cannot be put in the outbox."""

    def __init__(self, store: Store, clock: Clock, alarm: Callable[[str], None]) -> None:
        self._store, self._clock, self._alarm = store, clock, alarm
        self._due = 0.0
        self.unwritable = ""
        """Why, or ""."""

    def turn(self) -> None:
        """A full disk is known before something has to be written, and that it has room again as soon as it has."""
        if self._clock.monotonic() < self._due:
            return
        try:
            with self._store.write() as tx:
                tx.facts.put("daemon", {"pid": os.getpid(), "at": self._clock.now()})
        except StoreError as error:
            self.failed(error)
        else:
            self.works()
        self._due = self._clock.monotonic() + (AGAIN if self.unwritable else PAUSE)

    def failed(self, error: StoreError) -> None:
        self._due = min(self._due, self._clock.monotonic() + AGAIN)
        if not self.unwritable:
            self.unwritable = str(error)
            log.logger().error("store.unwritable", reason=str(error))
            self._alarm(f"the store cannot be written, so nothing is written anywhere: {error}")

    def works(self) -> None:
        if self.unwritable:
            self.unwritable = ""
            self.tell("store-recovered", "the store can be written again, and everything goes on", what="is well again")
            log.logger().info("store.recovered")

    def tell(self, name: str, text: str, what: str = "needs attention", look: str = "syncd status") -> None:
        """To the admins of all schedules, through the outbox. `look`: the command that says more."""
        now = self._clock.now()
        said = {"id": f"{name}-{now}", "kind": "service", "what": what, "text": text, "look": look, "start": now, "end": now}
        said |= {
            "destination": "",
            "schedule": "",
            "role": "",
            "rota": [],
            "had": [],
            "done": "",
            "refs": [],
            "also": [],
            "digest": "",
        }
        try:
            with self._store.write() as tx:
                tx.outbox.post(said, f"{name}-{now}", at=now)
        except StoreError as error:
            self.failed(error)
