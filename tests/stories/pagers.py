"""PagerDuty's layer-based and shift-based schedules, where what people put on top or beside ours is what pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.simulators.common import Clock, clean_environment
from tests.simulators.pagerduty import CLIENT_ID, CLIENT_SECRET, PagerDuty
from tests.simulators.pagerduty_account import Schedule
from tests.stories.days import NAMES, STRANGER, Standing
from tests.stories.place import Place

LAYERS, SHIFTS = "PLAYER1", "PSHIFT1"
VERBS = {"GET": "read", "POST": "create", "PUT": "replace", "DELETE": "delete"}


class Pager(Place):
    """Signed in as an app, so that there is a token to ask for."""

    pager = True
    id: str

    def __init__(self, there: PagerDuty) -> None:
        super().__init__(there.clock)
        self.there = there
        self.users = {there.account.add_user(name, f"{who}@example.com").id: who for who, name in NAMES.items()}
        self.users[there.account.add_user(STRANGER, "zoe@elsewhere.example").id] = STRANGER
        there.before_write = lambda call: self.about_to_write() if "/schedules/" in call.path else None

    @property
    def schedule(self) -> Schedule:
        return self.there.account.schedules[self.id]

    def user(self, who: str) -> str:
        return next(ref for ref, name in self.users.items() if name == who)

    def options(self, folder: Path) -> str:
        secret = folder / "client-secret"
        secret.touch(0o600)
        secret.write_text(CLIENT_SECRET)
        return (
            f"schedule: {self.id}, client_id: {CLIENT_ID}, client_secret: {{file: client-secret}}, "
            f"account: {self.there.account.subdomain}, base_url: '{self.there.url}', ca_file: '{self.there.ca_file}'"
        )

    def calls(self) -> list[str]:
        return [
            "token" if call.path == "/oauth/token" else "people" if call.path.startswith("/users") else VERBS[call.method]
            for call in self.there.journal
        ]

    def forget(self) -> None:
        self.there.journal.clear()

    def delete(self, thing: Standing) -> None:
        self.there.human_deletes(self.id, thing.ref)


class InLayers(Pager):
    kind, stacked, id = "pagerduty", True, LAYERS
    look = ("read", "read")

    def standing(self) -> list[Standing]:
        return sorted(
            Standing(one.start, one.end, self.users[one.user], one.id, one.id in self.by_hand, one.order)
            for one in self.schedule.overrides.values()
        )

    def give(self, thing: Standing, who: str) -> None:
        self.add(who, thing.start, thing.end)

    def add(self, who: str, start: int, end: int) -> str:
        return self.hand(self.there.human_overrides(self.id, self.user(who), start, end))


class InShifts(Pager):
    kind, id = "pagerduty_v3", SHIFTS

    def standing(self) -> list[Standing]:
        return sorted(
            Standing(one.start, one.end, self.users.get(one.user or "", "nobody"), one.id, one.id in self.by_hand)
            for one in self.schedule.shifts.values()
        )

    def give(self, thing: Standing, who: str) -> None:
        self.there.human_changes_shift(self.id, thing.ref, user=self.user(who))

    def move(self, thing: Standing, start: int, end: int) -> None:
        self.there.human_changes_shift(self.id, thing.ref, start=start, end=end)

    def add(self, who: str, start: int, end: int) -> str:
        return self.hand(self.there.human_adds_shift(self.id, self.user(who), start, end))


@contextmanager
def _account(clock: Clock) -> Iterator[PagerDuty]:
    clean_environment()
    with PagerDuty(clock=clock) as there:
        there.account.add_schedule("Payments", LAYERS)
        there.account.add_schedule("Payments in shifts", SHIFTS, kind="schedule_v3")
        yield there


@contextmanager
def in_layers(clock: Clock) -> Iterator[InLayers]:
    with _account(clock) as there:
        yield InLayers(there)


@contextmanager
def in_shifts(clock: Clock) -> Iterator[InShifts]:
    with _account(clock) as there:
        yield InShifts(there)
