"""Calls `syncd` in this process, at a time of the test's choosing, in a directory of its own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from click.testing import CliRunner, Result

from syncd.cli import cli
from syncd.cli.session import Session

ROTA = """\
timezone: Europe/Berlin
people:
  ana: {name: Ana Lima, email: ana@example.com, phone: "+49 30 1234"}
  ben: {name: Ben Okafor, email: ben@example.com}
  cho: {name: Cho Min-ji}
roles:
  primary: {title: Primary}
  secondary: {title: Secondary}
schedules:
  payments:
    title: Payments
    start: 2026-02-23T09:00
    layers:
      - {name: week, role: primary, members: [ana, ben], rotation: {every: 1, unit: week, on: mon, at: "09:00"}}
"""
FOLDER = """\
destinations:
  calendar: {kind: folder, schedule: payments, role: primary, options: {path: calendar}}
"""
NOON = "2026-03-11T12:00:00+00:00"  # a Wednesday in Ana's week, turn 2


class Stopped:
    """A clock that stands still at an instant."""

    def __init__(self, at: str) -> None:
        self.at = int(datetime.fromisoformat(at).timestamp())

    def now(self) -> int:
        return self.at

    def monotonic(self) -> float:
        return float(self.at)

    def wait(self, event: Event, seconds: float) -> bool:
        return event.is_set()


@dataclass
class CommandLine:
    """`at` is what every command believes the time to be."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch

    def write(self, text: str, name: str = "syncd.yaml") -> Path:
        path = self.folder / name
        path.write_text(text, "utf-8")
        return path

    def at(self, instant: str) -> None:
        self.monkeypatch.setattr(Session, "clock", Stopped(instant))

    def run(self, *arguments: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(cli, list(arguments), input=stdin, prog_name="syncd")

    def json(self, *arguments: str, code: int = 0) -> Any:
        result = self.run(*arguments, "--json")
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)

    def refused(self, *arguments: str, code: int = 2) -> str:
        """What it says on stderr; stdout stays empty, and no traceback is shown."""
        result = self.run(*arguments)
        assert (result.exit_code, result.stdout) == (code, ""), result.output
        assert "Traceback" not in result.stderr
        return result.stderr


def command_line(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str = ROTA) -> CommandLine:
    """In `folder`, with an empty home, at `NOON`."""
    for name in ("SYNCD_CONFIG", "STATE_DIRECTORY", "SYNCD_DEBUG", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(folder / "home"))
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
    monkeypatch.setenv("SYNCD_ACTOR", "ana")
    monkeypatch.chdir(folder)
    found = CommandLine(folder, monkeypatch)
    found.write(text)
    found.at(NOON)
    return found
