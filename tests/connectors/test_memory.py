"""The destination in memory keeps the contract in each of its three shapes, and fails and is edited as it is told."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from connectors.memory import Memory
from connectors.memory_place import PLACES, Fault, Place, Shape, lost, place
from syncd.connector import Denied, Observation, Paged, Rejected, Site, Stale, Unavailable
from syncd.core.model import HOUR, Instant, Window
from tests.connectors.conformance import NOW, PEOPLE, SITE, WINDOW, Conformance, T, op, said, shift

NUMBERS = itertools.count()


class InMemory(Conformance):
    shape: Shape = "calendar"

    @pytest.fixture
    def place(self) -> Iterator[Place]:
        spot = place(f"test {next(NUMBERS)}", self.shape)
        spot.clock = lambda: NOW
        yield spot
        del PLACES[spot.name]

    def make(self, place: Place, site: Site) -> Memory:
        return Memory(Memory.Options(place=place.name, calls=4), site)

    def human_creates(self, place: Place, start: Instant, end: Instant, who: str) -> str:
        return place.human_creates(start, end, self.words(who))

    def human_moves(self, place: Place, ref: str, start: Instant, end: Instant) -> None:
        place.human_edits(ref, start=start, end=end)

    def human_gives(self, place: Place, ref: str, who: str) -> None:
        place.human_edits(ref, who=self.words(who))

    def human_deletes(self, place: Place, ref: str) -> None:
        place.human_deletes(ref)

    def fault(self, place: Place, verb: str, kind: str) -> None:
        place.hook = None
        errors = {
            "refused": Unavailable("too many calls; wait", after=7, refused=True),
            "down": Unavailable("the place is down"),
            "denied": Denied("the credential is refused"),
            "garbage": Unavailable("no answer that can be read"),
        }
        fault = lost(commit=kind == "lost after") if kind.startswith("lost") else Fault(errors[kind])

        def once(call: object) -> Fault:
            place.hook = None
            return fault

        place.hook = once

    def writes(self, place: Place) -> int:
        return len(place.writes())

    def reads(self, place: Place) -> int:
        return len(place.calls) - len(place.writes())

    def words(self, who: str) -> str:
        return PEOPLE[who].name if who in PEOPLE and self.shape == "calendar" else who


class TestCalendar(InMemory):
    def human_copies(self, place: Place, ref: str) -> None:
        place.human_copies(ref)

    def test_the_id_of_a_deleted_entry_may_stay_taken(self, place: Place) -> None:
        place.keeps_ids = True
        memory = self.make(place, SITE)
        memory.delete(memory.create(shift(), op("a1")), op("a1"))
        with pytest.raises(Stale):
            memory.create(shift(), op("a1"))

    def test_a_late_write_is_done_after_as_many_further_calls(self, place: Place) -> None:
        place.script["create", 1] = lost(late=2)
        memory = self.make(place, SITE)
        with pytest.raises(Unavailable):
            memory.create(shift(), op("a1"))
        assert [len(memory.read(WINDOW, {}).entries) for _ in range(3)] == [0, 0, 1]

    def test_a_late_write_that_no_longer_fits_is_dropped_unheard(self, place: Place) -> None:
        memory = self.make(place, SITE)
        entry = memory.create(shift(), op("a1"))
        place.script["delete", 1] = lost(late=1)
        with pytest.raises(Unavailable):
            memory.delete(entry, op("a1"))
        place.human_edits("a1", who="Cho Min-ji")
        assert [one.person for _ in range(2) for one in memory.read(WINDOW, {}).entries] == ["cho", "cho"]

    def test_a_stripped_entry_has_lost_its_marker(self, place: Place) -> None:
        memory = self.make(place, SITE)
        memory.create(shift(), op("a1"))
        place.strips("a1")
        assert memory.read(WINDOW, {}).entries[0].marker is None


class TestTerseCalendar(TestCalendar):
    @pytest.fixture
    def place(self) -> Iterator[Place]:
        spot = place(f"test {next(NUMBERS)}")
        spot.terse = True
        yield spot
        del PLACES[spot.name]


class TestPager(InMemory):
    shape: Shape = "pager"

    def human_moves(self, place: Place, ref: str, start: Instant, end: Instant) -> None:
        pytest.skip("an override is not changed, only deleted")

    def human_gives(self, place: Place, ref: str, who: str) -> None:
        pytest.skip("an override is not changed, only deleted")

    def look_at(self, place: Place) -> Observation:
        return self.make(place, SITE).read(Window(T, T + 8 * HOUR), {})

    def test_whoever_was_put_there_last_is_paged(self, place: Place) -> None:
        place.layers = [(T, T + 4 * HOUR, "cho"), (T, T + 2 * HOUR, "zoe")]
        below = self.make(place, SITE).create(shift(start=T + HOUR, end=T + 6 * HOUR), op("a1"))
        top = place.human_creates(T + 3 * HOUR, T + 5 * HOUR, "ben")
        assert self.look_at(place).paged == (
            Paged(start=T, end=T + HOUR, person=None, title="zoe"),
            Paged(start=T + HOUR, end=T + 3 * HOUR, person="ana", ref=below.ref),
            Paged(start=T + 3 * HOUR, end=T + 5 * HOUR, person="ben", ref=top),
            Paged(start=T + 5 * HOUR, end=T + 6 * HOUR, person="ana", ref=below.ref),
        )

    def test_the_list_does_not_tell_who_came_last(self, place: Place) -> None:
        memory = self.make(place, SITE)
        made = [memory.create(shift(), op(f"a{number}")).ref for number in range(200)]
        assert [entry.ref for entry in self.look_at(place).entries] != made

    def test_deleting_a_running_override_cuts_it_short(self, place: Place) -> None:
        memory = self.make(place, SITE)
        entry = memory.create(shift(), op("a1"))
        place.clock = lambda: T + HOUR
        memory.delete(entry, op("a1"))
        assert [said(one) for one in self.look_at(place).entries] == [(T, T + HOUR, "ana")]

    def test_what_is_over_is_refused(self, place: Place) -> None:
        memory = self.make(place, SITE)
        entry = memory.create(shift(), op("a1"))
        place.clock = lambda: T + 8 * HOUR
        with pytest.raises(Rejected):
            memory.delete(entry, op("a1"))
        with pytest.raises(Rejected):
            memory.create(shift(), op("a2"))

    def test_somebody_without_an_account_is_refused(self, place: Place) -> None:
        place.absent = frozenset({"ana"})
        with pytest.raises(Rejected):
            self.make(place, SITE).create(shift(), op("a1"))


class TestShifts(InMemory):
    shape: Shape = "shifts"


def test_an_unknown_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        Memory.Options(shape="cube")
