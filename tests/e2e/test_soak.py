"""Thirty simulated days of two hundred destinations with faults: nothing grows that should not."""

from __future__ import annotations

import gc
import os
import random
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import pytest

from connectors.memory_place import Call, Fault, Place, lost, place
from syncd.config import load
from syncd.connector import Secret
from syncd.core.model import DAY, HOUR
from syncd.cycle import Trigger
from syncd.errand import Errand, Paces
from syncd.herald import Herald
from syncd.notify.channel import Answer, Message
from syncd.store import Store
from syncd.store.retention import KEEP
from tests.shell.command_line import ROTA, Stopped

START = "2026-03-11T12:00:00+00:00"
STEP = 6 * HOUR
NOTICES = "notices: {channels: {mail: {url: {file: mail}}}, handoff: {lead: 12h, to: both}}\n"
KEPT_FOR_EVER = {"journal", "served"}


class Stepping(Stopped):
    """Time passes only when the test says so, or somebody waits."""

    def wait(self, event: Event, seconds: float) -> bool:
        self.at += int(seconds)
        return event.is_set()

    def monotonic(self) -> float:
        return float(self.at)


@dataclass(frozen=True)
class Size:
    """What a process may not leak. `rows`: of the store, by table."""

    memory: int
    descriptors: int
    threads: int
    database: int
    write_ahead: int
    rows: dict[str, int]

    @classmethod
    def of(cls, folder: Path) -> Size:
        gc.collect()
        with closing(sqlite3.connect(folder / "state" / "syncd.db")) as base:
            tables = [name for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            rows = {name: base.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables}  # noqa: S608
        return cls(
            memory=int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"),
            descriptors=sum(1 for _ in Path("/proc/self/fd").iterdir()),
            threads=threading.active_count(),
            database=(folder / "state" / "syncd.db").stat().st_size,
            write_ahead=(folder / "state" / "syncd.db-wal").stat().st_size,
            rows=rows,
        )


def faults(chance: random.Random) -> Callable[[Call], Fault | None]:
    def hook(call: Call) -> Fault | None:
        luck = chance.random()
        return lost(commit=luck < 0.01) if luck < 0.02 else None

    return hook


def meddle(there: Place, chance: random.Random) -> None:
    """People delete, move and reassign what they see."""
    if not there.items:
        return
    ref, luck = chance.choice(sorted(there.items)), chance.random()
    if luck < 0.002:
        there.human_deletes(ref)
    elif luck < 0.01:
        there.human_edits(ref, end=there.items[ref].end - HOUR)


def arrives(url: Secret, message: Message, to: str) -> Answer:
    return Answer()


def soak(folder: Path, *, destinations: int, days: int) -> Iterator[Size]:
    """The size after each day."""
    names = [f"soak-{folder.name}-{number}" for number in range(destinations)]
    lines = [
        f"  {name}: {{kind: memory, schedule: payments, role: primary, mode: {mode}, options: {{place: {name}}}}}\n"
        for name, mode in zip(names, ("authoritative", "authoritative", "bidirectional") * destinations, strict=False)
    ]
    (folder / "mail").touch(0o600)
    (folder / "mail").write_text("mailto://127.0.0.1?to=x@example.com")
    (folder / "syncd.yaml").write_text(ROTA + NOTICES + "destinations:\n" + "".join(lines))
    config, clock, chance = load(folder / "syncd.yaml"), Stepping(START), random.Random(20260311)
    store = Store.open(folder / "state", now=clock.now)
    assert store is not None
    herald = Herald(config=lambda: config, store=store, clock=clock, send=arrives)
    for name in names:
        place(name, "calendar").hook = faults(chance)
    try:
        paces = Paces()
        for hour in range(0, days * DAY, STEP):
            for name in names:
                there = place(name, "calendar")
                there.calls.clear()
                made = Errand(config=config, store=store, clock=clock, trigger=Trigger.DAEMON, paces=paces)
                made.run(config.destinations[name])
                meddle(there, chance)
            herald.turn()
            clock.at += STEP
            if (hour + STEP) % DAY == 0:
                yield Size.of(folder)
    finally:
        store.close()


@pytest.mark.parametrize(
    ("destinations", "days"),
    [(3, 45), pytest.param(200, 30, marks=[pytest.mark.long, pytest.mark.timeout(3600)])],
)
def test_neither_memory_nor_descriptors_nor_threads_grow_and_the_store_only_by_what_happened(
    tmp_path: Path, destinations: int, days: int
) -> None:
    sizes = list(soak(tmp_path, destinations=destinations, days=days))
    early, late = sizes[days // 10], sizes[-1]
    cycles = destinations * (days - days // 10 - 1) * (DAY // STEP)
    assert late.descriptors <= early.descriptors
    assert late.threads <= early.threads
    assert late.memory - early.memory <= (8 << 20) + cycles * 1024, "F43: at most 1 KiB a cycle"
    assert late.database - early.database <= (4 << 20) + cycles * 2048, "the journal keeps what was done, not every look"
    assert late.write_ahead <= 16 << 20
    month = KEEP // DAY
    for table, rows in late.rows.items():
        if days > 2 * month and table not in KEPT_FOR_EVER:
            most = max(size.rows[table] for size in sizes[month : 2 * month + 10])
            assert rows <= 1.5 * most + 10, f"{table}: what is a month past is let go of"
