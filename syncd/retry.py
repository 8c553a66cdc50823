"""Decides which failed calls are made again, and when: reads, and writes that were certainly refused.

A write whose outcome is unknown is never sent again; the next cycle's look settles it (W2). The waits are full jitter
under a doubling ceiling; a destination that names a time (`Retry-After`) is obeyed instead, and where that is longer
than our patience the failure is handed up at once, so that the next cycle can be put there.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, stop_when_event_set
from tenacity.stop import stop_base
from tenacity.wait import wait_base

from syncd.clock import Clock
from syncd.connector import Connector, ConnectorError, CreatesMany, Entry, Finding, Observation, Operation, Unavailable
from syncd.core.model import Instant, Shift, Window
from syncd.pace import LOOK, Pace, Turn

T = TypeVar("T")
Counted = Callable[[str, str], None]


def _after(state: RetryCallState) -> float | None:
    error = state.outcome.exception() if state.outcome else None
    return error.after if isinstance(error, Unavailable) else None


class _TooLong(stop_base):
    """With what was waited already, the destination asks for more than our patience."""

    def __init__(self, patience: float) -> None:
        self.patience = patience

    def __call__(self, retry_state: RetryCallState) -> bool:
        after = _after(retry_state)
        return after is not None and retry_state.idle_for + after > self.patience


class _Jitter(wait_base):
    """`uniform(0, ceiling)`, the ceiling doubling from `first` to `longest`; never before the time that was asked for."""

    def __init__(self, first: float, longest: float, chance: random.Random) -> None:
        self.first, self.longest, self.chance = first, longest, chance

    def __call__(self, retry_state: RetryCallState) -> float:
        wait = self.chance.uniform(0.0, min(self.longest, self.first * 2.0 ** (retry_state.attempt_number - 1)))
        after = _after(retry_state)
        # All who share a credential come back together after a refusal: the jitter goes on top, it takes nothing off.
        return wait if after is None else after + min(wait, self.first)


@dataclass(frozen=True, kw_only=True)
class Retry:
    """How calls of one destination are repeated. `stop`: set at shutdown, ends a wait and forbids another attempt.

    `attempts` counts the first; `patience` is how long in seconds a `Retry-After` is waited for in place, all waits together.
    Attempts bound it, not a deadline: a deadline of tenacity's would be kept by another clock than ours.
    """

    clock: Clock
    stop: Event
    attempts: int = 3
    patience: float = 30.0
    first: float = 1.0
    longest: float = 20.0
    chance: random.Random = field(default_factory=random.SystemRandom)

    def read(self, call: Callable[[], T]) -> T:
        """`call()`, again after `Unavailable`. Raises what the last attempt raised."""
        return self._repeat(call, lambda error: isinstance(error, Unavailable))

    def write(self, call: Callable[[], T]) -> T:
        """`call()`, again only where it was certainly refused (`Unavailable.refused`)."""
        return self._repeat(call, lambda error: isinstance(error, Unavailable) and error.refused)

    def _repeat(self, call: Callable[[], T], again: Callable[[BaseException], bool]) -> T:
        """The first attempt is made without tenacity, which keeps a `threading.local` for each: to take one down, Python walks
        through all threads there are, and with hundreds of them at work that can stop the whole process."""
        first: BaseException | None = None
        try:
            return call()
        except Unavailable as error:
            first = error
        last: BaseException | None = None

        def attempt() -> T:
            nonlocal first, last
            if first is not None:
                last, first = first, None
                raise last
            # tenacity makes one more attempt after an event ended its sleep; we must not.
            if last is not None and self.stop.is_set():
                raise last
            try:
                return call()
            except Unavailable as error:
                last = error
                raise

        def sleep(seconds: float) -> None:
            self.clock.wait(self.stop, seconds)

        return Retrying(
            sleep=sleep,
            stop=stop_after_attempt(self.attempts) | _TooLong(self.patience) | stop_when_event_set(self.stop),
            wait=_Jitter(self.first, self.longest, self.chance),
            retry=retry_if_exception(again),
            reraise=True,
        )(attempt)


class Patient:
    """A connector whose calls are paced, and repeated where that is safe; to the engine it is that connector."""

    def __init__(self, connector: Connector, retry: Retry, pace: Pace, counted: Counted = lambda call, status: None) -> None:
        self._connector, self._retry, self._pace, self._counted = connector, retry, pace, counted
        self.Options = connector.Options
        self.capabilities = connector.capabilities
        self._turns: set[Turn] = set()

    @staticmethod
    def of(connector: Connector, retry: Retry, pace: Pace, counted: Counted = lambda call, status: None) -> Connector:
        """`counted` hears of each call that is really made: which, and how it ended."""
        several = isinstance(connector, CreatesMany)
        patient: Connector = (_PatientMany if several else Patient)(connector, retry, pace, counted)  # type: ignore[assignment]
        return patient

    def read(self, window: Window, known: Mapping[str, str]) -> Observation:
        return self._retry.read(lambda: self._paced("read", LOOK, lambda: self._connector.read(window, known)))

    def wording(self, shift: Shift) -> str:
        return self._connector.wording(shift)

    def create(self, shift: Shift, op: Operation) -> Entry:
        return self._retry.write(lambda: self._paced("create", shift.start, lambda: self._connector.create(shift, op)))

    def replace(self, entry: Entry, shift: Shift, op: Operation) -> Entry:
        return self._retry.write(lambda: self._paced("replace", shift.start, lambda: self._connector.replace(entry, shift, op)))

    def delete(self, entry: Entry, op: Operation) -> None:
        return self._retry.write(lambda: self._paced("delete", entry.start, lambda: self._connector.delete(entry, op)))

    def doctor(self) -> Iterable[Finding]:
        return self._connector.doctor()

    def close(self) -> None:
        self._connector.close()

    def let_go(self) -> None:
        """Calls that do not come back keep nobody else who uses the credential from making theirs."""
        for turn in list(self._turns):
            turn.end()

    def _paced(self, name: str, urgency: Instant, call: Callable[[], T]) -> T:
        turn = self._pace.turn(urgency, self._retry.clock, self._retry.stop, self._retry.patience)
        self._turns.add(turn)
        try:
            answer = call()
        except Exception as error:
            self._counted(name, _status(error))
            if isinstance(error, Unavailable) and error.after is not None:
                self._pace.told(self._retry.clock, error.after)
            raise
        finally:
            self._turns.discard(turn)
            turn.end()
        self._pace.answered()
        self._counted(name, "ok")
        return answer


def _status(error: Exception) -> str:
    """How a call ended, in a word: the error tree's, `refused` where it certainly was not done, `bug` for anything else."""
    if isinstance(error, Unavailable) and error.refused:
        return "refused"
    return type(error).__name__.lower() if isinstance(error, ConnectorError) else "bug"


class _PatientMany(Patient):
    """For connectors that take several creates in one call."""

    def __init__(self, connector: Connector, retry: Retry, pace: Pace, counted: Counted = lambda call, status: None) -> None:
        super().__init__(connector, retry, pace, counted)
        self._many: CreatesMany = connector  # type: ignore[assignment]
        self.batch = self._many.batch

    def create_many(self, shifts: Sequence[Shift], ops: Sequence[Operation]) -> Sequence[Entry | ConnectorError]:
        soonest = min((shift.start for shift in shifts), default=LOOK)
        return self._retry.write(lambda: self._paced("create_many", soonest, lambda: self._many.create_many(shifts, ops)))
