"""The one file that knows both databases: how to connect, how to keep writers apart, and what their errors mean.

SQLite keeps them apart by `BEGIN IMMEDIATE`, PostgreSQL by an advisory lock of the tenant's schema.
"""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from syncd.store.errors import StoreError
from syncd.store.file import File, Identity, identity
from syncd.store.session import Database, Session

BUSY = 5
"""Seconds that a transaction waits for another's (F42)."""

WRITE_AHEAD = 8 << 20
"""Bytes that are left of the write-ahead log after a reader kept it from being taken in."""

LIVENESS: dict[str, Any] = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 25_000}
"""A server that is gone without a word is noticed within 25 s: without this a thread would wait for its answer for hours."""

CACHE = 256
"""KiB of the file that a connection keeps: the system keeps the file anyway."""

_PARAMETER = re.compile(r"(?<!:):([a-z_]+)")
_PASSWORD = re.compile(r"(?<=[?&]password=)[^&]+|(?<=:)(?!//).+(?=@)")


class Sqlite(Database):
    """One file in a directory of its own; both are their owner's alone."""

    errors = (sqlite3.Error, UnicodeDecodeError)  # of damaged bytes, the driver cannot even say what is wrong

    def __init__(self, path: Path, now: Callable[[], int]) -> None:
        super().__init__()
        self.path = path
        self.where = str(path)
        self._now = now
        self._identity: Identity | None = None

    def connect(self) -> File:
        if self._identity is not None:
            self._check_place()
        if any(one.displaced for one in self.open_ones()):
            self.close()
            raise self._deleted()  # the library would use those ones' index with another log
        raw = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode=rw",  # never made here, where it was moved away
            timeout=BUSY,
            isolation_level=None,
            check_same_thread=False,
            factory=File,
            uri=True,
        )
        try:
            raw.row_factory = sqlite3.Row
            raw.execute("PRAGMA foreign_keys = ON")
            raw.execute("PRAGMA synchronous = FULL")
            raw.execute(f"PRAGMA journal_size_limit = {WRITE_AHEAD}")
            raw.execute(f"PRAGMA cache_size = -{CACHE}")
            if raw.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                raw.execute("PRAGMA journal_mode = WAL")
            raw.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()  # opens the log, or makes it
            raw.watch(self.path)
        except BaseException:
            raw.close()
            raise
        self._identity = self._identity or identity(self.path)
        return raw

    def begin(self, raw: Any, *, write: bool) -> None:
        self._check_place()
        if raw.displaced:
            self.close()
            raise self._deleted()
        raw.execute("BEGIN IMMEDIATE" if write else "BEGIN")

    def _check_place(self) -> None:
        """A store moved aside must not be written any more under its old name."""
        if identity(self.path) != self._identity:
            raise StoreError(
                f"{self.where} was moved or replaced while it was in use; start syncd again to use what is there now."
            )

    def _deleted(self) -> StoreError:
        return StoreError(
            f"{self.where}-wal or {self.path.name}-shm was deleted under it: they are parts of the store while it is in use. "
            f"What was in them is being taken in; nothing was written just now. Try again."
        )

    def is_open(self, raw: Any) -> bool:
        return bool(raw.in_transaction)

    def speak(self, sql: str) -> str:
        return sql

    def explain(self, error: Exception) -> Exception:
        if isinstance(error, sqlite3.DataError):
            return ValueError(str(error))
        if isinstance(error, UnicodeDecodeError):
            return self.corrupt("what should be text is none")
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            return self.corrupt(str(error))
        if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            return StoreError(f"{self.where} stayed locked by another process for {BUSY} s; nothing was written. Try again.")
        if code in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}:
            return StoreError(
                f"{self.where} cannot be written ({error}): make room on its disk, or see to it. Nothing was written."
            )
        if code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}:
            return StoreError(
                f"{self.where} cannot be opened for writing ({error}): its directory must exist and be syncd's own."
            )
        return StoreError(f"{self.where}: {error}")

    def corrupt(self, what: str) -> StoreError:
        return StoreError(
            f"{self.where} is damaged ({what}); nothing was written. Put back a copy made by `syncd backup`, or move it aside "
            f"with `mv {self.where} {self.where}.damaged; rm -f {self.where}-wal {self.where}-shm`: syncd then starts with an "
            f"empty ledger, adopts what it finds in the calendars, and waits for `syncd ack` before it removes anything."
        )

    def check(self) -> None:
        """F42: a damaged file is found before anything is decided from it, also one that SQLite would take for empty."""
        try:
            with self.path.open("rb") as file:
                head = file.read(512)
        except OSError as error:
            raise StoreError(f"{self.where} cannot be opened: {error.strerror}.") from error
        if head and (len(head) < 512 or not head.startswith(b"SQLite format 3\0")):
            raise self.corrupt("it does not begin as a database does")
        with self.transaction(write=False) as session:
            found = [row[0] for row in session.rows("PRAGMA quick_check(3)")]  # type: ignore[index]
        if found != ["ok"]:
            raise self.corrupt("; ".join(found))

    def is_new(self) -> bool:
        """Nothing was ever kept in it."""
        with self.transaction(write=False) as session:
            return not self.tables(session)

    def now(self, session: Session) -> int:
        return self._now()

    def tables(self, session: Session) -> set[str]:
        return {row["name"] for row in session.rows("SELECT name FROM sqlite_master WHERE type = 'table'")}

    def prepare(self, session: Session) -> None:
        """The file is all there has to be."""

    def copy_aside(self, session: Session, version: int, names: Iterable[str]) -> None:
        target = self.path.with_name(f"{self.path.name}.v{version}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(self._now()))}")
        if not target.exists():
            self.copy(target)

    def copy(self, target: Path) -> None:
        """A whole copy, while others read and write; there is nothing under `target` before it is complete."""
        part = target.with_name(target.name + ".part")
        try:
            part.unlink(missing_ok=True)
            os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            source = sqlite3.connect(self.path, timeout=BUSY)
            copy = sqlite3.connect(part)
            try:
                source.backup(copy)
            finally:
                copy.close()
                source.close()
            os.link(part, target)
        except FileExistsError:
            raise StoreError(f"{target} is there already; nothing was copied.") from None
        except OSError as error:
            raise StoreError(f"{target} cannot be written: {error.strerror}.") from error
        except sqlite3.Error as error:
            raise StoreError(f"{target} cannot be written: {error}.") from error
        finally:
            for left in (part, part.with_name(part.name + "-journal"), part.with_name(part.name + "-wal")):
                with suppress(OSError):
                    left.unlink(missing_ok=True)


class Postgres(Database):
    """A schema for each tenant. Times are the server's: the machines that share it need not agree on theirs."""

    def __init__(self, url: str, schema: str) -> None:
        super().__init__()
        from urllib.parse import unquote  # only where a database is used

        try:
            import psycopg  # only where a database is used
        except ImportError:
            raise StoreError("a store in PostgreSQL needs psycopg: install syncd[postgres].") from None
        self._psycopg = psycopg
        self.errors = (psycopg.Error,)
        self._url = url
        self.schema = schema
        self.where = re.sub(r"(?<=//).*@", "", url).partition("?")[0]
        # Of an address that cannot be parsed the driver repeats whatever piece it stumbled over.
        passwords = _PASSWORD.findall(url)
        pieces = [piece for password in passwords for piece in re.split(r"[:/@%?#]", password)]
        decoded = [unquote(password) for password in passwords]
        self._secrets = sorted({text for text in (url, *passwords, *decoded, *pieces) if len(text) > 2}, key=len, reverse=True)
        self._lock = int.from_bytes(hashlib.sha256(f"syncd/{schema}".encode()).digest()[:8], "big", signed=True)
        self._spoken: dict[str, str] = {}

    def connect(self) -> Any:
        raw = self._psycopg.connect(
            self._url, autocommit=True, row_factory=self._psycopg.rows.dict_row, connect_timeout=10, **LIVENESS
        )
        # A holder that is frozen in the middle of a transaction must not keep the others out for ever.
        raw.execute(
            f"SET search_path = {self.schema}; SET client_encoding = 'UTF8'; SET lock_timeout = '{BUSY}s';"
            f"SET statement_timeout = '60s'; SET idle_in_transaction_session_timeout = '20s'"
        )
        return raw

    def begin(self, raw: Any, *, write: bool) -> None:
        if write:
            raw.execute(f"BEGIN; SELECT pg_advisory_xact_lock({self._lock})")
        else:
            raw.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")

    def is_open(self, raw: Any) -> bool:
        if raw.closed or raw.broken:
            raise self._psycopg.OperationalError("the connection is gone")
        return bool(raw.info.transaction_status != self._psycopg.pq.TransactionStatus.IDLE)

    def speak(self, sql: str) -> str:
        spoken = self._spoken.get(sql)
        if spoken is None:
            spoken = self._spoken[sql] = _PARAMETER.sub(r"%(\1)s", sql)
        return spoken

    def explain(self, error: Exception) -> Exception:
        if isinstance(error, self._psycopg.DataError):
            return ValueError(str(error))
        if isinstance(error, self._psycopg.errors.LockNotAvailable):
            return StoreError(f"{self.where} stayed locked by another process for {BUSY} s; nothing was written. Try again.")
        said = " ".join(str(error).split())
        for secret in self._secrets:
            said = said.replace(secret, "***")
        if isinstance(error, self._psycopg.errors.InsufficientPrivilege):
            return StoreError(f"{self.where}: {said}; syncd needs to create and own the schema {self.schema}.")
        return StoreError(f"{self.where} cannot be read or written: {said}")

    def now(self, session: Session) -> int:
        found = session.row("SELECT CAST(floor(extract(epoch FROM clock_timestamp())) AS BIGINT) AS now")
        assert found is not None  # noqa: S101 - a SELECT without FROM has one row
        return int(found["now"])

    def tables(self, session: Session) -> set[str]:
        named = session.rows("SELECT table_name FROM information_schema.tables WHERE table_schema = :named", named=self.schema)
        return {row["table_name"] for row in named}

    def prepare(self, session: Session) -> None:
        if session.row("SELECT 1 AS there FROM pg_namespace WHERE nspname = :named", named=self.schema) is None:
            session.change(f"CREATE SCHEMA {self.schema}")

    def copy_aside(self, session: Session, version: int, names: Iterable[str]) -> None:
        aside = f"{self.schema}_v{version}"
        if session.row("SELECT 1 AS there FROM pg_namespace WHERE nspname = :named", named=aside) is None:
            session.change(f"CREATE SCHEMA {aside}")
            for name in sorted(names):
                session.change(f"CREATE TABLE {aside}.{name} AS TABLE {self.schema}.{name}")
