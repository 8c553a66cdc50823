"""One line a figure: what was measured, what it came to, and how much it may be."""

from __future__ import annotations

from typing import NamedTuple


class Line(NamedTuple):
    what: str
    came: float
    most: float | None = None
    """None: shown for comparison only."""
    note: str = ""

    @property
    def missed(self) -> bool:
        return self.most is not None and self.came > self.most

    def __str__(self) -> str:
        most = "" if self.most is None else f"{self.most:8.2f}  {'MISSED' if self.missed else 'ok'}"
        return f"{self.what:<74}{self.came:>9.2f} {most:<17} {self.note}".rstrip()
