"""Takes times: what is compared is run in turns, so that whatever else the machine does falls on all of it alike."""

from __future__ import annotations

import gc
import os
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

TIMES = 5


class Cost(NamedTuple):
    """Of one run, or the median of several."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds, of all threads, user and system."""
    peak: float = 0.0
    """MB of memory, where a process was measured."""


Work = Callable[[], Cost]


def process(command: list[str], cwd: Path, env: Mapping[str, str]) -> Cost:
    """Runs a command to its end; what it printed is told where it fails."""
    begin = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        started = subprocess.Popen(  # noqa: S603 - commands of the bench's own
            command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )
        _, status, used = os.wait4(started.pid, 0)
        wall = time.perf_counter() - begin
        started.returncode = os.waitstatus_to_exitcode(status)
        if started.returncode != 0:
            said.seek(0)
            raise SystemExit(f"{' '.join(command)}: exit {started.returncode}\n{said.read().decode(errors='replace')[-2000:]}")
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def here(work: Callable[[], object]) -> Cost:
    """Runs `work` in this process, after what others left behind is cleared away."""
    gc.collect()
    begin, used = time.perf_counter(), _used()
    work()
    return Cost(time.perf_counter() - begin, _used() - used)


def _used() -> float:
    one = resource.getrusage(resource.RUSAGE_SELF)
    return one.ru_utime + one.ru_stime


def medians(works: Mapping[str, Work], times: int = TIMES, *, warm: bool = True) -> dict[str, Cost]:
    """Of each, by name. `warm`: after one run that does not count."""
    if warm:
        for work in works.values():
            work()
    found: dict[str, list[Cost]] = {name: [] for name in works}
    for _ in range(times):
        for name, work in works.items():
            found[name].append(work())
    return {name: Cost(*(statistics.median(column) for column in zip(*costs, strict=True))) for name, costs in found.items()}
