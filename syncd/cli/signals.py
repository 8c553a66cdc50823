"""What the daemon does about SIGTERM, SIGINT and SIGHUP, on a thread of its own."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from syncd.cli import INTERRUPTED
from syncd.daemon import Daemon

ENDS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def signals_for(daemon: Daemon) -> Iterator[None]:
    """SIGTERM and SIGINT end it, a second one at once; SIGHUP has it read its configuration again.

    A handler would run in the middle of the loop's own wait and could ask for a lock that the wait holds: so handlers do
    nothing, and a thread reads from a pipe which signals came. Outside of the main thread nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    before = {number: signal.signal(number, lambda *_: None) for number in (*ENDS, signal.SIGHUP)}
    woken = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_read, args=(ours, daemon), name="syncd-signals", daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(woken)
        for number, handler in before.items():
            signal.signal(number, handler)
        theirs.close()


def _read(ours: socket.socket, daemon: Daemon) -> None:
    with ours:
        while came := ours.recv(64):
            for number in came:
                if number == signal.SIGHUP:
                    daemon.reload.set()
                elif number in ENDS and daemon.stop.is_set():
                    os._exit(INTERRUPTED)
                elif number in ENDS:
                    daemon.stop.set()
