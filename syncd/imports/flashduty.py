"""Flashduty's schedules: rules with groups and roles, date masks, restrictions, overrides as rules of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from syncd.core.model import DAY, WEEK, Boundary, Group, Hours, Instant, Layer, Override, Roster, Rotation, Schedule, Unit
from syncd.core.rotation import SECONDS, anchor_of
from syncd.core.zone import local_of, zone
from syncd.imports.document import Item, NotImportable, line, schedules_in
from syncd.imports.draft import EVERY_DAY, Draft, anchored, local, midnight, next_midnight, overlapping, restricted, short, slug

ONCALL = "oncall"
"""The role of members who have none (role 0)."""
TEMPORARY = 1
DAILY, WEEKLY = 1, 2
LAST_MINUTE = 60


def _is_schedule(item: Item) -> bool:
    return isinstance(item.data.get("layers"), list)


def read(value: Any, draft: Draft) -> Draft:
    """Every schedule in `value`, the answer of POST /schedule/info, /infos or /list. Raises `NotImportable`."""
    found = schedules_in(value, _is_schedule)
    if not found:
        raise NotImportable("no schedule with `layers`: save the answer of POST /schedule/info")
    roles = {}
    for beside in (Item(value, ""), Item(value, "").inside("data")) if isinstance(value, dict) else ():
        for one in beside.items("persons", "people", "members") if beside else ():
            draft.person(*_who(one))
        for one in beside.items("roles") if beside else ():
            roles[one.text("role_id", "id")] = one.text("role_name", "name")
    for item in found:
        _Schedule(item, draft, roles).read()
    return draft


def _who(item: Item) -> tuple[str, str, str]:
    account = item.text("person_id", "member_id", "id", most=64)
    return account, item.text("person_name", "member_name", "name"), item.text("email", most=254)


class _Schedule:
    def __init__(self, item: Item, draft: Draft, roles: Mapping[str, str]) -> None:
        self.item, self.draft, self.titles = item, draft, roles
        self.id, title = draft.new_schedule(item.text("schedule_name", "name", most=100))
        place = ("schedule", self.id, "timezone")
        written = item.text("timezone", "time_zone")
        self.zone = draft.zone(place, written, draft.timezone)
        if not written:
            text = f"the file does not say in which zone its times are meant; {self.zone} is used (`--timezone` names another)"
            draft.warn(("timezone",), text)
        team = item.text("team_name") or item.text("team_id", "group_id").lstrip("0")
        self.schedule = Schedule(
            id=self.id,
            title=title,
            timezone=self.zone,
            layers=(),
            description=item.block("description", most=500),
            team=draft.team(team if item.text("team_name") or not team else f"team {team}"),
        )

    def read(self) -> None:
        rules = self.item.items("layers")
        normal = [one for one in rules if one.whole("mode", least=0, most=9) != TEMPORARY]
        layers = tuple(layer for number, one in enumerate(normal, 1) for layer in self._rule(one, number))
        if not layers:
            self.draft.role(ONCALL, "On call")
        schedule = replace(self.schedule, layers=layers)
        overrides = [one for one in rules if one.whole("mode", least=0, most=9) == TEMPORARY]
        self.draft.schedules[self.id] = replace(schedule, overrides=self._overrides(overrides, schedule))

    # --- rules -----------------------------------------------------------------------------

    def _rule(self, item: Item, number: int) -> list[Layer]:
        """One layer a role, all with the same turns."""
        wanted = item.text("layer_name", "name", most=90) or f"rule {number}"
        start = item.moment("layer_start", "enable_time", zone=self.zone)
        end = item.moment("layer_end", "expire_time", zone=self.zone)
        if start is None:
            raise item.wrong("layer_start", "when the rule begins is missing")
        if end is not None and end <= start:
            self._about("layers", f"the rule {wanted} is left out: it ended before it began")
            return []
        groups = [self._group(one) for one in item.items("groups")]
        roles = list(dict.fromkeys(role for group in groups for role in group)) or [ONCALL]
        found: list[Layer] = []
        for role in roles:
            name = self.draft.layer_name(self.id, wanted if len(roles) == 1 else f"{wanted} ({role})")
            base = Layer(
                name=name,
                role=role,
                timezone=self.zone,
                rosters=(Roster(since=None, groups=()),),
                start=local(start, self.zone),
                end=None if end is None else local(end, self.zone, end=True),
            )
            layer = self._turns(item, self._open(item, base), start)
            self.draft.role(role, self._title(role), max((len(group.get(role, ())) for group in groups), default=1))
            found += self._with_members(layer, [group.get(role, ()) for group in groups])
            if item.flag("hidden"):
                self.draft.warn(("layer", self.id, name), "this rule is hidden there; it counts here")
        return found

    def _group(self, item: Item) -> dict[str, Group]:
        found: dict[str, list[str]] = {}
        for one in item.items("members"):
            role = self._role(one.text("role_id", most=40))
            for person in one.values("person_ids"):
                if isinstance(person, bool) or not isinstance(person, (int, str)):
                    raise one.wrong("person_ids", "expected a list of ids")
                found.setdefault(role, []).append(self.draft.person(line(str(person), 64)))
        return {role: tuple(dict.fromkeys(people)) for role, people in found.items()}

    def _role(self, number: str) -> str:
        if number in ("", "0"):
            return ONCALL
        title = self.titles.get(number, "")
        role = slug(title) if slug(title) not in ("", "all") else f"role-{slug(number) or 'x'}"
        if not title:
            self.draft.warn(("role", role), f"the file does not say what role {number} is called: write its title")
        return role

    def _title(self, role: str) -> str:
        named = next((title for title in self.titles.values() if slug(title) == role), "")
        return named or ("On call" if role == ONCALL else role.replace("-", " ").capitalize())

    def _with_members(self, layer: Layer, groups: Sequence[Group]) -> list[Layer]:
        """`layer` with who takes turns. A group without anybody in this role leaves its turn empty."""
        filled = tuple(group for group in groups if group)
        roster = layer.rosters[0]
        if len(filled) == len(groups) or not filled:
            return [replace(layer, rosters=(replace(roster, groups=filled),))]
        turns, anchor = layer.rotation, anchor_of(layer, self.schedule)
        place = ("layer", self.id, layer.name)
        if turns is None or anchor is None or turns.unit is Unit.MONTH or turns.fair:
            self.draft.warn(
                (*place, "members"),
                "a group there has nobody in this role: its turn cannot be left empty, so the order is another",
            )
            return [replace(layer, rosters=(replace(roster, groups=filled),))]
        length = turns.every * SECONDS[turns.unit]
        longer = replace(turns, every=turns.every * len(groups), at=None, on=None, anchor=None, lasts=length)
        parts = []
        for number, group in enumerate(groups):
            if group:
                name = f"{layer.name[:80]} {number + 1}"
                part = replace(layer, name=name, rosters=(replace(roster, groups=(group,)),), rotation=None)
                parts.append(anchored(longer, local_of(anchor.wall + number * length), part, self.schedule))
        text = "a group there has nobody in this role: one layer for each turn that somebody has, so that the others stay empty"
        self.draft.warn(("layer", self.id, parts[0].name), text)
        return parts

    # --- turns -----------------------------------------------------------------------------

    def _turns(self, item: Item, layer: Layer, start: Instant) -> Layer:
        unit = item.text("rotation_unit").casefold()
        every = item.whole("rotation_value", least=0, most=9_999)
        if not unit or not every:
            seconds = item.whole("rotation_duration", least=0, most=3_653 * DAY)
            if not seconds:
                return self._alone(item, layer)
            unit, every = _units(seconds)
            if every * SECONDS[Unit(unit)] != seconds:
                text = f"turns of {seconds} seconds cannot be said; they are {every} {unit}s here, so handoffs drift apart"
                self.draft.warn(("layer", self.id, layer.name, "rotation"), text)
        if unit not in tuple(Unit):
            raise item.wrong("rotation_unit", "expected hour, day, week or month")
        turns = Rotation(every=every, unit=Unit(unit), fair=item.flag("fair_rotation"))
        wall = zone(layer.timezone).wall(start)
        handoff = item.whole("handoff_time", least=0, most=WEEK)
        weeks = turns.unit is not Unit.MONTH and every * SECONDS[turns.unit] % WEEK == 0
        if weeks and handoff is not None:
            if handoff == 0 and wall % WEEK != 4 * DAY:  # the wall's first day was a Thursday
                text = "handoff_time 0 is read as Monday 00:00; if none was chosen there, take `on` and `at` away"
                self.draft.warn(("layer", self.id, layer.name, "rotation"), text)
            monday = wall - (wall - 4 * DAY) % WEEK
            wall = monday + handoff % WEEK if monday + handoff % WEEK <= wall else monday + handoff % WEEK - WEEK
        made = anchored(turns, local_of(wall), layer, self.schedule)
        if weeks and made.rotation is not None and made.rotation.anchor is not None and made.rotation.at is None:
            return made
        if weeks and made.rotation is not None and turns.unit is Unit.DAY:
            return replace(made, rotation=replace(made.rotation, on=((wall // DAY) + 3) % 7))
        return made

    def _alone(self, item: Item, layer: Layer) -> Layer:
        text = "the file does not say how long a turn lasts: all are on call at once here"
        self.draft.warn(("layer", self.id, layer.name, "members"), text)
        return layer

    # --- when it is on -----------------------------------------------------------------------

    def _open(self, item: Item, layer: Layer) -> Layer:
        place = ("layer", self.id, layer.name)
        mask = self._mask(item)
        mode = item.whole("restrict_mode", least=0, most=9) or 0
        windows: tuple[Hours, ...] = ()
        if mode == WEEKLY and mask is not None:
            self.draft.warn(
                (*place, "days"), "the weekly restriction is dropped, as the product does when a date mask is switched on"
            )
        elif mode in (DAILY, WEEKLY):
            windows = short(self._periods(item, mode, place))
            if mode == WEEKLY and windows:
                self.draft.warn(
                    (*place, "windows"), "weekly restrictions are read as seconds from Monday 00:00, like the handoff"
                )
        elif mode:
            self.draft.warn((*place, "windows"), f"restrict_mode {mode} is not known: it restricts nothing here")
        shift = mask is not None and item.flag("mask_continuous_enabled")
        if mask is None and item.flag("mask_continuous_enabled"):
            self.draft.warn((*place, "boundary"), "continuous rotation means nothing without a date mask")
        return replace(layer, days=mask, windows=windows, boundary=Boundary.SHIFT if shift else Boundary.MIDNIGHT)

    def _mask(self, item: Item) -> frozenset[int] | None:
        """0 is Sunday there. An empty mask and one of all days are none."""
        mask = item.inside("day_mask")
        days = mask.values("repeat") if mask else item.values("day_mask")
        for day in days:
            if isinstance(day, bool) or not isinstance(day, int) or not 0 <= day <= 7:
                raise item.wrong("day_mask.repeat", "expected weekdays, 0 (Sunday) to 6")
        found = frozenset((day - 1) % 7 for day in days)
        return None if not found or found == EVERY_DAY else found

    def _periods(self, item: Item, mode: int, place: tuple[str, ...]) -> Iterable[Hours]:
        whole = DAY if mode == DAILY else WEEK
        listed = item.items("restrict_periods") or [item]
        for one in listed:
            start = one.whole("restrict_start", least=0, most=WEEK)
            end = one.whole("restrict_end", least=0, most=WEEK)
            if start is None or end is None or (start == end == 0 and one is item):
                continue
            if DAY - LAST_MINUTE <= end % DAY < DAY:
                self.draft.warn((*place, "windows"), "23:59 is read as 24:00: an end is not part of the period here")
                end += DAY - end % DAY
            length = (end - start) % whole or whole
            yield restricted(start, length, None if mode == DAILY else start // DAY % 7)

    # --- overrides ---------------------------------------------------------------------------

    def _overrides(self, rules: Sequence[Item], schedule: Schedule) -> tuple[Override, ...]:
        roles = tuple(dict.fromkeys(layer.role for layer in schedule.layers)) or (ONCALL,)
        self.draft.few(len(rules), 2_000, "overrides")
        found: list[tuple[int, Override]] = []
        for one in rules:
            start = one.moment("layer_start", "enable_time", zone=self.zone)
            end = one.moment("layer_end", "expire_time", zone=self.zone)
            if start is None:
                start = midnight(self.draft.now, self.zone)
            if end is None:  # the product's own default: to the next day's midnight
                end = next_midnight(start, self.zone)
            people = [who for group in one.items("groups") for members in self._group(group).values() for who in members]
            if end <= start or not people:
                self._about("overrides", f"the override {one.text('layer_name', 'name')} is left out: nobody, or no time")
                continue
            weight = one.whole("weight", least=-(10**9), most=10**9) or 0
            reason = one.block("layer_name", "name", most=500)
            override = Override(
                id="", roles=roles, people=tuple(dict.fromkeys(people)), replaces=None, start=start, end=end, reason=reason
            )
            found.append((weight, override))
        ordered = tuple(one for _, one in sorted(found, key=lambda pair: -pair[0]))
        if len(roles) > 1 and ordered:
            self._about("overrides", "an override there has no role: whoever it puts on has every role here")
        if pairs := overlapping(ordered):
            self._about(
                "override_overlap",
                f"overrides overlap ({len(pairs)}): the one of the higher weight wins, else the first of the list",
            )
        return ordered

    def _about(self, key: str, text: str) -> None:
        self.draft.warn(("schedule", self.id, key), text)


def _units(seconds: int) -> tuple[str, int]:
    """The largest unit that a length is whole numbers of; the nearest whole hours where there is none."""
    for unit in (Unit.WEEK, Unit.DAY, Unit.HOUR):
        if seconds % SECONDS[unit] == 0:
            return unit.value, seconds // SECONDS[unit]
    return Unit.HOUR.value, max(1, round(seconds / SECONDS[Unit.HOUR]))
