"""The daemon tells the truth: under a hung destination, a stuck loop, a full disk, a clock that was set, a refused file."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from connectors.memory_place import Call, lost, place
from syncd import systemd
from syncd.config.settings import Health
from syncd.connector import Secret
from syncd.watch import Watched
from syncd.web.metrics import FAMILIES
from tests.shell.command_line import FOLDER, ROTA
from tests.shell.process import Process
from tests.shell.running import Running

SAMPLE = re.compile(r'([a-z_0-9]+)(?:\{(?:[a-z]+="(?:[^"\\]|\\.)*",?)*\})? (-?[0-9.e+-]+)')


def memory(name: str) -> str:
    return f"  {name}: {{kind: memory, schedule: payments, role: primary, refresh: 1s, options: {{place: {name}}}}}\n"


@pytest.fixture
def logs() -> Iterator[list[Any]]:
    structlog.reset_defaults()
    with capture_logs() as found:
        yield found


def events(logs: list[Any]) -> list[str]:
    return [line["event"] for line in logs]


def test_a_destination_that_hangs_is_told_and_touches_no_other(tmp_path: Path) -> None:
    name = f"hangs-{tmp_path.name}"
    let_go, hung = Event(), Event()

    def hang(call: Call) -> None:
        hung.set()
        let_go.wait(60)

    place(name, "calendar").hook = hang
    running = Running(tmp_path, ROTA + FOLDER + memory(name))
    try:
        assert hung.wait(30)
        running.until(lambda: len(running.files()) >= 5)
        running.until(lambda: running.daemon.reasons() == [f"{name}: no full cycle yet"])
        assert running.daemon.alive()
        assert f'syncd_cycle_running_seconds{{destination="{name}"}}' in running.daemon.account().metrics()
        place(name, "calendar").hook = None
        let_go.set()
        running.until(lambda: running.daemon.reasons() == [])
    finally:
        let_go.set()
        running.close()


def test_a_cycle_that_was_full_once_and_hangs_now_is_stale_after_twice_the_refresh(tmp_path: Path) -> None:
    name = f"stale-{tmp_path.name}"
    let_go = Event()
    running = Running(tmp_path, ROTA + "destinations:\n" + memory(name))
    try:
        running.until(lambda: running.daemon.reasons() == [])
        place(name, "calendar").hook = lambda call: None if let_go.wait(60) else lost(commit=False)
        running.until(lambda: any("no full cycle for" in reason for reason in running.daemon.reasons()))
    finally:
        place(name, "calendar").hook = None
        let_go.set()
        running.close()


def test_a_loop_that_hangs_is_not_alive_and_is_again_when_it_turns(tmp_path: Path) -> None:
    running = Running(tmp_path, ROTA + FOLDER)
    try:
        running.clock.goes.clear()
        assert running.clock.stands.wait(30)
        assert running.daemon.alive()
        running.clock.skipped = 61
        assert not running.daemon.alive()
        running.clock.goes.set()
        running.until(running.daemon.alive)
    finally:
        running.clock.goes.set()
        running.close()


def test_a_mistake_of_ours_in_the_loop_is_said_once_and_ends_nothing(tmp_path: Path, logs: list[Any]) -> None:
    wrong: list[Exception] = [LookupError("ours")] * 3
    running = Running(tmp_path, ROTA + FOLDER, turned=lambda daemon: _raise(wrong))
    try:
        running.until(lambda: wrong == [])
        running.until(lambda: running.daemon.reasons() == [])
        assert events(logs).count("daemon.bug") == 1
        assert running.daemon.alive()
        wrong += [LookupError("ours, for good")] * 100_000
        running.until(lambda: events(logs).count("daemon.bug") == 2)
        running.clock.skipped += 61
        running.want("calendar")
        running.until(lambda: not running.daemon.alive())
    finally:
        running.close()


def _raise(problems: list[Exception]) -> None:
    if problems:
        raise problems.pop()


def test_a_loop_that_hangs_feeds_no_watchdog_and_one_that_turns_again_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, status = Manager(str(tmp_path / "n")), systemd.Status()
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "n"))
    running = Running(tmp_path, ROTA + FOLDER, turned=lambda daemon: status.turn(daemon.account().line()))
    try:
        there.until("WATCHDOG=1")
        running.clock.goes.clear()
        assert running.clock.stands.wait(30)
        there.socket.setblocking(False)
        with pytest.raises(BlockingIOError):
            there.until("nothing more, once what was said before is heard")
        running.clock.goes.set()
        there.socket.settimeout(60)
        there.until("WATCHDOG=1")
    finally:
        running.clock.goes.set()
        running.close()
        there.socket.close()


def test_a_configuration_that_is_read_for_ever_stops_nothing_is_told_once_and_taken_when_it_comes(
    tmp_path: Path, logs: list[Any]
) -> None:
    running = Running(tmp_path, ROTA + FOLDER)
    let_go, reading, load = Event(), Event(), running.load

    def hang() -> Any:
        reading.set()
        let_go.wait(60)
        return load()

    try:
        running.until(lambda: running.daemon.reasons() == [])
        running.load = hang  # type: ignore[method-assign]
        running.daemon.reload.set()
        assert reading.wait(30)
        turn = running.daemon._last_turn
        running.until(lambda: running.daemon._last_turn > turn)
        for _ in range(2):
            running.clock.skipped += 61
            running.daemon.reload.set()
            running.until(lambda: "config.refused" in events(logs))
        running.until(running.daemon.alive)
        assert "no end" in str(running.daemon.status()["process"]["configuration_refused"])
        let_go.set()
        running.until(lambda: "config.reloaded" in events(logs))
        running.until(lambda: running.daemon.status()["process"]["configuration_refused"] is None)
        assert events(logs).count("config.refused") == 1
    finally:
        let_go.set()
        running.close()


def test_a_worker_that_ended_is_given_another_thread(tmp_path: Path, logs: list[Any]) -> None:
    running = Running(tmp_path, ROTA + FOLDER)
    try:
        running.until(lambda: len(running.files()) >= 5)
        worker = running.daemon._workers["calendar"]
        gone = Thread(target=lambda: None)
        gone.start()
        gone.join()
        worker.thread = gone
        running.until(lambda: worker.thread is not gone)
        assert worker.thread is not None
        assert worker.thread.is_alive()
        assert "destination.worker_ended" in events(logs)
    finally:
        running.close()


def test_a_file_that_is_saved_is_taken_and_one_with_a_problem_refused_once(tmp_path: Path, logs: list[Any]) -> None:
    running = Running(tmp_path, ROTA + FOLDER)
    try:
        running.until(lambda: len(running.files()) >= 5)
        warned = FOLDER.replace("kind: folder", "mode: bidirectional, kind: folder")
        replaced = tmp_path / "replaced.yaml"
        replaced.write_text(warned + ROTA.replace("[ana, ben]", "[ana, bern]"))
        replaced.rename(running.file)
        running.until(lambda: "config.refused" in events(logs))
        refused = next(line for line in logs if line["event"] == "config.refused")
        assert ["unknown person 'bern'" in problem for problem in refused["problems"]] == [True]  # the warning above is no reason
        assert running.daemon.status()["process"]["configuration_refused"]
        assert "syncd_configuration_refused 1\n" in running.daemon.account().metrics()
        running.file.write_text(ROTA.replace("Ana Lima", "Ana Sousa") + FOLDER)
        running.until(lambda: any("Ana Sousa" in path.read_text() for path in running.files()))
        assert running.daemon.status()["process"]["configuration_refused"] is None
        assert events(logs).count("config.refused") == 1
        with running.store.read() as tx:
            told = [one.notice["text"] for one in tx.outbox.pending(2**40) if one.dedup.startswith("config-refused")]
        assert len(told) == 1
        assert "unknown person 'bern'" in told[0]
    finally:
        running.close()


def test_a_clock_that_is_set_is_told_once_and_everything_is_looked_at_anew(tmp_path: Path, logs: list[Any]) -> None:
    running = Running(tmp_path, ROTA + FOLDER)
    try:
        running.until(lambda: running.daemon.reasons() == [])
        running.clock.set_by = 7_200
        running.until(lambda: "clock.jumped" in events(logs))
        running.until(lambda: running.daemon.reasons() == [])
        running.clock.set_by = -7_200
        running.until(lambda: events(logs).count("clock.jumped") == 2)
        running.until(lambda: running.daemon.reasons() == [])
    finally:
        running.close()
    assert events(logs).count("clock.jumped") == 2


def test_a_store_that_is_gone_is_told_once_alarmed_at_once_and_comes_back(tmp_path: Path, logs: list[Any]) -> None:
    running = Running(tmp_path, ROTA + FOLDER)
    try:
        running.until(lambda: running.daemon.reasons() == [])
        file = tmp_path / "state" / "syncd.db"
        file.rename(tmp_path / "aside.db")
        running.until(lambda: "store.unwritable" in events(logs))
        assert running.daemon.reasons()
        assert "syncd_store_writable 0\n" in running.daemon.account().metrics()
        assert "cannot be written" in running.daemon.account().line()
        (tmp_path / "aside.db").rename(file)
        running.until(lambda: "store.recovered" in events(logs))
        running.until(lambda: running.daemon.reasons() == [])
        with running.store.read() as tx:
            told = [one.notice["text"] for one in tx.outbox.pending(2**40)]
    finally:
        running.close()
    assert len(running.alarms) == events(logs).count("store.unwritable") == 1
    assert [said for said in told if "can be written again" in said]


def test_what_is_wanted_while_a_destination_is_held_whole_is_one_cycle(tmp_path: Path) -> None:
    name = f"held-{tmp_path.name}"
    running = Running(tmp_path, ROTA + "destinations:\n" + memory(name).replace("1s", "1h"))
    there = place(name, "calendar")
    try:
        running.until(lambda: len(there.items) >= 5)
        there.account = "another"
        running.want(name)
        running.until(lambda: running.daemon.reasons() != [])
        reads = len(there.calls)
        turns = running.daemon._last_turn
        running.until(lambda: running.daemon._last_turn > turns + 0.3)
        assert len(there.calls) <= reads + 2
    finally:
        running.close()


def test_every_sample_is_of_a_family_that_is_told_and_no_label_names_a_person(tmp_path: Path) -> None:
    running = Running(tmp_path, ROTA + FOLDER)
    try:
        running.until(lambda: "syncd_changes_total" in running.daemon.account().metrics())
        text = running.daemon.account().metrics()
    finally:
        running.close()
    seen = set()
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        match = SAMPLE.fullmatch(line)
        assert match, line
        seen.add(re.sub(r"_(bucket|sum|count)$", "", match[1]))
    assert seen <= set(FAMILIES)
    assert {"syncd_cycles_total", "syncd_requests_total", "syncd_changes_total", "syncd_schedule_gap_seconds"} <= seen
    assert 'le="+Inf"' in text
    assert not re.search("ana|ben|cho|Lima|Okafor", text)


class Manager:
    """Hears what a daemon tells systemd."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.settimeout(60)
        self.socket.bind("\0" + address[1:] if address.startswith("@") else address)

    def until(self, text: str) -> list[str]:
        heard: list[str] = []
        while not heard or text not in heard[-1]:
            heard.append(self.socket.recv(4096).decode())
        return heard


@pytest.mark.parametrize("abstract", [True, False])
def test_systemd_hears_it_by_path_and_by_abstract_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, abstract: bool) -> None:
    address = f"@syncd-{os.getpid()}-{time.monotonic_ns()}" if abstract else str(tmp_path / "n")
    there = Manager(address)
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    status = systemd.Status()
    status.turn("2 destinations\nREADY=0")
    assert there.socket.recv(4096) == b"WATCHDOG=1\nSTATUS=2 destinations READY=0"
    status.turn("2 destinations READY=0")
    assert there.socket.recv(4096) == b"WATCHDOG=1"
    assert systemd.reloading(12.5)
    assert there.socket.recv(4096) == b"RELOADING=1\nMONOTONIC_USEC=12500000"
    there.socket.close()
    assert not systemd.tell("READY=1"), "a manager that is gone is no trouble"
    monkeypatch.delenv("NOTIFY_SOCKET")
    assert not systemd.tell("READY=1")


def test_a_full_disk_is_told_and_room_on_it_is_enough(tmp_path: Path) -> None:
    daemon = Process(tmp_path, ROTA + FOLDER.replace("kind: folder,", "kind: folder, refresh: 1s,"))
    pid = daemon.process.pid
    soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    try:
        daemon.become(200)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, hard))
        daemon.until("store.unwritable")
        assert daemon.code("/readyz") == 503
        assert daemon.code("/livez") == 200
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))
        daemon.until("store.recovered")
        daemon.become(200)
    finally:
        daemon.close()


def test_a_manager_hears_ready_reloading_and_stopping_and_a_second_sigterm_ends_at_once(tmp_path: Path) -> None:
    there = Manager(str(tmp_path / "n"))
    name = "hung"
    blind = socket.create_server(("127.0.0.1", 0))  # takes connections and never answers
    port = blind.getsockname()[1]
    hung = f'  {name}: {{kind: caldav, schedule: payments, role: primary, options: {{url: "http://127.0.0.1:{port}/"}}}}\n'
    daemon = Process(tmp_path, ROTA + FOLDER + hung, NOTIFY_SOCKET=str(tmp_path / "n"))
    try:
        assert there.until("READY=1")[-1] == "READY=1"
        assert any("STATUS=2 destinations" in said for said in there.until("STATUS="))
        daemon.process.send_signal(signal.SIGHUP)
        there.until("RELOADING=1\nMONOTONIC_USEC=")
        there.until("READY=1")
        blind.settimeout(60)
        connection, _ = blind.accept()
        daemon.process.send_signal(signal.SIGTERM)
        there.until("STOPPING=1")
        daemon.process.send_signal(signal.SIGTERM)
        assert daemon.process.wait(60) == 130
        connection.close()
    finally:
        daemon.close()
        blind.close()
        there.socket.close()


HUNG = """\
import sys
from threading import Event

from connectors.memory_place import place
from syncd.cli import main


def hang(call):
    print('{"event": "hung"}', file=sys.stderr, flush=True)
    Event().wait(1000)


place("m", "calendar").hook = hang
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.long
def test_a_call_that_never_comes_back_is_left_behind_and_the_process_ends_within_twenty_seconds(tmp_path: Path) -> None:
    (tmp_path / "hung.py").write_text(HUNG)
    there = "destinations:\n" + memory("m") + 'store: state\nhealth: {listen: "127.0.0.1:0"}\n'
    (tmp_path / "syncd.yaml").write_text(ROTA + there)
    command = [sys.executable, str(tmp_path / "hung.py"), "--config", str(tmp_path / "syncd.yaml"), "run"]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=env)
    try:
        assert process.stderr is not None
        while json.loads(process.stderr.readline())["event"] != "hung":
            pass
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert "daemon.call_left_open" in process.stderr.read()
    finally:
        process.kill()
        process.wait()


def test_a_file_counts_as_changed_once_it_has_come_to_rest(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("one")
    watched = Watched([file])
    assert not watched.changed()
    file.write_text("one and")
    assert not watched.changed()
    file.write_text("one and two")
    assert [watched.changed(), watched.changed(), watched.changed()] == [False, True, False]
    file.unlink()
    assert [watched.changed(), watched.changed()] == [False, False]
    (tmp_path / "b.yaml").write_text("three")
    file.symlink_to("b.yaml")
    assert [watched.changed(), watched.changed(), watched.changed()] == [False, True, False]


def test_a_changed_store_or_health_says_that_it_waits_for_a_restart(tmp_path: Path, logs: list[Any]) -> None:
    running = Running(tmp_path, ROTA + FOLDER)
    try:
        old = running.daemon.account().config
        running.daemon._settle_in(replace(old, store="/elsewhere", health=None))
        assert [line["keys"] for line in logs if line["event"] == "config.restart_needed"] == [["store", "health"]]
        keyed = [replace(old, health=Health(key=Secret("credential health", lambda: "the same place"))) for _ in range(2)]
        running.daemon._config = keyed[0]
        running.daemon._settle_in(keyed[1])
        assert events(logs).count("config.restart_needed") == 1
    finally:
        running.close()
