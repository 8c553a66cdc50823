"""Whose turn it is to write: in the order of asking, and whoever leaves the queue keeps nobody waiting."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from syncd.store.turns import Turns


def test_a_turn_is_handed_on_in_the_order_of_asking() -> None:
    turns = Turns()
    assert turns.take(1)
    order: list[int] = []

    def work(number: int) -> None:
        assert turns.take(30)
        order.append(number)
        turns.end()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(5)]
    for waiting, thread in enumerate(threads, 1):
        thread.start()
        while len(turns._waiting) < waiting:
            time.sleep(0.001)
    turns.end()
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2, 3, 4]
    assert turns.take(0)


def test_whoever_waited_in_vain_is_out_of_the_queue() -> None:
    turns = Turns()
    assert turns.take(1)
    assert not turns.take(0.01)
    turns.end()
    assert turns.take(0)


def test_whoever_was_interrupted_while_waiting_is_out_of_the_queue() -> None:
    turns = Turns()
    assert turns.take(1)
    me = threading.get_ident()

    def interrupt() -> None:
        while not turns._waiting:
            time.sleep(0.001)
        signal.pthread_kill(me, signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        turns.take(30)
    turns.end()
    assert turns.take(0)
