"""Google Calendar, Outlook and the place in memory: calendars that a story's people change in the vendor's own program."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from connectors import memory_place
from tests.simulators.common import Clock, clean_environment
from tests.simulators.google import ROOT, TEAM, Google
from tests.simulators.microsoft import ONCALL, Microsoft
from tests.stories.days import Standing
from tests.stories.place import Place, named, titled

NUMBERS = itertools.count()
VERBS = {"GET": "read", "POST": "create", "PUT": "replace", "PATCH": "replace", "DELETE": "delete"}


class OnGoogle(Place):
    kind = "google"

    def __init__(self, there: Google) -> None:
        super().__init__(there.clock)
        self.there = there
        self.key = there.service_account()
        there.before_write = lambda call: self.about_to_write() if call.path.startswith(ROOT) else None

    def options(self, folder: Path) -> str:
        key = folder / "key.json"
        key.touch(0o600)
        key.write_text(self.key)
        return f"calendar: {TEAM}, credentials: {{file: key.json}}, base_url: '{self.there.url}'"

    def standing(self) -> list[Standing]:
        calendar = self.there.calendar
        found = []
        for event in calendar.live():
            start, end = calendar.bounds(event)
            found.append(Standing(int(start), int(end), named(event["summary"]), event["id"], event["id"] in self.by_hand))
        return sorted(found)

    def calls(self) -> list[str]:
        return ["token" if call.path == "/token" else VERBS[call.method] for call in self.there.journal]

    def forget(self) -> None:
        self.there.journal.clear()

    def give(self, thing: Standing, who: str) -> None:
        with self.there.hand():
            self.there.calendar.human_edits(thing.ref, title=titled(who))

    def move(self, thing: Standing, start: int, end: int) -> None:
        with self.there.hand():
            self.there.calendar.human_edits(thing.ref, start=start, end=end)

    def delete(self, thing: Standing) -> None:
        with self.there.hand():
            self.there.calendar.human_deletes(thing.ref)

    def add(self, who: str, start: int, end: int) -> str:
        with self.there.hand():
            return self.hand(self.there.calendar.human_creates(start, end, titled(who)))

    def copy(self, thing: Standing) -> str:
        with self.there.hand():
            return self.hand(self.there.calendar.human_copies(thing.ref))

    def strip(self, thing: Standing) -> None:
        with self.there.hand():
            self.there.calendar.strip(thing.ref)

    def put_back(self, thing: Standing) -> None:
        with self.there.hand():
            self.there.calendar.human_restores(thing.ref)


class InOutlook(Place):
    kind = "outlook"

    def __init__(self, there: Microsoft) -> None:
        super().__init__(there.clock)
        self.there = there
        there.before_write = lambda call: self.about_to_write() if call.path.startswith("/v1.0/") else None

    def options(self, folder: Path) -> str:
        secret = folder / "client-secret"
        secret.touch(0o600)
        secret.write_text(self.there.secret)
        return (
            f"tenant: {self.there.tenant}, client_id: {self.there.client_id}, client_secret: {{file: client-secret}}, "
            f"mailbox: {ONCALL}, authority: '{self.there.authority}', base_url: '{self.there.base_url}', "
            f"ca_file: '{self.there.ca_file}'"
        )

    def standing(self) -> list[Standing]:
        return sorted(
            Standing(event.start, event.end, named(event.facts["subject"]), event.guid, event.guid in self.by_hand)
            for event in self.there.box().now()
        )

    def calls(self) -> list[str]:
        return [VERBS[call.method] if call.path.startswith("/v1.0/") else "token" for call in self.there.journal]

    def forget(self) -> None:
        self.there.journal.clear()

    def give(self, thing: Standing, who: str) -> None:
        self.there.human.edits(thing.ref, subject=titled(who))

    def move(self, thing: Standing, start: int, end: int) -> None:
        self.there.human.edits(thing.ref, start=start, end=end)

    def delete(self, thing: Standing) -> None:
        self.there.human.deletes(thing.ref)

    def add(self, who: str, start: int, end: int) -> str:
        return self.hand(self.there.human.creates(start, end, titled(who)))

    def copy(self, thing: Standing) -> str:
        return self.hand(self.there.human.duplicates(thing.ref))

    def strip(self, thing: Standing) -> None:
        self.there.human.takes_over(thing.ref, titled(thing.who))

    def put_back(self, thing: Standing) -> None:
        self.there.human.restores(thing.ref)


class InMemory(Place):
    kind = "memory"

    def __init__(self, clock: Clock, there: memory_place.Place) -> None:
        super().__init__(clock)
        self.there = there
        self.binned: dict[str, memory_place.Item] = {}
        self.past = 0
        self.fault: Callable[[memory_place.Call], memory_place.Fault | None] = lambda call: None
        there.clock = lambda: int(clock.now)
        there.hook = self._asked

    def _asked(self, call: memory_place.Call) -> memory_place.Fault | None:
        if call.verb != "read":
            self.about_to_write()
        return self.fault(call)

    def options(self, folder: Path) -> str:
        return f"place: '{self.there.name}', calls: 4"

    def standing(self) -> list[Standing]:
        return sorted(
            Standing(one.start, one.end, named(one.who), one.ref, one.ref in self.by_hand) for one in self.there.items.values()
        )

    def calls(self) -> list[str]:
        return [call.verb for call in self.there.calls[self.past :]]

    def forget(self) -> None:
        self.past = len(self.there.calls)

    def give(self, thing: Standing, who: str) -> None:
        self.there.human_edits(thing.ref, who=titled(who))

    def move(self, thing: Standing, start: int, end: int) -> None:
        self.there.human_edits(thing.ref, start=start, end=end)

    def delete(self, thing: Standing) -> None:
        self.binned[thing.ref] = self.there.items[thing.ref]
        self.there.human_deletes(thing.ref)

    def add(self, who: str, start: int, end: int) -> str:
        return self.hand(self.there.human_creates(start, end, titled(who)))

    def copy(self, thing: Standing) -> str:
        return self.hand(self.there.human_copies(thing.ref))

    def strip(self, thing: Standing) -> None:
        self.there.strips(thing.ref)

    def put_back(self, thing: Standing) -> None:
        self.there.put(self.binned.pop(thing.ref))


@contextmanager
def on_google(clock: Clock) -> Iterator[OnGoogle]:
    clean_environment()
    with Google(clock=clock) as there:
        yield OnGoogle(there)


@contextmanager
def in_outlook(clock: Clock) -> Iterator[InOutlook]:
    clean_environment()
    with Microsoft(clock=clock) as there:
        yield InOutlook(there)


@contextmanager
def in_memory(clock: Clock) -> Iterator[InMemory]:
    there = memory_place.place(f"story {next(NUMBERS)}")
    yield InMemory(clock, there)
    del memory_place.PLACES[there.name]
