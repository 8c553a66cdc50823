"""Tells: notices armed and due, conflicts kept for `restore`, holds opened and closed, lines of the journal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from syncd.config.settings import Destination
from syncd.core.audience import kind_of
from syncd.core.decide import Decision
from syncd.core.drift import Pull, as_of
from syncd.core.merge import Tell
from syncd.core.model import Instant, Rota, iso
from syncd.core.notice import Notice
from syncd.core.plan import Change
from syncd.core.record import Intent, Value
from syncd.cycle import show
from syncd.store import Hold, Lease, Store, Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What every step of one cycle has in common. `now`: our own clock."""

    store: Store
    lease: Lease
    settings: Destination
    rota: Rota
    run: str
    actor: str
    now: Instant
    siblings: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.settings.name


def told(tx: Tx, base: Round, decision: Decision, imports: Sequence[tuple[Pull, str]] = ()) -> None:
    """Notices of what is decided are due; those of a write that displaces something are armed until it is done (W6).

    A hole displaces nothing, and the base that showed it is cut in this very transaction (MERGE.md rule 10): it is told now or
    never. `imports`: the overrides that this decision's edits became.
    """
    told = {n.id: n for n in decision.notices if not n.waits}
    for posted in tx.outbox.armed():
        if posted.notice.get("destination") != base.name or posted.dedup in told:
            continue
        if posted.notice.get("sent"):  # its write had no answer, and what it displaced is no longer there
            due(tx, base, posted.dedup, posted.notice)
        else:
            tx.outbox.drop(posted.dedup)
    written = {n for n in told if told[n].had and any(answers_for(c, told[n]) for c in decision.plan.changes)}
    for notice in told.values():
        said = show.notice(notice)
        if notice.imported:
            said["overrides"] = [id_ for pull, id_ in imports if pull.start < notice.end and notice.start < pull.end]
        if notice.id in written:
            tx.outbox.arm(said, notice.id, at=base.now)
        elif tx.outbox.post(said, notice.id, at=base.now):
            _happened(tx, base, said)


def answers_for(change: Change, notice: Notice) -> bool:
    """Whether `notice` tells of what `change` does."""
    mine = [d for d in change.drifts if d.tell is notice.kind and tuple(ref for ref, _ in d.refs) == notice.refs]
    return any(d.start < notice.end and notice.start < d.end for d in mine)


def due(tx: Tx, base: Round, dedup: str, said: object) -> None:
    if tx.outbox.due(dedup, at=base.now) and isinstance(said, dict):
        _happened(tx, base, said)


def _happened(tx: Tx, base: Round, said: dict[str, Any]) -> None:
    """What is due has its line in the journal; a human's value that was displaced can be had back in one step (I4)."""
    old, new = show.sides(said)
    event = f"notice: {kind_of(said['kind'])}"
    write_down(tx, base, event, entry=said["id"], old=old, new=new, digest=None)
    if said["kind"] not in {Tell.CONFLICT, Tell.REMOVED}:
        return
    tx.conflicts.put(
        said["id"],
        base.name,
        role=base.settings.role,
        start=said["start"],
        end=said["end"],
        rota=said["rota"],
        destination_had={"people": said["had"], "events": _events(said["also"])},
        done=said["done"],
        since=base.now,
    )


def _events(also: object) -> list[dict[str, object]]:
    found = also if isinstance(also, list | tuple) else ()
    return [{**one, "start": iso(one["start"]), "end": iso(one["end"])} for one in found]


def hold(tx: Tx, base: Round, decision: Decision) -> None:
    """What is held and part of a stored hold is that hold, anything else a new one; what no longer stands is closed (rule 16)."""
    if not decision.holds and not tx.holds.open(base.name) and not tx.holds.answered(base.name):
        return
    changes = {c.name(decision.plan.now): show.change(c, decision.plan.now) for c in decision.plan.changes}
    drifts = {d.name(decision.plan.now): show.drift(d) for d in decision.plan.drifts}
    pending = {*changes, *drifts}
    stored = [(old, _called_now(old, decision)) for old in tx.holds.open(base.name)]
    for hold in decision.holds:
        if any(set(hold.names) <= names for _, names in stored):
            continue
        shown = [changes.get(n) or drifts.get(n) or {"reason": n} for n in hold.names]
        if tx.holds.put(base.name, hold.digest, reason=hold.reason, changes=shown, identities=hold.names, since=base.now):
            announce_hold(tx, base, hold.digest, hold.reason, shown)
    standing = {name for hold in decision.holds for name in hold.names}
    for old, names in stored:
        if not names & standing:
            tx.holds.close(base.name, old.digest)
    for old in tx.holds.answered(base.name):
        if not _called_now(old, decision) & pending and not any(
            " " not in i or i.startswith("fingerprint") for i in old.identities
        ):
            tx.holds.close(base.name, old.digest)


def _called_now(hold: Hold, decision: Decision) -> frozenset[str]:
    return frozenset(as_of(name, decision.plan.now) for name in hold.identities)


def announce_hold(tx: Tx, base: Round, digest: str, reason: str, changes: Sequence[show.Json] = ()) -> None:
    """A hold that was closed and stands again is told again: by its run, as a clock can be set back."""
    dedup = f"hold-{base.name}-{digest}-{base.run}"
    announce(tx, base, dedup, reason, kind="H", digest=digest, changes=changes)
    write_down(tx, base, "held", entry=dedup, old=None, new=reason, digest=digest)


def announce(
    tx: Tx,
    base: Round,
    dedup: str,
    text: str,
    *,
    kind: str,
    digest: str = "",
    changes: Sequence[show.Json] = (),
    spares: str = "",
) -> None:
    """Told at once, but not to those who hear of the kind `spares`: another notice tells it to them.

    Its line in the journal, whose `entry` is `dedup`, is what the caller writes of what happened.
    """
    said = {
        "id": dedup,
        "kind": kind,
        "destination": base.name,
        "schedule": base.settings.schedule,
        "role": base.settings.role,
        "start": base.now,
        "end": base.now,
        "text": text,
        "rota": [],
        "had": [],
        "done": "",
        "refs": [],
        "also": [],
        "digest": digest,
        "changes": list(changes),
        "spares": spares,
    }
    tx.outbox.post(said, dedup, at=base.now)


def mark_sent(tx: Tx, decision: Decision, intents: Sequence[Intent]) -> None:
    """Armed notices whose write goes out now: true even if its answer never comes."""
    if not decision.notices:
        return
    sent = {(i.key, i.after, i.ref) for i in intents}
    going = [c for c in decision.plan.changes if (c.key, c.after, c.ref) in sent and c.drifts]
    for notice in decision.notices:
        if any(answers_for(c, notice) for c in going):
            tx.outbox.mark_sent_out(notice.id)


def write_down(tx: Tx, base: Round, event: str, *, entry: str | None, old: object, new: object, digest: str | None) -> None:
    tx.journal.add(
        at=base.now,
        run=base.run,
        destination=base.name,
        event=event,
        actor=base.actor,
        entry=entry,
        old=_plain(old),
        new=_plain(new),
        digest=digest,
    )


def _plain(value: object) -> object:
    if isinstance(value, Value):
        return {"person": value.person.removeprefix("?"), "start": iso(value.start), "end": iso(value.end)}
    return value
