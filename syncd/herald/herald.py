"""The thread that tells people: looks at what is due, carries it, and delays nobody who waits for nothing of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any

from syncd import log
from syncd.clock import Clock
from syncd.config import Config
from syncd.herald.delivery import Delivery
from syncd.herald.lane import Send
from syncd.herald.lookout import Lookout
from syncd.herald.ways import Channels
from syncd.notify.channel import send
from syncd.store import Lease, Store, StoreError
from syncd.store.errors import LeaseHeld, LeaseLost

TURN = 1.0
LOOK = 5.0
"""Seconds between two looks at what is due of the rota."""
RENEW = 10.0
PATIENCE = 5.0
"""Seconds for messages under way at the end."""


class Herald:
    """`config`: what counts now; another object is another configuration."""

    def __init__(self, *, config: Callable[[], Config], store: Store, clock: Clock, send: Send = send) -> None:
        self._config, self._store, self._clock = config, store, clock
        self._channels: Channels | None = None
        self._lookout = Lookout(store)
        self._delivery = Delivery(store, clock, send, self._lookout.as_of)
        self._urgent: SimpleQueue[Mapping[str, Any]] = SimpleQueue()
        self._looked = float("-inf")
        self._lease: Lease | None = None
        self._renewed = 0.0
        self._thread: Thread | None = None
        self._bug = ""

    def start(self, stop: Event) -> None:
        """On a thread of its own, until `stop` is set and what is under way has had its time."""
        self._thread = Thread(target=self._run, args=(stop,), name="syncd-notices", daemon=True)
        self._thread.start()

    def join(self) -> None:
        """After `stop`: seconds at most; what is still under way then is sent again by the next daemon."""
        if self._thread is not None:
            self._thread.join(PATIENCE + TURN)

    def alarm(self, text: str) -> None:
        """What the outbox cannot take: straight to the admins of all schedules."""
        now = self._clock.now()
        self._urgent.put({"kind": "service", "start": now, "end": now, "what": "needs attention", "text": text})

    @property
    def idle(self) -> bool:
        """Nothing is under way."""
        return self._delivery.idle

    def _run(self, stop: Event) -> None:
        while not self._clock.wait(stop, TURN):
            self.turn()
        self._end()

    def turn(self) -> None:
        """Whatever goes wrong in it, the next one comes."""
        try:
            config = self._config()
            if self._channels is None or config is not self._channels.config:
                self._channels = Channels(config)
                self._lookout.forget()
                self._looked = float("-inf")
            while not self._urgent.empty():
                self._delivery.straight(self._channels, self._lookout.choices, self._urgent.get())
            self._delivery.heard()
            if not self._mine():
                return
            moment = self._clock.monotonic()
            if self._channels.any and moment - self._looked >= LOOK:
                self._lookout.look(self._channels, self._clock.now())
                self._looked = moment
            self._delivery.turn(self._channels, self._lookout.choices)
        except LeaseLost:
            self._lease = None
        except StoreError as error:
            log.logger().debug("notices.wait", reason=str(error))  # the destinations' threads say it, once
        except Exception as error:
            if str(error) != self._bug:  # once, not every second
                log.logger().exception("notices.bug", reason=str(error))
            self._bug = str(error)

    def _mine(self) -> bool:
        """On a database that daemons share, one of them carries the notices."""
        if not self._store.shared:
            return True
        moment = self._clock.monotonic()
        if self._lease is None:
            try:
                self._lease = self._store.lease("notices")
            except LeaseHeld:
                return False
            self._renewed = moment
            self._lookout.forget()
        elif moment - self._renewed > RENEW:
            self._lease.renew()
            self._renewed = moment
        return True

    def _end(self) -> None:
        until = self._clock.monotonic() + PATIENCE
        never = Event()
        try:
            while not self._delivery.idle and self._clock.monotonic() < until:
                self._delivery.collect()
                self._clock.wait(never, 0.05)
            self._delivery.collect()
            if self._lease is not None:
                self._lease.release()
        except StoreError as error:
            log.logger().warning("notices.left", reason=str(error))
