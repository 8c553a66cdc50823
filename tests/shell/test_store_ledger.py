"""What is remembered of each destination comes back as it was, and is not written twice."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from syncd.connector import Observation
from syncd.core.entry import Entry, Paged
from syncd.core.record import Action, Echo, Imported, Intent, Memory, Outcome, Piece, Row, Value
from syncd.store import Store
from tests.stores import NOON, Place

ROW = Row(
    ref="/cal/e0.ics",
    uid="c1f0",
    key="payments/primary/20260306T080000Z/0",
    generation=2,
    op="op-1",
    accepted=Value("ana", NOON, NOON + 3600, 1),
    version='"etag"',
    order=7,
    doubt="replace",
)
INTENT = Intent(
    op="op-2",
    run="run-1",
    action=Action.REPLACE,
    key=ROW.key,
    generation=3,
    uid="c1f1",
    ref=ROW.ref,
    before=ROW.accepted,
    after=Value("ben", NOON, NOON + 3600, 1),
    version='"etag"',
    seen=("P1", "P2"),
    at=NOON,
)
PIECES = (
    Piece(NOON, NOON + 60, "ana", "P1", ("P1", "P0")),
    Piece(NOON + 60, NOON + 120, None, None, (), agreed=False),
)
ECHO = Echo("op-3", "c1f2", Value("cho", NOON, NOON + 60), ("P9",), NOON)
IMPORTED = Imported(override="ov-000000", ref=ROW.ref, version='"etag2"', start=NOON, end=NOON + 60, people=("ana", "ben"))


def test_every_field_of_every_value_comes_back(store: Store) -> None:
    assert {value for value in fields(ROW) if getattr(ROW, value.name) in ("", None, 0)} == set()
    assert {value for value in fields(INTENT) if getattr(INTENT, value.name) in ("", None, 0, ())} == set()
    with store.write() as tx:
        tx.ledger.put_row("google", ROW)
        tx.ledger.open_intent("google", INTENT, 1)
        tx.ledger.set_pieces("google", PIECES)
        tx.ledger.put_echo("google", ECHO)
        tx.ledger.put_import("google", IMPORTED)
        tx.ledger.use_generation("google", ROW.key, 3)
    with store.read() as tx:
        assert tx.ledger.memory("google") == Memory(
            rows=(ROW,), pieces=PIECES, intents=(INTENT,), echoes=(ECHO,), imports=(IMPORTED,), generations={ROW.key: 3}
        )
        assert tx.ledger.memory("pager") == Memory()


def test_what_is_equal_is_not_written_again(store: Store) -> None:
    for changed in (True, False):
        with store.write() as tx:
            assert tx.ledger.put_row("google", ROW) is changed
            assert tx.ledger.set_pieces("google", PIECES) is changed
            assert tx.ledger.put_echo("google", ECHO) is changed
            assert tx.ledger.put_import("google", IMPORTED) is changed
            assert tx.ledger.use_generation("google", ROW.key, 3) is changed


def test_a_row_is_one_ref_whatever_else_of_it_changes(store: Store) -> None:
    other = replace(ROW, accepted=Value("ben", NOON, NOON + 60), version=None, doubt="", order=8)
    with store.write() as tx:
        tx.ledger.put_row("google", ROW)
        assert tx.ledger.put_row("google", other)
        tx.ledger.put_row("outlook", ROW)
    with store.write() as tx:
        assert tx.ledger.memory("google").rows == (other,)
        assert tx.ledger.drop_row("google", ROW.ref)
        assert not tx.ledger.drop_row("google", ROW.ref)
        assert tx.ledger.memory("outlook").rows == (ROW,)
        assert tx.ledger.destinations() == {"outlook"}
        assert (tx.ledger.count("google"), tx.ledger.count("outlook")) == (0, 1)


def test_pieces_take_the_place_of_those_before(store: Store) -> None:
    with store.write() as tx:
        tx.ledger.set_pieces("pager", PIECES)
    for wanted in ((PIECES[0],), (PIECES[0], PIECES[1]._replace(agreed=True)), (PIECES[1],), ()):
        with store.write() as tx:
            assert tx.ledger.set_pieces("pager", wanted)
            assert tx.ledger.memory("pager").pieces == wanted


def test_an_intent_stays_open_until_its_outcome_is_known(store: Store) -> None:
    with store.write() as tx:
        tx.ledger.open_intent("google", INTENT, 1)
        assert not tx.ledger.close_intent("google", INTENT.op, Outcome.UNKNOWN)
        assert tx.ledger.memory("google").intents == (INTENT,)
        assert tx.ledger.close_intent("google", INTENT.op, Outcome.APPLIED)
        assert not tx.ledger.close_intent("google", INTENT.op, Outcome.APPLIED)
        assert tx.ledger.memory("google").intents == ()


def test_intents_come_back_in_the_order_in_which_they_were_opened(store: Store) -> None:
    opened = [replace(INTENT, op=op) for op in ("z", "a", "m")]
    with store.write() as tx:
        for intent in opened:
            tx.ledger.open_intent("google", intent, 1)
        assert list(tx.ledger.memory("google").intents) == opened


def test_an_echo_ends(store: Store) -> None:
    with store.write() as tx:
        tx.ledger.put_echo("pager", ECHO)
        assert tx.ledger.put_echo("pager", ECHO._replace(at=NOON + 1))
        assert tx.ledger.memory("pager").echoes == (ECHO._replace(at=NOON + 1),)
        assert tx.ledger.drop_echo("pager", ECHO.op)
        assert tx.ledger.memory("pager").echoes == ()


def test_a_generation_never_falls(store: Store) -> None:
    with store.write() as tx:
        tx.ledger.use_generation("google", "k", 4)
        assert not tx.ledger.use_generation("google", "k", 2)
        assert tx.ledger.memory("google").generations == {"k": 4}


def test_orders_rise_for_each_destination_by_itself(store: Store) -> None:
    with store.write() as tx:
        assert [tx.ledger.next_order("pager"), tx.ledger.next_order("pager"), tx.ledger.next_order("other")] == [1, 2, 1]


def test_forgetting_a_destination_leaves_the_others(store: Store) -> None:
    with store.write() as tx:
        for name in ("google", "outlook"):
            tx.ledger.put_row(name, ROW)
            tx.ledger.set_pieces(name, PIECES)
            tx.ledger.put_import(name, IMPORTED)
            tx.observations.put(name, Observation(entries=()), NOON)
        assert tx.ledger.forget("google") == 1
        assert tx.ledger.memory("google") == Memory()
        assert tx.observations.last("google") is None
        assert len(tx.ledger.memory("outlook").rows) == 1
        assert tx.observations.last("outlook") is not None


def test_an_observation_comes_back_with_its_time(store: Store) -> None:
    seen = Observation(
        entries=(
            Entry(
                ref="r1", uid="u1", start=NOON, end=NOON + 60, person="ana", title="Ana\x00: 主\ud800", version="v", marker="m"
            ),
            Entry(ref="r2", uid="u2", start=NOON, end=NOON + 60, person=None),
        ),
        same=frozenset({"r2"}),
        paged=(Paged(start=NOON, end=NOON + 60, person="ana", title="Ana", ref="r1"),),
        server_time=NOON,
        fingerprint="account/calendar",
        found={"calendar": "https://dav.example/ana/oncall/"},
    )
    with store.write() as tx:
        assert tx.observations.last("google") is None
        assert tx.observations.put("google", seen, NOON)
    with store.write() as tx:
        assert tx.observations.last("google") == (seen, NOON)
        assert not tx.observations.put("google", replace(seen, server_time=NOON + 300), NOON + 300)
        assert tx.observations.last("google") == (replace(seen, server_time=NOON + 300), NOON + 300)
        assert tx.observations.put("google", replace(seen, same=frozenset()), NOON + 600)
        assert tx.observations.last("google") == (replace(seen, same=frozenset()), NOON + 600)


def test_a_ref_that_no_database_can_keep_is_refused_and_not_changed(store: Store) -> None:
    with pytest.raises(ValueError, match=r"."), store.write() as tx:
        tx.ledger.put_row("google", replace(ROW, ref="half a character \ud800"))
    with store.read() as tx:
        assert tx.ledger.memory("google") == Memory()


def test_a_number_that_no_database_can_keep_is_refused(store: Store) -> None:
    with pytest.raises((ValueError, OverflowError)), store.write() as tx:
        tx.ledger.put_row("google", replace(ROW, generation=2**64))
    with store.read() as tx:
        assert tx.ledger.memory("google") == Memory()


def test_what_goes_wrong_in_a_transaction_undoes_all_of_it(store: Store) -> None:
    def fail() -> None:
        with store.write() as tx:
            tx.ledger.put_row("google", ROW)
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        fail()
    with store.read() as tx:
        assert tx.ledger.memory("google") == Memory()


def test_a_question_writes_nothing(store: Store) -> None:
    with pytest.raises(RuntimeError), store.read() as tx:
        tx.ledger.put_row("google", ROW)


def test_a_reader_sees_one_moment(place: Place) -> None:
    ours, theirs = place.open(), place.open()
    with ours.read() as tx:
        assert tx.ledger.memory("google") == Memory()
        with theirs.write() as other:
            other.ledger.put_row("google", ROW)
        assert tx.ledger.memory("google") == Memory()
    with ours.read() as tx:
        assert tx.ledger.memory("google").rows == (ROW,)


def test_transactions_do_not_nest(store: Store) -> None:
    with store.write(), pytest.raises(RuntimeError, match="nest"), store.read():
        pass
    with store.write() as tx:
        tx.facts.put("still", "works")
