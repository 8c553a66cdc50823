"""The daemon: until it is ready, until what a killed one left is settled, and the memory that it keeps."""

from __future__ import annotations

import json
import re
import socket
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from bench.measure import medians, process
from bench.place import Clean, Desk, caldav, syncd
from bench.report import Line
from tests.connectors.servers import Server

TIMES = 5
CHANGES = 50
PATIENCE = 1_800.0
"""Seconds for a first export of a hundred thousand entries."""
LOG = "log: {level: debug, format: json}\n"


@dataclass
class Daemon:
    """`syncd run` at a desk. `ready`: seconds from its start until it said so."""

    process: subprocess.Popen[bytes]
    said: Path
    began: float
    ready: float = 0.0

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.said.read_text().splitlines(keepends=True) if line.endswith("\n")]

    def count(self, event: str) -> int:
        return sum(line["event"] == event for line in self.lines())

    def settled(self, destinations: int) -> float:
        """Seconds from the start until every destination had a whole cycle in which nothing failed."""
        while True:
            lines = self.lines()
            if bad := [line for line in lines if line["level"] in {"error", "critical"}]:
                raise SystemExit(f"the daemon failed: {bad[0]}")
            if len({line["destination"] for line in lines if line["event"] == "destination.cycle"}) == destinations:
                return time.perf_counter() - self.began
            if self.process.poll() is not None or time.perf_counter() - self.began > PATIENCE:
                raise SystemExit(f"the daemon did not settle: {lines[-3:]}")
            time.sleep(0.02)

    def memory(self, name: str) -> float:
        """MiB. `VmRSS` now, `VmHWM` at its most."""
        (found,) = re.findall(rf"^{name}:\s+(\d+) kB", Path(f"/proc/{self.process.pid}/status").read_text(), re.MULTILINE)
        return int(found) / 1024


@contextmanager
def running(desk: Desk) -> Iterator[Daemon]:
    """Ready, and killed with SIGKILL at the end."""
    config = desk.folder / "syncd.yaml"
    if LOG not in config.read_text():
        config.write_text(LOG + config.read_text())
    address, said = desk.folder / "notify", desk.folder / "said"
    address.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, said.open("wb") as log:
        manager.bind(str(address))
        manager.settimeout(PATIENCE)
        env = {**desk.clean.env, "NOTIFY_SOCKET": str(address)}
        command = [str(desk.clean.folder / "bin" / "syncd"), "run"]
        began = time.perf_counter()
        started = subprocess.Popen(command, cwd=desk.folder, env=env, stdin=subprocess.DEVNULL, stderr=log)  # noqa: S603
        try:
            while b"READY=1" not in manager.recv(4096):
                pass
            yield Daemon(started, said, began, time.perf_counter() - began)
        finally:
            started.kill()
            started.wait()


def measure(clean: Clean, folder: Path, server: Server) -> Iterator[Line]:
    yield from _start(clean, folder)
    yield from _restarts(clean, folder, server)


def _start(clean: Clean, folder: Path) -> Iterator[Line]:
    desk = syncd(clean, folder / "daemon", 100, "folder", "path: calendar")
    ready, memory = [], []
    for _ in range(TIMES):
        with running(desk) as daemon:
            daemon.settled(1)
            ready.append(daemon.ready)
            memory.append(daemon.memory("VmRSS"))
    bare = medians({"bare": partial(process, [clean.python, "-c", "pass"], folder, clean.env)}, TIMES)["bare"]
    took, kept = statistics.median(ready), statistics.median(memory)
    yield Line("daemon, from start to READY / bare interpreter", took / bare.wall, 40.0, f"{took * 1000:.0f} ms")
    yield Line("daemon with one folder of 100, memory, MiB", kept, 64.0)


def _restarts(clean: Clean, folder: Path, server: Server) -> Iterator[Line]:
    """Service figure: 30 s at 1,000 entries."""

    def calendar(_: int) -> str:
        return caldav(server, server.url, server.calendar())

    for what, many, shifts, kind, options in (
        ("a folder of 1,000", 1, 1_000, "folder", lambda n: f"path: calendar-{n}"),
        ("a calendar of 1,000", 1, 1_000, "caldav", calendar),
        ("ten calendars of 100", 10, 100, "caldav", calendar),
    ):
        desk = syncd(clean, folder / f"restart-{kind}-{many}", shifts, kind, *(options(n) for n in range(many)))
        desk("syncd", "export", "--now")
        with running(desk) as daemon:
            daemon.settled(many)
        with running(desk) as daemon:
            took = daemon.settled(many)
            yield Line(f"restart after kill -9 to the first settled cycle, {what}, s", took, 30.0, f"ready {daemon.ready:.2f} s")


def changes(clean: Clean, folder: Path, server: Server) -> Iterator[Line]:
    """Service figure: 60 s from a confirmed change to the destination. From the command's start to the daemon's last call."""
    calendar = caldav(server, server.url, server.calendar())
    for what, kind, options in (("a folder", "folder", "path: calendar"), ("a calendar", "caldav", calendar)):
        desk, took = syncd(clean, folder / f"changes-{kind}", 100, kind, options), []
        with running(desk) as daemon:
            daemon.settled(1)
            for number in range(CHANGES):
                before, began = daemon.count("destination.changed"), time.perf_counter()
                begins = datetime.now(UTC) + timedelta(hours=12 + 3 * number)
                span = [f"--{word}={at:%Y-%m-%dT%H:%MZ}" for word, at in (("from", begins), ("to", begins + timedelta(hours=1)))]
                desk("syncd", "override", "add", "--person", "ana", "--person", "cho", "--replaces", "all", *span)
                while daemon.count("destination.changed") == before:
                    time.sleep(0.02)
                took.append(time.perf_counter() - began)
        took.sort()
        most, half = took[int(0.99 * (len(took) - 1))], statistics.median(took)
        yield Line(f"a change by command to {what} by the daemon, 99 of 100, s", most, 60.0, f"half of them {half:.2f} s")


def fleet(clean: Clean, folder: Path, many: int = 200, shifts: int = 500) -> Iterator[Line]:
    """Service figure: 256 MiB at 200 destinations of 500 entries."""
    desk = syncd(clean, folder / "fleet", shifts, "folder", *(f"path: calendar-{n}" for n in range(many)))
    with running(desk) as daemon:
        first = daemon.settled(many)
        most = daemon.memory("VmHWM")
    with running(desk) as daemon:
        again = daemon.settled(many)
        kept = daemon.memory("VmHWM")
    what = f"{many} folders of {shifts}"
    yield Line(f"daemon, {what}, first export, memory at its most, MiB", most, 256.0, f"{first:.0f} s")
    yield Line(f"daemon, {what}, memory at its most, MiB", kept, 256.0, f"settled after {again:.1f} s")
