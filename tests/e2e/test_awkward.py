"""Every odd habit of a CalDAV server, and pairs of them: the promises hold through random lives in all modes."""

from __future__ import annotations

import os
import random
from itertools import combinations

import pytest

from syncd.core.mode import Mode
from tests.e2e.awkward_world import Story, awkward
from tests.simulators.awkward_caldav import Quirk

SEEDS = int(os.environ.get("SYNCD_SEEDS", "1"))
NIGHTLY = int(os.environ.get("SYNCD_SEEDS", "25"))
STEPS = 12
MODES = [Mode.AUTHORITATIVE, Mode.BIDIRECTIONAL, Mode.MANUAL]

LOSES_ENTRIES = {Quirk.DROPS_UNKNOWN}
"""Without the ledger nobody could know what is ours there: none of these lose theirs."""


def live(quirks: tuple[Quirk, ...], mode: Mode, seed: int) -> None:
    with awkward(*quirks, mode=mode, options={"zone": "Europe/Berlin"} if Quirk.ZONES_OFF in quirks else {}) as world:
        story = Story(world, seed, loses=not LOSES_ENTRIES & set(quirks))
        try:
            story.run(STEPS)
            world.there.quirks -= {Quirk.CLOCK_AHEAD}  # nothing is deleted while a clock is wrong
            world.quiet()
        except AssertionError:
            print(f"seed {seed}: {' '.join(story.told)}")
            raise


ONE = [
    pytest.param(quirk, mode, id=f"{quirk.value}-{mode}", marks=() if mode is MODES[n % 3] else pytest.mark.long)
    for n, quirk in enumerate(Quirk)
    for mode in MODES
]


@pytest.mark.parametrize(("quirk", "mode"), ONE)
def test_one_odd_habit(quirk: Quirk, mode: Mode) -> None:
    for seed in range(SEEDS):
        live((quirk,), mode, seed)


PAIRS = random.Random(8).sample(list(combinations(Quirk, 2)), 10)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: " and ".join(pair))
def test_two_odd_habits(pair: tuple[Quirk, ...]) -> None:
    live(pair, Mode.BIDIRECTIONAL, 1)


@pytest.mark.long
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("mode", MODES)
def test_odd_habits_at_nightly_counts(mode: Mode) -> None:
    choose = random.Random(mode.value)
    for seed in range(NIGHTLY * 20):
        live(tuple(choose.sample(list(Quirk), choose.randint(0, 3))), mode, seed)
