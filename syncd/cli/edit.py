"""Changes one value in the text of a YAML file and leaves every other character as it stands.

The text is cut at the positions of the parser's events; nothing is written anew. So comments, anchors, line ends, quotes
and columns stay, and what comes out is read again and compared: anything that says more or less than was asked is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from syncd.config.document import Unreadable, events, parse, plain
from syncd.config.problem import Report
from syncd.imports.write import quoted

Value = str | Mapping[str, "Value"]
WIDE = 100
_SHORT = re.compile(r"[0-9]+[smhdw%]?")
_BREAK = re.compile(r"\r\n|\n|\r")
_REST = re.compile(r"[ \t]*(#[^\r\n]*)?(?=[\r\n]|\Z)")
_COMMENT = re.compile(r"([ \t]*)#[^\r\n]*(?:\r\n|\n|\r|\Z)")


class Uneditable(Exception):
    """It cannot be changed without changing more than was asked. The text is a sentence for whoever asked."""


@dataclass(slots=True)
class _Span:
    """Where a value stands: `text[start:end]`. Block mappings and lists end with their last value."""

    start: int
    end: int
    kind: str
    flow: bool = False
    entries: dict[str, tuple[_Span, _Span]] = field(default_factory=dict)


def put(text: str, path: tuple[str, ...], value: Value) -> str:
    """`text` with `value` at `path`; mappings on the way are made where they are missing. Raises `Uneditable`."""
    root = _root(text)
    node, rest = _nearest(text, root, path)
    if not rest:
        key, old = _entry(root, path)
        changed = _replaced(text, key, old, _flow(value))
    else:
        for name in reversed(rest[1:]):
            value = {name: value}
        changed = _inserted(text, root, node, path[: -len(rest)], rest[0], value)
    expected = _plain(text)
    place = expected
    for name in path[:-1]:
        place[name] = place.get(name) or {}
        place = place[name]
    place[path[-1]] = _said(value if len(rest) < 2 else _inside(value, rest[1:]))
    return _checked(changed, expected)


def drop(text: str, path: tuple[str, ...]) -> str:
    """`text` without what is at `path`, and without the comments inside it. Raises `Uneditable`."""
    root = _root(text)
    above, rest = _nearest(text, root, path[:-1])
    if rest or path[-1] not in above.entries:
        raise Uneditable(f"{'.'.join(path)} comes from an alias or `<<` elsewhere in the file: take it out by hand")
    changed = (_out_of_flow if above.flow else _out_of_block)(text, above, path[-1])
    expected = _plain(text)
    place = expected
    for name in path[:-1]:
        place = place[name]
    del place[path[-1]]
    if not place and len(path) > 1:
        _at(expected, path[:-2])[path[-2]] = {} if above.flow else None
    return _checked(changed, expected)


# --- reading -----------------------------------------------------------------------------


def _root(text: str) -> _Span:
    stream = (one for one in events(text) if not type(one).__name__.startswith(("Stream", "Document")))
    return _span(text, next(stream), stream)


def _span(text: str, event: Any, stream: Iterator[Any]) -> _Span:
    start, end = event.start_mark.index, event.end_mark.index
    match type(event).__name__:
        case "AliasEvent":
            return _Span(start, end, "alias")
        case "ScalarEvent":
            # The last line break of a block scalar, and blank lines behind it, are no part of what may be cut.
            return _Span(start, start + len(text[start:end].rstrip()), "text")
        case "SequenceStartEvent":
            found = _Span(start, end, "list", bool(event.flow_style))
            for child in stream:
                if type(child).__name__ == "SequenceEndEvent":
                    found.end = child.end_mark.index if found.flow else found.end
                    return found
                found.end = _span(text, child, stream).end
        case _:
            found = _Span(start, end, "mapping", bool(event.flow_style))
            for child in stream:
                if type(child).__name__ == "MappingEndEvent":
                    found.end = child.end_mark.index if found.flow else found.end
                    return found
                name = getattr(child, "value", "")
                key = _span(text, child, stream)
                value = _span(text, next(stream), stream)
                if value.start == value.end:  # nothing stands there: its mark may lie behind a comment
                    value.start = value.end = key.end
                found.entries[name] = (key, value)
                found.end = value.end
    return found


def _nearest(text: str, root: _Span, path: tuple[str, ...]) -> tuple[_Span, tuple[str, ...]]:
    """The deepest mapping or value on the way that is there, and what is left of the way."""
    node = root
    for place, name in enumerate(path):
        if node.kind == "alias":
            raise Uneditable(f"{'.'.join(path[:place])} is an alias of something elsewhere in the file: change it by hand")
        if name not in node.entries:
            return node, path[place:]
        node = node.entries[name][1]
    return node, ()


def _entry(root: _Span, path: tuple[str, ...]) -> tuple[_Span, _Span]:
    node = root
    for name in path[:-1]:
        node = node.entries[name][1]
    return node.entries[path[-1]]


def _plain(text: str) -> dict[str, Any]:
    found: dict[str, Any] = plain(parse(text.encode(), "the file", Report()))
    return found


def _checked(changed: str, expected: dict[str, Any]) -> str:
    report = Report()
    try:
        same = plain(parse(changed.encode(), "the file", report)) == expected
    except Unreadable:
        raise Uneditable(f"with that it could not be read any more: {report.problems()[-1].problem}") from None
    if not same:
        raise Uneditable("something else in the file depends on what stands there (an anchor, perhaps): change it by hand")
    return changed


def _at(value: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    for name in path:
        value = value[name]
    return value


def _said(value: Value) -> Any:
    return {key: _said(one) for key, one in value.items()} if isinstance(value, Mapping) else value


def _inside(value: Value, path: tuple[str, ...]) -> Value:
    for name in path:
        assert isinstance(value, Mapping), "it was made from this path"  # noqa: S101
        value = value[name]
    return value


# --- changing ----------------------------------------------------------------------------


def _replaced(text: str, key: _Span, old: _Span, new: str) -> str:
    colon = _colon(text, key)
    if old.end < colon:
        return f"{text[:colon]} {new}{text[colon:]}"
    if old.flow or old.kind in ("text", "alias"):
        return text[: old.start] + new + text[old.end :]
    line = _line_end(text, colon)
    return f"{text[:colon]} {new}{text[colon:line]}{text[old.end :]}"


def _inserted(text: str, root: _Span, node: _Span, path: tuple[str, ...], name: str, value: Value) -> str:
    if node.kind == "mapping" and node.flow and (node.entries or root.flow):
        return _into_flow(text, node, f"{_flow(name)}: {_flow(value)}")
    if node.kind == "mapping" and node.entries:
        column = _column(text, next(iter(node.entries.values()))[0].start)
        return _lines_after(text, node.end, _block(name, value, column, _step(text, root)), column)
    key, old = _entry(root, path)
    above = root if len(path) < 2 else _entry(root, path[:-1])[1]
    if above.flow:
        return _replaced(text, key, old, _flow({name: value}))
    if old.kind == "list":
        raise Uneditable(f"{'.'.join(path)} is a list: make it a mapping of names")
    colon = _colon(text, key)  # an empty mapping or null makes room for a block
    if old.end > colon:
        text = text[: old.start].rstrip(" \t") + text[old.end :]
    column = _column(text, key.start) + _step(text, root)
    return _lines_after(text, colon, _block(name, value, column, _step(text, root)), column)


def _into_flow(text: str, node: _Span, entry: str) -> str:
    if not node.entries:
        return text[: node.end - 1] + entry + text[node.end - 1 :]
    key, last = list(node.entries.values())[-1]
    comma = re.compile(r"\s*,").match(text, last.end)
    after = comma.end() if comma else last.end
    rest = _REST.match(text, after)
    if _indent(text, key.start) is None or rest is None:
        return f"{text[: last.end]}, {entry}{text[last.end :]}"
    line = _line_end(text, after)
    return f"{text[: last.end]},{text[after:line]}{_newline(text)}{_indent(text, key.start)}{entry}{text[line:]}"


def _lines_after(text: str, place: int, lines: list[str], column: int) -> str:
    """Below the line of `place`, and below the comments that follow it directly at `column` or deeper."""
    end = _below(text, _line_end(text, place), column)
    newline = _newline(text)
    return text[:end] + "".join(newline + line for line in lines) + text[end:]


def _out_of_block(text: str, above: _Span, name: str) -> str:
    key, value = above.entries[name]
    column = _column(text, key.start)
    start = key.start - column
    end = _below(text, _line_end(text, max(value.end, key.end)), column + 1)
    last = _BREAK.match(text, end)
    if last is None:  # the file ended there, without a line end
        return text[: len(text[:start].rstrip("\r\n"))] if start else ""
    return text[:start] + text[last.end() :]


def _out_of_flow(text: str, above: _Span, name: str) -> str:
    spans = list(above.entries.items())
    place = [each for each, _ in spans].index(name)
    key, value = spans[place][1]
    comma = re.compile(r"\s*,[ \t]*").match(text, value.end)
    if comma is None and place:
        return text[: spans[place - 1][1][1].end] + text[value.end :]
    end = comma.end() if comma else value.end
    rest = _REST.match(text, end)
    if _indent(text, key.start) is not None and rest is not None and (last := _BREAK.match(text, rest.end())):
        return text[: key.start - _column(text, key.start)] + text[last.end() :]
    return text[: key.start] + text[end:]


def _flow(value: Value) -> str:
    """On one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{quoted(key)}: {_flow(one)}" for key, one in value.items()) + "}"
    return value if _SHORT.fullmatch(value) else quoted(value)


def _block(name: str, value: Value, column: int, step: int) -> list[str]:
    """As lines: short mappings of single values stay on one."""
    line = f"{' ' * column}{_flow(name)}: {_flow(value)}"
    if not isinstance(value, Mapping) or not value or (step < column and len(line) <= WIDE):
        return [line]
    return [
        f"{' ' * column}{_flow(name)}:",
        *(row for key, one in value.items() for row in _block(key, one, column + step, step)),
    ]


def _colon(text: str, key: _Span) -> int:
    """Behind the key's colon."""
    found = re.compile(r"[ \t]*:").match(text, key.end)
    if found is None:
        raise Uneditable(f"{text[key.start : key.end][:60]!r} stands in a form that is not understood here: change it by hand")
    return found.end()


# --- places ------------------------------------------------------------------------------


def _newline(text: str) -> str:
    found = _BREAK.search(text)
    return found[0] if found else "\n"


def _line_end(text: str, place: int) -> int:
    found = _BREAK.search(text, place)
    return found.start() if found else len(text)


def _below(text: str, line_end: int, column: int) -> int:
    """The end of the last of the comment lines that follow directly, at `column` or deeper."""
    end = line_end
    while (broken := _BREAK.match(text, end)) and (comment := _COMMENT.match(text, broken.end())):
        if len(comment[1].expandtabs()) < column:
            break
        end = _line_end(text, broken.end())
    return end


def _column(text: str, place: int) -> int:
    return place - max(text.rfind("\n", 0, place), text.rfind("\r", 0, place)) - 1


def _indent(text: str, place: int) -> str | None:
    """The blanks before `place`, where nothing else stands before it on its line."""
    before = text[place - _column(text, place) : place]
    return None if before.strip() else before


def _step(text: str, root: _Span) -> int:
    """By how much the file goes in from level to level."""
    for _, value in root.entries.values():
        if value.kind == "mapping" and not value.flow and value.entries:
            return max(1, _column(text, next(iter(value.entries.values()))[0].start) - _column(text, root.start))
    return 2
