"""What can go wrong on demand: a script of faults by method, path and count (SIMULATORS.md section 4)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

GATEWAY = "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """For the `first`-th match and the `times - 1` after it (None: for ever). Fields that are not set change nothing."""

    method: str = "*"
    path: str = ""
    """A regular expression, looked for anywhere in the path."""
    first: int = 1
    times: int | None = 1
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = b""
    """Bytes, text, or something for JSON."""
    commit: bool = False
    """With a `status`: the change is performed all the same (an error answer, but applied)."""
    delay: float = 0
    """Seconds before anything happens."""
    trickle: float = 0
    """Seconds between the answer's bytes."""
    drop: Literal["before", "after", "half", "late"] | None = None
    """Connection closed before the change, after it, in the middle of the answer; or the change lands when the test says."""
    items: Mapping[int, int] = field(default_factory=dict)
    """Status of the n-th item (from 0) of a call that carries several."""

    @property
    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()

    @classmethod
    def gateway(cls, status: int = 502, **rest: Any) -> Self:
        """An HTML page, as gateways answer."""
        return cls(status=status, body=GATEWAY, headers={"content-type": "text/html"}, **rest)


class Faults:
    """The script of one simulator."""

    def __init__(self) -> None:
        self._script: list[tuple[Fault, list[int]]] = []

    def add(self, fault: Fault) -> Fault:
        self._script.append((fault, [0]))
        return fault

    def clear(self) -> None:
        self._script.clear()

    def next(self, method: str, path: str) -> Fault | None:
        """The first fault of the script that applies to this call; every matching one counts it."""
        found = None
        for fault, seen in self._script:
            if fault.method in ("*", method) and re.search(fault.path, path):
                seen[0] += 1
                due = seen[0] >= fault.first and (fault.times is None or seen[0] < fault.first + fault.times)
                found = found or (fault if due else None)
        return found
