"""Reads a configuration file, whole: either settings that can be used, or every problem of the file at once."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from time import time
from typing import Any

from syncd.config.agreement import check_accounts, check_channels, check_reach
from syncd.config.destinations import DESTINATIONS, read_destinations
from syncd.config.digest import rota_digest, schedule_digest
from syncd.config.document import LONGEST, Node, Unreadable, parse, plain
from syncd.config.general import GENERAL_KEYS, General
from syncd.config.keys import ROTA_KEYS, SCHEDULES, TEMPLATES
from syncd.config.options import Options
from syncd.config.problem import ConfigError, Problem, Report
from syncd.config.reading import read
from syncd.config.rota import names_of, read_rota
from syncd.config.settings import Destination, Health, Log, Notices, Source
from syncd.config.shape import Key, Section, Shape
from syncd.config.source import directory_of, files_of, put_in
from syncd.config.state import state_of
from syncd.config.templates import applied
from syncd.connector import Secret
from syncd.core.model import Instant, Rota

_OF_THE_STORE = re.compile(rb"^(?:store|tenant|marker_key|timezone) *:.*\n?(?:[ \t].*\n?|\r?\n)*", re.MULTILINE)
"""What stands at the left edge, with what is indented below it: it can be read, whatever the rest is."""
PLACES = ("syncd.yaml", "/etc/syncd/syncd.yaml")

TOP = Shape(
    "the file",
    (
        *ROTA_KEYS,
        Key(name="schedules", form=SCHEDULES, default={}, shown="none", meaning="Who is on call."),
        Key(name="templates", form=TEMPLATES, default={}, shown="none", meaning="Schedules to begin others from."),
        Key(name="destinations", form=DESTINATIONS, default={}, shown="none", meaning="Where the rota is shown."),
        *GENERAL_KEYS,
    ),
)


@dataclass(frozen=True, kw_only=True)
class Config:
    """All that a configuration file says.

    `store`: an absolute directory, a database URL, or None for the place that the system names. `templates`: name →
    plain values, as written. `notices_of`: schedule id → what counts for it, the nearest having won.
    """

    path: Path
    tenant: str = "default"
    rota: Rota
    destinations: Mapping[str, Destination] = field(default_factory=dict)
    # A database's URL may hold its password.
    store: str | None = field(default=None, repr=False)
    marker_key: Secret | None = None
    health: Health | None = field(default_factory=Health)
    log: Log = field(default_factory=Log)
    source: Source | None = None
    notices: Notices = field(default_factory=Notices)
    notices_of: Mapping[str, Notices] = field(default_factory=dict)
    templates: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[Problem, ...] = ()

    @cached_property
    def digest(self) -> str:
        """Of the rota: 64 hex digits, the same for two files that mean the same."""
        return rota_digest(self.rota)

    @property
    def state(self) -> Path:
        """The directory of the program's own files; nobody has made it yet where there is no store."""
        return state_of(self.store)

    def schedule_digest(self, id_: str) -> str:
        """Of one schedule with the roles and people in it. Raises `KeyError` for one that there is not."""
        return schedule_digest(self.rota, self.rota.schedules[id_])


def find(path: str | None) -> Path:
    """The configuration file: the one named, `$SYNCD_CONFIG`, `./syncd.yaml`, `/etc/syncd/syncd.yaml`.

    Raises `ConfigError` where none of the last two is there; one that was named is not looked for here.
    """
    named = path or os.environ.get("SYNCD_CONFIG")
    if named:
        return Path(named)
    for place in PLACES:
        if Path(place).is_file():
            return Path(place)
    raise ConfigError(
        [
            Problem(
                file=PLACES[0],
                line=0,
                column=0,
                path="",
                problem=f"no configuration: neither ./{PLACES[0]} nor {PLACES[1]} is there",
                remedy="name one with --config FILE or $SYNCD_CONFIG",
            )
        ]
    )


def load(
    path: Path,
    *,
    destinations: bool = True,
    fetched: Mapping[str, bytes] | None = None,
    elsewhere: bool = True,
    data: bytes | None = None,
    now: Instant | None = None,
) -> Config:
    """The settings in the file at `path`. Raises `ConfigError` with every problem.

    `destinations`: also look inside the options of each destination and at each secret, which imports the connectors that
    are named; False for commands that only ask the rota. `fetched`: address → rota text, what `source` names; without it a
    `directory` is read here, and with `url` or `bridge` the rota is empty and what destinations show is not checked. So it is
    for all three without `elsewhere`. `data`: taken for what stands in the file.
    `now`: warnings about people's duties look from here on; by default the clock's time.
    """
    report = Report()
    try:
        node = parse(_bytes(path, report) if data is None else data, str(path), report)
        config = _read(node, path, report, fetched, elsewhere, look=destinations, now=int(time()) if now is None else now)
    except Unreadable:
        raise ConfigError(report.problems()) from None
    if report.failed:
        raise ConfigError(report.problems())
    return config


def where_its_store_is(path: Path) -> Config:
    """Of a file that cannot be used: where its store is and whose, and no rota. Raises `ConfigError` where that is wrong, too."""
    return load(path, destinations=False, elsewhere=False, data=b"".join(_OF_THE_STORE.findall(_bytes(path, Report()))))


def _bytes(path: Path, report: Report) -> bytes:
    try:
        return read(path, LONGEST + 1)
    except OSError as error:
        remedy = "name another with --config FILE or $SYNCD_CONFIG" if isinstance(error, FileNotFoundError) else ""
        report.error(Node("text", str(path), 0, 0), "", f"the file cannot be read: {error.strerror}", remedy)
        raise Unreadable from None


def _read(
    node: Node,
    path: Path,
    report: Report,
    fetched: Mapping[str, bytes] | None,
    elsewhere: bool,
    *,
    look: bool,
    now: Instant,
) -> Config:
    folder = path.parent.absolute()
    directory = directory_of(node, folder)
    if directory is not None and fetched is None and elsewhere:
        fetched = files_of(directory, node.get("source", "directory") or node, report)
    source = node.get("source")
    there = source is not None and not source.null
    if there:
        node = put_in(node, fetched or {}, report)
    top = TOP.read(applied(node, report), "", report)
    known = not there or fetched is not None
    general = General(report, folder, look=look)
    names = names_of(top, report)
    rota = read_rota(top, top["schedules"], names)
    destinations = read_destinations(top["destinations"], rota if known else None, names, Options(report, folder), look=look)
    if look:
        check_accounts(top["people"], rota, destinations, report)
    notices = general.notices(top["notices"], Notices())
    notices_of = _notices_of(top, rota, notices, general)
    check_channels(top["teams"], [notices, *notices_of.values()], report)
    if look:
        check_reach(top["people"], rota, notices_of, report)
    config = Config(
        path=path,
        tenant=top["tenant"],
        rota=rota,
        destinations=destinations,
        store=general.store(top),
        marker_key=general.secret(top, "marker_key"),
        health=general.health(top),
        log=general.log(top),
        source=general.source(top),
        notices=notices,
        notices_of=notices_of,
        templates={name: plain(inside) for name, (_, inside) in _entries(node, "templates")},
    )
    if look and not report.failed:
        # Late: the modules that compute shifts are loaded for whoever asks for them anyway.
        from syncd.config.advice import advise

        advise(rota, top["schedules"], now, report)
    return replace(config, warnings=report.problems())


def _notices_of(top: Section, rota: Rota, notices: Notices, general: General) -> dict[str, Notices]:
    found = {}
    teams = {id_: general.notices(item.value["notices"], notices) for id_, item in top["teams"].items()}
    for id_, schedule in rota.schedules.items():
        above = teams.get(schedule.team or "", notices)
        found[id_] = general.notices(top["schedules"][id_].value["notices"], above)
    return found


def _entries(node: Node, key: str) -> list[tuple[str, tuple[Node, Node]]]:
    inside = node.get(key)
    return list(inside.entries.items()) if inside is not None else []
