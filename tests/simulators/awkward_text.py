"""iCalendar, as little of it as a server and a human with a text editor need. It shares nothing with what is under test."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

FOLD = 40


class Said(NamedTuple):
    """What an object says, as any client would read it."""

    uid: str
    start: int
    end: int
    title: str
    marker: str | None


def unfolded(text: str) -> str:
    return re.sub(r"\r?\n[ \t]", "", text).replace("\r\n", "\n").replace("\n", "\r\n")


def folded(text: str) -> str:
    return "\r\n".join("\r\n ".join(re.findall(f".{{1,{FOLD}}}", line)) for line in text.split("\r\n"))


def split_event(text: str) -> tuple[str, str, str]:
    """What is before the first event, the event, and the rest."""
    start = text.index("BEGIN:VEVENT")
    end = text.index("END:VEVENT") + len("END:VEVENT\r\n")
    return text[:start], text[start:end], text[end:]


def said(text: str, *, wall: bool = False) -> Said:
    """`wall`: zoned times are taken for UTC."""
    event = split_event(unfolded(text))[1].partition("BEGIN:VALARM")[0]
    lines: dict[str, tuple[str, str]] = {}
    for line in event.split("\r\n")[1:]:
        name, _, value = line.partition(":")
        name, _, params = name.partition(";")
        lines.setdefault(name.upper(), (params, value))
    start = instant(*lines["DTSTART"], wall=wall)
    end = instant(*lines["DTEND"], wall=wall) if "DTEND" in lines else start + 86_400
    title = re.sub(r"\\(.)", r"\1", lines.get("SUMMARY", ("", ""))[1])
    marker = lines.get("X-SYNCD-MARKER")
    return Said(lines["UID"][1], start, end, unicodedata.normalize("NFC", title).strip(), marker[1] if marker else None)


def instant(params: str, value: str, *, wall: bool) -> int:
    named = re.search('TZID="?([^;"]+)', params)
    zone = ZoneInfo(named[1]) if named and not wall else UTC
    form = "%Y%m%dT%H%M%S" if "T" in value else "%Y%m%d"
    return int(datetime.strptime(value.rstrip("Z"), form).replace(tzinfo=zone).timestamp())
