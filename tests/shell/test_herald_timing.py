"""Whatever the clock, the daemon and the rota do: due notices come at most a minute late, never twice, and late only if true."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Event
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.config import load
from syncd.connector import Secret
from syncd.core.model import Override
from syncd.herald import Herald
from syncd.notify.channel import Answer, Message
from syncd.store import Store
from tests.shell.receivers import until

BERLIN = ZoneInfo("Europe/Berlin")
ROTA = """\
timezone: Europe/Berlin
people:
  ana: {name: Ana, email: ana@example.com}
  ben: {name: Ben, email: ben@example.com}
  cho: {name: Cho, email: cho@example.com}
roles: {primary: {title: Primary}}
teams: {payments: {title: Payments, people: [ana, ben], channels: [group]}}
schedules:
  payments:
    title: Payments
    team: payments
    start: 2026-01-01
    layers:
      - {name: day, role: primary, members: [ana, ben], rotation: {every: 1, unit: day, at: "09:00", anchor: 2026-01-01T09:00}}
notices:
  channels: {mail: {url: {file: mail}}, group: {url: {file: group}}}
  handoff: {lead: LEAD}
  daily: {at: "02:30", to: [team]}
  gaps: off
"""
STARTS = ["2026-03-28T20:00", "2026-10-24T20:00", "2026-06-10T05:50"]
"""The evenings before Berlin's clocks change, and a summer's morning an hour and ten minutes before a handoff."""
HOUR, DAY = 3_600, 86_400
LEADS = {"60m": HOUR, "5m": 300, "3h": 3 * HOUR}

STEPS = st.one_of(
    st.tuples(st.just("pass"), st.integers(1, 30 * HOUR)),
    st.tuples(st.just("down"), st.integers(1, 60 * HOUR)),
    st.tuples(st.just("set"), st.integers(-2 * DAY, 2 * DAY)),
    st.tuples(st.just("restart"), st.just(0)),
    st.tuples(st.just("lead"), st.integers(0, 2)),
    st.tuples(st.just("override"), st.integers(60, 20 * HOUR)),
)


class World:
    """The herald at a clock of ours, and beside it a second opinion on what is due."""

    def __init__(self, folder: Path, start: str) -> None:
        self.folder = folder
        for name, url in (("mail", "mailto://127.0.0.1:1?from=a@example.com"), ("group", "json://127.0.0.1:1/x")):
            (folder / name).touch(0o600)
            (folder / name).write_text(url)
        store = Store.open(folder / "state")
        assert store is not None
        self.store = store
        self.at = int(datetime.fromisoformat(start).replace(tzinfo=UTC).timestamp())
        self.passed = 0.0
        self.since = self.at
        self.overrides: list[tuple[int, int]] = []
        self.heard: Counter[tuple[str, str]] = Counter()
        self.fresh: list[tuple[str, str]] = []
        self.lead("60m")
        self.restart()
        self.turn()

    # --- the clock's side

    def now(self) -> int:
        return self.at

    def monotonic(self) -> float:
        return self.passed

    def wait(self, event: Event, seconds: float) -> bool:
        return event.is_set()

    # --- what happens

    def lead(self, lead: str) -> None:
        self.ahead = LEADS[lead]
        (self.folder / "syncd.yaml").write_text(ROTA.replace("LEAD", lead))
        self.config = load(self.folder / "syncd.yaml", now=0)

    def restart(self) -> None:
        self.herald = Herald(config=lambda: self.config, store=self.store, clock=self, send=self.send)

    def send(self, url: Secret, message: Message, to: str) -> Answer:
        title = message.title
        if title.startswith("On call today"):
            self.fresh.append(("daily", f"{datetime.fromtimestamp(self.at, BERLIN):%Y-%m-%d}"))
        elif title.startswith("On call "):
            self.fresh.append((to.partition("@")[0], title.partition(": Primary")[0]))
        else:
            assert title.startswith("Your duty changed"), title
            assert self.overrides, "no clock changes anybody's duty"
        return Answer()

    def turn(self) -> None:
        self.since = min(self.since, self.at)
        for _ in range(2):
            self.passed += 100
            self.herald.turn()
            until(lambda: self.herald.idle)
        self.passed += 100
        self.herald.turn()
        self.check()

    def step(self, what: str, value: int) -> None:
        if what == "pass":
            end = self.at + value
            for due in sorted(one for one in self.moments(self.at, end) if self.at < one < end):
                self.at = due
                self.turn()
            self.at = end
        elif what == "lead":
            self.lead(sorted(LEADS)[value])
        elif what == "override":
            begin = (self.at + value // 2) // 60 * 60  # texts tell minutes
            end = begin + value // 60 * 60
            self.overrides.append((begin, end))
            of = Override(id="", roles=("primary",), people=("cho",), replaces=None, start=begin, end=end)
            with self.store.write() as tx:
                tx.overrides.add("payments", of, by="ana", at=self.at)
        elif what == "restart":
            self.restart()
        else:
            self.at += value
            if what == "down":
                self.restart()
        self.turn()

    # --- the second opinion

    def who(self, at: int) -> str:
        if any(start <= at < end for start, end in self.overrides):
            return "cho"
        wall = datetime.fromtimestamp(at, BERLIN).replace(tzinfo=None) - timedelta(hours=9)
        return ("ana", "ben")[(wall.date() - date(2026, 1, 1)).days % 2]

    def handoffs(self, start: int, end: int) -> list[tuple[int, str]]:
        first = datetime.fromtimestamp(start, BERLIN).date() - timedelta(days=1)
        days = [first + timedelta(days=n) for n in range((end - start) // DAY + 4)]
        edges = {int(datetime(one.year, one.month, one.day, 9, tzinfo=BERLIN).timestamp()) for one in days}
        edges |= {edge for span in self.overrides for edge in span}
        return [(at, self.who(at)) for at in sorted(edges) if start <= at < end and self.who(at) != self.who(at - 1)]

    def daily(self) -> int:
        """The first minute of the day at which the clock on the wall shows half past two, or later."""
        today = datetime.fromtimestamp(self.at, BERLIN).date()
        minute = int(datetime(today.year, today.month, today.day, tzinfo=BERLIN).timestamp())
        while f"{datetime.fromtimestamp(minute, BERLIN):%H:%M}" < "02:30":
            minute += 60
        return minute

    def moments(self, start: int, end: int) -> set[int]:
        """Just before and after whatever is due."""
        dues = [at - self.ahead for at, _ in self.handoffs(start, end + DAY)] + [at for at, _ in self.handoffs(start, end)]
        half_past_two = {self.daily() + n * DAY + off for n in range((end - start) // DAY + 2) for off in (-HOUR, 0, HOUR)}
        return {at + off for at in [*dues, *half_past_two] for off in (-1, 20)}

    def check(self) -> None:
        due = {(who, title(at)): at for at, who in self.handoffs(self.at + 1, self.at + self.ahead + 1)}
        for one in self.fresh:
            self.heard[one] += 1
            assert self.heard[one] == 1, f"{one} twice"
            assert one[0] == "daily" or one in due, f"{one} is not true, or not yet"
        self.fresh = []
        assert [one for one in due if not self.heard[one]] == []
        today, half_past_two = f"{datetime.fromtimestamp(self.at, BERLIN):%Y-%m-%d}", self.daily()
        if self.since <= half_past_two <= self.at:
            assert self.heard["daily", today] == 1


def title(at: int) -> str:
    return f"On call {datetime.fromtimestamp(at, BERLIN):%a %Y-%m-%d %H:%M %Z}"


def live(folder: Path, start: str, steps: list[tuple[str, int]]) -> None:
    world = World(folder, start)
    try:
        for what, value in steps:
            world.step(what, value)
    finally:
        world.store.close()


def test_a_night_on_which_half_past_two_is_left_out_and_one_on_which_it_comes_twice(tmp_path: Path) -> None:
    for start, today, mondays in (
        (STARTS[0], "2026-03-29", "On call Sun 2026-03-29 09:00 CEST"),
        (STARTS[1], "2026-10-25", "On call Sun 2026-10-25 09:00 CET"),
    ):
        folder = tmp_path / today
        folder.mkdir()
        world = World(folder, start)
        world.step("pass", 16 * HOUR)
        assert world.heard == {("daily", today): 1, (world.who(world.at), mondays): 1}
        world.store.close()


@settings(max_examples=25, deadline=None)
@given(start=st.sampled_from(STARTS), steps=st.lists(STEPS, min_size=1, max_size=7))
def test_what_is_due_comes_once_and_in_time(
    start: str, steps: list[tuple[str, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    live(tmp_path_factory.mktemp("world"), start, steps)


@pytest.mark.long
@pytest.mark.timeout(900)
@settings(max_examples=400, deadline=None)
@given(start=st.sampled_from(STARTS), steps=st.lists(STEPS, min_size=1, max_size=15))
def test_what_is_due_comes_once_and_in_time_whatever_happens(
    start: str, steps: list[tuple[str, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    live(tmp_path_factory.mktemp("world"), start, steps)
