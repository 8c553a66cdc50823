"""Stores for tests, the same questions to either database."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from syncd.store import Store
from tests import postgres

KEY = "5a" * 32
NOON = 1_772_798_400
"""2026-03-06 12:00 UTC."""

_tenants = itertools.count(1)


class Place:
    """Where a store can be opened, again and again."""

    def __init__(self, location: str | Path, tenant: str, kind: str) -> None:
        self.location = location
        self.tenant = tenant
        self.kind = kind
        self.clock = NOON
        self._opened: list[Store] = []

    def open(self, *, create: bool = True, now: Callable[[], int] | None = None) -> Store:
        store = self.try_open(create=create, now=now)
        assert store is not None
        return store

    def try_open(self, *, create: bool = True, now: Callable[[], int] | None = None) -> Store | None:
        store = Store.open(self.location, self.tenant, KEY, create=create, now=now or (lambda: self.clock))
        if store is not None:
            self._opened.append(store)
        return store

    def close(self) -> None:
        for store in self._opened:
            store.close()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    try:
        pytest.importorskip("psycopg")
        with postgres.server() as url:
            yield url
    except postgres.Absent as why:
        pytest.skip(str(why))


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "sqlite":
        found = Place(tmp_path / "state", "default", "sqlite")
    else:
        url = request.getfixturevalue("postgres_url")
        found = Place(url, f"t{os.getpid()}_{next(_tenants)}", "postgres")
    yield found
    found.close()


@pytest.fixture
def store(place: Place) -> Store:
    return place.open()
