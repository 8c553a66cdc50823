"""Finds the connector of a kind by entry point: ours through the same door as a stranger's, and only the one asked for."""

from __future__ import annotations

from difflib import get_close_matches
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from syncd.connector import Connector

GROUP = "syncd.connectors"


class UnknownKind(KeyError):
    """No installed connector is of this kind. `close`: kinds that look like it, the nearest first."""

    def __init__(self, kind: str, kinds: list[str]) -> None:
        self.kind = kind
        self.close = get_close_matches(kind, kinds, 3, 0.6)
        hint = f"did you mean {self.close[0]!r}?" if self.close else f"known are {', '.join(kinds)}"
        self.text = f"no connector of kind {kind!r} is installed; {hint}"
        super().__init__(self.text)

    def __str__(self) -> str:
        return self.text


class MissingExtra(ImportError):
    """The connector is there, a package that it needs is not. Its text has the line that installs it."""


def kinds() -> list[str]:
    """Every kind that is installed, sorted. None is imported."""
    return sorted(_points())


def connector(kind: str) -> type[Connector]:
    """The class of `kind`. Raises `UnknownKind` or `MissingExtra`.

    A connector that imports its packages late, so that its options are known without them, names them in `requires`.
    """
    point = _ours(kind) or _points().get(kind)
    if point is None:
        raise UnknownKind(kind, kinds())
    try:
        found: type[Connector] = point.load()
    except ModuleNotFoundError as cause:
        raise MissingExtra(_remedy(point, cause.name or "")) from cause
    for package in getattr(found, "requires", ()):
        if find_spec(package) is None:
            raise MissingExtra(_remedy(point, package))
    return found


def _remedy(point: EntryPoint, module: str) -> str:
    package = point.dist.name if point.dist else "syncd"
    extras = (point.dist.metadata.get_all("Provides-Extra") if point.dist else None) or []
    extra = next((name for name in (point.name, point.name.partition("_")[0]) if name in extras), "")
    line = f"pip install '{package}[{extra}]'" if extra else f"pip install {module.partition('.')[0]}"
    return f"destinations of kind {point.name!r} need the package {module.partition('.')[0]!r}; install it with: {line}"


def _ours(kind: str) -> EntryPoint | None:
    """Ours win, so that for one of ours the other packages need not be looked through: 5 ms, and more where there are many."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        return next(iter(distribution("syncd").entry_points.select(group=GROUP, name=kind)), None)
    except PackageNotFoundError:
        return None


def _points() -> dict[str, EntryPoint]:
    """Kind → entry point. Ours win over a stranger's of the same name, else the first in the path's order."""
    from importlib.metadata import entry_points  # 40 ms to import: not for commands that call no destination

    points: dict[str, EntryPoint] = {}
    for point in entry_points(group=GROUP):
        if point.name not in points or (point.dist is not None and point.dist.name == "syncd"):
            points[point.name] = point
    return points
