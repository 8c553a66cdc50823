"""Who may work on a destination just now: a row with an epoch, and on one machine a lock that dies with its holder (W13)."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING

from syncd.store import owned
from syncd.store.errors import LeaseHeld, LeaseLost, StoreError
from syncd.store.session import Session

if TYPE_CHECKING:
    from syncd.store.store import Store

TERM = 38
"""Seconds that a lease lasts beyond the last sign of life of its holder: with the pause of who waits for it, 45 at most (W13)."""


class SystemLock:
    """A lock of the operating system on a file; it ends with its process, whatever happened to that."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None
        self._ending = Lock()

    def take(self) -> bool:
        """Whether it is ours now."""
        if self._file is None:
            try:
                owned.directory(self._path.parent)
                opened = owned.opened(self._path)
            except OSError as error:
                raise StoreError(f"{self._path} cannot be opened: {error.strerror}.") from error
            try:
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(opened)
                return False
            self._file = opened
        return True

    def say(self, text: str) -> None:
        """Leaves `text` in it for whoever finds it taken."""
        if self._file is not None:
            with suppress(OSError):  # a courtesy; the lock holds on a full disk too
                os.ftruncate(self._file, 0)
                os.pwrite(self._file, text.encode(), 0)

    def said(self) -> str:
        try:
            return self._path.read_text(encoding="utf-8").strip()
        except (OSError, ValueError):
            return ""

    def release(self) -> None:
        with self._ending:  # who gives up a thread and that thread itself may both come by; closed twice, it is another's file
            file, self._file = self._file, None
        if file is not None:
            os.close(file)


class Lease:
    """The right to open intents under `name` while `epoch` is the last one given out. Ends with its `with` block."""

    def __init__(self, store: Store, name: str, holder: str, epoch: int, lock: SystemLock | None) -> None:
        self._store = store
        self._lock = lock
        self.name = name
        self.holder = holder
        self.epoch = epoch

    def renew(self) -> None:
        """A sign of life, to be given at least every 15 s. Raises `LeaseLost`."""
        with self._store.write(self):
            pass

    def release(self) -> None:
        """The lock goes first: between the two this looks like a holder that died, which is safe."""
        if self._lock is not None:
            self._lock.release()
        self._store.left[self.name] = self.epoch
        with self._store.write() as tx:
            give_back(tx.session, self)
        if self._store.left.get(self.name) == self.epoch:  # else it is a later one's by now, or was said already
            self._store.left.pop(self.name, None)

    def __enter__(self) -> Lease:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self.release()
        except StoreError:
            if error is None:
                raise


def take(session: Session, name: str, holder: str, lock: SystemLock | None, left: int | None = None) -> int:
    """The epoch that is ours, the one before plus one. Raises `LeaseHeld`.

    A lease is free when it was given back, when it ran out, when its holder had the system's lock and has it no more, or when
    we had it ourselves, as epoch `left`, and could not give it back.
    """
    now = session.now()
    found = session.row("SELECT * FROM leases WHERE name = :name", name=name)
    if found is not None and found["holder"]:
        running = now < found["until"] <= now + TERM  # one that lasts longer was written before the clock was put back
        died = bool(found["locked"]) and lock is not None and lock.take()
        if running and not died and found["epoch"] != left:
            raise LeaseHeld(name, found["holder"])
    epoch = 1 if found is None else int(found["epoch"]) + 1
    session.change(
        "INSERT INTO leases (name, epoch, holder, until, locked) VALUES (:name, :epoch, :holder, :until, :locked)"
        " ON CONFLICT (name) DO UPDATE SET epoch = excluded.epoch, holder = excluded.holder, until = excluded.until,"
        " locked = excluded.locked",
        name=name,
        epoch=epoch,
        holder=holder,
        until=now + TERM,
        locked=int(lock is not None and lock.take()),
    )
    return epoch


def prolong(session: Session, lease: Lease) -> None:
    """First in every transaction under a lease: raises `LeaseLost` where it is another's by now, else gives a sign of life."""
    sql = "UPDATE leases SET until = :until WHERE name = :name AND epoch = :epoch AND holder <> ''"
    if session.change(sql, until=session.now() + TERM, name=lease.name, epoch=lease.epoch) == 0:
        raise LeaseLost(lease.name)


def give_back(session: Session, lease: Lease) -> None:
    """Does nothing where it was lost; the epoch stays, so that it is never given out twice."""
    sql = "UPDATE leases SET holder = '', until = 0, locked = 0 WHERE name = :name AND epoch = :epoch"
    session.change(sql, name=lease.name, epoch=lease.epoch)
