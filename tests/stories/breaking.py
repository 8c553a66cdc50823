"""What can go wrong between us and a place, by name, at each kind of call (SIMULATORS.md section 4)."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from email.utils import formatdate
from typing import Any

import pytest

from connectors import caldav_session, google_http, memory_place, outlook_http, pagerduty_http
from syncd.connector import Denied, Unavailable
from tests.simulators import proxy
from tests.simulators.common import Fault, Simulator
from tests.simulators.proxy import Answer, Drop, Exchange, Rule
from tests.stories.files import Directory, OnServer
from tests.stories.pagers import Pager
from tests.stories.place import Place
from tests.stories.vendors import InMemory, InOutlook, OnGoogle

WAIT = 7
"""Seconds that a refusal asks us to wait."""
JSON = {"content-type": "application/json"}

KNOBS: Mapping[str, Mapping[str, Any]] = {
    "dropped before": {"drop": "before"},
    "dropped after": {"drop": "after"},
    "half an answer": {"drop": "half"},
    "late": {"drop": "late"},
    "gateway 502": {"page": 502},
    "gateway 503": {"page": 503},
    "500": {"status": 500},
    "500, but applied": {"status": 500, "commit": True},
    "slow": {"delay": 1.5},
    "trickle": {"trickle": 0.02},
    "429 seconds": {"status": 429, "after": "seconds"},
    "429 date": {"status": 429, "after": "date"},
    "429 bare": {"status": 429},
    "refused": {"status": 401},
    "forbidden": {"status": 403},
    "no JSON": {"status": 200, "body": b"{", "headers": JSON},
    "other JSON": {"status": 200, "body": b'["what"]', "headers": JSON},
    "empty": {"status": 200},
}
LIMITS = {"CONNECT": 0.5, "READ": 0.3, "TOTAL": 0.6}

OPERATIONS: Mapping[str, tuple[str, ...]] = {
    "folder": ("read", "create", "replace", "delete"),
    "radicale": ("read", "create", "replace", "delete"),
    "xandikos": ("read", "create", "replace", "delete"),
    "google": ("token", "read", "create", "replace", "delete"),
    "outlook": ("token", "read", "create", "replace", "delete"),
    "pagerduty": ("token", "people", "read", "create", "delete"),
    "pagerduty_v3": ("token", "people", "read", "create", "replace", "delete"),
    "memory": ("read", "create", "replace", "delete"),
}


def knobs(kind: str) -> tuple[str, ...]:
    """Those that mean something there: a directory answers nothing, so it has no answer to lose."""
    if kind == "folder":
        return ("dropped before", "500", "forbidden")
    if kind == "memory":
        return ("dropped before", "dropped after", "500", "500, but applied", "429 seconds", "429 bare", "forbidden")
    if kind in ("radicale", "xandikos"):
        return tuple(knob for knob in KNOBS if knob not in ("late", "forbidden"))
    return tuple(KNOBS)


@contextmanager
def impatient(knob: str) -> Iterator[None]:
    """Where calls are slow, every connector's limits of one call are tenths of a second."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (caldav_session, google_http, outlook_http, pagerduty_http) if knob in ("slow", "trickle") else ():
            for name, seconds in LIMITS.items():
                patch.setattr(module, name, seconds, raising=False)
        yield


def breaks(place: Place, operation: str, knob: str, times: int | None = 1) -> None:
    """What happens to the next `times` calls of that kind (None: to all until `mends`)."""
    wanted = dict(KNOBS[knob])
    if wanted.pop("after", None) == "seconds":
        wanted["headers"] = {"Retry-After": str(WAIT)}
    elif knob == "429 date":
        wanted["headers"] = {"Retry-After": formatdate(place.clock.now + WAIT, usegmt=True)}
    if isinstance(place, Directory):
        _in_directory(place, operation, knob, times)
    elif isinstance(place, InMemory):
        _in_memory(place, operation, knob, times)
    elif isinstance(place, OnServer):
        _at_proxy(place, operation, wanted, times)
    else:
        for method, path in _requests(place, operation):
            fault = Fault.gateway(wanted["page"]) if "page" in wanted else Fault(**wanted)
            _simulator(place).faults.add(replace(fault, method=method, path=path, times=times))


def mends(place: Place) -> None:
    """All is well again, and what was late has arrived."""
    if isinstance(place, Directory):
        place.broken = lambda call: None
    elif isinstance(place, InMemory):
        place.fault = lambda call: None
    elif isinstance(place, OnServer):
        place.proxy.rules.clear()
    else:
        _simulator(place).faults.clear()
        _simulator(place).land_late_writes()


def _simulator(place: Place) -> Simulator:
    assert isinstance(place, OnGoogle | InOutlook | Pager)
    return place.there


def _requests(place: Place, operation: str) -> list[tuple[str, str]]:
    """Method and path of the calls of that kind."""
    if isinstance(place, OnGoogle):
        path = "/events"
    else:
        path = "/(events|calendarView)" if isinstance(place, InOutlook) else "/schedules/"
    return {
        "token": [("POST", "token$")], "people": [("GET", "/users")], "read": [("GET", path)], "create": [("POST", path)],
        "replace": [("PUT", path), ("PATCH", path)], "delete": [("DELETE", path)],
    }[operation]  # fmt: skip


def _in_memory(place: InMemory, operation: str, knob: str, times: int | None) -> None:
    faults: Mapping[str, Callable[[], memory_place.Fault]] = {
        "dropped before": lambda: memory_place.lost(commit=False),
        "dropped after": lambda: memory_place.lost(commit=True),
        "500": lambda: memory_place.Fault(Unavailable("the place failed")),
        "500, but applied": lambda: memory_place.Fault(Unavailable("the place failed"), commit=True),
        "429 seconds": lambda: memory_place.Fault(Unavailable("wait", after=WAIT, refused=True)),
        "429 bare": lambda: memory_place.Fault(Unavailable("wait", refused=True)),
        "forbidden": lambda: memory_place.Fault(Denied("the credential is refused")),
    }
    seen = 0

    def asked(call: memory_place.Call) -> memory_place.Fault | None:
        nonlocal seen
        seen += call.verb == operation
        return faults[knob]() if call.verb == operation and (times is None or seen <= times) else None

    place.fault = asked


def _in_directory(place: Directory, operation: str, knob: str, times: int | None) -> None:
    seen = 0
    number = {"dropped before": errno.EIO, "500": errno.ENOSPC, "forbidden": errno.EACCES}[knob]

    def fails(call: str) -> None:
        nonlocal seen
        seen += call == operation
        if call == operation and (times is None or seen <= times):
            raise OSError(number, os.strerror(number))

    place.broken = fails


def _at_proxy(place: OnServer, operation: str, wanted: Mapping[str, Any], times: int | None) -> None:
    fault = _proxied(wanted)

    def only(exchange: Exchange) -> bool:
        created = "If-None-Match" in exchange.headers
        return operation not in ("create", "replace") or created == (operation == "create")

    class OfThatKind(Rule):
        def takes(self, exchange: Exchange) -> bool:
            return only(exchange) and super().takes(exchange)

    method = {"read": "REPORT|PROPFIND", "create": "PUT", "replace": "PUT", "delete": "DELETE"}[operation]
    place.proxy.rules.append(OfThatKind(method, re.escape(place.calendar.path), fault, last=times))


def _proxied(wanted: Mapping[str, Any]) -> proxy.Fault:
    if drop := wanted.get("drop"):
        return {"before": proxy.drop_before, "after": proxy.drop_after, "half": proxy.half}[drop]
    if page := wanted.get("page"):
        return proxy.page(page)
    if delay := wanted.get("delay"):
        return proxy.delayed(delay)
    if pause := wanted.get("trickle"):
        return lambda exchange: _trickled(exchange, pause)
    headers = {name.replace("-", "_"): value for name, value in wanted.get("headers", {}).items()}
    answered = proxy.answers(wanted["status"], wanted.get("body", b""), **headers)
    if not wanted.get("commit"):
        return answered

    def applied(exchange: Exchange) -> Answer:
        exchange.forward()
        return answered(exchange)

    return applied


def _trickled(exchange: Exchange, pause: float) -> Answer:
    for byte in exchange.forward().wire():
        exchange.write(bytes([byte]))
        if exchange.closing.wait(pause):
            break
    raise Drop
