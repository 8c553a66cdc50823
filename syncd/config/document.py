"""Reads YAML 1.2 into nodes that know where they stand, and refuses what is hostile before it costs anything.

Scalars stay text, as written: whoever reads a node knows which type is meant there, so `22:00` is never a number, `on`
never a boolean, and a date with a mistake in it has a position. The loader constructs nothing at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from syncd.config.problem import Report, shown, under

LONGEST = 1 << 19
"""Bytes of a file."""
WIDEST = 1 << 16
"""Bytes of a line: the scanner needs the square of a tag's length."""
LARGEST = 30_000
"""Values in a file, aliases written out."""
DEEPEST = 32
ALIASES = 100
"""F40."""

NULLS = frozenset(("", "~", "null", "Null", "NULL"))
TEXT_TAGS = frozenset((None, "!", "tag:yaml.org,2002:str"))
BULK = "keep bulk overrides in the store: `syncd override add`"


@dataclass(slots=True, eq=False)
class Node:
    """A value of the file. Exactly one of `text`, `items` and `entries` means something, by `kind`."""

    kind: Literal["text", "list", "mapping"]
    file: str
    line: int
    column: int
    text: str = ""
    plain: bool = False
    """Written without quotes."""
    items: list[Node] = field(default_factory=list)
    entries: dict[str, tuple[Node, Node]] = field(default_factory=dict)
    """Key → the key's node and the value's."""
    size: int = 1
    """Values in it, aliases written out."""

    def __repr__(self) -> str:
        """Without its content, which may be a secret."""
        return f"<{self.kind} at {self.file}:{self.line}:{self.column}>"

    @property
    def null(self) -> bool:
        return self.kind == "text" and self.plain and self.text in NULLS

    def get(self, *path: str) -> Node | None:
        """The value at `path`, or None where there is none."""
        node = self
        for key in path:
            if node.kind != "mapping" or key not in node.entries:
                return None
            node = node.entries[key][1]
        return node


def plain(node: Node) -> Any:
    """The node as lists, dicts and text, as written; None for what stands empty."""
    if node.kind == "list":
        return [plain(item) for item in node.items]
    if node.kind == "mapping":
        return {key: plain(value) for key, (_, value) in node.entries.items()}
    return None if node.null else node.text


class Unreadable(Exception):
    """The file is no YAML that we take. The report has the reason."""


class _Refused(Exception):
    """Reading ends here. Lines and columns are counted from 0, as the parser does."""

    def __init__(self, line: int, column: int, problem: str, remedy: str = "") -> None:
        super().__init__(problem)
        self.line = line
        self.column = column
        self.problem = problem
        self.remedy = remedy


def _limit(event: Any, problem: str, remedy: str = "") -> _Refused:
    return _Refused(event.start_mark.line, event.start_mark.column, problem, remedy)


def parse(data: bytes, file: str, report: Report) -> Node:
    """The mapping that `data` holds. Raises `Unreadable` where it is not YAML, or hostile; the report says why."""
    start = Node("mapping", file, 1, 1)
    if len(data) > LONGEST:
        report.error(start, "", f"the file is longer than {LONGEST >> 10} KiB", BULK)
        raise Unreadable
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        report.error(Node("text", file, line, column), "", "the file is not UTF-8 text", "save it as UTF-8")
        raise Unreadable from None
    for number, written in enumerate(data.splitlines(), 1):
        if len(written) > WIDEST:
            report.error(Node("text", file, number, 1), "", f"a line longer than {WIDEST >> 10} KiB", "break it into several")
            raise Unreadable
    composer = _Composer(file, report)
    try:
        node = composer.compose(text)
    except _Refused as refused:
        place = Node("text", file, refused.line + 1, refused.column + 1)
        report.error(place, "", refused.problem, refused.remedy)
        raise Unreadable from None
    if node is None or node.null:
        # Truncated by an editor or a full disk: it must not be taken for a rota of nobody.
        report.error(start, "", "the file is empty", "begin with `people:`")
        raise Unreadable
    if node.kind != "mapping":
        report.error(node, "", "the file is no mapping of keys to values", "begin with `people:`")
        raise Unreadable
    return node


def events(text: str) -> Iterator[Any]:
    """The parser's events, lazily. Whatever the parser raises becomes `_Refused`."""
    # The library costs 20 ms of every start: only who reads a file pays.
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    last = None
    try:
        for last in YAML(typ="safe", pure=True).parse(text):
            yield last
        return
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark or getattr(last, "start_mark", None)
        what = _clean(error.problem or error.context or "")
    except YAMLError as error:
        # A character that YAML does not allow: the only error without a mark.
        before = text[: max(0, getattr(error, "position", 0))]
        raise _Refused(
            before.count("\n"),
            len(before) - before.rfind("\n") - 1,
            "this is no YAML: a character that no YAML may contain",
            "take it away; where every second one is such, save the file as UTF-8",
        ) from None
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, AssertionError, RecursionError):
        # The scanner's own mistakes about text that is no YAML, such as an escape beyond Unicode.
        mark = getattr(last, "start_mark", None)
        what = "it is not understood after this place"
    raise _Refused(mark.line if mark else 0, mark.column if mark else 0, f"this is no YAML: {what}", "mend the line")


class _Composer:
    """Builds nodes from the parser's events, counting as it goes: nothing is built beyond a limit."""

    def __init__(self, file: str, report: Report) -> None:
        self.file = file
        self.report = report
        self.anchors: dict[str, Node] = {}
        self.open: set[str] = set()
        self.aliases = 0
        self.size = 0

    def compose(self, text: str) -> Node | None:
        return self._document(events(text))

    def _document(self, events: Iterator[Any]) -> Node | None:
        root: Node | None = None
        documents = 0
        for event in events:
            match type(event).__name__:
                case "StreamStartEvent" | "StreamEndEvent" | "DocumentEndEvent":
                    continue
                case "DocumentStartEvent":
                    documents += 1
                    if documents > 1:
                        raise _limit(event, "the file holds more than one document", "keep one; take the `---` between them away")
                    if event.version is not None and tuple(event.version) != (1, 2):
                        raise _limit(event, "another version of YAML than 1.2 is asked for", "take the %YAML line away")
                case _:
                    root = self._node(event, events, "", 0)
        return root

    def _node(self, event: Any, events: Iterator[Any], path: str, depth: int) -> Node:
        kind = type(event).__name__
        if kind == "AliasEvent":
            return self._alias(event)
        if depth > DEEPEST:
            raise _limit(event, f"more than {DEEPEST} levels inside each other")
        node = Node("text", self.file, event.start_mark.line + 1, event.start_mark.column + 1)
        self._count(event, 1)
        # Only one's own text could be a secret here, so what is named is never repeated.
        if event.tag not in TEXT_TAGS and not (kind != "ScalarEvent" and event.tag in _COLLECTION_TAGS):
            raise _limit(event, "a YAML tag is used, and none is known here", "take the `!…` away")
        if event.anchor is not None:
            self.open.add(event.anchor)
        before = self.size
        if kind == "ScalarEvent":
            node.text = event.value
            node.plain = event.style is None and event.tag is None
            if not _sound(node.text):
                raise _limit(event, "half of a surrogate pair, which is no text", "write the character itself")
        elif kind == "SequenceStartEvent":
            node.kind = "list"
            for child in events:
                if type(child).__name__ == "SequenceEndEvent":
                    break
                node.items.append(self._node(child, events, under(path, len(node.items)), depth + 1))
        else:
            node.kind = "mapping"
            self._entries(node, events, path, depth)
        node.size = 1 + self.size - before
        if event.anchor is not None:
            self.open.discard(event.anchor)
            self.anchors[event.anchor] = node
        return node

    def _alias(self, event: Any) -> Node:
        self.aliases += 1
        if self.aliases > ALIASES:
            raise _limit(event, f"more than {ALIASES} aliases", "write the values out")
        if event.anchor in self.open:
            raise _limit(event, "an alias that contains itself", "write the value out")
        if event.anchor not in self.anchors:
            # Not named: a secret that begins with `*` reads like one.
            raise _limit(event, "an alias whose anchor is not defined before it", "put quotes around a text that begins with `*`")
        node = self.anchors[event.anchor]
        self._count(event, node.size)
        return node

    def _count(self, event: Any, size: int) -> None:
        self.size += size
        if self.size > LARGEST:
            raise _limit(event, f"more than {LARGEST:,} values in one file", BULK)

    def _entries(self, node: Node, events: Iterator[Any], path: str, depth: int) -> None:
        merged: list[Node] = []
        for child in events:
            if type(child).__name__ == "MappingEndEvent":
                break
            key = self._node(child, events, path, depth + 1)
            name = key.text if key.kind == "text" else "?"
            value = self._node(next(events), events, under(path, name), depth + 1)
            if key.kind != "text":
                self.report.error(key, path, "a key that is no text", "put quotes around it if it begins with [ or {")
            elif key.plain and name == "<<":
                merged.extend(self._merged(value, path))
            elif name in node.entries:
                first = node.entries[name][0]
                self.report.error(
                    key, under(path, name), f"duplicate key {shown(name)}", f"keep one; the first is in line {first.line}"
                )
            else:
                node.entries[name] = (key, value)
        for source in merged:
            for name, pair in source.entries.items():
                node.entries.setdefault(name, pair)

    def _merged(self, value: Node, path: str) -> list[Node]:
        sources = value.items if value.kind == "list" else [value]
        if all(source.kind == "mapping" for source in sources):
            return sources
        self.report.error(value, under(path, "<<"), "only mappings can be merged")
        return []


_COLLECTION_TAGS = frozenset(("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"))


def _sound(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _clean(problem: str) -> str:
    """The scanner's sentence on one line, without what it quotes from the file: that may be a secret."""
    text = " ".join(problem.split())
    head, quote, rest = text.partition("'")
    if not quote:
        return text
    inside, _, tail = rest.partition("'")
    return f"{head}'{inside}'{tail}" if len(inside) <= 2 else f"{head}…{tail}".rstrip()
