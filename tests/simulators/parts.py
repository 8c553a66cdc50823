"""What every simulated vendor is made of: a clock that the test moves, a journal of requests, a rate limit, access tokens."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from tests.simulators.faults import Fault

NOON = 1_772_452_800
"""2026-03-02T12:00:00Z, a Monday: where a simulator's clock stands unless the test says otherwise."""


class Clock:
    """The vendor's time in seconds UTC. It stands still until advanced, or runs with the real one (`running`)."""

    def __init__(self, now: float = NOON, *, running: bool = False) -> None:
        self._now = now
        self._since = time.monotonic() if running else None
        self.skew = 0.0
        """Seconds that the `Date` header is ahead of `now` (SIMULATORS.md section 4, clock)."""

    @property
    def now(self) -> float:
        return self._now + (time.monotonic() - self._since if self._since is not None else 0.0)

    def advance(self, seconds: float) -> None:
        self._now += seconds

    def set(self, now: float) -> None:
        self._now = now
        self._since = time.monotonic() if self._since is not None else None


@dataclass(slots=True)
class Call:
    """One request as it arrived. `status` is None and `outcome` says why where no whole answer was given."""

    at: float
    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    status: int | None = None
    outcome: str = ""
    """`answered`, or what a fault made of it: `dropped before`, `dropped after`, `half`, `late`."""
    answer: bytes = b""
    fault: Fault | None = None

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body else None

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    def first(self, name: str) -> str | None:
        """The first query parameter of that name."""
        return next((value for key, value in self.query if key == name), None)


class Journal(list[Call]):
    """All requests in order of arrival."""

    def of(self, method: str = "*", path: str = "") -> list[Call]:
        """Calls of that method whose path matches the pattern somewhere."""
        return [call for call in list(self) if method in ("*", call.method) and re.search(path, call.path)]

    def writes(self, path: str = "") -> list[Call]:
        return [call for call in self.of("*", path) if call.method in ("POST", "PUT", "PATCH", "DELETE", "MOVE")]

    def reads(self, path: str = "") -> list[Call]:
        return [call for call in self.of("*", path) if call.method in ("GET", "HEAD", "REPORT", "PROPFIND")]


class Bucket:
    """A rate limit: `size` calls a `period` (seconds), counted from the first call of each period."""

    def __init__(self, clock: Clock, size: int, period: float) -> None:
        self.clock, self.size, self.period = clock, size, period
        self._since, self.used = clock.now, 0

    def take(self) -> bool:
        """False: the limit is reached. A refused call costs nothing."""
        if self.clock.now - self._since >= self.period:
            self._since, self.used = self.clock.now, 0
        if self.used >= self.size:
            return False
        self.used += 1
        return True

    @property
    def remaining(self) -> int:
        return max(0, self.size - self.used)

    @property
    def reset(self) -> int:
        """Whole seconds until the next period."""
        return max(1, int(self._since + self.period - self.clock.now))


class Tokens:
    """Access tokens of a token end point: a lifetime, revocation, and a number of refusals to come."""

    def __init__(self, clock: Clock, lifetime: int) -> None:
        self.clock, self.lifetime = clock, lifetime
        self.refuse_next = 0
        self._live: dict[str, tuple[float, frozenset[str], str]] = {}
        self._made = 0

    def issue(self, scopes: Sequence[str] = (), owner: str = "") -> str:
        self._made += 1
        token = f"canary-access-{self._made:04d}"
        self._live[token] = (self.clock.now + self.lifetime, frozenset(scopes), owner)
        return token

    def scopes(self, token: str) -> frozenset[str] | None:
        """None: unknown, revoked or expired."""
        until, scopes, _ = self._live.get(token, (0.0, frozenset(), ""))
        return scopes if self.clock.now < until else None

    def owner(self, token: str) -> str:
        return self._live.get(token, (0.0, frozenset(), ""))[2]

    def revoke_all(self) -> None:
        self._live.clear()
