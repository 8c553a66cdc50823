"""The decision table as it is written in the documents: (base, desired, observed, hands) → row, and row × mode → what is done."""

from __future__ import annotations

from itertools import product

import pytest

from syncd.core.merge import TABLE, Do, Hands, Piece, Tell, classify
from syncd.core.mode import Mode

NONE, OURS, EDITED = Hands.NONE, Hands.OURS, Hands.EDITED
FOREIGN, SEEN, ADOPTED, ECHO = Hands.FOREIGN, Hands.SEEN, Hands.ADOPTED, Hands.ECHO

ROWS = [
    # base   desired observed hands     row
    ("",     "",     "",      NONE,     "1"),
    ("ana",  "",     "",      NONE,     "1"),  # both gone
    ("ana",  "ana",  "ana",   OURS,     "1"),
    ("",     "ana",  "ana",   FOREIGN,  "1"),  # adopted
    ("ana",  "ben",  "ben",   EDITED,   "1"),  # both changed alike
    ("ana",  "ben",  "ben",   FOREIGN,  "1"),
    ("",     "ana",  "",      NONE,     "2"),
    ("ana",  "ben",  "ana",   OURS,     "3"),
    ("ana",  "ben",  "ana",   ADOPTED,  "3'"),
    ("ana",  "ben",  "ana",   ECHO,     "3'"),
    ("ana",  "ben",  "ana",   SEEN,     "3'"),
    ("ana",  "",     "ana",   OURS,     "4"),
    ("ana",  "",     "ana",   ADOPTED,  "4'"),
    ("ana",  "",     "ana",   ECHO,     "4'"),
    ("ana",  "ana",  "cho",   EDITED,   "5"),
    ("ana",  "ana",  "cho",   FOREIGN,  "5"),
    ("",     "",     "cho",   EDITED,   "5"),  # extended into a gap: MERGE rule 3
    ("ana",  "ana",  "",      NONE,     "6"),
    ("ana",  "ben",  "cho",   EDITED,   "7"),
    ("ana",  "ben",  "cho",   FOREIGN,  "7"),
    ("ana",  "ben",  "",      NONE,     "8"),
    ("ana",  "",     "cho",   EDITED,   "9"),
    ("ana",  "",     "cho",   FOREIGN,  "9'"),
    ("",     "ana",  "cho",   FOREIGN,  "10"),
    ("",     "ana",  "cho",   EDITED,   "10"),  # extended past the last exported shift
    ("",     "",     "cho",   FOREIGN,  "11"),
    ("",     "",     "cho",   SEEN,     "11"),
    ("",     "",     "cho",   OURS,     "12"),
    ("",     "",     "cho",   ECHO,     "12'"),
    ("ana",  "",     "cho",   ECHO,     "12'"),
    ("ana",  "ana",  "cho",   OURS,     "3"),  # our own leftover is no edit: W10
    ("ana",  "ben",  "cho",   OURS,     "3"),
    ("ana",  "ana",  "cho",   SEEN,     "3'"),  # exposed, not edited: W10
    ("ana",  "ana",  "cho",   ADOPTED,  "3'"),
    ("ana",  "ana",  "cho",   ECHO,     "3'"),
    ("",     "ana",  "cho",   SEEN,     "3'"),
]  # fmt: skip

UNKNOWN_BASE = [
    # desired observed hands     row
    ("ana",  "ana",   EDITED,   "1"),
    ("",     "",      NONE,     "1"),
    ("ana",  "",      NONE,     "2"),
    ("ana",  "cho",   OURS,     "13"),
    ("ana",  "cho",   EDITED,   "13"),
    ("ana",  "cho",   FOREIGN,  "13"),
    ("",     "cho",   OURS,     "14'"),
    ("",     "cho",   EDITED,   "14"),
    ("",     "cho",   FOREIGN,  "14"),
]  # fmt: skip

PUSH, SAME, KEEP, IMPORT, WITHDRAW = Do.PUSH, Do.SAME, Do.KEEP, Do.IMPORT, Do.WITHDRAW
CELLS = {
    # row     authoritative  bidirectional   manual, on a trigger
    "1":     ((SAME, "-"),   (SAME, "-"),     (SAME, "-")),
    "2":     ((PUSH, "-"),   (PUSH, "-"),     (PUSH, "-")),
    "3":     ((PUSH, "-"),   (PUSH, "-"),     (PUSH, "-")),
    "3'":    ((PUSH, "R"),   (PUSH, "R"),     (PUSH, "R")),
    "4":     ((PUSH, "-"),   (PUSH, "-"),     (PUSH, "-")),
    "4'":    ((PUSH, "R"),   (PUSH, "R"),     (PUSH, "R")),
    "5":     ((PUSH, "R"),   (IMPORT, "I"),   (PUSH, "R")),
    "6":     ((PUSH, "-"),   (PUSH, "C"),     (PUSH, "-")),
    "6a":    ((PUSH, "R"),   (WITHDRAW, "I"), (PUSH, "R")),
    "7":     ((PUSH, "R"),   (PUSH, "C"),     (PUSH, "R")),
    "8":     ((PUSH, "-"),   (PUSH, "C"),     (PUSH, "-")),
    "9":     ((PUSH, "R"),   (IMPORT, "I"),   (PUSH, "R")),
    "9'":    ((KEEP, "H"),   (IMPORT, "I"),   (KEEP, "H")),
    "10":    ((PUSH, "R"),   (IMPORT, "C"),   (PUSH, "R")),
    "11":    ((KEEP, "-"),   (KEEP, "-"),     (KEEP, "-")),
    "12":    ((PUSH, "-"),   (PUSH, "-"),     (PUSH, "-")),
    "12'":   ((PUSH, "R"),   (PUSH, "R"),     (PUSH, "R")),
    "13":    ((PUSH, "R"),   (PUSH, "C"),     (PUSH, "R")),
    "14":    ((KEEP, "H"),   (KEEP, "H"),     (KEEP, "H")),
    "14'":   ((PUSH, "R"),   (PUSH, "-"),     (PUSH, "R")),
    "15":    ((KEEP, "H"),   (KEEP, "H"),     (KEEP, "H")),
}  # fmt: skip

MODES = (Mode.AUTHORITATIVE, Mode.BIDIRECTIONAL, Mode.MANUAL)


def piece(base: str, desired: str, observed: str, hands: Hands, *, known: bool = True, lost: bool = False) -> Piece:
    def people(name: str) -> frozenset[str]:
        return frozenset({name} if name else ())

    return Piece(
        base=people(base), desired=desired or None, observed=people(observed), hands=hands, base_known=known, import_lost=lost
    )


@pytest.mark.parametrize(("base", "desired", "observed", "hands", "row"), ROWS)
def test_three_values_and_a_hand_are_one_row(base: str, desired: str, observed: str, hands: Hands, row: str):
    assert classify(piece(base, desired, observed, hands)) == row


@pytest.mark.parametrize(("desired", "observed", "hands", "row"), UNKNOWN_BASE)
@pytest.mark.parametrize("base", ["", "ana", "ben", "cho"])
def test_what_was_agreed_plays_no_part_where_it_is_not_known(base: str, desired: str, observed: str, hands: Hands, row: str):
    assert classify(piece(base, desired, observed, hands, known=False)) == row


def test_the_entry_of_an_import_is_gone():
    assert classify(piece("cho", "cho", "", NONE, lost=True)) == "6a"
    assert classify(piece("cho", "ben", "", NONE, lost=True)) == "8"


def test_every_row_of_the_table_has_the_cells_of_the_documents():
    found = {row: tuple((c.do, c.tell.value) for c in map(line.cell, MODES)) for row, line in TABLE.items()}
    assert found == CELLS


def everything():
    """Every combination of values, also of several people in one lane, and hands."""
    sets = [frozenset(s) for s in ((), ("ana",), ("ben",), ("cho",), ("ana", "ben"))]
    for base, desired, observed, known, lost in product(sets, (None, "ana", "ben", "cho"), sets, (True, False), (True, False)):
        for hands in Hands if observed else [NONE]:
            if not observed or hands is not NONE:
                yield Piece(base=base, desired=desired, observed=observed, hands=hands, base_known=known, import_lost=lost)


def cells():
    for p in everything():
        for mode in MODES:
            yield p, mode, TABLE[classify(p)].cell(mode)


def test_every_combination_is_exactly_one_row_of_the_table():
    assert {classify(p) for p in everything()} | {"15"} == set(TABLE)  # that one is asked before there is a comparison


def test_imports_happen_in_bidirectional_only_and_only_of_what_is_seen():
    for p, mode, cell in cells():
        if cell.do is IMPORT:
            assert mode is Mode.BIDIRECTIONAL
            assert p.observed


def test_nothing_is_imported_but_a_humans_hand():
    assert {p.hands for p, _, cell in cells() if cell.do is IMPORT} == {EDITED, FOREIGN}


def test_nothing_is_imported_where_what_was_agreed_is_not_known():
    assert not [p for p, _, cell in cells() if cell.do is IMPORT and not p.base_known]


def test_where_the_rota_has_nobody_bidirectional_never_takes_an_entry_that_a_human_made_or_changed_away():
    for p, mode, cell in cells():
        if mode is Mode.BIDIRECTIONAL and p.desired is None and p.hands in {EDITED, FOREIGN} and p.observed != p.base:
            assert cell.do in {SAME, KEEP, IMPORT}, p


def test_no_value_of_a_human_is_overwritten_without_a_word():
    for p, mode, cell in cells():
        if cell.do is PUSH and p.observed and p.hands not in {OURS, NONE} and p.observed != p.base:
            assert cell.tell is not Tell.NOTHING, (p, mode)


def test_an_entry_that_is_not_surely_ours_never_goes_without_a_word():
    for p, mode, cell in cells():
        if cell.do is PUSH and p.observed and p.hands in {FOREIGN, SEEN, ADOPTED, ECHO}:
            assert cell.tell is not Tell.NOTHING, (p, mode)


def test_what_agrees_is_left_alone_in_every_mode():
    for p, _, cell in cells():
        if p.observed == frozenset({p.desired} if p.desired else ()):
            assert cell == (SAME, Tell.NOTHING)
