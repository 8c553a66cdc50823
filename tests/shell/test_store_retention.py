"""What is long past is let go of, and nothing that was told, imported or used can come back by that."""

from __future__ import annotations

from syncd.core.model import DAY
from syncd.core.record import Imported, Row, Value
from syncd.store import Store
from tests.stores import NOON

MONTH = 30 * DAY
KEY = "payments/primary/20260306T120000Z/0"
"""Of a shift that starts at noon."""


def days_later(store: Store, days: int) -> int:
    """Rows that went, where it is looked every day."""
    gone = 0
    for day in range(days + 1):
        with store.write() as tx:
            gone += tx.drop_old(NOON + day * DAY)
    return gone


def told(store: Store, dedup: str, **said: int) -> bool:
    """Posts and sends it. Whether it was new."""
    with store.write() as tx:
        return tx.outbox.post({"kind": "R", **said}, dedup, at=NOON) and tx.outbox.sent(dedup, at=NOON)


def test_a_notice_is_remembered_until_a_month_after_what_it_tells_of(store: Store) -> None:
    assert told(store, "R-1", start=NOON, end=NOON + 5 * DAY)
    assert days_later(store, 35) == 0
    assert not told(store, "R-1", start=NOON, end=NOON + 5 * DAY)
    assert days_later(store, 36) == 1
    assert told(store, "R-1", start=NOON, end=NOON + 5 * DAY)


def test_a_notice_that_says_how_long_it_is_true_is_remembered_beyond_that(store: Store) -> None:
    assert told(store, "approval-ov-1", start=NOON, end=NOON, until=NOON + 40 * DAY)
    assert days_later(store, 69) == 0
    assert not told(store, "approval-ov-1")
    assert days_later(store, 71) == 1


def test_a_notice_whose_write_is_not_settled_is_never_dropped(store: Store) -> None:
    with store.write() as tx:
        tx.outbox.arm({"kind": "R", "start": NOON, "end": NOON}, "R-1", at=NOON)
    assert days_later(store, 100) == 0
    with store.read() as tx:
        assert [one.dedup for one in tx.outbox.armed()] == ["R-1"]


def test_a_notice_that_nobody_carried_for_a_month_is_dropped(store: Store) -> None:
    with store.write() as tx:
        tx.outbox.post({"kind": "R", "start": NOON, "end": NOON}, "R-1", at=NOON)
    assert days_later(store, 31) == 1


def test_a_clock_that_leapt_for_less_than_a_day_costs_nothing(store: Store) -> None:
    assert told(store, "R-1", start=NOON, end=NOON + DAY)
    days_later(store, 1)
    with store.write() as tx:
        for leap in (10 * 365 * DAY, 10 * 365 * DAY + 3600, -365 * DAY, 2 * DAY):
            assert tx.drop_old(NOON + leap) == 0
    assert not told(store, "R-1")


def test_a_conflict_can_be_restored_while_its_time_lasts_and_is_shown_a_month_longer(store: Store) -> None:
    with store.write() as tx:
        tx.conflicts.put(
            "cf-1", "google", role="primary", start=NOON, end=NOON + DAY, rota=[], destination_had=[], done="", since=NOON
        )
    assert days_later(store, 31) == 0
    with store.read() as tx:
        assert [one.id for one in tx.conflicts.open()] == ["cf-1"]
    assert days_later(store, 32) == 1


def test_a_hold_waits_for_its_answer_for_ever_and_is_dropped_once_it_is_closed(store: Store) -> None:
    with store.write() as tx:
        for digest in ("0123456789abcdef", "fedcba9876543210"):
            tx.holds.put("google", digest, reason="", changes=[], identities=[digest], since=NOON)
        tx.holds.close("google", "0123456789abcdef")
    assert days_later(store, 31) == 1
    with store.read() as tx:
        assert [hold.digest for hold in tx.holds.open()] == ["fedcba9876543210"]


def test_a_version_that_was_imported_is_known_as_long_as_its_entry_is(store: Store) -> None:
    with store.write() as tx:
        for ref in ("there", "gone"):
            tx.ledger.put_import(
                "google", Imported(override="ov-1", ref=ref, version="1", start=NOON, end=NOON + DAY, people=("ana",))
            )
        tx.ledger.put_row(
            "google", Row(ref="there", uid="u", key=KEY, generation=1, op="o", accepted=Value("ana", NOON, NOON + 99 * DAY))
        )
    assert days_later(store, 60) == 1
    with store.read() as tx:
        assert [one.ref for one in tx.ledger.memory("google").imports] == ["there"]


def test_a_generation_is_known_until_a_month_after_its_shift_began_and_as_long_as_the_entry_is(store: Store) -> None:
    other = KEY.replace("/0", "/1")
    with store.write() as tx:
        for key in (KEY, other, "no key of a shift"):
            tx.ledger.use_generation("google", key, 4)
        row = Row(ref="r", uid="u", key=other, generation=4, op="o", accepted=Value("ana", NOON, NOON + 99 * DAY))
        tx.ledger.put_row("google", row)
    assert days_later(store, 30) == 0
    assert days_later(store, 31) == 1
    with store.read() as tx:
        assert tx.ledger.memory("google").generations == {other: 4, "no key of a shift": 4}


def test_a_generation_that_an_older_version_wrote_is_let_go_of_as_well(store: Store) -> None:
    from syncd.store.migrations import MIGRATIONS

    with store.write() as tx:
        tx.ledger.use_generation("google", KEY, 1)
        tx.session.change("ALTER TABLE generations DROP COLUMN starts")
        MIGRATIONS[2](tx.session)
    assert days_later(store, 31) == 1


def test_the_journal_is_whole_however_much_is_let_go_of(store: Store) -> None:
    with store.write() as tx:
        for day in range(3):
            tx.journal.add(at=NOON + day * DAY, event="imported", destination="google")
    told(store, "R-1", start=NOON, end=NOON)
    assert days_later(store, 400) == 1
    audit = store.audit()
    assert (audit.rows, audit.problems) == (3, ())
