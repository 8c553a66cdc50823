"""Every place a connector serves, in every mode; the short run tries each mode somewhere, and the vendors' places."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest

from tests.connectors.conftest import radicale, xandikos
from tests.simulators.common import Clock
from tests.stories.days import MODES, NOON
from tests.stories.files import directory, on_server
from tests.stories.pagers import in_layers, in_shifts
from tests.stories.place import Place
from tests.stories.story import Story, story
from tests.stories.vendors import in_memory, in_outlook, on_google

__all__ = ["radicale", "xandikos"]

PLACES = ("folder", "radicale", "xandikos", "google", "outlook", "pagerduty", "pagerduty_v3", "memory")
SHORT = (
    ("folder", "manual"), ("google", "authoritative"), ("google", "bidirectional"), ("outlook", "authoritative"),
    ("pagerduty", "bidirectional"), ("pagerduty_v3", "authoritative"), ("pagerduty_v3", "bidirectional"),
)  # fmt: skip
EVERYWHERE = [
    pytest.param((place, mode), id=f"{place}-{mode}", marks=() if (place, mode) in SHORT else pytest.mark.long)
    for place in PLACES
    for mode in MODES
]
Opening = Callable[[Clock], AbstractContextManager[Place]]


def opening(kind: str, request: pytest.FixtureRequest, folder: Path) -> Opening:
    if kind in ("radicale", "xandikos"):
        return partial(on_server, server=request.getfixturevalue(kind))
    made: dict[str, Opening] = {
        "folder": partial(directory, folder=folder), "google": on_google, "outlook": in_outlook, "memory": in_memory,
        "pagerduty": in_layers, "pagerduty_v3": in_shifts,
    }  # fmt: skip
    return made[kind]


def noon() -> Clock:
    return Clock(datetime.fromisoformat(NOON).timestamp())


@pytest.fixture(params=EVERYWHERE)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Place, str]]:
    kind, mode = request.param
    with opening(kind, request, tmp_path)(noon()) as found:
        yield found, mode


@pytest.fixture
def new(place: tuple[Place, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Story:
    """Nothing was exported yet."""
    return story(place[0], tmp_path, monkeypatch, place[1], exported=False)


@pytest.fixture
def shown(place: tuple[Place, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Story:
    """The rota is shown."""
    return story(place[0], tmp_path, monkeypatch, place[1])
