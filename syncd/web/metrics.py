"""`/metrics`: Prometheus' text format, by hand. Labels name destinations and schedules, never people."""

from __future__ import annotations

import os
import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from itertools import accumulate
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from syncd import __version__
from syncd.core.model import Instant, Window
from syncd.web.status import WEEK, modes_of, parse_utc, rows_of

if TYPE_CHECKING:
    from syncd.config import Config
    from syncd.store import Tx

BUCKETS = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Seconds that a cycle took, at most."""
STATES = ("OK", "Pending", "Warning", "Error")
OUTCOMES = ("complete", "partial", "failed", "bug", "hung")
"""Of a cycle. Those that have not happened are told as 0: a counter that begins with 1 shows no increase."""

FAMILIES: Mapping[str, tuple[str, str]] = {
    "syncd_up": ("gauge", "1 where the loop turns."),
    "syncd_ready": ("gauge", "1 where every destination is looked after and the store can be written."),
    "syncd_build_info": ("gauge", "1; the label is the version."),
    "syncd_start_time_seconds": ("gauge", "When the daemon began, in seconds since 1970."),
    "syncd_store_writable": ("gauge", "1 where the store can be written; without it nothing is written anywhere."),
    "syncd_configuration_refused": ("gauge", "1 where a changed configuration was refused and the old one stays in force."),
    "syncd_resident_memory_bytes": ("gauge", "Memory in use."),
    "syncd_open_descriptors": ("gauge", "Files and sockets that are open."),
    "syncd_threads": ("gauge", "Threads."),
    "syncd_cycles_total": ("counter", "Cycles that ended, by outcome: complete, partial, failed, bug, hung."),
    "syncd_cycle_duration_seconds": ("histogram", "How long a cycle took."),
    "syncd_cycle_running_seconds": ("gauge", "For how long the cycle that is under way has been."),
    "syncd_cycles_hanging": ("gauge", "Cycles that were given up and have not come back; no other begins beside two."),
    "syncd_changes_total": ("counter", "Changes sent, by outcome: applied, rejected, unknown."),
    "syncd_requests_total": ("counter", "Calls of a connector, by call and status."),
    "syncd_destination_status": ("gauge", "1 for the status that a destination has."),
    "syncd_destination_ok": ("gauge", "1 where the status is OK."),
    "syncd_destination_error": ("gauge", "1 where the status is Error."),
    "syncd_destination_refresh_seconds": ("gauge", "How often it is looked at."),
    "syncd_destination_last_cycle_timestamp_seconds": ("gauge", "When the last full cycle ended, in seconds since 1970."),
    "syncd_destination_cycle_age_seconds": ("gauge", "How long ago that is."),
    "syncd_destination_differs_seconds": ("gauge", "Coverage of the horizon that differed at the last look."),
    "syncd_destination_drift_seconds": ("gauge", "For how long its status has been another than OK."),
    "syncd_destination_next_unexported_timestamp_seconds": ("gauge", "From when on it does not surely show the rota."),
    "syncd_destination_holds": ("gauge", "Changes that wait for a human."),
    "syncd_destination_conflicts": ("gauge", "Edits that gave way to the rota."),
    "syncd_destination_imported_30d": ("gauge", "Edits imported in the last 30 days."),
    "syncd_destination_intents_open": ("gauge", "Writes whose outcome is not known."),
    "syncd_schedule_next_gap_timestamp_seconds": ("gauge", "When the next uncovered shift of the coming week begins."),
    "syncd_schedule_gap_seconds": ("gauge", "Uncovered needed time of the coming week."),
    "syncd_notices_pending": ("gauge", "Notices that are due and have not arrived everywhere."),
    "syncd_notices_armed": ("gauge", "Notices that wait for their write to be seen done."),
    "syncd_notices_failing": ("gauge", "Readers whom nothing reaches now."),
    "syncd_notices_dropped": ("gauge", "Notices that could not be delivered and were given up."),
    "syncd_notices_oldest_seconds": ("gauge", "For how long the oldest one that is due has waited."),
}
"""Name → type and meaning."""

Labels = Mapping[str, str]


class _Page:
    """Samples by family, in the order of `FAMILIES`."""

    def __init__(self) -> None:
        self._lines: dict[str, list[str]] = {}

    def put(self, family: str, value: float | None, *, part: str = "", **labels: str) -> None:
        """`value` None is left out: what is not known is not 0."""
        if value is None:
            return
        told = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
        number = str(int(value)) if float(value).is_integer() else repr(round(value, 6))
        self._lines.setdefault(family, []).append(f"{family}{part}{{{told}}} {number}" if told else f"{family}{part} {number}")

    def text(self) -> str:
        out = []
        for family, (kind, meaning) in FAMILIES.items():
            if family in self._lines:
                out += [f"# HELP {family} {meaning}", f"# TYPE {family} {kind}", *self._lines[family]]
        return "".join(f"{line}\n" for line in out)


class Measures:
    """What is counted in this process. Threads may share it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._cycles: Counter[tuple[str, str]] = Counter()
        self._changes: Counter[tuple[str, str]] = Counter()
        self._requests: Counter[tuple[str, str, str]] = Counter()
        self._took: dict[str, list[int]] = {}
        self._sums: dict[str, float] = {}

    def cycle(self, destination: str, seconds: float, outcome: str, changes: Iterable[str] = ()) -> None:
        with self._lock:
            self._cycles[destination, outcome] += 1
            self._took.setdefault(destination, [0] * (len(BUCKETS) + 1))[bisect_left(BUCKETS, seconds)] += 1
            self._sums[destination] = self._sums.get(destination, 0.0) + seconds
            self._changes.update((destination, change) for change in changes)

    def request(self, destination: str, call: str, status: str) -> None:
        with self._lock:
            self._requests[destination, call, status] += 1

    def forget(self, destination: str) -> None:
        """It left the configuration."""
        with self._lock:
            for counted in (self._cycles, self._changes, self._requests):
                for key in [key for key in counted if key[0] == destination]:
                    del counted[key]
            self._took.pop(destination, None)
            self._sums.pop(destination, None)

    def own(
        self,
        *,
        alive: bool,
        ready: bool,
        refused: bool,
        writable: bool,
        since: Instant,
        running: Mapping[str, float],
        destinations: Iterable[str],
        hanging: Mapping[str, int],
    ) -> str:
        page = _Page()
        page.put("syncd_up", alive)
        page.put("syncd_ready", ready)
        page.put("syncd_build_info", 1, version=__version__)
        page.put("syncd_start_time_seconds", since)
        page.put("syncd_store_writable", writable)
        page.put("syncd_configuration_refused", refused)
        page.put("syncd_resident_memory_bytes", _resident())
        page.put("syncd_open_descriptors", _descriptors())
        page.put("syncd_threads", threading.active_count())
        for name, seconds in sorted(running.items()):
            page.put("syncd_cycle_running_seconds", seconds, destination=name)
        for name, times in sorted(hanging.items()):
            page.put("syncd_cycles_hanging", times, destination=name)
        with self._lock:
            for name in sorted({*destinations, *(name for name, _ in self._cycles)}):
                for outcome in OUTCOMES:
                    page.put("syncd_cycles_total", self._cycles[name, outcome], destination=name, outcome=outcome)
            for name, counts in sorted(self._took.items()):
                family = "syncd_cycle_duration_seconds"
                for bound, times in zip([*map(str, BUCKETS), "+Inf"], accumulate(counts), strict=True):
                    page.put(family, times, part="_bucket", destination=name, le=bound)
                page.put(family, self._sums[name], part="_sum", destination=name)
                page.put(family, sum(counts), part="_count", destination=name)
            for (name, outcome), times in sorted(self._changes.items()):
                page.put("syncd_changes_total", times, destination=name, outcome=outcome)
            for (name, call, status), times in sorted(self._requests.items()):
                page.put("syncd_requests_total", times, destination=name, call=call, status=status)
        return page.text()


def stored(config: Config, tx: Tx, now: Instant) -> str:
    """What the store knows: how destinations stand, the coming week's gaps, notices on their way."""
    from syncd.core.gaps import Cause, gaps

    page = _Page()
    intents = tx.counts.intents()
    for one in rows_of(modes_of(config), tx, now):
        if one["removed"]:
            continue
        name = one["destination"]
        for state in STATES:
            page.put("syncd_destination_status", one["status"] == state, destination=name, status=state)
        page.put("syncd_destination_ok", one["status"] == "OK", destination=name)
        page.put("syncd_destination_error", one["status"] == "Error", destination=name)
        page.put("syncd_destination_refresh_seconds", config.destinations[name].refresh, destination=name)
        last, since = parse_utc(one["last_cycle"]), parse_utc(one["since"])
        page.put("syncd_destination_last_cycle_timestamp_seconds", last, destination=name)
        page.put("syncd_destination_cycle_age_seconds", None if last is None else now - last, destination=name)
        page.put("syncd_destination_differs_seconds", one["differs_seconds"], destination=name)
        drift = 0 if one["status"] == "OK" else None if since is None else max(0, now - since)
        page.put("syncd_destination_drift_seconds", drift, destination=name)
        unexported = parse_utc(one["next_unexported"])
        page.put("syncd_destination_next_unexported_timestamp_seconds", unexported, destination=name)
        for key in ("holds", "conflicts", "imported_30d"):
            page.put(f"syncd_destination_{key}", one[key], destination=name)
        page.put("syncd_destination_intents_open", intents.get(name, 0), destination=name)
    week = Window(now, now + WEEK)
    for schedule in config.rota.schedules.values():
        found = gaps(config.rota, tx.overrides.in_force(schedule), week)
        holes = [one for one in found if one.cause in (Cause.NOBODY, Cause.ENDED)]
        first = min((max(one.start, now) for one in holes), default=None)
        page.put("syncd_schedule_next_gap_timestamp_seconds", first, schedule=schedule.id)
        uncovered = sum(min(one.end, week.end) - max(one.start, now) for one in holes)
        page.put("syncd_schedule_gap_seconds", uncovered, schedule=schedule.id)
    notices, oldest = tx.counts.notices(), tx.counts.waiting_since()
    page.put("syncd_notices_pending", notices.get("due", 0))
    page.put("syncd_notices_armed", notices.get("armed", 0))
    page.put("syncd_notices_failing", len(tx.facts.get("notices failing") or {}))
    page.put("syncd_notices_dropped", notices.get("dropped", 0))
    page.put("syncd_notices_oldest_seconds", 0 if oldest is None else max(0, now - oldest))
    return page.text()


def _resident() -> int | None:
    """None where the system does not tell."""
    with suppress(OSError, ValueError, IndexError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return None


def _descriptors() -> int | None:
    with suppress(OSError):
        return sum(1 for _ in Path("/proc/self/fd").iterdir())
    return None


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
