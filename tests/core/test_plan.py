"""The order of calls and what certainly stands meanwhile (MERGE.md rule 5), the digest (rule 16) and generations (rule 6)."""

from __future__ import annotations

from itertools import permutations

from syncd.core import plan_calendar
from syncd.core.desired import Target
from syncd.core.drift import Drift, Pull
from syncd.core.entry import Entry
from syncd.core.merge import Do, Tell
from syncd.core.model import Shift, Source
from syncd.core.own import Own, Standing
from syncd.core.plan import Change, Cover, Plan, Status, next_generation, ordered
from syncd.core.record import Action, Memory, Row, Value


def entry(said: Value) -> Entry:
    return Entry(ref=f"{said.person}{said.start}", uid="u", start=said.start, end=said.end, person=said.person)


def change(before: Value | None, after: Value | None, status: Status = Status.NOW) -> Change:
    action = Action.CREATE if before is None else Action.DELETE if after is None else Action.REPLACE
    shift = Shift("s", "primary", after.person, after.start, after.end, 0, Source()) if after else None
    return Change(
        action=action,
        row="3",
        key="k",
        shift=shift,
        before=before,
        after=after,
        status=status,
        entry=entry(before) if before else None,
    )


def targets(*said: Value) -> list[Target]:
    return [Target(Shift("s", "primary", v.person, v.start, v.end, 0, Source()), 0, v.start, v.end) for v in said]


ANA, BEN, CHO = Value("ana", 0, 8), Value("ben", 8, 16), Value("cho", 4, 8)


def shown(changes: tuple[Change, ...]) -> list[tuple[str, str]]:
    return [(c.action.value, (c.after or c.before or ANA).person) for c in changes]


def test_cover_first_and_uncover_last_in_whatever_order_they_come():
    plans = [
        change(None, CHO),
        change(ANA, ANA._replace(end=4)),
        change(BEN, BEN._replace(start=7)),
        change(Value("dev", 0, 1), None),
    ]
    standing = [ANA, BEN, Value("dev", 0, 1)]
    wanted = targets(ANA._replace(end=4), CHO, BEN)
    for some in permutations(plans):
        first, second, *uncover = shown(ordered(some, standing, wanted, 0))
        assert [first, second] == [("create", "cho"), ("replace", "ben")]
        assert sorted(uncover) == [("delete", "dev"), ("replace", "ana")]


def test_a_ring_of_moves_is_opened_with_a_create():
    ring = [change(ANA, ANA._replace(start=8, end=16)), change(BEN, BEN._replace(start=0, end=8))]
    wanted = targets(ANA._replace(start=8, end=16), BEN._replace(start=0, end=8))
    found = ordered(ring, [ANA, BEN], wanted, 0)
    assert [c.action for c in found] == [Action.CREATE, Action.REPLACE, Action.DELETE]
    assert {c.status for c in found} == {Status.NOW}


def test_what_can_never_be_safe_waits_with_its_reason():
    (found,) = ordered([change(ANA, None)], [ANA], targets(ANA), 0)
    assert found.status is Status.WAITS
    assert "nobody else" in found.reason


def test_what_is_held_is_not_relied_on():
    held = change(None, CHO, Status.HELD)
    found = ordered([held, change(ANA, ANA._replace(end=4))], [ANA], targets(ANA._replace(end=4), CHO), 0)
    assert {c.action: c.status for c in found} == {Action.CREATE: Status.HELD, Action.REPLACE: Status.WAITS}


def test_a_ring_beside_what_is_done_already():
    ring = [
        change(ANA, ANA._replace(start=8, end=16)),
        change(BEN, BEN._replace(start=0, end=8)),
        change(None, Value("dev", 20, 24)),
    ]
    wanted = targets(ANA._replace(start=8, end=16), BEN._replace(start=0, end=8), Value("dev", 20, 24))
    found = ordered(ring, [ANA, BEN], wanted, 0)
    assert {c.status for c in found} == {Status.NOW}
    assert len(found) == 4


def test_a_ring_is_opened_beside_what_is_held():
    ring = [change(ANA, ANA._replace(start=8, end=16)), change(BEN, BEN._replace(start=0, end=8))]
    held = change(None, Value("dev", 20, 24), Status.HELD)
    wanted = targets(ANA._replace(start=8, end=16), BEN._replace(start=0, end=8), Value("dev", 20, 24))
    first, *others = ordered([held, *ring], [ANA, BEN], wanted, 0)
    assert first == held
    assert [c.action for c in others] == [Action.CREATE, Action.REPLACE, Action.DELETE]
    assert {c.status for c in others} == {Status.NOW}


def test_a_removal_counts_as_done_when_sent_and_a_cover_when_confirmed():
    create, shorten = change(None, CHO), change(ANA, ANA._replace(end=4))
    cover = Cover([ANA], [ANA._replace(end=4), CHO], [create, shorten], 0)
    assert not cover.safe(shorten)
    cover.sent(create)
    assert not cover.safe(shorten)
    cover.confirmed(create)
    assert cover.safe(shorten)
    cover.sent(shorten)
    assert not cover.safe(change(CHO, None))
    cover.refused(shorten)
    assert cover.safe(change(CHO, None))


def test_nothing_is_asked_of_the_past():
    assert Cover([ANA], [ANA], [change(ANA, None)], 8).safe(change(ANA, None))


def test_a_digest_is_of_what_is_done_and_not_of_when():
    early = Plan(destination="d", changes=(change(ANA, ANA._replace(person="dev")),), now=1)
    assert early.digest == Plan(destination="d", changes=early.changes, now=2).digest
    assert early.digest != Plan(destination="d", changes=early.changes, now=-1).digest  # not running yet
    assert early.digest != Plan(destination="d", changes=(change(ANA, ANA._replace(person="cho")),), now=1).digest
    assert (
        early.digest
        != Plan(
            destination="d", changes=early.changes, pulls=(Pull(start=0, end=1, people=("x",), row="5", refs=()),), now=1
        ).digest
    )
    assert len(early.digest) == 16


def test_a_plan_with_a_pull_or_a_change_is_not_empty():
    assert Plan(destination="d").empty
    assert not Plan(destination="d", changes=(change(None, ANA),)).empty
    assert not Plan(destination="d", pulls=(Pull(start=0, end=1, people=("x",), row="5", refs=()),)).empty


def test_kept_is_what_is_left_or_held():
    def drift(do: Do) -> Drift:
        return Drift(
            start=0, end=1, lane=0, row="11", do=do, tell=Tell.NOTHING, base=frozenset(), desired=None, observed=frozenset({"x"})
        )

    plan = Plan(destination="d", drifts=tuple(map(drift, Do)))
    assert {d.do for d in plan.kept} == {Do.KEEP, Do.HOLD}


def test_whoever_is_taken_off_early_is_removed_whatever_follows():
    assert change(ANA, None).removes
    assert change(ANA, ANA._replace(end=4)).removes
    assert not change(ANA, ANA._replace(end=9)).removes
    assert not change(None, ANA).removes


def test_every_use_of_a_key_is_a_new_generation():
    used = {"k": 4}
    assert [next_generation("k", used), next_generation("k", used), next_generation("j", used)] == [5, 6, 1]


def test_a_destination_that_cannot_change_an_entry_gets_the_new_one_before_the_old_one_goes():
    row = Row(ref="r", uid="u", key="k", generation=1, op="o", accepted=ANA)
    own = Own(entry=entry(ANA), row=row, claim=None, says=ANA, accepted=ANA, edited=False)
    there = Standing(own=(own,), gone=(), foreign=(), peers=(), copies=())
    found = plan_calendar.plan(
        now=-1,
        horizon=100,
        targets=targets(ANA._replace(person="cho")),
        there=there,
        drifts=(),
        memory=Memory(rows=(row,)),
        wording=lambda shift: "",
        native_update=False,
    )
    assert shown(found) == [("create", "cho"), ("delete", "ana")]


def test_a_running_entry_stays_the_event_of_the_piece_that_runs_however_short_that_is():
    whole = Value("ana", 0, 100)
    row = Row(ref="r", uid="u", key="k", generation=1, op="o", accepted=whole)
    own = Own(entry=entry(whole), row=row, claim=None, says=whole, accepted=whole, edited=False)
    found = plan_calendar.plan(
        now=10,
        horizon=1000,
        targets=targets(Value("ana", 0, 30), Value("ben", 30, 40), Value("ana", 40, 100)),
        there=Standing(own=(own,), gone=(), foreign=(), peers=(), copies=()),
        drifts=(),
        memory=Memory(rows=(row,)),
        wording=lambda shift: "",
    )
    assert {(c.action, c.after) for c in found} == {
        (Action.CREATE, Value("ben", 30, 40)),
        (Action.CREATE, Value("ana", 40, 100)),
        (Action.REPLACE, Value("ana", 0, 30)),
    }
