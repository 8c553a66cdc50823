"""What happens to a daemon's machine: its file is swapped, its clock set, its store locked, the process frozen and shouted at."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from tests.shell.command_line import FOLDER, ROTA
from tests.shell.process import Process
from tests.shell.running import Running

SOUSA = ROTA.replace("Ana Lima", "Ana Sousa")
HOUR, DAY, YEAR = 3_600, 86_400, 365 * 86_400


@pytest.fixture
def logs() -> Iterator[list[Any]]:
    structlog.reset_defaults()
    with capture_logs() as found:
        yield found


def count(logs: list[Any], event: str) -> int:
    return sum(line["event"] == event for line in logs)


def ready(running: Running) -> None:
    running.until(lambda: running.daemon.reasons() == [])


def turns(running: Running, how_many: int = 4) -> None:
    """The loop turns so often; one takes a hundredth of a second."""
    for _ in range(how_many):
        turn = running.daemon._last_turn
        running.until(lambda turn=turn: running.daemon._last_turn > turn)


def shows(running: Running, name: str) -> bool:
    return any(name in path.read_text() for path in running.files())


@pytest.mark.parametrize("swap", ["deleted", "directory", "half", "nothing"])
def test_whatever_becomes_of_the_file_the_rota_in_force_stays_until_a_good_one_is_there(
    tmp_path: Path, logs: list[Any], swap: str
) -> None:
    running = Running(tmp_path, ROTA + FOLDER)
    try:
        ready(running)
        whole = running.files()
        running.file.unlink()
        match swap:
            case "directory":
                running.file.mkdir()
            case "half":
                running.file.write_text((ROTA + FOLDER)[:200])
            case "nothing":
                running.file.write_text("")
        turns(running)
        running.daemon.reload.set()
        running.until(lambda: count(logs, "config.refused") >= 1)
        assert running.files() == whole
        assert running.daemon.alive()
        if swap == "directory":
            running.file.rmdir()
        running.file.write_text(SOUSA + FOLDER)
        running.until(lambda: shows(running, "Ana Sousa"))
        assert running.daemon.status()["process"]["configuration_refused"] is None
    finally:
        running.close()


def test_a_mounted_map_is_exchanged_by_its_link(tmp_path: Path) -> None:
    """As Kubernetes does: the file is a link into `..data`, which is a link to a folder with a date."""
    running = Running(tmp_path, ROTA + FOLDER)
    try:
        ready(running)
        for number, text in enumerate((ROTA, SOUSA)):
            (tmp_path / f"..{number}").mkdir()
            (tmp_path / f"..{number}" / "syncd.yaml").write_text(text + FOLDER)
        (tmp_path / "..data").symlink_to("..0")
        (tmp_path / "link").symlink_to("..data/syncd.yaml")
        (tmp_path / "link").replace(running.file)
        turns(running)
        (tmp_path / "new").symlink_to("..1")
        (tmp_path / "new").replace(tmp_path / "..data")
        running.until(lambda: shows(running, "Ana Sousa"))
    finally:
        running.close()


@pytest.mark.parametrize("seconds", [HOUR, -HOUR, DAY, -DAY, 10 * YEAR, -10 * YEAR])
def test_a_clock_that_is_set_removes_nothing_that_is_to_come_and_all_is_well_when_it_is_set_right(
    tmp_path: Path, logs: list[Any], seconds: int
) -> None:
    running = Running(tmp_path, ROTA + FOLDER.replace("kind: folder,", "kind: folder, refresh: 1s,"))
    try:
        ready(running)
        before = {path.name for path in running.files()}
        running.clock.set_by = seconds
        running.until(lambda: count(logs, "clock.jumped") == 1)
        turns(running)
        running.daemon._now(["calendar"])
        turns(running)
        assert before <= {path.name for path in running.files()}
        assert running.daemon.alive()
        running.clock.set_by = 0
        running.until(lambda: count(logs, "clock.jumped") == 2)
        ready(running)
        assert before <= {path.name for path in running.files()}
    finally:
        running.close()


def test_a_store_that_another_keeps_locked_is_told_and_nothing_is_written_meanwhile(tmp_path: Path, logs: list[Any]) -> None:
    running = Running(tmp_path, ROTA + FOLDER)
    other = sqlite3.connect(tmp_path / "state" / "syncd.db", isolation_level=None)
    try:
        ready(running)
        other.execute("BEGIN IMMEDIATE")
        running.files()[0].unlink()
        left = running.files()
        running.daemon._now(["calendar"])
        running.until(lambda: count(logs, "store.unwritable") == 1)
        assert any("locked by another" in reason for reason in running.daemon.reasons())
        assert running.daemon.alive()
        assert running.files() == left
        other.execute("ROLLBACK")
        running.until(lambda: count(logs, "store.recovered") == 1)
        running.clock.skipped += 300
        running.until(lambda: len(running.files()) > len(left))
        ready(running)
    finally:
        other.close()
        running.close()


def test_a_process_that_was_frozen_and_one_that_is_shouted_at_go_on(tmp_path: Path) -> None:
    daemon = Process(tmp_path, ROTA + FOLDER.replace("kind: folder,", "kind: folder, refresh: 1s,"))
    try:
        daemon.become(200)
        daemon.process.send_signal(signal.SIGSTOP)
        daemon.become_true(lambda: Path(f"/proc/{daemon.process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T")
        daemon.process.send_signal(signal.SIGCONT)
        daemon.become(200)
        for _ in range(200):
            daemon.process.send_signal(signal.SIGHUP)
        daemon.write(SOUSA + FOLDER)
        daemon.become_true(lambda: any("Ana Sousa" in path.read_text() for path in (tmp_path / "calendar").glob("*.ics")))
        daemon.become(200)
        assert not [line for line in daemon.lines() if line["level"] == "error"]
        daemon.process.send_signal(signal.SIGTERM)
        assert daemon.process.wait(30) == 0
    finally:
        daemon.close()
