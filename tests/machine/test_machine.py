"""The state machine over every shape and mode; a tenth of the nightly counts in the normal run."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from syncd.core.mode import Mode
from tests.machine.machine import Machine

EXAMPLES = int(os.environ.get("SYNCD_EXAMPLES", "6"))
NIGHTLY = int(os.environ.get("SYNCD_EXAMPLES", "1100"))
STEPS = 50

WORLDS = [
    pytest.param({"shape": shape, "mode": mode, "people": people, "count": count}, id=f"{shape}-{mode}-{people}-{count}")
    for shape, mode, people, count in [
        ("calendar", Mode.AUTHORITATIVE, 1, 1),
        ("calendar", Mode.BIDIRECTIONAL, 1, 1),
        ("calendar", Mode.MANUAL, 1, 1),
        ("calendar", Mode.AUTHORITATIVE, 2, 1),
        ("calendar", Mode.BIDIRECTIONAL, 2, 1),
        ("calendar", Mode.BIDIRECTIONAL, 1, 2),
        ("pager", Mode.AUTHORITATIVE, 1, 1),
        ("pager", Mode.BIDIRECTIONAL, 1, 1),
        ("shifts", Mode.AUTHORITATIVE, 1, 1),
        ("shifts", Mode.BIDIRECTIONAL, 1, 1),
    ]
]


def run(world: dict[str, Any], examples: int, *, derandomize: bool) -> None:
    machine = type("MachineHere", (Machine,), world)
    case = machine.TestCase
    case.settings = settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=not derandomize,
    )
    case("runTest").runTest()


@pytest.mark.parametrize("world", WORLDS)
def test_every_promise_holds_whatever_happens(world: dict[str, Any]) -> None:
    """I1–I9 and W1–W13 checked throughout by the machine's own assertions."""
    run(world, EXAMPLES, derandomize="SYNCD_EXAMPLES" not in os.environ)


@pytest.mark.long
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("world", WORLDS)
def test_every_promise_holds_whatever_happens_at_nightly_counts(world: dict[str, Any]) -> None:
    run(world, NIGHTLY, derandomize=False)
