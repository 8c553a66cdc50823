"""A rota as YAML that a person would have written: short forms, a stable order, and every warning at the line it concerns."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta, timezone
from typing import Any

from syncd.core.model import (
    DAY,
    Advance,
    Approval,
    Boundary,
    Holidays,
    Hours,
    Instant,
    Join,
    Layer,
    Overlap,
    Override,
    Person,
    Roster,
    Rotation,
    Schedule,
)
from syncd.core.zone import zone
from syncd.imports.draft import EVERY_DAY, Draft, Place, local

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WIDE = 118

_PLAIN = re.compile(r"[A-Za-z](?:[A-Za-z0-9_./+&()'-]|@(?=[A-Za-z0-9])| (?=[A-Za-z0-9(&+]))*")
_WORDS = frozenset(("true", "false", "null", "yes", "no", "on", "off", "y", "n"))


def quoted(text: str) -> str:
    """Plain where that is the same text to every reader of YAML, else in quotes."""
    if _PLAIN.fullmatch(text) and text.casefold() not in _WORDS:
        return text
    return json.dumps(text, ensure_ascii=False)


def flow(value: Any) -> str:
    """A value on one line; text that is already written comes as `Raw`."""
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(flow(one) for one in value) + "]"
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, int) else quoted(str(value))


class Raw:
    def __init__(self, text: str) -> None:
        self.text = text


def moment(at: datetime) -> str:
    """`2026-03-02T09:00`, a bare date at midnight, the offset where there is one."""
    if at.tzinfo is None and (at.hour, at.minute, at.second) == (0, 0, 0):
        return f"{at:%Y-%m-%d}"
    text = f"{at:%Y-%m-%dT%H:%M:%S}" if at.second else f"{at:%Y-%m-%dT%H:%M}"
    if at.tzinfo is None:
        return text
    offset = f"{at:%z}"
    return text + ("Z" if offset == "+0000" else f"{offset[:3]}:{offset[3:]}")


def clock(seconds: int) -> Raw:
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}" + (f":{seconds % 60:02d}" if seconds % 60 else "")
    return Raw(f'"{text}"')


def duration(seconds: int) -> Raw:
    unit, length = next(
        pair for pair in (("w", 604_800), ("d", DAY), ("h", 3_600), ("m", 60), ("s", 1)) if seconds % pair[1] == 0
    )
    return Raw(f"{seconds // length}{unit}")


def hours(one: Hours) -> dict[str, Any]:
    """`{from: "18:00", to: "09:00", days: […]}`, or `{from: "fri 18:00", to: "mon 09:00"}`; the end of a day is 24:00."""
    (first, *_) = sorted(one.days) or [0]
    if not one.weekly:
        written: dict[str, Any] = {"from": clock(one.at), "to": clock(_end(one.at + one.length))}
        return written if one.days == EVERY_DAY else {**written, "days": [DAYS[day] for day in sorted(one.days)]}
    end = one.at + one.length
    day, at = divmod(end, DAY)
    if at == 0:
        day, at = day - 1, DAY
    return {
        "from": Raw(f'"{DAYS[first]} {clock(one.at).text[1:]}'),
        "to": Raw(f'"{DAYS[(first + day) % 7]} {clock(at).text[1:]}'),
    }


def _end(end: int) -> int:
    return end if end <= DAY else end - DAY


def turns(one: Rotation) -> dict[str, Any]:
    written: dict[str, Any] = {"every": one.every, "unit": one.unit.value}
    if one.on is not None:
        written["on"] = Raw(DAYS[one.on])
    if one.at is not None:
        written["at"] = clock(one.at)
    if one.anchor is not None:
        written["anchor"] = one.anchor
    if one.lasts is not None:
        written["lasts"] = duration(one.lasts)
    if one.clock is not None:
        written["clock"] = one.clock.value
    if one.advance is not Advance.ALWAYS:
        written["advance"] = one.advance.value
    if one.fair:
        written["fair"] = True
    return written


def members(rosters: Sequence[Roster]) -> Any:
    if len(rosters) == 1 and rosters[0].since is None:
        return _groups(rosters[0])
    found = []
    for one in rosters:
        dated: dict[str, Any] = {} if one.since is None else {"from": one.since}
        found.append({**dated, "people": _groups(one), **({} if one.join is Join.CONTINUE else {"join": one.join.value})})
    return found


def _groups(one: Roster) -> list[Any]:
    return [group[0] if len(group) == 1 else list(group) for group in one.groups]


class Writer:
    """Lines of YAML, each under its warnings."""

    def __init__(self, notes: Mapping[Place, Sequence[str]], remarks: Mapping[Place, str]) -> None:
        self.lines: list[str] = []
        self.notes = notes
        self.remarks = remarks
        self.said: set[Place] = set()

    def comment(self, text: str, indent: int, *, first: str = "warning: ") -> None:
        sound = " ".join(text.split())
        for row in textwrap.wrap(first + sound, WIDE - indent - 2, break_on_hyphens=False) or [first.strip()]:
            self.lines.append(f"{' ' * indent}# {row}")

    def warnings(self, place: Place, indent: int) -> None:
        if place in self.notes and place not in self.said:
            self.said.add(place)
            for text in self.notes[place]:
                self.comment(text, indent)

    def line(self, text: str, indent: int, place: Place | None = None) -> None:
        if place is not None:
            self.warnings(place, indent)
        remark = self.remarks.get(place) if place is not None else None
        self.lines.append(f"{' ' * indent}{text}" + (f"    # {' '.join(remark.split())}" if remark else ""))

    def value(self, key: str, value: Any, indent: int, place: Place | None = None) -> None:
        """`key: value` on one line, a long list on one line each."""
        text = f"{key}: {flow(value)}"
        rows = value if isinstance(value, (list, tuple)) else ()
        if rows and (len(text) + indent > WIDE or (len(rows) > 1 and isinstance(rows[0], Mapping))):
            self.line(f"{key}:", indent, place)
            for one in rows:
                self.line(f"- {flow(one)}", indent + 2)
        else:
            self.line(text, indent, place)

    # --- the parts of a rota -------------------------------------------------------------

    def people(self, people: Iterable[Person]) -> None:
        self.line("people:", 0)
        for one in people:
            said: dict[str, Any] = {"name": one.name}
            said |= {key: value for key in ("email", "phone", "timezone") if (value := getattr(one, key))}
            if one.accounts:
                said["accounts"] = dict(one.accounts)
            self.line(f"{one.id}: {flow(said)}", 2, ("person", one.id))

    def schedule(self, one: Schedule, default: str, *, roles: int, indent: int = 2) -> None:
        def place(key: str) -> Place:
            return ("schedule", one.id, key)

        self.line(f"{one.id}:", indent, ("schedule", one.id))
        inner = indent + 2
        self.value("title", one.title, inner, place("title"))
        self.of_schedule(one, default, inner)
        if one.start is not None:
            self.value("start", one.start, inner, place("start"))
        if one.end is not None:
            self.value("end", one.end, inner, place("end"))
        self.warnings(place("layers"), inner)
        if one.layers:
            self.line("layers:", inner)
        for layer in one.layers:
            self.layer(one, layer, inner + 2, roles=roles)
        self.warnings(place("overrides"), inner)
        self.warnings(place("override_overlap"), inner)
        if one.overrides:
            self.line("overrides:", inner)
        used = tuple(dict.fromkeys(layer.role for layer in one.layers))
        for number, override in enumerate(one.overrides):
            said = flow(_override(override, one.timezone, used))
            self.line(f"- {said}", inner + 2, ("override", one.id, number))

    def of_schedule(self, one: Schedule, default: str, indent: int) -> None:
        """What a template has too."""

        def place(key: str) -> Place:
            return ("schedule", one.id, key)

        if one.description:
            self.value("description", one.description, indent, place("description"))
        if one.team is not None:
            self.value("team", one.team, indent, place("team"))
        if one.timezone != default or place("timezone") in self.notes:
            self.value("timezone", one.timezone, indent, place("timezone"))
        if one.handoff_note:
            self.value("handoff_note", one.handoff_note, indent)
        if one.needs:
            said = {role: need if isinstance(need, str) else [hours(each) for each in need] for role, need in one.needs.items()}
            self.value("needs", said, indent)
        if one.override_overlap is not Overlap.FIRST:
            self.value("override_overlap", one.override_overlap.value, indent, place("override_overlap"))
        if one.approval is not Approval.NONE:
            self.value("approval", one.approval.value, indent)
        if one.holidays is not None:
            self.value("holidays", _holidays(one.holidays), indent)

    def layer(self, of: Schedule, one: Layer, indent: int, *, roles: int, open_: bool = False) -> None:
        """`open_`: as a template has it, people and dates left open."""

        def place(key: str) -> Place:
            return ("layer", of.id, one.name, key)

        self.warnings(("layer", of.id, one.name), indent)
        self.warnings(place("name"), indent)
        self.line(f"- name: {quoted(one.name)}", indent)
        inner = indent + 2
        if roles != 1 or place("role") in self.notes:
            self.value("role", one.role, inner, place("role"))
        self.warnings(place("priority"), inner)
        if one.priority:
            self.value("priority", one.priority, inner)
        for key, at in (("from", one.start), ("until", one.end)):
            self.warnings(place(key), inner)
            if at is not None and not open_:
                self.value(key, at, inner)
        if one.timezone != of.timezone or place("timezone") in self.notes:
            self.value("timezone", one.timezone, inner, place("timezone"))
        if not open_:
            self.value("members", members(one.rosters), inner, place("members"))
        if one.rotation is not None:
            self.value("rotation", turns(one.rotation), inner, place("rotation"))
        self.warnings(place("rotation"), inner)
        if one.days is not None:
            self.value("days", [Raw(DAYS[day]) for day in sorted(one.days)], inner, place("days"))
        self.warnings(place("windows"), inner)
        if one.windows:
            self.value("windows", [hours(each) for each in one.windows], inner)
        if one.boundary is not Boundary.MIDNIGHT:
            self.value("boundary", one.boundary.value, inner, place("boundary"))
        if one.on_away != "stay":
            self.value("on_away", one.on_away, inner)


def _override(one: Override, name: str, used: Sequence[str]) -> dict[str, Any]:
    said: dict[str, Any] = {} if tuple(one.roles) == tuple(used) and len(used) == 1 else {"roles": list(one.roles)}
    said["people"] = list(one.people)
    if one.replaces is not None:
        said["replaces"] = list(one.replaces) or "none"
    said |= {"start": local(one.start, name), "end": local(one.end, name, end=True)}
    return {**said, **({"reason": one.reason} if one.reason else {})}


def _holidays(one: Holidays) -> dict[str, Any]:
    said = {key: value for key in ("country", "subdivision") if (value := getattr(one, key))}
    return {**said, **({"also": list(one.also)} if one.also else {})}


def at(instant: Instant, name: str) -> str:
    """For a comment: `2026-03-02 09:00+01:00`."""
    offset = zone(name).wall(instant) - instant
    if offset % 60:
        offset = 0
    there = datetime.fromtimestamp(instant, timezone(timedelta(seconds=offset)))
    return there.isoformat(" ", "minutes")


def written(draft: Draft, *, more: Sequence[str] = ()) -> str:
    """The whole draft as a file. `more`: lines that follow, such as destinations."""
    zones = [one.timezone for one in draft.schedules.values()]
    default = draft.timezone if draft.timezone in zones or not zones else max(zones, key=zones.count)
    to = Writer(draft.notes, draft.remarks)
    look = " Look at each warning." if draft.head or draft.notes else ""
    to.comment(f"Imported from {draft.product}.{look} `syncd check` and `syncd gaps` tell the rest.", 0, first="")
    for text in draft.head:
        to.comment(text, 0)
    to.line(f"timezone: {default}", 0, ("timezone",))
    if draft.people:
        to.people(draft.people.values())
    if draft.roles:
        to.line("roles:", 0)
        for role in draft.roles.values():
            said = {"title": role.title, **({"people": role.people} if role.people > 1 else {})}
            to.line(f"{role.id}: {flow(said)}", 2, ("role", role.id))
    if draft.teams:
        to.line("teams:", 0)
        for team in draft.teams.values():
            said = {"title": team.title, **({"people": list(team.people)} if team.people else {})}
            to.line(f"{team.id}: {flow(said)}", 2, ("team", team.id))
    if draft.schedules:
        to.line("schedules:", 0)
        for one in draft.schedules.values():
            to.schedule(one, default, roles=len(draft.roles))
    left = [text for place, texts in draft.notes.items() if place not in to.said for text in texts]
    for text in left:  # about what was left out whole
        to.comment(text, 0)
    return "\n".join([*to.lines, *more]) + "\n"
