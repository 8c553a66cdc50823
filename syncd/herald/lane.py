"""One channel's way out: a thread that carries one batch at a time, so that a dead channel delays nothing but itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from queue import SimpleQueue
from threading import Thread
from typing import NamedTuple

from syncd.connector import Secret
from syncd.core.audience import Reader
from syncd.notify.channel import Answer, Message

FIRST_BACKOFF = 5.0
LONGEST_BACKOFF = 300.0
STUCK = 60.0
"""Seconds after which a message under way counts as failed; should it arrive all the same, that is remembered."""
GIVE_IN = 2
"""Failures in a row after which the rest of a batch waits for another time."""

Send = Callable[[Secret, Message, str], Answer]


class Job(NamedTuple):
    """One message to one reader. `about`: the notices in it."""

    reader: Reader
    to: str
    message: Message
    about: tuple[str, ...]


class Result(NamedTuple):
    job: Job
    answer: Answer


class Lane:
    def __init__(self, name: str, send: Send) -> None:
        self.name = name
        self._send = send
        self._results: SimpleQueue[Result] = SimpleQueue()
        self._thread: Thread | None = None
        self._under_way: dict[Job, float] = {}
        self._since = 0.0
        self._failures = 0
        self._not_before = 0.0

    def free(self, now: float) -> bool:
        """`now`: monotonic seconds."""
        return not self._under_way and now >= self._not_before

    def wait(self, now: float) -> float:
        """Seconds for which nothing is tried after a failure."""
        return max(0.0, self._not_before - now)

    @property
    def idle(self) -> bool:
        """Whatever was under way has an answer, whether or not anybody has asked for it."""
        return not self._under_way or self._results.qsize() >= len(self._under_way)

    @property
    def failing(self) -> bool:
        return self._failures > 0

    def carry(self, url: Secret, jobs: Sequence[Job], now: float) -> None:
        self._under_way, self._since = dict.fromkeys(jobs, now), now
        self._thread = Thread(target=self._carry, args=(url, tuple(jobs)), name=f"syncd-notice-{self.name}", daemon=True)
        self._thread.start()

    def results(self, now: float) -> list[Result]:
        """What became of jobs since the last call."""
        found = []
        while not self._results.empty():
            result = self._results.get()
            self._under_way.pop(result.job, None)
            self._since = now
            found.append(result)
        if self._under_way and now - self._since > STUCK:
            found += [Result(job, Answer(f"no end after {STUCK:.0f} s")) for job in self._under_way]
            self._under_way = {}
        if any(result.answer.arrived for result in found):
            self._failures, self._not_before = 0, 0.0
        elif found:
            self._failures += 1
            self._not_before = now + min(LONGEST_BACKOFF, FIRST_BACKOFF * 2.0 ** min(self._failures - 1, 20))
        return found

    def _carry(self, url: Secret, jobs: Sequence[Job]) -> None:
        failed, problem = 0, ""
        for job in jobs:
            answer = Answer(problem) if failed >= GIVE_IN else self._send(url, job.message, job.to)
            failed, problem = (0, "") if answer.arrived else (failed + 1, answer.problem)
            self._results.put(Result(job, answer))
