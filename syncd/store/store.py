"""One tenant's memory: opens it, hands out transactions and leases, copies it. Nothing here is open during a call to a vendor."""

from __future__ import annotations

import hashlib
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from syncd.core.model import Instant, iso
from syncd.store import owned
from syncd.store.database import Postgres, Sqlite
from syncd.store.errors import LeaseHeld, StoreError
from syncd.store.journal import Audit
from syncd.store.key import beside, given, instance_of, lost
from syncd.store.leases import Lease, SystemLock, prolong, take
from syncd.store.migrations import MIGRATIONS, migrate, refuse_newer, version_of
from syncd.store.session import Database
from syncd.store.tx import Tx

FILE = "syncd.db"
_PAUSE = 0.1
_QUICK = 16 << 20
"""Bytes up to which a question, too, has the whole file looked through; beyond, it relies on what it reads."""


class Store:
    """`instance` is our name in markers. Threads may share it, each has a connection of its own.

    `key` None: it is lost. Questions that need none are answered all the same.
    """

    def __init__(self, database: Database, *, tenant: str, key: bytes | None) -> None:
        self._database = database
        self.tenant = tenant
        self._key = key
        self.instance = instance_of(key) if key else ""
        self.where = database.where
        self.left: dict[str, int] = {}
        """Epochs of leases that could not be given back, by name: nobody works under them any more."""

    @property
    def key(self) -> bytes:
        """It authenticates markers. Raises `StoreError` where it is lost."""
        if self._key is None:
            raise lost(Path(self.where).parent)
        return self._key

    @classmethod
    def open(
        cls,
        location: str | os.PathLike[str],
        tenant: str = "default",
        key: str | None = None,
        *,
        create: bool = True,
        now: Callable[[], int] | None = None,
    ) -> Store | None:
        """The store of `tenant` in a directory or a PostgreSQL database, brought to the present schema.

        Without `create` nothing is made or migrated, and where there is no store the answer is None. `now` is the clock that
        leases on SQLite go by. Raises `StoreError`.
        """
        clock = now or (lambda: int(time.time()))
        if is_url(location):
            return cls._open_postgres(str(location), tenant, key, create=create)
        return cls._open_sqlite(Path(location), tenant, key, create=create, now=clock)

    @classmethod
    def _open_sqlite(cls, directory: Path, tenant: str, key: str | None, *, create: bool, now: Callable[[], int]) -> Store | None:
        path = directory / FILE
        secret = given(key) if key else None
        try:
            if create:
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                os.close(owned.opened(path))
                if path.stat().st_mode & 0o077:
                    path.chmod(0o600)
            elif not path.exists() or path.stat().st_size == 0:
                return None
        except OSError as error:
            raise StoreError(
                f"{path} cannot be opened: {error.strerror}; its directory must exist and be syncd's own."
            ) from error
        database = Sqlite(path, now)
        try:
            with _opening(directory) if create else nullcontext():
                if create or path.stat().st_size < _QUICK:
                    database.check()
                store = cls(database, tenant=tenant, key=secret or beside(directory, create=create and database.is_new()))
                if create and store._key is None:
                    raise lost(directory)
                if not store._prepared(create=create):
                    database.close()
                    return None
        except BaseException:
            database.close()
            raise
        return store

    @classmethod
    def _open_postgres(cls, url: str, tenant: str, key: str | None, *, create: bool) -> Store | None:
        if not key:
            raise StoreError("a store in PostgreSQL needs `marker_key`: all daemons that share it must have the same.")
        database = Postgres(url, schema_of(tenant))
        try:
            store = cls(database, tenant=tenant, key=given(key))
            if store._prepared(create=create):
                return store
            database.close()
            return None
        except BaseException:
            database.close()
            raise

    def _prepared(self, *, create: bool) -> bool:
        """False where there is no store and none is to be made."""
        with self.read() as tx:
            version = version_of(tx.session, self._database)
            refuse_newer(self._database, version, len(MIGRATIONS))
            tenant = tx.facts.get("tenant") if version else None
        if not create and version == 0:
            return False
        if not create and version < len(MIGRATIONS):
            raise StoreError(f"{self.where} is of an older version: `syncd run` or `syncd export` brings it up to date.")
        if version < len(MIGRATIONS):
            migrate(self._database, MIGRATIONS)
        if tenant is None and create:
            with self.write() as tx:
                tenant = tx.facts.get("tenant") or self.tenant
                tx.facts.put("tenant", tenant)
        if tenant is not None and tenant != self.tenant:
            raise StoreError(f"{self.where} belongs to tenant {tenant}, not {self.tenant}: give each tenant a store of its own.")
        return True

    @property
    def shared(self) -> bool:
        """Several daemons may work on it together (PostgreSQL)."""
        return not isinstance(self._database, Sqlite)

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """One moment, whatever others write meanwhile."""
        with self._database.transaction(write=False) as session:
            yield Tx(session, self.instance)

    @contextmanager
    def write(self, lease: Lease | None = None) -> Iterator[Tx]:
        """The only writer until the block ends; an exception undoes all of it. `LeaseLost` where `lease` is another's (W13)."""
        with self._database.transaction(write=True) as session:
            if lease is not None:
                prolong(session, lease)
            yield Tx(session, self.instance)

    def lease(
        self,
        name: str,
        *,
        holder: str | None = None,
        wait: float = 0,
        on_wait: Callable[[str], None] | None = None,
        stop: threading.Event | None = None,
    ) -> Lease:
        """Raises `LeaseHeld` if it is not free within `wait` seconds, or as soon as `stop` is set.

        `on_wait` hears once who has it, and again whenever somebody else does.
        """
        mine = holder or myself()
        waking = stop or threading.Event()
        until = time.monotonic() + wait
        told = ""
        while True:
            lock = self._system_lock(name)
            try:
                with self._database.transaction(write=True) as session:
                    epoch = take(session, name, mine, lock, self.left.get(name))
            except LeaseHeld as held:
                if lock is not None:
                    lock.release()
                left = until - time.monotonic()
                if left <= 0 or waking.is_set():
                    raise
                if on_wait is not None and held.holder != told:
                    told = held.holder
                    on_wait(told)
                waking.wait(min(_PAUSE, left))
            except BaseException:
                if lock is not None:
                    lock.release()
                raise
            else:
                return Lease(self, name, mine, epoch, lock)

    @contextmanager
    def only_daemon(self, holder: str | None = None) -> Iterator[None]:
        """F12: one `run` a store on SQLite, for as long as its process lives; on PostgreSQL daemons share. Raises `LeaseHeld`."""
        lock = self._system_lock("run")
        if lock is None:
            yield
            return
        if not lock.take():
            other = lock.said() or "another process"
            raise LeaseHeld(
                "run",
                other,
                f"a daemon runs on {self.where} already: held by {other}. One is enough, and `syncd export` works beside it. To "
                f"run this one instead, stop that first (`systemctl stop syncd`, or SIGTERM to the process); to run both, give "
                f"each a `store:` of its own.",
            )
        try:
            lock.say(f"{holder or myself()}, since {iso(self._now())}")
            yield
        finally:
            lock.release()

    def _now(self) -> Instant:
        """By the clock that leases go by."""
        with self._database.transaction(write=False) as session:
            return session.now()

    def backup(self, target: str | os.PathLike[str]) -> None:
        """A copy while it is in use, without the key; never over something that is there."""
        if not isinstance(self._database, Sqlite):
            raise StoreError("a store in PostgreSQL is backed up with pg_dump.")
        self._database.copy(Path(target))

    def audit(self) -> Audit:
        """Follows the journal's chain from the first line to the last."""
        with self.read() as tx:
            return tx.journal.verify()

    def close(self) -> None:
        self._database.close()

    def _system_lock(self, name: str) -> SystemLock | None:
        if not isinstance(self._database, Sqlite):
            return None
        plain = re.sub(r"[^A-Za-z0-9._-]", "_", name)[:60]
        digest = hashlib.sha256(name.encode()).hexdigest()[:8]
        return SystemLock(self._database.path.parent / "locks" / f"{plain}-{digest}.lock")


def is_url(location: str | os.PathLike[str]) -> bool:
    """Whether a location is a database's address."""
    return isinstance(location, str) and location.startswith(("postgresql://", "postgres://"))


def schema_of(tenant: str) -> str:
    """The tenant's schema in PostgreSQL: tenants never share a table."""
    if tenant == "default":
        return "syncd"
    plain = re.fullmatch(r"[a-z0-9_]{1,40}", tenant)
    return f"syncd_{tenant if plain else hashlib.sha256(tenant.encode()).hexdigest()[:16]}"


def myself() -> str:
    """`process 4711 on host`: how a holder is named to whoever waits."""
    return f"process {os.getpid()} on {os.uname().nodename}"


@contextmanager
def _opening(directory: Path) -> Iterator[None]:
    """One process at a time makes or migrates a store; whoever cannot lock there need not wait: it writes nothing either."""
    lock = SystemLock(directory / "locks" / "open.lock")
    until = time.monotonic() + 30
    try:
        while not lock.take() and time.monotonic() < until:
            time.sleep(0.01)
    except StoreError:
        yield
        return
    try:
        yield
    finally:
        lock.release()
