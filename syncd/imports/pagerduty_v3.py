"""PagerDuty's shift-based schedules: events that recur, custom shifts that add a person, overrides of one person by another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from syncd.core.model import (
    DAY,
    WEEK,
    Advance,
    Group,
    Hours,
    Instant,
    Layer,
    Override,
    Roster,
    Rotation,
    Schedule,
    Unit,
    Window,
)
from syncd.core.overrides import contradict
from syncd.core.zone import weekday, zone
from syncd.imports.document import Item, NotImportable, line, schedules_in
from syncd.imports.draft import EVERY_DAY, Draft, anchored, local, overlapping
from syncd.imports.pagerduty import ROLE, Piece, differences, tell

DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
USER = "user_member"


def read(value: Any, draft: Draft, *, window: Window | None = None) -> Draft:
    """The schedule in `value`, an answer of GET /v3/schedules/ID with its rotations' events. Raises `NotImportable`.

    `window`: the period that its final schedule tells of.
    """
    found = schedules_in(value, lambda item: isinstance(item.data.get("rotations"), list))
    if not found:
        raise NotImportable("no rotations: save the answer of GET /v3/schedules/ID")
    beside = Item(value, "") if isinstance(value, dict) else Item({}, "")
    for user in beside.items("users"):
        draft.person(user.text("id", most=64), user.text("name", "summary"), user.text("email", most=254))
    for item in found:
        _read(item, beside if len(found) == 1 else Item({}, ""), draft, window)
    return draft


def _read(item: Item, beside: Item, draft: Draft, window: Window | None) -> None:
    id_, title = draft.new_schedule(item.text("name", "summary", most=100))
    name = draft.zone(("schedule", id_, "timezone"), item.text("time_zone"))
    teams = [one.text("summary", "name") for one in item.items("teams")]
    schedule = Schedule(
        id=id_,
        title=title,
        timezone=name,
        layers=(),
        description=item.block("description", most=500),
        team=draft.team(teams[0]) if teams else None,
    )
    events = [event for rotation in item.items("rotations") for event in rotation.items("events")]
    layers = [layer for event in events if (layer := _layer(event, schedule, draft)) is not None]
    schedule = replace(schedule, layers=tuple(layers))
    overrides = _customs(beside, draft) + _overrides(beside, draft)
    if not any(contradict(one, other) for one, other in overlapping(overrides)):  # else the first of the vendor's list holds
        overrides.sort(key=lambda one: one.start)
    schedule = replace(schedule, overrides=tuple(overrides))
    always = sum(1 for one in layers if not one.windows)
    draft.role(ROLE, "Primary", max(1, always, *(len(group) for one in layers for group in one.rosters[0].groups)))
    draft.schedules[id_] = schedule
    if window is not None and (final := item.inside("final_schedule")):
        tell(schedule, differences(schedule, _shown(final, draft), window), draft)


def _who(member: Item | None, draft: Draft) -> Group:
    """Nobody for an empty member."""
    if member is None or member.text("type") != USER:
        return ()
    return (draft.person(member.text("user_id", most=64)),)


# --- events ------------------------------------------------------------------------------------


def _layer(item: Item, schedule: Schedule, draft: Draft) -> Layer | None:
    name = draft.layer_name(schedule.id, item.text("name") or "event")
    first, last = item.inside("start_time"), item.inside("end_time")
    if first is None or last is None:
        raise item.wrong("start_time", "an event needs a start and an end")
    there = draft.zone(("layer", schedule.id, name, "timezone"), first.text("time_zone"), schedule.timezone)
    opens, closes = first.moment("date_time", zone=there), last.moment("date_time", zone=there)
    if opens is None or closes is None or closes <= opens:
        raise item.wrong("end_time", "an event that ends before it begins")
    strategy = item.inside("assignment_strategy") or Item({}, item.path)
    groups = [_who(one, draft) for one in strategy.items("members")]
    together = strategy.text("type").startswith("every_member")
    if together:
        groups = [tuple(dict.fromkeys(who for group in groups for who in group))]
    each = 1 if together else strategy.whole("shifts_per_member", least=1, most=1_000) or 1
    since, until = item.moment("effective_since", zone=there), item.moment("effective_until", zone=there)
    if since is not None and until is not None and until <= since:
        return None
    place = ("layer", schedule.id, name)
    if not all(groups):
        draft.warn(
            (*place, "members"), "an empty member's turn cannot be left empty: it is not in the list, so the order is another"
        )
    layer = Layer(
        name=name,
        role=ROLE,
        timezone=there,
        rosters=(Roster(since=None, groups=tuple(group for group in groups if group)),),
        start=None if since is None else local(since, there),
        end=None if until is None else local(until, there, end=True),
    )
    rules = [line(str(one), 300) for one in item.values("recurrence")]
    made = _recurring(rules, layer, schedule, opens, zone(there).wall(closes) - zone(there).wall(opens), each)
    if made is None:
        text = f"the event {name} is left out: {', '.join(rules) or 'no recurrence'} with {each} shifts a member cannot be said"
        draft.warn(("schedule", schedule.id, "layers"), text)
    elif len(rules) > 1 or "UNTIL" in rules[0] or "COUNT" in rules[0]:
        draft.warn(place, f"only how often it recurs is taken from {', '.join(rules)}")
    return made


def _recurring(rules: Sequence[str], layer: Layer, schedule: Schedule, opens: Instant, length: int, each: int) -> Layer | None:
    """`layer` with the turns and hours of the rule; None where it cannot be said."""
    rule = _parts(next((one for one in rules if one.upper().startswith("RRULE:")), ""))
    wall = zone(layer.timezone).wall(opens)
    own = weekday(wall)
    days = [DAYS.index(day) for day in rule.get("BYDAY", DAYS[own]).split(",") if day in DAYS]
    every = int(rule.get("INTERVAL", "1")) if rule.get("INTERVAL", "1").isdigit() else 0
    known = set(rule) <= {"FREQ", "INTERVAL", "BYDAY", "UNTIL", "COUNT", "WKST"}
    if not known or not 1 <= every <= 1_000 or own not in days or length <= 0:
        return None
    if rule.get("FREQ") == "DAILY" and "BYDAY" not in rule:
        return _turned(layer, schedule, opens, length, Unit.DAY, every, each, Hours(days=EVERY_DAY, at=wall % DAY, length=length))
    if rule.get("FREQ") != "WEEKLY":
        return None
    if len(days) == 1:
        weekly = Hours(days=frozenset(days), at=wall % DAY, length=length, weekly=True)
        return _turned(layer, schedule, opens, length, Unit.WEEK, every, each, weekly)
    if every > 1 or length > DAY:
        return None
    layer = replace(layer, windows=(Hours(days=frozenset(days), at=wall % DAY, length=length),))
    if each % len(days) == 0:
        turns = Rotation(every=each // len(days), unit=Unit.WEEK)
    else:
        turns = Rotation(every=each, unit=Unit.DAY, advance=Advance.ACTIVE_DAYS)
    return anchored(turns, local(opens, layer.timezone), layer, schedule)


def _turned(
    layer: Layer, schedule: Schedule, opens: Instant, length: int, unit: Unit, every: int, each: int, hours: Hours
) -> Layer | None:
    """One opening a day or a week: a window within turns of `each` of them, or turns that last as long as one."""
    whole = DAY if unit is Unit.DAY else WEEK
    if length > every * whole:
        return None
    lasts = None
    if length < every * whole:
        if every > 1 and each > 1:
            return None
        if every == 1:
            layer = replace(layer, windows=(hours,))
        else:
            lasts = length
    return anchored(Rotation(every=every * each, unit=unit, lasts=lasts), local(opens, layer.timezone), layer, schedule)


def _parts(rule: str) -> Mapping[str, str]:
    """`RRULE:FREQ=WEEKLY;BYDAY=MO` as a mapping."""
    pairs = (part.partition("=") for part in rule.upper().removeprefix("RRULE:").split(";") if part)
    return {key: value for key, _, value in pairs}


# --- what was said for once ------------------------------------------------------------------------


def _period(item: Item) -> Window | None:
    start, end = item.moment("start_time", zone="UTC"), item.moment("end_time", zone="UTC")
    return Window(start, end) if start is not None and end is not None and start < end else None


def _customs(beside: Item, draft: Draft) -> list[Override]:
    """Custom shifts add a person and replace nobody."""
    found = []
    draft.few(len(beside.items("custom_shifts")) + len(beside.items("overrides")), 2_000, "overrides")
    for item in beside.items("custom_shifts"):
        period = _period(item)
        people = tuple(who for one in item.items("assignments") for who in _who(one.inside("member"), draft))
        if period and people:
            found.append(Override(id="", roles=(ROLE,), people=people, replaces=(), start=period.start, end=period.end))
    return found


def _overrides(beside: Item, draft: Draft) -> list[Override]:
    """Overrides put one person in another's place."""
    found = []
    for item in beside.items("overrides"):
        period, whom = _period(item), _who(item.inside("overridden_member"), draft)
        people = _who(item.inside("overriding_member"), draft)
        if period and whom:
            found.append(Override(id="", roles=(ROLE,), people=people, replaces=whom, start=period.start, end=period.end))
    return found


def _shown(final: Item, draft: Draft) -> list[Piece]:
    pieces = []
    for item in final.items("computed_shift_assignments"):
        period = _period(item)
        pieces += [(period.start, period.end, who) for who in _who(item.inside("member"), draft) if period]
    return sorted(pieces)
