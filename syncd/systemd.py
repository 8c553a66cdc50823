"""Tells systemd how the daemon is: ready, reloading, stopping, alive, and one line of status, in datagrams by hand."""

from __future__ import annotations

import os
import socket
from contextlib import suppress

LONGEST = 200
"""Characters of a status line."""


def tell(state: str) -> bool:
    """`READY=1`, `WATCHDOG=1`, … to whoever started us, if they asked for it; whether it was sent.

    `$NOTIFY_SOCKET` is a path, or with a leading `@` an abstract name. A socket that is gone is nobody's trouble: the daemon
    looks after destinations, not after its manager.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        channel.setblocking(False)
        channel.connect("\0" + address[1:] if address.startswith("@") else address)
        channel.sendall(state.encode())
        return True
    return False


def reloading(monotonic: float) -> bool:
    """To be followed by `READY=1`. `monotonic`: seconds of the machine's monotonic clock."""
    return tell(f"RELOADING=1\nMONOTONIC_USEC={int(monotonic * 1_000_000)}")


class Status:
    """The line that `systemctl status` shows, sent when it is another one; with it the watchdog is fed."""

    def __init__(self) -> None:
        self._said = ""

    def turn(self, line: str) -> None:
        """At the end of a turn of the loop, and only there: a loop that hangs is not alive."""
        line = " ".join(line.split())[:LONGEST]
        tell("WATCHDOG=1" if line == self._said else f"WATCHDOG=1\nSTATUS={line}")
        self._said = line
