"""PostgreSQL goes away in the middle of a cycle: between an intent, its call and its outcome, for a moment or a while (F42)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Barrier, Event, Thread
from time import monotonic

import pytest

from connectors.memory_place import Call, Place, place
from syncd.config import Config, load
from syncd.cycle import Report, Trigger
from syncd.errand import Errand
from syncd.store import Store, StoreError
from syncd.store.session import MOST
from tests import postgres
from tests.shell.command_line import NOON, ROTA, Stopped
from tests.stores import KEY

CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname IS NOT NULL"
FEW = {"max_connections": "12", "superuser_reserved_connections": "0"}
_tenants = itertools.count(1)


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    pytest.importorskip("psycopg")
    try:
        found = postgres.Server()
    except postgres.Absent as why:
        pytest.skip(str(why))
    try:
        found.start(**FEW)
        yield found
    finally:
        found.close()


class Town:
    """A destination whose calls something happens at, and a store in the database."""

    def __init__(self, folder: Path, server: postgres.Server) -> None:
        self.server, self.name = server, f"lost-{next(_tenants)}-{folder.name}"
        there = f"{self.name}: {{kind: memory, schedule: payments, role: primary, options: {{place: {self.name}}}}}"
        (folder / "syncd.yaml").write_text(f"{ROTA}destinations:\n  {there}\n")
        self.config: Config = load(folder / "syncd.yaml")
        store = Store.open(server.url, f"lost{next(_tenants)}", KEY)
        assert store is not None
        self.store = store

    @property
    def place(self) -> Place:
        return place(self.name, "calendar")

    def cycle(self) -> Report:
        made = Errand(config=self.config, store=self.store, clock=Stopped(NOON), trigger=Trigger.DAEMON)
        return made.run(self.config.destinations[self.name])

    def at_call(self, number: int, happens: Callable[[], None]) -> None:
        def hook(call: Call) -> None:
            if call.number == number:
                happens()

        self.place.hook = hook

    def cut_connections(self) -> None:
        import psycopg

        with psycopg.connect(self.server.url, autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname IS NOT NULL"
            )

    def settled(self) -> None:
        """Two cycles on, everything stands once and nothing is to be done."""
        self.place.hook = None
        self.cycle()
        self.place.calls.clear()
        assert self.cycle().complete
        assert self.place.writes() == []
        shown = [(item.start, item.end, item.who) for item in self.place.items.values()]
        assert len(shown) == len(set(shown)) == 5
        with self.store.read() as tx:
            assert tx.ledger.memory(self.name).intents == ()
        assert self.store.audit().problems == ()


@pytest.fixture
def town(tmp_path: Path, server: postgres.Server) -> Iterator[Town]:
    found = Town(tmp_path, server)
    yield found
    found.store.close()


@pytest.mark.parametrize("call", [1, 2, 3, 6])
def test_a_connection_that_is_cut_during_a_call_is_made_anew_and_the_cycle_goes_on(town: Town, call: int) -> None:
    town.at_call(call, town.cut_connections)
    assert town.cycle().complete
    town.settled()


@pytest.mark.parametrize("call", [1, 2, 3, 6])
def test_a_server_that_restarts_during_a_call_costs_nothing(town: Town, call: int) -> None:
    def restart() -> None:
        town.server.stop()
        town.server.start(**FEW)

    with ThreadPoolExecutor(1) as operator:  # the thread of a call ends with its cycle, and the server with that
        town.at_call(call, lambda: operator.submit(restart).result())
        with suppress(StoreError):
            town.cycle()
        town.settled()
        town.server.stop()
    town.server.start(**FEW)


@pytest.mark.parametrize("call", [1, 2, 3, 6])
def test_while_the_server_is_gone_nothing_is_written_remotely_and_then_it_is_settled(town: Town, call: int) -> None:
    town.at_call(call, town.server.stop)
    try:
        with pytest.raises(StoreError, match="cannot be read or written") as told:
            town.cycle()
        assert KEY not in str(told.value)
        gone = len(town.place.calls)
        with pytest.raises(StoreError):
            town.cycle()
        assert len(town.place.calls) == gone, "no call without a store"
    finally:
        town.server.start(**FEW)
    town.settled()


def test_a_server_out_of_connections_is_said_and_costs_nothing(town: Town) -> None:
    import psycopg

    taken = []
    town.store.close()
    try:
        with suppress(psycopg.OperationalError):
            while True:
                taken.append(psycopg.connect(town.server.url))
        with pytest.raises(StoreError, match="too many"):
            town.cycle()
        assert town.place.calls == []
    finally:
        for one in taken:
            one.close()
    town.settled()


def test_many_threads_get_along_with_the_few_connections_that_a_server_has(town: Town) -> None:
    import psycopg

    all_there, over = Barrier(41), Event()
    problems: list[BaseException] = []

    def work(number: int) -> None:
        try:
            all_there.wait(60)
            with town.store.write() as tx:
                tx.facts.put(f"thread {number}", number)
            with town.store.read() as tx:
                assert tx.facts.get(f"thread {number}") == number
        except BaseException as error:
            problems.append(error)
        over.wait(60)

    threads = [Thread(target=work, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    try:
        all_there.wait(60)
        end = monotonic() + 60
        while monotonic() < end:
            with town.store.read() as tx:
                if sum(tx.facts.get(f"thread {number}") == number for number in range(40)) == 40:
                    break
        with psycopg.connect(town.server.url) as admin:
            (ours,) = admin.execute("SELECT count(*) - 1 FROM pg_stat_activity WHERE datname IS NOT NULL").fetchone() or (0,)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert problems == []
    assert ours <= MOST
