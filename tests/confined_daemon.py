"""A place that is as a unit makes it, and the daemon in it: its log, what it tells its manager, what the kernel says of it."""

from __future__ import annotations

import json
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

from tests.confined import USER

ROOT = Path(__file__).parent.parent
SYSTEM, PERSONS = ROOT / "systemd" / "syncd.service", ROOT / "systemd" / "user" / "syncd.service"


def confined(unit: Path, *command: str, state: Path | None = None, see: Sequence[Path] = ()) -> list[str]:
    """`command` as that unit would run it; with a state directory also what only root can do."""
    there = [] if state is None else ["--root", str(state)]
    seen = [word for path in (ROOT, Path(sys.base_prefix), *see) for word in ("--see", str(path))]
    return [sys.executable, str(ROOT / "tests" / "confined.py"), *there, *(seen if there else ()), str(unit), *command]


class Place:
    """Directories as the unit gives them, with what a process needs to find its way."""

    def __init__(self, folder: Path, unit: Path) -> None:
        self.unit, self.own = unit, unit == SYSTEM
        self.etc, self.state, self.credentials = folder / "etc", folder / "state", folder / "credentials"
        for path in (self.etc, self.state, self.credentials):
            path.mkdir()
        self.etc.chmod(0o755)
        self.env = {
            "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": "/", "USER": "syncd", "LANG": "C.UTF-8",
            "STATE_DIRECTORY": str(self.state), "CREDENTIALS_DIRECTORY": str(self.credentials),
            "SYNCD_CONFIG": str(self.etc / "syncd.yaml"),
        }  # fmt: skip

    def credential(self, name: str, text: str) -> None:
        """As `LoadCredential=` hands it over: readable by the unit's user alone."""
        path = self.credentials / name
        path.write_text(text)
        path.chmod(0o400)
        if self.own:
            os.chown(self.credentials, USER, USER)
            os.chown(path, USER, USER)

    def publish(self, text: str) -> None:
        """Into the configuration, at once and for everybody to read."""
        new = self.etc / "new"
        new.write_text(text)
        new.chmod(0o644)
        new.replace(self.etc / "syncd.yaml")

    def command(self, *words: str) -> list[str]:
        return confined(self.unit, *words, state=self.state if self.own else None, see=(self.etc, self.credentials))

    def syncd(self, *words: str) -> list[str]:
        return self.command(sys.executable, "-m", "syncd", *words)


class Daemon:
    """`syncd run` under its unit, what it logs, and what it tells its manager by an abstract socket."""

    def __init__(self, place: Place) -> None:
        address = f"syncd-{os.getpid()}-{time.monotonic_ns()}"
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.bind("\0" + address)
        self.manager.settimeout(30)
        env = {**place.env, "NOTIFY_SOCKET": "@" + address, "WATCHDOG_USEC": "180000000"}
        self.process = subprocess.Popen(place.syncd("run"), env=env, stderr=subprocess.PIPE, text=True)
        self.logged: list[dict[str, Any]] = []
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._lines.put(line)

    def log(self) -> list[dict[str, Any]]:
        while not self._lines.empty():
            line = self._lines.get()
            self.logged.append(json.loads(line) if line.startswith("{") else {"event": line})
        return self.logged

    def until(self, what: Callable[[], object]) -> None:
        end = time.monotonic() + 60
        while not what():
            assert self.process.poll() is None, (self.process.returncode, self.log())
            assert time.monotonic() < end, self.log()
            time.sleep(0.05)

    def event(self, name: str) -> dict[str, Any]:
        self.until(lambda: any(one["event"] == name for one in self.log()))
        return next(one for one in self.logged if one["event"] == name)

    def hears(self, text: str) -> str:
        """The next datagram to the manager with that in it."""
        while True:
            try:
                said = self.manager.recv(4096).decode()
            except TimeoutError:
                raise AssertionError(text, self.process.poll(), self.log()) from None
            if text in said:
                return said

    def answers(self, url: str) -> int:
        try:
            with urlopen(url, timeout=30) as answer:
                return int(answer.status)
        except HTTPError as error:
            return error.code

    def fact(self, name: str) -> str:
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith(f"{name}:"))

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()
        assert self.process.stderr is not None
        self.process.stderr.close()
        self.manager.close()
