"""One Radicale and one Xandikos a session, and calendars of a test's own in them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.connectors import servers
from tests.connectors.calendars import Calendar
from tests.simulators.proxy import Proxy


@pytest.fixture(scope="session")
def radicale(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    with servers.radicale(tmp_path_factory.mktemp("radicale")) as server:
        yield server


@pytest.fixture(scope="session")
def xandikos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    with servers.xandikos(tmp_path_factory.mktemp("xandikos")) as server:
        yield server


@pytest.fixture
def calendar(radicale: servers.Server) -> Iterator[Calendar]:
    """An empty one on Radicale, through a proxy."""
    with Proxy(radicale.url) as proxy:
        yield Calendar(radicale, proxy, radicale.calendar())
