"""The daemon: when a destination is due, what a failure does, and how it ends. It runs on a clock of the test's own."""

from __future__ import annotations

import json
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from syncd.config import ConfigError
from syncd.connector import Denied, Unavailable
from syncd.core.mode import Mode
from syncd.cycle import Report
from syncd.due import PROBE, wait_after
from tests.shell.command_line import FOLDER, ROTA
from tests.shell.running import Running

OTHER = "  other: {kind: folder, schedule: payments, role: primary, options: {path: other}}\n"


def report(error: Exception | None = None, after: float | None = None) -> Report:
    return Report(destination="calendar", mode=Mode.AUTHORITATIVE, run="r", error=error, after=after)


def test_jitter_takes_off_at_most_a_tenth_of_the_refresh() -> None:
    waits = [wait_after(300, 0, report(), random.Random(seed)) for seed in range(300)]
    assert 270 <= min(waits) < 273
    assert 297 < max(waits) <= 300


def test_our_own_backoff_doubles_and_is_never_beyond_the_longer_of_refresh_and_a_minute() -> None:
    failed = report(Unavailable("no answer"))
    calm = random.Random(1)
    assert [round(wait_after(10, n, failed, calm) / 0.9) <= most for n, most in ((1, 6), (2, 12), (3, 23), (4, 45), (9, 67))] == [
        True
    ] * 5
    assert wait_after(10, 50, failed, calm) <= 60
    assert wait_after(3600, 50, failed, calm) <= 3600


def test_the_time_a_destination_asks_for_is_obeyed_however_long() -> None:
    assert wait_after(300, 1, report(Unavailable("wait", after=7200), after=7200), random.Random(1)) >= 7200


def test_a_refused_credential_is_probed_every_quarter_of_an_hour() -> None:
    assert wait_after(10, 1, report(Denied("no")), random.Random(1)) == PROBE == 900


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    found = Running(tmp_path, ROTA + FOLDER + OTHER)
    yield found
    found.close()


def test_every_destination_is_written_and_what_a_human_deletes_comes_back(running: Running) -> None:
    running.until(lambda: len(running.files()) >= 5 and len(running.files("other")) >= 5)
    whole = running.files()
    whole[0].unlink()
    running.want("calendar")
    running.until(lambda: len(running.files()) == len(whole))


def test_a_destination_that_fails_touches_no_other(tmp_path: Path) -> None:
    (tmp_path / "calendar").write_text("no directory")
    running = Running(tmp_path, ROTA + FOLDER + OTHER)
    try:
        running.until(lambda: len(running.files("other")) >= 5)
        (tmp_path / "calendar").unlink()
        running.daemon.reload.set()  # the file is the same: everything is due at once
        running.until(lambda: len(running.files()) >= 5)
    finally:
        running.close()


def test_a_new_configuration_is_taken_and_a_broken_one_is_not(running: Running) -> None:
    running.until(lambda: len(running.files("other")) >= 5)
    running.file.write_text("people: [")
    with pytest.raises(ConfigError):
        running.load()
    running.daemon.reload.set()
    running.until(lambda: not running.daemon.reload.is_set())
    running.file.write_text(ROTA.replace("Ana Lima", "Ana Sousa") + FOLDER)
    running.daemon.reload.set()
    running.until(lambda: any("Ana Sousa" in path.read_text() for path in running.files()))
    assert not any("Ana Sousa" in path.read_text() for path in running.files("other"))

    def removed() -> bool:
        with running.store.read() as tx:
            known = tx.destinations.get("other")
        return known is not None and known.removed

    running.until(removed)


def test_an_edit_at_one_destination_reaches_the_others_at_once(tmp_path: Path) -> None:
    both = FOLDER.replace("kind: folder,", "kind: folder, mode: bidirectional,") + OTHER.replace(
        "kind: folder,", "kind: folder, refresh: 1h,"
    )
    running = Running(tmp_path, ROTA.replace("members: [ana, ben]", "members: [ana]") + both)
    try:
        running.until(lambda: len(running.files()) >= 5 and len(running.files("other")) >= 5)
        last = max(running.files(), key=lambda path: re.findall("DTSTART:([0-9TZ]+)", path.read_text())[-1])
        last.write_text(last.read_text().replace("Ana Lima", "Cho Min-ji"))
        running.want("calendar")
        running.until(lambda: any("Cho Min-ji" in path.read_text() for path in running.files("other")))
    finally:
        running.close()


def test_when_it_is_next_due_is_remembered(running: Running) -> None:
    def due() -> bool:
        with running.store.read() as tx:
            known = tx.destinations.get("calendar")
        return known is not None and known.next_due is not None and known.next_due > int(time.time()) + 200

    running.until(due)


def test_it_is_ready_once_every_destination_had_a_full_cycle(running: Running) -> None:
    running.until(lambda: running.daemon.reasons() == [])
    assert running.daemon.alive()
    told = running.daemon.status()
    assert set(told) >= {"destinations", "schedules", "process"}
    assert [one["destination"] for one in told["destinations"]] == ["calendar", "other"]
    assert told["process"]["ready"] is True
    assert told["schedules"] == [{"schedule": "payments", "gaps": []}]


def test_it_is_not_ready_while_a_destination_fails(tmp_path: Path) -> None:
    (tmp_path / "calendar").write_text("no directory")
    running = Running(tmp_path, ROTA + FOLDER + OTHER)
    try:
        running.until(lambda: len(running.daemon.reasons()) == 1)
        assert running.daemon.reasons()[0].startswith("calendar: ")
    finally:
        running.close()


def test_sigterm_ends_the_process_with_0_and_a_second_daemon_on_its_store_is_75(tmp_path: Path) -> None:
    (tmp_path / "syncd.yaml").write_text(ROTA + FOLDER + 'store: state\nhealth: {listen: "127.0.0.1:0"}\n')
    command = [sys.executable, "-m", "syncd", "--config", str(tmp_path / "syncd.yaml")]
    first = subprocess.Popen([*command, "run"], stderr=subprocess.PIPE, text=True)
    try:
        assert first.stderr is not None
        said = json.loads(first.stderr.readline())
        assert said["event"] == "health.listening"
        with urlopen(said["url"] + "/livez", timeout=30) as answer:
            assert answer.read() == b"alive\n"
        end = time.monotonic() + 60
        while subprocess.run([*command, "health"], capture_output=True, check=False).returncode != 0:
            assert time.monotonic() < end, "it did not become ready"
        second = subprocess.run([*command, "run"], capture_output=True, text=True, timeout=60, check=False)
        assert second.returncode == 75
        assert "held by" in second.stderr
        first.send_signal(signal.SIGTERM)
        assert first.wait(60) == 0
        assert "Traceback" not in first.stderr.read()
        assert subprocess.run([*command, "health"], capture_output=True, check=False).returncode == 1
    finally:
        first.kill()
        first.wait()
