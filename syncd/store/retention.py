"""What is let go of, and when: a month after the time it is about has passed, when nothing can ask for it any more.

Kept for ever: overrides, their marks and time off (they are the rota), what was served, and the journal, whose chain has to
reach its first line.
"""

from __future__ import annotations

from typing import Any

from syncd.core.model import DAY, Instant
from syncd.store.session import Session
from syncd.store.text import loads

KEEP = 30 * DAY
"""Seconds. Whatever is longer past is decided about no more (row 20), so that its dedup keys and versions cannot come back."""

_PASSED = (
    "DELETE FROM conflicts WHERE ends < :old",
    "DELETE FROM holds WHERE state = 'closed' AND since < :old AND coalesce(answered_at, 0) < :old",
    # A version that was imported is never imported again (MERGE.md rule 11), however long its entry stands.
    """DELETE FROM imports WHERE ends < :old AND NOT EXISTS
        (SELECT 1 FROM entries WHERE entries.destination = imports.destination AND entries.ref = imports.ref)""",
    # An id that a vendor still remembers is refused, and the next generation taken (W3).
    """DELETE FROM generations WHERE starts < :old AND NOT EXISTS
        (SELECT 1 FROM entries WHERE entries.destination = generations.destination AND entries.shift_key = generations.shift_key)
    """,
)


def drop_old(session: Session, now: Instant) -> int:
    """At most once a day; how many rows went.

    After a longer time without (a store that was put away, a clock that is wrong) the first call drops nothing: a clock that
    leaps must be wrong for a day before it can cost anything.
    """
    found = session.row("SELECT value FROM facts WHERE name = 'retention'")
    last = 0 if found is None else int(loads(found["value"]))
    if last <= now < last + DAY:
        return 0
    session.put("facts", ("name",), name="retention", value=str(now))
    if not last <= now < last + KEEP:
        return 0
    old = now - KEEP
    return sum(session.change(sql, old=old) for sql in _PASSED) + _notices(session, old)


def _notices(session: Session, old: Instant) -> int:
    """Also one that nobody carried: so late nobody is told. What still hangs on a write stays until that is settled."""
    found = session.rows("SELECT * FROM notices WHERE state <> 'armed' AND armed_at < :old", old=old)
    past = [row["dedup"] for row in found if max(row["sent_at"] or 0, _over(loads(row["notice"]))) < old]
    for dedup in past:
        session.change("DELETE FROM notices WHERE dedup = :dedup", dedup=dedup)
    return len(past)


def _over(said: dict[str, Any]) -> Instant:
    """When nobody could be told of it again: the same is told under the same key until then."""
    return max((int(said[name]) for name in ("start", "end", "until") if said.get(name) is not None), default=0)
