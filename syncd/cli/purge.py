"""`syncd purge` and `syncd forget`: the end of a destination."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

import click

from syncd.cli import FAILED, USAGE, Command, asks, say, stop
from syncd.cli.abreast import at_once
from syncd.cli.destination import with_destination
from syncd.cli.edit import Value
from syncd.cli.given import given_options
from syncd.cli.session import Session, actor, with_session
from syncd.cli.show import as_json
from syncd.cli.sync import LEASE, code_of, errand, interruptible
from syncd.cli.told import Result, tell
from syncd.cycle import Trigger

if TYPE_CHECKING:
    from syncd.config.settings import Destination
    from syncd.store import Store


@click.command(cls=Command)
@click.argument("name", metavar="DEST")
@click.option("--now", "at_once_", is_flag=True, help="Do it without asking.")
@click.option(
    "--option",
    "-o",
    "options",
    multiple=True,
    metavar="KEY=VALUE",
    help="Of a destination that left the configuration: its secrets, as env:X, file:X or credential:X.",
)
@with_session
def purge(session: Session, name: str, at_once_: bool, options: tuple[str, ...]) -> int:
    """Remove all that we wrote at a destination. Shows what, and asks; --now does it without asking.

    What is ours is known by the ledger, and by its marker where the ledger was lost. The next export writes it again unless the
    destination leaves the configuration: so take it out first. Its settings are remembered then, but for its secrets.

    \b
    syncd destination remove team
    syncd purge team -o password=file:dav.key
    """
    configured = session.config.destinations
    settings = _settings(session, name, options)
    if not at_once_ and (session.json or not asks()):
        stop("there is no terminal to ask at; use --now", USAGE)
    digest = ""
    if not at_once_:
        with session.store(create=True) as store:  # its key is what tells our entries from others'
            shown = _purge(session, store, settings, do=False)
        tell(session, [shown])
        if shown.error:
            return FAILED
        if shown.empty or not click.confirm("Remove them?", err=True):
            return 0
        digest = shown.digest or ""
    with session.store(create=True) as store, interruptible() as event:
        (result,) = at_once([settings], lambda one: _purge(session, store, one, do=True, digest=digest, event=event), stop=event)
        if result.complete and name not in configured:
            assert store is not None, "made where there was none"  # noqa: S101
            _forget(session, store, name)
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
        left = _forget(session, store, name)
    if session.json:
        as_json({"destination": name, "left": left})
        return
    say(f"syncd: {name} is forgotten; {left} entries stay where they are")


def _forget(session: Session, store: Store, name: str) -> int:
    """How many entries of ours are left there."""
    with store.lease(name, wait=LEASE) as lease, store.write(lease) as tx:
        left = tx.ledger.forget(name)
        tx.destinations.forget(name)
        tx.holds.close_all(name)
        tx.journal.add(at=session.now, destination=name, event="forgotten", actor=actor(), new=left)
    return left


def _settings(session: Session, name: str, options: tuple[str, ...]) -> Destination:
    """As configured, or as remembered. An unknown one is exit 2, and one whose secrets are not named."""
    there = session.config.destinations
    if name in there:
        if options:
            stop(f"--option: {name} is in the configuration, and its options with it", USAGE)
        return session.whole_config.destinations[name]
    with session.look() as tx:
        known = {one.name: one for one in tx.destinations.all()} if tx else {}
    was = known[session.known("destination", name, {**there, **known})].settings
    if "kind" not in was:
        stop(f"{name} never had a whole cycle: nothing is known to be there", USAGE)
    given = given_options(was["kind"], options)
    if missing := sorted(set(was.get("secrets", ())) - set(given)):
        secrets = " ".join(f"-o {one}=env:NAME" for one in missing)
        stop(f"{name} left the configuration, and its secrets with it: name them with {secrets}", USAGE)
    public = {key: _word(value) for key, value in was["options"].items() if value is not None}
    wanted: dict[str, Value] = {key: str(was[key]) for key in ("kind", "schedule", "role", "mode")}
    config = with_destination(session, name, {**wanted, "options": {**public, **given}})
    session.__dict__["whole_config"] = config
    return config.destinations[name]


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


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
