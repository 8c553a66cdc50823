"""Keeps every destination in agreement, for ever: when each one is due, one worker a destination, and a clean end.

A worker's cycle is the same as `syncd export`'s, under the same lease, so any number of processes may do this at once. A failure,
slowness or hold of one destination never touches another: they share nothing but the store and a credential's pace.
"""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from threading import Event, Lock, Thread
from typing import Any

from syncd import __version__, log
from syncd.clock import Clock
from syncd.config import Config, ConfigError
from syncd.config.settings import Destination
from syncd.connector import Denied
from syncd.core.gaps import gaps
from syncd.core.model import DAY, Instant, Window, iso
from syncd.cycle import Report, Trigger
from syncd.errand import Errand, Paces
from syncd.store import Store, StoreError
from syncd.store.destinations import Destination as Known
from syncd.store.errors import LeaseHeld, LeaseLost
from syncd.web.status import reasons_of, rows_of

STUCK = 60.0
"""Seconds without a turn of the loop after which it does not turn any more."""
TURN = 1.0
"""Seconds of one turn of the loop: how soon a change by another process is noticed."""
FIRST_BACKOFF = 5.0
LONGEST_BACKOFF = 60.0
PROBE = 900.0
"""Seconds between looks with a credential that was refused (F30)."""
BUSY = 5.0
"""Seconds until a destination that somebody else works on is tried again."""
JUMP = 60.0
"""Seconds by which the wall clock may move against the monotonic one."""
PATIENCE = 15.0
"""Seconds after SIGTERM in which calls under way may end; one still open then is left with its intent open (F44)."""


def wait_after(refresh: float, failures: int, report: Report | None, chance: random.Random) -> float:
    """Seconds until a destination's next cycle. Jitter takes off at most a tenth, never from what the destination asked for."""
    error = report.error if report else None
    if isinstance(error, Denied):
        return PROBE
    wait = refresh if failures == 0 else min(max(refresh, LONGEST_BACKOFF), FIRST_BACKOFF * 2.0 ** min(failures - 1, 30))
    wait *= 1.0 - 0.1 * chance.random()
    asked = report.after if report and report.after else 0.0
    return max(wait, asked)


@dataclass(slots=True)
class Worker:
    """One destination: its thread, and what wakes it. `due`: on our monotonic clock."""

    settings: Destination
    due: float
    wake: Event = field(default_factory=Event)
    gone: Event = field(default_factory=Event)
    """No longer configured: the thread ends after its cycle."""
    failures: int = 0
    ahead: float = 0.0
    """By how much the wall clock was ahead of the monotonic one at the last cycle."""
    thread: Thread | None = None


class Daemon:
    """`load` reads the configuration again (SIGHUP); `turned` is called at the end of each turn of the loop."""

    def __init__(
        self,
        *,
        config: Config,
        store: Store,
        clock: Clock,
        load: Callable[[], Config],
        turned: Callable[[], None] = lambda: None,
        chance: random.Random | None = None,
    ) -> None:
        self._config, self._store, self._clock, self._load, self._turned = config, store, clock, load, turned
        self._chance = chance or random.SystemRandom()
        self._workers: dict[str, Worker] = {}
        self._paces = Paces()
        self._lock = Lock()
        self._unwritable = False
        self._last_ahead = self._ahead()
        self._last_turn = clock.monotonic()
        self._since = clock.now()
        self.stop = Event()
        self.reload = Event()

    def run(self) -> None:
        """Until `stop` is set."""
        log.logger().info("daemon.started", destinations=sorted(self._config.destinations))
        self._adopt(self._config)
        while not self._clock.wait(self.stop, TURN):
            if self.reload.is_set():
                self.reload.clear()
                self._reread()
            self._last_turn = self._clock.monotonic()
            self._watch_clock()
            self._notice()
            self._turned()
        log.logger().info("daemon.stopping")
        self._end()

    # --- health --------------------------------------------------------------------------

    def alive(self) -> bool:
        """The loop turns."""
        return self._clock.monotonic() - self._last_turn < STUCK

    def reasons(self) -> list[str]:
        """Why it is not ready; empty where it is."""
        try:
            with self._store.read() as tx:
                found = reasons_of(self._config, tx, self._clock.now())
        except StoreError as error:
            return [str(error)]
        return [*found, "the store cannot be written"] if self._unwritable else found

    def status(self) -> dict[str, Any]:
        """What `/status` tells."""
        now, reasons = self._clock.now(), self.reasons()
        process = {
            "pid": os.getpid(),
            "version": __version__,
            "since": iso(self._since),
            "ready": not reasons,
            "reasons": reasons,
        }
        try:
            with self._store.read() as tx:
                rows = rows_of(self._config, tx, now)
                told = [tx.overrides.in_force(one) for one in self._config.rota.schedules.values()]
        except StoreError:
            return {"destinations": [], "schedules": [], "process": process}
        week = Window(now, now + 7 * DAY)
        found = {one.id: gaps(self._config.rota, one, week) for one in told}
        schedules = [
            {"schedule": id_, "gaps": [{**gap._asdict(), "start": iso(gap.start), "end": iso(gap.end)} for gap in holes]}
            for id_, holes in found.items()
        ]
        return {"destinations": rows, "schedules": schedules, "process": process}

    # --- configuration -------------------------------------------------------------------

    def _reread(self) -> None:
        """All or nothing: a configuration with a problem leaves the one in force as it is (F41)."""
        try:
            config = self._load()
        except ConfigError as error:
            log.logger().error("config.refused", problems=[str(problem) for problem in error.problems])
            return
        self._adopt(config)
        log.logger().info("config.reloaded", destinations=sorted(config.destinations))

    def _adopt(self, config: Config) -> None:
        with self._lock:
            self._config = config
        for name in [name for name in self._workers if name not in config.destinations]:
            worker = self._workers.pop(name)
            worker.gone.set()
            worker.wake.set()
        for name, settings in config.destinations.items():
            if name in self._workers:
                self._workers[name].settings = settings
                self._now(self._workers[name])
                continue
            worker = self._workers[name] = Worker(settings, due=self._clock.monotonic(), ahead=self._ahead())
            worker.thread = Thread(target=self._work, args=(worker,), name=f"syncd-{name}", daemon=True)
            worker.thread.start()
        self._mark_removed(config)

    def _mark_removed(self, config: Config) -> None:
        try:
            with self._store.write() as tx:
                for known in tx.destinations.all():
                    removed = known.name not in config.destinations
                    if known.removed != removed:
                        tx.destinations.put(replace(known, removed=removed))
        except StoreError as error:
            self._store_failed(error)

    # --- the loop ------------------------------------------------------------------------

    def _notice(self) -> None:
        """What somebody else wants done at once: an override added, a hold answered, an import of another process."""
        try:
            with self._store.read() as tx:
                known = {one.name: one for one in tx.destinations.all()}
                wanted = {name for name, one in known.items() if tx.destinations.wanted(name) > one.answered}
        except StoreError as error:
            self._store_failed(error)
            return
        for name in wanted & self._workers.keys():
            worker = self._workers[name]
            if worker.failures == 0:  # one that fails keeps to its backoff
                self._now(worker)

    def _ahead(self) -> float:
        return self._clock.now() - self._clock.monotonic()

    def _watch_clock(self) -> None:
        ahead = self._ahead()
        if abs(ahead - self._last_ahead) > JUMP:
            log.logger().warning("clock.jumped", seconds=round(ahead - self._last_ahead))
        self._last_ahead = ahead

    def _jumped(self, worker: Worker) -> str:
        """Why this cycle does not trust the clock, or "": it was set since the last one, or we slept (F45)."""
        ahead, before = self._ahead(), worker.ahead
        worker.ahead = ahead
        return f"the clock jumped by {ahead - before:.0f} s" if abs(ahead - before) > JUMP else ""

    def _now(self, worker: Worker) -> None:
        worker.due = self._clock.monotonic()
        worker.wake.set()

    def _end(self) -> None:
        for worker in self._workers.values():
            worker.wake.set()
        until = self._clock.monotonic() + PATIENCE
        for worker in self._workers.values():
            if worker.thread is not None:
                worker.thread.join(max(0.0, until - self._clock.monotonic()))
                if worker.thread.is_alive():
                    log.logger(destination=worker.settings.name).warning("daemon.call_left_open")

    # --- one destination -----------------------------------------------------------------

    def _work(self, worker: Worker) -> None:
        """The worker's thread. Whatever goes wrong in a cycle, the next one comes (F33)."""
        while not self.stop.is_set() and not worker.gone.is_set():
            left = worker.due - self._clock.monotonic()
            if left > 0:
                self._clock.wait(worker.wake, left)
                worker.wake.clear()
                continue
            worker.wake.clear()
            wait = self._cycle(worker)
            if not worker.wake.is_set():  # who woke it meanwhile wants one more: this one may have looked too early
                worker.due = self._clock.monotonic() + wait
        if worker.gone.is_set():
            self._mark_removed(self._config)  # its last cycle may have ended after the configuration changed

    def _cycle(self, worker: Worker) -> float:
        """One cycle; seconds until the next."""
        with self._lock:
            config = self._config
        errand = Errand(
            config=config, store=self._store, clock=self._clock, trigger=Trigger.DAEMON, stop=self.stop, paces=self._paces
        )
        settings, run, report = worker.settings, errand.run_id(), None
        logger = log.logger(destination=settings.name, run=run)
        try:
            report = errand.run(settings, run=run, jumped=self._jumped(worker))
        except LeaseHeld as held:
            logger.debug("destination.busy", holder=held.holder)
            return BUSY
        except LeaseLost as lost:
            logger.warning("destination.lease_lost", reason=str(lost))
            return BUSY
        except StoreError as error:
            self._store_failed(error)
            return min(settings.refresh, LONGEST_BACKOFF)
        except Exception as error:  # a bug stops this destination alone, and only until its next cycle
            logger.exception("destination.bug", reason=str(error))
            self._failed(worker, logger, str(error))
        else:
            self._store_works()
            self._told(worker, logger, report)
        wait = wait_after(settings.refresh, worker.failures, report, self._chance)
        self._remember_due(settings.name, self._clock.now() + int(wait))
        return wait

    def _told(self, worker: Worker, logger: log.Logger, report: Report) -> None:
        for name in report.wants:
            if name in self._workers:
                self._now(self._workers[name])
        if report.answers:
            logger.info(
                "destination.changed", changes=len(report.answers), failed=len(report.failed), waiting=len(report.waiting)
            )
        if report.error is not None:
            self._failed(worker, logger, str(report.error))
        elif worker.failures:
            logger.info("destination.recovered", failures=worker.failures)
            worker.failures = 0
        else:
            logger.debug("destination.cycle")

    def _failed(self, worker: Worker, logger: log.Logger, reason: str) -> None:
        """Said once on failing, and once on recovery."""
        worker.failures += 1
        (logger.error if worker.failures == 1 else logger.debug)("destination.failed", reason=reason, failures=worker.failures)

    def _remember_due(self, name: str, at: Instant) -> None:
        try:
            with self._store.write() as tx:
                tx.destinations.put(replace(tx.destinations.get(name) or Known(name=name), next_due=at))
        except StoreError as error:
            self._store_failed(error)

    def _store_failed(self, error: StoreError) -> None:
        if not self._unwritable:
            self._unwritable = True
            log.logger().error("store.unwritable", reason=str(error))

    def _store_works(self) -> None:
        if self._unwritable:
            self._unwritable = False
            log.logger().info("store.recovered")


def tell_systemd(state: str) -> None:
    """`READY=1`, `WATCHDOG=1`, `STOPPING=1` to whoever started us, if they asked for it."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        channel.connect("\0" + address[1:] if address.startswith("@") else address)
        channel.sendall(state.encode())
