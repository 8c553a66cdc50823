"""One worker at a time, whoever dies, freezes or wakes too late (W13, F12)."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from syncd.due import BUSY
from syncd.store import Lease, LeaseHeld, LeaseLost, Store, StoreError, database
from syncd.store.leases import TERM
from tests.stores import KEY, Place

HOLDER = Path(__file__).with_name("store_holder.py")


class Holder:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def ask(self, line: str) -> str:
        self.say(line)
        return self.hear()

    def hear(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@contextmanager
def another_process(place: Place, name: str) -> Iterator[Holder]:
    command = [sys.executable, str(HOLDER), str(place.location), place.tenant, KEY, name]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Holder(process)
        finally:
            process.kill()


def run_out(store: Store, name: str) -> None:
    """As if the holder had given no sign of life for longer than a lease lasts; the database's clock is not ours to turn."""
    with store.write() as tx:
        assert tx.session.change("UPDATE leases SET until = until - :term WHERE name = :name", term=TERM + 1, name=name) == 1


def test_a_lease_is_one_holders(place: Place) -> None:
    ours, theirs = place.open(), place.open()
    with ours.lease("google", holder="the daemon") as lease:
        assert lease.epoch == 1
        with pytest.raises(LeaseHeld) as held:
            theirs.lease("google")
        assert held.value.holder == "the daemon"
        with theirs.lease("pager") as other:
            assert other.epoch == 1
    with theirs.lease("google", holder="an export") as lease:
        assert lease.epoch == 2


def test_a_lease_and_the_pause_of_who_waits_for_it_are_over_in_45_seconds() -> None:
    assert TERM + BUSY <= 45


def test_whoever_waits_is_told_for_whom_and_then_served(place: Place) -> None:
    ours, theirs = place.open(), place.open()
    told: list[str] = []
    first = ours.lease("google", holder="the daemon")

    def hear(holder: str) -> None:
        told.append(holder)
        threading.Thread(target=first.release).start()

    with theirs.lease("google", wait=30, on_wait=hear) as lease:
        assert lease.epoch == 2
    assert told == ["the daemon"]


def test_waiting_ends_when_asked_to_stop(place: Place) -> None:
    store = place.open()
    stop = threading.Event()
    with store.lease("google"), pytest.raises(LeaseHeld):
        store.lease("google", wait=600, on_wait=lambda _: stop.set(), stop=stop)


def test_a_lease_that_ran_out_is_taken_over_and_its_holder_records_nothing_more(place: Place) -> None:
    ours, theirs = place.open(), place.open()
    late = ours.lease("google")
    run_out(ours, "google")
    with theirs.lease("google") as lease:
        assert lease.epoch == late.epoch + 1
        with pytest.raises(LeaseLost), ours.write(late) as tx:
            tx.facts.put("intent", "stale")
        with pytest.raises(LeaseLost):
            late.renew()
        late.release()
        with pytest.raises(LeaseHeld):
            ours.lease("google")
        with theirs.write(lease) as tx:
            assert tx.facts.get("intent") is None


def test_every_write_is_a_sign_of_life(place: Place) -> None:
    store = place.open()
    with store.lease("google") as lease:
        run_out(store, "google")
        with store.write(lease):
            pass
        with pytest.raises(LeaseHeld):
            store.lease("google")


def test_a_lease_given_back_is_no_licence(place: Place) -> None:
    store = place.open()
    with store.lease("google") as lease:
        pass
    with pytest.raises(LeaseLost), store.write(lease):
        pass


def test_a_lease_may_be_given_back_by_several_at_once(place: Place) -> None:
    """A cycle that hangs comes back just as it is given up."""
    store = place.open()
    problems: list[Exception] = []
    for _ in range(30):
        lease = store.lease("pager")

        def release(lease: Lease = lease) -> None:
            try:
                lease.release()
            except (KeyError, OSError, StoreError) as error:
                problems.append(error)

        threads = [threading.Thread(target=release) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert problems == []
    assert store.left == {}


def test_a_lease_from_before_the_clock_was_put_back_does_not_last_for_years(tmp_path: Path) -> None:
    place = Place(tmp_path, "default", "sqlite")
    store = place.open()
    frozen = store.lease("google")
    place.clock -= 10 * 365 * 86_400
    with store.lease("google") as lease:
        assert lease.epoch == frozen.epoch + 1
    place.close()


def test_a_holder_that_was_killed_is_followed_at_once(tmp_path: Path) -> None:
    place = Place(tmp_path, "default", "sqlite")
    store = place.open(now=lambda: int(time.time()))
    with another_process(place, "google") as holder:
        assert holder.hear() == "held 1"
        with pytest.raises(LeaseHeld, match="the first one"):
            store.lease("google")
        holder.process.kill()
        holder.process.wait()
        with store.lease("google") as lease:
            assert lease.epoch == 2
    place.close()


def test_a_holder_killed_in_the_middle_of_a_transaction_leaves_nothing_of_it(place: Place) -> None:
    store = place.open(now=lambda: int(time.time()))
    with another_process(place, "google") as holder:
        assert holder.hear() == "held 1"
        assert holder.ask("die") == ""
        assert holder.process.wait() == -signal.SIGKILL
        if place.kind == "postgres":
            run_out(store, "google")
        with store.lease("google") as lease, store.write(lease) as tx:
            assert tx.facts.get("half done") is None


@pytest.mark.parametrize("kills", [3, pytest.param(100, marks=pytest.mark.long)])
def test_a_process_killed_at_any_moment_leaves_whole_transactions(place: Place, kills: int) -> None:
    store = place.open()
    dice = random.Random(kills)
    told = -1
    for kill in range(kills):
        with another_process(place, f"google {kill}") as holder:
            holder.hear()
            holder.say("go on")
            for _ in range(dice.randrange(1, 30)):
                told = int(holder.hear())
            holder.process.kill()
            holder.process.wait()
        with store.read() as tx:
            assert tx.facts.get("left") == tx.facts.get("right") >= told
        assert store.audit().problems == ()


def test_threads_that_ended_leave_no_connection_open(tmp_path: Path) -> None:
    place = Place(tmp_path, "default", "sqlite")
    store = place.open()

    def work() -> None:
        with store.read() as tx:
            tx.facts.get("x")

    def after_some(threads: int) -> int:
        for _ in range(threads):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
        return len(list(Path("/proc/self/fd").iterdir()))

    assert after_some(20) <= after_some(5)
    place.close()


def test_a_frozen_holder_runs_out_and_learns_of_it_when_it_wakes(place: Place) -> None:
    store = place.open(now=lambda: int(time.time()))
    with another_process(place, "google") as holder:
        assert holder.hear() == "held 1"
        assert holder.ask("write") == "written"
        holder.process.send_signal(signal.SIGSTOP)
        with pytest.raises(LeaseHeld):
            store.lease("google")
        run_out(store, "google")
        with store.lease("google", holder="the second one") as lease:
            assert lease.epoch == 2
            holder.process.send_signal(signal.SIGCONT)
            assert holder.ask("write") == "lost"
            holder.process.kill()
            holder.process.wait()
            # The first one had the system's lock all the time; that it is free now does not mean that the second one died.
            with pytest.raises(LeaseHeld, match="the second one"):
                store.lease("google")
            with store.write(lease) as tx:
                assert tx.facts.get("written by") == "the first one"


def test_threads_that_read_and_then_write_lose_nothing(place: Place) -> None:
    """LIBRARIES.md section 0.3: 25 of 100 are left with the driver's own transactions."""
    store = place.open()
    problems: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(25):
                with store.write() as tx:
                    tx.facts.put("n", (tx.facts.get("n") or 0) + 1)
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.read() as tx:
        assert (problems, tx.facts.get("n")) == ([], 100)


def test_no_thread_starves_however_many_write(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when two hundred destinations are exported for the first time."""
    monkeypatch.setattr(database, "BUSY", 1)
    store = place.open()
    failed: list[Exception] = []

    def write(name: str) -> None:
        try:
            for n in range(8):
                with store.write() as tx:
                    tx.facts.put(name, n)
                    time.sleep(0.002)  # a transaction of some length
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(f"thread {n}",)) for n in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_many_who_want_one_lease_have_it_one_after_the_other(place: Place) -> None:
    epochs: list[int] = []
    inside = threading.Lock()

    def work() -> None:
        store = place.open()
        for _ in range(5):
            with store.lease("google", wait=60) as lease:
                assert inside.acquire(blocking=False), "two at once"
                epochs.append(lease.epoch)
                inside.release()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert epochs == list(range(1, 21))


def test_one_store_on_sqlite_has_one_daemon(tmp_path: Path) -> None:
    place = Place(tmp_path, "default", "sqlite")
    first, second = place.open(), place.open()
    with first.only_daemon("process 4711 on pager-host"):
        words = r"already: held by process 4711 on pager-host, since 2026-03-06T12:00:00Z\. .*export.*stop that first.*`store:`"
        with pytest.raises(LeaseHeld, match=words), second.only_daemon():
            pass
        with second.lease("google"):
            pass
    with second.only_daemon():
        pass
    place.close()


def test_daemons_share_a_store_in_postgresql(postgres_url: str) -> None:
    place = Place(postgres_url, "shared", "postgres")
    first, second = place.open(), place.open()
    with first.only_daemon(), second.only_daemon():
        assert first.shared
    place.close()
