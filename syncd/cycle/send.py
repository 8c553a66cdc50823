"""Does: sends a plan's changes, each between its intent and its outcome, never one that would leave nobody on call (W1, I8).

Our own thread writes the store; connector calls run on as many threads as the destination takes.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from threading import Event

from syncd.connector import (
    Connector,
    ConnectorError,
    CreatesMany,
    Denied,
    Entry,
    Operation,
    Rejected,
    Stale,
    Unavailable,
    Unsupported,
)
from syncd.core.desired import Target
from syncd.core.entry import Paged
from syncd.core.marker import Claim, digest, sign, title_digest, uid_for
from syncd.core.model import Instant
from syncd.core.plan import Change, Cover, Status
from syncd.core.record import Action, Intent, Outcome, Value

TROUBLE = 3
"""After so many calls in a row without an answer the destination is left alone until the next cycle."""
BEAT = 10.0
"""Seconds between signs of life while calls are under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One change on its way: its intent as it was committed, and what the connector is told."""

    change: Change
    intent: Intent
    operation: Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of a call. `entry`: what now stands; `error`: why not, or why nobody knows."""

    call: Call
    outcome: Outcome
    entry: Entry | None = None
    error: Exception | None = None


@dataclass(slots=True, kw_only=True)
class Sent:
    """All that became of a plan."""

    answers: list[Answer] = field(default_factory=list)
    waiting: list[Change] = field(default_factory=list)
    stopped: Exception | None = None
    """What ended it early: a refused credential, an unwell destination, a bug."""

    @property
    def again(self) -> bool:
        """Whether the destination should be looked at again at once: an id was taken, an entry changed, an answer is missing."""
        return any(a.outcome is Outcome.UNKNOWN or isinstance(a.error, Stale) for a in self.answers)

    @property
    def after(self) -> float | None:
        """Seconds that the destination asks us to wait."""
        found = [a.error.after for a in self.answers if isinstance(a.error, Unavailable) and a.error.after is not None]
        return max(found, default=None)


Remember = Callable[[Sequence[Intent], Sequence[Answer]], None]
"""One transaction: these intents are opened, these answers recorded."""


@dataclass(frozen=True, kw_only=True)
class Sender:
    """Signs and sends. `remember` commits; `beat` shows that we are alive; `stop` forbids any new intent."""

    connector: Connector
    destination: str
    instance: str
    key: bytes
    run: str
    now: Instant
    remember: Remember
    beat: Callable[[], None]
    stop: Event
    progress: Callable[[int, int], None] = lambda done, of: None
    written: Mapping[str, str] = field(default_factory=dict)
    """Ref → the version that our own last write left there."""

    def send(
        self, changes: Sequence[Change], standing: Sequence[Value], targets: Sequence[Target], seen: Iterable[str], first: int = 0
    ) -> Sent:
        """`seen`: refs that stand there: an equal entry not among them is known for ours (W4). `first`: operations before it."""
        todo = [c for c in changes if c.status is Status.NOW]
        cover = Cover(standing, [t.value for t in targets], todo, self.now)
        sent = Sent(waiting=[c for c in changes if c.status is Status.WAITS])
        numbers = itertools.count(first + 1)
        refs = tuple(sorted(seen))
        if todo:
            calls = max(1, self.connector.capabilities.calls)
            with ThreadPoolExecutor(max_workers=calls, thread_name_prefix=f"syncd-{self.destination}") as pool:
                self._pump(pool, calls, todo, cover, sent, lambda c: self._call(c, next(numbers), refs))
        sent.waiting.extend(todo)
        return sent

    def _pump(
        self,
        pool: ThreadPoolExecutor,
        most: int,
        todo: list[Change],
        cover: Cover,
        sent: Sent,
        prepared: Callable[[Change], Call],
    ) -> None:
        """Takes from `todo` what is safe now, until nothing is, or trouble ends it."""
        under_way: dict[Future[list[Answer]], list[Call]] = {}
        fresh: list[Answer] = []
        trouble = 0
        while True:
            batches: list[list[Call]] = []
            while sent.stopped is None and not self.stop.is_set() and len(under_way) + len(batches) < most:
                batch = self._next(todo, cover)
                if not batch:
                    break
                batches.append([prepared(c) for c in batch])
            if batches or fresh:
                self.remember([call.intent for batch in batches for call in batch], fresh)
                fresh = []
            for calls in batches:
                under_way[pool.submit(self._answers, calls)] = calls
            if not under_way:
                return
            done, _ = wait(under_way, timeout=BEAT, return_when=FIRST_COMPLETED)
            if not done:
                self.beat()
            for future in done:
                del under_way[future]
                for answer in future.result():
                    fresh.append(answer)
                    sent.answers.append(answer)
                    self._count(answer, cover)
                    lost = isinstance(answer.error, Unavailable)
                    trouble = trouble + 1 if lost else 0
                    if _ends(answer) or trouble >= TROUBLE:
                        sent.stopped = sent.stopped or answer.error
            self.progress(len(sent.answers), len(sent.answers) + len(todo) + sum(map(len, under_way.values())))

    def _next(self, todo: list[Change], cover: Cover) -> list[Change]:
        """The first change that is safe; with it the creates after it that one call can take."""
        at = next((i for i, c in enumerate(todo) if cover.safe(c)), None)
        if at is None:
            return []
        batch = [todo.pop(at)]
        if isinstance(self.connector, CreatesMany) and batch[0].action is Action.CREATE:
            while at < len(todo) and todo[at].action is Action.CREATE and len(batch) < self.connector.batch:
                batch.append(todo.pop(at))
        for change in batch:
            cover.sent(change)
        return batch

    def _count(self, answer: Answer, cover: Cover) -> None:
        if answer.outcome is Outcome.APPLIED:
            cover.confirmed(answer.call.change)
        elif answer.outcome is Outcome.REJECTED:
            cover.refused(answer.call.change)

    def _call(self, change: Change, number: int, seen: tuple[str, ...]) -> Call:
        op = f"{self.run}.{number}"
        entry = change.entry
        uid = entry.uid if entry is not None else uid_for(self.instance, self.destination, change.key, change.generation)
        marker = ""
        if change.after is not None and change.shift is not None and self.connector.capabilities.markers:
            words = self.connector.wording(change.shift)
            claim = Claim(
                key=change.key,
                generation=change.generation,
                op=op,
                value=change.after,
                title=title_digest(words),
                words=digest(words),
            )
            marker = sign(self.key, claim, instance=self.instance, destination=self.destination, uid=uid)
        intent = Intent(
            op=op,
            run=self.run,
            action=change.action,
            key=change.key,
            generation=change.generation,
            uid=uid,
            ref=change.ref,
            before=change.before,
            after=change.after,
            version=entry.version if entry else None,
            seen=seen if self.connector.capabilities.stacked or not self.connector.capabilities.own_ids else (),
            at=self.now,
        )
        untouched = entry is not None and entry.version is not None and self.written.get(entry.ref) == entry.version
        return Call(change=change, intent=intent, operation=Operation(uid=uid, marker=marker, untouched=untouched))

    def _answers(self, calls: list[Call]) -> list[Answer]:
        if len(calls) == 1 and not (isinstance(self.connector, CreatesMany) and calls[0].change.action is Action.CREATE):
            return [self._answer(calls[0])]
        return self._many(calls)

    def _answer(self, call: Call) -> Answer:
        change, op = call.change, call.operation
        try:
            if change.action is Action.DELETE and change.entry is not None:
                self.connector.delete(change.entry, op)
                return Answer(call=call, outcome=Outcome.APPLIED)
            if change.shift is None:
                raise ValueError(f"{change.action} without a shift")
            if change.entry is None:
                return Answer(call=call, outcome=Outcome.APPLIED, entry=self.connector.create(change.shift, op))
            return Answer(call=call, outcome=Outcome.APPLIED, entry=self.connector.replace(change.entry, change.shift, op))
        except Exception as error:
            return Answer(call=call, outcome=outcome_of(error), error=error)

    def _many(self, calls: list[Call]) -> list[Answer]:
        """One call for several creates; each item is judged, and a refused batch is taken apart by halves (F27)."""
        assert isinstance(self.connector, CreatesMany)  # noqa: S101
        try:
            made = self.connector.create_many([c.change.shift for c in calls if c.change.shift], [c.operation for c in calls])
        except Exception as error:
            if isinstance(error, Rejected) and len(calls) > 1:
                half = len(calls) // 2
                return self._many(calls[:half]) + self._many(calls[half:])
            return [Answer(call=c, outcome=outcome_of(error), error=error) for c in calls]
        return [
            Answer(call=c, outcome=outcome_of(got), error=got)
            if isinstance(got, ConnectorError)
            else Answer(call=c, outcome=Outcome.APPLIED, entry=got)
            for c, got in zip(calls, made, strict=True)
        ]


def outcome_of(error: Exception) -> Outcome:
    """Refused for certain, or nobody knows (W2)."""
    if isinstance(error, Unavailable):
        return Outcome.REJECTED if error.refused else Outcome.UNKNOWN
    return Outcome.REJECTED if isinstance(error, ConnectorError) else Outcome.UNKNOWN


def _ends(answer: Answer) -> bool:
    """Whether the rest of the plan has to wait: no right to go on, told to wait, or a bug."""
    error = answer.error
    if error is None or isinstance(error, Rejected):
        return False
    if isinstance(error, Unavailable):
        return error.refused
    return isinstance(error, Denied | Unsupported) or not isinstance(error, ConnectorError)


def after_answers(entries: Iterable[Entry], answers: Iterable[Answer]) -> tuple[Entry, ...]:
    """What stands there as far as we know: what was seen, with what was confirmed since."""
    there = {e.ref: e for e in entries}
    for answer in answers:
        if answer.outcome is not Outcome.APPLIED:
            if answer.call.change.ref:
                _forget_version(there, answer.call.change.ref)
            continue
        if answer.call.change.action is Action.DELETE and answer.call.change.ref:
            there.pop(answer.call.change.ref, None)
        elif answer.entry is not None:
            if answer.call.change.ref and answer.call.change.ref != answer.entry.ref:
                there.pop(answer.call.change.ref, None)
            there[answer.entry.ref] = answer.entry
    return tuple(there.values())


def paged_after(paged: Iterable[Paged], answers: Iterable[Answer]) -> tuple[Paged, ...]:
    """Whom it pages as far as we know: what was rendered, with what was confirmed since."""
    now = list(paged)
    for answer in answers:
        change, entry = answer.call.change, answer.entry
        if answer.outcome is not Outcome.APPLIED:
            continue
        if change.ref is not None:
            now = [one for one in now if one.ref != change.ref]
        if change.beneath is not None and change.entry is not None:
            under = change.beneath
            now.append(Paged(start=under.start, end=under.end, person=under.person, ref=change.entry.over))
        if entry is not None:
            now.append(Paged(start=entry.start, end=entry.end, person=entry.person, title=entry.title, ref=entry.ref))
    return tuple(now)


def _forget_version(there: dict[str, Entry], ref: str) -> None:
    """Its content is to be fetched again."""
    if ref in there:
        there[ref] = replace(there[ref], version=None)
