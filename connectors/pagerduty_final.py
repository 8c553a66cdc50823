"""Reads the final rota of a shift-based schedule: whom PagerDuty pages, by which shift, and what lies over a custom shift."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from connectors.pagerduty_answer import Refusal
from connectors.pagerduty_api import Api, every, item_of, moment, slices
from syncd.connector import Unavailable
from syncd.core.model import Instant, Window, iso

OVERRIDES = "overrides/"
"""Begins the ref of an override; ids of custom shifts have no slash in them."""


class Over(NamedTuple):
    """An override of a custom shift (PD-43): while it lasts, `user` is paged instead of whoever has the shift."""

    ref: str
    start: Instant
    end: Instant
    user: str
    """An id; "" is an empty member: nobody is paged."""
    shift: str

    @property
    def version(self) -> str:
        return f"{iso(self.start)}/{iso(self.end)}/{self.user}/{self.shift}"


class On(NamedTuple):
    """Somebody is paged. `ref`: by which custom shift or override; None is a rotation of the schedule's own."""

    start: Instant
    end: Instant
    user: str
    ref: str | None


class Final(NamedTuple):
    """The final rota of a window. `on` None: this server renders none, so that only the overrides are known."""

    on: list[On] | None
    overs: list[Over]
    page: object
    """The schedule's address."""


def final(api: Api, schedule: str, window: Window) -> Final:
    """Raises `Refusal` where the schedule cannot be read at all."""
    at = f"/v3/schedules/{schedule}"
    found: set[On] = set()
    pieces: dict[tuple[str, str, str], list[tuple[Instant, Instant]]] = defaultdict(list)
    for part in slices(window):
        told = item_of(api.get(at, [*period(part), ("include[]", "final_schedule")]), "schedule")
        rendered = told.get("final_schedule")
        items = rendered.get("computed_shift_assignments") if isinstance(rendered, dict) else None
        if not isinstance(items, list):
            return Final(None, _listed(api, at, window), told.get("html_url"))
        for item in items:
            on, shift = _computed(item)
            if on.user:
                found.add(on)
            if on.ref is not None and on.ref.startswith(OVERRIDES):
                pieces[on.ref, on.user, shift].append((on.start, on.end))
    overs = []
    for (ref, user, shift), spans in pieces.items():
        over = Over(ref, min(start for start, _ in spans), max(end for _, end in spans), user, shift)
        whole = shift and over.start != window.start and over.end != window.end
        overs.append(over if whole else _itself(api, at, over))  # it may have been clipped, or its shift was not told
    return Final(_joined(found), sorted(overs), told.get("html_url"))


def unrendered(api: Api, schedule: str, window: Window) -> Final:
    """What is known of a server that refuses to render."""
    return Final(None, _listed(api, f"/v3/schedules/{schedule}", window), None)


def override(api: Api, schedule: str, ref: str) -> Over:
    """One override as it stands. Raises `Refusal` where it is gone."""
    told = item_of(api.get(f"/v3/schedules/{schedule}/{ref}"), "override")
    start, end = moment(told.get("start_time")), moment(told.get("end_time"))
    return Over(ref, start, end, user_of(told.get("overriding_member")), str(told.get("custom_shift_id") or ""))


def user_of(member: object) -> str:
    """The id of a member, "" of an empty one."""
    if not isinstance(member, dict):
        raise Unavailable("PagerDuty's answer has a shift without a member")
    return str(member.get("user_id") or "") if member.get("type") != "empty_member" else ""


def period(window: Window) -> list[tuple[str, str]]:
    """Without overflow, what crosses an edge comes back clipped."""
    return [("since", iso(window.start)), ("until", iso(window.end)), ("overflow", "true"), ("time_zone", "UTC")]


def _computed(item: object) -> tuple[On, str]:
    """A piece, and the custom shift that it is of."""
    if not isinstance(item, dict):
        raise Unavailable("PagerDuty's final schedule has an entry that cannot be read")
    given = item.get("source")
    source: Mapping[str, Any] = given if isinstance(given, dict) else {}
    shift = str(source.get("shift_id") or "")
    ref: str | None = shift or None
    if source.get("override_id") and source.get("type") != "schedule_rotation_override" and not source.get("rotation_id"):
        ref = f"{OVERRIDES}{source['override_id']}"
    return On(moment(item.get("start_time")), moment(item.get("end_time")), user_of(item.get("member")), ref), shift


def _itself(api: Api, at: str, seen: Over) -> Over:
    try:
        told = override(api, at.rpartition("/")[2], seen.ref)
    except Refusal:
        return seen
    return told._replace(shift=told.shift or seen.shift)


def _listed(api: Api, at: str, window: Window) -> list[Over]:
    """The overrides by themselves, for a server that renders no final schedule."""
    found: dict[str, Over] = {}
    for part in slices(window):
        try:
            items, _ = every(api, f"{at}/overrides", "overrides", period(part))
        except Refusal:
            return []
        for item in items:
            shift, ref = str(item.get("custom_shift_id") or ""), f"{OVERRIDES}{item.get('id')}"
            if shift:
                start, end = moment(item.get("start_time")), moment(item.get("end_time"))
                found[ref] = Over(ref, start, end, user_of(item.get("overriding_member")), shift)
    return sorted(found.values())


def _joined(found: Iterable[On]) -> list[On]:
    """What two slices both told, or each in part, is one."""
    out: list[On] = []
    for on in sorted(found, key=lambda one: (one.ref or "", one.user, one.start)):
        if out and (out[-1].ref, out[-1].user) == (on.ref, on.user) and on.start <= out[-1].end:
            out[-1] = out[-1]._replace(end=max(out[-1].end, on.end))
        else:
            out.append(on)
    return sorted(out, key=lambda one: (one.start, one.end, one.user))
