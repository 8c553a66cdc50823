"""All that can go wrong, at once, under a real daemon: when it is quiet all is as the rota has it, and nothing was lost."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.chaos import HORIZON, Chaos

SECONDS = 30
RUNS = ((1, ("folder", "google", "pagerduty")), (2, ("folder", "outlook")), (3, ("google", "pagerduty_v3")))


@pytest.mark.long
@pytest.mark.parametrize(("seed", "kinds"), RUNS, ids=lambda value: value if isinstance(value, int) else "-".join(value))
def test_after_everything_that_can_go_wrong_all_is_as_the_rota_has_it(tmp_path: Path, seed: int, kinds: tuple[str, ...]) -> None:
    with ExitStack() as stack:
        chaos = Chaos(tmp_path, kinds, seed, stack)
        chaos.quiet()
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            chaos.step()
        chaos.quiet()
        each_shift_is_shown_once(chaos)
        nothing_was_lost(chaos)
        at_rest_nothing_is_written(chaos)


def each_shift_is_shown_once(chaos: Chaos) -> None:
    rota = chaos.rota()
    since, until = int(time.time()) + 5, int(time.time()) + HORIZON - 120
    for name, there in chaos.places.items():
        things = there.place.standing()
        assert within(there.place.shown(things), since, until) == within(joined(rota), since, until), name
        own = [(one.start, one.end, one.who) for one in things if not one.by_hand]
        if not there.place.pager:
            assert within(own, since, until) == within(rota, since, until), name
    chaos.daemon.become_true(lambda: [one["destination"] for one in chaos.run("status") if not is_well(one)] == [])
    chaos.daemon.become(200)


def is_well(one: dict[str, Any]) -> bool:
    return (one["status"], one["reason"], one["differs_seconds"], one["holds"]) == ("OK", "", 0, 0)


def nothing_was_lost(chaos: Chaos) -> None:
    rota = chaos.rota()
    assert {name: there.uncovered for name, there in chaos.places.items() if there.uncovered} == {}
    assert [edit for edit in chaos.last_edits() if not chaos.accounted(edit, rota)] == []
    assert chaos.rows("SELECT * FROM intents") == chaos.rows("SELECT * FROM notices WHERE state = 'armed'") == []
    assert chaos.run("audit", "verify") is not None
    said = [*chaos.logs, *chaos.daemon.lines()]
    assert [line for line in said if "exception" in line or line["event"] in ("said", "destination.bug")] == []
    assert "canary-" not in str(said).replace("canary-client-id", "")


def at_rest_nothing_is_written(chaos: Chaos) -> None:
    for there in chaos.places.values():
        there.place.forget()
    before = {name: there.place.standing() for name, there in chaos.places.items()}
    chaos.looked(2)
    assert {name: there.place.writes() for name, there in chaos.places.items() if there.place.writes()} == {}
    assert {name: there.place.standing() for name, there in chaos.places.items()} == before


def joined(rota: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """As a reader of a place would say it: neighbours of one person are one."""
    found: list[tuple[int, int, str]] = []
    for start, end, who in sorted(rota):
        if found and found[-1][1:] == (start, who):
            found[-1] = (found[-1][0], end, who)
        else:
            found.append((start, end, who))
    return found


def within(found: list[tuple[int, int, str]], since: int, until: int) -> list[tuple[int, int, str]]:
    return sorted((max(start, since), min(end, until), who) for start, end, who in found if start < until and end > since)
