"""A connection to SQLite's file, and whether the write-ahead log and the index that it uses are still those beside the file."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path

Identity = tuple[int, int]
"""Device and inode."""


def identity(path: Path) -> Identity | None:
    """Which file is behind a name; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


class File(sqlite3.Connection):
    """Its log, deleted under it, has no name any more: whoever comes next would begin another, and neither know of the other."""

    _log: Path
    _index: Path
    _had: tuple[Identity | None, Identity | None] | None = None

    def watch(self, path: Path) -> None:
        """`path` is the file; the log and the index are those that are there now."""
        self._log, self._index = (path.with_name(path.name + end) for end in ("-wal", "-shm"))
        self._had = self._beside()

    @property
    def displaced(self) -> bool:
        return self._had is not None and self._had != self._beside()

    def close(self) -> None:
        """What is in a log without a name is taken into the file, unless somebody has begun another: that one is believed."""
        with suppress(sqlite3.Error, OSError):
            if self.displaced and not self._begun_anew():
                self.execute("PRAGMA wal_checkpoint(PASSIVE)")
        super().close()

    def _beside(self) -> tuple[Identity | None, Identity | None]:
        return identity(self._log), identity(self._index)

    def _begun_anew(self) -> bool:
        mine = self._had[0] if self._had is not None else None
        return identity(self._log) not in (None, mine) and self._log.stat().st_size > 0
