"""Keeps every destination in agreement, for ever: when each one is due, one worker a destination, and a clean end.

A worker's cycle is the same as `syncd export`'s, under the same lease, so any number of processes may do this at once. A failure,
slowness or hold of one destination never touches another: they share nothing but the store and a credential's pace.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

from syncd import log, systemd
from syncd.clock import Clock
from syncd.config import Config, ConfigError
from syncd.core.model import Instant
from syncd.cycle import Report, Trigger
from syncd.errand import Errand, Paces
from syncd.proof import Proof
from syncd.store import Store, StoreError
from syncd.store.destinations import Destination as Known
from syncd.store.errors import LeaseHeld, LeaseLost
from syncd.watch import Watched
from syncd.web.account import Account
from syncd.web.metrics import Measures
from syncd.worker import BUSY, JUMP, LONGEST_BACKOFF, PATIENCE, STUCK, TURN, Worker, urgency, wait_after


class Daemon:
    """`load` reads the configuration again (SIGHUP, or its file was changed); `turned` ends each turn of the loop; `alarm`
    is told, in a sentence for the admins of all schedules, what cannot be put in the outbox."""

    def __init__(
        self,
        *,
        config: Config,
        store: Store,
        clock: Clock,
        load: Callable[[], Config],
        turned: Callable[[], None] = lambda: None,
        alarm: Callable[[str], None] = lambda text: None,
        chance: random.Random | None = None,
    ) -> None:
        self._config, self._store, self._clock, self._load, self._turned = config, store, clock, load, turned
        self._proof = Proof(store, clock, alarm)
        self._chance = chance or random.SystemRandom()
        self._workers: dict[str, Worker] = {}
        self._paces = Paces()
        self._lock = Lock()
        self._refused = ""
        self._watched = Watched(_files(config))
        self.measures = Measures()
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
            if self.reload.is_set() or self._watched.changed():
                self.reload.clear()
                self._reread()
            self._last_turn = self._clock.monotonic()
            self._watch_clock()
            self._proof.turn()
            self._notice()
            self._supervise()
            self._turned()
        systemd.tell("STOPPING=1")
        log.logger().info("daemon.stopping")
        self._end()

    @property
    def open_calls(self) -> list[str]:
        """Destinations whose cycle is under way; after `run` those that were left behind."""
        return sorted(name for name, one in self._workers.items() if one.thread is not None and one.thread.is_alive())

    # --- health --------------------------------------------------------------------------

    def alive(self) -> bool:
        """The loop turns."""
        return self._clock.monotonic() - self._last_turn < STUCK

    def account(self) -> Account:
        """What is told of it at this moment."""
        now, workers = self._clock.monotonic(), list(self._workers.items())
        return Account(
            config=self._config,
            store=self._store,
            now=self._clock.now(),
            since=self._since,
            alive=self.alive(),
            unwritable=self._proof.unwritable,
            refused=self._refused,
            failing=tuple(sorted(name for name, one in workers if one.failures)),
            running={name: now - began for name, one in workers if (began := one.began) is not None},
            measures=self.measures,
        )

    def reasons(self) -> list[str]:
        """Why it is not ready; empty where it is."""
        return self.account().reasons()

    def status(self) -> dict[str, Any]:
        """What `/status` tells."""
        return self.account().status()

    # --- configuration -------------------------------------------------------------------

    def _reread(self) -> None:
        """All or nothing: a configuration with a problem leaves the one in force as it is (F41)."""
        systemd.reloading(self._clock.monotonic())
        try:
            config = self._load()
        except Exception as error:  # also what nobody thought of: the old one is known to work
            problems = [str(one) for one in error.problems] if isinstance(error, ConfigError) else [str(error)]
            log.logger().error("config.refused", problems=problems)
            if self._refused != problems[0]:
                self._refused = problems[0]
                self._proof.tell(
                    "config-refused", f"the changed configuration is refused, the old one stays in force: {problems[0]}"
                )
        else:
            self._refused = ""
            self._settle_in(config)
            self._adopt(config)
            log.logger().info("config.reloaded", destinations=sorted(config.destinations))
        finally:
            systemd.tell("READY=1")

    def _settle_in(self, config: Config) -> None:
        """What does not belong to a destination: the log changes at once, the store and the health endpoint stay."""
        old = self._config
        if config.log != old.log:
            log.configure(config.log.level, config.log.format)
        stays = [key for key in ("store", "tenant", "health") if getattr(config, key) != getattr(old, key)]
        if stays:
            log.logger().warning("config.restart_needed", keys=stays)
        if _files(config) != self._watched.paths:
            self._watched = Watched(_files(config))

    def _adopt(self, config: Config) -> None:
        with self._lock:
            self._config = config
        for name in [name for name in self._workers if name not in config.destinations]:
            worker = self._workers.pop(name)
            self.measures.forget(name)
            worker.gone.set()
            worker.wake.set()
        for name in self._soonest_first(config):
            settings = config.destinations[name]
            if name in self._workers:
                self._workers[name].settings = settings
                self._now(self._workers[name])
                continue
            self._workers[name] = Worker(settings, due=self._clock.monotonic(), ahead=self._ahead())
            self._start(self._workers[name])
        self._mark_removed(config)

    def _soonest_first(self, config: Config) -> list[str]:
        """In the order in which they ask for a credential that they share."""
        try:
            with self._store.read() as tx:
                known = {one.name: one for one in tx.destinations.all()}
        except StoreError:
            known = {}
        return sorted(config.destinations, key=lambda name: urgency(known.get(name)))

    def _start(self, worker: Worker) -> None:
        worker.thread = Thread(target=self._work, args=(worker,), name=f"syncd-{worker.settings.name}", daemon=True)
        try:
            worker.thread.start()
        except RuntimeError as error:  # no thread to be had: the next turn tries again
            worker.thread = None
            self._failed(worker, log.logger(destination=worker.settings.name), str(error))

    def _supervise(self) -> None:
        """A worker whose thread ended is given another one (F33)."""
        for worker in list(self._workers.values()):
            if worker.thread is not None and worker.thread.is_alive():
                continue
            if worker.thread is not None:
                log.logger(destination=worker.settings.name).error("destination.worker_ended")
            worker.began = None
            self._start(worker)

    def _mark_removed(self, config: Config) -> None:
        try:
            with self._store.write() as tx:
                for known in tx.destinations.all():
                    removed = known.name not in config.destinations
                    if known.removed != removed:
                        tx.destinations.put(replace(known, removed=removed))
        except StoreError as error:
            self._proof.failed(error)

    # --- the loop ------------------------------------------------------------------------

    def _notice(self) -> None:
        """What somebody else wants done at once: an override added, a hold answered, an import of another process."""
        try:
            with self._store.read() as tx:
                known = {one.name: one for one in tx.destinations.all()}
                wanted = {name: tx.destinations.wanted(name) for name in known.keys() & self._workers.keys()}
        except StoreError as error:
            self._proof.failed(error)
            return
        for name, times in wanted.items():
            worker = self._workers[name]
            if times > max(known[name].answered, worker.heard) and worker.failures == 0:  # one that fails keeps to its backoff
                worker.heard = times
                self._now(worker)

    def _ahead(self) -> float:
        return self._clock.now() - self._clock.monotonic()

    def _watch_clock(self) -> None:
        ahead = self._ahead()
        if abs(ahead - self._last_ahead) > JUMP:
            seconds = round(ahead - self._last_ahead)
            log.logger().warning("clock.jumped", seconds=seconds)
            self._proof.tell("clock", f"the clock jumped by {seconds} s, or the machine slept: nothing is removed in this cycle")
            for worker in self._workers.values():  # what is on now may be another shift: nobody waits for a refresh to see
                self._now(worker)
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
            worker.began = self._clock.monotonic()
            wait = self._cycle(worker)
            worker.began = None
            if not worker.wake.is_set():  # who woke it meanwhile wants one more: this one may have looked too early
                worker.due = self._clock.monotonic() + wait
        if worker.gone.is_set():
            self._mark_removed(self._config)  # its last cycle may have ended after the configuration changed

    def _cycle(self, worker: Worker) -> float:
        """One cycle; seconds until the next."""
        with self._lock:
            config = self._config
        errand = Errand(
            config=config,
            store=self._store,
            clock=self._clock,
            trigger=Trigger.DAEMON,
            stop=self.stop,
            paces=self._paces,
            counted=self.measures.request,
        )
        settings, run, report, began = worker.settings, errand.run_id(), None, self._clock.monotonic()
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
            self._proof.failed(error)
            return min(settings.refresh, LONGEST_BACKOFF)
        except Exception as error:  # a bug stops this destination alone, and only until its next cycle
            logger.exception("destination.bug", reason=str(error))
            self._failed(worker, logger, str(error))
            self.measures.cycle(settings.name, self._clock.monotonic() - began, "bug")
        else:
            self._proof.works()
            self._told(worker, logger, report, self._clock.monotonic() - began)
        wait = wait_after(settings.refresh, worker.failures, report, self._chance)
        self._remember_due(settings.name, self._clock.now() + int(wait))
        return wait

    def _told(self, worker: Worker, logger: log.Logger, report: Report, took: float) -> None:
        name, outcomes = worker.settings.name, [str(answer.outcome) for answer in report.answers]
        self.measures.cycle(name, took, "failed" if report.error else "complete" if report.complete else "partial", outcomes)
        for name in report.wants:
            if name in self._workers:
                self._now(self._workers[name])
        if report.answers:
            logger.info(
                "destination.changed",
                digest=report.decision.plan.digest if report.decision else None,
                changes=len(report.answers),
                failed=len(report.failed),
                waiting=len(report.waiting),
                seconds=round(took, 3),
            )
        if report.error is not None:
            self._failed(worker, logger, str(report.error))
        elif worker.failures:
            logger.info("destination.recovered", failures=worker.failures)
            worker.failures = 0
        else:
            logger.debug("destination.cycle", seconds=round(took, 3))

    def _failed(self, worker: Worker, logger: log.Logger, reason: str) -> None:
        """Said once on failing, and once on recovery."""
        worker.failures += 1
        (logger.error if worker.failures == 1 else logger.debug)("destination.failed", reason=reason, failures=worker.failures)

    def _remember_due(self, name: str, at: Instant) -> None:
        try:
            with self._store.write() as tx:
                tx.destinations.put(replace(tx.destinations.get(name) or Known(name=name), next_due=at))
        except StoreError as error:
            self._proof.failed(error)


def _files(config: Config) -> tuple[Path, ...]:
    """What the configuration was read from on this machine."""
    directory = config.source.directory if config.source else None
    return (config.path,) if directory is None else (config.path, directory)
