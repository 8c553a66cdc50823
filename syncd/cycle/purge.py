"""Removes all that we wrote at a destination, past and to come: by the ledger, and by marker where the ledger was lost."""

from __future__ import annotations

from dataclasses import replace

from syncd.core.decide import Decision, Question
from syncd.core.marker import Hand, verify
from syncd.core.model import DAY, Instant, Window
from syncd.core.own import unknown
from syncd.core.plan import Change, Plan
from syncd.core.record import Action, Value
from syncd.cycle import remember, tell
from syncd.cycle.cycle import Cycle, Report
from syncd.cycle.look import Look, Remembered, question
from syncd.cycle.look import remember as recall
from syncd.cycle.send import Sender, after_answers
from syncd.store import Lease, Store

FAR = 1_100 * DAY
"""How far back and ahead entries with our marker are looked for; those of the ledger are found wherever they are."""


def plan(cycle: Cycle) -> Report:
    """What would be removed; changes nothing. Raises what a failed look raises."""
    report = Report(destination=cycle.settings.name, mode=cycle.settings.mode, run=cycle.run)
    report.decision = _seen(cycle)[3]
    return report


def run(cycle: Cycle, store: Store, lease: Lease) -> Report:
    """Does it, each removal between its intent and its outcome. Never held: somebody asked for exactly this."""
    report = Report(destination=cycle.settings.name, mode=cycle.settings.mode, run=cycle.run)
    remembered, seen, asked, decision = _seen(cycle)
    report.decision = decision
    if cycle.digest and not decision.plan.digest.startswith(cycle.digest):
        report.stale = True
        return report
    base = tell.Round(
        store=store,
        lease=lease,
        settings=cycle.settings,
        rota=cycle.rota,
        run=cycle.run,
        actor=cycle.actor,
        now=cycle.clock.now(),
    )
    digest = decision.plan.digest
    sender = Sender(
        connector=cycle.connector,
        destination=cycle.settings.name,
        instance=store.instance,
        key=store.key,
        run=cycle.run,
        now=seen.now,
        remember=lambda intents, answers: remember.calls(base, seen, asked, decision, digest, intents, answers),
        beat=lease.renew,
        stop=cycle.stop,
        progress=cycle.progress,
    )
    sent = sender.send(decision.plan.changes, decision.standing, (), (entry.ref for entry in seen.entries))
    report.answers, report.waiting, report.error, report.after = sent.answers, sent.waiting, sent.stopped, sent.after
    standing = after_answers(seen.entries, sent.answers)
    there = {entry.ref for entry in standing}
    with store.write(lease) as tx:
        for row in remembered.memory.rows:
            if row.ref not in there:
                tx.ledger.drop_row(cycle.settings.name, row.ref)
        tx.observations.put(cycle.settings.name, replace(seen.observation, entries=standing, same=frozenset()), base.now)
        if remembered.known.last_cycle is not None:
            tx.destinations.put(replace(remembered.known, found=dict(seen.observation.found)))
        tx.journal.add(
            at=base.now, run=cycle.run, destination=cycle.settings.name, event="purged", actor=cycle.actor, new=len(sent.answers)
        )
    return report


def _seen(cycle: Cycle) -> tuple[Remembered, Look, Question, Decision]:
    remembered = recall(cycle.store, cycle.settings, cycle.rota)
    now = cycle.clock.now()
    can = cycle.connector.capabilities
    known = {row.ref: "" for row in remembered.memory.rows if can.edits_past or not can.stacked or row.accepted.end > now}
    contents = {entry.ref: entry for entry in remembered.last.entries} if remembered.last and not can.stacked else {}
    known |= {ref: entry.version or "" for ref, entry in contents.items()}
    observation = cycle.connector.read(Window(now - FAR, now + FAR), known)
    entries = (*observation.entries, *(contents[ref] for ref in sorted(observation.same)))
    key, instance = (cycle.store.key, cycle.store.instance) if cycle.store else (b"", "")
    marks = {
        entry.ref: verify(key, entry.marker, instance=instance, destination=cycle.settings.name, uid=entry.uid)
        for entry in entries
        if entry.marker
    }
    seen = Look(observation=observation, entries=entries, marks=marks, now=now, jumped="")
    asked, _ = question(cycle.settings, cycle.rota, remembered, seen, cycle.connector, confirmed=True)
    changes = _changes(remembered, seen, now, past=not can.exclusive)
    standing = tuple(change.before for change in changes if change.before is not None)
    return (
        remembered,
        seen,
        asked,
        Decision(plan=Plan(destination=cycle.settings.name, changes=changes, now=now), targets=(), standing=standing),
    )


def _changes(remembered: Remembered, seen: Look, now: Instant, *, past: bool) -> tuple[Change, ...]:
    """`past`: what is over can be removed too; a pager keeps it."""
    rows = {row.ref: row for row in remembered.memory.rows}
    changes = []
    for entry in sorted(seen.entries, key=lambda one: (one.start, one.ref)):
        hand, claim = seen.marks.get(entry.ref, (Hand.FOREIGN, None))
        row = rows.get(entry.ref)
        if (row is None and hand is not Hand.OWN) or (entry.end <= now and not past):
            continue
        key = row.key if row else claim.key if claim else ""
        value = Value(entry.person if entry.person is not None else unknown(entry.title), entry.start, entry.end)
        changes.append(Change(action=Action.DELETE, row="4", key=key, before=value, entry=entry, reason="purge"))
    return tuple(changes)
