"""How many cycles work at once, and that no hanging one keeps another waiting."""

from __future__ import annotations

from threading import Event, Thread

from syncd.crowd import Crowd


class Asked:
    """A cycle on a thread of its own, until `leave`."""

    def __init__(self, crowd: Crowd, ended: bool = False) -> None:
        self.inside, self.leave = Event(), Event()
        self.thread = Thread(target=self._work, args=(crowd, ended), daemon=True)
        self.thread.start()

    def _work(self, crowd: Crowd, ended: bool) -> None:
        with crowd.turn(lambda: ended) as self.alive:
            self.inside.set()
            self.leave.wait()

    def go(self) -> None:
        self.leave.set()
        self.thread.join()


class Hands:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def test_who_comes_when_all_places_are_taken_waits_until_one_leaves():
    crowd = Crowd(Hands(), most=2)
    first, second = Asked(crowd), Asked(crowd)
    assert first.inside.wait(10)
    assert second.inside.wait(10)
    third = Asked(crowd)
    assert not third.inside.wait(0.2)
    first.go()
    assert third.inside.wait(10)
    second.go()
    third.go()


def test_nobody_waits_for_those_of_whom_nothing_is_heard():
    clock = Hands()
    crowd = Crowd(clock, most=2, patience=10)
    hangs, works = Asked(crowd), Asked(crowd)
    assert hangs.inside.wait(10)
    assert works.inside.wait(10)
    clock.at = 11.0
    works.alive()
    third = Asked(crowd)
    assert third.inside.wait(10), "in the place of the one that hangs"
    fourth = Asked(crowd)
    assert not fourth.inside.wait(0.2), "the other one works"
    for one in (hangs, works, third, fourth):
        one.go()


def test_who_is_only_about_to_leave_is_let_in():
    crowd = Crowd(Hands(), most=1)
    first = Asked(crowd)
    assert first.inside.wait(10)
    last = Asked(crowd, ended=True)
    assert last.inside.wait(10)
    first.go()
    last.go()
