"""`syncd plan` and `syncd export`: what would be done at each destination, and doing it when somebody asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import Event, Timer
from typing import TYPE_CHECKING

import click

from syncd.cli import BUSY, FAILED, STORE, USAGE, WORK, Command, asks, refuse, say, stop, watched
from syncd.cli.abreast import at_once
from syncd.cli.session import Session, actor, with_session
from syncd.cli.told import Result, progress, tell
from syncd.cycle import Trigger
from syncd.errand import Errand
from syncd.store.errors import LeaseHeld, LeaseLost, StoreError

if TYPE_CHECKING:
    from syncd.config.settings import Destination
    from syncd.store import Store

LEASE = 60.0
"""Seconds that a command waits for a destination's lease."""
REPEATS = 3
"""How often destinations are exported again because an import of the same run made them due."""
SHORTEST_PREFIX = 6


@click.command(cls=Command)
@click.argument("names", nargs=-1, metavar="[DEST]…")
@click.option("--exit-code", is_flag=True, help="Exit 3 where there is something to do.")
@with_session
def plan(session: Session, names: tuple[str, ...], exit_code: bool) -> int:
    """What an export would do at each destination. Nothing is changed, here or there."""
    chosen = destinations(session, names)
    with session.store(create=False) as store, looking([one.name for one in chosen]):
        results = at_once(chosen, lambda one: planned(errand(session, store, Trigger.PLAN), one))
    tell(session, results)
    if any(one.error for one in results):
        return code_of(results)
    return WORK if exit_code and any(not one.empty for one in results) else 0


@click.command(cls=Command)
@click.argument("names", nargs=-1, metavar="[DEST]…")
@click.option("--now", "at_once_", is_flag=True, help="Do it without asking.")
@click.option("--plan", "digest", metavar="DIGEST", help="Do exactly the plan of this digest, or nothing.")
@with_session
def export(session: Session, names: tuple[str, ...], at_once_: bool, digest: str | None) -> int:
    """Make destinations show the rota. Shows the plan and asks; --now does it without asking.

    A destination that somebody else works on is waited for, up to a minute.
    """
    if at_once_ and digest:
        stop("--now and --plan exclude each other", USAGE)
    chosen = destinations(session, names)
    if digest is not None and len(digest) < SHORTEST_PREFIX:
        stop(f"--plan: at least {SHORTEST_PREFIX} digits of the digest", USAGE)
    if not at_once_ and digest is None and (session.json or not asks()):
        stop("there is no terminal to ask at; look with `syncd plan`, then use --now or --plan DIGEST", USAGE)
    digests: dict[str, str] = {}
    if not at_once_:
        # The store's key is what tells our entries from others'.
        with session.store(create=True) as store, looking([one.name for one in chosen]):
            shown = at_once(chosen, lambda one: planned(errand(session, store, Trigger.PLAN), one))
        if digest is not None:
            chosen, digests = _asked_for(session, shown, digest)
        else:
            chosen, digests = _confirmed(session, shown)
        if not chosen:
            return 0 if digest is None and not any(one.error for one in shown) else FAILED
    with session.store(create=True) as store, interruptible() as event:
        results = run_all(session, store, chosen, digests, event)
    tell(session, results)
    return code_of(results)


def _asked_for(session: Session, shown: list[Result], digest: str) -> tuple[list[Destination], dict[str, str]]:
    found = [one for one in shown if (one.digest or "").startswith(digest.lower())]
    if len({one.digest for one in found}) == 1:  # destinations that show the same may have the same plan
        return [one.settings for one in found], {one.settings.name: digest.lower() for one in found}
    tell(session, shown)
    why = f"{digest} begins {len(found)} plans" if found else f"no destination's plan is {digest} any more"
    refuse(f"{why}: nothing was done", FAILED)
    return [], {}


def _confirmed(session: Session, shown: list[Result]) -> tuple[list[Destination], dict[str, str]]:
    """Those whose plan was shown and agreed to."""
    tell(session, shown)
    todo = [one for one in shown if one.error is None and not one.empty]
    if not todo or not click.confirm(f"Do this at {len(todo)} destination{'s' * (len(todo) != 1)}?", err=True):
        return [], {}
    return [one.settings for one in todo], {one.settings.name: one.digest or "" for one in todo}


# --- doing -------------------------------------------------------------------------------


def destinations(session: Session, names: Iterable[str]) -> list[Destination]:
    """Those named, or all; an unknown one is exit 2."""
    there = session.whole_config.destinations
    return [there[session.known("destination", name, there)] for name in dict.fromkeys(names)] or list(there.values())


def errand(session: Session, store: Store | None, trigger: Trigger, event: Event | None = None) -> Errand:
    return Errand(
        config=session.whole_config, store=store, clock=session.clock, trigger=trigger, actor=actor(), stop=event or Event()
    )


@contextmanager
def looking(names: Iterable[str]) -> Iterator[None]:
    """Says on a terminal whom it waits for, once that takes more than a second."""
    if not watched():
        yield
        return
    timer = Timer(1.0, lambda: say(f"syncd: looking at {', '.join(names)} …"))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def planned(made: Errand, settings: Destination) -> Result:
    try:
        return Result(settings=settings, report=made.plan(settings))
    except Exception as error:  # one destination's failure never touches another
        return Result(settings=settings, error=error)


def run_all(
    session: Session, store: Store | None, chosen: list[Destination], digests: dict[str, str], event: Event
) -> list[Result]:
    """Every destination once, and those again that an import of this run made due, at most three times."""
    made = errand(session, store, Trigger.EXPORT, event)
    run = made.run_id()

    def one(settings: Destination) -> Result:
        def waits(holder: str) -> None:
            say(f"syncd: {settings.name} is held by {holder}; waiting up to {LEASE:.0f} s")

        digest = digests.get(settings.name, "")
        try:
            report = made.run(settings, run=run, digest=digest, wait=LEASE, on_wait=waits, progress=progress(settings.name))
        except Exception as error:  # one destination's failure never touches another
            return Result(settings=settings, error=error, done=True)
        return Result(settings=settings, report=report, error=report.error, done=True)

    results = {result.settings.name: result for result in at_once(chosen, one, stop=event)}
    names = {settings.name for settings in chosen}
    for _ in range(REPEATS):
        wanted = {name for result in results.values() if result.report for name in result.report.wants} & names
        if not wanted or event.is_set():
            break
        for result in results.values():
            if result.report:
                result.report.wants = ()
        digests.clear()  # what was shown was shown before the import
        for again in at_once([settings for settings in chosen if settings.name in wanted], one, stop=event):
            results[again.settings.name] = _joined(results[again.settings.name], again)
    return list(results.values())


def _joined(first: Result, again: Result) -> Result:
    """Two runs of one destination as one: what the first did stays told."""
    if first.report and again.report:
        again.report.answers = [*first.report.answers, *again.report.answers]
        if first.report.decision is not None and again.report.decision is not None and again.report.decision.plan.empty:
            again.report.decision = first.report.decision
    return again


@contextmanager
def interruptible() -> Iterator[Event]:
    """SIGTERM and SIGINT let the call under way end and begin no other (F44); the second one ends at once."""
    import signal
    import threading

    event = Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return
    caught: list[int] = []

    def ask(number: int, _: object) -> None:
        if caught:
            raise KeyboardInterrupt
        caught.append(number)
        event.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if signal.SIGINT in caught:
        raise KeyboardInterrupt


def code_of(results: list[Result]) -> int:
    if any(isinstance(one.error, LeaseHeld | LeaseLost) for one in results):
        return BUSY
    if any(isinstance(one.error, StoreError) for one in results):
        return STORE
    return 0 if all(one.complete for one in results) else FAILED
