"""Digests of the rota: two files that mean the same have the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any

from syncd.core.model import Rota, Schedule


def rota_digest(rota: Rota) -> str:
    """64 hex digits over everything that the rota says."""
    return _digest(rota)


def schedule_digest(rota: Rota, schedule: Schedule) -> str:
    """64 hex digits over one schedule, the roles in it and the people in it."""
    roles = {layer.role for layer in schedule.layers} | {role for one in schedule.overrides for role in one.roles}
    roles |= set(schedule.needs)
    people = {id_ for layer in schedule.layers for roster in layer.rosters for group in roster.groups for id_ in group}
    people |= {id_ for one in schedule.overrides for id_ in (*one.people, *(one.replaces or ()))}
    return _digest(
        (
            schedule,
            {id_: rota.roles[id_] for id_ in roles if id_ in rota.roles},
            {id_: rota.people[id_] for id_ in people if id_ in rota.people},
        )
    )


def _digest(value: Any) -> str:
    import json

    return sha256(json.dumps(_plain(value), sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _plain(value: Any) -> Any:
    """JSON's types, with no order but where order means something."""
    if is_dataclass(value):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(inside) for key, inside in value.items()}
    if isinstance(value, frozenset):
        return sorted(_plain(inside) for inside in value)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%S}" if value.tzinfo is None else f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (tuple, list)):
        # A NamedTuple's class is told by its place; windows are dataclasses and stay themselves.
        return [_plain(inside) for inside in value]
    return value
