"""One channel's way out: a thread that carries one batch at a time, so that a dead channel delays nothing but itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from queue import SimpleQueue
from threading import Thread
from typing import NamedTuple

from syncd.connector import Secret
from syncd.core.audience import Reader
from syncd.notify.channel import Answer, Message

LONGEST_PAUSE = 3_600.0
"""Seconds for which a receiver's `Retry-After` is believed."""
STUCK = 60.0
"""Seconds after which a message under way counts as failed; should it arrive all the same, that is remembered."""
LEFT_BEHIND = 3
"""Threads of one channel that may hang in a receiver that never ends; with as many nothing more is tried there."""
GIVE_IN = 2
"""Failures in a row after which the rest of a batch waits for its next turn."""

Send = Callable[[Secret, Message, str], Answer]


class Job(NamedTuple):
    """One message to one reader. `about`: the notices in it."""

    reader: Reader
    to: str
    message: Message
    about: tuple[str, ...]


class Result(NamedTuple):
    """`answer` None: it was not tried, as others before it failed."""

    job: Job
    answer: Answer | None


class Lane:
    def __init__(self, name: str, send: Send) -> None:
        self.name = name
        self._send = send
        self._results: SimpleQueue[tuple[int, Result]] = SimpleQueue()
        self._threads: list[Thread] = []
        self._batch = 0
        self._under_way: list[Job] = []
        self._since = 0.0
        self._not_before = 0.0

    def free(self, now: float) -> bool:
        """`now`: monotonic seconds."""
        self._threads = [one for one in self._threads if one.is_alive()]
        return not self._under_way and now >= self._not_before and len(self._threads) < LEFT_BEHIND

    def wait(self, now: float) -> float:
        """Seconds for which the receiver asked to be left alone."""
        return max(0.0, self._not_before - now)

    @property
    def idle(self) -> bool:
        """Whatever was under way has an answer, whether or not anybody has asked for it."""
        return not self._under_way or self._results.qsize() >= len(self._under_way)

    def carry(self, url: Secret, jobs: Sequence[Job], now: float) -> None:
        self._batch += 1
        self._under_way, self._since = list(jobs), now
        thread = Thread(target=self._carry, args=(self._batch, url, tuple(jobs)), name=f"syncd-notice-{self.name}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def results(self, now: float) -> list[Result]:
        """What became of jobs since the last call."""
        found = []
        while not self._results.empty():
            batch, result = self._results.get()
            if batch == self._batch and result.job in self._under_way:
                self._under_way.remove(result.job)
                self._since = now
                found.append(result)
            elif result.answer is not None and result.answer.arrived:
                found.append(result)  # late, but it is there
        if self._under_way and now - self._since > STUCK:
            found += [Result(job, Answer(f"no end after {STUCK:.0f} s")) for job in self._under_way]
            self._under_way = []
            self._batch += 1  # whoever hangs there sends nothing more
        for result in found:
            if result.answer is not None and not result.answer.arrived and result.answer.after is not None:
                self._not_before = now + min(LONGEST_PAUSE, max(0.0, result.answer.after))
        return found

    def _carry(self, batch: int, url: Secret, jobs: Sequence[Job]) -> None:
        failed, asked_to_wait = 0, False
        for job in jobs:
            if batch != self._batch:
                return
            answer = None if failed >= GIVE_IN or asked_to_wait else self._send(url, job.message, job.to)
            if answer is not None:
                failed = 0 if answer.arrived else failed + 1
                asked_to_wait = not answer.arrived and answer.after is not None
            self._results.put((batch, Result(job, answer)))
