"""What the random rotas and the state machine come across only now and then."""

from __future__ import annotations

from dataclasses import replace

from syncd.core import pager
from syncd.core.desired import Target
from syncd.core.drift import Policy
from syncd.core.entry import Entry, Paged
from syncd.core.gaps import Cause, gaps
from syncd.core.merge import Do, Tell
from syncd.core.mode import Mode
from syncd.core.model import Overlap, Shift, Source, Window
from syncd.core.record import Imported, Memory, Piece
from tests.core.say import at, layer, override, rota, schedule


def test_an_override_of_a_pager_that_was_imported_once_is_never_imported_again():
    """MERGE.md rule 11: "(ref, version) for ever". The rota has ben again, and nothing is agreed of that time."""
    shift = Shift("s", "primary", "ben", 8, 16, 0, Source())
    imported = Imported(override="ov", ref="p1", version="", start=8, end=16, people=("dev",))
    elsewhere = Piece(16, 24, "cho", "p2", ("p2",))
    found = {
        memory.imports: pager.compare(
            now=0,
            window=Window(0, 16),
            targets=[Target(shift, 0, 8, 16)],
            entries=[Entry(ref="p1", uid="", start=8, end=16, person="dev")],
            paged=[Paged(start=8, end=16, person="dev", ref="p1")],
            memory=memory,
            policy=Policy(mode=Mode.BIDIRECTIONAL),
            without=lambda override, window: True,
        )
        for memory in (Memory(pieces=(elsewhere,)), Memory(pieces=(elsewhere,), imports=(imported,)))
    }
    assert [(d.start, d.end, d.row, d.do, d.people) for d in found[()]] == [(8, 16, "10", Do.IMPORT, ("dev",))]
    assert [(d.start, d.end, d.do, d.tell) for d in found[(imported,)]] == [(8, 16, Do.PUSH, Tell.CONFLICT)]


def test_where_the_first_override_wins_those_that_put_nobody_on_go_before_somebody_covers():
    """Neither of the two is the only one: taking one back is not enough, and a new one comes last."""
    one = schedule(
        layer("ana"),
        override_overlap=Overlap.FIRST,
        overrides=(
            override("", "2026-03-05", "2026-03-07", id="sick"),
            override("", "2026-03-06", "2026-03-06T12:00", id="fair"),
        ),
    )
    known = rota(one, "ana", "ben")
    empty = [gap for gap in gaps(known, one, Window(at("2026-03-06T06:00"), at("2026-03-06T08:00"))) if gap.cause is Cause.NOBODY]
    assert empty
    for gap in empty:
        *gone, new = gap.suggestion[gap.suggestion.index("syncd ") :].split(" && ")
        assert gone == ["syncd override remove sick", "syncd override remove fair"]
        assert new.startswith("syncd override add --schedule payments --role primary --person ")
        words = new.split()
        said = {word: words[i + 1] for i, word in enumerate(words) if word.startswith("--")}
        cover = override(said["--person"], said["--from"], said["--to"])
        assert gaps(known, replace(one, overrides=(cover,)), Window(gap.start, gap.end)) == []
