"""SiteQwality's schedules: handoffs on local days (0 is Sunday), the lowest layer number wins, the first override too."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from syncd.core.model import DAY, WEEK, Instant, Layer, Override, Roster, Rotation, Schedule, Unit
from syncd.core.zone import instant, local_of, weekday, zone
from syncd.imports.document import Item, NotImportable, schedules_in
from syncd.imports.draft import Draft, anchored, local, overlapping

ROLE = "primary"
TYPES = ("daily", "weekly", "custom", "custom_days")


def _is_schedule(item: Item) -> bool:
    return isinstance(item.data.get("layers"), list) or "overrides" in item.data


def read(value: Any, draft: Draft) -> Draft:
    """Every schedule in `value`, the answer of GET /on_call_schedule/ID or a list of them. Raises `NotImportable`."""
    found = schedules_in(value, _is_schedule, "on_call_schedule", "on_call_schedules")
    if not found:
        raise NotImportable(
            "no schedule with `layers`: save the answer of GET /on_call_schedule/ID, which has layers and overrides"
        )
    beside = Item(value, "") if isinstance(value, dict) else None
    for user in beside.items("users", "members", "team_members") if beside else ():
        _user(user, draft)
    for item in found:
        _schedule(item, draft)
    return draft


def _user(item: Item, draft: Draft) -> None:
    account = item.text("id", "user_id", "uuid", most=64)
    name = item.text("name", "full_name", "display_name") or f"{item.text('first_name')} {item.text('last_name')}".strip()
    if account:
        draft.person(account.casefold(), name, item.text("email", most=254))


def _person(value: Any, draft: Draft, where: Item) -> str:
    if isinstance(value, dict):
        item = Item(value, where.path)
        _user(item, draft)
        value = item.text("id", "user_id", "uuid", most=64)
    if not isinstance(value, str) or not value.strip():
        raise NotImportable(f"{where.path}: expected the id of a user")
    return draft.person(Item({"id": value}, where.path).text("id", most=64).casefold())


def _schedule(item: Item, draft: Draft) -> None:
    id_, title = draft.new_schedule(item.text("name", "title", most=100))
    name = draft.zone(("schedule", id_, "timezone"), item.text("timezone", "time_zone"), loose=False)
    schedule = Schedule(id=id_, title=title, timezone=name, layers=(), description=item.block("description", most=500))
    draft.role(ROLE, "Primary")
    created = item.moment("created_at", zone=name)
    numbered = []
    for place, one in enumerate(item.items("layers"), 1):
        number = one.whole("layer_number", least=-1_000_000, most=1_000_000)
        numbered.append((place if number is None else number, one))
    layers = [_layer(one, number, schedule, draft, created) for number, one in sorted(numbered, key=lambda pair: pair[0])]
    kept = tuple(one for one in layers if one is not None)
    if len(kept) > 1:
        first = ("layer", id_, kept[0].name, "priority")
        draft.warn(
            first, "the lowest layer_number wins here; newer pages of the product say the highest does: look who is on call there"
        )
        if len({one.priority for one in kept}) < len(kept):
            draft.warn(first, "two layers have the same layer_number: both count at once here")
    schedule = replace(schedule, layers=kept, overrides=_overrides(item, schedule, draft))
    draft.schedules[id_] = schedule


def _layer(item: Item, number: int, schedule: Schedule, draft: Draft, created: Instant | None) -> Layer | None:
    kind = item.text("rotation_type").casefold()
    if kind not in TYPES:
        raise item.wrong("rotation_type", f"{kind or 'nothing'!r} is none of {', '.join(TYPES)}")
    name = draft.layer_name(schedule.id, item.text("name") or f"layer {number}")
    place = ("layer", schedule.id, name)
    there = schedule.timezone
    since, until = item.moment("effective_from", zone=there), item.moment("effective_until", zone=there)
    if since is not None and until is not None and until <= since:
        draft.warn(("schedule", schedule.id, "layers"), f"the layer {name} is left out: it ended before it began")
        return None
    days = {"daily": 1, "weekly": 7}.get(kind) or item.whole("rotation_interval_days", least=1, most=1_000)
    groups = tuple((_person(one, draft, item),) for one in item.values("participants"))
    if not groups:
        draft.warn((*place, "members"), "nobody is in this layer there")
    if days is None:
        draft.warn((*place, "members"), "without rotation_interval_days such a layer never has anybody there")
        groups = ()
    layer = Layer(
        name=name,
        role=ROLE,
        timezone=there,
        rosters=(Roster(since=None, groups=groups),),
        priority=-number,
        start=None if since is None else local(since, there),
        end=None if until is None else local(until, there, end=True),
    )
    if since is not None and until is not None and until - since < (days or 1) * DAY:
        text = "this period is shorter than a turn, and happens once; for hours that come back, did you mean `windows`?"
        draft.warn((*place, "from"), text)
    if days is None:
        return layer
    start = since or item.moment("created_at", zone=there) or created
    if start is None:
        start = draft.now
        draft.warn((*place, "rotation"), "the file says neither effective_from nor created_at: the turns are counted from today")
    return _turns(item, layer, schedule, days, start, weekly=kind == "weekly", draft=draft)


def _turns(item: Item, layer: Layer, schedule: Schedule, days: int, start: Instant, *, weekly: bool, draft: Draft) -> Layer:
    """Handoffs at `handoff_time` on local days, counted from the start's day; on `handoff_day` from the last one before it."""
    place = ("layer", schedule.id, layer.name, "rotation")
    at = item.clock("handoff_time")
    if at is None:
        raise item.wrong("handoff_time", "expected a time of day such as 09:00")
    on = item.whole("handoff_day", least=0, most=6)
    wall = zone(layer.timezone).wall(start)
    first = wall // DAY * DAY + at % DAY
    if weekly and on is not None:
        first += ((on - 1) % 7 - weekday(first)) % 7 * DAY  # 0 is Sunday there, 6 here
        first -= WEEK if first > wall else 0
    elif first > wall and layer.rosters[0].groups:
        # Before the first handoff the count runs backwards: one turn earlier the last of the list is on.
        first -= days * DAY
        groups = layer.rosters[0].groups
        layer = replace(layer, rosters=(Roster(since=None, groups=(groups[-1], *groups[:-1])),))
        if item.data.get("effective_from") is not None:
            draft.warn(
                place, "it begins before that day's handoff: until then the last of the list is on here; look who is there"
            )
    turns = Rotation(every=days // 7 if days % 7 == 0 else days, unit=Unit.WEEK if days % 7 == 0 else Unit.DAY)
    if not weekly and days == 7:
        turns = Rotation(every=7, unit=Unit.DAY)
    return anchored(turns, local(instant(local_of(first), layer.timezone), layer.timezone), layer, schedule)


def _overrides(item: Item, schedule: Schedule, draft: Draft) -> tuple[Override, ...]:
    found: list[Override] = []
    listed = item.items("overrides")
    draft.few(len(listed), 2_000, "overrides")
    for one in listed:
        start, end = (one.moment(f"{edge}_at", f"{edge}_time", edge, zone=schedule.timezone) for edge in ("start", "end"))
        who = one.raw("user_id", "user")
        if start is None or end is None or end <= start or who is None:
            draft.warn(
                ("schedule", schedule.id, "overrides"), f"an override without a person or a length is left out ({one.path})"
            )
            continue
        reason = one.block("reason", "note", most=500)
        found.append(
            Override(
                id=f"o{len(found)}",
                roles=(ROLE,),
                people=(_person(who, draft, one),),
                replaces=None,
                start=start,
                end=end,
                reason=reason,
            )
        )
    if pairs := overlapping(found):
        text = (
            f"overrides overlap ({len(pairs)}): the first one defined wins here; newer pages of the product say the newest does"
        )
        draft.warn(("schedule", schedule.id, "override_overlap"), text)
    return tuple(found)
