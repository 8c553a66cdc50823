"""Thirty simulated days of two hundred destinations with faults: nothing grows that should not."""

from __future__ import annotations

import gc
import os
import random
import threading
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest

from connectors.memory_place import Call, Fault, lost, place
from syncd.config import load
from syncd.core.model import DAY, HOUR
from syncd.cycle import Trigger
from syncd.errand import Errand, Paces
from syncd.store import Store
from tests.shell.command_line import ROTA, Stopped

START = "2026-03-11T12:00:00+00:00"
STEP = 6 * HOUR


class Stepping(Stopped):
    """Time passes only when the test says so, or somebody waits."""

    def wait(self, event: Event, seconds: float) -> bool:
        self.at += int(seconds)
        return event.is_set()


class Size:
    """What a process may not leak."""

    def __init__(self, folder: Path) -> None:
        gc.collect()
        self.memory = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        self.descriptors = sum(1 for _ in Path("/proc/self/fd").iterdir())
        self.threads = threading.active_count()
        self.database = sum(path.stat().st_size for path in (folder / "state").glob("syncd.db*"))


def faults(chance: random.Random) -> Callable[[Call], Fault | None]:
    def hook(call: Call) -> Fault | None:
        luck = chance.random()
        return lost(commit=luck < 0.01) if luck < 0.02 else None

    return hook


def soak(folder: Path, *, destinations: int, days: int) -> tuple[Size, Size, int]:
    """Sizes after a tenth of the time and at its end, and how many cycles lie between."""
    names = [f"soak-{folder.name}-{number}" for number in range(destinations)]
    lines = [f"  {name}: {{kind: memory, schedule: payments, role: primary, options: {{place: {name}}}}}\n" for name in names]
    (folder / "syncd.yaml").write_text(ROTA + "destinations:\n" + "".join(lines))
    config, clock, chance = load(folder / "syncd.yaml"), Stepping(START), random.Random(20260311)
    store = Store.open(folder / "state", now=clock.now)
    assert store is not None
    early, cycles = None, 0
    for name in names:
        there = place(name, "calendar")
        there.hook = faults(chance)
    try:
        end = clock.at + days * DAY
        paces = Paces()
        first = clock.at + days * DAY // 10
        while clock.at < end:
            for name in names:
                there = place(name, "calendar")
                there.calls.clear()
                made = Errand(config=config, store=store, clock=clock, trigger=Trigger.DAEMON, paces=paces)
                made.run(config.destinations[name])
                cycles += early is not None
                if there.items and chance.random() < 0.002:
                    there.human_deletes(chance.choice(sorted(there.items)))
            clock.at += STEP
            if early is None and clock.at >= first:
                early = Size(folder)
        assert early is not None
        return early, Size(folder), cycles
    finally:
        store.close()


@pytest.mark.parametrize(
    ("destinations", "days"),
    [(3, 3), pytest.param(200, 30, marks=[pytest.mark.long, pytest.mark.timeout(3600)])],
)
def test_neither_memory_nor_descriptors_nor_threads_grow_and_the_store_only_by_what_happened(
    tmp_path: Path, destinations: int, days: int
) -> None:
    early, late, cycles = soak(tmp_path, destinations=destinations, days=days)
    assert late.descriptors <= early.descriptors
    assert late.threads <= early.threads
    assert late.memory - early.memory <= (8 << 20) + cycles * 1024, "F43: at most 1 KiB a cycle"
    assert late.database - early.database <= (4 << 20) + cycles * 2048, "the journal keeps what was done, not every look"
