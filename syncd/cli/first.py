"""What is left to a process that is the first one, as in a container: ending when it is asked to, and burying the dead."""

from __future__ import annotations

import signal


def be_first() -> None:
    """PID 1 is sent no signal that it has no handler for, and is given the children that others leave behind.

    SIGTERM ends a command as SIGINT does; the daemon has handlers of its own. We start no process whose end we would miss.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
