"""Whether the store can be used: proved again and again, told once when it cannot be, and once when it can again."""

from __future__ import annotations

import os
from collections.abc import Callable
from threading import Lock
from typing import Any

from syncd import log
from syncd.clock import Clock
from syncd.store import Store, StoreError

PAUSE = 30.0
"""Seconds between two proofs."""
AGAIN = 5.0
"""The same while it cannot be used."""


class Proof:
    """Whoever the store failed says so, and is believed until the store has served that same one: a small write that finds room
    on a full disk proves nothing for a larger one. Only the loop tells of it, so that it is told once each.

    `alarm` is told, in a sentence for the admins of all schedules, what cannot be put in the outbox.
    """

    def __init__(self, store: Store, clock: Clock, alarm: Callable[[str], None]) -> None:
        self._store, self._clock, self._alarm = store, clock, alarm
        self._due = 0.0
        self._lock = Lock()
        self._failing: dict[object, str] = {}
        self._called: set[object] = set()
        """Who was called to try again while we could write: again and again would be a storm of looks at a vendor."""
        self._unsaid: list[dict[str, Any]] = []
        self._alarmed = False

    @property
    def unwritable(self) -> str:
        """Why, or ""."""
        with self._lock:
            return next(iter(self._failing.values()), "")

    def failed(self, who: object, error: StoreError) -> None:
        """`who` could not do with the store what was to be done; anything that stands for itself."""
        with self._lock:
            self._failing.setdefault(who, str(error))
            self._due = min(self._due, self._clock.monotonic() + AGAIN)

    def works(self, who: object) -> None:
        """`who` could, or has nothing to do with it any more."""
        with self._lock:
            self._failing.pop(who, None)
            self._called.discard(who)

    def turn(self) -> list[object]:
        """Once a turn of the loop. Whoever may try again at once: for what we ourselves write there is room."""
        again: list[object] = []
        if self._clock.monotonic() >= self._due:
            again = self._prove()
            with self._lock:
                self._due = self._clock.monotonic() + (AGAIN if self._failing else PAUSE)
        self._say()
        return again

    def tell(self, name: str, text: str, look: str = "syncd status") -> None:
        """To the admins of all schedules, as soon as the outbox takes it. `look`: the command that says more."""
        said = self._said(name, text, "needs attention", look)
        with self._lock:
            self._unsaid.append(said)

    def _prove(self) -> list[object]:
        """A full disk is known before something has to be written, and that it has room again as soon as it has."""
        try:
            with self._store.write() as tx:
                tx.facts.put("daemon", {"pid": os.getpid(), "at": self._clock.now()})
        except StoreError as error:
            self.failed(self, error)
            return []
        with self._lock:
            if self._failing.pop(self, None):
                self._called.clear()
            again = [who for who in self._failing if who not in self._called]
            self._called.update(again)
            return again

    def _say(self) -> None:
        """Not before its end is sure to be told is it over, so that each alarm has one."""
        if why := self.unwritable:
            if not self._alarmed:
                self._alarmed = True
                log.logger().error("store.unwritable", reason=why)
                self._alarm(f"the store cannot be written, so nothing is written anywhere: {why}")
            return
        with self._lock:
            unsaid = list(self._unsaid)
        well = "the store can be written again, and everything goes on"
        over = [self._said("store-recovered", well, "is well again", "syncd status")] if self._alarmed else []
        if not unsaid and not over:
            return
        try:
            with self._store.write() as tx:
                for one in (*unsaid, *over):
                    if tx.outbox.post(one, one["id"], at=one["start"]):
                        tx.journal.add(at=one["start"], event="notice: service", entry=one["id"], new=one["text"])
        except StoreError as error:
            self.failed(self, error)
            return
        with self._lock:
            del self._unsaid[: len(unsaid)]
        if over:
            self._alarmed = False
            log.logger().info("store.recovered")

    def _said(self, name: str, text: str, what: str, look: str) -> dict[str, Any]:
        now = self._clock.now()
        said = {"id": f"{name}-{now}", "kind": "service", "what": what, "text": text, "look": look, "start": now, "end": now}
        empty = {"destination": "", "schedule": "", "role": "", "rota": [], "had": [], "done": "", "refs": [], "also": []}
        return {**said, **empty, "digest": ""}
