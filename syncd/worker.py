"""When a destination is due again, and what a worker knows of its own destination between two cycles."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from threading import Event, Thread

from syncd.config.settings import Destination
from syncd.connector import Denied
from syncd.cycle import Report
from syncd.store.destinations import Destination as Known

STUCK = 60.0
"""Seconds without a turn of the loop after which it does not turn any more."""
TURN = 1.0
"""Seconds of one turn of the loop: how soon a change by another process is noticed."""
JUMP = 60.0
"""Seconds by which the wall clock may move against the monotonic one."""
PATIENCE = 15.0
"""Seconds after SIGTERM in which calls under way may end; one still open then is left with its intent open (F44)."""
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


@dataclass(slots=True)
class Worker:
    """One destination: its thread, and what wakes it. `due`: on our monotonic clock."""

    settings: Destination
    due: float
    wake: Event = field(default_factory=Event)
    gone: Event = field(default_factory=Event)
    """No longer configured: the thread ends after its cycle."""
    failures: int = 0
    ahead: float = 0.0
    """By how much the wall clock was ahead of the monotonic one at the last cycle."""
    heard: int = 0
    """How often it had been wanted when it was last woken for that: one wish is one cycle, also where that comes to nothing."""
    began: float | None = None
    """When the cycle under way began."""
    thread: Thread | None = None
