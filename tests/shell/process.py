"""A real daemon in a process of its own, what it logs, and what it answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

LISTENS = 'health: {listen: "127.0.0.1:0"}\nlog: {format: json}\n'


class Process:
    """`text` is its configuration, without store, health and log. `store`: lines that say where it is."""

    def __init__(
        self, folder: Path, text: str, *, store: str = "store: state\n", command: tuple[str, ...] = ("-m", "syncd"), **env: str
    ) -> None:
        self.folder, self.file = folder, folder / "syncd.yaml"
        self._more = store + LISTENS
        self.write(text)
        self._lines: list[dict[str, Any]] = []
        self._read = 0
        run = [sys.executable, *command, "--config", str(self.file), "run"]
        self.process = subprocess.Popen(run, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, env={**os.environ, **env})
        self._reader = Thread(target=self._take, daemon=True)
        self._reader.start()
        try:
            self.url = self.until("health.listening")["url"]
        except BaseException:
            self.close()
            raise

    def write(self, text: str) -> None:
        """Another configuration, at once: the file is exchanged."""
        new = self.file.with_suffix(".new")
        new.write_text(text + self._more)
        new.replace(self.file)

    def _take(self) -> None:
        """By a pipe: where its disk is full it is heard all the same."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            try:
                self._lines.append(json.loads(line))
            except ValueError:
                self._lines.append({"event": "said", "level": "error", "text": line.decode()})

    def lines(self) -> list[dict[str, Any]]:
        """All that it logged so far."""
        return list(self._lines)

    def until(self, event: str, **more: Any) -> dict[str, Any]:
        """The next line of that event, and of those values; what came before it is not looked at again."""
        found: list[dict[str, Any]] = []

        def said() -> bool:
            lines = self.lines()
            for number, line in enumerate(lines[self._read :], self._read):
                if line["event"] == event and more.items() <= line.items():
                    self._read = number + 1
                    found.append(line)
                    return True
            assert self.process.poll() is None, f"it ended without {event}: {lines[-3:]}"
            return False

        self.become_true(said)
        return found[0]

    def code(self, path: str) -> int:
        try:
            with urlopen(self.url + path, timeout=30) as answer:
                return int(answer.status)
        except HTTPError as error:
            return error.code

    def become(self, code: int) -> None:
        self.become_true(lambda: self.code("/readyz") == code)

    def become_true(self, what: Callable[[], object]) -> None:
        """Fails after a minute."""
        end = time.monotonic() + 60
        while not what():
            assert time.monotonic() < end, f"it did not happen: {self.lines()[-3:]}"
            time.sleep(0.02)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()
        assert self.process.stderr is not None
        self.process.stderr.close()
