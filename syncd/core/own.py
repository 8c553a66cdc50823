"""Which of a calendar's entries are ours, what each says now, and whether a human changed it since we agreed.

Edited or not is asked before a title is parsed: an untouched entry's person is the marker's (MERGE.md rule 26).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from syncd.core.entry import Entry
from syncd.core.marker import Claim, Hand, digest, title_digest
from syncd.core.model import Instant
from syncd.core.record import Memory, Row, Value

Verdict = tuple[Hand, Claim | None]


def unknown(title: str) -> str:
    """The value of somebody who is not in the rota: never equal to an id, which begins with a letter or digit."""
    return f"?{title}"


def is_unknown(person: str | None) -> bool:
    return person is not None and person.startswith("?")


def same_from(now: Instant, one: Value | None, other: Value | None) -> bool:
    """Whether two values say the same from now on: the past is read-only, so it is not compared (rule 12)."""
    if one is None or other is None:
        return one is other
    if one.end <= now and other.end <= now:
        return True
    return one.person == other.person and one.end == other.end and max(one.start, now) == max(other.start, now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """An entry of ours that stands there."""

    entry: Entry
    row: Row | None
    claim: Claim | None
    says: Value
    """What it says now; its person may be `unknown`."""
    accepted: Value | None
    """What both sides last agreed that it says; None where that is not known."""
    edited: bool

    @property
    def lost(self) -> bool:
        """It bears our marker, but nothing is remembered of it (rule 8)."""
        return self.row is None

    def worded(self, wording: str) -> bool:
        """Whether it reads as we would write it today; a human's cosmetic edit counts as that."""
        claim = self.claim
        return claim is None or claim.title != digest(self.entry.title) or claim.words == digest(wording)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A destination, sorted by whose hand."""

    own: tuple[Own, ...]
    over: tuple[Own, ...] = ()
    """What lies over an entry of ours (`Entry.over`): an edit of that one by a human's hand, in its lane. "" is nobody."""
    gone: tuple[Row, ...]
    """Rows whose entry was looked for and is not there."""
    foreign: tuple[Entry, ...]
    peers: tuple[Entry, ...]
    copies: tuple[Entry, ...]


def standing(entries: Iterable[Entry], memory: Memory, marks: Mapping[str, Verdict], now: Instant) -> Standing:
    """`marks`: ref → what `marker.verify` said of the entry's marker. `now`: instant from which on things are compared."""
    rows = {row.ref: row for row in memory.rows}
    own: list[Own] = []
    foreign: list[Entry] = []
    peers: list[Entry] = []
    copies: list[Entry] = []
    above: list[Entry] = []
    seen: set[str] = set()
    for entry in entries:
        if entry.over is not None:
            above.append(entry)
            continue
        hand, claim = marks.get(entry.ref, (Hand.FOREIGN, None))
        row = rows.get(entry.ref)
        if row is not None and hand is not Hand.OWN and entry.uid not in ("", row.uid):
            row = None  # ours is gone, and another entry stands at its address
        if hand is Hand.OWN or row is not None:
            seen.add(entry.ref)
            own.append(_own(entry, row, claim, now))
        else:
            {Hand.PEER: peers, Hand.COPY: copies}.get(hand, foreign).append(entry)
    gone = tuple(row for row in memory.rows if row.ref not in seen)
    own.sort(key=lambda o: (o.says.start, o.says.end, o.entry.ref))
    beneath = {o.entry.ref: o for o in own}
    foreign += [entry for entry in above if entry.over not in beneath]
    over = tuple(_over(entry, beneath[entry.over or ""]) for entry in above if entry.over in beneath and entry.end > now)
    return Standing(own=tuple(own), over=over, gone=gone, foreign=tuple(foreign), peers=tuple(peers), copies=tuple(copies))


def _over(entry: Entry, under: Own) -> Own:
    """While it lasts, whoever is under it is not on; nothing of it beyond the entry under it counts."""
    person = entry.person or (unknown(entry.title) if entry.title else "")
    start, end = max(entry.start, under.says.start), min(entry.end, under.says.end)
    says = Value(person, start, max(start, end), under.says.lane)
    return Own(entry=entry, row=under.row, claim=None, says=says, accepted=under.accepted, edited=True)


def _own(entry: Entry, row: Row | None, claim: Claim | None, now: Instant) -> Own:
    lane = row.accepted.lane if row else claim.value.lane if claim else 0
    if claim is not None and claim.title == title_digest(entry.title):
        person = claim.value.person
    elif claim is None and row is not None and row.version is not None and row.version == entry.version:
        person = row.accepted.person  # the marks were stripped, and nobody touched it since we wrote
    else:
        person = entry.person or unknown(entry.title)
    says = Value(person, entry.start, entry.end, lane)
    if row is None:
        accepted = claim.value if claim else None
    elif claim is None:  # marks were stripped: the ledger alone, and nothing where an update has no answer (W8)
        accepted = None if row.doubt == "replace" else row.accepted
    else:
        accepted = row.accepted if row.op == claim.op else claim.value
    return Own(entry=entry, row=row, claim=claim, says=says, accepted=accepted, edited=not same_from(now, says, accepted))
