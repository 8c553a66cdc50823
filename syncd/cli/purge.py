"""`syncd purge` and `syncd forget`: the end of a destination."""

from __future__ import annotations

import sys
from threading import Event
from typing import TYPE_CHECKING

import click

from syncd.cli import FAILED, USAGE, Command, say, stop
from syncd.cli.session import Session, actor, with_session
from syncd.cli.sync import LEASE, code_of, errand, interruptible
from syncd.cli.told import Result, tell
from syncd.cycle import Trigger

if TYPE_CHECKING:
    from syncd.config.settings import Destination
    from syncd.store import Store


@click.command(cls=Command)
@click.argument("name", metavar="DEST")
@click.option("--now", "at_once", is_flag=True, help="Do it without asking.")
@with_session
def purge(session: Session, name: str, at_once: bool) -> int:
    """Remove all that we wrote at a destination. Shows what, and asks; --now does it without asking.

    What is ours is known by the ledger, and by its marker where the ledger was lost. The next export writes it again unless the
    destination leaves the configuration.
    """
    settings = _settings(session, name)
    if not at_once and (session.json or not sys.stdin.isatty()):
        stop("there is no terminal to ask at; use --now", USAGE)
    digest = ""
    if not at_once:
        with session.store(create=True) as store:  # its key is what tells our entries from others'
            shown = _purge(session, store, settings, do=False)
        tell(session, [shown])
        if shown.error:
            return FAILED
        if shown.empty or not click.confirm("Remove them?", err=True):
            return 0
        digest = shown.digest or ""
    with session.store(create=True) as store, interruptible() as event:
        result = _purge(session, store, settings, do=True, digest=digest, event=event)
    tell(session, [result])
    return code_of([result])


@click.command(cls=Command)
@click.argument("name", metavar="DEST")
@with_session
def forget(session: Session, name: str) -> None:
    """Drop what we know of a destination that left the configuration. What we wrote there stays."""
    if name in session.config.destinations:
        stop(f"{name} is in the configuration: take it out first", USAGE)
    with session.store(create=False) as store:
        names: set[str] = set()
        if store is not None:
            with store.read() as tx:
                names = {*tx.destinations.names(), *tx.ledger.destinations()}
        session.known("destination", name, names)
        assert store is not None, "it knows the name"  # noqa: S101
        with store.lease(name, wait=LEASE) as lease, store.write(lease) as tx:
            left = tx.ledger.forget(name)
            tx.destinations.forget(name)
            tx.holds.close_all(name)
            tx.journal.add(at=session.now, destination=name, event="forgotten", actor=actor(), new=left)
    say(f"syncd: {name} is forgotten; {left} entries stay where they are")


def _settings(session: Session, name: str) -> Destination:
    there = session.whole_config.destinations
    if name in there:
        return there[name]
    with session.look() as tx:
        known = tx.destinations.names() if tx else ()
    if name in known:
        stop(f"{name} left the configuration, and its secrets with it: put it back for the purge", USAGE)
    return there[session.known("destination", name, {*there, *known})]


def _purge(
    session: Session, store: Store | None, settings: Destination, *, do: bool, digest: str = "", event: Event | None = None
) -> Result:
    made = errand(session, store, Trigger.EXPORT, event)
    try:
        if not do:
            return Result(settings=settings, report=made.purge_plan(settings))
        report = made.purge(settings, digest=digest, wait=LEASE, on_wait=lambda holder: say(f"syncd: held by {holder}; waiting"))
    except Exception as error:
        return Result(settings=settings, error=error, done=do)
    return Result(settings=settings, report=report, error=report.error, done=True)
