"""The engine under random humans, rota edits, faults, crashes, lost ledgers and time that passes; the promises hold."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from connectors.memory_place import Call, Fault, lost
from syncd.connector import Unavailable
from syncd.core.mode import Mode
from syncd.core.model import Window
from syncd.core.record import Outcome
from syncd.cycle import Trigger
from syncd.store import LeaseLost
from tests.machine.world import HORIZON, HOUR, T0, Killed, World

PEOPLE = st.sampled_from(["ana", "ben", "cho", "dev"])
SOMEBODY = st.sampled_from(["ana", "ben", "cho", "dev", "zoe"])
PICK = st.integers(0, 11)
WHEN = st.integers(-4, 60)
LENGTH = st.integers(1, 12)
FAULTS = st.lists(st.tuples(st.sampled_from(["create", "replace", "delete"]), st.integers(1, 4), st.integers(0, 6)), max_size=3)


ANSWERS = 3
"""Holds of one destination that may follow one another: an answer is a human's, so the cycles of I1 begin after the last."""


class Machine(RuleBasedStateMachine):
    """Subclasses choose shape, mode, people at once, and how many destinations show the one rota."""

    shape: Any = "calendar"
    mode = Mode.AUTHORITATIVE
    people = 1
    count = 1

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.shape, self.mode, people=self.people, count=self.count)
        self.dirty = True

    def teardown(self) -> None:
        try:
            quiet(self.world, self.mode)
            assert not self.reports_bugs()
        finally:
            self.world.close()

    def reports_bugs(self) -> list[str]:
        return [line for spot in self.world.spots for line in spot.broken]

    @initialize()
    def first_export(self) -> None:
        for n in range(self.count):
            self.world.cycle(n)

    # --- humans ---

    @rule(n=PICK, person=SOMEBODY, at=WHEN, length=LENGTH)
    def human_creates(self, n: int, person: str, at: int, length: int) -> None:
        start = self.world.clock.t + at * HOUR
        self.world.human_creates(n % self.count, person, start, start + length * HOUR)

    @rule(n=PICK, pick=PICK, who=SOMEBODY)
    def human_retitles(self, n: int, pick: int, who: str) -> None:
        self.world.human_edits(n % self.count, pick, who=who)

    @rule(n=PICK, pick=PICK, by=st.integers(-6, 6).filter(bool))
    def human_moves(self, n: int, pick: int, by: int) -> None:
        mine = self.world.future(n % self.count)
        if mine:
            item = mine[pick % len(mine)]
            self.world.human_edits(n % self.count, pick, start=item.start + by * HOUR, end=item.end + by * HOUR)

    @rule(n=PICK, pick=PICK, by=st.integers(-6, 6).filter(bool))
    def human_resizes(self, n: int, pick: int, by: int) -> None:
        mine = self.world.future(n % self.count)
        if mine:
            self.world.human_edits(n % self.count, pick, end=mine[pick % len(mine)].end + by * HOUR)

    @rule(n=PICK, pick=PICK)
    def human_deletes(self, n: int, pick: int) -> None:
        self.world.human_deletes(n % self.count, pick)

    @precondition(lambda self: self.shape == "calendar")
    @rule(n=PICK, pick=PICK)
    def human_copies(self, n: int, pick: int) -> None:
        mine = self.world.future(n % self.count)
        if mine:
            self.world.spots[n % self.count].human_copies(mine[pick % len(mine)].ref)

    # --- the rota and time ---

    @rule(person=PEOPLE, at=st.integers(0, 50), length=LENGTH)
    def rota_gets_an_override(self, person: str, at: int, length: int) -> None:
        start = self.world.clock.t + at * HOUR
        self.world.override(person, start, start + length * HOUR)

    @rule(pick=PICK)
    def rota_loses_an_override(self, pick: int) -> None:
        self.world.remove_override(pick)

    @rule(hours=st.integers(1, 10))
    def time_passes(self, hours: int) -> None:
        self.world.clock.t += hours * HOUR + 7

    # --- the engine, well and unwell ---

    @rule(n=PICK)
    def a_cycle(self, n: int) -> None:
        self.world.cycle(n % self.count)

    @rule(n=PICK, faults=FAULTS, kind=st.sampled_from(["before", "after", "late", "refused"]))
    def a_cycle_with_faults(self, n: int, faults: list[tuple[str, int, int]], kind: str) -> None:
        spot = self.world.spots[n % self.count]
        seen = {verb: sum(c.verb == verb for c in spot.calls) for verb in ("create", "replace", "delete")}
        for verb, nth, late in faults:
            fault = {
                "before": lost(),
                "after": lost(commit=True),
                "late": lost(late=late + 1),
                "refused": Fault(Unavailable("refused without an answer", refused=True)),
            }[kind]
            spot.script[verb, seen[verb] + nth] = fault  # type: ignore[index]
        self.world.cycle(n % self.count)
        spot.script.clear()

    @rule(n=PICK, at=st.integers(1, 9))
    def killed_in_a_cycle(self, n: int, at: int) -> None:
        spot = self.world.spots[n % self.count]
        spot.kill_at = len(spot.calls) + at
        with suppress(Killed, LeaseLost):
            self.world.cycle(n % self.count)
        spot.kill_at = 0

    @rule(n=PICK, person=PEOPLE, pick=PICK, at=st.integers(2, 6))
    def a_human_during_a_cycle(self, n: int, person: str, pick: int, at: int) -> None:
        spot = self.world.spots[n % self.count]
        goal = len(spot.calls) + at

        def hook(call: Call) -> None:
            if call.number == goal:
                self.world.human_edits(n % self.count, pick, who=person)

        spot.hook = hook
        self.world.cycle(n % self.count)
        spot.hook = None

    @rule()
    def somebody_acknowledges(self) -> None:
        self.world.ack_all()

    @rule()
    def the_ledger_is_lost(self) -> None:
        self.world.lose_ledger()

    # --- promises ---

    @invariant()
    def nothing_was_broken(self) -> None:
        assert not self.reports_bugs()

    @rule()
    def all_is_quiet(self) -> None:
        """I1, I2, I6, I4: it converges, is at rest, and nothing of a human's is lost."""
        quiet(self.world, self.mode)


def quiet(world: World, mode: Mode) -> None:
    left, answers = 3, 0
    while left:
        left -= 1
        if any(report.held for report in world.settle(1)) and answers < ANSWERS:
            left, answers = 3, answers + 1
    reports = world.settle(1)
    for report in reports:
        assert report.decision is not None
        plan = report.decision.plan
        assert plan.empty, [(c.action, c.row, c.status, c.reason, c.before, c.after) for c in plan.changes] + list(plan.pulls)
        assert all(a.outcome is Outcome.APPLIED for a in report.answers)
    for n, report in enumerate(reports):
        assert report.decision is not None
        kept = [(d.start, d.end) for d in report.decision.plan.kept]
        ours = list(world.future(n))
        blocked = [(i.start, i.end) for i in ours if mode is Mode.BIDIRECTIONAL and world.person(i.who) not in world.rota.people]
        for at in world.instants(n):
            if any(s <= at < e for s, e in (*kept, *blocked)):
                continue
            assert world.shown(n, at) == world.wanted(at), (n, at - T0)
    assert_ours_lie_side_by_side(world)
    assert_nothing_lost(world)
    assert_each_notice_is_one_line_of_the_journal(world)


def assert_ours_lie_side_by_side(world: World) -> None:
    """I2: at rest own entries do not overlap from now on, but for people who are on together."""
    now = world.clock.t
    for n, settings in enumerate(world.settings):
        with world.store.read() as tx:
            refs = {row.ref for row in tx.ledger.memory(settings.name).rows}
        ours = [i for i in world.spots[n].items.values() if i.ref in refs and i.end > now]
        for at in {max(i.start, now) for i in ours}:
            on = [i.ref for i in ours if i.start <= at < i.end]
            assert len(on) <= world.rota.roles["primary"].people, (n, at - T0, on)


def assert_nothing_lost(world: World) -> None:
    """I4: what was displaced is in the rota, or kept for `restore`."""
    with world.store.read() as tx:
        kept = tx.conflicts.open()
        recorded = tx.overrides.list("s")
    for n, spot in enumerate(world.spots):
        name = world.settings[n].name
        for d in spot.displaced:
            person = world.person(d.person)
            in_conflict = any(
                c.destination == name
                and c.start < d.end
                and d.start < c.end
                and any(person in had for had in c.destination_had["people"])
                for c in kept
            )
            in_rota = any(person in r.override.people and r.override.start < d.end and d.start < r.override.end for r in recorded)
            at_that_time = any(s.person == person for s in world.desired(Window(d.start, d.end)))
            assert in_conflict or in_rota or at_that_time, (name, person, d.start - T0, d.end - T0)


def assert_each_notice_is_one_line_of_the_journal(world: World) -> None:
    """DESIGN.md section 7: the journal has all of them, always; a line says by its entry which notice it is of."""
    with world.store.read() as tx:
        told = sorted(posted.dedup for posted in tx.outbox.pending(world.clock.t, 100_000))
        written = sorted(
            line.entry or "" for line in tx.journal.list() if line.entry in told or line.event.startswith("notice: ")
        )
    assert written == told


__all__ = ["HORIZON", "Machine", "Trigger", "quiet"]
