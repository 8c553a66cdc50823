"""Decides when a destination is due again: after its refresh, sooner where it fails, never before it asked to be."""

from __future__ import annotations

import random

from syncd.connector import Denied
from syncd.cycle import Report
from syncd.store.destinations import Destination as Known

FIRST_BACKOFF = 5.0
LONGEST_BACKOFF = 60.0
PROBE = 900.0
"""Seconds between looks with a credential that was refused (F30)."""
BUSY = 5.0
"""Seconds until a destination that somebody else works on is tried again."""


def wait_after(refresh: float, failures: int, report: Report | None, chance: random.Random) -> float:
    """Seconds until a destination's next cycle. Jitter takes off at most a tenth, never from what the destination asked for."""
    error = report.error if report else None
    if isinstance(error, Denied):
        return PROBE
    wait = refresh if failures == 0 else min(max(refresh, LONGEST_BACKOFF), FIRST_BACKOFF * 2.0 ** min(failures - 1, 30))
    wait *= 1.0 - 0.1 * chance.random()
    asked = report.after if report and report.after else 0.0
    return max(wait, asked)


def urgency(known: Known | None) -> tuple[int, int]:
    """To sort by: the soonest shift that is not shown yet comes first, then who was never seen, then the rest."""
    if known is None or known.last_cycle is None:
        return 1, 0
    return (2, 0) if known.next_unexported is None else (0, known.next_unexported)
