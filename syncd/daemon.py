"""Keeps every destination in agreement, for ever: when each one is due, one worker a destination, and a clean end.

A worker's cycle is the same as `syncd export`'s, under the same lease, so any number of processes may do this at once. A failure,
slowness or hold of one destination never touches another: they share nothing but the store and a credential's pace.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from threading import Event, Lock
from typing import Any

from syncd import __version__, log, systemd
from syncd.clock import Clock, Ending
from syncd.config import Config, ConfigError
from syncd.crowd import Crowd
from syncd.due import urgency
from syncd.errand import Paces
from syncd.proof import Proof
from syncd.reread import Reread
from syncd.store import Store, StoreError
from syncd.watch import Watched
from syncd.web.account import Account
from syncd.web.metrics import Measures
from syncd.worker import JUMP, Means, Worker

STUCK = 60.0
"""Seconds without a turn of the loop after which it does not turn any more."""
TURN = 1.0
"""Seconds of one turn of the loop: how soon a change by another process is noticed."""
PATIENCE = 15.0
"""Seconds after SIGTERM in which calls under way may end; one still open then is left with its intent open (F44)."""


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
        self._config, self._store, self._clock, self._turned = config, store, clock, turned
        self._reading = Reread(load, clock)
        self._proof = Proof(store, clock, alarm)
        self._workers: dict[str, Worker] = {}
        self._going: list[Worker] = []
        """Of destinations that left the configuration, until their last cycle has ended."""
        self._lock = Lock()
        self._refused = self._bug = ""
        self._marked = False
        """Destinations that are not configured any more are known as such to the store."""
        self._watched = Watched(_files(config))
        self.measures = Measures()
        self._last_ahead = self._ahead()
        self._last_turn = clock.monotonic()
        self._since = clock.now()
        self.stop = Ending()
        self.reload = Event()
        self._means = Means(
            config=self._current,
            due=self._now,
            skewed=lambda text: self._proof.tell("clock-skew", text),
            store=store,
            clock=clock,
            stop=self.stop,
            proof=self._proof,
            measures=self.measures,
            paces=Paces(),
            chance=chance or random.SystemRandom(),
            crowd=Crowd(clock.monotonic),
        )

    def run(self) -> None:
        """Until `stop` is set."""
        log.logger().info("daemon.started", version=__version__, destinations=sorted(self._config.destinations))
        self._adopt(self._config)
        while not self._clock.wait(self.stop, TURN):
            try:
                self._turn()
            except Exception as error:  # workers go on; a loop that never comes to its end again is not alive
                if str(error) != self._bug:  # once, not every second
                    log.logger().exception("daemon.bug", reason=str(error))
                self._bug = str(error)
        systemd.tell("STOPPING=1")
        log.logger().info("daemon.stopping")
        self._end()

    def _turn(self) -> None:
        if self._watched.changed():
            self.reload.set()
        self._reread()
        self._watch_clock()
        for one in self._proof.turn():
            if isinstance(one, Worker):
                one.now()
        self._notice()
        self._supervise()
        self._turned()
        self._last_turn = self._clock.monotonic()

    @property
    def open_calls(self) -> list[str]:
        """Destinations whose cycle is under way; after `run` those that were left behind."""
        return sorted(one.settings.name for one in (*self._workers.values(), *self._going) if one.working)

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
            hanging={name: one.hanging for name, one in workers},
            hangs={name: one.hangs for name, one in workers if one.hangs},
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
        if self.reload.is_set() and self._reading.begin():
            self.reload.clear()
            systemd.reloading(self._clock.monotonic())
        found = self._reading.ended()
        if found is None:
            return
        try:
            if isinstance(found, Config):
                self._settle_in(found)
                self._adopt(found)
                self._refused = ""
                log.logger().info("config.reloaded", destinations=sorted(found.destinations))
            else:
                self._refuse([str(one) for one in found.errors] if isinstance(found, ConfigError) else [str(found)])
        finally:
            systemd.tell("READY=1")

    def _refuse(self, problems: list[str]) -> None:
        log.logger().error("config.refused", problems=problems)
        if self._refused != problems[0]:
            self._refused = problems[0]
            text = f"the changed configuration is refused, the old one stays in force: {problems[0]}"
            self._proof.tell("config-refused", text, look="syncd check")

    def _settle_in(self, config: Config) -> None:
        """What does not belong to a destination: the log changes at once, the store and the health endpoint stay."""
        old = self._config
        if config.log != old.log:
            log.configure(config.log.level, config.log.format)
        now, before = _lasting(config), _lasting(old)
        stays = [key for key in now if now[key] != before[key]]
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
            self._going.append(worker)
        for name in self._soonest_first(config):
            settings = config.destinations[name]
            if name in self._workers:
                self._workers[name].settings = settings
                self._workers[name].now()
                continue
            self._workers[name] = Worker(settings, self._means)
            self._workers[name].start()
        self._marked = False

    def _current(self) -> Config:
        with self._lock:
            return self._config

    def _soonest_first(self, config: Config) -> list[str]:
        """In the order in which they ask for a credential that they share."""
        try:
            with self._store.read() as tx:
                known = {one.name: one for one in tx.destinations.all()}
        except StoreError:
            known = {}
        return sorted(config.destinations, key=lambda name: urgency(known.get(name)))

    def _supervise(self) -> None:
        for worker in (*self._workers.values(), *self._going):
            worker.supervise()
        for worker in [worker for worker in self._going if not worker.working]:
            self._going.remove(worker)
            self._proof.works(worker)
            self._marked = False  # its last cycle may have ended after the configuration changed
        if not self._marked:
            self._mark_removed()

    def _mark_removed(self) -> None:
        try:
            with self._store.write() as tx:
                for known in tx.destinations.all():
                    removed = known.name not in self._config.destinations
                    if known.removed != removed:
                        tx.destinations.put(replace(known, removed=removed))
        except StoreError as error:
            self._proof.failed("what left", error)
        else:
            self._proof.works("what left")
            self._marked = True

    # --- the loop ------------------------------------------------------------------------

    def _notice(self) -> None:
        """What somebody else wants done at once: an override added, a hold answered, an import of another process."""
        try:
            with self._store.read() as tx:
                known = {one.name: one for one in tx.destinations.all()}
                wanted = {name: tx.destinations.wanted(name) for name in known.keys() & self._workers.keys()}
        except StoreError as error:
            self._proof.failed("wishes", error)
            return
        self._proof.works("wishes")
        for name, times in wanted.items():
            worker = self._workers[name]
            if times > max(known[name].answered, worker.heard) and worker.failures == 0:  # one that fails keeps to its backoff
                worker.heard = times
                worker.now()

    def _ahead(self) -> float:
        return self._clock.now() - self._clock.monotonic()

    def _watch_clock(self) -> None:
        ahead = self._ahead()
        if abs(ahead - self._last_ahead) > JUMP:
            seconds = round(ahead - self._last_ahead)
            log.logger().warning("clock.jumped", seconds=seconds)
            self._proof.tell("clock", f"the clock jumped by {seconds} s, or the machine slept: nothing is removed in this cycle")
            self._now(self._workers)  # what is on now may be another shift: nobody waits for a refresh to see
        self._last_ahead = ahead

    def _now(self, names: Iterable[str]) -> None:
        for name in names:
            if name in self._workers:
                self._workers[name].now()

    def _end(self) -> None:
        until = self._clock.monotonic() + PATIENCE
        for worker in self._workers.values():
            worker.wake.set()
        for worker in (*self._workers.values(), *self._going):
            worker.end(until)


def _lasting(config: Config) -> dict[str, object]:
    """What counts from start to end; of a secret only where it lies."""
    health = config.health
    listens = health and (health.host, health.port, health.key.where if health.key else None)
    return {"store": config.store, "tenant": config.tenant, "health": listens}


def _files(config: Config) -> tuple[Path, ...]:
    """What the configuration was read from on this machine."""
    directory = config.source.directory if config.source else None
    return (config.path,) if directory is None else (config.path, directory)
