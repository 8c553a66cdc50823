"""What became of writes whose answer was lost: decided by reading, never by sending again (W2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from syncd.core.entry import Entry
from syncd.core.marker import Claim
from syncd.core.model import DAY, Instant
from syncd.core.own import Verdict, same_from
from syncd.core.pager import is_like
from syncd.core.record import Action, Echo, Intent, Memory, Outcome, Row, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """`memory` as it is after the look; `outcomes`: op → what became of it."""

    memory: Memory
    outcomes: Mapping[str, Outcome]


def settle(memory: Memory, entries: Iterable[Entry], marks: Mapping[str, Verdict], now: Instant) -> Settled:
    """Every open intent and every unconfirmed create, against what stands there now."""
    there = {entry.ref: entry for entry in entries}
    claims = {ref: claim for ref, (_, claim) in marks.items() if claim is not None}
    rows = {row.ref: row for row in memory.rows if row.doubt != "delete" or row.ref in there}  # seen gone (W5, W7)
    echoes = {echo.op: echo for echo in memory.echoes if echo.at > now - DAY}
    used = dict(memory.generations)
    order = max((row.order for row in memory.rows), default=0)
    outcomes: dict[str, Outcome] = {}
    for intent in memory.intents:
        if intent.action is Action.CREATE:
            found = _created(intent, there, claims, rows, now)
            if found is None:
                echoes[intent.op] = Echo(intent.op, intent.uid, intent.after or _NOBODY, intent.seen, intent.at)
            else:
                order += 1
                rows[found.ref] = _row(found, claims.get(found.ref), intent, order)
                used[intent.key] = max(used.get(intent.key, 0), intent.generation)
            outcomes[intent.op] = Outcome.APPLIED if found is not None else Outcome.REJECTED
        else:
            ref = intent.ref or ""
            outcomes[intent.op] = _changed(intent, there.get(ref), claims.get(ref), rows, now)
    for ref, claim in claims.items():  # a create that landed late carries its own id (row 19)
        late = next((e for e in echoes.values() if ref not in rows and e.uid == there[ref].uid), None)
        if late is not None:
            entry = there[ref]
            rows[ref] = Row(ref=ref, uid=entry.uid, key=claim.key, generation=claim.generation, op=claim.op, accepted=claim.value)
            del echoes[late.op]
    after = replace(memory, rows=tuple(rows.values()), intents=(), echoes=tuple(echoes.values()), generations=used)
    return Settled(memory=after, outcomes=outcomes)


_NOBODY = Value("", 0, 0)


def _created(
    intent: Intent, there: Mapping[str, Entry], claims: Mapping[str, Claim], rows: Mapping[str, Row], now: Instant
) -> Entry | None:
    """The entry that a create made: by the marker's operation, by its own id, or (S) by value among those not seen before."""
    for ref, entry in there.items():
        claim = claims.get(ref)
        if claim is not None and (claim.op == intent.op or entry.uid == intent.uid):
            return entry
        if claim is None and ref not in rows and entry.uid and entry.uid == intent.uid:
            return entry  # the server took the marks away
    if intent.after is None or any(claims):
        return None
    beside = [e for ref, e in there.items() if ref not in rows and not e.uid and e.over is None]
    likely = [e for e in beside if is_like(e, intent.after, intent.seen, now)]
    return min(likely, key=lambda e: e.ref, default=None)


def _row(entry: Entry, claim: Claim | None, intent: Intent, order: int) -> Row:
    accepted = claim.value if claim is not None else intent.after or _NOBODY
    op = claim.op if claim is not None else intent.op
    return Row(ref=entry.ref, uid=entry.uid, key=intent.key, generation=intent.generation, op=op, accepted=accepted, order=order)


def _changed(intent: Intent, entry: Entry | None, claim: Claim | None, rows: dict[str, Row], now: Instant) -> Outcome:
    row = rows.get(intent.ref or "")
    if entry is None:
        if intent.action is Action.DELETE:
            rows.pop(intent.ref or "", None)
            return Outcome.APPLIED
        return Outcome.REJECTED
    if intent.action is Action.DELETE:
        if row is not None:
            rows[row.ref] = replace(row, doubt="delete")  # it may still come: never relied on (W5)
        return Outcome.REJECTED
    if row is None or intent.after is None:
        return Outcome.REJECTED
    if claim is not None and claim.op == intent.op:
        rows[row.ref] = replace(row, op=claim.op, accepted=claim.value, version=None, doubt="")
        return Outcome.APPLIED
    if claim is not None:
        return Outcome.REJECTED
    says = Value(entry.person or "", entry.start, entry.end, intent.after.lane)
    if same_from(now, says, intent.after):
        rows[row.ref] = replace(row, op=intent.op, accepted=intent.after, version=None, doubt="")
        return Outcome.APPLIED
    if same_from(now, says, intent.before):
        return Outcome.REJECTED
    rows[row.ref] = replace(row, doubt="replace")  # whose hand it was cannot be told: base unknown (W8)
    return Outcome.REJECTED
