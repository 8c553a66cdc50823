"""`syncd link`: what a vendor has, and one of it as a schedule and a destination to begin with, printed."""

from __future__ import annotations

import dataclasses
import json
import re
import typing
from collections.abc import Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from syncd.cli import CONFIG, FAILED, USAGE, Command, stop
from syncd.cli.bring import warnings
from syncd.cli.session import Session, with_session
from syncd.cli.show import as_json, table
from syncd.config import ConfigError
from syncd.connector import ConnectorError, Listing, Place, Secret, Site, Telling
from syncd.core.model import DAY, Role, Schedule, Window, iso
from syncd.imports import Draft, NotImportable, as_yaml
from syncd.imports.draft import slug
from syncd.imports.write import Raw, flow

NOWHERE = Schedule(id="link", title="Link", timezone="UTC", layers=())
if TYPE_CHECKING:
    from syncd.config.document import Node
    from syncd.config.problem import Report

PLACE = {"pagerduty": "schedule", "pagerduty_v3": "schedule", "google": "calendar", "outlook": "calendar", "folder": "path"}
WHERE = {
    "google": "name a calendar by its id, `syncd link google ID -o credentials=…`; in Google Calendar it is under "
    "Settings and sharing → Integrate calendar → Calendar ID (syncd's rights are for events alone, not for lists of calendars)",
    "folder": "name a directory, `syncd link folder PATH`; it need not be there yet",
}
"""What does not list, and where a name is to be had."""
UNKNOWN = "unknown"
SECRET = re.compile(r"(file|env|credential):(.+)", re.DOTALL)
SHOWN = 30 * DAY
MOST_HISTORY = 200


@click.command(cls=Command)
@click.argument("kind", metavar="KIND")
@click.argument("name", required=False, metavar="[NAME]")
@click.option(
    "--option", "-o", "options", multiple=True, metavar="KEY=VALUE", help="As under `options:`; a secret is env:X, file:X …"
)
@click.option("--like", metavar="DEST", help="Take the options of this destination of the configuration.")
@click.option("--schedule", metavar="S", help="Calendars: the schedule to show there; default the only one.")
@click.option("--role", metavar="R", help="Calendars: its role; default the only one.")
@with_session
def link(
    session: Session,
    kind: str,
    name: str | None,
    options: tuple[str, ...],
    like: str | None,
    schedule: str | None,
    role: str | None,
) -> None:
    """List the schedules or calendars that a vendor has; with NAME (or where there is one) print how to begin with it.

    A pager's schedule is printed as a rota of ours with its overrides as history, and with every difference from what the
    vendor shows for the next 30 days as a warning. A calendar's past entries are printed as comments. Nothing is written there.

    \b
    syncd link pagerduty -o token=env:PAGERDUTY_TOKEN
    syncd link caldav -o url=https://dav.example.com -o username=ana -o password=file:secret
    """
    there = _There(session, kind, options, like)
    try:
        places = there.places(name)
        place = _chosen(kind, name, places)
        if place is None or (session.json and name is None):
            _tell(session, places)
            return
        text = there.printed(place, schedule, role)
    except ConnectorError as error:
        stop(f"{kind}: {error}", FAILED)
    except NotImportable as error:
        stop(f"{kind}: what the vendor answered cannot be read: {error}", FAILED)
    finally:
        there.close()
    if session.json:
        as_json({"yaml": text, "warnings": warnings(text)})
        return
    click.echo(text, nl=False)


def _tell(session: Session, places: Sequence[Place]) -> None:
    if session.json:
        as_json([{"id": one.id, "name": one.name, "options": dict(one.options), "note": one.note} for one in places])
    else:
        table(("name", "id", ""), [(one.name, one.id, one.note) for one in places], "nothing there")


def _chosen(kind: str, name: str | None, places: Sequence[Place]) -> Place | None:
    """The one named, by id or by name; else the only one."""
    if name is None:
        return places[0] if len(places) == 1 else None
    found = [one for one in places if one.id == name] or [one for one in places if one.name.casefold() == name.casefold()]
    if len(found) == 1:
        return found[0]
    if found:
        return stop(f"{len(found)} are called {name!r}; name one by its id: {', '.join(one.id for one in found)}", USAGE)
    from syncd.config.problem import suggestion

    near = suggestion(name, [one.name for one in places] + [one.id for one in places])
    return stop(f"{kind} has no {name!r}" + (f"; {near}" if near else "; `syncd link " + kind + "` lists what is there"), USAGE)


class _There:
    """A vendor's account, opened with options that are not in the file yet."""

    def __init__(self, session: Session, kind: str, given: Sequence[str], like: str | None) -> None:
        from syncd import registry

        self.session, self.kind = session, kind
        try:
            self.connector: Any = registry.connector(kind)
        except KeyError as error:
            stop(str(error), USAGE)
        except ImportError as error:
            stop(str(error), CONFIG)
        self.hints = typing.get_type_hints(self.connector.Options)
        self.values: dict[str, Any] = self._like(like) if like else {}
        self.values |= self._given(given)
        self.opened: list[Any] = []

    # --- options ---------------------------------------------------------------------------

    def _like(self, name: str) -> dict[str, Any]:
        known = self.session.whole_config.destinations
        settings = known[self.session.known("destination", name, known)]
        if settings.kind.partition("_")[0] != self.kind.partition("_")[0]:
            stop(f"--like: {name} is of kind {settings.kind}", USAGE)
        return {one.name: value for one in fields(settings.options) if (value := getattr(settings.options, one.name)) is not None}

    def _given(self, given: Sequence[str]) -> dict[str, Any]:
        """Read as if they stood in the file: the same forms, the same errors."""
        from syncd.config.document import Node
        from syncd.config.options import shape_of
        from syncd.config.problem import Report

        entries = {}
        for one in given:
            key, sign, value = one.partition("=")
            if not sign or not key:
                stop(f"--option {key[:40]!r}: write KEY=VALUE, such as -o token=env:PAGERDUTY_TOKEN", USAGE)
            node = Node("text", f"--option {key}", 1, 1, text=value)
            match = (
                SECRET.fullmatch(value)
                if Secret in typing.get_args(self.hints.get(key)) or self.hints.get(key) is Secret
                else None
            )
            if match:
                inside = Node("text", f"--option {key}", 1, 1, text=match[2])
                node = Node("mapping", f"--option {key}", 1, 1, entries={match[1]: (inside, inside)})
            entries[key] = (node, node)
        report = Report()
        shape = shape_of(self.connector, self.kind, _path, _secret)
        section = shape.read(Node("mapping", "--option", 1, 1, entries=entries), "options", report)
        missing = {f"options.{key.name}" for key in shape.keys if key.required and key.name not in entries}
        for problem in report.problems():
            if problem.severity == "error" and problem.path not in missing:
                stop(f"{problem.file}: {problem.problem}" + (f"; {problem.remedy}" if problem.remedy else ""), USAGE)
        return {key: section[key] for key in entries if key in section}

    def open(self, site: Site | None = None, /, **more: Any) -> Any:
        """A connector for `more`, of a rota with nobody in it unless `site` is another. What is missing is exit 2."""
        values = {**self.values, **more}
        wanted = [
            one.name
            for one in fields(self.connector.Options)
            if one.default is MISSING and one.default_factory is MISSING and one.name not in values
        ]
        if wanted:
            stop(
                f"{self.kind} needs {', '.join(f'-o {one}=…' for one in wanted)}, or --like with a destination that has it", USAGE
            )
        try:
            options = self.connector.Options(**values)
        except (TypeError, ValueError) as error:
            stop(f"--option {error}", USAGE)
        role = Role(id="primary", title="Primary")
        site = site or Site(destination="link", schedule=NOWHERE, role=role, people={})
        self.opened.append(self.connector(options, dataclasses.replace(site, state=self._state())))
        return self.opened[-1]

    def _state(self) -> Path:
        """Where a user's sign-in is kept, be there a configuration or none yet."""
        from syncd.config.state import state_of

        try:
            return self.session.config.state
        except ConfigError:
            return state_of(None)

    def close(self) -> None:
        for one in self.opened:
            one.close()

    # --- looking ---------------------------------------------------------------------------

    def places(self, name: str | None) -> Sequence[Place]:
        """All that the vendor lists; the one that the options name where it does not list."""
        key = PLACE.get(self.kind, "")
        if issubclass(self.connector, Listing):
            listing = self.open(**({key: UNKNOWN} if key in self.hints and key not in self.values else {}))
            return list(listing.places())
        named = name or self.values.get(key)
        if named is None:
            how = WHERE.get(self.kind, f"name one, or write -o {key}=…")
            stop(f"{self.kind} does not list what is there: {how}", USAGE)
        if key == "path":
            path = Path(named).expanduser().absolute()
            return [Place(id=str(named), name=path.name, options={key: str(path)})]
        return [Place(id=str(named), name=str(named), options={key: str(named)})]

    def printed(self, place: Place, schedule: str | None, role: str | None) -> str:
        if issubclass(self.connector, Telling):
            return self._pager(place)
        return self._calendar(place, schedule, role)

    def _pager(self, place: Place) -> str:
        """The vendor's rota as ours, compared with what it shows."""
        from importlib import import_module

        now = self.session.now
        window = Window(now, now + SHOWN)
        told = self.open(**place.options).original(window)
        draft = Draft(product="PagerDuty", kind="pagerduty", now=now)
        # There and back through text: what a vendor answers is bounded as any file is.
        from syncd.imports.document import parse

        import_module(f"syncd.imports.{self.kind}").read(parse(json.dumps(told).encode()), draft, window=window)
        if not draft.schedules:
            raise NotImportable(f"{place.name} has no layers")
        (id_,) = draft.schedules
        return as_yaml(draft, more=self._destination(f"{id_}-pager"[:64], place, id_, "primary"))

    def _calendar(self, place: Place, schedule: str | None, role: str | None) -> str:
        """A destination for a schedule of the configuration; without one, a schedule to fill in as well."""
        self._look(place)
        try:
            rota = self.session.rota
        except ConfigError:
            if self.session.named or schedule or role:
                raise
            rota = None
        name = slug(place.name) or "calendar"
        if rota is None or not rota.schedules:
            draft = Draft(product=f"{self.kind}: {place.name}")
            id_, title = draft.new_schedule(place.name or name)
            draft.role("primary", "Primary")
            draft.schedules[id_] = Schedule(id=id_, title=title, timezone="UTC", layers=())
            draft.warn(("schedule", id_), "write `people:` and the `layers:` of this schedule: a calendar does not tell a rota")
            return as_yaml(draft, more=self._destination(name, place, id_, "primary"))
        of = self.session.one_schedule(schedule)
        used = list(dict.fromkeys(layer.role for layer in of.layers))
        if role is None and len(used) != 1:
            stop(f"name a role with --role; {of.id} uses {', '.join(used) or 'none'}", USAGE)
        chosen = self.session.role(role) or used[0]
        first = "# Put this into the configuration; `syncd plan` shows what the first export would do."
        site = Site(destination="link", schedule=of, role=rota.roles[chosen], people=rota.people)
        lines = [first, *self._destination(name, place, of.id, chosen), *self._history(place, site)]
        return "\n".join(lines) + "\n"

    def _history(self, place: Place, site: Site) -> list[str]:
        """What the calendar showed so far of people of the rota: lines for its overrides, which only a human can judge."""
        now = self.session.now
        found = self.open(site, **place.options).read(Window(now - SHOWN, now), {}).entries
        said = sorted({(one.start, min(one.end, now), one.person) for one in found if one.person and one.start < now})
        if not said:
            return []
        what = f"{site.schedule.id}: titles that name one person of it; whether they were {site.role.title}, it cannot tell"
        lines = [
            f"{{roles: [{site.role.id}], people: [{who}], start: {iso(start)}, end: {iso(end)}}}" for start, end, who in said
        ]
        return ["", f"# History, for the `overrides:` of {what}:", *(f"#   - {line}" for line in lines[:MOST_HISTORY])]

    def _look(self, place: Place) -> None:
        """A calendar that cannot be read is no destination."""
        self.open(**place.options).read(Window(self.session.now, self.session.now + DAY), {})

    def _destination(self, name: str, place: Place, schedule: str, role: str) -> list[str]:
        options = {key: _written(value) for key, value in {**self.values, **place.options}.items()}
        if self.kind == "caldav" and "url" in place.options:
            options.pop("calendar", None)
        lines = ["destinations:", f"  {name}:", f"    kind: {self.kind}", f"    schedule: {schedule}", f"    role: {role}"]
        if place.note:
            lines.append(f"    # warning: it {place.note}")
        return [*lines, "    mode: authoritative    # or bidirectional, or manual", f"    options: {flow(options)}"]


def _path(node: Node, path: str, report: Report) -> Path:
    return Path(node.text).expanduser().absolute()


def _secret(node: Node, path: str, report: Report) -> Secret:
    from syncd.config.secrets import secret

    return secret(node, path, report, Path.cwd(), look=True)


def _written(value: Any) -> Any:
    """As it stands in a file: a secret by where it lies."""
    if isinstance(value, Secret):
        kind, _, where = value.where.partition(" ")
        return {"env" if kind == "environment" else kind: Raw(json.dumps(where)) if kind == "file" else where}
    return str(value) if isinstance(value, Path) else value
