"""Time off by command counts beside the file's own until it is taken back; nothing of it is ever deleted."""

from __future__ import annotations

import pytest

from syncd.core.model import DAY, Away, Schedule
from syncd.store import NotFound, Store
from tests.stores import NOON

ANA = Away(person="ana", start=NOON, end=NOON + DAY, reason="dentist")
FILE = Away(person="ben", start=NOON, end=NOON + DAY)
PAYMENTS = Schedule(id="payments", title="Payments", timezone="UTC", layers=(), away=(FILE,))


def test_time_off_counts_in_its_schedule_or_in_every_one(store: Store) -> None:
    with store.write() as tx:
        one = tx.overrides.time_off(ANA, schedule="payments", by="ana", at=NOON)
        every = tx.overrides.time_off(ANA, schedule=None, by="ben", at=NOON + 1)
    with store.read() as tx:
        assert tx.overrides.in_force(PAYMENTS).away == (FILE, ANA, ANA)
        assert tx.overrides.away.of("other") == (ANA,)
        assert [(told.id, told.schedule, told.by, told.at, told.away) for told in tx.overrides.away.list()] == [
            (one, "payments", "ana", NOON, ANA),
            (every, None, "ben", NOON + 1, ANA),
        ]


def test_what_was_taken_back_stays_with_who_and_why(store: Store) -> None:
    with store.write() as tx:
        id_ = tx.overrides.time_off(ANA, schedule=None, by="ana", at=NOON)
        assert tx.overrides.no_time_off(id_, by="ben", at=NOON + 5, reason="she stays")
        assert not tx.overrides.no_time_off(id_, by="cho", at=NOON + 9)
    with store.read() as tx:
        told = tx.overrides.away.get(id_)
        assert told is not None
        assert (told.removed_by, told.removed_at, told.removed_reason) == ("ben", NOON + 5, "she stays")
        assert tx.overrides.in_force(PAYMENTS).away == (FILE,)


def test_every_change_is_a_revision_of_the_schedules_it_is_about(store: Store) -> None:
    with store.write() as tx:
        before = tx.overrides.revision("payments"), tx.overrides.revision("other")
        id_ = tx.overrides.time_off(ANA, schedule="payments", by="ana", at=NOON)
        assert (tx.overrides.revision("payments"), tx.overrides.revision("other")) == (before[0] + 1, before[1])
        tx.overrides.time_off(ANA, schedule=None, by="ana", at=NOON)
        assert (tx.overrides.revision("payments"), tx.overrides.revision("other")) == (before[0] + 2, before[1] + 1)
        tx.overrides.no_time_off(id_, by="ana", at=NOON)
        assert tx.overrides.revision("payments") == before[0] + 3


def test_time_off_that_nobody_recorded_cannot_be_taken_back(store: Store) -> None:
    with store.write() as tx, pytest.raises(NotFound, match="aw-000000"):
        tx.overrides.no_time_off("aw-000000", by="ana", at=NOON)
