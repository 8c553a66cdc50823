"""Replaces a configuration file as a whole, and only if nobody changed it since it was read."""

from __future__ import annotations

import fcntl
import os
import stat
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

from syncd.cli import FAILED, stop
from syncd.config.document import LONGEST


class Original:
    """The file as it was read. Where `path` is a link, what it leads to is read and replaced, and the link stays."""

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.realpath(path))
        """Raises `OSError` where it cannot be read."""
        with self.path.open("rb") as stream:
            self.facts = os.fstat(stream.fileno())
            self.data = stream.read(LONGEST + 1) if stat.S_ISREG(self.facts.st_mode) else b""

    def check(self) -> None:
        """Whether it may be changed at all: exit 1 with the reason where not."""
        if not stat.S_ISREG(self.facts.st_mode):
            stop(f"{self.path} is no regular file: it cannot be changed here", FAILED)
        if not self.facts.st_mode & 0o222 or not os.access(self.path, os.W_OK):
            stop(f"{self.path} is read-only: make it writable, or change it where it comes from", FAILED)
        if not os.access(self.path.parent, os.W_OK | os.X_OK):
            stop(f"{self.path.parent} cannot be written: the file is replaced as a whole, by a new one beside it", FAILED)

    def replace(self, data: bytes) -> None:
        """All or nothing, with the same mode, owner and attributes. Exit 1 with nothing done where that cannot be."""
        new = self.path.with_name(f".{self.path.name[:200]}.{token_hex(8)}.tmp")
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)  # two commands at once do not both find it unchanged
            self._write(new, data)
            if not self._same():
                stop(f"{self.path} was changed meanwhile: nothing was written; try again", FAILED)
            new.replace(self.path)
            with suppress(OSError):
                os.fsync(folder)
        except OSError as error:
            stop(f"{self.path} cannot be replaced: {error.strerror}; nothing was changed", FAILED)
        finally:
            os.close(folder)
            with suppress(OSError):
                new.unlink(missing_ok=True)

    def _write(self, new: Path, data: bytes) -> None:
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            made = os.fstat(handle)
            if (made.st_uid, made.st_gid) != (self.facts.st_uid, self.facts.st_gid):
                os.chown(handle, self.facts.st_uid, self.facts.st_gid)
            os.fchmod(handle, stat.S_IMODE(self.facts.st_mode))
            for name in os.listxattr(self.path):
                with suppress(OSError):
                    os.setxattr(handle, name, os.getxattr(self.path, name))
            stream.flush()
            os.fsync(handle)

    def _same(self) -> bool:
        try:
            with self.path.open("rb") as stream:
                facts = os.fstat(stream.fileno())
                return (facts.st_dev, facts.st_ino) == (self.facts.st_dev, self.facts.st_ino) and stream.read() == self.data
        except OSError:
            return False
