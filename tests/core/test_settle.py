"""What became of writes whose answer was lost, by what is read (W2, W4, W5, W8)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from syncd.core.entry import Entry
from syncd.core.marker import Claim, Hand
from syncd.core.model import DAY
from syncd.core.record import Action, Echo, Intent, Memory, Outcome, Row, Value
from syncd.core.settle import settle

ANA, BEN = Value("ana", 0, 8), Value("ben", 0, 8)
ROW = Row(ref="r", uid="u", key="k", generation=1, op="old", accepted=ANA)


def intent(action: Action, before: Value | None = None, after: Value | None = None, seen: tuple[str, ...] = ()) -> Intent:
    ref = None if action is Action.CREATE else "r"
    return Intent(
        op="new", run="x", action=action, key="k", generation=1, uid="u", ref=ref, before=before, after=after, seen=seen
    )


def entry(said: Value, ref: str = "r", uid: str = "u") -> Entry:
    return Entry(ref=ref, uid=uid, start=said.start, end=said.end, person=said.person)


def claim(op: str, said: Value) -> dict[str, tuple[Hand, Claim | None]]:
    return {"r": (Hand.OWN, Claim(key="k", generation=1, op=op, value=said, title="t", words="w"))}


def test_a_create_is_known_by_its_marker():
    done = settle(Memory(intents=(intent(Action.CREATE, after=ANA),)), [entry(ANA)], claim("new", ANA), 0)
    assert done.outcomes == {"new": Outcome.APPLIED}
    assert [(r.ref, r.op, r.accepted) for r in done.memory.rows] == [("r", "new", ANA)]
    assert done.memory.generations == {"k": 1}
    assert done.memory.intents == ()


def test_a_create_whose_marks_the_server_took_away_is_known_by_its_id():
    done = settle(Memory(intents=(intent(Action.CREATE, after=ANA),)), [entry(ANA)], {}, 0)
    assert done.outcomes == {"new": Outcome.APPLIED}
    assert [(r.ref, r.op) for r in done.memory.rows] == [("r", "new")]


def test_in_a_pager_a_create_is_known_by_value_among_what_was_not_there_before():
    memory = Memory(intents=(intent(Action.CREATE, after=ANA, seen=("p1",)),))
    done = settle(memory, [entry(ANA, "p1", ""), entry(ANA, "p2", ""), entry(BEN, "p3", "")], {}, 0)
    assert [r.ref for r in done.memory.rows] == ["p2"]
    assert done.memory.echoes == ()


def test_a_create_that_is_not_there_is_remembered_for_a_day():
    done = settle(Memory(intents=(intent(Action.CREATE, after=ANA),)), [], {}, 50)
    assert done.outcomes == {"new": Outcome.REJECTED}
    (echo,) = done.memory.echoes
    assert (echo.op, echo.uid, echo.value) == ("new", "u", ANA)
    old = Memory(echoes=(Echo("new", "u", ANA, (), 0),))
    assert len(settle(old, [], {}, DAY - 1).memory.echoes) == 1
    assert settle(old, [], {}, DAY).memory.echoes == ()


def test_a_create_that_landed_late_is_ours_by_its_id():
    memory = Memory(echoes=(Echo("new", "u", ANA, (), 0), Echo("other", "v", BEN, (), 0)))
    done = settle(memory, [entry(ANA)], claim("new", ANA), 60)
    assert [(r.ref, r.accepted) for r in done.memory.rows] == [("r", ANA)]
    assert [e.op for e in done.memory.echoes] == ["other"]


def test_a_delete_is_done_once_its_entry_is_gone():
    done = settle(Memory(rows=(ROW,), intents=(intent(Action.DELETE, before=ANA),)), [], {}, 0)
    assert done.outcomes == {"new": Outcome.APPLIED}
    assert done.memory.rows == ()


def test_an_entry_that_outlived_its_delete_is_never_relied_on():
    done = settle(Memory(rows=(ROW,), intents=(intent(Action.DELETE, before=ANA),)), [entry(ANA)], {}, 0)
    assert done.outcomes == {"new": Outcome.REJECTED}
    assert [r.doubt for r in done.memory.rows] == ["delete"]
    alone = settle(Memory(intents=(intent(Action.DELETE, before=ANA),)), [entry(ANA)], {}, 0)
    assert alone.memory.rows == ()


@pytest.mark.parametrize(
    ("op", "outcome", "accepted"),
    [("new", Outcome.APPLIED, BEN), ("old", Outcome.REJECTED, ANA), ("third", Outcome.REJECTED, ANA)],
)
def test_a_change_is_known_by_the_markers_operation(op: str, outcome: Outcome, accepted: Value):
    memory = Memory(rows=(ROW,), intents=(intent(Action.REPLACE, ANA, BEN),))
    done = settle(memory, [entry(BEN)], claim(op, BEN), 0)
    assert done.outcomes == {"new": outcome}
    assert [r.accepted for r in done.memory.rows] == [accepted]


@pytest.mark.parametrize(
    ("says", "outcome", "doubt"),
    [(BEN, Outcome.APPLIED, ""), (ANA, Outcome.REJECTED, ""), (Value("cho", 0, 8), Outcome.REJECTED, "replace")],
)
def test_without_marks_a_change_is_judged_by_value_and_a_third_value_makes_the_base_unknown(
    says: Value, outcome: Outcome, doubt: str
):
    memory = Memory(rows=(ROW,), intents=(intent(Action.REPLACE, ANA, BEN),))
    done = settle(memory, [entry(says)], {}, 0)
    assert done.outcomes == {"new": outcome}
    assert [r.doubt for r in done.memory.rows] == [doubt]


def test_a_change_that_was_made_leaves_no_version_of_the_write_before_it():
    written = replace(ROW, version="1")
    memory = Memory(rows=(written,), intents=(intent(Action.REPLACE, ANA, BEN),))
    for says, marks, version in (
        (BEN, {}, None), (BEN, claim("new", BEN), None), (ANA, {}, "1"), (ANA, claim("old", ANA), "1"),
    ):  # fmt: skip
        assert [r.version for r in settle(memory, [entry(says)], marks, 0).memory.rows] == [version]


def test_a_change_of_what_is_gone_or_not_ours_was_not_done():
    change = intent(Action.REPLACE, ANA, BEN)
    assert settle(Memory(rows=(ROW,), intents=(change,)), [], {}, 0).outcomes == {"new": Outcome.REJECTED}
    assert settle(Memory(intents=(change,)), [entry(BEN)], {}, 0).outcomes == {"new": Outcome.REJECTED}
    assert settle(Memory(rows=(ROW,), intents=(replace(change, after=None),)), [entry(BEN)], {}, 0).outcomes == {
        "new": Outcome.REJECTED
    }


def test_a_create_that_said_nothing_is_found_by_its_id_alone():
    bare = intent(Action.CREATE)
    assert settle(Memory(intents=(bare,)), [entry(ANA, uid="w")], {}, 0).outcomes == {"new": Outcome.REJECTED}
    assert settle(Memory(intents=(bare,)), [entry(ANA)], {}, 0).outcomes == {"new": Outcome.APPLIED}
