"""Where a version is made of what an entry says it may come back: it is told all the same whose hand that was."""

from __future__ import annotations

from syncd.core.calendar import accepted, compare
from syncd.core.desired import in_lanes
from syncd.core.drift import Drift, Policy
from syncd.core.entry import Entry
from syncd.core.merge import Do, Tell
from syncd.core.mode import Mode
from syncd.core.model import Shift, Source, Window
from syncd.core.own import standing
from syncd.core.record import Imported, Memory, Row, Value

WRITTEN = Row(ref="x", uid="", key="k", generation=1, op="one", accepted=Value("ana", 0, 8), version="ana")
IMPORT = Imported(override="ov", ref="x", version="cho", start=0, end=8, people=("cho",))


def looked(memory: Memory, stands: str, rota: str) -> tuple[list[Drift], list[Row]]:
    """What is made of `x`, which shows `stands` where the rota has `rota`, and the rows that this changes."""
    there = standing([Entry(ref="x", uid="", start=0, end=8, person=stands, version=stands)], memory, {}, 0)
    targets = in_lanes([Shift("s", "primary", rota, 0, 8, 0, Source())], [own.says for own in there.own], 0)
    drifts = compare(
        now=0, window=Window(0, 8), targets=targets, there=there, memory=memory,
        policy=Policy(mode=Mode.BIDIRECTIONAL), without=lambda override, window: True,
    )  # fmt: skip
    return drifts, accepted(there, drifts, 0)[0]


def test_what_was_given_away_and_is_given_back_is_an_edit_and_not_what_we_once_wrote():
    drifts, [row] = looked(Memory(rows=(WRITTEN,)), "cho", "ana")
    assert [(d.do, d.people) for d in drifts] == [(Do.IMPORT, ("cho",))]
    assert (row.accepted.person, row.version) == ("cho", None)
    drifts, [row] = looked(Memory(rows=(row,), imports=(IMPORT,)), "ana", "cho")
    assert [(d.do, d.people, d.tell) for d in drifts] == [(Do.IMPORT, ("ana",), Tell.IMPORTED)]
    assert row.accepted.person == "ana"


def test_the_same_edit_again_is_a_new_one_where_we_wrote_since_and_else_the_old_one():
    drifts, _ = looked(Memory(rows=(WRITTEN,), imports=(IMPORT,)), "cho", "ana")
    assert [(d.do, d.people) for d in drifts] == [(Do.IMPORT, ("cho",))]
    unwritten = Row(ref="x", uid="", key="k", generation=1, op="one", accepted=Value("ana", 0, 8))
    drifts, _ = looked(Memory(rows=(unwritten,), imports=(IMPORT,)), "cho", "ana")
    assert [(d.do, d.tell) for d in drifts] == [(Do.PUSH, Tell.CONFLICT)]
