"""Several destinations at once, each on a thread of its own: one that is slow delays no other, and holds up no interruption."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from threading import Event, Semaphore, Thread
from typing import TYPE_CHECKING

from syncd.cli.told import Result
from syncd.connector import Unavailable

if TYPE_CHECKING:
    from syncd.config.settings import Destination

MOST = 16
PATIENCE = 15.0
"""Seconds that a call under way is waited for once somebody has asked to stop (F44)."""


def at_once(chosen: Sequence[Destination], do: Callable[[Destination], Result], *, stop: Event | None = None) -> list[Result]:
    """In the order of `chosen`. `do` says itself what failed; whatever else it raises is raised here.

    `KeyboardInterrupt` leaves at once. After `stop` a call that does not end is left, as it would be by a crash: its outcome is
    found by the next look.
    """
    done: dict[str, Result] = {}
    broken: list[BaseException] = []
    room = Semaphore(MOST)

    def one(settings: Destination) -> None:
        try:
            with room:
                done[settings.name] = do(settings)
        except BaseException as error:  # told on the thread that waits
            broken.append(error)

    threads = [Thread(target=one, args=(each,), name=f"syncd-{each.name}", daemon=True) for each in chosen]
    for thread in threads:
        thread.start()
    asked: float | None = None
    for thread in threads:
        while thread.is_alive():
            thread.join(None if stop is None else 0.05)
            if stop is not None and stop.is_set() and asked is None:
                asked = time.monotonic()
            if asked is not None and time.monotonic() - asked > PATIENCE:
                break
    if broken:
        raise broken[0]
    return [done.get(each.name) or Result(settings=each, error=Unavailable(LEFT), done=True) for each in chosen]


LEFT = "its call did not end in time and was left; the next look finds out what became of it"
