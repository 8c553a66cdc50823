"""How a value of the file is read: forms for single values, shapes for mappings with fixed keys.

A `Form` turns a node into a value or raises `Wrong`. A `Shape` is the list of keys that a mapping may have, each with its
form, its default and its meaning: the one list from which files are read, suggestions are drawn and the reference page is
written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from syncd.config.document import Node
from syncd.config.problem import Report, Wrong, shown, suggestion, under


@dataclass(frozen=True, slots=True)
class Form:
    """`words`: what the reference page and an error call it. `read` may raise `Wrong`, or report what is inside."""

    words: str
    read: Callable[[Node, str, Report], Any]
    shape: Shape | None = None
    """Of the mapping, or of the mappings inside, for the reference page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    name: str
    form: Form
    meaning: str
    default: Any = None
    shown: str = "–"
    """The default on the reference page."""
    required: bool = False
    nullable: bool = False
    """`null` is a value of its own, and not the same as leaving the key out."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A mapping with fixed keys. `secret`: its keys are never repeated in a message."""

    name: str
    keys: tuple[Key, ...]
    secret: bool = False
    by_name: dict[str, Key] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        self.by_name.update((key.name, key) for key in self.keys)

    def read(self, node: Node, path: str, report: Report) -> Section:
        """Reads what can be read, and reports the rest. Raises `Wrong` only where `node` is no mapping."""
        if node.kind != "mapping":
            raise Wrong(f"expected a mapping, found {found(node)}", f"keys of {self.name}: {', '.join(self.by_name)}")
        section = Section(node, path, self)
        for name, (place, value) in node.entries.items():
            key = self.by_name.get(name)
            if key is None:
                self._unknown(place, path, name, report)
                continue
            section.places[name] = value
            if value.null:
                if key.nullable:
                    section.values[name] = None
                continue
            try:
                section.values[name] = key.form.read(value, under(path, name), report)
            except Wrong as wrong:
                section.bad.add(name)
                report.error(value, under(path, name), wrong.problem, wrong.remedy)
        for key in self.keys:
            if key.required and key.name not in section.values and key.name not in section.bad:
                section.bad.add(key.name)
                report.error(node, under(path, key.name), f"{self.name} needs `{key.name}`", f"add it: {key.form.words}")
        return section

    def _unknown(self, place: Node, path: str, name: str, report: Report) -> None:
        if self.secret:
            report.error(place, path, f"a key that {self.name} does not have", f"one of {', '.join(self.by_name)}")
        else:
            report.unknown(place, under(path, name), "key", name, self.by_name, f"keys of {self.name}: {', '.join(self.by_name)}")


class Section:
    """A mapping that was read: its values, and where each of them stands."""

    __slots__ = ("bad", "node", "path", "places", "shape", "values")

    def __init__(self, node: Node, path: str, shape: Shape) -> None:
        self.node = node
        self.path = path
        self.shape = shape
        self.values: dict[str, Any] = {}
        self.places: dict[str, Node] = {}
        self.bad: set[str] = set()
        """Keys whose value could not be read, or is missing: reported already."""

    def __getitem__(self, name: str) -> Any:
        return self.values[name] if name in self.values else self.shape.by_name[name].default

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def place(self, *name: str | int) -> Node:
        """The node at `name` inside, as far as there is one: the mapping's own where there is none."""
        node = self.node
        for step in name:
            inside: Node | None = None
            if node.kind == "mapping" and str(step) in node.entries:
                inside = node.entries[str(step)][1]
            elif node.kind == "list" and str(step).isdigit() and int(step) < len(node.items):
                inside = node.items[int(step)]
            if inside is None:
                break
            node = inside
        return node

    def key(self, name: str) -> Node:
        """The key `name` itself, or the mapping where it is not there."""
        return self.node.entries[name][0] if name in self.node.entries else self.node

    def at(self, *name: str | int) -> str:
        path = self.path
        for step in name:
            path = under(path, step)
        return path

    def error(self, report: Report, name: str, problem: str, remedy: str = "") -> None:
        """A problem of the key `name`, which may hold dots."""
        report.error(self.place(*name.split(".")), self.at(name), problem, remedy)

    def warn(self, report: Report, name: str, problem: str, remedy: str = "") -> None:
        report.warn(self.place(*name.split(".")), self.at(name), problem, remedy)


@dataclass(frozen=True, slots=True)
class Item:
    """One value of a list or a mapping, with its place: references are looked up when all names are known."""

    value: Any
    node: Node
    path: str


def found(node: Node) -> str:
    """What stands there, without its content: that may be a secret."""
    if node.null:
        return "nothing"
    return {"text": "a single value", "list": "a list", "mapping": "a mapping"}[node.kind]


def of(shape: Shape) -> Form:
    return Form(shape.name, shape.read, shape)


def items_of(form: Form, words: str = "") -> Form:
    """A list, as a tuple of `Item`. An item that cannot be read is reported and left out."""

    def read(node: Node, path: str, report: Report) -> tuple[Item, ...]:
        if node.kind != "list":
            raise Wrong(f"expected a list, found {found(node)}", "put it in [square brackets]" if node.kind == "text" else "")
        items = []
        for index, child in enumerate(node.items):
            try:
                items.append(Item(form.read(child, under(path, index), report), child, under(path, index)))
            except Wrong as wrong:
                report.error(child, under(path, index), wrong.problem, wrong.remedy)
        return tuple(items)

    return Form(words or f"list of {form.words}", read, form.shape)


def values_of(form: Form, words: str = "") -> Form:
    """A list, as a tuple of the values alone."""
    items = items_of(form, words)

    def read(node: Node, path: str, report: Report) -> tuple[Any, ...]:
        return tuple(item.value for item in items.read(node, path, report))

    return Form(items.words, read, form.shape)


def table_of(form: Form, name: Form, words: str) -> Form:
    """A mapping of names to values, as a dict of `Item`, in the order of the file."""

    def read(node: Node, path: str, report: Report) -> dict[str, Item]:
        if node.kind != "mapping":
            raise Wrong(f"expected a mapping of names, found {found(node)}", f"write it as {words}")
        table = {}
        for key, (place, value) in node.entries.items():
            try:
                name.read(place, under(path, key), report)
            except Wrong as wrong:
                report.error(place, under(path, key), wrong.problem, wrong.remedy)
                continue
            try:
                table[key] = Item(form.read(value, under(path, key), report), place, under(path, key))
            except Wrong as wrong:
                report.error(value, under(path, key), wrong.problem, wrong.remedy)
        return table

    return Form(words, read, form.shape)


def one_of(names: Sequence[str], kind: Callable[[str], Any] = str) -> Form:
    """One of a few words. `kind` makes the value of it."""

    def read(node: Node, path: str, report: Report) -> Any:
        if node.kind != "text":
            raise Wrong(f"expected one word, found {found(node)}", f"one of {', '.join(names)}")
        if node.text not in names:
            near = suggestion(node.text, names) if report.may_suggest() else ""
            raise Wrong(f"{shown(node.text)} is not known here", near or f"one of {', '.join(names)}")
        return kind(node.text)

    return Form(" \\| ".join(f"`{name}`" for name in names), read)


def either(*forms: Form, words: str, choose: Callable[[Node], int]) -> Form:
    """The form whose number `choose` gives: the node's own look decides, so that errors speak of one form alone."""

    def read(node: Node, path: str, report: Report) -> Any:
        return forms[choose(node)].read(node, path, report)

    return Form(words, read, next((form.shape for form in forms if form.shape), None))


def shapes(root: Shape) -> Iterator[Shape]:
    """`root` and every shape inside it, each once."""
    seen = [root]
    for shape in seen:
        yield shape
        for key in shape.keys:
            if key.form.shape is not None and key.form.shape not in seen:
                seen.append(key.form.shape)
