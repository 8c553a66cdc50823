"""Reads a file that somebody named: no more of it than is asked for, and no longer than a moment where it is a pipe."""

from __future__ import annotations

import errno
import os
import select
import stat
import time
from pathlib import Path

PATIENCE = 5.0
"""Seconds in all that a pipe or a terminal is waited for."""


def read(file: Path, most: int) -> bytes:
    """The content, cut at `most` bytes. Raises `OSError`, also where nothing comes of it."""
    handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe that nobody writes to is not waited for here
    with os.fdopen(handle, "rb", buffering=0) as stream:
        mode = os.fstat(handle).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(file))
        deadline = time.monotonic() + PATIENCE
        found = bytearray()
        while len(found) < most:
            if not stat.S_ISREG(mode) and not _comes(handle, deadline - time.monotonic()):
                raise TimeoutError(errno.ETIMEDOUT, "nothing comes out of it", str(file))
            if not (part := stream.read(most - len(found))):
                break
            found += part
        return bytes(found)


def _comes(handle: int, seconds: float) -> bool:
    """Whether there is something to read, or its end, before the time is over."""
    waiting = select.poll()
    waiting.register(handle, select.POLLIN)
    return bool(waiting.poll(max(0.0, seconds) * 1_000))
