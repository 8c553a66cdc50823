"""`syncd run`: the daemon in this process, its signals, and what the service manager is told."""

from __future__ import annotations

import signal
import threading

import click

from syncd import log
from syncd.cli import Command
from syncd.cli.session import Session, with_session
from syncd.daemon import Daemon, tell_systemd


@click.command(cls=Command)
@with_session
def run(session: Session) -> None:
    """Keep every destination in agreement, until SIGTERM. SIGHUP reads the configuration again.

    The log goes to stderr: readable on a terminal, else JSON lines.
    """
    config = session.whole_config
    log.configure(config.log.level, config.log.format)
    with session.store(create=True) as store:
        assert store is not None, "made where there was none"  # noqa: S101
        with store.only_daemon():
            daemon = Daemon(
                config=config,
                store=store,
                clock=session.clock,
                load=session.reread,
                turned=lambda: tell_systemd("WATCHDOG=1"),
            )
            _listen(daemon)
            tell_systemd("READY=1")
            daemon.run()
            tell_systemd("STOPPING=1")


def _listen(daemon: Daemon) -> None:
    if threading.current_thread() is not threading.main_thread():
        return

    def end(_: int, __: object) -> None:
        if daemon.stop.is_set():
            raise KeyboardInterrupt  # the second one ends at once
        daemon.stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    signal.signal(signal.SIGHUP, lambda _, __: daemon.reload.set())
