"""A store that is closed while threads are in the middle of a transaction."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from threading import Event, Thread

from syncd.store import Store, StoreError
from tests.stores import Place

HAMMER = """
from pathlib import Path
from threading import Event, Thread
from syncd.store import Store, StoreError
store, stop = Store.open(Path("state")), Event()
LONG = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT max(i) FROM n"
def work(n):
    while not stop.is_set():
        try:
            with store._database.transaction(write=False) as session:
                session.rows(LONG)
        except StoreError:
            pass
threads = [Thread(target=work, args=(n,)) for n in range(4)]
for thread in threads: thread.start()
for _ in range(300): store.close()
stop.set()
for thread in threads: thread.join()
"""


def test_no_connection_is_closed_under_a_running_statement(tmp_path: Path) -> None:
    """In a process of its own: SQLite would end it."""
    here = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", HAMMER], cwd=tmp_path, env=here, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_transaction_under_way_ends_as_it_began(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    assert store is not None
    begun, closed, said = Event(), Event(), []

    def work() -> None:
        try:
            with store.write() as tx:
                tx.facts.put("one", {"a": 1})
                begun.set()
                closed.wait(30)
                tx.facts.put("two", {"b": 2})
        except StoreError as error:
            said.append(error)

    thread = Thread(target=work)
    thread.start()
    assert begun.wait(30)
    store.close()
    closed.set()
    thread.join()
    assert said == []
    again = Store.open(tmp_path)
    assert again is not None
    with again.read() as tx:
        assert (tx.facts.get("one"), tx.facts.get("two")) == ({"a": 1}, {"b": 2})
    again.close()


def test_whoever_begins_as_another_thread_lets_all_connections_go_connects_anew(place: Place) -> None:
    store = place.open()
    over = Event()
    problems: list[BaseException] = []

    def let_go() -> None:
        while not over.wait(0.001):
            store.close()

    def work() -> None:
        try:
            for _ in range(50):
                with store.write() as tx:
                    tx.facts.put("n", (tx.facts.get("n") or 0) + 1)
        except BaseException as error:
            problems.append(error)

    closing = Thread(target=let_go)
    working = [Thread(target=work) for _ in range(3)]
    for thread in (closing, *working):
        thread.start()
    for thread in working:
        thread.join()
    over.set()
    closing.join()
    assert problems == []
    with store.read() as tx:
        assert tx.facts.get("n") == 150
