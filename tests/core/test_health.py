"""The three-day rule, and what a failed look does to a status (DESIGN.md section 7)."""

from __future__ import annotations

import pytest

from syncd.core.desired import Target
from syncd.core.drift import Drift
from syncd.core.health import Standing, State, after_cycle, after_failure, in_its_place, next_unexported, telling
from syncd.core.merge import Do, Tell
from syncd.core.model import DAY, HOUR, Shift, Source
from syncd.core.record import Value

NOW = 1_000_000


def target(person: str, start: int, end: int) -> Target:
    return Target(Shift("s", "primary", person, start, end, 0, Source()), 0, start, end)


@pytest.mark.parametrize(
    ("unexported", "state"),
    [
        (None, State.OK),
        (NOW, State.ERROR),
        (NOW + 3 * DAY - 1, State.ERROR),
        (NOW + 3 * DAY, State.WARNING),
        (NOW + 9 * DAY, State.WARNING),
    ],
)
def test_a_shift_within_three_days_that_is_not_shown_is_an_error_later_a_warning(unexported: int | None, state: State):
    found = after_cycle(unexported, NOW, pending=False, reason="")
    assert found.state is state
    assert bool(found.reason) == (unexported is not None)
    assert found.next_unexported == unexported


@pytest.mark.parametrize(
    ("observed", "at", "told"),
    [
        ({"?Otto"}, NOW, "“Otto” stands there in place of ana and names nobody of the rota"),
        ({"ben"}, NOW + DAY - 1, "“ben” stands there in place of ana and is kept"),
        ({"ben"}, NOW + DAY, ""),
        ({"ben"}, NOW - 1, ""),
        (set(), NOW, ""),
    ],
)
def test_who_stands_in_the_place_of_a_shift_that_is_not_shown_is_the_reason(observed: set[str], at: int, told: str):
    def piece(do: Do, desired: str | None) -> Drift:
        return Drift(
            start=NOW, end=NOW + DAY, lane=0, row="5", do=do, tell=Tell.CONFLICT, base=frozenset(), desired=desired,
            observed=frozenset(observed),
        )  # fmt: skip

    assert in_its_place([piece(Do.PUSH, "ana"), piece(Do.KEEP, None)], at) == ""
    found = in_its_place([piece(Do.KEEP, "ana")], at)
    assert found.startswith(told)
    assert bool(found) == bool(told)


def test_a_difference_that_waits_for_a_trigger_is_pending():
    assert after_cycle(NOW, NOW, pending=True, reason="").state is State.PENDING
    assert after_cycle(None, NOW, pending=True, reason="a trigger").state is State.PENDING


@pytest.mark.parametrize(
    ("before", "unexported", "age", "state"),
    [
        (State.OK, None, HOUR - 1, State.OK),
        (State.OK, None, HOUR, State.WARNING),
        (State.OK, NOW + DAY, 0, State.ERROR),
        (State.WARNING, NOW + 2 * DAY, 0, State.ERROR),
        (State.WARNING, NOW + 4 * DAY, 9 * HOUR, State.WARNING),
        (State.ERROR, None, 9 * HOUR, State.ERROR),
        (State.PENDING, NOW, 0, State.PENDING),
        (State.PENDING, NOW, HOUR, State.WARNING),
    ],
)
def test_a_failed_look_keeps_the_status_until_a_shift_would_be_missed_or_an_hour_has_passed(before, unexported, age, state):
    was = Standing(state=before, next_unexported=unexported)
    found = after_failure(was, NOW - age, NOW, reason="no answer", denied=False)
    assert (found.state, found.reason, found.next_unexported) == (state, "no answer", unexported)


def test_a_refused_credential_is_an_error_at_once():
    assert after_failure(Standing(state=State.OK), NOW, NOW, reason="revoked", denied=True).state is State.ERROR


def test_a_destination_that_was_never_seen_and_fails_is_an_error():
    assert after_failure(None, None, NOW, reason="no answer", denied=False).state is State.ERROR
    assert after_failure(Standing(state=State.OK), None, NOW, reason="no answer", denied=False).state is State.ERROR


def test_the_first_instant_at_which_somebody_is_not_shown():
    rota = [target("ana", NOW, NOW + 8), target("ben", NOW + 8, NOW + 16)]
    assert next_unexported(rota, [Value("ana", NOW, NOW + 8), Value("ben", NOW + 8, NOW + 16)], NOW, NOW + 99) is None
    assert next_unexported(rota, [Value("ana", NOW, NOW + 8), Value("ben", NOW + 10, NOW + 16)], NOW, NOW + 99) == NOW + 8
    assert next_unexported(rota, [Value("ana", NOW, NOW + 8)], NOW, NOW + 8) is None  # what begins later is not to be shown yet
    assert next_unexported([], [], NOW, NOW + 99) is None


def test_somebody_who_is_on_twice_must_be_shown_twice():
    rota = [target("ana", NOW, NOW + 8), target("ana", NOW, NOW + 8)]
    assert next_unexported(rota, [Value("ana", NOW, NOW + 8)], NOW, NOW + 99) == NOW


HELD = {"held": True, "just": True, "spared": False}
OTHER = {"held": False, "just": False, "spared": False}


@pytest.mark.parametrize(
    ("before", "state", "how", "kind", "spared"),
    [
        (None, State.OK, OTHER, "", False),
        ("OK", State.PENDING, OTHER, "", False),
        ("OK", State.ERROR, OTHER, "attention", False),
        ("Warning", State.ERROR, OTHER, "attention", False),
        ("Error", State.ERROR, OTHER, "", False),
        ("Error", State.OK, OTHER, "recovered", False),
        ("Warning", State.PENDING, OTHER, "recovered", False),
        ("OK", State.ERROR, HELD, "attention", True),
        ("OK", State.WARNING, {**HELD, "just": False}, "attention", False),  # it was told long ago, and nobody answered
        ("Warning", State.ERROR, {**HELD, "just": False, "spared": True}, "attention", False),
        ("Error", State.ERROR, {**HELD, "just": False, "spared": True}, "", True),
        ("Error", State.ERROR, {**OTHER, "spared": True}, "attention", False),
        ("Error", State.ERROR, {**HELD, "spared": False}, "", False),
        ("Error", State.OK, {**HELD, "spared": True}, "recovered", False),
    ],
)
def test_a_status_is_told_once_and_once_more_only_where_a_hold_told_of_it_and_there_is_another_cause(
    before: str | None, state: State, how: dict[str, bool], kind: str, spared: bool
):
    assert telling(before, state, **how) == (kind, spared)
