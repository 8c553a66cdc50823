"""Problems of a configuration: where each one is, what is wrong, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Any, Literal, Protocol

MOST = 200
"""Problems reported of one configuration: nobody reads more, and a hostile file has one on every line."""
NAMES = 500
"""Names looked at for a suggestion."""
SUGGESTIONS = 20
"""Looked for in one configuration: comparing names is the dearest thing here, and after so many mistakes no help."""


class Place(Protocol):
    """Something that stands in a file. Lines and columns are counted from 1."""

    @property
    def file(self) -> str: ...
    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One line of `syncd check`. `path`: keys and list places, joined by dots. Never holds a secret.

    Line 0 is the file as a whole: it is not there, or cannot be read.
    """

    file: str
    line: int
    column: int
    path: str
    problem: str
    remedy: str = ""
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        path = f" {_one_line(self.path)}:" if self.path else ""
        remedy = f"; {self.remedy}" if self.remedy else ""
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}:{path} {self.problem}{remedy}"

    def json(self) -> dict[str, Any]:
        """As `check --json` has it (DESIGN.md section 8)."""
        return {**asdict(self), "line": self.line or None, "column": self.column or None}


def _one_line(text: str) -> str:
    """A key is whatever the file says; what would break the line, or command a terminal, is shown as a box."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


class ConfigError(Exception):
    """The configuration cannot be used. `problems` has every one that was found, warnings included."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Why it cannot: without the warnings."""
        return tuple(problem for problem in self.problems if problem.severity == "error")


class Wrong(Exception):
    """A value cannot be read. Whoever asked for it knows where it stands."""

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


class Report:
    """Collects the problems of one configuration, each once, in the order of their places."""

    def __init__(self) -> None:
        self._problems: dict[tuple[str, int, int, str], Problem] = {}
        self._once: set[str] = set()
        self._left_out = 0
        self._suggestions = 0
        self._errors = 0

    def error(self, place: Place, path: str, problem: str, remedy: str = "") -> None:
        self._errors += 1
        self._add(place, path, problem, remedy, "error")

    def warn(self, place: Place, path: str, problem: str, remedy: str = "") -> None:
        self._add(place, path, problem, remedy, "warning")

    def warn_once(self, place: Place, path: str, problem: str, remedy: str = "") -> None:
        """For what is so for the whole configuration: where it is met first."""
        if problem not in self._once:
            self._once.add(problem)
            self.warn(place, path, problem, remedy)

    def unknown(self, place: Place, path: str, what: str, name: str, known: Iterable[str], remedy: str = "") -> None:
        """A name that nothing bears: `unknown WHAT 'NAME'`, with the nearest name that something does."""
        near = suggestion(name, known) if self.may_suggest() else ""
        self.error(place, path, f"unknown {what} {shown(name)}", near or remedy)

    def _add(self, place: Place, path: str, problem: str, remedy: str, severity: Literal["error", "warning"]) -> None:
        # A template's mistake is found again by every schedule that uses it: once is enough.
        key = (place.file, place.line, place.column, problem)
        if key in self._problems:
            return
        if self.full:
            self._left_out += 1
            return
        self._problems[key] = Problem(
            file=place.file,
            line=place.line,
            column=place.column,
            path=path,
            problem=problem,
            remedy=remedy,
            severity=severity,
        )

    def may_suggest(self) -> bool:
        """Whether one more name may be compared with others."""
        self._suggestions += 1
        return self._suggestions <= SUGGESTIONS

    @property
    def full(self) -> bool:
        return len(self._problems) >= MOST

    @property
    def failed(self) -> bool:
        return self._errors > 0

    def problems(self) -> tuple[Problem, ...]:
        """In the order of file, line and column; the last one tells how many were left out."""
        found = sorted(self._problems.values(), key=lambda problem: (problem.file, problem.line, problem.column))
        if self._left_out:
            last = found[-1]
            found.append(
                Problem(
                    file=last.file,
                    line=last.line,
                    column=last.column,
                    path="",
                    problem=f"{self._left_out} more problems are not shown",
                    remedy="mend these first",
                    severity="error" if self.failed else "warning",
                )
            )
        return tuple(found)


def shown(text: str) -> str:
    """`text` between quotes, cut to a length that fits a line, with nothing that moves a terminal's cursor."""
    clean = _one_line(text[:61])
    return f"'{clean[:60]}…'" if len(text) > 60 else f"'{clean}'"


def suggestion(name: str, known: Iterable[str]) -> str:
    """`did you mean 'x'?`, or what there is where that is a short list, or nothing."""
    names = [str(one) for one in known][:NAMES]
    if len(name) > 100:
        return ""
    near = get_close_matches(name.casefold(), [one.casefold() for one in names], 1, 0.6)
    if near:
        return f"did you mean {shown(next(one for one in names if one.casefold() == near[0]))}?"
    if 0 < len(names) <= 8:
        return f"known: {', '.join(names)}"
    return ""


def under(path: str, key: str | int) -> str:
    """The path of what stands at `key` inside `path`."""
    return f"{path}.{key}" if path else str(key)
