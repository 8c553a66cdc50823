"""The One Stack On-Call's schedules: layers that all count at once, turns of real time from the start, edits that recalculate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from syncd.core.model import DAY, HOUR, WEEK, Clock, Group, Hours, Instant, Layer, Override, Roster, Schedule
from syncd.core.zone import instant, local_of, zone
from syncd.imports.document import Item, NotImportable, line, schedules_in
from syncd.imports.draft import EVERY_DAY, Draft, local, overlapping, rotation, short, slug

ROLE = "primary"
LENGTHS = {"daily": DAY, "day": DAY, "weekly": WEEK, "week": WEEK}
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
LAYERS = ("layers", "rotations", "schedule_layers")
MEMBERS = ("members", "participants", "users", "people", "rotation_members")


def _is_schedule(item: Item) -> bool:
    return any(isinstance(item.data.get(name), list) for name in (*LAYERS, *MEMBERS))


def read(value: Any, draft: Draft) -> Draft:
    """Every schedule in `value`. The product's field names are not public: usual ones are tried. Raises `NotImportable`."""
    found = schedules_in(value, _is_schedule, "on_call_schedules", "oncall_schedules")
    if not found:
        raise NotImportable(f"no schedule with {' or '.join(f'`{one}`' for one in LAYERS)}: export one schedule with its layers")
    for user in Item(value, "").items("users", "people") if isinstance(value, dict) and not _is_schedule(Item(value, "")) else ():
        _person(user.data, draft, user)
    for item in found:
        _Schedule(item, draft).read()
    return draft


def _person(value: Any, draft: Draft, where: Item) -> str:
    if isinstance(value, dict):
        item = Item(value, where.path)
        inside = item.inside("user", "member", "person") or item
        name = inside.text("name", "full_name", "display_name") or " ".join(
            filter(None, (inside.text("first_name"), inside.text("last_name")))
        )
        account = inside.text("id", "user_id", "member_id", "email", most=64) or name
        if not account:
            raise NotImportable(f"{where.path}: a member without an id, a name or an e-mail address")
        return draft.person(account, name, inside.text("email", most=254))
    if isinstance(value, bool) or not isinstance(value, (str, int)) or not str(value).strip():
        raise NotImportable(f"{where.path}: expected a member")
    text = line(str(value), 200)
    known = "@" in text or not any(sign.isdigit() for sign in text)
    return draft.person(text, text if known and "@" not in text else "", text if "@" in text else "")


class _Schedule:
    def __init__(self, item: Item, draft: Draft) -> None:
        self.item, self.draft = item, draft
        self.id, title = draft.new_schedule(item.text("name", "title", most=100))
        written = item.text("timezone", "time_zone", "tz")
        self.zone = draft.zone(("schedule", self.id, "timezone"), written, draft.timezone)
        if not written:
            draft.warn(("timezone",), f"the file does not say a time zone; {self.zone} is used (`--timezone` names another)")
        team = item.inside("team")
        owner = team.text("name", "title") if team else item.text("team_name", "team")
        self.start = item.moment("start", "start_date", "starts_at", "start_at", zone=self.zone)
        self.end = item.moment("end", "end_date", "ends_at", "end_at", zone=self.zone)
        if self.start is not None and self.end is not None and self.end <= self.start:
            draft.warn(("schedule", self.id, "end"), "it ended before it began there: the end is left out")
            self.end = None
        self.schedule = Schedule(
            id=self.id,
            title=title,
            timezone=self.zone,
            layers=(),
            description=item.block("description", most=500),
            team=draft.team(owner),
            start=None if self.start is None else local(self.start, self.zone),
            end=None if self.end is None else local(self.end, self.zone, end=True),
        )

    def read(self) -> None:
        listed = self.item.items(*LAYERS) if any(name in self.item.data for name in LAYERS) else [self.item]
        if template := self.item.text("template", "template_name"):
            self.draft.warn(("schedule", self.id), f"it was made from the template {template} there; here it is written out")
        layers = tuple(layer for number, one in enumerate(listed, 1) if (layer := self._layer(one, number)) is not None)
        for role in dict.fromkeys(layer.role for layer in layers) or (ROLE,):
            always = sum(1 for one in layers if one.role == role and not one.windows and one.days is None)
            widest = max((len(group) for one in layers for roster in one.rosters for group in roster.groups), default=1)
            self.draft.role(role, role.replace("-", " ").capitalize(), max(always, 1) * widest)
        schedule = replace(self.schedule, layers=layers)
        self.draft.schedules[self.id] = replace(schedule, overrides=self._overrides(schedule))
        read = ", ".join(dict.fromkeys([*self.item.used, *(name for one in listed for name in one.used)]))
        left = sorted({*self.item.data, *(name for one in listed for name in one.data)} - {*read.split(", ")})
        shown = line(", ".join(left), 300)
        self.draft.warn(
            ("schedule", self.id),
            f"field names of this product are not public; read were {read}" + (f"; not read were {shown}" if shown else ""),
        )

    # --- layers ------------------------------------------------------------------------------

    def _layer(self, item: Item, number: int) -> Layer | None:
        name = self.draft.layer_name(self.id, item.text("name", "title", "layer_name") or f"layer {number}")
        there = self.draft.zone(("layer", self.id, name, "timezone"), item.text("timezone", "time_zone", "tz"), self.zone)
        start = item.moment("start", "start_date", "starts_at", "start_at", "effective_from", zone=there) or self.start
        end = item.moment("end", "end_date", "ends_at", "end_at", "effective_until", zone=there)
        role = slug(item.text("role", "role_name"))
        layer = Layer(name=name, role=role if role not in ("", "all") else ROLE, timezone=there, rosters=())
        first = self._first(item, start, layer)
        own = item is not self.item and start is not None and start != self.start
        if end is not None and item is not self.item and end != self.end:
            if end <= (start or 0):
                self._about("layers", f"the layer {name} is left out: it ended before it began")
                return None
            layer = replace(layer, end=local(end, there, end=True))
        if own and start is not None:
            layer = replace(layer, start=local(start, there))
        layer = self._open(item, layer)
        layer = replace(layer, rosters=self._rosters(item, first, layer))
        seconds = self._length(item, layer)
        return layer if seconds is None else self._counted(item, layer, seconds, first)

    def _first(self, item: Item, start: Instant | None, layer: Layer) -> Instant:
        """The first handoff: the start's day at Start Time, the day before where that is later than the start."""
        place = ("layer", self.id, layer.name, "rotation")
        if start is None:
            start = self.draft.now
            self.draft.warn(place, "the file does not say when the rotation began: the turns are counted from today")
        at = item.clock("start_time", "handoff_time", "rotation_start_time")
        if at is None:
            return start
        wall = zone(layer.timezone).wall(start)
        first = wall // DAY * DAY + at % DAY
        if first > wall and wall % DAY:
            first -= DAY
        return instant(local_of(first), layer.timezone)

    def _length(self, item: Item, layer: Layer) -> int | None:
        kind = item.text("rotation_type", "rotation", "type", "frequency").casefold()
        hours = item.whole(
            "custom_hours", "rotation_hours", "length_hours", "rotation_length_hours", "shift_length_hours", "hours",
            least=1, most=9_999,
        )  # fmt: skip
        if kind in LENGTHS:
            return LENGTHS[kind]
        if hours is not None:
            return hours * HOUR
        seconds = item.whole("rotation_length_seconds", "length_seconds", least=HOUR, most=9_999 * HOUR)
        if seconds is not None and seconds % HOUR == 0:
            return seconds
        text = "the file does not say how long a turn lasts: all are on call at once here"
        self.draft.warn(("layer", self.id, layer.name, "members"), text)
        return None

    def _counted(self, item: Item, layer: Layer, seconds: int, first: Instant) -> Layer:
        """`floor(elapsed since start / length) mod n`: real time, whatever the clocks do."""
        begins = None if layer.start is None else instant(layer.start, layer.timezone)
        if begins is not None and first > begins and layer.rosters and layer.rosters[0].groups:
            self.draft.warn(("layer", self.id, layer.name, "rotation"), "nobody is on before the first handoff")
        return rotation(seconds, first, layer, self.schedule, clock=Clock.ELAPSED)

    def _rosters(self, item: Item, first: Instant, layer: Layer) -> tuple[Roster, ...]:
        """Who joined later comes in at the next handoff (`join: continue`)."""
        listed = next((item.values(name) for name in MEMBERS if name in item.data), [])
        base: list[Group] = []
        later: dict[Instant, list[Group]] = {}
        for one in listed:
            group = (
                tuple(dict.fromkeys(_person(each, self.draft, item) for each in one))
                if isinstance(one, list)
                else (_person(one, self.draft, item),)
            )
            joined = Item(one, item.path).moment("joined_at", "added_at", zone=layer.timezone) if isinstance(one, dict) else None
            if not group:
                continue
            if joined is not None and joined > first:
                later.setdefault(joined, []).append(group)
            else:
                base.append(group)
        if not base and not later:
            self.draft.warn(("layer", self.id, layer.name, "members"), "nobody is in this layer there")
        rosters = [Roster(since=None, groups=tuple(base))]
        for at in sorted(later):
            rosters.append(Roster(since=local(at, layer.timezone), groups=(*rosters[-1].groups, *later[at])))
        return tuple(rosters)

    # --- when it is on -----------------------------------------------------------------------

    def _open(self, item: Item, layer: Layer) -> Layer:
        """Time of day, days of the week, or both."""
        days: frozenset[int] | None = None
        windows: list[Hours] = []
        for one in self._restrictions(item):
            found = self._days(one)
            hours = one.inside("time_of_day", "time", "hours") or one
            opens = hours.clock("start", "from", "start_time", "start_time_of_day", "restriction_start")
            closes = hours.clock("end", "to", "end_time", "end_time_of_day", "restriction_end")
            if opens is not None and closes is not None and (hours is not item):
                if DAY - 60 <= closes < DAY:
                    self.draft.warn(
                        ("layer", self.id, layer.name, "windows"), "23:59 is read as 24:00: an end is not part of the period here"
                    )
                    closes = DAY
                windows.append(
                    Hours(
                        days=found or EVERY_DAY, at=opens % DAY, length=closes - opens if closes > opens else closes - opens + DAY
                    )
                )
            elif found:
                days = (days or frozenset()) | found
        return replace(layer, days=None if days == EVERY_DAY else days, windows=short(windows))

    def _restrictions(self, item: Item) -> Sequence[Item]:
        raw = item.raw("restrictions", "restriction", "time_restrictions", "time_restriction")
        if isinstance(raw, list):
            return item.items("restrictions", "restriction", "time_restrictions", "time_restriction")
        inside = item.inside("restrictions", "restriction", "time_restrictions", "time_restriction")
        beside = Item({key: item.data[key] for key in ("days_of_week", "time_of_day") if key in item.data}, item.path)
        item.used.update(dict.fromkeys(beside.data))
        return [inside] if inside else [beside] if beside.data else []

    def _days(self, item: Item) -> frozenset[int]:
        raw = item.raw("days_of_week", "days", "day_of_week", "weekdays")
        if isinstance(raw, str):
            raw = [raw]
        inside = raw.get("days") if isinstance(raw, dict) else raw
        if inside is None:
            return frozenset()
        if not isinstance(inside, list):
            raise item.wrong("days_of_week", "expected a list of weekdays")
        found = set()
        for day in inside:
            text = str(day).casefold()
            number = next((i for i, name in enumerate(DAYS) if len(text) >= 3 and name.startswith(text)), None)
            if number is None and isinstance(day, int) and not isinstance(day, bool) and 0 <= day <= 7:
                self._about("layers", "weekdays given as numbers are read as 1 = Monday, 0 and 7 = Sunday")
                number = (day - 1) % 7
            if number is None:
                raise item.wrong("days_of_week", "expected weekdays such as monday")
            found.add(number)
        return frozenset(found)

    # --- overrides -----------------------------------------------------------------------------

    def _overrides(self, schedule: Schedule) -> tuple[Override, ...]:
        roles = tuple(dict.fromkeys(layer.role for layer in schedule.layers)) or (ROLE,)
        found = []
        listed = self.item.items("overrides")
        self.draft.few(len(listed), 2_000, "overrides")
        for one in listed:
            start = one.moment("start", "start_at", "starts_at", "start_time", zone=self.zone)
            end = one.moment("end", "end_at", "ends_at", "end_time", zone=self.zone)
            who = one.raw("user", "member", "user_id", "member_id", "person", "email")
            if start is None or end is None or end <= start or who is None:
                self._about("overrides", f"an override without a person or a length is left out ({one.path})")
                continue
            found.append(
                Override(
                    id="", roles=roles, people=(_person(who, self.draft, one),), replaces=None, start=start, end=end,
                    reason=one.block("reason", "note", most=500),
                )
            )  # fmt: skip
        if pairs := overlapping(found):
            self._about(
                "override_overlap",
                f"overrides overlap ({len(pairs)}): the first of the list wins here; look who is on call there",
            )
        return tuple(found)

    def _about(self, key: str, text: str) -> None:
        self.draft.warn(("schedule", self.id, key), text)
