"""Transactions on a database, whichever it is: all or nothing, on a few connections, one that was lost is made anew.

One writer at a time: whatever is read in a write transaction is still true when it commits. Readers see one moment and wait
for nobody. The threads of a process queue for their turn here: the databases' own locks are for other processes, and know no
queue in which nobody starves.
"""

from __future__ import annotations

import threading
import weakref
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from typing import Any

from syncd.store.errors import StoreError
from syncd.store.turns import Turns

PATIENCE = 30
"""Seconds in which a thread's turn to write comes, whatever the others meet with (F42): less than a lease lasts."""

MOST = 8
"""Connections of a process: hundreds of threads share them, as a server of PostgreSQL has a hundred for everybody."""

Row = Mapping[str, Any]


class Session:
    """The statements of one transaction. Parameters are written `:name` in either database."""

    def __init__(self, raw: Any, database: Database, *, write: bool) -> None:
        self._raw = raw
        self._database = database
        self.writes = write

    def now(self) -> int:
        """The time that leases go by: the database's own where several machines share it."""
        return self._database.now(self)

    def rows(self, sql: str, **values: object) -> list[Row]:
        try:
            return list(self._raw.execute(self._database.speak(sql), values).fetchall())
        except self._database.errors as error:
            raise self._database.explain(error) from error

    def row(self, sql: str, **values: object) -> Row | None:
        found = self.rows(sql, **values)
        return found[0] if found else None

    def change(self, sql: str, **values: object) -> int:
        """How many rows were changed."""
        self._may_write()
        try:
            return int(self._raw.execute(self._database.speak(sql), values).rowcount)
        except self._database.errors as error:
            raise self._database.explain(error) from error

    def insert(self, table: str, **values: object) -> None:
        names = ", ".join(values)
        given = ", ".join(f":{name}" for name in values)
        self.change(f"INSERT INTO {table} ({names}) VALUES ({given})", **values)  # noqa: S608 - names of ours

    def put(self, table: str, key: Sequence[str], **values: object) -> None:
        """Inserts, or writes over the row of the same `key`."""
        names = ", ".join(values)
        given = ", ".join(f":{name}" for name in values)
        new = ", ".join(f"{name} = excluded.{name}" for name in values if name not in key)
        sql = f"INSERT INTO {table} ({names}) VALUES ({given}) ON CONFLICT ({', '.join(key)}) DO UPDATE SET {new}"  # noqa: S608
        self.change(sql, **values)

    def _may_write(self) -> None:
        if not self.writes:
            raise RuntimeError("a read transaction writes nothing")


class _Connection:
    """A driver's connection. `using` is held while a transaction is open."""

    def __init__(self, raw: Any) -> None:
        self.raw = raw
        self.using = threading.Lock()
        self.closed = False
        self._retired = False

    def close(self) -> None:
        with suppress(Exception):
            self.raw.close()
        self.closed = True

    def retire(self) -> None:
        """Closed at once, or by whoever uses it at the end of what it does: under a running statement SQLite would crash."""
        self._retired = True
        self.end()

    def end(self) -> None:
        """To be called after each use."""
        if self._retired and self.using.acquire(blocking=False):
            self.close()
            self.using.release()

    __del__ = close


class Database(ABC):
    """`where`: how messages name it, without a password. `errors`: what the driver raises."""

    where: str
    errors: tuple[type[Exception], ...]

    def __init__(self) -> None:
        self._mine = threading.local()
        self._turns = Turns()
        self._all: weakref.WeakSet[_Connection] = weakref.WeakSet()
        self._idle: list[_Connection] = []
        self._seats = threading.Semaphore(MOST)
        self._counting = threading.Lock()

    @contextmanager
    def transaction(self, *, write: bool) -> Iterator[Session]:
        """All or nothing; what goes wrong, also at the very end, leaves nothing behind."""
        if getattr(self._mine, "inside", False):
            raise RuntimeError("transactions do not nest")
        with self._turn() if write else nullcontext(), self._seat():
            connection = self._begun(write=write)
            self._mine.inside = True
            try:
                try:
                    yield Session(connection.raw, self, write=write)
                    connection.raw.execute("COMMIT")
                except self.errors as error:
                    raise self.explain(error) from error
            except BaseException:
                self._abandon(connection)
                raise
            finally:
                self._mine.inside = False
                self._give_back(connection)

    @contextmanager
    def _seat(self) -> Iterator[None]:
        if not self._seats.acquire(timeout=PATIENCE):
            raise self._busy()
        try:
            yield
        finally:
            self._seats.release()

    def _busy(self) -> StoreError:
        return StoreError(f"{self.where} was kept busy for {PATIENCE} s by our own threads; nothing was written. Try again.")

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._turns.take(PATIENCE):
            raise self._busy()
        try:
            yield
        finally:
            self._turns.end()

    def close(self) -> None:
        """Whoever is in the middle of a transaction ends it first; nobody is waited for. The next one connects anew."""
        for connection in self._open():
            connection.retire()

    def open_ones(self) -> list[Any]:
        """The driver's connections."""
        return [one.raw for one in self._open()]

    def _open(self) -> list[_Connection]:
        with self._counting:
            return [one for one in self._all if not one.closed]

    def _kept(self) -> _Connection | None:
        """The one that was used last of those that nobody uses."""
        with self._counting:
            while self._idle:
                if not (kept := self._idle.pop()).closed:
                    return kept
        return None

    def _give_back(self, connection: _Connection) -> None:
        connection.using.release()
        connection.end()
        if not connection.closed:
            with self._counting:
                self._idle.append(connection)

    def _begun(self, *, write: bool) -> _Connection:
        """A connection with a transaction open. One that was lost since the last transaction is made anew."""
        kept = self._kept()
        connection = kept or self._connected()
        connection.using.acquire()
        if connection.closed:  # by somebody else, just now
            connection.using.release()
            return self._begun(write=write)
        try:
            self.begin(connection.raw, write=write)
        except BaseException as error:
            self._abandon(connection)
            lost = connection.closed
            self._give_back(connection)
            if not isinstance(error, self.errors):
                raise
            if kept is not None and lost:
                return self._begun(write=write)
            raise self.explain(error) from error
        return connection

    def _connected(self) -> _Connection:
        try:
            connection = _Connection(self.connect())
        except self.errors as error:
            raise self.explain(error) from None  # the driver's own text may have the password in it
        with self._counting:
            self._all.add(connection)
        return connection

    def _abandon(self, connection: _Connection) -> None:
        """A connection that cannot even roll back is of no use to the next transaction."""
        try:
            if self.is_open(connection.raw):
                connection.raw.execute("ROLLBACK")
        except self.errors:
            connection.close()

    @abstractmethod
    def connect(self) -> Any: ...
    @abstractmethod
    def begin(self, raw: Any, *, write: bool) -> None: ...
    @abstractmethod
    def is_open(self, raw: Any) -> bool:
        """Whether a transaction is to be rolled back. Raises where the connection itself is gone."""

    @abstractmethod
    def speak(self, sql: str) -> str: ...
    @abstractmethod
    def explain(self, error: Exception) -> Exception:
        """What the driver's error means: a `StoreError`, or a `ValueError` where a value cannot be kept."""

    @abstractmethod
    def now(self, session: Session) -> int: ...
    @abstractmethod
    def tables(self, session: Session) -> set[str]: ...
    @abstractmethod
    def prepare(self, session: Session) -> None:
        """What must stand before the first table does."""

    @abstractmethod
    def copy_aside(self, session: Session, version: int, names: Iterable[str]) -> None:
        """A copy of everything, before it is brought to another version; never over an older copy."""
