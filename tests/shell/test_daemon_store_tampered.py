"""Hands on the store of a daemon at work: its log deleted, the directory moved away, an older copy put in its place."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from syncd.store import Store
from tests.shell.command_line import FOLDER, ROTA
from tests.shell.process import Process

SOUSA = ROTA.replace("Ana Lima", "Ana Sousa")
DESTINATION = FOLDER.replace("kind: folder,", "kind: folder, refresh: 1s,")


def shows(daemon: Process, name: str) -> bool:
    return any(name in path.read_text() for path in (daemon.folder / "calendar").glob("*.ics"))


def count(daemon: Process, event: str) -> int:
    return [line["event"] for line in daemon.lines()].count(event)


def command(daemon: Process, *words: str) -> subprocess.CompletedProcess[str]:
    run = [sys.executable, "-m", "syncd", "--config", str(daemon.file), *words]
    return subprocess.run(run, capture_output=True, text=True, check=False)


def whole(daemon: Process) -> None:
    """It ends as it should; no shift is shown twice, and the journal is whole."""
    daemon.process.terminate()
    assert daemon.process.wait(20) == 0
    store = Store.open(daemon.folder / "state")
    assert store is not None
    assert store.audit().problems == ()
    with store.read() as tx:
        memory = tx.ledger.memory("calendar")
    store.close()
    assert memory.intents == ()
    assert len(memory.rows) == len(list((daemon.folder / "calendar").glob("*.ics")))


@pytest.mark.parametrize("gone", [("-wal",), ("-shm",), ("-wal", "-shm")], ids=" and ".join)
def test_a_log_that_is_deleted_under_it_is_begun_anew_and_costs_nothing(tmp_path: Path, gone: tuple[str, ...]) -> None:
    daemon = Process(tmp_path, ROTA + DESTINATION)
    try:
        daemon.become(200)
        beside = [tmp_path / f"state/syncd.db{suffix}" for suffix in gone]
        for path in beside:
            path.unlink()
        daemon.become_true(lambda: all(path.exists() for path in beside))
        daemon.become(200)
        assert command(daemon, "status").returncode == 0
        daemon.write(SOUSA + DESTINATION)
        daemon.become_true(lambda: shows(daemon, "Ana Sousa"))
        added = command(daemon, "override", "add", "--person", "cho", "--from", "2030-01-01T00:00", "--to", "2030-01-02T00:00")
        assert added.returncode == 0, added.stderr
        whole(daemon)
        assert count(daemon, "store.unwritable") == count(daemon, "store.recovered") <= 1, "where a probe met with it, nobody is"
    finally:
        daemon.close()


def test_a_directory_that_is_moved_away_is_told_once_and_back_it_goes_on(tmp_path: Path) -> None:
    daemon = Process(tmp_path, ROTA + DESTINATION)
    try:
        daemon.become(200)
        (tmp_path / "state").rename(tmp_path / "aside")
        assert "moved or replaced" in daemon.until("store.unwritable")["reason"]
        assert (daemon.code("/livez"), daemon.code("/readyz"), daemon.code("/status")) == (200, 503, 200)
        assert not (tmp_path / "state").exists(), "nothing is made in its place"
        (tmp_path / "aside").rename(tmp_path / "state")
        daemon.until("store.recovered")
        daemon.write(SOUSA + DESTINATION)
        daemon.become_true(lambda: shows(daemon, "Ana Sousa"))
        daemon.become(200)
        whole(daemon)
        assert (count(daemon, "store.unwritable"), count(daemon, "store.recovered")) == (1, 1)
    finally:
        daemon.close()


@pytest.mark.parametrize("swap", ["as the page says", "over it"])
def test_a_copy_that_is_put_in_place_under_it_is_refused_until_it_is_started_again(tmp_path: Path, swap: str) -> None:
    daemon = Process(tmp_path, ROTA + DESTINATION)
    try:
        daemon.become(200)
        assert command(daemon, "backup", str(tmp_path / "copy.db")).returncode == 0
        daemon.write(SOUSA + DESTINATION)
        daemon.become_true(lambda: shows(daemon, "Ana Sousa"))
        if swap == "over it":
            shutil.copy(tmp_path / "copy.db", tmp_path / "new.db").replace(tmp_path / "state/syncd.db")
        else:
            (tmp_path / "aside").mkdir()
            for path in (tmp_path / "state").glob("syncd.db*"):
                path.rename(tmp_path / "aside" / path.name)
            shutil.copy(tmp_path / "copy.db", tmp_path / "state/syncd.db")
        said = daemon.until("store.unwritable")["reason"]
        assert "start syncd again" in said
        assert daemon.code("/readyz") == 503
        before = (tmp_path / "state/syncd.db").read_bytes()
        shown = {path: path.read_bytes() for path in (tmp_path / "calendar").glob("*.ics")}
        daemon.write(ROTA + DESTINATION)
        daemon.until("config.reloaded")
        daemon.process.terminate()
        assert daemon.process.wait(20) == 0
        assert (tmp_path / "state/syncd.db").read_bytes() == before, "it wrote nothing there"
        assert {path: path.read_bytes() for path in (tmp_path / "calendar").glob("*.ics")} == shown
        for left in (tmp_path / "state").glob("syncd.db-*"):
            assert left.stat().st_size == 0 or swap == "over it"
    finally:
        daemon.close()
