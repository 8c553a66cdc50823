"""Files beside a store belong to whoever has its directory, also where root makes them: the daemon has to open them."""

from __future__ import annotations

import os
from pathlib import Path


def opened(path: Path) -> int:
    """The descriptor of a file that is made, 0600, where there is none. Raises OSError.

    What root makes is given to the directory's owner: `syncd export` beside the daemon must not leave it a lock that it
    cannot take. Only what was made here is given away, and only root ever asks for it: the unit's filter has no such call.
    """
    while True:
        try:
            made = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            try:
                return os.open(path, os.O_RDWR | os.O_CLOEXEC)
            except FileNotFoundError:
                if path.is_symlink():
                    raise
                continue  # gone between the two looks
        if os.geteuid() == 0:
            _give(made, path.parent)
        return made


def directory(path: Path) -> None:
    """Makes one, 0700, where there is none. Raises OSError."""
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        return
    if os.geteuid() == 0:
        made = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            _give(made, path.parent)
        finally:
            os.close(made)


def _give(made: int, above: Path) -> None:
    owner = above.stat()
    os.fchown(made, owner.st_uid, owner.st_gid)
