"""Remembers: what each step of a cycle leaves in the store, a transaction a step, every one under the lease's epoch (W13)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from syncd.config.settings import Destination
from syncd.connector import Observation, Stale
from syncd.core import pager
from syncd.core.decide import FURTHEST, Decision, Question
from syncd.core.drift import Pull
from syncd.core.health import ATTENTION, Standing, State, after_cycle, after_failure, in_its_place, next_unexported
from syncd.core.imports import cuts_for, says
from syncd.core.model import DAY, Instant, Override, Rota, Window
from syncd.core.plan import Status
from syncd.core.record import Action, Imported, Intent, Outcome, Row, Value
from syncd.core.settle import Settled
from syncd.core.shifts import shifts
from syncd.core.zone import stretches
from syncd.cycle import show, tell
from syncd.cycle.look import Look, Remembered
from syncd.cycle.send import Answer, Sent
from syncd.cycle.tell import Round
from syncd.store import Destination as Known
from syncd.store import Lease, Store, Tx, in_force


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


def done(base: Round, was: Remembered, seen: Look, decision: Decision, sent: Sent, standing: Observation, *, final: bool) -> None:
    """The end of a round: what stands there now, how the destination is, when it is due next."""
    surely = _standing_after(decision, sent)
    unexported = next_unexported(decision.targets, surely, seen.now, seen.now + base.settings.horizon, decision.lacking)
    held = [c for c in decision.plan.changes if c.status is Status.HELD]
    failed = next((a.error for a in sent.answers if a.error is not None and a.outcome is not Outcome.APPLIED), None)
    held_for = decision.holds[0].reason if decision.holds else ""
    waits = sent.waiting[0].reason if sent.waiting else ""
    kept = in_its_place(decision.plan.drifts, unexported) if unexported is not None else ""
    reason = str(sent.stopped or failed or "") or held_for or decision.lacks or waits or kept
    with base.store.write(base.lease) as tx:
        tx.observations.put(base.name, standing, base.now, was.last)
        if not final:
            return
        status = after_cycle(unexported, base.now, pending=False, reason=reason if (held or sent.waiting or reason) else "")
        known = _known(base, was, seen, decision, status)
        changed = decision.holds and any("mode, role or schedule" in h.reason for h in decision.holds)
        if changed:
            known = replace(known, mode=was.known.mode, role=was.known.role, schedule=was.known.schedule)
        if any("time zone data" in h.reason for h in decision.holds):
            known = replace(known, more=was.known.more)
        finished = replace(
            known,
            last_cycle=base.now,
            failures=0 if sent.stopped is None else was.known.failures + 1,
            fingerprint=seen.observation.fingerprint or was.known.fingerprint,
        )
        _stand(tx, base, was.known, finished, status)
        _record_served(tx, base)


def _standing_after(decision: Decision, sent: Sent) -> list[Value]:
    """What surely stands: what did before, less what was sent away, with what was confirmed."""
    standing = list(decision.standing)
    for answer in sent.answers:
        change = answer.call.change
        if change.before in standing and answer.outcome is not Outcome.REJECTED:
            standing.remove(change.before)
        if answer.outcome is Outcome.APPLIED:
            standing += [value for value in (change.after, change.beneath) if value is not None]
    return standing


def looked(base: Round, was: Remembered, seen: Look, decision: Decision) -> None:
    """A look that was not to write (manual): the difference is shown."""
    with base.store.write(base.lease) as tx:
        tx.observations.put(base.name, replace(seen.observation, entries=seen.entries, same=frozenset()), base.now, was.last)
        ahead = seen.now + base.settings.horizon
        unexported = next_unexported(decision.targets, decision.standing, seen.now, ahead, decision.lacking)
        pending = not decision.plan.empty and not decision.lacking
        reason = decision.lacks or ("waits for `syncd export`" if pending else "")
        status = after_cycle(unexported, base.now, pending=pending, reason=reason)
        _stand(tx, base, was.known, replace(_known(base, was, seen, decision, status), last_cycle=base.now, failures=0), status)
        _record_served(tx, base)


def moved(base: Round, was: Remembered, seen: Look) -> bool:
    """Whether somebody acknowledged that another calendar is behind this name: what was known of the old goes (F10)."""
    new = seen.observation.fingerprint
    if not was.known.fingerprint or was.known.fingerprint == new or _name_of(new) not in was.released:
        return False
    with base.store.write(base.lease) as tx:
        tx.ledger.forget(base.name)
        tx.destinations.put(replace(was.known, fingerprint=new))
        for hold in tx.holds.answered(base.name):
            if _name_of(new) in hold.identities:
                tx.holds.close(base.name, hold.digest)
        tell.write_down(tx, base, "moved to another calendar", entry=None, old=was.known.fingerprint, new=new, digest=None)
    return True


def _name_of(fingerprint: str) -> str:
    return f"fingerprint {fingerprint}"


def nothing_may_be_written(base: Round, seen: Look, reason: str) -> None:
    """Another account, calendar or key: held whole, with one answer for all of it (F10)."""
    name = _name_of(seen.observation.fingerprint) if reason.startswith("another account") else "strangers"
    digest = show.digest_of(base.name, name)
    with base.store.write(base.lease) as tx:
        if tx.holds.put(base.name, digest, reason=reason, changes=[], identities=[name], since=base.now):
            tell.announce_hold(tx, base, digest, reason)
        before = tx.destinations.get(base.name) or Known(name=base.name)
        status = Standing(state=State.ERROR, reason=reason, next_unexported=before.next_unexported)
        _stand(tx, base, before, replace(before, last_try=base.now, failures=before.failures + 1), status)


def failure(store: Store, lease: Lease, settings: Destination, now: Instant, reason: str, *, denied: bool, run: str) -> None:
    """A look that failed is unknown: nothing is written but how the destination stands."""
    base = Round(store=store, lease=lease, settings=settings, rota=Rota(), run=run, actor="syncd", now=now)
    with store.write(lease) as tx:
        known = tx.destinations.get(settings.name) or Known(name=settings.name)
        before = (
            Standing(state=State(known.status), reason=known.reason, next_unexported=known.next_unexported)
            if known.status
            else None
        )
        status = after_failure(before, known.last_cycle, now, reason=reason, denied=denied)
        _stand(tx, base, known, replace(known, last_try=now, failures=known.failures + 1), status)


def _known(base: Round, was: Remembered, seen: Look, decision: Decision, status: Standing) -> Known:
    return replace(
        was.known, settings=show.settings(base.settings), mode=base.settings.mode.value, role=base.settings.role,
        schedule=base.settings.schedule, last_try=base.now, next_unexported=status.next_unexported,
        differs_seconds=decision.differs, found=dict(seen.observation.found), wall=base.now, answered=was.wanted, removed=False,
        more=_zones(base, was),
    )  # fmt: skip


def _zones(base: Round, was: Remembered) -> dict[str, object]:
    """The clock changes ahead, of the zones that the schedule is written in (F20)."""
    until = base.now + base.settings.horizon + FURTHEST
    return {"zones": stretches(was.schedule.zones, base.now, until), "until": until}


def _stand(tx: Tx, base: Round, before: Known, known: Known, status: Standing) -> None:
    """The status, told on entering a state that needs attention and on recovery, once each."""
    state = status.state.value
    since = before.since if before.status == state and before.since is not None else base.now
    tx.destinations.put(replace(known, status=state, since=since, reason=status.reason, next_unexported=status.next_unexported))
    tx.drop_old(base.now)
    if before.status == state:
        return
    attention = {s.value for s in ATTENTION}
    dedup = None
    if state in attention:
        dedup = f"attention-{base.name}-{base.run}"
        tell.announce(tx, base, dedup, f"{base.name} needs attention: {status.reason}", kind="attention")
    elif before.status in attention:
        dedup = f"recovered-{base.name}-{base.run}"
        tell.announce(tx, base, dedup, f"{base.name} is well again", kind="recovered")
    tell.write_down(tx, base, f"status {state}", entry=dedup, old=before.status, new=status.reason, digest=None)


def _record_served(tx: Tx, base: Round) -> None:
    """Who was on call until now, written down as it was in force (DESIGN.md section 9)."""
    schedule = base.settings.schedule
    reached = tx.served.until(schedule)
    window = Window(max(reached, base.now - DAY) if reached is not None else base.now - 1, base.now)
    if window.start < window.end:
        standing = in_force(base.rota.schedules[schedule], tx.overrides.stored(schedule))
        tx.served.record(schedule, window, shifts(standing, window))
