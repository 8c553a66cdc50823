"""The settings besides the rota, as values: destinations, health, log, source, notices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from syncd.connector import Secret
from syncd.core.mode import Limits, Mode, OnConflict, OnDeleted

DAY = 86_400


@dataclass(frozen=True, kw_only=True)
class Destination:
    """One role of one schedule, shown in one place in one mode. Durations are seconds.

    `options`: an instance of the connector's `Options`; None where the file was read without looking into them.
    """

    name: str
    kind: str
    schedule: str
    role: str
    mode: Mode = Mode.AUTHORITATIVE
    refresh: int = 300
    horizon: int = 30 * DAY
    on_deleted: OnDeleted = OnDeleted.RESTORE
    on_conflict: OnConflict = OnConflict.ROTA
    protect_until: int | None = None
    """Seconds from now: what was exported before this horizon is left alone."""
    limits: Limits = field(default_factory=Limits)
    options: Any = None


@dataclass(frozen=True, kw_only=True)
class Health:
    """Where the daemon answers. `key` opens `/status` and `/metrics` from elsewhere than loopback."""

    host: str = "127.0.0.1"
    port: int = 8469
    key: Secret | None = None


@dataclass(frozen=True, kw_only=True)
class Log:
    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "text"] = "auto"


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where people, roles, teams and schedules come from instead of this file. Exactly one of the three places is set."""

    directory: Path | None = None
    url: str | None = None
    bridge: str | None = None
    token: Secret | None = None
    key: Secret | None = None
    tenant_id: str | None = None
    ca_file: Path | None = None
    refresh: int = 300


@dataclass(frozen=True, kw_only=True)
class Handoff:
    lead: int = 3_600
    to: Literal["incoming", "outgoing", "both"] = "incoming"


@dataclass(frozen=True, kw_only=True)
class Daily:
    """`at`: seconds after local midnight of whoever it is sent to."""

    at: int = 8 * 3_600
    to: tuple[str, ...] = ("people",)


@dataclass(frozen=True, kw_only=True)
class Gaps:
    """`at`: seconds after midnight in `timezone`; `days`: how far ahead."""

    at: int = 8 * 3_600
    timezone: str = "UTC"
    days: int = 7


@dataclass(frozen=True, kw_only=True)
class Notices:
    """What is told, where to. None is off."""

    channels: Mapping[str, Secret] = field(default_factory=dict)
    handoff: Handoff | None = field(default_factory=Handoff)
    daily: Daily | None = None
    gaps: Gaps | None = field(default_factory=Gaps)
    follow: Literal["person", "team"] = "person"
