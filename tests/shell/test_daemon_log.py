"""What is read of the daemon at three in the morning: each line says something new, and names its cause."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from connectors.memory_place import Call, Fault, Place, place
from syncd.connector import Denied, Rejected, Unavailable
from tests.shell.command_line import ROTA
from tests.shell.running import Running


class Watched:
    """One destination in memory under a daemon, and what is logged of it from info upwards."""

    def __init__(self, folder: Path, logs: list[Any], **options: str) -> None:
        self.logs = logs
        self.name = folder.name
        self.there: Place = place(self.name)
        self.text = f"  {self.name}: {{kind: memory, schedule: payments, role: primary, options: {{place: {self.name}}}}}\n"
        self.running = Running(folder, ROTA + "destinations:\n" + self.text)

    def said(self, *events: str) -> list[Any]:
        loud = [line for line in self.logs if line["log_level"] != "debug" and line.get("destination") == self.name]
        return [line for line in loud if not events or line["event"] in events]

    def again(self, times: int = 1) -> None:
        """So many cycles more."""
        for _ in range(times):
            reads = len(self.there.calls)
            self.running.daemon._now([self.name])
            self.running.until(lambda reads=reads: len(self.there.calls) > reads)
            worker = self.running.daemon._workers[self.name]
            self.running.until(lambda worker=worker: worker.began is None)

    def well(self) -> None:
        self.running.until(lambda: bool(self.there.items) and not self.running.daemon.reasons())


@pytest.fixture
def logs() -> Iterator[list[Any]]:
    structlog.reset_defaults()
    with capture_logs() as found:
        yield found


@pytest.fixture
def watched(tmp_path: Path, logs: list[Any]) -> Iterator[Watched]:
    found = Watched(tmp_path, logs)
    yield found
    found.running.close()


def failing(error: Exception) -> Any:
    return lambda call: Fault(error) if call.verb == "read" else None  # type: ignore[arg-type]


def test_a_cycle_that_changes_something_is_one_line_with_its_run_digest_and_seconds(watched: Watched) -> None:
    watched.well()
    watched.running.until(lambda: len(watched.said()) == 1)
    [line] = watched.said()
    assert line["event"] == "destination.changed"
    assert line["create"] == line["changes"] == len(watched.there.items)
    assert (line["failed"], line["waiting"], line["imports"]) == (0, 0, 0)
    assert len(line["digest"]) == 16
    assert line["run"]
    assert line["seconds"] >= 0
    watched.again(3)
    assert len(watched.said()) == 1, "where nothing changes nothing is said"


def test_a_failure_is_said_once_another_cause_once_more_and_the_recovery_once(watched: Watched) -> None:
    watched.well()
    watched.there.hook = failing(Unavailable("no answer within 30 s", after=31))  # longer than our patience: no second attempt
    watched.again(1)
    watched.there.hook = failing(Unavailable("the server answered 503"))
    watched.running.clock.skipped += 40
    watched.again(2)
    watched.there.hook = failing(Denied("the password is refused"))
    watched.again(2)
    watched.there.hook = None
    watched.again(2)
    said = watched.said("destination.failed", "destination.recovered")
    assert [line["event"] for line in said] == ["destination.failed", "destination.failed", "destination.recovered"]
    assert [line.get("reason") for line in said] == ["no answer within 30 s", "the password is refused", None]


def test_a_bug_of_a_connector_is_said_once_with_the_place_where_it_is(watched: Watched) -> None:
    watched.well()
    watched.there.hook = failing(KeyError("date"))
    watched.again(3)
    [line] = watched.said("destination.failed")
    assert (line["log_level"], line["reason"]) == ("error", "a bug in the connector: KeyError")
    where = [Path(frame.filename).name for frame in traceback.extract_tb(line["exc_info"].__traceback__)]
    assert "memory.py" in where


def test_what_is_refused_again_and_again_is_said_once_with_its_cause(watched: Watched) -> None:
    def refuse(call: Call) -> Fault | None:
        return Fault(Rejected("the title is too long")) if call.verb == "create" else None

    watched.well()
    watched.there.hook = refuse
    watched.there.human_deletes(next(iter(watched.there.items)))
    watched.again(4)
    [line] = watched.said("destination.incomplete")
    assert (line["reason"], line["failed"]) == ("the title is too long", 1)
    watched.there.hook = None
    watched.again(2)
    assert [one["event"] for one in watched.said()][-2:] == ["destination.changed", "destination.complete"]


def test_a_clock_that_differs_from_the_destinations_is_said_once_told_once_and_agrees_again(watched: Watched) -> None:
    watched.well()
    watched.there.clock = lambda: int(time.time()) - 7_200
    watched.again(3)
    [line] = watched.said("clock.jumped")
    assert "7200 s ahead of" in line["reason"] or "7201 s ahead of" in line["reason"]
    with watched.running.store.read() as tx:
        told = [one.notice["text"] for one in tx.outbox.pending(2**40) if one.dedup.startswith("clock-skew")]
    assert len(told) == 1
    assert "set the clock" in told[0]
    watched.there.clock = lambda: int(time.time())
    watched.again(2)
    assert len(watched.said("clock.agrees")) == 1
