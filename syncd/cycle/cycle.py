"""The loop body: lease, look, settle, decide, remember, send, remember; read from top to bottom it is DESIGN.md section 4.

remembered  what the store knows         look        what the destination shows
decision    what core makes of the two   report      what became of it, for people and programs
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from threading import Event

from syncd.clock import Clock
from syncd.config.settings import Destination
from syncd.connector import Connector, ConnectorError, Denied, Unavailable, Unsupported
from syncd.core.decide import Decision, Question, decide
from syncd.core.health import next_unexported
from syncd.core.mode import Mode
from syncd.core.model import Instant, Rota
from syncd.core.plan import Change, Status
from syncd.core.record import Outcome
from syncd.core.settle import Settled
from syncd.cycle import remember, standing, tell
from syncd.cycle.look import Look, Remembered, agrees, as_it_was, confirm, look, question
from syncd.cycle.look import remember as recall
from syncd.cycle.send import Answer, Sender, after_answers, paged_after
from syncd.store import Lease, LeaseLost, Store, StoreError

REPLANS = 3
"""How often a cycle looks again: because the rota or an entry changed under it, or an answer was lost (I1)."""
LOOKS = 3
"""How many looks may pass before two agree (W11)."""


class Trigger(StrEnum):
    """Why a cycle runs. A plan changes nothing; the daemon writes but to manual destinations; a human confirms replacements."""

    PLAN = "plan"
    DAEMON = "daemon"
    EXPORT = "export"


@dataclass(slots=True, kw_only=True)
class Report:
    """What a cycle found and did."""

    destination: str
    mode: Mode
    run: str
    decision: Decision | None = None
    """What was planned: the first one that was acted on, else the last."""
    acted: bool = False
    answers: list[Answer] = field(default_factory=list)
    waiting: list[Change] = field(default_factory=list)
    error: Exception | None = None
    """Why it could not be finished."""
    stale: bool = False
    """The plan is not the one that was asked for (`--plan`): nothing was done."""
    wants: tuple[str, ...] = ()
    """Other destinations of the schedule that an import made due."""
    after: float | None = None
    """Seconds that the destination asks us to wait."""
    skewed: str | None = None
    """Why our clock is not trusted there, or ""; None where no look told."""

    @property
    def why(self) -> str:
        """That error in a sentence; "" where there is none."""
        bug = self.error is not None and not isinstance(self.error, ConnectorError)
        return f"a bug in the connector: {type(self.error).__name__}" if bug else str(self.error or "")

    @property
    def failed(self) -> list[Answer]:
        """Answers that no later one of this run put right."""
        done = {(a.call.change.key, a.call.change.after) for a in self.answers if a.outcome is Outcome.APPLIED}
        return [
            a for a in self.answers if a.outcome is not Outcome.APPLIED and (a.call.change.key, a.call.change.after) not in done
        ]

    def settle(self, outcomes: Mapping[str, Outcome]) -> None:
        """What a later look says of calls whose answer was lost."""
        self.answers = [
            replace(a, outcome=outcomes.get(a.call.intent.op, a.outcome)) if a.outcome is Outcome.UNKNOWN else a
            for a in self.answers
        ]

    @property
    def held(self) -> list[Change]:
        return [c for c in self.decision.plan.changes if c.status is Status.HELD] if self.decision else []

    @property
    def complete(self) -> bool:
        """Everything that was planned is done, and nothing waits."""
        whole = self.decision.whole if self.decision else ""
        left = self.decision and (self.decision.holds or self.decision.lacking)
        return not (self.error or self.stale or whole or self.failed or self.waiting or left)


@dataclass(frozen=True, kw_only=True)
class Cycle:
    """One destination at one time. `sibling_names`: other destinations of the same schedule, due after an import."""

    store: Store | None
    settings: Destination
    rota: Rota
    connector: Connector
    clock: Clock
    run: str
    trigger: Trigger
    actor: str = "syncd"
    digest: str = ""
    """Prefix of the plan that was shown and is to be done; "" is any."""
    siblings: tuple[str, ...] = ()
    stop: Event = field(default_factory=Event)
    progress: Callable[[int, int], None] = lambda done, of: None
    jumped: str = ""
    """Why the caller does not trust the clock in this cycle, or ""."""

    @property
    def writes(self) -> bool:
        return self.trigger is Trigger.EXPORT or (self.trigger is Trigger.DAEMON and self.settings.mode is not Mode.MANUAL)

    def plan(self) -> Report:
        """Looks and decides; neither the destination nor the store is changed. Raises what a failed look raises."""
        report = self._report()
        remembered = recall(self.store, self.settings, self.rota)
        report.decision = self._seen(remembered)[2]
        return report

    def run_under(self, lease: Lease) -> Report:
        """One whole cycle. Never raises for a destination's sake: what went wrong is in the report and in the status."""
        report = self._report()
        try:
            for left in reversed(range(REPLANS)):
                if not self._round(lease, report, last=left == 0) or self.stop.is_set():
                    break
        except (StoreError, LeaseLost):
            raise  # without the store nothing may be written anywhere
        except Exception as error:  # a connector's bug stops its destination alone (F33)
            report.error = error
            report.after = error.after if isinstance(error, Unavailable) else None
            denied = isinstance(error, Denied | Unsupported)
            now = self.clock.now()
            missed = self._missed(now)
            standing.failure(self._store, lease, self.settings, now, report.why, denied=denied, run=self.run, missed=missed)
        return report

    def _missed(self, now: Instant) -> Instant | None:
        """From when on somebody of the rota, as it is now, was not shown at the last look; None where that is not known."""
        known = recall(self.store, self.settings, self.rota)
        if known.last is None or not self.writes:
            return None
        seen = as_it_was(self._store.key, self._store.instance, self.settings, known.last, now)
        try:
            asked, _ = question(self.settings, self.rota, known, seen, self.connector, confirmed=False)
            decision = decide(asked)
        except Exception:  # the bug that the cycle failed of may be met with again
            return None
        return next_unexported(decision.targets, decision.standing, now, now + self.settings.horizon, decision.lacking)

    def _report(self) -> Report:
        return Report(destination=self.settings.name, mode=self.settings.mode, run=self.run)

    @property
    def _store(self) -> Store:
        if self.store is None:
            raise ValueError("a cycle that writes needs a store")
        return self.store

    def _round(self, lease: Lease, report: Report, *, last: bool) -> bool:
        """Look, decide, do, remember; whether the destination should be looked at once more. `last`: it will not be."""
        remembered = recall(self.store, self.settings, self.rota)
        seen, asked, decision, settled = self._seen(remembered)
        report.settle(settled.outcomes)
        report.skewed = seen.skewed
        if not report.acted:
            report.decision = decision
            if self.digest and not decision.plan.digest.startswith(self.digest):
                report.stale = True
                return False
        now = self.clock.now()
        base = tell.Round(
            store=self._store,
            lease=lease,
            settings=self.settings,
            rota=self.rota,
            run=self.run,
            actor=self.actor,
            now=now,
            siblings=self.siblings,
        )
        if standing.moved(base, remembered, seen):
            return True  # an acknowledged move to another calendar: nothing is known of that one yet
        if reason := self._stranger(remembered, seen, decision):
            standing.nothing_may_be_written(base, seen, reason)
            report.decision = replace(decision, whole=reason)
            return False
        if not self.writes:
            standing.looked(base, remembered, seen, decision)
            return False
        wants = remember.decided(base, remembered, settled, seen, decision)
        if wants is None:
            return True  # the rota changed under it: nothing was stored, so it is decided again (rule 2)
        report.acted = True
        report.wants = tuple(dict.fromkeys((*report.wants, *wants)))
        sent = self._sender(lease, base, seen, asked, decision).send(
            decision.plan.changes, decision.standing, decision.targets, (e.ref for e in seen.entries), len(report.answers)
        )
        report.answers += sent.answers
        report.waiting = sent.waiting
        report.error = sent.stopped
        report.after = sent.after
        again = sent.again and sent.stopped is None
        now_there = replace(
            seen.observation,
            entries=after_answers(seen.entries, sent.answers),
            paged=paged_after(seen.observation.paged, sent.answers),
            same=frozenset(),
        )
        standing.done(base, remembered, seen, decision, sent, now_there, final=last or not again or self.stop.is_set())
        return again or bool(decision.plan.pulls and sent.stopped is None and not sent.answers and self._unsettled(decision))

    def _unsettled(self, decision: Decision) -> bool:
        return any(c.status is Status.NOW for c in decision.plan.changes)

    def _sender(self, lease: Lease, base: tell.Round, seen: Look, asked: Question, decision: Decision) -> Sender:
        store, digest = self._store, decision.plan.digest
        return Sender(
            connector=self.connector,
            destination=self.settings.name,
            instance=store.instance,
            key=store.key,
            run=self.run,
            now=seen.now,
            remember=lambda intents, answers: remember.calls(base, seen, asked, decision, digest, intents, answers),
            beat=lease.renew,
            stop=self.stop,
            progress=self.progress,
            written={row.ref: row.version for row in asked.memory.rows if row.version is not None and row.op},
        )

    def _seen(self, remembered: Remembered) -> tuple[Look, Question, Decision, Settled]:
        """A look, and what is made of it; a second where something hangs on its being true (W11)."""
        key, instance = (self.store.key, self.store.instance) if self.store else (b"", "")
        seen = look(key, instance, self.settings, self.rota, self.connector, remembered, self.clock.now())
        for _ in range(LOOKS):
            asked, settled = question(
                self.settings,
                self.rota,
                remembered,
                seen,
                self.connector,
                confirmed=self.trigger is not Trigger.DAEMON,
                jumped=self.jumped,
            )
            decision = decide(asked)
            if not confirm(decision, asked):
                return seen, asked, decision, settled
            other = look(key, instance, self.settings, self.rota, self.connector, remembered, self.clock.now())
            if agrees(seen, other):
                return seen, asked, decision, settled
            seen = other
        raise Unavailable("what stands there changes from look to look; the next cycle tries again")

    def _stranger(self, remembered: Remembered, seen: Look, decision: Decision) -> str:
        """Why nothing at all may be written: another account or calendar, or markers of another key (F10)."""
        was, is_ = remembered.known.fingerprint, seen.observation.fingerprint
        if was and is_ and was != is_:
            return f"another account or calendar is behind this name: it was {was}, now it is {is_}"
        return decision.whole
