"""Works on one destination, cycle after cycle, on a thread of its own; a cycle that hangs is fenced off and left behind."""

from __future__ import annotations

import random
import sys
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from threading import Event, Lock, Thread

from syncd import log
from syncd.clock import Clock, Ending
from syncd.config import Config
from syncd.config.settings import Destination
from syncd.connector import ConnectorError
from syncd.core.model import Instant
from syncd.crowd import Crowd
from syncd.cycle import Report, Trigger
from syncd.cycle.standing import failure
from syncd.due import BUSY, LONGEST_BACKOFF, wait_after
from syncd.errand import Attempt, Errand, Paces
from syncd.proof import Proof
from syncd.remarks import Remarks
from syncd.store import Store, StoreError
from syncd.store.destinations import Destination as Known
from syncd.store.errors import LeaseHeld, LeaseLost
from syncd.web.metrics import Measures

JUMP = 60.0
"""Seconds by which the wall clock may move against the monotonic one."""
LONGEST = 240.0
"""Seconds after which a cycle begins nothing new: no call, no intent, no wait."""
GRACE = 60.0
"""Seconds after that in which it has to end, as long as one call may take; then it is given up."""
FRAMES = 3
"""How much of where a thread hangs is logged."""


@dataclass(frozen=True, kw_only=True)
class Means:
    """What all workers of a daemon share."""

    config: Callable[[], Config]
    """The one in force."""
    due: Callable[[Iterable[str]], None]
    """Has these destinations looked at now."""
    skewed: Callable[[str], None]
    """Tells the admins that our clock and a destination's differ."""
    store: Store
    clock: Clock
    stop: Ending
    proof: Proof
    measures: Measures
    paces: Paces
    chance: random.Random
    crowd: Crowd


class Worker:
    """One destination: its thread, what wakes it, and at most one earlier thread that hangs."""

    def __init__(self, settings: Destination, means: Means) -> None:
        self.settings, self._means, self._clock = settings, means, means.clock
        self.due = means.clock.monotonic()
        self.wake = Event()
        self.gone = Event()
        """No longer configured: the thread ends after its cycle."""
        self._remarks = Remarks()
        self.heard = 0
        """How often it had been wanted when it was last woken for that: one wish is one cycle, whatever comes of it."""
        self.hangs = ""
        """Why it is not ready though nothing was heard of it: its cycle hangs; else ""."""
        self.began: float | None = None
        """When the cycle under way began."""
        self.thread: Thread | None = None
        self._left: Thread | None = None
        self._attempt: Attempt | None = None
        self._run = ""
        self._ahead = self._ahead_now()
        self._changing = Lock()

    @property
    def failures(self) -> int:
        """Cycles in a row that failed."""
        return self._remarks.failures

    @property
    def hanging(self) -> int:
        """Cycles that were given up and have not come back."""
        attempt = self._attempt
        return (self._left is not None and self._left.is_alive()) + (attempt is not None and attempt.given_up)

    @property
    def working(self) -> bool:
        """A thread is there that would have to be left behind."""
        return any(one is not None and one.is_alive() for one in (self.thread, self._left))

    def now(self) -> None:
        """As soon as may be; where a cycle is under way, once more after it: that one may have looked too early."""
        with self._changing:
            self.due = self._clock.monotonic()
            self.wake.set()

    def supervise(self) -> None:
        """At each turn of the daemon's loop: a cycle that hangs is given up, a thread that ended is followed by another (F33)."""
        self._watch()
        if self.gone.is_set() or (self.thread is not None and self.thread.is_alive()):
            return
        if self.thread is not None:
            self._logger().error("destination.worker_ended")
        self.start()

    def start(self) -> None:
        self.began = self._attempt = None
        self.thread = Thread(target=self._work, name=f"syncd-{self.settings.name}", daemon=True)
        try:
            self.thread.start()
        except RuntimeError as error:  # no thread to be had: the next turn tries again
            self.thread = None
            self._failed(self._logger(), error, str(error))

    def end(self, until: float) -> None:
        """Waits for the cycle under way, not for one that hangs. `until`: on the monotonic clock."""
        if self.thread is not None:
            self.thread.join(max(0.0, until - self._clock.monotonic()))
        if self.working:
            self._logger(run=self._run).warning("daemon.call_left_open", at=_whereabouts(self.thread))

    # --- a cycle that hangs ----------------------------------------------------------------

    def _watch(self) -> None:
        attempt, began = self._attempt, self.began
        if attempt is None or began is None or (ran := self._clock.monotonic() - began) < LONGEST:
            return
        logger = self._logger(run=self._run)
        if not attempt.stop.is_set():
            attempt.stop.set()
            logger.warning("destination.slow", seconds=round(ran), at=_whereabouts(self.thread))
        elif ran >= LONGEST + GRACE and not attempt.given_up:
            self._give_up(attempt, logger, ran)
        if attempt.given_up and (self._left is None or not self._left.is_alive()):
            with self._changing:
                if self._attempt is attempt:  # else it has just come back
                    self._left, self.thread, self._attempt, self.began = self.thread, None, None, None
                    self.due = self._clock.monotonic() + wait_after(
                        self.settings.refresh, self.failures, None, self._means.chance
                    )
                    if not self.gone.is_set():
                        self.start()

    def _give_up(self, attempt: Attempt, logger: log.Logger, ran: float) -> None:
        try:
            attempt.give_up()
        except StoreError as error:  # as long as it is not fenced off nobody may take over: the next turn tries again
            self._means.proof.failed(self, error)
            return
        second = self._left is not None and self._left.is_alive()
        reason = f"its cycle hangs: it has not come back for {ran:.0f} s, is given up and can write nothing any more"
        if second:
            reason += "; so does the one before, so that no other begins until one of them has come back"
        self.hangs = reason
        self._means.measures.cycle(self.settings.name, ran, "hung")
        self._failed(logger, TimeoutError(), reason, at=_whereabouts(self.thread))
        try:
            with self._means.store.lease(self.settings.name) as lease:
                failure(self._means.store, lease, self.settings, self._clock.now(), reason, denied=True, run=self._run)
        except (LeaseHeld, LeaseLost):
            pass  # somebody else looks after it, and says how it stands
        except StoreError as error:
            self._means.proof.failed(self, error)
            return
        self._means.proof.works(self)

    # --- the thread ------------------------------------------------------------------------

    def _work(self) -> None:
        """Whatever goes wrong in a cycle, the next one comes (F33)."""
        while not self._means.stop.is_set() and not self.gone.is_set():
            left = self.due - self._clock.monotonic()
            if left > 0:
                self._clock.wait(self.wake, left)
                self.wake.clear()
                continue
            self.wake.clear()
            attempt = Attempt(self._means.stop.branch())
            with self._means.crowd.turn(attempt.stop.is_set) as alive:
                self.began, self._attempt = self._clock.monotonic(), attempt
                wait = self._cycle(attempt, alive)
            with self._changing:
                if self._attempt is not attempt:
                    return  # it was left behind, and another thread does its work
                self.began = self._attempt = None
                if not self.wake.is_set():
                    self.due = self._clock.monotonic() + wait

    def _cycle(self, attempt: Attempt, alive: Callable[[], None]) -> float:
        """One cycle; seconds until the next."""
        settings, began, means = self.settings, self._clock.monotonic(), self._means

        def counted(destination: str, call: str, status: str) -> None:
            alive()
            means.measures.request(destination, call, status)

        errand = Errand(
            config=means.config(),
            store=means.store,
            clock=means.clock,
            trigger=Trigger.DAEMON,
            stop=attempt.stop,
            paces=means.paces,
            counted=counted,
        )
        run = self._run = errand.run_id()
        logger, report = self._logger(run=run), None
        try:
            report = errand.run(settings, run=run, jumped=self._jumped(), attempt=attempt)
        except LeaseHeld as held:
            logger.debug("destination.busy", holder=held.holder)
            means.proof.works(self)
            return BUSY
        except LeaseLost as lost:
            if not attempt.given_up:
                logger.warning("destination.lease_lost", reason=str(lost))
        except StoreError as error:
            means.proof.failed(self, error)
            return min(settings.refresh, LONGEST_BACKOFF)
        except Exception as error:  # a bug stops this destination alone, and only until its next cycle
            if not attempt.given_up:
                logger.exception("destination.bug", reason=str(error))
                self._failed(logger, error, str(error))
                means.measures.cycle(settings.name, self._clock.monotonic() - began, "bug")
        took = self._clock.monotonic() - began
        if attempt.given_up:
            logger.warning("destination.came_back", seconds=round(took))
            return BUSY
        self.hangs = ""
        if report is not None:
            means.proof.works(self)
            self._told(logger, report, took)
        cut = attempt.stop.is_set() and report is not None and report.error is None
        wait = 0.0 if cut else self._wait(report)
        self._remember_due(self._clock.now() + int(wait))
        return wait

    def _told(self, logger: log.Logger, report: Report, took: float) -> None:
        outcomes = [str(answer.outcome) for answer in report.answers]
        ended = "failed" if report.error else "complete" if report.complete else "partial"
        self._means.measures.cycle(self.settings.name, took, ended, outcomes)
        self._means.due(report.wants)
        self._remarks.changed(logger, report, took)
        if report.skewed is not None and self._remarks.skewed(logger, report.skewed):
            self._means.skewed(f"{report.skewed}: nothing is removed there while it lasts; set the clock of this machine right")
        if report.error is not None:
            trace = {} if isinstance(report.error, ConnectorError) else {"exc_info": report.error}
            self._failed(logger, report.error, report.why, **trace)
        else:
            self._remarks.ended(logger, report, took)

    def _failed(self, logger: log.Logger, error: Exception, reason: str, **more: object) -> None:
        if not self._means.stop.is_set():  # else it was cut short by us
            self._remarks.failed(logger, error, reason, **more)

    def _wait(self, report: Report | None) -> float:
        return wait_after(self.settings.refresh, self.failures, report, self._means.chance)

    def _remember_due(self, at: Instant) -> None:
        name = self.settings.name
        try:
            with self._means.store.write() as tx:
                tx.destinations.put(replace(tx.destinations.get(name) or Known(name=name), next_due=at))
        except StoreError as error:
            self._means.proof.failed(self, error)

    def _ahead_now(self) -> float:
        return self._clock.now() - self._clock.monotonic()

    def _jumped(self) -> str:
        """Why this cycle does not trust the clock, or "": it was set since the last one, or we slept (F45)."""
        ahead, before = self._ahead_now(), self._ahead
        self._ahead = ahead
        return f"the clock jumped by {ahead - before:.0f} s" if abs(ahead - before) > JUMP else ""

    def _logger(self, **names: object) -> log.Logger:
        return log.logger(destination=self.settings.name, **names)


def _whereabouts(thread: Thread | None) -> list[str]:
    """What a thread is doing: the innermost calls, without any values."""
    frame = sys._current_frames().get(thread.ident or 0) if thread is not None else None
    if frame is None:
        return []
    return [f"{one.name} ({one.filename.rsplit('/', 2)[-1]}:{one.lineno})" for one in traceback.extract_stack(frame)[-FRAMES:]]
