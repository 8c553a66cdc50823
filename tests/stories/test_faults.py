"""Every fault at every kind of call to every place: nothing doubled, nothing lost, nobody uncovered, and well again by itself."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.simulators.common import Fault
from tests.stories.breaking import OPERATIONS, breaks, impatient, knobs, mends
from tests.stories.conftest import noon, opening
from tests.stories.days import ROLLING, Piece, at, lines
from tests.stories.story import Story, story

CASES = [(kind, operation, knob) for kind, operations in OPERATIONS.items() for operation in operations for knob in knobs(kind)]
EVERY = 37
"""The short run takes each so manieth case: all knobs and all kinds of calls come up, each somewhere."""
LIES = [("radicale", "create"), ("radicale", "replace"), ("radicale", "delete"), ("google", "delete"), ("pagerduty", "delete")]
"""Answered with 200 by something that is not the place, and done by nobody: always tried."""
FIRST = ("token", "people")
"""Calls that a later cycle does not make."""
APPLIED = ("dropped after", "half an answer", "500, but applied", "late", "slow", "trickle")
"""What was asked for may be done all the same, and the next look sees it."""
CHANGED = [
    "cho 11T12 12T09", "ana 12T09 13T09", "ben 13T09 14T09", "cho 14T09 15T09",
    "ana 15T09 15T12", "eve 15T12 15T18", "ana 15T18 16T09", "ben 16T09 17T09",
]  # fmt: skip


def lies(kind: str, operation: str, knob: str) -> bool:
    return knob == "empty" and (kind, operation) in LIES


def cases(*wanted: str) -> list[object]:
    """Of those knobs, or of all."""
    chosen = [case for case in CASES if not wanted or case[2] in wanted]
    return [
        pytest.param(case, id="-".join(case), marks=() if number % EVERY == 0 or lies(*case) else pytest.mark.long)
        for number, case in enumerate(chosen)
    ]


@pytest.fixture
def broken(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Story, str, str]]:
    """A change that creates, replaces and deletes is due; or, for what only a first cycle asks, the first export."""
    kind, operation, knob = request.param
    with opening(kind, request, tmp_path)(noon()) as place:
        told = story(place, tmp_path, monkeypatch, "bidirectional", exported=operation not in FIRST)
        if operation not in FIRST:
            override = told.override("dee", "12T12", "12T18")
            told.export()
            told.run("override", "remove", override)
            told.override("eve", "15T12", "15T18")
        yield told, operation, knob
        mends(place)


def expected(operation: str) -> list[str]:
    return ROLLING if operation in FIRST else CHANGED


def recovers(told: Story, operation: str) -> None:
    """In three quiet cycles at most, without anything but time."""
    for _ in range(3):
        told.pass_time(0.25)
        told.attempt()
        if told.shown() == _clipped(told, operation) and told.attempt() == 0:
            break
    assert told.shown() == _clipped(told, operation)
    things = [one for one in told.place.standing() if one.end > told.now]
    assert all(one.end <= other.start for one, other in pairwise(things)), f"twice: {told.entries()}"
    told.nothing_to_do()
    if not told.place.pager:  # there what comes late is likely ours, and removed with a notice (W9)
        assert told.told() == [], "no human did anything"
    assert told.status()["status"] == "OK"


def _clipped(told: Story, operation: str) -> list[str]:
    return lines(_pieces(expected(operation)), told.now)


def _pieces(told: list[str]) -> list[Piece]:
    return [(at(start), at(end), who) for who, start, end in (line.split() for line in told)]


@pytest.mark.parametrize("broken", cases(), indirect=True)
def test_a_fault_that_happens_once_leaves_every_shift_once(broken: tuple[Story, str, str]) -> None:
    told, operation, knob = broken
    breaks(told.place, operation, knob)
    with impatient(knob):
        told.attempt()
    assert operation in told.place.calls()
    mends(told.place)
    recovers(told, operation)


@pytest.mark.parametrize("broken", cases(), indirect=True)
def test_a_fault_that_lasts_is_told_once_with_its_cause_and_ends_by_itself(broken: tuple[Story, str, str]) -> None:
    told, operation, knob = broken
    breaks(told.place, operation, knob, None)
    with impatient(knob):
        code = told.attempt()
        assert operation in told.place.calls()
        codes = code, told.attempt()
    if knob not in APPLIED:
        assert codes == (1, 1)
        assert told.status()["reason"]
        assert len(told.alarms()) <= 1
    mends(told.place)
    recovers(told, operation)


# --- what only some vendors do ------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["google", "outlook", "pagerduty", "pagerduty_v3"])
@pytest.mark.parametrize(
    "answer",
    [pytest.param("before", marks=pytest.mark.long), "after", pytest.param(None, marks=pytest.mark.long)],
    ids=["dropped before", "dropped after", "answered"],
)
def test_lists_that_lag_behind_writes_make_nothing_twice(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, answer: str | None
) -> None:
    """Also where the answer to a create is lost: what is not listed yet may stand there."""
    with opening(kind, request, tmp_path)(noon()) as place:
        there: Any = place.there  # type: ignore[attr-defined]
        (there.knobs if kind == "outlook" else there).lag = 120.0
        told = story(place, tmp_path, monkeypatch, exported=False)
        if answer is not None:
            breaks(place, "create", f"dropped {answer}")
        told.attempt()
        mends(place)
        for _ in range(3):
            told.pass_time(0.05)
            told.attempt()
        told.pass_time(0.05)
        assert told.shown() == lines(_pieces(ROLLING), told.now)
        things = [one for one in place.standing() if one.end > told.now]
        assert all(one.end <= other.start for one, other in pairwise(things)), f"twice: {told.entries()}"
        told.nothing_to_do()


@pytest.mark.parametrize("items", [{0: 400}, {1: 400, 2: 400}, {0: 500, 4: 429}], ids=str)
def test_of_overrides_sent_together_those_refused_are_tried_again_and_the_others_stand(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, items: dict[int, int]
) -> None:
    with opening("pagerduty", request, tmp_path)(noon()) as place:
        told = story(place, tmp_path, monkeypatch, exported=False)
        there: Any = place.there  # type: ignore[attr-defined]
        there.faults.add(Fault(method="POST", path="/overrides$", items=items))
        told.attempt()
        told.export()
        assert told.entries() == ROLLING
        told.nothing_to_do()
