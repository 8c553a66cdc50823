"""Several destinations at once, and what becomes of one that never answers when somebody asks to stop."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from syncd.cli import abreast
from syncd.cli.told import Result
from syncd.config.settings import Destination
from tests.shell.command_line import ROTA, CommandLine, command_line

ONE, TWO = (Destination(name=name, kind="folder", schedule="s", role="r") for name in ("one", "two"))


@pytest.fixture
def mute() -> Iterator[socket.socket]:
    """A server that takes calls and never answers one."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def syncd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mute: socket.socket) -> CommandLine:
    options = f'options: {{url: "http://127.0.0.1:{mute.getsockname()[1]}/x/"}}'
    given = "".join(f"  {name}: {{kind: caldav, role: primary, {options}}}\n" for name in ("one", "two"))
    return command_line(tmp_path, monkeypatch, f"{ROTA}destinations:\n{given}")


def test_a_call_that_does_not_end_is_left_and_the_others_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(abreast, "PATIENCE", 0.1)
    stop, never = Event(), Event()

    def do(settings: Destination) -> Result:
        if settings is TWO:
            stop.set()
            never.wait()
        return Result(settings=settings)

    first, second = abreast.at_once([ONE, TWO], do, stop=stop)
    never.set()
    assert (first.settings, first.error) == (ONE, None)
    assert "was left" in str(second.error)


def test_what_breaks_on_a_thread_breaks_the_command() -> None:
    def do(settings: Destination) -> Result:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        abreast.at_once([ONE, TWO], do)


@pytest.mark.parametrize("arguments", [("plan",), ("doctor",)])
def test_an_interruption_does_not_wait_for_who_never_answers(
    syncd: CommandLine, mute: socket.socket, arguments: tuple[str, ...]
) -> None:
    command = [sys.executable, "-m", "syncd", *arguments]
    with subprocess.Popen(command, cwd=syncd.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        calls = [mute.accept()[0] for _ in range(2)]  # both are called
        run.send_signal(signal.SIGINT)
        out, said = run.communicate(timeout=20)
        for call in calls:
            call.close()
    assert (run.returncode, out, said.strip()) == (130, "", "syncd: interrupted")
