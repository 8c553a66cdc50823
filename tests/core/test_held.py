"""What waits in a hold, as whoever answers it reads it."""

from __future__ import annotations

from typing import Any

import pytest

from syncd.core.held import sentence

ANA = {"person": "ana", "start": "1970-01-01T00:00:01Z", "end": "1970-01-01T00:00:05Z"}
BEN = {**ANA, "person": "ben"}
LATER = {**ANA, "end": "1970-01-01T00:00:09Z"}
PIECE = {**ANA, "drift": "changed on both sides, differently", "people": ["cho", "dev"], "rota": "ben"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"before": ANA, "after": None}, "1 to 5: ANA would be taken off"),
        ({"before": None, "after": ANA}, "1 to 5: ANA would be put on"),
        ({"before": ANA, "after": BEN}, "1 to 5: BEN would take the place of ANA"),
        ({"before": ANA, "after": LATER}, "ANA: 1 to 5 would become 1 to 9"),
        (PIECE, "1 to 5: changed on both sides, differently; it shows CHO and DEV, the rota has BEN"),
        (
            {**PIECE, "people": [], "rota": None},
            "1 to 5: changed on both sides, differently; it shows nobody, the rota has nobody",
        ),
        ({"reason": "strangers"}, ""),
        ({"before": None, "after": None}, ""),
    ],
)
def test_each_change_that_waits_is_a_sentence_with_people_and_times(change: dict[str, Any], said: str) -> None:
    assert sentence(change, str.upper, lambda start, end: f"{start} to {end}") == said
