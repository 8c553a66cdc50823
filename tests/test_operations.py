"""The operator's page, done word by word: a scratch directory is `/`, and a `systemctl` of ours runs the daemon."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.shell.command_line import FOLDER, ROTA

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")
SYSTEMCTL = """#!/bin/sh
# The unit, started and stopped as systemd does it: SIGTERM, and nothing is done before it has ended.
pid=TOP/run/pid
case "$1" in
daemon-reload) ;;
start|enable)
    mkdir -p -m 0700 TOP/var/lib/syncd
    export STATE_DIRECTORY=TOP/var/lib/syncd SYNCD_CONFIG=TOP/etc/syncd/syncd.yaml
    TOP/opt/syncd/bin/syncd run </dev/null >/dev/null 2>TOP/run/log &
    echo $! > $pid
    until grep -q daemon.started TOP/run/log; do kill -0 $! || exit 1; sleep 0.05; done ;;
stop)
    kill "$(cat $pid)"
    while kill -0 "$(cat $pid)" 2>/dev/null; do sleep 0.05; done
    rm $pid ;;
*) exit 2 ;;
esac
"""


class Machine:
    """`/` is `top`. What the page's blocks call besides our own commands is there as a stub that says yes."""

    def __init__(self, top: Path) -> None:
        self.top = top
        for name in ("bin", "run", "root", "etc", "opt/syncd/bin", "usr/local/sbin", "var/lib", "var/backups", "src"):
            (top / name).mkdir(parents=True)
        self.program("opt/syncd/bin/syncd", f'#!/bin/sh\nexec {sys.executable} -m syncd "$@"\n')
        self.program("opt/syncd/bin/pip", "#!/bin/sh\n")
        self.program("bin/python3", "#!/bin/sh\n")
        self.program("bin/systemctl", SYSTEMCTL.replace("TOP", str(top)))
        shared = top / "opt/syncd/share/syncd/systemd"
        shared.mkdir(parents=True)
        for name in ("syncd.service", "syncd"):
            (shared / name).write_text(self.here((ROOT / "systemd" / name).read_text("utf-8")))
        text = ROTA + FOLDER.replace("path: calendar", f"path: {top}/calendar") + 'health: {listen: "127.0.0.1:0"}\n'
        (top / "src" / "syncd.yaml").write_text(text)

    def program(self, name: str, text: str) -> None:
        (self.top / name).write_text(text)
        (self.top / name).chmod(0o755)

    def here(self, text: str) -> str:
        return re.sub(r"(?<![\w.])/(opt|etc|var|usr/local|root|run)/", rf"{self.top}/\1/", text)

    def run(self, text: str, code: int = 0) -> str:
        clean = {name: value for name, value in os.environ.items() if name not in ("SYNCD_CONFIG", "STATE_DIRECTORY")}
        done = subprocess.run(
            ["bash", "-euc", self.here(text)],
            cwd=self.top / "src",
            env={**clean, "PATH": f"{self.top}/bin:{self.top}/usr/local/sbin:/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == code, (text, done.stdout, done.stderr)
        return done.stdout + done.stderr

    def json(self, command: str) -> Any:
        return json.loads(self.run(f"{command} --json 2>/dev/null"))

    def shown(self) -> list[tuple[str, str]]:
        """Start and title of each file of the calendar."""
        texts = [path.read_text() for path in (self.top / "calendar").glob("*.ics")]
        return sorted(
            (re.findall("DTSTART:(.*)", text)[-1].strip(), re.findall("SUMMARY:(.*)", text)[-1].strip()) for text in texts
        )

    def until(self, what: Callable[[], object]) -> None:
        end = time.monotonic() + 60
        while not what():
            assert time.monotonic() < end, self.run("syncd status; cat /run/log")
            time.sleep(0.05)

    def settles(self) -> None:
        """Until it is ready and an export has nothing left to do."""
        self.until(lambda: self.run("{ syncd health && syncd plan --exit-code; } >/dev/null || echo not yet") == "")

    def close(self) -> None:
        pid = self.top / "run" / "pid"
        if pid.exists():
            os.kill(int(pid.read_text()), signal.SIGKILL)


def block(heading: str, number: int = 0) -> str:
    """A block of commands below a heading."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)[number]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    found = Machine(tmp_path)
    yield found
    found.close()


def test_every_block_is_tried_here() -> None:
    assert len(re.findall("^```sh$", PAGE, re.MULTILINE)) == 5


def test_installed_backed_up_restored_upgraded_and_stopped_as_the_page_says(machine: Machine) -> None:
    machine.run(block("Install"))
    machine.settles()
    shown = machine.shown()
    assert len(shown) >= 5
    machine.run(block("Backup and restore"))
    assert (machine.top / "var/backups/syncd-today.db").stat().st_mode & 0o777 == 0o600
    machine.run(
        "syncd override add --person cho --from $(date -u -d '+5 days' +%FT06:00Z) --to $(date -u -d '+6 days' +%FT06:00Z)"
    )
    assert len(machine.json("syncd override list")) == 1
    machine.settles()
    assert machine.shown() != shown
    machine.run(block("Backup and restore", 1))
    assert machine.json("syncd override list") == [], "it is the store of before"
    assert "whole" in machine.run("syncd audit verify")
    machine.until(lambda: machine.json("syncd holds"))
    assert any("Cho" in title for _, title in machine.shown()), "what was written since is not overwritten unasked"
    machine.run(f"syncd ack {machine.json('syncd holds')[0]['digest']}")
    machine.settles()
    assert not any("Cho" in title for _, title in machine.shown())
    machine.run(block("Upgrade"))
    machine.run(block("Stop all writes at once"))
    before = machine.shown()
    assert not (machine.top / "run" / "pid").exists()
    assert machine.run("syncd health", 1)
    machine.run("syncd plan")
    assert machine.shown() == before, "a plan changes nothing"


def test_a_lost_key_is_made_anew_by_the_command_that_the_message_has(machine: Machine) -> None:
    machine.run(block("Install"))
    machine.settles()
    shown = machine.shown()
    machine.run("systemctl stop syncd; rm /var/lib/syncd/syncd.key")
    told = machine.run("syncd export --now", 74)
    machine.run(re.findall("`([(].*?[)])`", told)[0])
    machine.run("chown --reference=/var/lib/syncd/. /var/lib/syncd/syncd.key; systemctl start syncd")
    machine.settles()
    assert machine.shown() == shown


def test_a_lost_store_with_its_key_is_made_anew_and_nothing_is_shown_twice(machine: Machine) -> None:
    machine.run(block("Install"))
    machine.settles()
    shown = machine.shown()
    machine.run("systemctl stop syncd; rm /var/lib/syncd/syncd.db*; systemctl start syncd")
    machine.settles()
    assert machine.shown() == shown


def test_each_alert_says_what_to_see_and_what_to_do() -> None:
    for text in re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]:
        name = text.split("\n", 1)[0]
        assert name == "SyncdDestinationWarning" or ("*See:*" in text and "*Do:*" in text), name


def test_the_page_names_only_commands_files_and_events_that_there_are() -> None:
    from syncd import cli

    assert set(re.findall(r"`syncd ([a-z]+)", PAGE)) <= set(cli.COMMANDS)
    sources = "".join(path.read_text("utf-8") for path in (ROOT / "syncd").rglob("*.py"))
    events = set(re.findall(r"`((?:destination|store|config|health|notice|clock)\.[a-z_]+)`", PAGE)) - {
        "health.key",
        "health.listen",
    }
    assert [event for event in sorted(events) if f'"{event}"' not in sources] == []
