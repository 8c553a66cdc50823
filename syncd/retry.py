"""Decides which failed calls are made again, and when: reads, and writes that were certainly refused.

A write whose outcome is unknown is never sent again; the next cycle's look settles it (W2). The waits are full jitter
under a doubling ceiling; a destination that names a time (`Retry-After`) is obeyed instead, and where that is longer
than our patience the failure is handed up at once, so that the next cycle can be put there.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, stop_when_event_set
from tenacity.stop import stop_base
from tenacity.wait import wait_base

from syncd.clock import Clock
from syncd.connector import Unavailable

T = TypeVar("T")


def _after(state: RetryCallState) -> float | None:
    error = state.outcome.exception() if state.outcome else None
    return error.after if isinstance(error, Unavailable) else None


class _TooLong(stop_base):
    """The destination asks for more than our patience."""

    def __init__(self, patience: float) -> None:
        self.patience = patience

    def __call__(self, retry_state: RetryCallState) -> bool:
        after = _after(retry_state)
        return after is not None and after > self.patience


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

    `attempts` counts the first; `patience` is the longest `Retry-After` in seconds that is waited for in place. Attempts
    bound it, not a deadline: a deadline of tenacity's would be kept by another clock than ours.
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
        last: BaseException | None = None

        def attempt() -> T:
            nonlocal last
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
