"""Which calls are made again, how long is waited, and what ends the wait."""

from __future__ import annotations

import random
from math import ceil
from threading import Event, Thread

import pytest

from connectors.caldav_wire import waited
from syncd.clock import SystemClock
from syncd.connector import CreatesMany, Denied, Observation, Operation, Rejected, Stale, Unavailable, Unsupported
from syncd.core.entry import Capabilities, Entry
from syncd.core.mode import Mode
from syncd.core.model import Shift, Source, Window
from syncd.cycle import Report
from syncd.due import wait_after
from syncd.pace import Pace
from syncd.retry import Patient, Retry


class Waits:
    """A clock that only notes how long it was asked to wait; `sets` sets the event during that wait."""

    def __init__(self, sets: int | None = None) -> None:
        self.waited: list[float] = []
        self.sets = sets

    def now(self) -> int:
        return 1_772_409_600

    def monotonic(self) -> float:
        return sum(self.waited)

    def wait(self, event: Event, seconds: float) -> bool:
        self.waited.append(seconds)
        if len(self.waited) == self.sets:
            event.set()
        return event.is_set()


class Call:
    """Raises `failures` in turn, then answers."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.made = 0

    def __call__(self) -> str:
        self.made += 1
        if self.failures:
            raise self.failures.pop(0)
        return "answer"


def retry(clock: Waits, stop: Event | None = None, **more: float) -> Retry:
    return Retry(clock=clock, stop=stop or Event(), chance=random.Random(7), **more)  # type: ignore[arg-type]


def test_a_read_is_made_again_after_a_passing_failure() -> None:
    clock, call = Waits(), Call(Unavailable("timed out"), Unavailable("timed out"))
    assert retry(clock).read(call) == "answer"
    assert call.made == 3
    assert len(clock.waited) == 2


def test_a_read_gives_up_after_its_attempts_with_the_last_failure() -> None:
    call = Call(*(Unavailable(str(n)) for n in range(9)))
    with pytest.raises(Unavailable, match="2"):
        retry(Waits()).read(call)
    assert call.made == 3


def test_a_write_with_an_unknown_outcome_is_never_sent_again() -> None:
    clock, call = Waits(), Call(Unavailable("connection reset"))
    with pytest.raises(Unavailable):
        retry(clock).write(call)
    assert (call.made, clock.waited) == (1, [])


def test_a_write_that_was_refused_is_sent_again() -> None:
    call = Call(Unavailable("too many requests", refused=True))
    assert retry(Waits()).write(call) == "answer"
    assert call.made == 2


def test_a_refused_write_that_then_gets_an_unknown_outcome_is_left_alone() -> None:
    call = Call(Unavailable("too many requests", refused=True), Unavailable("timed out"))
    with pytest.raises(Unavailable, match="timed out"):
        retry(Waits()).write(call)
    assert call.made == 2


@pytest.mark.parametrize("final", [Denied("no"), Rejected("no"), Stale("no"), Unsupported("no"), ValueError("a bug")])
def test_what_will_not_pass_by_itself_is_not_tried_again(final: Exception) -> None:
    call = Call(final)
    with pytest.raises(type(final)):
        retry(Waits()).read(call)
    assert call.made == 1


def test_the_time_a_destination_asks_for_is_waited_for_in_full() -> None:
    clock = Waits()
    retry(clock).read(Call(Unavailable("wait", after=7)))
    assert 7 <= clock.waited[0] <= 8


def test_a_longer_time_than_our_patience_is_handed_up_at_once() -> None:
    clock, call = Waits(), Call(Unavailable("wait", after=900, refused=True))
    with pytest.raises(Unavailable) as caught:
        retry(clock).write(call)
    assert (call.made, clock.waited, caught.value.after) == (1, [], 900)


def test_patience_is_for_all_waits_together() -> None:
    clock, call = Waits(), Call(*(Unavailable("wait", after=20) for _ in range(5)))
    with pytest.raises(Unavailable):
        retry(clock).read(call)
    assert call.made == 2
    assert len(clock.waited) == 1


def test_the_waits_are_spread_from_zero_to_a_doubling_ceiling() -> None:
    waits = [Waits() for _ in range(400)]
    for seed, clock in enumerate(waits):
        calm = Retry(clock=clock, stop=Event(), attempts=7, chance=random.Random(seed))
        calm.read(Call(*(Unavailable("no answer") for _ in range(6))))
    for place, ceiling in enumerate([1, 2, 4, 8, 16, 20]):
        seen = [clock.waited[place] for clock in waits]
        assert min(seen) < ceiling * 0.05
        assert ceiling * 0.95 < max(seen) <= ceiling


def test_shutdown_during_a_wait_ends_it_without_another_attempt() -> None:
    call = Call(*(Unavailable("no answer") for _ in range(9)))
    with pytest.raises(Unavailable):
        retry(Waits(sets=1)).read(call)
    assert call.made == 1


def test_after_shutdown_a_failure_is_final() -> None:
    stop, clock, call = Event(), Waits(), Call(Unavailable("no answer"))
    stop.set()
    with pytest.raises(Unavailable):
        retry(clock, stop).read(call)
    assert (call.made, clock.waited) == (1, [])


def test_the_system_clock_stops_waiting_when_the_event_is_set() -> None:
    event = Event()
    event.set()
    assert SystemClock().wait(event, 3_600)
    assert not SystemClock().wait(Event(), -1)


# --- patient connectors ------------------------------------------------------------------


class Place:
    """A destination that answers each call with the next of `answers`: a failure, or that it was done."""

    class Options:
        pass

    capabilities = Capabilities()

    def __init__(self, *answers: Exception | None) -> None:
        self.answers = list(answers)
        self.calls: list[str] = []

    def _answer(self, name: str) -> None:
        self.calls.append(name)
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise answer

    def read(self, window: Window, known: object) -> Observation:
        self._answer("read")
        return Observation(entries=())

    def create(self, shift: Shift, op: Operation) -> None:
        self._answer("create")

    def delete(self, entry: object, op: Operation) -> None:
        self._answer("delete")


class Crowd(Place):
    batch = 50

    def create_many(self, shifts: object, ops: object) -> list[object]:
        self._answer("create_many")
        return []


SHIFT = Shift("s", "primary", "ana", 0, 3_600, 0, Source("week", 0))
OP = Operation(uid="u", marker="")
DAY = Window(0, 86_400)
ENTRY = Entry(ref="e", uid="u", start=0, end=3_600, person="ana", title="Ana", version="1")


def patient(place: Place, clock: Waits, pace: Pace | None = None) -> Patient:
    return Patient.of(place, retry(clock), pace or Pace(1))  # type: ignore[arg-type,return-value]


def test_a_patient_connector_repeats_looks_and_refused_writes_and_nothing_else() -> None:
    place = Place(Unavailable("no answer"), None, Unavailable("busy", refused=True), None, Unavailable("lost"))
    connector = patient(place, Waits())
    connector.read(DAY, {})
    connector.create(SHIFT, OP)
    with pytest.raises(Unavailable, match="lost"):
        connector.delete(ENTRY, OP)
    assert place.calls == ["read", "read", "create", "create", "delete"]


def test_all_who_share_a_credential_keep_the_rest_that_one_was_asked_for() -> None:
    clock, pace = Waits(), Pace(1)
    first, second = Place(Unavailable("busy", after=600, refused=True)), Place()
    with pytest.raises(Unavailable):
        patient(first, clock, pace).create(SHIFT, OP)
    with pytest.raises(Unavailable) as told:
        patient(second, clock, pace).read(DAY, {})
    assert second.calls == []
    assert told.value.refused
    assert told.value.after == 600


def test_a_short_rest_is_waited_for_before_the_next_call_of_anybody() -> None:
    clock, pace = Waits(), Pace(1)
    pace.told(clock, 5)
    place = Place()
    patient(place, clock, pace).read(DAY, {})
    assert (clock.waited, place.calls) == ([5], ["read"])


def test_only_a_connector_that_takes_several_at_once_is_shown_as_one() -> None:
    assert not isinstance(patient(Place(), Waits()), CreatesMany)
    several = patient(Crowd(Unavailable("busy", refused=True)), Waits())
    assert isinstance(several, CreatesMany)
    assert several.batch == 50
    assert several.create_many([SHIFT], [OP]) == []


def test_shutdown_ends_a_rest_without_a_call() -> None:
    clock, pace, stop = Waits(), Pace(1), Event()
    pace.told(clock, 5)
    stop.set()
    place = Place()
    with pytest.raises(Unavailable):
        Patient(place, retry(clock, stop), pace).read(DAY, {})  # type: ignore[arg-type]
    assert place.calls == []


def test_a_call_that_does_not_come_back_keeps_nobody_else_from_the_credential_once_it_is_let_go() -> None:
    pace, hung, let_go, answered = Pace(1), Event(), Event(), Event()

    class Hangs(Place):
        def _answer(self, name: str) -> None:
            hung.set()
            let_go.wait(60)

    stuck = patient(Hangs(), Waits(), pace)
    thread = Thread(target=stuck.read, args=(DAY, {}))
    other = Thread(target=lambda: (patient(Place(), Waits(), pace).read(DAY, {}), answered.set()))
    thread.start()
    assert hung.wait(30)
    other.start()
    assert not answered.is_set()
    stuck.let_go()
    assert answered.wait(30)
    let_go.set()
    thread.join(30)
    patient(Place(), Waits(), pace).read(DAY, {})


@pytest.mark.parametrize("asked", ["9" * 400, "9" * 30])
def test_a_wait_that_no_clock_can_tell_is_a_very_long_one(asked: str) -> None:
    after = waited({"retry-after": asked})
    error = Unavailable("full", after=after, refused=True)
    wait = wait_after(300, 1, Report(destination="d", mode=Mode.AUTHORITATIVE, run="r", after=error.after), random.Random(1))
    pace = Pace(1)
    pace.told(SystemClock(), error.after or 0)
    assert int(wait) == 10**9
    assert 10**9 - 60 < ceil(pace.rest(SystemClock())) <= 10**9


def test_a_call_that_succeeds_at_once_makes_nothing_that_every_thread_has_a_part_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """With hundreds of threads at work, taking down a `threading.local` for each call stopped the whole process."""
    made: list[object] = []
    monkeypatch.setattr("threading.local", lambda: made.append(object()))
    retry = Retry(clock=SystemClock(), stop=Event())
    assert retry.read(lambda: 1) == retry.write(lambda: 1) == 1
    assert made == []
