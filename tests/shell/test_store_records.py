"""Journal, holds, conflicts, notices, duty served, and how destinations stand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from syncd.core.model import HOUR, Shift, Source, Window
from syncd.store import Destination, NotFound, Store
from tests.stores import NOON, Place

DIGEST = "0123456789abcdef"


# --- journal -------------------------------------------------------------------------------


def test_the_journal_is_read_newest_first_and_by_what_is_asked(store: Store) -> None:
    with store.write() as tx:
        for n in range(4):
            tx.journal.add(
                at=NOON + n,
                event="imported" if n % 2 else "created",
                run=f"run-{n // 2}",
                destination=("google", "pager")[n % 2],
                actor="ana",
                entry="r1",
                old=None if n == 0 else {"person": "ana", "start": NOON},
                new=["Ana ☎"],
                digest=DIGEST,
            )
    with store.read() as tx:
        lines = tx.journal.list()
        assert [line.id for line in lines] == [4, 3, 2, 1]
        assert (lines[3].old, lines[2].old, lines[0].new) == (None, {"person": "ana", "start": NOON}, ["Ana ☎"])
        assert (lines[0].actor, lines[0].entry, lines[0].digest) == ("ana", "r1", DIGEST)
        assert [line.id for line in tx.journal.list(destination="google")] == [3, 1]
        assert [line.id for line in tx.journal.list(run="run-1", limit=1)] == [4]
        assert [line.id for line in tx.journal.list(event="imported", since=NOON + 2)] == [4]
        assert [line.id for line in tx.journal.list(since=NOON + 1, until=NOON + 3)] == [3, 2]
        assert tx.journal.count("imported", destination="pager", since=NOON) == 2
        assert tx.journal.count("imported", destination="google") == 0


def written(place: Place) -> Store:
    store = place.open()
    with store.write() as tx:
        for n in range(5):
            tx.journal.add(at=NOON + n, event="created", run="run-1", destination="google", new={"n": n})
    return store


def test_a_journal_nobody_touched_is_whole(place: Place) -> None:
    audit = written(place).audit()
    assert (audit.rows, audit.problems, len(audit.head)) == (5, (), 64)


def test_an_empty_journal_is_whole(store: Store) -> None:
    assert store.audit().problems == ()


@pytest.mark.parametrize(
    "tampering",
    [
        "DELETE FROM journal WHERE place = 1",
        "DELETE FROM journal WHERE place = 3",
        "DELETE FROM journal WHERE place = 5",
        "DELETE FROM journal",
        "UPDATE journal SET actor = 'nobody' WHERE place = 2",
        "UPDATE journal SET new = 'null' WHERE place = 5",
        "UPDATE journal SET at = at - 1 WHERE place = 4",
        "UPDATE journal SET destination = NULL WHERE place = 4",
        "UPDATE journal SET place = 9 WHERE place = 5",
        "UPDATE journal SET chain = (SELECT chain FROM journal WHERE place = 1) WHERE place = 3",
        "DELETE FROM journal_head",
        "INSERT INTO journal SELECT 6, at, run, destination, event, actor, entry, old, new, digest, chain FROM journal LIMIT 1",
    ],
)
def test_whatever_is_done_to_the_journal_shows(place: Place, tampering: str) -> None:
    store = written(place)
    with store.write() as tx:
        assert tx.session.change(tampering) > 0
    assert store.audit().problems


# --- holds and conflicts -------------------------------------------------------------------


def test_a_hold_is_released_by_the_beginning_of_its_digest(store: Store) -> None:
    with store.write() as tx:
        assert tx.holds.put("google", DIGEST, reason="ten removals", changes=[{"key": "k"}], identities=["a", "b"], since=NOON)
        assert not tx.holds.put("google", DIGEST, reason="again", changes=[], identities=["a"], since=NOON + 300)
        (hold,) = tx.holds.open("google")
        assert (hold.reason, hold.changes, hold.identities, hold.since) == ("ten removals", ({"key": "k"},), {"a", "b"}, NOON)
        assert tx.holds.open("pager") == ()
        assert tx.holds.released("google") == frozenset()
        answered = tx.holds.answer("012345", by="ana", at=NOON + 60)
        assert (answered.answered_by, answered.answered_at) == ("ana", NOON + 60)
        assert tx.holds.released("google") == {"a", "b"}
        assert tx.holds.released("pager") == frozenset()
        assert tx.holds.open() == ()
        assert not tx.holds.put("google", DIGEST, reason="again", changes=[], identities=["a"], since=NOON + 300)
        assert tx.holds.close("google", DIGEST)
        assert not tx.holds.close("google", DIGEST)
        assert tx.holds.released("google") == frozenset()
        assert tx.holds.put("google", DIGEST, reason="anew", changes=[], identities=["a"], since=NOON + 900)
        assert [(hold.reason, hold.since, hold.answered_by) for hold in tx.holds.open()] == [("anew", NOON + 900, None)]


@pytest.mark.parametrize("asked", ["01234", "", "ffffff", "0123456789abcde"])
def test_an_answer_that_does_not_name_exactly_one_hold_releases_none(store: Store, asked: str) -> None:
    with store.write() as tx:
        for digest in (DIGEST, "0123456789abcdee"):
            tx.holds.put("google", digest, reason="", changes=[], identities=[digest], since=NOON)
        with pytest.raises(NotFound):
            tx.holds.answer(asked, by="ana", at=NOON)
        assert len(tx.holds.open()) == 2


def test_a_conflict_is_open_until_it_is_closed(store: Store) -> None:
    with store.write() as tx:
        named = tx.conflicts.put(
            "",
            "google",
            role="primary",
            start=NOON,
            end=NOON + HOUR,
            rota=["ana"],
            destination_had=[{"person": None, "title": "Zed"}],
            done="the rota was written",
            since=NOON,
        )
        assert tx.conflicts.put(
            "cf-mine", "pager", role="primary", start=NOON, end=NOON + 1, rota=[], destination_had=[], done="", since=NOON
        )
        again = tx.conflicts.put(
            "cf-mine", "pager", role="other", start=NOON, end=NOON + 1, rota=[], destination_had=[], done="", since=NOON
        )
        assert (again, [one.role for one in tx.conflicts.open("pager")]) == ("cf-mine", ["primary"])
        (conflict,) = tx.conflicts.open("google")
        assert tx.conflicts.get(named) == conflict
        assert (conflict.role, conflict.start, conflict.end, conflict.rota) == ("primary", NOON, NOON + HOUR, ["ana"])
        assert conflict.destination_had == [{"person": None, "title": "Zed"}]
        assert tx.conflicts.close(named, by="ben", at=NOON + 5, how="restored")
        assert not tx.conflicts.close(named, by="ben", at=NOON + 6, how="dismissed")
        closed = tx.conflicts.get(named)
        assert closed is not None
        assert (closed.closed_by, closed.closed_at, closed.closed_how) == ("ben", NOON + 5, "restored")
        assert [one.id for one in tx.conflicts.open()] == ["cf-mine"]


# --- outbox --------------------------------------------------------------------------------


def test_a_notice_waits_until_what_it_tells_of_is_seen(store: Store) -> None:
    with store.write() as tx:
        assert tx.outbox.arm({"kind": "R", "to": ["ana"]}, "google/r1/ana", at=NOON)
        assert tx.outbox.pending(NOON) == ()
        assert [posted.dedup for posted in tx.outbox.armed()] == ["google/r1/ana"]
        assert tx.outbox.due("google/r1/ana", at=NOON + 5)
        assert not tx.outbox.due("google/r1/ana", at=NOON + 6)
        assert tx.outbox.armed() == ()
        assert [posted.notice for posted in tx.outbox.pending(NOON + 5)] == [{"kind": "R", "to": ["ana"]}]


def test_a_notice_is_said_once(store: Store) -> None:
    with store.write() as tx:
        assert tx.outbox.post({"n": 1}, "key", at=NOON)
        assert tx.outbox.sent("key", at=NOON + 1)
        assert not tx.outbox.sent("key", at=NOON + 1)
        assert not tx.outbox.post({"n": 2}, "key", at=NOON + 2)
        assert not tx.outbox.arm({"n": 2}, "key", at=NOON + 2)
        assert tx.outbox.pending(NOON + 9) == ()


def test_a_notice_that_did_not_get_through_is_tried_again(store: Store) -> None:
    with store.write() as tx:
        for name in ("first", "second"):
            tx.outbox.post({}, name, at=NOON)
        assert [posted.dedup for posted in tx.outbox.pending(NOON)] == ["first", "second"]
        tx.outbox.delivered("first", "slack")
        tx.outbox.delivered("first", "slack")
        assert tx.outbox.failed("first", "mail: connection refused", next_at=NOON + 60)
        assert tx.outbox.next_at() == NOON
        assert [posted.dedup for posted in tx.outbox.pending(NOON + 59)] == ["second"]
        assert tx.outbox.failed("second", "no such address", next_at=None)
        (posted,) = tx.outbox.pending(NOON + 60)
        assert (posted.attempts, posted.delivered, posted.problem) == (1, ("slack",), "mail: connection refused")
        assert tx.outbox.next_at() == NOON + 60


def test_a_notice_knows_that_its_write_went_out(store: Store) -> None:
    with store.write() as tx:
        tx.outbox.arm({"kind": "R"}, "key", at=NOON)
        assert tx.outbox.mark_sent_out("key")
        assert not tx.outbox.mark_sent_out("another")
        assert [posted.notice for posted in tx.outbox.armed()] == [{"kind": "R", "sent": True}]


def test_forgetting_a_destination_ends_what_waits_there(store: Store) -> None:
    with store.write() as tx:
        for name in ("google", "pager"):
            tx.destinations.put(Destination(name=name))
            tx.destinations.want([name])
            tx.holds.put(name, DIGEST, reason="", changes=[], identities=["a"], since=NOON)
        tx.forget("google")
        assert tx.destinations.names() == ("pager",)
        assert [hold.destination for hold in tx.holds.open()] == ["pager"]
        assert tx.destinations.wanted("google") == 0


def test_a_notice_of_what_did_not_happen_is_dropped(store: Store) -> None:
    with store.write() as tx:
        tx.outbox.arm({}, "key", at=NOON)
        assert tx.outbox.drop("key")
        assert tx.outbox.armed() == ()
        assert tx.outbox.post({}, "key", at=NOON)
        assert not tx.outbox.drop("key")


# --- destinations --------------------------------------------------------------------------


def test_how_a_destination_stands_comes_back(store: Store) -> None:
    standing = Destination(
        name="google",
        settings={"kind": "google", "options": {"calendar": "primary"}},
        mode="bidirectional",
        role="primary",
        schedule="payments",
        fingerprint="a/b",
        status="OK",
        since=NOON,
        next_due=NOON + 300,
        found={"calendar": "x"},
        more={"seen": [1]},
    )
    with store.write() as tx:
        assert tx.destinations.get("google") is None
        assert tx.destinations.put(standing)
        assert not tx.destinations.put(standing)
        assert tx.destinations.get("google") == standing
        assert tx.destinations.put(replace(standing, removed=True))
        tx.destinations.put(Destination(name="a"))
        assert tx.destinations.names() == ("a", "google")
        assert tx.destinations.all() == (Destination(name="a"), replace(standing, removed=True))
        assert tx.destinations.forget("a")
        assert tx.destinations.names() == ("google",)


def test_a_destination_wanted_during_its_cycle_is_due_again_after_it(store: Store) -> None:
    with store.write() as tx:
        for name, due in (("late", NOON - 60), ("later", NOON + 300), ("gone", NOON - 60)):
            tx.destinations.put(Destination(name=name, next_due=due, removed=name == "gone"))
        tx.destinations.put(Destination(name="never"))
        assert tx.destinations.due(NOON) == ("never", "late")
        began = tx.destinations.wanted("later")
        tx.destinations.want(["later", "gone"])
        tx.destinations.put(Destination(name="later", next_due=NOON + 600, answered=began))
        assert tx.destinations.due(NOON) == ("never", "late", "later")
        tx.destinations.put(Destination(name="later", next_due=NOON + 600, answered=tx.destinations.wanted("later")))
        assert tx.destinations.due(NOON) == ("never", "late")


# --- duty served ---------------------------------------------------------------------------


def shift(person: str, start: int, end: int, role: str = "primary") -> Shift:
    return Shift("payments", role, person, NOON + start * HOUR, NOON + end * HOUR, 0, Source(layer="weekly", turn=3))


def window(start: int, end: int) -> Window:
    return Window(NOON + start * HOUR, NOON + end * HOUR)


def test_duty_is_written_down_as_time_passes(store: Store) -> None:
    with store.write() as tx:
        assert tx.served.since("payments") is None
        for hour in range(4):
            tx.served.record("payments", window(hour, hour + 1), [shift("ana", -4, 2), shift("ben", 2, 8), shift("cho", 20, 24)])
        served, known = tx.served.between("payments", window(0, 10))
        assert [(one.person, (one.start - NOON) / HOUR, (one.end - NOON) / HOUR) for one in served] == [
            ("ana", 0, 2),
            ("ben", 2, 4),
        ]
        assert served[0].key == shift("ana", -4, 2).key
        assert served[0].source == Source("weekly", 3, None)
        assert known == (window(0, 4),)
        assert (tx.served.since("payments"), tx.served.until("payments")) == (NOON, NOON + 4 * HOUR)
        assert tx.served.between("search", window(0, 10)) == ((), ())


def test_what_was_served_is_never_rewritten(store: Store) -> None:
    with store.write() as tx:
        tx.served.record("payments", window(0, 4), [shift("ana", 0, 8)])
        tx.served.record("payments", window(0, 6), [shift("ben", 0, 8)])
        assert tx.served.record("payments", window(1, 5), [shift("cho", 0, 8)]) == 0
        served, known = tx.served.between("payments", window(0, 6))
        assert [(one.person, one.start, one.end) for one in served] == [
            ("ana", NOON, NOON + 4 * HOUR),
            ("ben", NOON + 4 * HOUR, NOON + 6 * HOUR),
        ]
        assert known == (window(0, 6),)


def test_a_time_without_a_record_is_told_from_one_with_nobody_on_call(store: Store) -> None:
    with store.write() as tx:
        tx.served.record("payments", window(0, 2), [])
        tx.served.record("payments", window(5, 6), [shift("ana", 0, 8)])
        served, known = tx.served.between("payments", window(1, 9))
        assert [(one.start, one.end) for one in served] == [window(5, 6)]
        assert known == (window(1, 2), window(5, 6))


def test_two_on_call_together_are_two_rows(store: Store) -> None:
    with store.write() as tx:
        two = [shift("ana", 0, 8), shift("ben", 0, 8)._replace(slot=1), shift("ana", 0, 8, role="backup")]
        tx.served.record("payments", window(0, 1), two)
        tx.served.record("payments", window(1, 2), two)
        served, _ = tx.served.between("payments", window(0, 9))
        assert [(one.role, one.person, one.end) for one in served] == [
            ("backup", "ana", NOON + 2 * HOUR),
            ("primary", "ana", NOON + 2 * HOUR),
            ("primary", "ben", NOON + 2 * HOUR),
        ]


# --- facts and choices ---------------------------------------------------------------------


def test_facts_and_choices_are_found_again(store: Store) -> None:
    with store.write() as tx:
        assert tx.facts.put("daemon", {"pid": 4711, "url": "http://127.0.0.1:40001"})
        assert not tx.facts.put("daemon", {"url": "http://127.0.0.1:40001", "pid": 4711})
        assert tx.facts.get("daemon") == {"pid": 4711, "url": "http://127.0.0.1:40001"}
        assert tx.facts.put("daemon", None)
        assert tx.facts.get("daemon") is None
        tx.preferences.set("ana", "mail", "handoff", {"lead": 3600})
        tx.preferences.set("ana", "mail", "handoff", {"lead": 60})
        tx.preferences.set("ana", "mail", "daily", False)
        tx.preferences.set("ben", "mail", "daily", True)
        tx.preferences.set("ben", "mail", "daily", None)
        assert tx.preferences.of("ana") == {("mail", "handoff"): {"lead": 60}, ("mail", "daily"): False}
        assert len(tx.preferences.all()) == 2
