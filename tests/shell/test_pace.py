"""Calls of one credential, over all who share it: so many at once, soonest shifts first, and its rests kept by everybody."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event

import pytest

from syncd.clock import SystemClock
from syncd.config import load
from syncd.connector import Unavailable
from syncd.errand import Paces
from syncd.pace import LOOK, Pace, Turn
from tests.shell.command_line import ROTA
from tests.shell.running import Running

CLOCK = SystemClock()


def take(pace: Pace, urgency: int = LOOK, stop: Event | None = None) -> Turn:
    return pace.turn(urgency, CLOCK, stop or Event(), 30)


def waiting(pace: Pace, how_many: int) -> None:
    while len(pace._waiting) < how_many:
        threading.Event().wait(0.001)


def test_who_waits_gets_a_turn_by_the_start_of_its_shift_and_a_look_before_all() -> None:
    pace, order = Pace(1), []
    held = take(pace)

    def call(urgency: int) -> None:
        turn = take(pace, urgency)
        order.append(urgency)
        turn.end()

    threads = []
    for number, urgency in enumerate([3_000, 1_000, LOOK, 2_000]):
        threads.append(threading.Thread(target=call, args=(urgency,)))
        threads[-1].start()
        waiting(pace, number + 1)
    held.end()
    for thread in threads:
        thread.join(30)
    assert order == [LOOK, 1_000, 2_000, 3_000]


def test_all_wait_for_the_first_answer_and_then_call_at_once() -> None:
    pace, others = Pace(3), []
    first = take(pace)
    threads = [threading.Thread(target=lambda: others.append(take(pace))) for _ in range(2)]
    for thread in threads:
        thread.start()
    waiting(pace, 2)
    assert others == []
    pace.answered()
    first.end()
    for thread in threads:
        thread.join(30)
    assert len(others) == 2
    take(pace).end()


def test_who_gets_no_answer_keeps_the_others_waiting_for_seconds_only() -> None:
    pace, clock = Pace(2), SlowAnswer()
    pace.turn(LOOK, clock, Event(), 30)
    clock.passed = 5.0
    pace.turn(LOOK, clock, Event(), 30).end()
    pace.told(clock, 1.0)
    clock.passed = 7.0
    stop = Event()
    stop.set()
    with pytest.raises(Unavailable, match="not its turn"):
        pace.turn(LOOK, clock, stop, 30)


class SlowAnswer(SystemClock):
    passed = 0.0

    def monotonic(self) -> float:
        return self.passed


def test_a_turn_that_is_given_back_twice_makes_room_for_one() -> None:
    pace = Pace(1)
    turn = take(pace)
    turn.end()
    turn.end()
    take(pace)
    stop = Event()
    stop.set()
    with pytest.raises(Unavailable, match="not its turn") as told:
        take(pace, stop=stop)
    assert told.value.refused


def test_whoever_no_longer_waits_keeps_nobody_behind_it() -> None:
    pace, stop = Pace(1), Event()
    held, taken = take(pace), Event()

    def given_up() -> None:
        with pytest.raises(Unavailable):
            take(pace, 1_000, stop)

    first = threading.Thread(target=given_up)
    first.start()
    waiting(pace, 1)
    second = threading.Thread(target=lambda: (take(pace, 2_000), taken.set()))
    second.start()
    waiting(pace, 2)
    stop.set()
    first.join(30)
    held.end()
    assert taken.wait(30)


def test_two_kinds_of_one_vendor_share_the_pace_of_their_credential(tmp_path: Path) -> None:
    for name in ("key", "other"):
        (tmp_path / name).write_text("zeisig-und-lerche")
        (tmp_path / name).chmod(0o600)
    pagers = {"old": ("pagerduty", "key"), "new": ("pagerduty_v3", "key"), "far": ("pagerduty_v3", "other")}
    text = ROTA + "destinations:\n"
    for name, (kind, key) in pagers.items():
        options = f"schedule: P{name.upper()}, token: {{file: {key}}}"
        text += f"  {name}: {{kind: {kind}, schedule: payments, role: primary, options: {{{options}}}}}\n"
    (tmp_path / "syncd.yaml").write_text(text)
    there, paces = load(tmp_path / "syncd.yaml").destinations, Paces()
    old, new, far = (paces.of(there[name], 1) for name in pagers)
    assert old is new
    assert far is not new


class Busy:
    """A CalDAV server that answers everything with 429 and a `Retry-After`; it counts what it is asked."""

    def __init__(self, after: int) -> None:
        self.asked = asked = []

        class Answer(BaseHTTPRequestHandler):
            def answer(self) -> None:
                asked.append(self.command)
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(429)
                self.send_header("Retry-After", str(after))
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_PUT = do_REPORT = do_PROPFIND = do_OPTIONS = answer  # noqa: N815 - as the library calls them

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def destination(self, name: str) -> str:
        options = f'url: "http://127.0.0.1:{self.server.server_address[1]}/{name}/", username: syncd, password: {{file: key}}'
        return f"  {name}: {{kind: caldav, schedule: payments, role: primary, refresh: 1s, options: {{{options}}}}}\n"


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Busy]:
    (tmp_path / "key").write_text("zeisig-und-lerche")
    (tmp_path / "key").chmod(0o600)
    found = Busy(3_600)
    yield found
    found.server.shutdown()
    found.server.server_close()


def test_an_hour_of_429_is_one_call_a_reset_for_all_who_share_the_credential_also_for_the_next_daemon(
    tmp_path: Path, busy: Busy
) -> None:
    text = ROTA + "destinations:\n" + "".join(map(busy.destination, ("one", "two", "three")))
    running = Running(tmp_path, text)
    failures = failures_of(running)
    try:
        running.until(lambda: min(failures()) == 1)
        assert len(busy.asked) == 1, "all waited for the first answer"
        running.daemon._now(running.daemon._workers)
        running.until(lambda: min(failures()) >= 2)
    finally:
        running.close()
    assert len(busy.asked) == 1
    another = Running(tmp_path, text)
    failures = failures_of(another)
    try:
        another.until(lambda: min(failures()) == 1)
        assert len(busy.asked) == 1
        another.clock.skipped += 3_700
        another.daemon._now(another.daemon._workers)
        another.until(lambda: min(failures()) >= 2)
    finally:
        another.close()
    assert len(busy.asked) == 2


def failures_of(running: Running) -> Callable[[], list[int]]:
    """Of all three, once they are there."""
    return lambda: [found[name].failures if name in (found := running.daemon._workers) else 0 for name in ("one", "two", "three")]
