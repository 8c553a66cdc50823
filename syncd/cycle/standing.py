"""Remembers how a destination stands after a cycle, a look or a failure, and tells of it: once on entering, once on recovery."""

from __future__ import annotations

from dataclasses import replace

from syncd.config.settings import Destination
from syncd.connector import Observation
from syncd.core.audience import Kind
from syncd.core.decide import FURTHEST, Decision
from syncd.core.health import ATTENTION, Standing, State, after_cycle, after_failure, in_its_place, next_unexported, telling
from syncd.core.merge import Do
from syncd.core.model import DAY, Instant, Rota, Window
from syncd.core.plan import Status
from syncd.core.record import Outcome, Value
from syncd.core.shifts import shifts
from syncd.core.zone import stretches
from syncd.cycle import show, tell
from syncd.cycle.look import Look, Remembered
from syncd.cycle.send import Sent
from syncd.cycle.tell import Round
from syncd.store import Destination as Known
from syncd.store import Lease, Store, Tx, in_force


def done(base: Round, was: Remembered, seen: Look, decision: Decision, sent: Sent, standing: Observation, *, final: bool) -> None:
    """The end of a round: what stands there now, how the destination is, when it is due next."""
    surely = _standing_after(decision, sent)
    ahead = seen.now + base.settings.horizon
    unexported = next_unexported(decision.targets, surely, seen.now, ahead, decision.lacking)
    held = [c for c in decision.plan.changes if c.status is Status.HELD]
    left = next_unexported(decision.targets, [*surely, *_waits(decision)], seen.now, ahead, decision.lacking)
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
        _stand(tx, base, was.known, finished, status, held=unexported is not None and not left)
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


def _waits(decision: Decision) -> list[Value]:
    """What would stand if everything that is held were answered."""
    held = [c.after for c in decision.plan.changes if c.status is Status.HELD and c.after is not None]
    return held + [Value(d.desired, d.start, d.end) for d in decision.plan.drifts if d.do is Do.HOLD and d.desired is not None]


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
        _stand(tx, base, before, replace(before, last_try=base.now, failures=before.failures + 1), status, held=True)


def failure(
    store: Store,
    lease: Lease,
    settings: Destination,
    now: Instant,
    reason: str,
    *,
    denied: bool,
    run: str,
    missed: Instant | None = None,
) -> None:
    """A look that failed is unknown: nothing is written but how the destination stands.

    `missed`: from when on it does not show the rota, which may have changed since the last look; one failure may be nothing.
    """
    base = Round(store=store, lease=lease, settings=settings, rota=Rota(), run=run, actor="syncd", now=now)
    with store.write(lease) as tx:
        known = tx.destinations.get(settings.name) or Known(name=settings.name)
        before = (
            Standing(state=State(known.status), reason=known.reason, next_unexported=known.next_unexported)
            if known.status
            else None
        )
        if before is not None and known.failures and missed is not None:
            before = replace(before, next_unexported=missed)
        status = after_failure(before, known.last_cycle, now, reason=reason, denied=denied)
        alone = after_failure(Standing(state=State.OK), known.last_cycle, now, reason=reason, denied=denied)
        held = known.spared and alone.state not in ATTENTION
        _stand(tx, base, known, replace(known, last_try=now, failures=known.failures + 1), status, held=held)


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


def _stand(tx: Tx, base: Round, before: Known, known: Known, status: Standing, *, held: bool = False) -> None:
    """The status, and what is told of it. `held`: what waits for an answer is its only cause."""
    state = status.state.value
    since = before.since if before.status == state and before.since is not None else base.now
    just = any(before.last_try is None or hold.since > before.last_try for hold in tx.holds.open(base.name))
    told = telling(before.status, status.state, held=held, just=just, spared=before.spared)
    stands = replace(known, status=state, since=since, reason=status.reason, next_unexported=status.next_unexported)
    tx.destinations.put(replace(stands, spared=told.spared))
    tx.drop_old(base.now)
    if before.status == state and not told.kind:
        return
    dedup = f"{told.kind}-{base.name}-{base.run}" if told.kind else None
    tell.write_down(tx, base, f"status {state}", entry=dedup, old=before.status, new=status.reason, digest=None)
    if dedup is not None:
        well = f"{base.name} is well again"
        text = well if told.kind == "recovered" else f"{base.name} needs attention: {status.reason}"
        tell.announce(tx, base, dedup, text, kind=told.kind, spares=Kind.HOLD.value if told.spared else "")


def _record_served(tx: Tx, base: Round) -> None:
    """Who was on call until now, written down as it was in force (DESIGN.md section 9)."""
    schedule = base.settings.schedule
    reached = tx.served.until(schedule)
    window = Window(max(reached, base.now - DAY) if reached is not None else base.now - 1, base.now)
    if window.start < window.end:
        standing = in_force(base.rota.schedules[schedule], tx.overrides.stored(schedule))
        tx.served.record(schedule, window, shifts(standing, window))
