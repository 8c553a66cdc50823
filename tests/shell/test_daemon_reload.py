"""Reloading never keeps anything waiting: a source that hangs, dawdles or talks nonsense, a file that is none, many signals."""

from __future__ import annotations

import os
import shutil
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shell.command_line import FOLDER, ROTA
from tests.shell.process import Process
from tests.shell.test_source import Answer, Server

SOUSA = ROTA.replace("Ana Lima", "Ana Sousa")
DESTINATION = FOLDER.replace("kind: folder,", "kind: folder, refresh: 1s,")


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()
    found.says(ROTA)
    yield found
    found.close()


def elsewhere(url: str, refresh: str = "1h") -> str:
    return f"source: {{url: '{url}/rota.yaml', refresh: {refresh}}}\n{DESTINATION}"


def shows(daemon: Process, name: str) -> bool:
    return any(name in path.read_text() for path in (daemon.folder / "calendar").glob("*.ics"))


def test_sigterm_while_a_reload_waits_for_a_source_is_the_end(tmp_path: Path, server: Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as blind:
        daemon = Process(tmp_path, elsewhere(server.url))
        try:
            daemon.become(200)
            daemon.write(elsewhere(f"http://127.0.0.1:{blind.getsockname()[1]}"))
            daemon.process.send_signal(signal.SIGHUP)
            blind.settimeout(60)
            connection, _ = blind.accept()
            assert daemon.code("/livez") == 200
            daemon.process.send_signal(signal.SIGTERM)
            assert daemon.process.wait(15) == 0, "as soon as without the source, not after its patience"
            connection.close()
        finally:
            daemon.close()


def test_a_source_that_turns_into_a_page_leaves_what_is_shown_is_said_once_and_comes_back(tmp_path: Path, server: Server) -> None:
    daemon = Process(tmp_path, elsewhere(server.url, refresh="1s"))
    try:
        daemon.become(200)
        daemon.become_true(lambda: shows(daemon, "Ana Lima"))
        shown = sorted((tmp_path / "calendar").iterdir())
        server.answer = Answer(body=b"<!DOCTYPE html><html><body>Sign in</body></html>", headers={"Content-Type": "text/html"})
        daemon.until("source.unknown")
        asked = len(server.asked)
        daemon.become_true(lambda: len(server.asked) >= asked + 2)
        assert sorted((tmp_path / "calendar").iterdir()) == shown
        assert daemon.code("/readyz") == 200
        server.says(SOUSA)
        daemon.until("source.recovered")
        daemon.become_true(lambda: shows(daemon, "Ana Sousa"))
        assert [line["event"] for line in daemon.lines() if line["event"].startswith("source.")] == [
            "source.unknown",
            "source.recovered",
        ]
    finally:
        daemon.close()


@pytest.mark.parametrize("what", ["directory", "pipe", "far too long", "a link to itself", "a device"])
def test_a_file_that_is_none_is_refused_and_a_good_one_is_enough(tmp_path: Path, what: str) -> None:
    daemon = Process(tmp_path, ROTA + DESTINATION)
    try:
        daemon.become(200)
        good = daemon.file.read_text()
        daemon.file.unlink()
        match what:
            case "directory":
                daemon.file.mkdir()
                (daemon.file / "syncd.yaml").write_text(good)
            case "pipe":
                os.mkfifo(daemon.file)
            case "far too long":
                with daemon.file.open("wb") as file:
                    file.truncate(100 << 20)
            case "a link to itself":
                daemon.file.symlink_to(daemon.file)
            case _:
                daemon.file.symlink_to("/dev/zero")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.until("config.refused")
        assert daemon.code("/livez") == 200
        assert daemon.code("/readyz") == 200
        shutil.rmtree(daemon.file) if what == "directory" else daemon.file.unlink()
        daemon.write(SOUSA + DESTINATION)
        daemon.until("config.reloaded")
        daemon.become_true(lambda: shows(daemon, "Ana Sousa"))
    finally:
        daemon.close()


def test_a_thousand_signals_are_a_few_reloads_and_the_last_state_counts(tmp_path: Path) -> None:
    daemon = Process(tmp_path, ROTA + DESTINATION)
    try:
        daemon.become(200)
        for _ in range(500):
            daemon.process.send_signal(signal.SIGHUP)
        daemon.write(SOUSA + DESTINATION)
        for _ in range(500):
            daemon.process.send_signal(signal.SIGHUP)
        daemon.become_true(lambda: shows(daemon, "Ana Sousa"))
        daemon.become(200)
        assert not [line for line in daemon.lines() if line["level"] in ("warning", "error")]
        daemon.process.send_signal(signal.SIGTERM)
        assert daemon.process.wait(20) == 0
    finally:
        daemon.close()
