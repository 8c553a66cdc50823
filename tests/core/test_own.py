"""Whose an entry is, what it says, and whether a human changed it (W8, MERGE.md rules 11, 12 and 26)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from syncd.core.entry import Entry
from syncd.core.marker import Claim, Hand, digest
from syncd.core.own import Own, Verdict, is_unknown, same_from, standing, unknown
from syncd.core.record import Memory, Row, Value

ANA = Value("ana", 0, 8)
TITLE = "Ana: Primary"
ENTRY = Entry(ref="r", uid="u", start=0, end=8, person="ana", title=TITLE, version="1", marker="m")
ROW = Row(ref="r", uid="u", key="k", generation=1, op="one", accepted=ANA, version="1")
CLAIM = Claim(key="k", generation=1, op="one", value=ANA, title=digest(TITLE), words=digest(TITLE))


def only(entry: Entry, row: Row | None = ROW, claim: Claim | None = CLAIM, now: int = 0) -> Own:
    marks: dict[str, Verdict] = {"r": (Hand.OWN, claim)} if claim else {}
    (own,) = standing([entry], Memory(rows=(row,) if row else ()), marks, now).own
    return own


def test_what_we_wrote_and_nobody_touched_is_not_edited():
    own = only(ENTRY)
    assert (own.says, own.accepted, own.edited, own.lost) == (ANA, ANA, False, False)


def test_a_moved_or_retitled_entry_is_edited():
    assert only(replace(ENTRY, end=9)).edited
    assert only(replace(ENTRY, title="Ben: Primary", person="ben")).edited


def test_an_untouched_titles_person_is_the_markers_whoever_it_reads_like_today():
    assert only(replace(ENTRY, person=None)).says.person == "ana"
    assert only(replace(ENTRY, person="ben")).says.person == "ana"


def test_another_title_without_a_known_person_says_somebody_unknown():
    own = only(replace(ENTRY, title="Zoe", person=None))
    assert own.says.person == unknown("Zoe")
    assert is_unknown(own.says.person)
    assert not is_unknown("ana")
    assert not is_unknown(None)


def test_stripped_marks_leave_the_ledger_and_the_version():
    assert only(replace(ENTRY, person=None), claim=None).says.person == "ana"
    assert only(replace(ENTRY, person="ben", version="2"), claim=None).edited
    assert only(ENTRY, row=replace(ROW, doubt="replace"), claim=None).accepted is None


def test_a_marker_without_a_row_is_a_lost_ledger():
    own = only(ENTRY, row=None)
    assert own.lost
    assert own.accepted == ANA


def test_a_newer_marker_than_the_row_is_what_was_agreed():
    newer = replace(CLAIM, op="two", value=replace_value(end=9))
    assert only(replace(ENTRY, end=9), claim=newer).accepted == replace_value(end=9)


def replace_value(*, end: int) -> Value:
    return ANA._replace(end=end)


def test_another_entry_at_the_address_of_ours_is_foreign_and_ours_is_gone():
    there = standing([replace(ENTRY, uid="other")], Memory(rows=(ROW,)), {}, 0)
    assert (there.own, there.gone, len(there.foreign)) == ((), (ROW,), 1)


@pytest.mark.parametrize(("hand", "where"), [(Hand.PEER, "peers"), (Hand.COPY, "copies"), (Hand.FOREIGN, "foreign")])
def test_everything_else_is_sorted_by_whose_hand(hand: Hand, where: str):
    there = standing([ENTRY], Memory(), {"r": (hand, None)}, 0)
    assert getattr(there, where) == (ENTRY,)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (None, None, True),
        (ANA, None, False),
        (None, ANA, False),
        (ANA, Value("ana", 2, 8), True),  # both began before now
        (ANA, Value("ana", 5, 8), False),
        (ANA, Value("ben", 0, 8), False),
        (ANA, Value("ana", 0, 9), False),
        (Value("ana", 0, 2), Value("ben", 1, 4), True),  # both over
    ],
)
def test_the_past_is_not_compared(one: Value | None, other: Value | None, same: bool):
    assert same_from(4, one, other) is same


def test_a_humans_cosmetic_edit_counts_as_our_wording():
    assert only(ENTRY).worded(TITLE)
    assert not only(ENTRY).worded("On call: Ana")
    assert only(replace(ENTRY, title="Ana: Primary!")).worded("On call: Ana")
    assert only(ENTRY, claim=None).worded("anything")
