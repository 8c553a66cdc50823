"""Puts a notice into words for one reader: a template of `syncd/templates`, times in the reader's zone and the schedule's."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from importlib.resources import files
from string import Template
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from syncd.core.audience import Reader, kind_of
from syncd.core.model import Instant, Rota, iso
from syncd.notify.channel import Message

LONGEST = 1_000
"""Characters of one value in a text: what vendors and people wrote may be of any length."""
Said = Mapping[str, Any]


class Zones(NamedTuple):
    reader: str
    schedule: str


def message(said: Said, rota: Rota, reader: Reader) -> Message:
    """The text of one notice, as the outbox has it."""
    return _written(_template(said), {**_common(said, rota, reader), **_particular(said, rota, reader)})


def digest(all_said: Sequence[Said], rota: Rota, reader: Reader) -> Message:
    """Several notices in one text."""
    texts = [message(said, rota, reader) for said in all_said]
    rows = "\n\n".join(f"* {text.title}\n{text.body}" for text in texts)
    return _written("digest", {"count": str(len(texts)), "first": texts[0].title, "rows": rows})


def when(at: Instant | None, zones: Zones, *, unknown: str = "–") -> str:
    """`Mon 2026-03-09 09:00 CET (03:00 CDT, America/Chicago)`; the second only where the schedule's clock shows another time."""
    if at is None:
        return unknown
    here, there = (datetime.fromtimestamp(at, ZoneInfo(name)) for name in zones)
    text = f"{here:%a %Y-%m-%d %H:%M %Z}"
    if here.utcoffset() == there.utcoffset():
        return text
    day = "" if here.date() == there.date() else f"{there:%a %Y-%m-%d} "
    return f"{text} ({day}{there:%H:%M %Z}, {zones.schedule})"


def zones_of(said: Said, rota: Rota, reader: Reader) -> Zones:
    schedule = rota.schedules.get(str(said.get("schedule", "")))
    theirs = schedule.timezone if schedule else rota.timezone
    person = rota.people.get(reader.person)
    return Zones(person.timezone or theirs if person else theirs, theirs)


# --- the values of the templates -------------------------------------------------------------


def _common(said: Said, rota: Rota, reader: Reader) -> dict[str, str]:
    zones = zones_of(said, rota, reader)
    schedule = rota.schedules.get(str(said.get("schedule", "")))
    role = rota.roles.get(str(said.get("role", "")))
    destination, text = str(said.get("destination", "")), str(said.get("text", ""))
    return {
        "id": str(said.get("id", "")),
        "destination": destination,
        "schedule": schedule.title if schedule else str(said.get("schedule", "")),
        "schedule_id": schedule.id if schedule else "",
        "role": role.title if role else str(said.get("role", "")),
        "start": when(said.get("start"), zones),
        "end": when(said.get("end"), zones, unknown="further notice"),
        "span": _span(said["start"], said["end"], zones) if said.get("start") != said.get("end") else "",
        "text": text.rstrip("."),
        "what": "recovered" if said.get("kind") == "recovered" else "needs attention",
        "had": _names(said.get("had", ()), rota),
        "rota": _names(said.get("rota", ()), rota),
        "digest": str(said.get("digest", "")),
        "command": str(said.get("command", "")),
    }


def _particular(said: Said, rota: Rota, reader: Reader) -> dict[str, str]:
    kind, zones = said.get("kind"), zones_of(said, rota, reader)
    schedule = rota.schedules.get(str(said.get("schedule", "")))
    match kind:
        case "handoff":
            return {
                "others": _names(said["others"], rota) if said["others"] else "",
                "note": schedule.handoff_note if schedule else "",
                "cover": _cover(said["schedule"], said["role"], said["person"], said["start"], said["end"]),
            }
        case "daily":
            rows = [
                f"{_title(role, rota)}: {_names([person], rota)}{_reach(person, rota)}, "
                + (f"until {when(end, zones)}" if start <= said["start"] else _span(start, end, zones))
                for role, person, start, end in said["rows"]
            ]
            return {"rows": "\n".join(rows) or "nobody is on call"}
        case "changed":
            rows = [
                f"{'+ you have' if added else '- no longer yours:'} {_title(role, rota)}, {_span(start, end, zones)}"
                for role, start, end, added in said["rows"]
            ]
            gained = next((one for one in said["rows"] if one[3]), None)
            cover = _cover(said["schedule"], gained[0], said["person"], gained[1], gained[2]) if gained else ""
            return {"rows": "\n".join(rows), "person": str(said["person"]), "cover": cover}
        case "gaps":
            rows = [
                f"{_title(role, rota)}, {_span(start, end, zones)}: {cause}{_of(people, rota)}\n  {suggestion}"
                for role, start, end, cause, people, suggestion in said["rows"]
            ]
            return {"rows": "\n".join(rows), "why": _WHY[said["why"]], "start": when(said["start"], zones, unknown="now")}
        case "approval":
            return {
                "override": str(said["override"]),
                "who": _names(said["people"], rota),
                "by": _names([said["by"]], rota),
                "reason": str(said["reason"]),
                "role": ", ".join(_title(role, rota) for role in said["roles"]),
            }
        case "service":
            return {"what": str(said["what"])}
        case _:
            return {"what": str(said["what"])} if "what" in said else {}


_WHY = {
    "new": "Coverage gaps ahead:",
    "changed": "Coverage gaps have changed:",
    "24 h": "This gap begins within 24 hours:",
    "1 h": "This gap begins within one hour:",
}


def _cover(schedule: str, role: str, person: str, start: Instant, end: Instant | None) -> str:
    """What the person who would stand in, or an admin, has to enter."""
    return f"syncd override add --schedule {schedule} --role {role} --replaces {person} --person WHO --from {iso(start)}" + (
        f" --to {iso(end)}" if end is not None else ""
    )


def _names(people: Sequence[str], rota: Rota) -> str:
    """By name; somebody who is not in `people` as the vendor names them."""
    named = (one.removeprefix("?") for one in people)
    return ", ".join(rota.people[one].name if one in rota.people else one or "somebody unknown" for one in named) or "nobody"


def _span(start: Instant | None, end: Instant | None, zones: Zones) -> str:
    return f"{when(start, zones, unknown='now')} to {when(end, zones, unknown='further notice')}"


def _of(people: Sequence[str], rota: Rota) -> str:
    return f" ({_names(people, rota)})" if people else ""


def _reach(person: str, rota: Rota) -> str:
    phone = rota.people[person].phone if person in rota.people else None
    return f" ({phone})" if phone else ""


def _title(role: str, rota: Rota) -> str:
    return rota.roles[role].title if role in rota.roles else role


# --- templates -------------------------------------------------------------------------------


def _template(said: Said) -> str:
    if said.get("kind") == "handoff":
        return f"handoff-{said['direction']}"
    if said.get("kind") == "H" and not said.get("digest") and not said.get("destination"):
        return "service"
    return kind_of(str(said.get("kind", ""))).value


@lru_cache(maxsize=64)
def _read(name: str) -> str:
    return files("syncd").joinpath("templates", f"{name}.txt").read_text("utf-8")


def _written(name: str, values: Mapping[str, str]) -> Message:
    """The first line is the title. A line about something that is not known is left out."""
    clean = {key: _clean(value, whole=name == "digest" or key == "rows") for key, value in values.items()}
    title, _, body = _read(name).partition("\n")
    lines = []
    for line in body.splitlines():
        asked = re.findall(r"\$(\w+)", line)
        if not asked or any(clean.get(one, "") for one in asked):
            lines.append(Template(line).safe_substitute(clean))
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    return Message(" ".join(Template(title).safe_substitute(clean).split())[:200], text + "\n")


def _clean(value: str, *, whole: bool) -> str:
    """Nothing that would end a header or move a terminal's cursor: much of it was written by others."""
    text = "".join(char if char.isprintable() or char == "\n" else " " for char in value)
    return text if whole else text[:LONGEST]
