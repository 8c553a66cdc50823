"""Names that refer to something else in the file: each is looked up once everything is known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from syncd.config.document import Node
from syncd.config.problem import Report
from syncd.config.shape import Item, Section


class Names:
    """What the file defines, by what it is called in an error: `person`, `role`, `team`, `schedule`."""

    def __init__(self, report: Report, known: Mapping[str, Iterable[str]]) -> None:
        self.report = report
        self.known = {what: dict.fromkeys(names) for what, names in known.items()}

    def one(self, what: str, name: str, node: Node, path: str) -> str | None:
        """`name`, or None where nothing bears it, which is reported."""
        if name in self.known[what]:
            return name
        plural = {"person": "people"}.get(what, f"{what}s")
        self.report.unknown(node, path, what, name, self.known[what], f"define it under `{plural}:`")
        return None

    def of(self, what: str, section: Section, key: str) -> str | None:
        """What `section` says under `key`; None where it says nothing, or a name that nothing bears."""
        return self.one(what, section[key], section.place(key), section.at(key)) if key in section else None

    def all(self, what: str, items: Iterable[Item]) -> tuple[str, ...]:
        """Those that are known, each once."""
        return tuple(dict.fromkeys(self._known(what, items)))

    def _known(self, what: str, items: Iterable[Item]) -> Iterator[str]:
        seen: set[str] = set()
        for item in items:
            name = self.one(what, item.value, item.node, item.path)
            if name in seen:
                self.report.error(item.node, item.path, f"'{name}' stands here twice", "take one away")
            elif name is not None:
                seen.add(name)
                yield name
