"""`syncd doctor`: the configuration, the installation, the store, and a call to each destination."""

from __future__ import annotations

from dataclasses import asdict, replace
from importlib import metadata
from typing import Any

import click

from syncd.cli import FAILED, Command
from syncd.cli.abreast import at_once
from syncd.cli.session import Session, with_session
from syncd.cli.show import as_json, span, utc
from syncd.cli.sync import destinations, errand, looking
from syncd.cli.told import Result
from syncd.config import Config
from syncd.connector import ConnectorError, Finding
from syncd.core.model import Instant
from syncd.cycle import Trigger
from syncd.cycle.look import SKEW
from syncd.store import Store


@click.command(cls=Command)
@click.argument("names", nargs=-1, metavar="[DEST]…")
@with_session
def doctor(session: Session, names: tuple[str, ...]) -> int:
    """What `check` finds, and a call to each destination: credentials, rights, clock, flavour. Nothing is written."""
    chosen = destinations(session, names)
    config = session.whole_config
    found: list[tuple[str, Finding]] = [
        ("configuration", Finding(what="warning", ok=True, text=str(problem))) for problem in config.warnings
    ]
    found += [("installation", one) for one in _installation()]
    with session.store(create=False) as store:
        where = store.where if store else session.store_location()
        text = f"{where} can be read" if store else f"{where}: there is none yet; the first export makes it"
        found.append(("store", Finding(what="store", ok=True, text=text)))
        found += [("notices", one) for one in _notices(config, store)]
        said: dict[str, list[Finding]] = {}

        def one(settings: Any) -> Result:
            said[settings.name] = _destination(session, store, settings)
            return Result(settings=settings)

        with looking([one.name for one in chosen]):
            at_once(chosen, one)
    found += [(settings.name, finding) for settings in chosen for finding in said[settings.name]]
    if session.json:
        as_json([{"of": of, **asdict(finding), "server_time": utc(finding.server_time)} for of, finding in found])
    else:
        for of, finding in found:
            mark = _mark(finding)
            label = of if finding.what in (of, "warning") else f"{of}: {finding.what}"
            click.echo(f"{mark} {label}: {finding.text}" + (f"; {finding.remedy}" if finding.remedy else ""))
    return 0 if all(finding.ok for _, finding in found) else FAILED


def _mark(finding: Finding) -> str:
    if not finding.ok:
        return click.style("FAIL", fg="red")
    return click.style("warn", fg="yellow") if finding.what == "warning" or finding.remedy else click.style("ok  ", fg="green")


def _compared(finding: Finding, now: Instant) -> Finding:
    """A destination's clock with ours: a cycle that finds them further apart deletes nothing (F45)."""
    if finding.server_time is None:
        return finding
    apart = now - finding.server_time
    if abs(apart) <= SKEW:
        return replace(finding, text=f"{finding.text}, as ours")
    text = f"{finding.text}: ours is {span(abs(apart))} {'ahead' if apart > 0 else 'behind'}"
    remedy = "set this machine's clock (timedatectl set-ntp true); nothing is deleted anywhere before that"
    return replace(finding, ok=False, text=text, remedy=remedy)


def _installation() -> list[Finding]:
    """urllib3-future takes the place of urllib3 for everything in the process."""
    try:
        version = metadata.version("urllib3-future")
    except metadata.PackageNotFoundError:
        return []
    text = f"urllib3-future {version} is installed and takes the place of urllib3 for every client"
    remedy = "install from requirements/run.txt: pip install --require-hashes --no-deps -r requirements/run.txt"
    return [Finding(what="packages", ok=True, text=text, remedy=remedy)]


def _notices(config: Config, store: Store | None) -> list[Finding]:
    """Whether what is to be told can be: addresses, whom they reach, and what does not arrive now. Nothing is sent."""
    from syncd.herald.reach import FAILING, findings
    from syncd.herald.ways import Channels

    failing: dict[str, Any] = {}
    if store is not None:
        with store.read() as tx:
            failing = tx.facts.get(FAILING) or {}
    return list(findings(Channels(config), failing))


def _destination(session: Session, store: Store | None, settings: Any) -> list[Finding]:
    try:
        connector = errand(session, store, Trigger.PLAN).open(settings)
    except (ImportError, KeyError, OSError) as error:
        return [Finding(what="connector", ok=False, text=str(error))]
    try:
        return [_compared(one, session.clock.now()) for one in connector.doctor()]
    except ConnectorError as error:
        return [Finding(what="call", ok=False, text=str(error))]
    except Exception as error:  # a connector's bug is told, and the other destinations are looked at all the same
        return [
            Finding(what="call", ok=False, text=f"{type(error).__name__}: {error}", remedy="this is a mistake of the program")
        ]
    finally:
        connector.close()
