"""One Radicale and one Xandikos a session, and towns on them: in each mode on each server, fewer of them in the short run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.connectors import servers
from tests.connectors.conftest import radicale, xandikos
from tests.e2e.town import MODES, Town, town

__all__ = ["radicale", "xandikos"]

SHORT = {("radicale", "bidirectional"), ("xandikos", "authoritative")}
EVERYWHERE = [
    pytest.param((kind, mode), id=f"{kind}-{mode}", marks=() if (kind, mode) in SHORT else pytest.mark.long)
    for kind in ("radicale", "xandikos")
    for mode in MODES
]


@pytest.fixture(params=EVERYWHERE)
def place(request: pytest.FixtureRequest) -> tuple[servers.Server, str]:
    kind, mode = request.param
    return request.getfixturevalue(kind), mode


@pytest.fixture
def new(place: tuple[servers.Server, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    """Nothing was exported yet."""
    with town(place[0], tmp_path, monkeypatch, place[1], exported=False) as found:
        yield found


@pytest.fixture
def shown(place: tuple[servers.Server, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    """The rota is shown."""
    with town(place[0], tmp_path, monkeypatch, place[1]) as found:
        yield found


@pytest.fixture
def one(radicale: servers.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    """The rota is shown, on one server in one mode: for what neither has a say in."""
    with town(radicale, tmp_path, monkeypatch) as found:
        yield found


@pytest.fixture
def both(radicale: servers.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    """The same in bidirectional mode."""
    with town(radicale, tmp_path, monkeypatch, "bidirectional") as found:
        yield found
