"""A store of any earlier version is brought up to date, whole or not at all, and a copy is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncd.core.record import Row, Value
from syncd.store import StoreError, migrations
from syncd.store import store as store_module
from syncd.store.database import Postgres, Sqlite
from syncd.store.migrations import MIGRATIONS, migrate
from syncd.store.session import Session
from syncd.store.store import schema_of
from tests.stores import NOON, Place

ROW = Row(ref="r", uid="u", key="k", generation=1, op="o", accepted=Value("ana", NOON, NOON + 60))


def database_of(place: Place) -> Sqlite | Postgres:
    if place.kind == "postgres":
        return Postgres(str(place.location), schema_of(place.tenant))
    path = Path(place.location) / "syncd.db"
    path.parent.mkdir(exist_ok=True)
    path.touch()
    return Sqlite(path, lambda: NOON)


def shape(place: Place) -> list[tuple[str, str]]:
    """Every table and column."""
    database = database_of(place)
    with database.transaction(write=False) as session:
        columns = [(table, name) for table in sorted(database.tables(session)) for name in names(session, table)]
    database.close()
    return columns


def names(session: Session, table: str) -> list[str]:
    cursor = session._raw.execute(f"SELECT * FROM {table} LIMIT 0")  # noqa: S608 - our own tables
    return [column[0] for column in cursor.description]


def later(session: Session) -> None:
    session.change("ALTER TABLE entries ADD COLUMN colour TEXT")
    session.change("UPDATE entries SET colour = 'green'")


def broken(session: Session) -> None:
    session.change("CREATE TABLE half (done TEXT)")
    session.change("ALTER TABLE nowhere ADD COLUMN nothing TEXT")


@pytest.mark.parametrize("version", range(len(MIGRATIONS)))
def test_every_earlier_version_becomes_the_present_one(place: Place, tmp_path: Path, version: int) -> None:
    database = database_of(place)
    migrate(database, MIGRATIONS[:version])
    database.close()
    place.open()
    fresh = Place(tmp_path / "fresh", "default", "sqlite")
    fresh.open()
    assert shape(place) == shape(fresh)
    fresh.close()


def test_what_was_kept_is_still_there_after_a_migration(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    with place.open().write() as tx:
        tx.ledger.put_row("google", ROW)
    place.close()
    monkeypatch.setattr(store_module, "MIGRATIONS", (*MIGRATIONS, later))
    with pytest.raises(StoreError, match="older version"):
        place.open(create=False)
    with place.open().read() as tx:
        assert tx.session.rows("SELECT ref, colour FROM entries")[0]["colour"] == "green"
        assert tx.ledger.memory("google").rows == (ROW,)


def test_a_copy_is_kept_of_what_is_migrated(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    with place.open().write() as tx:
        tx.ledger.put_row("google", ROW)
    place.close()
    monkeypatch.setattr(store_module, "MIGRATIONS", (*MIGRATIONS, later))
    store = place.open()
    version = len(MIGRATIONS)
    if place.kind == "postgres":
        with store.read() as tx:
            kept = tx.session.rows(f"SELECT * FROM {schema_of(place.tenant)}_v{version}.entries")  # noqa: S608
            assert [(row["ref"], "colour" in row) for row in kept] == [("r", False)]
        return
    (copy,) = Path(place.location).glob(f"syncd.db.v{version}-*")
    assert copy.stat().st_mode & 0o777 == 0o600
    copied = Sqlite(copy, lambda: NOON)
    with copied.transaction(write=False) as session:
        assert "colour" not in names(session, "entries")
        assert len(session.rows("SELECT * FROM entries")) == 1
    copied.close()


def test_a_migration_that_fails_leaves_the_store_as_it_was(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    with place.open().write() as tx:
        tx.ledger.put_row("google", ROW)
    before = shape(place)
    with monkeypatch.context() as patched:
        patched.setattr(store_module, "MIGRATIONS", (*MIGRATIONS, later, broken))
        with pytest.raises(StoreError):
            place.open()
    assert shape(place) == before
    with place.open().read() as tx:
        assert tx.ledger.memory("google").rows == (ROW,)


def test_a_store_of_a_newer_syncd_is_not_touched(place: Place) -> None:
    with place.open().write() as tx:
        tx.session.change("UPDATE schema_version SET version = 99")
    place.close()
    path = Path(place.location) / "syncd.db"
    before = path.read_bytes() if place.kind == "sqlite" else b""
    for create in (True, False):
        with pytest.raises(StoreError, match="newer syncd"):
            place.open(create=create)
    assert place.kind == "postgres" or path.read_bytes() == before
    database = database_of(place)
    with pytest.raises(StoreError, match="newer syncd"):
        migrations.migrate(database)
    database.close()


def test_a_start_that_was_interrupted_is_done_again(tmp_path: Path) -> None:
    (tmp_path / "syncd.db").touch()
    place = Place(tmp_path, "default", "sqlite")
    assert place.try_open(create=False) is None
    with place.open().write() as tx:
        assert tx.ledger.put_row("google", ROW)
    place.close()
