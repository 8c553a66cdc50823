"""Decides what a difference means: base, desired and observed of one piece of time and one lane → one line of the table.

This is the whole policy. PROTOCOL.md section 4 has the table in words, MERGE.md its counter-examples; a product question changes
one cell here. `sides_*.py` cut time into pieces and ask `classify`; `plan.py` turns what is pushed into calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from syncd.core.mode import Mode


class Do(StrEnum):
    """What happens to a piece of time."""

    SAME = "agree"
    PUSH = "the rota's value is put there"
    IMPORT = "the edit comes into the rota"
    WITHDRAW = "the import is withdrawn from the rota"
    KEEP = "left as it is"
    HOLD = "waits for a human"


class Tell(StrEnum):
    """Which notice goes with it."""

    NOTHING = "-"
    REMOVED = "R"
    IMPORTED = "I"
    CONFLICT = "C"
    HELD = "H"


class Cell(NamedTuple):
    do: Do
    tell: Tell = Tell.NOTHING


class Line(NamedTuple):
    """A line of the table: what it means in words, and a cell for each mode."""

    drift: str
    authoritative: Cell
    bidirectional: Cell
    manual: Cell

    def cell(self, mode: Mode) -> Cell:
        return {Mode.AUTHORITATIVE: self.authoritative, Mode.BIDIRECTIONAL: self.bidirectional, Mode.MANUAL: self.manual}[mode]


_SAME = Cell(Do.SAME)
_PUSH = Cell(Do.PUSH)
_PUSH_R = Cell(Do.PUSH, Tell.REMOVED)
_PUSH_C = Cell(Do.PUSH, Tell.CONFLICT)
_IMPORT_I = Cell(Do.IMPORT, Tell.IMPORTED)
_IMPORT_C = Cell(Do.IMPORT, Tell.CONFLICT)
_KEEP = Cell(Do.KEEP)
_KEEP_C = Cell(Do.KEEP, Tell.CONFLICT)
_KEEP_H = Cell(Do.KEEP, Tell.HELD)

TABLE: dict[str, Line] = {
    # row        what it means                                             authoritative  bidirectional                     manual
    "1": Line("equal", _SAME, _SAME, _SAME),
    "2": Line("new shift", _PUSH, _PUSH, _PUSH),
    "3": Line("changed in the rota", _PUSH, _PUSH, _PUSH),
    "3'": Line("changed in the rota, over an entry not surely ours", _PUSH_R, _PUSH_R, _PUSH_R),
    "4": Line("removed in the rota", _PUSH, _PUSH, _PUSH),
    "4'": Line("removed in the rota, the entry is not surely ours", _PUSH_R, _PUSH_R, _PUSH_R),
    "5": Line("edited at the destination", _PUSH_R, _IMPORT_I, _PUSH_R),
    "6": Line("deleted at the destination", _PUSH, _PUSH_C, _PUSH),
    "6a": Line("the entry an import came from is gone", _PUSH_R, Cell(Do.WITHDRAW, Tell.IMPORTED), _PUSH_R),
    "7": Line("changed on both sides, differently", _PUSH_R, _PUSH_C, _PUSH_R),
    "8": Line("changed in the rota, deleted at the destination", _PUSH, _PUSH_C, _PUSH),
    "9": Line("removed in the rota, edited at the destination", _PUSH_R, _IMPORT_I, _PUSH_R),
    "9'": Line("removed in the rota, somebody else's entry is there", _KEEP_H, _IMPORT_I, _KEEP_H),
    "10": Line("never exported, a human's entry is there", _PUSH_R, _IMPORT_C, _PUSH_R),
    "11": Line("nothing of ours", _KEEP, _KEEP, _KEEP),
    "12": Line("left over from a lost write", _PUSH, _PUSH, _PUSH),
    "12'": Line("like a write of ours that was never confirmed", _PUSH_R, _PUSH_R, _PUSH_R),
    "13": Line("differs, and what was agreed is not known", _PUSH_R, _PUSH_C, _PUSH_R),
    "14": Line("nobody in the rota, and what was agreed is not known", _KEEP_H, _KEEP_H, _KEEP_H),
    "14'": Line("nobody in the rota, surely ours and untouched", _PUSH_R, _PUSH, _PUSH_R),
    "15": Line("the destination has no account for the member", _KEEP_H, _KEEP_H, _KEEP_H),  # absent.py asks before
}


class Hands(StrEnum):
    """Whose hand gave what is observed in a piece."""

    NONE = "nobody's"
    OURS = "ours, untouched"
    EDITED = "ours, edited by a human"
    FOREIGN = "a human's"
    SEEN = "a human's, seen before"
    ADOPTED = "a human's, agreed before"
    ECHO = "perhaps ours"


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """The three values of one lane in one elementary segment: sets because a fault can leave several entries there."""

    base: frozenset[str]
    desired: str | None
    observed: frozenset[str]
    hands: Hands
    base_known: bool = True
    import_lost: bool = False
    """The observed side lost the entry that an import, still in force, came from; without it somebody is on."""


_NOT_SURELY_OURS = {Hands.FOREIGN, Hands.ADOPTED, Hands.SEEN, Hands.ECHO}
_HUMAN = {Hands.EDITED, Hands.FOREIGN}


def classify(piece: Piece) -> str:
    """The row of the table that `piece` is. Total: every combination of values and hands has exactly one."""
    base, observed, hands = piece.base, piece.observed, piece.hands
    desired = frozenset() if piece.desired is None else frozenset({piece.desired})
    if observed == desired:
        return "1"
    if not piece.base_known:
        return _unknown_base(piece)
    if observed == base:
        if not base:
            return "2"
        if hands in _NOT_SURELY_OURS:
            return "3'" if desired else "4'"
        return "3" if desired else "4"
    if hands is Hands.ECHO and not desired:
        return "12'"
    if hands in {Hands.FOREIGN, Hands.SEEN, Hands.ADOPTED} and not desired:  # coverage: where the rota has nobody it stays
        return "9'" if base and hands is Hands.FOREIGN else "11"
    if not observed:
        if desired == base:
            return "6a" if piece.import_lost else "6"
        return "8"
    if hands not in _HUMAN:  # ours, or seen before base was set: exposed, not edited (W10)
        return _ours(base, desired, hands)
    if desired == base:
        return "5"
    if not base:
        return "10"
    return "7" if desired else "9"


def _unknown_base(piece: Piece) -> str:
    if piece.desired is not None:
        return "13" if piece.observed else "2"
    return "14'" if piece.hands is Hands.OURS else "14"


def _ours(base: frozenset[str], desired: frozenset[str], hands: Hands) -> str:
    if not desired:
        return "4" if base else "12"
    return "3" if hands is Hands.OURS else "3'"
