"""A cycle that hangs outside of every call's own limit: it is told, fenced off and left behind, and another thread goes on."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from connectors.memory_place import PLACES, Call, Place, Verb, place
from syncd.worker import GRACE, LONGEST
from tests.shell.command_line import FOLDER, ROTA
from tests.shell.running import Running


class Hanging:
    """A destination whose calls of one verb do not come back before they are let go; `mended`: another server in its place."""

    def __init__(self, name: str, verb: Verb = "read") -> None:
        self.name, self.verb = name, verb
        self.hung, self.let_go = Event(), Event()
        self.place = place(name)
        self.place.hook = self.hang

    def hang(self, call: Call) -> None:
        if call.verb == self.verb and not self.let_go.is_set():
            self.hung.set()
            self.let_go.wait(60)

    def mended(self) -> Place:
        PLACES[self.name] = Place(self.name, items=self.place.items)
        return PLACES[self.name]

    @property
    def text(self) -> str:
        return f"  {self.name}: {{kind: memory, schedule: payments, role: primary, options: {{place: {self.name}}}}}\n"


@pytest.fixture
def hanging(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hanging]:
    found = Hanging(tmp_path.name, getattr(request, "param", "read"))
    yield found
    found.let_go.set()


@pytest.fixture
def logs() -> Iterator[list[Any]]:
    structlog.reset_defaults()
    with capture_logs() as found:
        yield found


@pytest.fixture
def running(tmp_path: Path, hanging: Hanging, logs: list[Any]) -> Iterator[Running]:
    found = Running(tmp_path, ROTA + FOLDER + hanging.text)
    yield found
    hanging.let_go.set()
    found.close()


def of(logs: list[Any], event: str) -> list[Any]:
    """Of the destination that hangs: time that is skipped may well find the other one at work, too."""
    return [line for line in logs if line["event"] == event and line["destination"] != "calendar"]


def late(running: Running) -> None:
    """Both limits pass, and the loop turns in between."""
    turn = running.daemon._last_turn
    running.clock.skipped += int(LONGEST) + 1
    running.until(lambda: running.daemon._last_turn > turn + LONGEST + 1)
    running.clock.skipped += int(GRACE) + 1


def left_behind(running: Running, hanging: Hanging) -> None:
    """The cycle is given up, another thread is there, and so is its turn after one failure."""
    worker = running.daemon._workers[hanging.name]
    first = worker.thread
    late(running)
    running.until(lambda: worker.thread not in (None, first))
    running.clock.skipped += 6


def test_a_look_that_hangs_is_given_up_and_another_thread_goes_on(running: Running, hanging: Hanging, logs: list[Any]) -> None:
    assert hanging.hung.wait(30)
    there = hanging.mended()
    left_behind(running, hanging)
    running.until(lambda: len(there.items) >= 5)
    running.until(lambda: bool(of(logs, "destination.recovered")))
    running.until(lambda: running.daemon.reasons() == [])
    [failed] = of(logs, "destination.failed")
    assert "its cycle hangs" in failed["reason"]
    assert any("wait" in frame for frame in failed["at"])
    written = dict(there.items)
    hanging.let_go.set()
    running.until(lambda: bool(of(logs, "destination.came_back")))
    running.want(hanging.name)
    calls = len(there.calls)
    running.until(lambda: len(there.calls) > calls)
    assert there.items == written


def test_the_admins_are_told_that_it_hangs_and_that_it_is_well_again(running: Running, hanging: Hanging) -> None:
    assert hanging.hung.wait(30)
    hanging.mended()
    left_behind(running, hanging)

    def told() -> list[str]:
        with running.store.read() as tx:
            return [one.notice["text"] for one in tx.outbox.pending(2**40) if one.notice["destination"] == hanging.name]

    running.until(lambda: any("well again" in text for text in told()))
    assert any("needs attention: its cycle hangs" in text for text in told())


@pytest.mark.parametrize("hanging", ["create"], indirect=True)
def test_a_write_that_hangs_opens_no_further_intent_and_its_late_echo_is_no_double(
    running: Running, hanging: Hanging, logs: list[Any]
) -> None:
    assert hanging.hung.wait(30)
    there = hanging.mended()
    left_behind(running, hanging)
    running.until(lambda: len(there.items) >= 5)
    running.until(lambda: bool(of(logs, "destination.recovered")))
    hanging.let_go.set()
    running.until(lambda: bool(of(logs, "destination.came_back")))
    assert [call.verb for call in hanging.place.calls].count("create") == 1, "nothing was sent after it was fenced off"
    running.want(hanging.name)
    calls = len(there.calls)
    running.until(lambda: len(there.calls) > calls)
    running.until(lambda: running.daemon.reasons() == [])
    starts = [item.start for item in there.items.values()]
    assert len(starts) == len(set(starts))
    with running.store.read() as tx:
        assert tx.ledger.memory(hanging.name).intents == ()


def test_no_more_than_two_threads_hang_and_that_is_said(running: Running, hanging: Hanging, logs: list[Any]) -> None:
    assert hanging.hung.wait(30)
    left_behind(running, hanging)
    worker = running.daemon._workers[hanging.name]
    running.until(lambda: worker.began is not None)
    late(running)
    running.until(lambda: any("no other begins" in reason for reason in running.daemon.reasons()))
    late(running)
    running.until(lambda: running.daemon.alive())
    assert [thread.name for thread in threading.enumerate()].count(f"syncd-{hanging.name}") == 2
    assert worker.failures == 2
    assert f'syncd_cycles_hanging{{destination="{hanging.name}"}} 2\n' in running.daemon.account().metrics()
    hanging.let_go.set()
    hanging.place.hook = None
    running.until(lambda: len(of(logs, "destination.came_back")) == 2)
    running.daemon._now([hanging.name])
    running.until(lambda: running.daemon.reasons() == [])
    assert running.daemon.open_calls


def test_another_process_may_export_what_hangs_here(running: Running, hanging: Hanging) -> None:
    assert hanging.hung.wait(30)
    late(running)
    running.until(lambda: any("its cycle hangs" in reason for reason in running.daemon.reasons()))

    def taken() -> bool:
        with running.store.lease(hanging.name, holder="an export", wait=5):
            return True

    running.until(taken)


def test_a_slow_cycle_that_ends_in_time_is_no_failure(running: Running, hanging: Hanging, logs: list[Any]) -> None:
    assert hanging.hung.wait(30)
    turn = running.daemon._last_turn
    running.clock.skipped += int(LONGEST) + 1
    running.until(lambda: running.daemon._last_turn > turn + LONGEST + 1)
    running.until(lambda: bool(of(logs, "destination.slow")))
    hanging.let_go.set()
    running.until(lambda: running.daemon.reasons() == [])
    assert len(hanging.place.items) >= 5
    assert not of(logs, "destination.failed")


def test_a_name_that_is_looked_up_for_ever_holds_its_destination_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logs: list[Any]
) -> None:
    let_go, asked, plain = Event(), Event(), socket.getaddrinfo

    def lookup(host: Any, *more: Any, **named: Any) -> Any:
        if host == "stuck.example":
            asked.set()
            let_go.wait(60)
            raise socket.gaierror(socket.EAI_AGAIN, "try again")
        return plain(host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    stuck = '  stuck: {kind: caldav, schedule: payments, role: primary, options: {url: "https://stuck.example/c/"}}\n'
    running = Running(tmp_path, ROTA + FOLDER + stuck)
    try:
        assert asked.wait(30)
        running.until(lambda: len(running.files()) >= 5)
        late(running)
        running.until(lambda: any("stuck: its cycle hangs" in reason for reason in running.daemon.reasons()))
        running.files()[0].unlink()
        running.want("calendar")
        running.until(lambda: len(running.files()) >= 5)
    finally:
        let_go.set()
        running.close()
