"""Remembers: what each step of a cycle leaves in the store, a transaction a step, every one under the lease's epoch (W13)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from syncd.connector import Stale
from syncd.core import pager
from syncd.core.decide import Decision, Question
from syncd.core.drift import Pull
from syncd.core.imports import cuts_for, says
from syncd.core.model import Override, Window
from syncd.core.record import Action, Imported, Intent, Outcome, Row
from syncd.core.settle import Settled
from syncd.core.shifts import shifts
from syncd.cycle import show, tell
from syncd.cycle.look import Look, Remembered
from syncd.cycle.send import Answer
from syncd.cycle.tell import Round
from syncd.store import Tx, in_force


class _RotaChanged(Exception):
    """Undoes a transaction: the rota is no longer the one that was decided on (MERGE.md rule 2)."""


def decided(base: Round, was: Remembered, settled: Settled, seen: Look, decision: Decision) -> tuple[str, ...] | None:
    """Imports, what was agreed, and notices, in one transaction; the destinations that are due for it. None: the rota changed."""
    try:
        with base.store.write(base.lease) as tx:
            if tx.overrides.revision(base.settings.schedule) != was.revision:
                raise _RotaChanged
            _settle(tx, base, was, settled)
            imports = _pull(tx, base, was, seen, decision)
            wants = tuple(name for name in base.siblings if name != base.name) if imports or decision.withdrawn else ()
            tx.destinations.want(wants)
            for row in decision.rows:
                tx.ledger.put_row(base.name, row)
            for ref in decision.dropped:
                tx.ledger.drop_row(base.name, ref)
            if decision.pieces is not None:
                tx.ledger.set_pieces(base.name, decision.pieces)
            tell.told(tx, base, decision, imports)
            tell.hold(tx, base, decision)
            return wants
    except _RotaChanged:
        return None


def _settle(tx: Tx, base: Round, was: Remembered, settled: Settled) -> None:
    """What the look said of writes whose answer was lost."""
    before, after = was.memory, settled.memory
    known = {row.ref: row for row in before.rows}
    for intent in before.intents:
        outcome = settled.outcomes.get(intent.op, Outcome.REJECTED)
        tx.ledger.close_intent(base.name, intent.op, outcome)
        tell.write_down(
            tx, base, f"settled: {outcome}", entry=intent.ref or intent.key, old=intent.before, new=intent.after, digest=None
        )
    kept = {row.ref for row in after.rows}
    for row in after.rows:
        if known.get(row.ref) is not row:
            tx.ledger.put_row(base.name, row)
    for row in before.rows:
        if row.ref not in kept:
            tx.ledger.drop_row(base.name, row.ref)
    for echo in after.echoes:
        tx.ledger.put_echo(base.name, echo)
    for echo in set(before.echoes) - set(after.echoes):
        tx.ledger.drop_echo(base.name, echo.op)
    for key, generation in after.generations.items():
        if before.generations.get(key) != generation:
            tx.ledger.use_generation(base.name, key, generation)


def _pull(tx: Tx, base: Round, was: Remembered, seen: Look, decision: Decision) -> list[tuple[Pull, str]]:
    """Edits come into the rota, and what was stored must be what was seen (rule 1). The override that each of them became."""
    schedule, role = base.settings.schedule, base.settings.role
    imports = []
    for override in decision.withdrawn:
        made = next((r.run for r in tx.overrides.list(schedule) if r.override.id == override), "")
        tx.overrides.remove(schedule, override, by=base.name, at=base.now, reason="undone at the destination", run=base.run)
        for mark in tx.overrides.marks(schedule, run=made) if made else ():
            if mark.reason == _because(override):
                tx.overrides.undo(schedule, mark.id, by=base.name, at=base.now, run=base.run)
        tell.write_down(tx, base, "import withdrawn", entry=override, old=None, new=None, digest=decision.plan.digest)
    for pull in decision.plan.pulls:
        standing = in_force(base.rota.schedules[schedule], tx.overrides.stored(schedule))
        new = Override(
            id="", roles=(role,), people=pull.people, replaces=None, start=pull.start, end=pull.end,
            reason=f"edited at {base.name}", origin="import",
        )  # fmt: skip
        room = cuts_for(standing, role, pull)
        named = tx.overrides.add(schedule, new, by=base.name, at=base.now, origin="import", run=base.run)
        imports.append((pull, named))
        for cut in room:
            tx.overrides.cut(
                schedule, cut.override, role, cut.window, by=base.name, at=base.now, reason=_because(named), run=base.run
            )
        for ref, version in pull.refs:
            imported = Imported(override=named, ref=ref, version=version, start=pull.start, end=pull.end, people=pull.people)
            tx.ledger.put_import(base.name, imported)
        rota = shifts(
            in_force(base.rota.schedules[schedule], tx.overrides.stored(schedule)), Window(pull.start, pull.end), role=role
        )
        if not says(rota, pull):
            raise _RotaChanged
        tell.write_down(
            tx,
            base,
            "imported",
            entry=named,
            old=None,
            new=show.pull(pull, base.settings.role),
            digest=decision.plan.digest,
        )
    return imports


def _because(override: str) -> str:
    return f"makes room for {override}"


def calls(
    base: Round,
    seen: Look,
    asked: Question,
    decision: Decision,
    digest: str,
    intents: Sequence[Intent],
    answers: Sequence[Answer],
) -> None:
    """Outcomes of calls that ended and intents of those to come, in one transaction (W1). `digest`: the plan's."""
    with base.store.write(base.lease) as tx:
        for answer in answers:
            _answer(tx, base, seen, asked, decision, digest, answer)
        for intent in intents:
            tx.ledger.open_intent(base.name, intent, base.lease.epoch)
        if intents:
            tell.mark_sent(tx, decision, intents)


def _answer(tx: Tx, base: Round, seen: Look, asked: Question, decision: Decision, digest: str, answer: Answer) -> None:
    change, intent, outcome = answer.call.change, answer.call.intent, answer.outcome
    tx.ledger.close_intent(base.name, intent.op, outcome)
    if outcome is Outcome.APPLIED:
        _applied(tx, base, seen, asked, decision, answer)
        for notice in decision.notices:
            if tell.answers_for(change, notice):
                tell.due(tx, base, notice.id, show.notice(notice))
    elif outcome is Outcome.REJECTED and change.action is Action.CREATE and isinstance(answer.error, Stale):
        tx.ledger.use_generation(base.name, change.key, change.generation)  # that id is taken, for ever
    why = f": {answer.error}" if answer.error is not None else ""
    tell.write_down(
        tx,
        base,
        f"{change.action} {outcome}{why}",
        entry=change.ref or change.key,
        old=change.before,
        new=change.after,
        digest=digest,
    )


def _applied(tx: Tx, base: Round, seen: Look, asked: Question, decision: Decision, answer: Answer) -> None:
    change, entry = answer.call.change, answer.entry
    old = next((r for r in asked.memory.rows if r.ref == change.ref), None)
    if change.action is Action.DELETE:
        if asked.can.own_ids and change.ref is not None:
            tx.ledger.drop_row(base.name, change.ref)  # what stands under that id later, a human brought back
        elif old is not None:
            tx.ledger.put_row(
                base.name, replace(old, doubt="delete")
            )  # the vendor's ids never come back: ours until seen gone (W7)
        return
    if entry is None or change.after is None:
        return
    order = tx.ledger.next_order(base.name) if change.action is Action.CREATE else old.order if old else 0
    row = Row(
        ref=entry.ref, uid=entry.uid or answer.call.intent.uid, key=change.key, generation=change.generation,
        op=answer.call.intent.op, accepted=change.after, version=entry.version, order=order,
    )  # fmt: skip
    tx.ledger.put_row(base.name, row)
    if change.ref is not None and change.ref != entry.ref:
        tx.ledger.drop_row(base.name, change.ref)
    tx.ledger.use_generation(base.name, change.key, change.generation)
    if asked.can.stacked:
        memory = tx.ledger.memory(base.name)
        here = [e.ref for e in seen.entries if e.start < change.after.end and change.after.start < e.end]
        tx.ledger.set_pieces(
            base.name, pager.confirmed(memory.pieces, change.after, entry.ref, here, decision.targets, decision.plan.now)
        )
