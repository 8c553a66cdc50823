"""Receivers that are dead, slow or asked too much: whoever can be reached is, once; what cannot be sent is plain to see."""

from __future__ import annotations

import resource
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from syncd.config import load
from syncd.connector import Secret
from syncd.herald import Herald
from syncd.herald import lane as lanes
from syncd.herald.delivery import FAILING
from syncd.notify.channel import Answer, Message
from syncd.store import Store
from tests.shell.receivers import until
from tests.shell.test_herald import NOON, ROTA, SAID, SetClock

ALONE = {**SAID, "rota": [], "had": []}
ARRIVED = Answer()


class Post:
    """A herald whose messages go to `answer`: (who, message) → what became of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name, url in (("mail", "mailto://127.0.0.1:1?from=a@example.com"), ("group", "json://127.0.0.1:1/x")):
            self.secret(name, url)
        channels = "notices: {channels: {mail: {url: {file: mail}}, group: {url: {file: group}}}}\n"
        (folder / "syncd.yaml").write_text(ROTA.replace("admins: [cho]", "admins: [ana, ben, cho]") + channels)
        self.config = load(folder / "syncd.yaml", now=0)
        store = Store.open(folder / "state")
        assert store is not None
        self.store, self.clock = store, SetClock(NOON)
        self.got: list[tuple[str, Message]] = []
        self.answer: Callable[[str], Answer] = lambda who: ARRIVED
        self.restart()

    def secret(self, name: str, url: str) -> None:
        (self.folder / name).touch(0o600)
        (self.folder / name).write_text(url)

    def restart(self) -> None:
        self.herald = Herald(config=lambda: self.config, store=self.store, clock=self.clock, send=self.send)

    def send(self, url: Secret, message: Message, to: str) -> Answer:
        who = to.partition("@")[0] or "group"
        answer = self.answer(who)
        self.got.append((who, message))
        return answer

    def post(self, *ids: str, **more: Any) -> None:
        with self.store.write() as tx:
            for id_ in ids:
                tx.outbox.post({**ALONE, "id": id_, **more}, id_, at=self.clock.now())

    def turn(self, seconds: int = 1) -> None:
        self.clock.at += seconds
        self.herald.turn()
        until(lambda: self.herald.idle)

    def turns(self, count: int, seconds: int = 1) -> None:
        for _ in range(count):
            self.turn(seconds)

    def reached(self) -> list[str]:
        return sorted(who for who, _ in self.got)

    def waiting(self) -> int:
        with self.store.read() as tx:
            return tx.counts.notices().get("due", 0)


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    found = Post(tmp_path)
    yield found
    found.store.close()


def test_ten_thousand_at_once_are_one_digest_a_reader_in_little_memory_and_a_handoff_is_not_behind_them(post: Post) -> None:
    post.post(*(f"c{number}" for number in range(10_000)))
    post.post("h1", kind="handoff", direction="incoming", person="ana", others=[], to=[["mail", "ana"]], schedule="payments")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    post.turns(3)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024  # KiB
    assert post.reached() == ["ana", "ben", "cho", "group"]
    [(_, told)] = [one for one in post.got if one[0] == "cho"]
    assert told.title.startswith("10000 notices: Conflict at pager")
    assert "And 9950 more" in told.body
    assert len(told.body) < 50_000
    post.turns(3, 61)
    assert (len(post.got), post.waiting()) == (4, 0)


def test_whoever_hears_of_a_hold_is_spared_the_status_that_it_makes_and_everybody_hears_of_its_end(post: Post) -> None:
    with post.store.write() as tx:
        tx.preferences.set("ana", "", "hold", False)
        tx.preferences.set("ben", "", "attention", False)
        tx.holds.put("pager", "0123456789abcdef", reason="4 removals", changes=[], identities=["delete x"], since=0)
    post.post("h1", kind="H", digest="0123456789abcdef", text="4 entries would be removed")
    post.post("a1", kind="attention", spares="hold", text="pager needs attention: 4 entries would be removed")
    post.turns(3)
    told = sorted((who, text.title.partition(":")[0]) for who, text in post.got)
    assert told == [("ana", "pager needs attention"), *((who, "Held at pager") for who in ("ben", "cho", "group"))]
    post.got = []
    post.post("r1", kind="recovered", text="pager is well again")
    post.turns(3)
    assert post.reached() == ["ana", "cho", "group"]
    assert post.waiting() == 0


def test_two_dead_mailboxes_keep_nobody_else_waiting(post: Post) -> None:
    post.answer = lambda who: Answer("550 no such mailbox") if who in {"ana", "ben"} else ARRIVED
    post.post("c1")
    post.turns(70)
    assert {"cho", "group"} <= set(post.reached())
    post.got = []
    post.post("c2")
    post.turns(3)
    assert post.reached().count("cho") == 1
    assert post.reached().count("group") == 1


def test_a_failure_is_told_once_seen_in_the_store_and_gone_on_recovery(post: Post, capsys: pytest.CaptureFixture[str]) -> None:
    post.answer = lambda who: ARRIVED if who == "group" else Answer("535 authentication failed")
    post.post("c1")
    post.turns(200, 10)
    with post.store.read() as tx:
        failing = tx.facts.get(FAILING)
    assert {one["person"] for one in failing.values()} == {"ana", "ben", "cho"}
    assert {one["reason"] for one in failing.values()} == {"535 authentication failed"}
    assert capsys.readouterr().out.count("notice.failed") == 3
    post.restart()
    post.answer = lambda who: ARRIVED
    post.turns(100, 10)
    with post.store.read() as tx:
        assert tx.facts.get(FAILING) is None
    assert capsys.readouterr().out.count("notice.recovered") == 3
    assert post.waiting() == 0


def test_what_fails_is_tried_ever_more_seldom_and_given_up_after_a_week_with_a_line_in_the_journal(post: Post) -> None:
    post.answer = lambda who: Answer("down")
    post.post("c1")
    post.turns(3_600)
    tried = post.reached().count("cho")
    assert 5 <= tried <= 12
    post.turns(8 * 24, 3_600)
    with post.store.read() as tx:
        [line] = [one for one in tx.journal.list() if (one.event, one.entry) == ("notice not sent", "c1")]
    assert "given up after 7 days" in str(line.new)


def test_a_receiver_that_asks_us_to_wait_is_left_alone_for_as_long(post: Post) -> None:
    post.answer = lambda who: Answer("429", after=120.0) if who == "group" else ARRIVED
    post.post("c1")
    post.turns(2)
    post.post("c2")
    post.turns(100)
    assert post.reached().count("group") == 1
    assert post.reached().count("cho") == 2
    post.turns(60)
    assert post.reached().count("group") == 2


def test_an_address_that_cannot_be_read_loses_nothing_and_holds_up_nobody(post: Post) -> None:
    (post.folder / "mail").unlink()
    post.restart()
    post.post("c1")
    post.turns(3)
    assert post.reached() == ["group"]
    assert post.waiting() == 1
    post.secret("mail", "mailto://127.0.0.1:1?from=a@example.com")
    post.turns(3, 61)
    assert post.reached() == ["ana", "ben", "cho", "group"]


def test_a_receiver_that_never_ends_is_given_few_threads_and_nobody_else_hears_twice(
    post: Post,
) -> None:
    stuck = Event()

    def answer(who: str) -> Answer:
        if who == "ana":
            stuck.wait(30)
        return ARRIVED

    post.answer = answer
    post.post("c1")
    for _ in range(40):
        post.clock.at += 30
        post.herald.turn()
    hanging = [one for one in threading.enumerate() if one.name == "syncd-notice-mail"]
    assert 1 <= len(hanging) <= lanes.LEFT_BEHIND
    assert post.reached().count("group") == 1
    stuck.set()
    until(lambda: not [one for one in hanging if one.is_alive()])
    post.turns(30, 100)
    assert post.waiting() == 0
    assert post.reached().count("cho") == 1
    assert post.reached().count("ben") == 1


def test_an_odd_notice_is_told_and_holds_up_no_other(post: Post) -> None:
    post.post("odd", kind="gaps", rows="nonsense", why=7)
    post.post("odder", kind="changed", schedule=["x"], rows=None)
    post.post("c1")
    post.turns(70)
    assert [told.title for who, told in post.got if who == "cho" and told.title.startswith("Conflict at pager")]


def test_what_a_dead_daemon_left_unsent_is_sent_once_by_the_next(post: Post) -> None:
    post.post("c1", "c2")
    post.restart()
    post.turns(3)
    post.restart()
    post.turns(3)
    assert post.reached() == sorted(2 * ["ana", "ben", "cho", "group"])
