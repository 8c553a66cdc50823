"""Decides whose turn it is: handoffs in closed form, counted from the anchor (SCHEDULES.md section 2)."""

from __future__ import annotations

from typing import NamedTuple

from syncd.core.model import Layer, Schedule


class Problem(NamedTuple):
    """What is wrong with the meaning of a layer. `path`: below the layer, as its keys are written in the file."""

    path: tuple[str | int, ...]
    text: str
    remedy: str


def problems(layer: Layer, schedule: Schedule) -> list[Problem]:
    """Every way in which `layer` contradicts itself or says too little to be computed; none: it can be computed."""
    return []
