"""The options of a connector: the fields of its `Options`, read like any other mapping."""

from __future__ import annotations

import types
import typing
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, Literal

from syncd.config.document import Node
from syncd.config.forms import TRUTH, scalar, text, whole
from syncd.config.problem import Report, Wrong, suggestion
from syncd.config.secrets import FORM, secret
from syncd.config.shape import Form, Key, Section, Shape, one_of, values_of
from syncd.connector import Capabilities, Secret

TEXT = text(4_096)
WHOLE = whole(-1_000_000_000, 1_000_000_000, "whole number")


class Options:
    """Reads options of any kind; relative paths are from `folder`. Each connector is imported once."""

    def __init__(self, report: Report, folder: Path) -> None:
        self.report = report
        self.folder = folder
        self.connectors: dict[str, Any] = {}

    def capabilities(self, kind: str) -> Capabilities | None:
        """Of a kind whose options were read; None for others."""
        return getattr(self.connectors.get(kind), "capabilities", None)

    def read(self, section: Section) -> Any:
        """The options of the destination `section`, or None where something in them was reported."""
        connector = self._connector(section)
        if connector is None:
            return None
        shape = shape_of(connector, section["kind"], self._path, self._secret)
        node = section["options"] or Node("mapping", section.node.file, section.node.line, section.node.column)
        options = shape.read(node, section.at("options"), self.report)
        if options.bad or len(options.places) < len(node.entries):
            return None
        try:
            return connector.Options(**options.values)
        except (TypeError, ValueError) as error:
            # A connector's own rule, written for the admin, such as `alarm: minutes before the start, from 0 to 40320`.
            said = _without_addresses(str(error), options)
            name, colon, problem = said.partition(": ")
            if colon and name in shape.by_name:
                options.error(self.report, name, problem)
            else:
                self.report.error(node, section.at("options"), said, f"see the options of {section['kind']}")
            return None

    def _connector(self, section: Section) -> Any:
        from syncd.registry import MissingExtra, UnknownKind, connector, kinds

        kind = section["kind"]
        if kind in self.connectors:
            return self.connectors[kind]
        try:
            self.connectors[kind] = connector(kind)
            return self.connectors[kind]
        except UnknownKind:
            names = kinds()
            remedy = suggestion(kind, names) or f"known: {', '.join(names)}"
            section.error(self.report, "kind", f"no connector of kind '{kind[:64]}' is installed", remedy)
        except MissingExtra as missing:
            problem, _, remedy = str(missing).partition("; ")
            section.error(self.report, "kind", problem, remedy)
        return None

    def _path(self, node: Node, path: str, report: Report) -> Path:
        return self.folder / Path(TEXT.read(node, path, report)).expanduser()

    def _secret(self, node: Node, path: str, report: Report) -> Secret:
        return secret(node, path, report, self.folder, look=True)


def _without_addresses(said: str, options: Section) -> str:
    """What a connector says, without an address that it repeats: a password may stand in it."""
    for value in options.values.values():
        if isinstance(value, str) and ("@" in value or "://" in value):
            said = said.replace(repr(value), "this").replace(value, "this")
    return " ".join(said.split())


def shape_of(connector: Any, kind: str, a_path: Any, a_secret: Any) -> Shape:
    """The options of `connector` as a shape: one key a field, its default and its meaning from the field."""
    hints = typing.get_type_hints(connector.Options)
    keys = []
    for one in fields(connector.Options):
        if not one.init:
            continue
        required = one.default is MISSING and one.default_factory is MISSING
        default = None if one.default is MISSING else one.default
        keys.append(
            Key(
                name=one.name,
                form=_form(hints[one.name], a_path, a_secret),
                required=required,
                default=default,
                shown="–" if default is None else f"`{default}`",
                meaning=str(one.metadata.get("meaning", "")),
            )
        )
    return Shape(f"`{kind}`", tuple(keys))


def _form(hint: Any, a_path: Any, a_secret: Any) -> Form:
    """The form of a field's type: `str`, `int`, `bool`, `Path`, `Secret`, a `Literal`, a tuple of one type, or optional."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        inside = [one for one in typing.get_args(hint) if one is not type(None)]
        return _form(inside[0], a_path, a_secret)
    if typing.get_origin(hint) is Literal:
        return one_of([str(one) for one in typing.get_args(hint)])
    if typing.get_origin(hint) is tuple:
        return values_of(_form(typing.get_args(hint)[0], a_path, a_secret))
    if hint is Secret:
        return Form(FORM, a_secret)
    if hint is Path:
        return Form("path, from the folder of the file", a_path)
    if hint is bool:
        return TRUTH
    if hint is int:
        return WHOLE
    if hint is float:
        return Form("number", _number)
    return Form("text", TEXT.read)


def _number(node: Node, path: str, report: Report) -> float:
    try:
        value = float(scalar(node, "a number"))
    except ValueError:
        raise Wrong("this is no number") from None
    if value != value or abs(value) > 1e9:
        raise Wrong("this number is out of range")
    return value
