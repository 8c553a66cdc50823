"""`syncd` as the first process of a container: signals reach it at any time, and the dead of others do not pile up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.shell.command_line import FOLDER, ROTA

ROOT = Path(__file__).parent.parent
ORPHAN = """
import os, pathlib, sys, time
told, *command = sys.argv[1:]
child = os.fork()
if child == 0:
    if os.fork() == 0:
        while not pathlib.Path(told).exists():
            time.sleep(0.01)
    os._exit(0)
os.waitpid(child, 0)
os.execv(sys.executable, [sys.executable, *command])
"""
APART = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child"]


@pytest.fixture(scope="module", autouse=True)
def able() -> None:
    try:
        subprocess.run([*APART, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a process cannot be made the first of a namespace here")


class First:
    """`python ARGUMENTS` as PID 1; `pid` is its number outside."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.outer = subprocess.Popen(
            [*APART, sys.executable, *arguments],
            cwd=folder,
            env=env,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        until(lambda: children(self.outer.pid))
        (self.pid,) = children(self.outer.pid)

    def line(self, text: str) -> None:
        assert self.outer.stderr is not None
        assert any(text in line for line in self.outer.stderr), "it ended without it"

    def close(self) -> None:
        self.outer.kill()
        self.outer.communicate()


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def until(what: Callable[[], object]) -> None:
    end = time.monotonic() + 30
    while not what():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


@pytest.fixture
def first(tmp_path: Path) -> Iterator[Callable[..., First]]:
    made: list[First] = []

    def start(*arguments: str) -> First:
        made.append(First(tmp_path, *arguments))
        return made[-1]

    yield start
    for one in made:
        one.close()


def test_the_daemon_ends_on_sigterm_and_buries_what_others_leave_to_it(first: Callable[..., First], tmp_path: Path) -> None:
    text = ROTA + FOLDER + 'store: state\nhealth: {listen: "127.0.0.1:0"}\nlog: {format: json}\n'
    (tmp_path / "syncd.yaml").write_text(text)
    daemon = first("-c", ORPHAN, str(tmp_path / "go"), "-m", "syncd", "--config", "syncd.yaml", "run")
    daemon.line("health.listening")
    assert len(children(daemon.pid)) == 1
    (tmp_path / "go").touch()
    until(lambda: children(daemon.pid) == [])
    os.kill(daemon.pid, signal.SIGTERM)
    assert daemon.outer.wait(20) == 0


def test_a_command_is_ended_by_sigterm_wherever_it_is(first: Callable[..., First], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "syncd.yaml")
    command = first("-m", "syncd", "--config", "syncd.yaml", "check")
    with (tmp_path / "syncd.yaml").open("w"):  # it reads, and never comes to the end
        os.kill(command.pid, signal.SIGTERM)
        assert command.outer.wait(20) == 130
