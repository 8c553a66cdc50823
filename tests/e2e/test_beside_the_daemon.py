"""Commands beside a daemon in a process of its own: what they change is at the destination within seconds."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from syncd.cli import cli
from tests.shell.process import Process
from tests.stores import postgres_url

__all__ = ["postgres_url"]
TODAY = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0)
ROTA = f"""\
timezone: UTC
people:
  ana: {{name: Ana Lima, email: ana@example.com}}
  cho: {{name: Cho Min-ji, email: cho@example.com}}
roles:
  primary: {{title: Primary}}
schedules:
  payments:
    title: Payments
    admins: [cho]
    start: {TODAY - timedelta(days=7):%Y-%m-%dT%H:%M}
    layers:
      - {{name: day, role: primary, members: [ana], rotation: {{every: 1, unit: day, at: "09:00"}}}}
destinations:
  calendar: {{kind: folder, schedule: payments, role: primary, refresh: 1h, horizon: 10d, options: {{path: calendar}}}}
"""
"""Once an hour it would look by itself: whatever comes sooner was asked for."""
ENDS = ROTA.replace("    layers:", f"    end: {TODAY + timedelta(days=2):%Y-%m-%dT%H:%M}\n    layers:")


class Beside:
    def __init__(self, folder: Path, store: str) -> None:
        self.folder = folder
        self.daemon = Process(folder, ROTA, store=store)
        self.daemon.become_true(lambda: len(self.shown()) >= 10)
        self.daemon.become(200)

    def run(self, *arguments: str, code: int = 0) -> Any:
        found = CliRunner().invoke(cli, ["--config", str(self.daemon.file), "--json", *arguments])
        assert found.exit_code == code, found.output
        return json.loads(found.stdout or "null")

    def shown(self) -> list[str]:
        """Who stands there, by start."""
        texts = self._texts()
        starts = [(started(text), text.partition("SUMMARY:")[2].partition(":")[0]) for text in texts]
        return [who for _, who in sorted(starts)]

    def _texts(self) -> list[str]:
        """A file that the daemon removes between its listing and its reading: the directory is read anew."""
        while True:
            try:
                return sorted(path.read_text() for path in (self.folder / "calendar").glob("*.ics"))
            except FileNotFoundError:
                continue

    def become(self, count: int) -> None:
        """So many shifts of Cho's are shown."""
        self.daemon.become_true(lambda: self.shown().count("Cho Min-ji") == count)


@pytest.fixture(params=["sqlite", "postgres"])
def beside(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Beside]:
    store = "store: state\n"
    if request.param == "postgres":
        (tmp_path / "marker").write_text("5a" * 32)
        (tmp_path / "marker").chmod(0o600)
        store = f"store: {request.getfixturevalue('postgres_url')}\ntenant: beside\nmarker_key: {{file: marker}}\n"
    found = Beside(tmp_path, store)
    yield found
    found.daemon.process.send_signal(signal.SIGTERM)
    assert found.daemon.process.wait(30) == 0
    found.daemon.close()


def started(text: str) -> str:
    return text.partition("DTSTART:")[2][:16]


def begins(path: Path) -> str:
    return started(path.read_text())


def days(count: int) -> str:
    return f"{TODAY + timedelta(days=count):%Y-%m-%dT%H:%M}"


def test_what_is_commanded_beside_the_daemon_is_shown_soon(beside: Beside) -> None:
    added = beside.run("override", "add", "--person", "cho", "--from", days(2), "--to", days(3))
    beside.become(1)
    beside.run("override", "remove", added["id"])
    beside.become(0)

    (done,) = beside.run("export", "--now")
    assert done["changes"] == []

    edited = max((beside.folder / "calendar").glob("*.ics"), key=begins)  # not the one under way: that keeps its past
    edited.write_text(edited.read_text().replace("Ana Lima", "Cho Min-ji"))
    beside.run("export", "--now")
    beside.become(0)
    (conflict,) = beside.run("conflicts")
    beside.run("restore", conflict["id"])
    beside.become(1)

    beside.daemon.write(ENDS)
    beside.daemon.until("destination.incomplete", destination="calendar")
    (hold,) = beside.run("holds")
    beside.run("ack", hold["digest"])
    beside.daemon.become_true(lambda: len(beside.shown()) <= 3)
    assert not [line for line in beside.daemon.lines() if line["level"] == "error"]
