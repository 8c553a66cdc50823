"""Where a destination has no account for whoever the rota has on, whoever is there stays (row 15)."""

from __future__ import annotations

from dataclasses import replace

from syncd.core.absent import kept, lacking, left, refused, told, unsent
from syncd.core.drift import Drift
from syncd.core.entry import Absent
from syncd.core.health import next_unexported
from syncd.core.merge import Do, Tell
from syncd.core.model import Shift, Source
from syncd.core.plan import Status
from syncd.core.record import Value

GONE = {"dev": Absent(7, "dev has no account: make one")}


def shift(person: str, start: int = 0, end: int = 8, slot: int = 0) -> Shift:
    return Shift("s", "primary", person, start, end, slot, Source())


def says(shifts: list[Shift]) -> list[tuple[str, int, int]]:
    return [(one.person, one.start, one.end) for one in shifts]


def test_where_everybody_has_an_account_the_rota_is_as_it_is():
    assert left([shift("ana")], GONE, [Value("ben", 0, 8)]) == [shift("ana")]


def test_whoever_is_there_stays_and_where_nobody_is_nobody_comes():
    assert says(left([shift("dev")], GONE, [Value("ben", 2, 4)])) == [("ben", 2, 4)]
    assert says(left([shift("dev")], GONE, [Value("ben", 0, 4), Value("cho", 4, 8)])) == [("ben", 0, 4), ("cho", 4, 8)]
    assert says(left([shift("dev"), shift("ana", 8, 9)], GONE, [Value("ben", 0, 4), Value("ben", 4, 8)])) == [
        ("ben", 0, 8), ("ana", 8, 9),
    ]  # fmt: skip


def test_an_entry_of_their_own_stays_before_anybody_elses():
    assert says(left([shift("dev")], GONE, [Value("ben", 0, 8), Value("dev", 0, 8)])) == [("dev", 0, 8)]


def test_nobody_stands_in_who_is_on_anyway_or_stands_in_already():
    both = {**GONE, "eve": Absent(7, "")}
    there = [Value("ana", 0, 8), Value("ben", 0, 8)]
    assert says(left([shift("ana"), shift("dev", slot=1)], GONE, there)) == [("ana", 0, 8), ("ben", 0, 8)]
    assert says(left([shift("ana"), shift("dev", slot=1), shift("eve", slot=2)], both, there)) == [("ana", 0, 8), ("ben", 0, 8)]


def test_where_a_human_put_somebody_the_rota_is_as_it_is():
    edits = [Value("cho", 2, 6)]
    assert says(left([shift("dev")], GONE, [Value("ben", 0, 8)], edits)) == [("ben", 0, 2), ("dev", 2, 6), ("ben", 6, 8)]
    assert says(left([shift("dev"), shift("cho", slot=1)], GONE, [], edits)) == [("cho", 0, 8)]


def test_what_a_human_put_there_is_left_and_told_and_what_comes_into_the_rota_comes():
    def drift(row: str, do: Do, desired: str | None) -> Drift:
        return Drift(
            start=0, end=8, lane=0, row=row, do=do, tell=Tell.REMOVED, base=frozenset({"dev"}), desired=desired,
            observed=frozenset({"cho"}), refs=(("E1", "1"),),
        )  # fmt: skip

    found = kept([drift("5", Do.PUSH, "dev"), drift("5", Do.IMPORT, "dev"), drift("5", Do.PUSH, "ana")], GONE)
    assert [(one.row, one.do, one.tell) for one in found] == [
        ("15", Do.KEEP, Tell.HELD), ("5", Do.IMPORT, Tell.REMOVED), ("5", Do.PUSH, Tell.REMOVED),
    ]  # fmt: skip


def test_what_is_not_sent_waits_with_its_reason_unless_it_stands_there():
    rota = [shift("dev", 0, 8), shift("dev", 20, 28), shift("dev", 90, 98), shift("ana", 8, 20)]
    lack = lacking(rota, GONE, 10, 50)
    assert says(list(lack)) == [("dev", 20, 28)]
    [change] = refused(lack, left(rota, GONE, []), GONE, 22)
    assert (change.row, change.status, change.reason, change.after) == ("15", "waits", GONE["dev"].text, Value("dev", 22, 28))
    assert refused(lack, left(rota, GONE, [Value("dev", 20, 28)]), GONE, 10) == ()


def test_what_would_put_one_of_them_on_call_waits():
    changes = refused([shift("ana"), shift("dev")], [], {"ana": Absent(7, "soon"), **GONE}, 0)
    now = [replace(one, status=Status.NOW, reason="") for one in changes]
    held = replace(now[1], status=Status.HELD)
    assert [(one.status, one.reason) for one in unsent([*now, held, replace(now[1], shift=None)], GONE)] == [
        ("now", ""), ("waits", GONE["dev"].text), ("held", ""), ("now", ""),
    ]  # fmt: skip


def test_one_notice_a_person_and_absence():
    lack = [shift("dev", 0, 8), shift("dev", 20, 28)]
    [notice] = told(lack, GONE, destination="pager", schedule="s", role="primary")
    assert (notice.id, notice.start, notice.end) == ("missing-pager-dev-7", 0, 28)


def test_long_names_are_told_apart():
    dev, eve = ("d" * 63 + last for last in "ve")
    lack = [shift(dev), shift(eve)]
    missing = {dev: Absent(7, ""), eve: Absent(7, "")}
    found = [*told(lack, missing, destination="p" * 64, schedule="s", role="primary")]
    again = told(lack[:1], {dev: Absent(8, "")}, destination="p" * 64, schedule="s", role="primary")
    assert len({one.id for one in [*found, *again]}) == 3


def test_a_shift_that_lacks_an_account_is_unexported_whatever_stands_there():
    assert next_unexported([], [], 5, 50, [shift("dev", 0, 8)]) == 5
    assert next_unexported([], [], 5, 50) is None
