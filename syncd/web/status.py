"""How destinations stand, as `syncd status --json` and `/status` tell it (DESIGN.md section 8)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from syncd.core.model import DAY, Instant, Window, iso

if TYPE_CHECKING:
    from syncd.config import Config
    from syncd.store import Tx

WEEK = 7 * DAY
MONTH = 30 * DAY
AHEAD = 60
"""Seconds by which a cycle may lie ahead of our clock: other daemons have clocks of their own."""


def modes_of(config: Config) -> dict[str, str]:
    return {name: settings.mode.value for name, settings in config.destinations.items()}


def rows_of(modes: Mapping[str, str | None], tx: Tx | None, now: Instant) -> list[dict[str, Any]]:
    """A row for each destination, those that left the configuration last. `modes`: of those that are in it; `tx` None: there is
    no store yet.
    """
    known = {one.name: one for one in tx.destinations.all()} if tx else {}
    return [_row(modes, tx, name, known.get(name), now) for name in dict.fromkeys([*modes, *known])]


def _row(modes: Mapping[str, str | None], tx: Tx | None, name: str, was: Any, now: Instant) -> dict[str, Any]:
    removed = name not in modes
    reason = was.reason if was else "no cycle has run yet"
    if removed and tx is not None:
        left = f"removed, {tx.ledger.count(name)} entries left"
        reason = f"{left}; `syncd purge {name}` or `syncd forget {name}` ends it"
    return {
        "destination": name,
        "mode": was.mode if removed else modes[name],
        "status": "removed" if removed else was.status if was else None,
        "since": _utc(was.since) if was else None,
        "reason": reason,
        "last_cycle": _utc(was.last_cycle) if was else None,
        "next_due": _utc(was.next_due) if was and not removed else None,
        "next_unexported": _utc(was.next_unexported) if was else None,
        "differs_seconds": was.differs_seconds if was else None,
        "holds": len(tx.holds.open(name)) if tx else 0,
        "conflicts": len(tx.conflicts.open(name)) if tx else 0,
        "imported_30d": tx.journal.count("imported", destination=name, since=now - MONTH) if tx else 0,
        "removed": removed,
    }


def reasons_of(config: Config, tx: Tx, now: Instant) -> list[str]:
    """Why the process is not ready: a destination without a full cycle within twice its refresh, or in Error (I15)."""
    reasons = []
    for name, settings in config.destinations.items():
        known = tx.destinations.get(name)
        if known is None or known.last_cycle is None:
            reasons.append(f"{name}: no full cycle yet")
        elif now - known.last_cycle > 2 * settings.refresh:
            reasons.append(f"{name}: no full cycle for {now - known.last_cycle} s")
        elif known.last_cycle > now + AHEAD:
            reasons.append(f"{name}: its last full cycle is {known.last_cycle - now} s ahead of the clock, which was put back")
        elif known.status == "Error":
            reasons.append(f"{name}: {known.reason}")
    return reasons


def told_of(config: Config, tx: Tx, now: Instant) -> dict[str, Any]:
    """What `/status` tells of destinations, and of the coming week's gaps in each schedule."""
    from syncd.core.gaps import gaps

    week = Window(now, now + WEEK)
    schedules = []
    for one in config.rota.schedules.values():
        holes = gaps(config.rota, tx.overrides.in_force(one), week)
        told = [{**gap._asdict(), "start": iso(gap.start), "end": iso(gap.end)} for gap in holes]
        schedules.append({"schedule": one.id, "gaps": told})
    return {"destinations": rows_of(modes_of(config), tx, now), "schedules": schedules, "notices": notices_of(tx)}


def notices_of(tx: Tx) -> dict[str, Any]:
    """How many notices wait, since when, and whom nothing reaches: reader, since, reason."""
    since = tx.counts.waiting_since()
    failing = tx.facts.get("notices failing") or {}
    return {"waiting": tx.counts.notices().get("due", 0), "since": _utc(since), "failing": list(failing.values())}


def parse_utc(text: str | None) -> Instant | None:
    """The instant of a time as it is told here."""
    return None if text is None else int(datetime.fromisoformat(text).timestamp())


def _utc(instant: Instant | None) -> str | None:
    return None if instant is None else iso(instant)
