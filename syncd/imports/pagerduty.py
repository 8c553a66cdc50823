"""PagerDuty's layer-based schedules: turns counted from the virtual start, restrictions, the top layer, the newest override."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Literal

from syncd.core.model import DAY, HOUR, Clock, Group, Hours, Instant, Layer, Overlap, Override, Roster, Schedule, Unit, Window
from syncd.core.shifts import shifts
from syncd.core.zone import zone
from syncd.imports.document import Item, NotImportable, schedules_in
from syncd.imports.draft import Draft, local, overlapping, restricted, rotation, short, split

Top = Literal["first", "last"]
Piece = tuple[Instant, Instant, str]
"""Start, end, and the id of whoever is on."""

ROLE = "primary"
YEARS_10 = 3_653 * DAY
MOST_COMPARED = 300
"""Pairs of overrides that are looked up in the rendered schedule."""


def is_schedule(item: Item) -> bool:
    return isinstance(item.data.get("schedule_layers"), list)


def read(value: Any, draft: Draft, *, top: Top | None = None, window: Window | None = None) -> Draft:
    """Every layer-based schedule in `value`, an answer of GET /schedules/ID or several of them.

    `top`: which layer of the list wins; by default found by the rendered schedule where the file has one, else the last.
    `window`: the period that is rendered whole; by default from the first rendered entry to the last.
    Raises `NotImportable`.
    """
    found = schedules_in(value, is_schedule)
    if not found:
        if schedules_in(value, lambda item: isinstance(item.data.get("rotations"), list)):
            from syncd.imports import pagerduty_v3

            return pagerduty_v3.read(value, draft, window=window)
        if schedules_in(value, lambda item: item.data.get("type") == "schedule_v3"):
            raise NotImportable("a shift-based schedule without its rotations: `syncd link pagerduty_v3` reads it whole")
        raise NotImportable("no schedule_layers: save the answer of GET /schedules/ID (the list of schedules has no layers)")
    _names(value, draft)
    outside = value.get("overrides") if isinstance(value, dict) and len(found) == 1 else None
    for item in found:
        if outside is not None and "overrides" not in item.data:
            item.data = {**item.data, "overrides": outside}
        _add(item, draft, top, window)
    return draft


def _names(value: Any, draft: Draft) -> None:
    """`users` that stand beside the schedules say who is who."""
    for user in Item(value, "").items("users") if isinstance(value, dict) else ():
        if user.text("email"):
            _person(user, draft)


def _add(item: Item, draft: Draft, top: Top | None, window: Window | None) -> None:
    id_, title = draft.new_schedule(item.text("name", "summary", most=100))
    place = ("schedule", id_, "timezone")
    name = draft.zone(place, item.text("time_zone"))
    teams = [one.text("summary", "name") for one in item.items("teams")]
    if len(teams) > 1:
        draft.warn(("schedule", id_, "team"), f"one team owns a schedule here; also there: {', '.join(teams[1:5])}")
    schedule = Schedule(
        id=id_,
        title=title,
        timezone=name,
        layers=(),
        description=item.block("description", most=500),
        team=draft.team(teams[0]) if teams else None,
    )
    draft.role(ROLE, "Primary")
    layers = [_layer(one, schedule, draft, number) for number, one in enumerate(item.items("schedule_layers"), 1)]
    schedule = replace(schedule, overrides=_overrides(item, schedule, draft))
    shown = rendered(item, draft)
    if window is None and shown:
        window = Window(shown[0][0], max(end for _, end, _ in shown))
    if window is not None:  # what is asked for costs no more for many layers
        window = Window(window.start, min(window.end, window.start + max(1, 3_000 // max(1, sum(map(len, layers)))) * DAY))
        shown = [piece for piece in shown if piece[0] < window.end]
    draft.schedules[id_] = _ranked(schedule, layers, shown, window, top, draft)


def _person(reference: Item, draft: Draft) -> str:
    user = reference.inside("user") or reference
    return draft.person(user.text("id", most=64), user.text("name", "summary"), user.text("email", most=254))


def _layer(item: Item, schedule: Schedule, draft: Draft, number: int) -> list[Layer]:
    """One of theirs: one of ours, several where its turns are no whole hours, none where it is never on."""
    name = draft.layer_name(schedule.id, item.text("name", most=90) or f"Layer {number}")
    place = ("layer", schedule.id, name)
    start, end = item.moment("start", zone=schedule.timezone), item.moment("end", zone=schedule.timezone)
    first = item.moment("rotation_virtual_start", zone=schedule.timezone) or start
    if first is None:
        raise item.wrong("rotation_virtual_start", "a layer needs a start")
    seconds = item.whole("rotation_turn_length_seconds", least=1, most=YEARS_10)
    if seconds is None:
        raise item.wrong("rotation_turn_length_seconds", "how long a turn lasts is missing")
    if start is not None and end is not None and end <= start:
        draft.warn(("schedule", schedule.id, "layers"), f"the layer {name} is left out: it ended before it began")
        return []
    groups: tuple[Group, ...] = tuple((_person(user, draft),) for user in item.items("users"))
    layer = Layer(
        name=name,
        role=ROLE,
        timezone=schedule.timezone,
        rosters=(Roster(since=None, groups=groups),),
        start=None if start is None else local(start, schedule.timezone),
        end=None if end is None else local(end, schedule.timezone, end=True),
        windows=_windows(item, draft, place),
    )
    if not groups:
        draft.warn((*place, "members"), "nobody is in this layer there")
        return [layer]
    first, groups = _before(first, start, seconds, groups, schedule.timezone)
    layer = replace(layer, rosters=(Roster(since=None, groups=groups),))
    if seconds % HOUR == 0:
        if DAY % seconds and seconds % DAY:
            text = f"turns of {seconds // HOUR} hours keep their length across clock changes here; compare the days around one"
            draft.warn((*place, "rotation"), text)
        return [rotation(seconds, first, layer, schedule)]
    parts = split(seconds, first, layer, schedule)
    if parts is not None:
        text = f"turns of {seconds} seconds are no whole hours: said exactly by one layer for each place in the list"
        draft.warn(("layer", schedule.id, parts[0].name), text)
        return parts
    hours = max(1, round(seconds / HOUR))
    text = f"turns of {seconds} seconds cannot be said; they are {hours} hours here, so handoffs drift apart"
    draft.warn((*place, "rotation"), text)
    return [rotation(hours * HOUR, first, layer, schedule)]


def _before(
    first: Instant, start: Instant | None, seconds: int, groups: tuple[Group, ...], name: str
) -> tuple[Instant, tuple[Group, ...]]:
    """A virtual start at or before `start`, and the list as it is walked from there.

    There turns are counted backwards too; here nobody is on before the first turn.
    """
    if start is None or first <= start:
        return first, groups
    there = zone(name)
    wall, begin = there.wall(first), there.wall(start)
    turns = -(-(wall - begin) // seconds)
    shift = turns % len(groups)
    around = groups[len(groups) - shift :] + groups[: len(groups) - shift]
    counted = seconds % DAY == 0 or DAY % seconds == 0
    return (there.instant(wall - turns * seconds) if counted else first - turns * seconds), around


def _windows(item: Item, draft: Draft, place: tuple[str, ...]) -> tuple[Hours, ...]:
    found = []
    for one in item.items("restrictions"):
        at = one.clock("start_time_of_day") or 0
        length = one.whole("duration_seconds", least=0, most=YEARS_10)
        weekly = one.text("type").startswith("weekly")
        day = one.whole("start_day_of_week", least=0, most=7)
        if not length:
            draft.warn((*place, "windows"), "a restriction without a length is left out")
            continue
        if not weekly and length > DAY:
            draft.warn((*place, "windows"), "a daily restriction of more than a day is one of 24 hours")
        if weekly and day is None:
            raise one.wrong("start_day_of_week", "a weekly restriction needs its day")
        found.append(restricted(at, length, None if not weekly else ((day or 7) - 1) % 7))
    return short(found)


# --- overrides -------------------------------------------------------------------------------


def _overrides(item: Item, schedule: Schedule, draft: Draft) -> tuple[Override, ...]:
    found: list[Override] = []
    raw = item.raw("overrides")
    listed = item.inside("overrides") if isinstance(raw, dict) else None
    overrides = (listed or item).items("overrides")
    draft.few(len(overrides), 2_000, "overrides")
    for one in overrides:
        start, end = one.moment("start", zone=schedule.timezone), one.moment("end", zone=schedule.timezone)
        if start is None or end is None or end <= start or one.inside("user") is None:
            draft.warn(
                ("schedule", schedule.id, "overrides"), f"an override without a person or a length is left out ({one.path})"
            )
            continue
        found.append(
            Override(id=f"o{len(found)}", roles=(ROLE,), people=(_person(one, draft),), replaces=None, start=start, end=end)
        )
    return tuple(found)


def rendered(item: Item, draft: Draft) -> list[Piece]:
    """Whom PagerDuty shows on call, as far as the answer has it."""
    final = item.inside("final_schedule")
    pieces = []
    for one in final.items("rendered_schedule_entries") if final else ():
        start, end = one.moment("start", zone="UTC"), one.moment("end", zone="UTC")
        if start is not None and end is not None and start < end and one.inside("user") is not None:
            pieces.append((start, end, _person(one, draft)))
    return sorted(pieces)


def _ranked(
    schedule: Schedule,
    layers: Sequence[Sequence[Layer]],
    shown: Sequence[Piece],
    window: Window | None,
    top: Top | None,
    draft: Draft,
) -> Schedule:
    """Layers with priorities and overrides in order: as `top` says, as the rendered schedule shows, else the last wins.

    Where neither order shows the same, turns of hours, or all of them, are taken for real time: clocks do not move their ends.
    """
    place = ("schedule", schedule.id, "override_overlap")
    pairs = overlapping(schedule.overrides)
    schedule = replace(schedule, overrides=_in_order(schedule.overrides, pairs, shown))
    if pairs:
        schedule = replace(schedule, override_overlap=Overlap.LAST)
        if window is None:
            draft.warn(
                place,
                f"overrides overlap ({len(pairs)}), and the list does not say which was made last: the last in it wins here",
            )
    wanted: list[Top] = [top] if top else ["last", "first"]
    versions = [replace(schedule, layers=_prioritised(layers, one)) for one in wanted]
    differs = [differences(one, shown, window) if window else [] for one in versions]
    if all(differs):
        more = [_of_real_time(one, whole_days) for whole_days in (False, True) for one in versions]
        versions += [one for one in more if one not in versions]
        differs += [differences(one, shown, window) if window else [] for one in versions[len(differs) :]]
    best = min(range(len(versions)), key=lambda i: sum(end - start for start, end, _, _ in differs[i]))
    several = sum(1 for one in layers if one) > 1
    if several and top is None and window is None:
        text = (
            "the last layer of the list wins here; PagerDuty's answers have been seen in both orders: "
            "`--top first` if the first one is the highest"
        )
        draft.warn(("schedule", schedule.id, "layers"), text)
    chosen = versions[best]
    if differs[best]:
        tell(chosen, differs[best], draft)
    return chosen


def _prioritised(layers: Sequence[Sequence[Layer]], top: Top) -> tuple[Layer, ...]:
    there = [one for one in layers if one]
    ranks = range(len(there)) if top == "last" else range(len(there) - 1, -1, -1)
    return tuple(replace(one, priority=rank) for rank, parts in zip(ranks, there, strict=True) for one in parts)


def _of_real_time(schedule: Schedule, whole_days: bool) -> Schedule:
    """Turns keep their length across clock changes; those of whole days only if `whole_days`."""
    return replace(
        schedule,
        layers=tuple(
            replace(one, rotation=replace(one.rotation, clock=Clock.ELAPSED))
            if one.rotation is not None and (whole_days or one.rotation.unit is Unit.HOUR)
            else one
            for one in schedule.layers
        ),
    )


def _in_order(
    overrides: Sequence[Override], pairs: Sequence[tuple[Override, Override]], shown: Sequence[Piece]
) -> tuple[Override, ...]:
    """By their start; but of two that overlap the one that is shown comes later, or the later one of the vendor's list."""
    place = {one.id: number for number, one in enumerate(overrides)}
    beneath: dict[str, set[str]] = {one.id: set() for one in overrides}
    for number, (one, other) in enumerate(pairs):
        late, early = (one, other) if place[one.id] > place[other.id] else (other, one)
        if number >= MOST_COMPARED:
            beneath[late.id].add(early.id)
            continue
        both = Window(max(one.start, other.start), min(one.end, other.end))
        seen = {who for start, end, who in shown if start < both.end and both.start < end}
        top, under = (early, late) if seen == {*early.people} and early.people != late.people else (late, early)
        beneath[top.id].add(under.id)
    order: list[Override] = []
    left = sorted(overrides, key=lambda one: one.start)
    while left and any(beneath.values()):
        free = next((one for one in left if not beneath[one.id]), left[0])  # a circle is cut where it is met
        left.remove(free)
        order.append(free)
        beneath[free.id].clear()
        for below in beneath.values():
            below.discard(free.id)
    return (*order, *left)


# --- compared with what is shown there --------------------------------------------------------


def differences(schedule: Schedule, shown: Sequence[Piece], window: Window) -> list[tuple[Instant, Instant, str, str]]:
    """Where our rota has somebody else than is shown: start, end, ours, theirs ("" is nobody)."""
    ours = [(one.start, one.end, one.person) for one in shifts(schedule, window, role=ROLE)]
    edges = sorted(
        {window.start, window.end, *(at for one in (*ours, *shown) for at in one[:2] if window.start < at < window.end)}
    )
    found: list[tuple[Instant, Instant, str, str]] = []
    mine, theirs = _walk(ours, edges), _walk(shown, edges)
    for i in range(len(edges) - 1):
        if mine[i] == theirs[i]:
            continue
        if found and found[-1][1:] == (edges[i], mine[i], theirs[i]):
            found[-1] = (found[-1][0], edges[i + 1], mine[i], theirs[i])
        else:
            found.append((edges[i], edges[i + 1], mine[i], theirs[i]))
    return found


def _walk(pieces: Iterable[Piece], edges: Sequence[Instant]) -> list[str]:
    """Who is on in each stretch between two edges."""
    from bisect import bisect_left

    on: list[set[str]] = [set() for _ in edges]
    for start, end, who in pieces:
        for i in range(bisect_left(edges, start), bisect_left(edges, end)):
            on[i].add(who)
    return [", ".join(sorted(one)) for one in on]


def tell(schedule: Schedule, found: Sequence[tuple[Instant, Instant, str, str]], draft: Draft) -> None:
    from syncd.imports.write import at

    for start, end, ours, theirs in found[:10]:
        period = f"{at(start, schedule.timezone)} to {at(end, schedule.timezone)}"
        text = f"PagerDuty shows {theirs or 'nobody'} from {period}, this rota has {ours or 'nobody'}"
        draft.warn(("schedule", schedule.id), text)
    if len(found) > 10:
        draft.warn(("schedule", schedule.id), f"and {len(found) - 10} more differences from what PagerDuty shows")
