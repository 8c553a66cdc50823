"""Templates: a schedule begins from a template's keys, its own win, and layers are merged by `name` (SCHEDULES.md section 7)."""

from __future__ import annotations

from dataclasses import replace

from syncd.config.document import Node
from syncd.config.problem import Report, under


def applied(top: Node, report: Report) -> Node:
    """`top` with every schedule filled from its template. Positions stay: what a template says stands in the template."""
    schedules, templates = top.get("schedules"), top.get("templates")
    if schedules is None or schedules.kind != "mapping":
        return top
    known = templates.entries if templates is not None and templates.kind == "mapping" else {}
    filled = {}
    for id_, (key, schedule) in schedules.entries.items():
        name = schedule.get("template")
        if name is not None and not name.null and name.kind == "text":
            if name.text in known:
                schedule = _filled(schedule, known[name.text][1])
            else:
                path = under(under("schedules", id_), "template")
                report.unknown(name, path, "template", name.text, known, "define it under `templates:`")
        filled[id_] = (key, schedule)
    entries = dict(top.entries)
    entries["schedules"] = (entries["schedules"][0], replace(schedules, entries=filled))
    return replace(top, entries=entries)


def _filled(own: Node, template: Node) -> Node:
    if template.kind != "mapping":
        return own
    entries = {**template.entries, **own.entries}
    ours, theirs = own.get("layers"), template.get("layers")
    if ours is not None and theirs is not None and ours.kind == theirs.kind == "list":
        entries["layers"] = (own.entries["layers"][0], replace(ours, items=_layers(ours.items, theirs.items)))
    return replace(own, entries=entries)


def _layers(ours: list[Node], theirs: list[Node]) -> list[Node]:
    """The template's, each with what ours of the same name says, then ours of other names."""
    named = {name: layer for layer in ours if (name := _name(layer))}
    merged = []
    for layer in theirs:
        mine = named.pop(_name(layer), None)
        merged.append(layer if mine is None else replace(mine, entries={**layer.entries, **mine.entries}))
    left = set(map(id, named.values()))
    return merged + [layer for layer in ours if not _name(layer) or id(layer) in left]


def _name(layer: Node) -> str:
    name = layer.get("name")
    return name.text if name is not None and name.kind == "text" and layer.kind == "mapping" else ""
