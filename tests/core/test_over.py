"""What lies over an entry of ours is an edit of it, covers nothing by itself, and what a pager renders is what counts."""

from __future__ import annotations

from dataclasses import replace

from syncd.core.beside import adopted
from syncd.core.calendar import compare
from syncd.core.desired import in_lanes
from syncd.core.drift import Drift, Policy
from syncd.core.entry import Entry, Paged
from syncd.core.merge import Do, Tell
from syncd.core.mode import Mode
from syncd.core.model import Instant, Shift, Source, Window
from syncd.core.own import Standing, standing
from syncd.core.plan import Change
from syncd.core.plan_calendar import plan
from syncd.core.record import Memory, Row, Value
from syncd.core.shown import differs_paged, under

X = Entry(ref="x", uid="", start=0, end=8, person="ana", version="1")
MEMORY = Memory(rows=(Row(ref="x", uid="", key="k", generation=1, op="one", accepted=Value("ana", 0, 8), version="1"),))
OVER = Entry(ref="o", uid="", start=2, end=4, person="cho", version="2", over="x")


def shift(person: str = "ana", start: Instant = 0, end: Instant = 8) -> Shift:
    return Shift("s", "primary", person, start, end, 0, Source())


def there(*entries: Entry, now: Instant = 0) -> Standing:
    return standing(entries, MEMORY, {}, now)


def drifts(found: Standing, *rota: Shift, mode: Mode = Mode.AUTHORITATIVE) -> list[Drift]:
    targets = in_lanes(rota, [own.says for own in found.own], 0)
    policy = Policy(mode=mode)
    return compare(
        now=0, window=Window(0, 8), targets=targets, there=found, memory=MEMORY, policy=policy, without=lambda o, w: False
    )


def changes(found: Standing, *rota: Shift, mode: Mode = Mode.AUTHORITATIVE) -> list[Change]:
    made = plan(
        now=0, horizon=8, targets=in_lanes(rota, [own.says for own in found.own], 0), there=found,
        drifts=drifts(found, *rota, mode=mode), memory=MEMORY, wording=lambda shift: "", truncates=True,
    )  # fmt: skip
    return list(made)


def test_it_is_an_edit_in_the_lane_of_what_is_under_it_and_no_longer_than_that():
    [over] = there(X, replace(OVER, end=12)).over
    assert (over.says, over.accepted, over.edited) == (Value("cho", 2, 8), Value("ana", 0, 8), True)
    assert there(X, replace(OVER, person=None, title="Zoe")).over[0].says.person == "?Zoe"
    assert there(X, replace(OVER, person=None)).over[0].says.person == ""


def test_over_somebody_elses_entry_it_is_somebody_elses_and_when_past_nobodys():
    assert [entry.ref for entry in there(X, replace(OVER, over="f")).foreign] == ["o"]
    assert there(X, OVER, now=4).over == ()


def test_its_piece_is_edited_and_the_rest_is_as_agreed():
    assert [(d.start, d.end, d.row, d.do) for d in drifts(there(X, OVER), shift())] == [
        (0, 2, "1", Do.SAME), (2, 4, "5", Do.PUSH), (4, 8, "1", Do.SAME),
    ]  # fmt: skip
    [edit] = [d for d in drifts(there(X, OVER), shift(), mode=Mode.BIDIRECTIONAL) if d.row == "5"]
    assert (edit.do, edit.tell, edit.people, edit.refs) == (Do.IMPORT, Tell.IMPORTED, ("cho",), (("o", "2"),))


def test_over_an_entry_that_a_human_moved_as_well_it_is_what_counts():
    moved = replace(X, end=9, version="3")
    assert [d.observed for d in drifts(there(moved, OVER), shift()) if (d.start, d.end) == (2, 4)] == [frozenset({"cho"})]


def test_an_override_by_nobody_is_a_deletion():
    assert [d.row for d in drifts(there(X, replace(OVER, person=None)), shift())] == ["1", "6", "1"]


def test_taking_it_away_uncovers_nothing():
    [away] = changes(there(X, OVER), shift())
    assert (away.ref, away.row, away.before, away.beneath) == ("o", "5", Value("cho", 2, 4), Value("ana", 2, 4))
    assert (away.relied, away.human) == (False, True)


def test_where_it_is_kept_what_is_under_it_stays_whole():
    unknown = replace(OVER, person=None, title="Zoe")
    assert changes(there(X, unknown), shift(), mode=Mode.BIDIRECTIONAL) == []
    assert changes(there(X, unknown), shift(end=2), shift("ben", 4), mode=Mode.BIDIRECTIONAL) == []


def test_one_that_lies_outside_of_its_entry_goes_without_a_word():
    [away] = changes(there(X, replace(OVER, start=8, end=9)), shift())
    assert (away.ref, away.row, away.drifts) == ("o", "1", ())


def test_it_is_never_taken_for_ours():
    assert adopted([OVER], (), [shift("cho", 2, 4)], 0) == []


def test_what_is_under_it_is_not_shown_meanwhile():
    found = there(X, OVER)
    assert under(found.over, found.own) == [Value("ana", 0, 2), Value("ana", 4, 8), Value("cho", 2, 4)]
    outside = there(X, replace(OVER, start=8, end=9))
    assert under(outside.over, outside.own) == [Value("ana", 0, 8)]


def paged(person: str | None, start: Instant, end: Instant, ref: str | None = "x") -> Paged:
    return Paged(start=start, end=end, person=person, title="" if person else "Zoe", ref=ref)


def test_what_is_rendered_is_compared_with_the_rota_person_by_person():
    window = Window(0, 8)
    assert differs_paged([shift()], [paged("ana", 0, 8)], window) == 0
    assert differs_paged([shift()], [paged("ana", 0, 5), paged("ana", 3, 8, None)], window) == 0
    assert differs_paged([shift()], [paged("ana", 0, 8), paged(None, 2, 4)], window) == 2
    assert differs_paged([shift()], [], window) == 8


def test_layers_of_the_pagers_own_count_where_the_rota_has_somebody():
    window = Window(0, 8)
    assert differs_paged([shift(end=4)], [paged("ana", 0, 4), paged("cho", 0, 8, None)], window) == 4
    assert differs_paged([shift(end=4)], [paged("ana", 0, 4), paged("cho", 4, 8)], window) == 4
    assert differs_paged([shift(end=4)], [paged("ana", 0, 4), paged("cho", 4, 8, None)], window) == 0
