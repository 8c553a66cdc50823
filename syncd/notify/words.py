"""Puts a notice into words for one reader: a template of `syncd/templates`, times in the reader's zone and the schedule's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache, partial
from importlib.resources import files
from string import Template
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from syncd.core.audience import Reader, kind_of
from syncd.core.held import sentence
from syncd.core.model import Instant, Rota, Schedule, iso
from syncd.core.shifts import roles_of
from syncd.notify import harmless
from syncd.notify.channel import Message

TITLE, NAME, PART = 180, 40, 120
"""Characters of a title, of a name in it, and of any other part: what a phone shows of a subject, and some."""
SHOWN = 6
"""Changes of a hold that its text shows; the rest it counts."""
Said = Mapping[str, Any]


class Zones(NamedTuple):
    reader: str
    schedule: str


def message(said: Said, rota: Rota, reader: Reader) -> Message:
    """The text of one notice, as the outbox has it. Whatever is wrong with it, it is told."""
    try:
        pen = Pen(said, rota, reader)
        return _written(_template(said), {**pen.common(), **pen.particular()})
    except Exception:  # an odd notice holds up no other, and somebody is to see it all the same
        safe = partial(harmless.value, chat=not reader.person)
        about = said.get("schedule") or said.get("destination") or "the service"
        text = safe(str(said.get("text", "It could not be put into words")))
        return Message(safe(f"syncd: a notice about {about}"), f"{text}.\n\nAll that was told: `syncd history`\n")


def digest(all_said: Sequence[Said], rota: Rota, reader: Reader, *, more: int = 0) -> Message:
    """Several notices in one text. `more`: as many again that it does not show."""
    texts = [message(said, rota, reader) for said in all_said]
    rows = "\n\n".join(f"* {text.title}\n{text.body}".rstrip() for text in texts)
    left = str(more) if more else ""
    return _written("digest", {"count": str(len(texts) + more), "first": texts[0].title, "rows": rows, "more": left})


def in_a_line(said: Said, rota: Rota) -> str:
    """Its title, for the journal, in the schedule's zone; of one that says "you", with whom it is told."""
    who = rota.people.get(str(said.get("person", "")))
    return (f"{who.name}: " if who else "") + message(said, rota, Reader("", "")).title


def when(at: Instant | None, zones: Zones, *, unknown: str = "–") -> str:
    """`Mon 2026-03-09 09:00 CET (03:00 CDT, America/Chicago)`; the second only where the schedule's clock shows another time."""
    if at is None:
        return unknown
    try:
        here, there = (datetime.fromtimestamp(at, ZoneInfo(name)) for name in zones)
    except (OverflowError, ValueError, OSError):
        return unknown
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


class Pen:
    """Writes the values of one notice's template for one reader."""

    def __init__(self, said: Said, rota: Rota, reader: Reader) -> None:
        self.said, self.rota = said, rota
        self.zones = zones_of(said, rota, reader)
        self.schedule: Schedule | None = rota.schedules.get(str(said.get("schedule", "")))
        self.safe = partial(harmless.value, chat=not reader.person)
        self.when = partial(when, zones=self.zones)

    def common(self) -> dict[str, str]:
        said = self.said
        start, end, digest = said.get("start"), said.get("end"), str(said.get("digest", ""))
        return {
            "id": str(said.get("id", "")),
            "destination": self.safe(str(said.get("destination", ""))),
            "schedule": self.safe(self.schedule.title if self.schedule else str(said.get("schedule", ""))),
            "schedule_id": self.schedule.id if self.schedule else "",
            "role": self.title(str(said.get("role", ""))),
            "start": self.when(start),
            "end": self.when(end, unknown="further notice"),
            "span": self.span(start, end) if start != end else "",
            "text": self.safe(str(said.get("text", "")).rstrip("."), longest=1_000),
            "had": self.names(said.get("had", ())),
            "rota": self.names(said.get("rota", ())),
            "look": f"`{said.get('look') or ('syncd holds' if digest else 'syncd status')}`",
            "ack": f"`syncd ack {digest}`" if digest else "",
            "sick": str(said.get("destination", "")) if said.get("kind") == "attention" else "",
            "what": str(said.get("what", "needs attention")),
        }

    def particular(self) -> dict[str, str]:
        match self.said.get("kind"):
            case "handoff":
                return self._handoff()
            case "daily":
                return self._daily()
            case "changed":
                return self._changed()
            case "gaps":
                return self._gaps()
            case "approval":
                return self._approval()
            case "R" | "I" | "C":
                return self._drift()
            case "H":
                return self._hold()
            case _:
                return {}

    # --- kinds ---------------------------------------------------------------------------

    def _handoff(self) -> dict[str, str]:
        said = self.said
        others, staying = said["others"], said.get("staying", ())
        return {
            "others": self.names(others) if others else "",
            "alone": "" if others or staying else "Nobody takes over from you.",
            "staying": self.names(staying) if staying else "",
            "note": self.schedule.handoff_note.strip() if self.schedule else "",
            "cover": self.cover(said["role"], said["person"], said["start"], said["end"]),
        }

    def _daily(self) -> dict[str, str]:
        rows = self.said["rows"]
        lines = [
            f"{self.title(role)}: {self.names([person])}{self._reach(person)}, "
            + (f"until {self.when(end)}" if start <= self.said["start"] else self.span(start, end))
            for role, person, start, end in rows
        ]
        silent = [one for one in self._roles() if one not in {row[0] for row in rows}]
        lines += [f"{self.title(one)}: nobody" for one in silent]
        now = [f"{self.short([person])} ({self.title(role)})" for role, person, start, _ in rows if start <= self.said["start"]]
        return {"rows": "\n".join(lines) or "nobody is on call", "first": _few(now) or "nobody now"}

    def _roles(self) -> Iterable[str]:
        if self.schedule is None:
            return ()
        return [one for one in roles_of(self.schedule) if self.schedule.needs.get(one, "always") != "never"]

    def _changed(self) -> dict[str, str]:
        rows = self.said["rows"]
        lines = [
            f"{'+ yours now' if added else '- no longer yours'}: {self.title(role)}, {self.span(start, end)}"
            for role, start, end, added in rows
        ]
        gained = next((one for one in rows if one[3]), None)
        return {
            "rows": "\n".join(lines),
            "first": lines[0].lstrip("+- ") + _and_more(lines),
            "person": str(self.said["person"]),
            "cover": self.cover(gained[0], self.said["person"], gained[1], gained[2]) if gained else "",
        }

    def _gaps(self) -> dict[str, str]:
        lines, first = [], ""
        for role, start, end, cause, people, suggestion, *why in self.said["rows"]:
            of = f" ({self.names(people)})" if people else f" ({self.safe(why[0])})" if why and why[0] else ""
            lines.append(f"{self.title(role)}, {self.span(start, end)}: {cause}{of}\n  {self.safe(suggestion, longest=1_000)}")
            first = first or f"{self.title(role)}, {self.span(start, end)}"
        return {"rows": "\n".join(lines), "why": _WHY[self.said["why"]], "first": first + _and_more(lines)}

    def _approval(self) -> dict[str, str]:
        said = self.said
        replaced = said.get("replaces")
        return {
            "override": str(said["override"]),
            "who": self.names(said["people"]),
            "first": self.short(said["people"]),
            "instead": "" if replaced == [] else f" instead of {self.names(replaced)}" if replaced else " instead of whoever is",
            "by": self.names([said["by"]]),
            "reason": self.safe(str(said["reason"])),
            "role": ", ".join(map(self.title, said["roles"])),
        }

    def _drift(self) -> dict[str, str]:
        """What a human did at a destination, what became of it, and what brings it back."""
        said = self.said
        had, rota, overrides = said.get("had", ()), said.get("rota", ()), said.get("overrides", ())
        done = str(said.get("done", ""))
        beside = [f"{self.names([one['person']])}, {self.span(one['start'], one['end'])}" for one in said.get("also", ())]
        unknown = [one for one in had if one.removeprefix("?") not in self.rota.people]
        imported, withdrawn = "imported" in done, "withdrawn" in done
        verb = "Bring it back"
        if imported:
            verb = "Take it back"
            back = "; ".join(f"`syncd override remove {one}`" for one in overrides) or "`syncd override list`, then `remove`"
        elif unknown:
            back = f"add {self.names(unknown)} to `people`, then `syncd restore {said['id']}`"
        elif (had or beside) and not withdrawn:
            back = f"`syncd restore {said['id']}`"
        elif withdrawn:
            back = f"`{self.add(said['role'], rota, said['start'], said['end'])}`" if rota else ""
        else:
            verb = "Put somebody else on"
            back = f"`{self.cover(said['role'], rota[0], said['start'], said['end'])}`" if rota else ""
        return {
            "drift": f"{said.get('drift') or self.safe(str(said.get('text', '')))}; {done}".rstrip("; "),
            "showed": self.names(had),
            "has": "had" if imported or withdrawn else "has",
            "first": self._outcome(self.short(had) if had else "", self.short(rota), done),
            "beside": "; ".join(beside),
            "verb": verb if back else "",
            "back": back,
        }

    @staticmethod
    def _outcome(had: str, rota: str, done: str) -> str:
        """Who is on call now: what somebody wants to know before anything else."""
        if "imported" in done:
            return f"{had or 'nobody'} instead of {rota}"
        if "withdrawn" in done:
            return f"{rota} no longer"
        if "put back" in done:
            return f"{rota} stays, not {had}" if had else f"{rota} is put back"
        return f"{had or 'nobody'} there, {rota} in the rota"

    def _hold(self) -> dict[str, str]:
        said, digest = self.said, self.said.get("digest")
        found = {"what": "Held at" if digest else "Look at", "waits": "Nothing of it happens until you answer." if digest else ""}
        changes = said.get("changes", ())
        rows = [sentence(one, lambda person: self.names([person]), self.span) for one in changes[:SHOWN]]
        rows += [f"and {len(changes) - SHOWN} more"] if len(changes) > SHOWN else []
        found["rows"] = "\n".join(f"- {row}" for row in rows if row)
        if not said.get("destination"):
            found["what"] = "needs attention"
        if said.get("drift"):
            shown = f"{self.names(said['had'])} is shown there, the rota has {self.names(said['rota'])}"
            found["text"] = f"{said['drift']}: {shown}; {said['done']}"
        return found

    # --- parts ---------------------------------------------------------------------------

    def names(self, people: Sequence[str], *, longest: int = harmless.LONGEST) -> str:
        """By name; somebody who is not in `people` as the vendor names them."""
        ids = (one.removeprefix("?") for one in people)
        named = (self.rota.people[one].name if one in self.rota.people else one or "somebody unknown" for one in ids)
        return ", ".join(self.safe(one, longest=longest) for one in named) or "nobody"

    def short(self, people: Sequence[str]) -> str:
        """The same for a title."""
        return _few([self.names([one], longest=NAME) for one in people]) or "nobody"

    def title(self, role: str) -> str:
        return self.safe(self.rota.roles[role].title if role in self.rota.roles else role, longest=NAME)

    def span(self, start: Instant | None, end: Instant | None) -> str:
        return f"{self.when(start, unknown='now')} to {self.when(end, unknown='further notice')}"

    def cover(self, role: str, person: str, start: Instant, end: Instant | None) -> str:
        """What whoever stands in, or an admin, has to enter."""
        return self.add(role, ["WHO"], start, end, replaces=f"--replaces {person} ")

    def add(self, role: str, people: Sequence[str], start: Instant, end: Instant | None, *, replaces: str = "") -> str:
        who = " ".join(f"--person {one}" for one in people)
        until = f" --to {iso(end)}" if end is not None else ""
        return f"syncd override add --schedule {self.said['schedule']} --role {role} {replaces}{who} --from {iso(start)}{until}"

    def _reach(self, person: str) -> str:
        phone = self.rota.people[person].phone if person in self.rota.people else None
        return f" ({self.safe(phone)})" if phone else ""


_WHY = {
    "new": "Coverage gaps ahead:",
    "changed": "Coverage gaps have changed:",
    "24 h": "This gap begins within 24 hours:",
    "1 h": "This gap begins within one hour:",
    "now": "This gap is open now:",
}


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _and_more(lines: Sequence[str]) -> str:
    return f", and {len(lines) - 1} more" if len(lines) > 1 else ""


# --- templates -------------------------------------------------------------------------------


def _template(said: Said) -> str:
    kind = said.get("kind")
    if kind == "handoff":
        return f"handoff-{said['direction']}"
    if kind == "H" and not said.get("digest") and not said.get("destination"):
        return "service"
    return "test" if kind == "test" else kind_of(str(kind or "")).value


@lru_cache(maxsize=64)
def _read(name: str) -> str:
    return files("syncd").joinpath("templates", f"{name}.txt").read_text("utf-8")


def _written(name: str, values: Mapping[str, str]) -> Message:
    """The first line is the title. A line about something that is not known is left out."""
    title, _, body = _read(name).partition("\n")
    lines = []
    for line in body.splitlines():
        asked = re.findall(r"\$(\w+)", line)
        if not asked or any(values.get(one, "") for one in asked):
            lines.append(Template(line).safe_substitute(values))
    text = "\n".join(harmless.line(one).rstrip() for one in "\n".join(lines).split("\n"))
    text = re.sub(r"\n{3,}", "\n\n", text).strip()
    short = {key: _shortened(one) for key, one in values.items()}
    return Message(_shortened(harmless.line(Template(title).safe_substitute(short)), TITLE), text + "\n")


def _shortened(text: str, longest: int = PART) -> str:
    said = " ".join(text.split())
    return said if len(said) <= longest else said[: longest - 1].rstrip() + "…"
