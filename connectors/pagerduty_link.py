"""What an account at PagerDuty has, for `syncd link`: its schedules of both kinds, and one of them as the vendor tells it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.pagerduty_answer import line
from connectors.pagerduty_api import Api, every, item_of, slices
from syncd.connector import Place
from syncd.core.model import DAY, Window, iso

HISTORY = 90 * DAY


def places(api: Api, path: str) -> list[Place]:
    """Every schedule of the list at `path`; neither list has the other kind (PD-41)."""
    items, _ = every(api, path, "schedules")
    return [
        Place(
            id=str(one["id"]), name=line(str(one.get("name") or one.get("summary") or "")), options={"schedule": str(one["id"])}
        )
        for one in items
        if isinstance(one.get("id"), str)
    ]


def layered(api: Api, id_: str, window: Window) -> Mapping[str, Any]:
    """A layer-based schedule, rendered in `window`, with its overrides from 90 days before it on, and who is who."""
    page = [("since", iso(window.start)), ("until", iso(window.end))]
    schedule = item_of(api.get(f"/schedules/{id_}", page), "schedule")
    overrides: dict[str, Mapping[str, Any]] = {}
    for part in slices(Window(window.start - HISTORY, window.end)):
        found = api.get(
            f"/schedules/{id_}/overrides", [("since", iso(part.start)), ("until", iso(part.end)), ("overflow", "true")]
        )
        listed = found.data.get("overrides") if isinstance(found.data, dict) else None
        overrides |= {str(one.get("id")): one for one in listed or () if isinstance(one, dict)}
    return {"schedule": schedule, "overrides": list(overrides.values()), "users": _users(api, schedule, *overrides.values())}


def shift_based(api: Api, id_: str, window: Window) -> Mapping[str, Any]:
    """A shift-based schedule with its rotations, custom shifts and overrides, its final schedule in `window`, and who is who."""
    path = f"/v3/schedules/{id_}"
    page = [("include[]", "final_schedule"), ("since", iso(window.start)), ("until", iso(window.end))]
    schedule = dict(item_of(api.get(path, page), "schedule"))
    rotations = []
    for one in every(api, f"{path}/rotations", "rotations")[0]:
        events = one.get("events") or every(api, f"{path}/rotations/{one.get('id')}/events", "events")[0]
        rotations.append({**one, "events": events})
    schedule["rotations"] = rotations
    customs: dict[str, Mapping[str, Any]] = {}
    overrides: dict[str, Mapping[str, Any]] = {}
    for part in slices(Window(window.start - HISTORY, window.end)):
        period = [("since", iso(part.start)), ("until", iso(part.end)), ("overflow", "true")]
        customs |= {str(one.get("id")): one for one in every(api, f"{path}/custom_shifts", "custom_shifts", period)[0]}
        overrides |= {str(one.get("id")): one for one in every(api, f"{path}/overrides", "overrides", period)[0]}
    found = {"schedule": schedule, "custom_shifts": list(customs.values()), "overrides": list(overrides.values())}
    return {**found, "users": _users(api, found)}


def _users(api: Api, *inside: Any) -> list[Mapping[str, Any]]:
    """Names and addresses of those whose ids stand anywhere in `inside`."""
    named = set()
    todo = list(inside)
    while todo:
        one = todo.pop()
        if isinstance(one, Mapping):
            todo += one.values()
        elif isinstance(one, list):
            todo += one
        elif isinstance(one, str):
            named.add(one)
    users, _ = every(api, "/users", "users")
    return [{key: user.get(key) for key in ("id", "name", "email")} for user in users if user.get("id") in named]
