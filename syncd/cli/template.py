"""`syncd template save`: what is the same in every team's schedule, printed as a template; people and dates are left open."""

from __future__ import annotations

from typing import Any

import click

from syncd.cli import USAGE, Command, Group, stop
from syncd.cli.session import Session, with_session
from syncd.cli.show import as_json
from syncd.config import ConfigError, find
from syncd.config.document import Node, parse
from syncd.config.forms import NAME
from syncd.config.problem import Report, Wrong
from syncd.config.source import directory_of, files_of, put_in
from syncd.config.templates import applied
from syncd.core.model import DAY, Schedule, Unit
from syncd.core.rotation import anchor_of, turn_seconds
from syncd.core.zone import weekday
from syncd.imports.write import DAYS, Raw, Writer, clock, flow, quoted

OPEN = ("template", "title", "start", "end", "admins", "overrides", "away", "layers")
"""What each schedule says for itself; the layers are written one by one."""
OPEN_IN_LAYERS = ("members", "from", "until", "name")


@click.group(cls=Group)
def template() -> None:
    """Schedules to begin others from: save."""


@template.command("save", cls=Command)
@click.argument("schedule", metavar="SCHEDULE")
@click.argument("name", metavar="NAME")
@with_session
def save(session: Session, schedule: str, name: str) -> None:
    """Print a template from a schedule. A schedule with `template: NAME` then fills in who takes turns, and since when."""
    (of,) = session.schedules(schedule)
    report = Report()
    try:
        NAME.read(Node("text", "NAME", 1, 1, text=name), "NAME", report)
    except Wrong as wrong:
        stop(f"NAME: {wrong.problem}" + (f"; {wrong.remedy}" if wrong.remedy else ""), USAGE)
    if name in session.config.templates:
        click.echo(f"syncd: warning: the configuration has a template {name} already; give this one another name", err=True)
    node = _node(session, of.id)
    to = Writer({}, {})
    use = ", ".join(f"{{name: {flow(layer.name)}, members: […]}}" for layer in of.layers)
    to.comment(f"To begin a schedule from it: `template: {name}` with `title`, `start` and `layers: [{use}]`.", 0, first="")
    to.line("templates:", 0)
    to.line(f"{name}:", 2)
    kept = {key: value for key, (_, value) in node.entries.items() if key not in OPEN and not value.null}
    for key, value in kept.items():
        to.value(key, _holidays(value) if key == "holidays" else _as_written(value), 4)
    if not kept and not of.layers:
        to.lines[-1] = f"  {name}: {{}}"
    if of.layers:
        to.line("layers:", 4)
    for layer, written in zip(of.layers, _layers(node), strict=True):
        to.line(f"- name: {quoted(layer.name)}", 6)
        for key, (_, value) in written.entries.items():
            if key not in OPEN_IN_LAYERS and not value.null:
                to.value(key, _rotation(of, layer.name, value) if key == "rotation" else _as_written(value), 8)
    text = "\n".join(to.lines)
    if session.json:
        as_json({"yaml": f"{text}\n"})
        return
    click.echo(text)


def _node(session: Session, id_: str) -> Node:
    """The schedule as it is written, what its template says put in. The configuration was read before, so it is sound."""
    path, report = find(session.named), Report()
    node = parse(path.read_bytes(), str(path), report)
    directory = directory_of(node, path.parent.absolute())
    if directory is not None:
        node = put_in(node, files_of(directory, node, report) or {}, report)
    found = applied(node, report).get("schedules", id_)
    if report.failed or found is None:
        raise ConfigError(report.problems())
    return found


def _layers(node: Node) -> list[Node]:
    layers = node.get("layers")
    return layers.items if layers is not None else []


def _as_written(node: Node) -> Any:
    """Lists, mappings and text; what stood without quotes stays so."""
    if node.kind == "list":
        return [_as_written(item) for item in node.items]
    if node.kind == "mapping":
        return {key: _as_written(value) for key, (_, value) in node.entries.items()}
    return Raw(node.text) if node.plain and "\n" not in node.text and not set(node.text) & set("{}[],#") else node.text


def _holidays(node: Node) -> Any:
    """Without the days of one's own: they are dates."""
    return {key: _as_written(value) for key, (_, value) in node.entries.items() if key != "also"}


def _rotation(of: Schedule, name: str, node: Node) -> dict[str, Any]:
    """Without its anchor; the handoff that it or the start stood for is written out."""
    said = {key: _as_written(value) for key, (_, value) in node.entries.items() if key != "anchor" and not value.null}
    layer = next(one for one in of.layers if one.name == name)
    anchor = anchor_of(layer, of)
    if anchor is None or layer.rotation is None:
        return said
    length = turn_seconds(layer.rotation)
    handoff: dict[str, Any] = {}
    if "on" not in said and length is not None and length % (7 * DAY) == 0 and layer.rotation.unit is Unit.WEEK:
        handoff["on"] = Raw(DAYS[weekday(anchor.wall)])
    if "at" not in said:
        handoff["at"] = clock(anchor.wall % DAY)
    return {**said, **handoff}
