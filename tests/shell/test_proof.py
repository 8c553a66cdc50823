"""Whether the store can be used is told once, and once when it can again: whoever met with what, and in whatever order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from syncd.proof import AGAIN, PAUSE, Proof
from syncd.store import Store, StoreError

FULL = StoreError("there is no room")


class Hand:
    """A clock that a test turns on."""

    passed = 0.0

    def now(self) -> int:
        return 1_772_798_400 + int(self.passed)

    def monotonic(self) -> float:
        return self.passed

    def wait(self, event: object, seconds: float) -> bool:
        raise AssertionError("a proof never waits")


class Watch:
    def __init__(self, folder: Path) -> None:
        store = Store.open(folder / "state")
        assert store is not None
        self.store, self.clock = store, Hand()
        self.alarms: list[str] = []
        self.proof = Proof(store, self.clock, self.alarms.append)
        self._file, self._aside = folder / "state" / "syncd.db", folder / "aside.db"

    def turn(self, after: float = 1.0) -> list[object]:
        self.clock.passed += after
        return self.proof.turn()

    def break_it(self) -> None:
        self._file.rename(self._aside)

    def mend_it(self) -> None:
        self._aside.rename(self._file)

    def told(self) -> list[str]:
        with self.store.read() as tx:
            return [one.notice["text"] for one in tx.outbox.pending(2**40)]


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    found = Watch(tmp_path)
    yield found
    found.store.close()


@pytest.fixture
def said() -> Iterator[list[Any]]:
    structlog.reset_defaults()
    with capture_logs() as found:
        yield found


def test_what_the_loop_cannot_write_is_told_once_and_its_end_once(watch: Watch, said: list[Any]) -> None:
    watch.turn()
    watch.break_it()
    for _ in range(4):
        watch.turn(PAUSE)
    assert "moved" in watch.proof.unwritable
    watch.mend_it()
    for _ in range(4):
        watch.turn(AGAIN)
    assert watch.proof.unwritable == ""
    assert [line["event"] for line in said] == ["store.unwritable", "store.recovered"]
    assert len(watch.alarms) == 1
    assert watch.told() == ["the store can be written again, and everything goes on"]


def test_a_cycle_that_ended_well_before_the_store_was_gone_is_no_proof_that_it_is_there(watch: Watch, said: list[Any]) -> None:
    watch.turn()
    watch.break_it()
    watch.turn(PAUSE)
    watch.proof.works("pager")
    watch.turn()
    assert watch.proof.unwritable
    assert [line["event"] for line in said] == ["store.unwritable"]


def test_a_small_write_is_no_proof_that_there_is_room_for_what_failed(watch: Watch, said: list[Any]) -> None:
    watch.turn()
    watch.proof.failed("pager", FULL)
    assert watch.turn(AGAIN) == ["pager"], "once at once, then in its own time"
    for _ in range(4):
        watch.proof.failed("pager", FULL)
        assert watch.turn(PAUSE) == []
    assert watch.proof.unwritable == "there is no room"
    watch.proof.works("calendar")
    watch.turn(PAUSE)
    assert [line["event"] for line in said] == ["store.unwritable"]
    watch.proof.works("pager")
    watch.turn()
    assert [line["event"] for line in said] == ["store.unwritable", "store.recovered"]
    assert len(watch.alarms) == 1


def test_whoever_failed_tries_again_as_soon_as_there_is_room_for_anything(watch: Watch) -> None:
    watch.turn()
    watch.break_it()
    watch.proof.failed("pager", FULL)
    assert watch.turn(PAUSE) == []
    watch.mend_it()
    assert watch.turn(AGAIN) == ["pager"]
    assert watch.turn(AGAIN) == []
    watch.break_it()
    watch.turn(PAUSE)
    watch.mend_it()
    assert watch.turn(AGAIN) == ["pager"]


def test_a_failure_that_is_over_before_the_loop_turns_is_nothing_to_tell(watch: Watch, said: list[Any]) -> None:
    watch.turn()
    watch.proof.failed("pager", FULL)
    watch.proof.works("pager")
    watch.turn(PAUSE)
    assert (said, watch.alarms, watch.told()) == ([], [], [])


def test_what_cannot_be_told_now_is_told_when_the_outbox_takes_it(watch: Watch) -> None:
    watch.turn()
    watch.break_it()
    watch.proof.tell("config-refused", "the changed configuration is refused")
    watch.turn()
    watch.turn(PAUSE)
    watch.mend_it()
    watch.turn(AGAIN)
    watch.turn(AGAIN)
    assert watch.told() == [
        "the changed configuration is refused",
        "the store can be written again, and everything goes on",
    ]


def test_a_store_that_fails_as_its_end_is_to_be_told_is_not_told_anew(watch: Watch, said: list[Any]) -> None:
    watch.turn()
    watch.proof.failed("pager", FULL)
    watch.turn()
    watch.proof.works("pager")
    watch.break_it()
    watch.turn()
    assert watch.proof.unwritable
    watch.mend_it()
    watch.turn(AGAIN)
    assert [line["event"] for line in said] == ["store.unwritable", "store.recovered"]
    assert (len(watch.alarms), len(watch.told())) == (1, 1)
