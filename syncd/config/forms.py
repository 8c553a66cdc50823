"""The single values of the file: texts, numbers, durations, times of day, days of the week, local times, zones."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone
from enum import StrEnum

from syncd.config.document import Node
from syncd.config.problem import Report, Wrong, shown
from syncd.config.shape import Form, found, one_of

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
MIDNIGHT = 86_400
YEARS = range(1970, 2201)
"""Zone rules are guesses beyond them, and no rota is older than its clock."""

_BREAKS = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029\\ufffe\\uffff]")
_CONTROLS = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x84\\x86-\\x9f\\ufffe\\uffff]")
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_PERSON = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f<>,;\"()]{1,64}@[^@\s\x00-\x1f\x7f<>,;\"()]{1,253}")
_WHOLE = re.compile(r"[-+]?[0-9]{1,12}")
_DURATION = re.compile(r"([0-9]{1,9})([smhdw])")
_SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,4})?) ?%|(0?\.[0-9]{1,6}|[01](?:\.0)?)")
_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?")
_MOMENT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.0+)?)? ?(Z|z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9][A-Za-z0-9_+-]*)*")


def scalar(node: Node, what: str) -> str:
    if node.kind != "text":
        raise Wrong(f"expected {what}, found {found(node)}")
    return node.text


def text(most: int, *, least: int = 1, lines: bool = False) -> Form:
    """Text of `least` to `most` characters, composed (NFC); on one line unless `lines`."""
    words = f"text, {least} to {most} characters" if least else f"text, at most {most:,} characters"

    def read(node: Node, path: str, report: Report) -> str:
        value = scalar(node, words)
        if not value.isascii():
            import unicodedata

            value = unicodedata.normalize("NFC", value)
        if not lines:
            value = value.strip()
        if not least <= len(value) <= most:
            raise Wrong(f"{len(value):,} characters long", f"write {words}")
        if (_CONTROLS if lines else _BREAKS).search(value):
            raise Wrong("a control character" if lines else "a line break or another control character", "take it away")
        return value

    return Form(words, read)


def _identifier(pattern: re.Pattern[str], words: str, reserved: tuple[str, ...]) -> Form:
    def read(node: Node, path: str, report: Report) -> str:
        value = scalar(node, words)
        if not pattern.fullmatch(value):
            raise Wrong(f"{shown(value)} is no id", f"write {words}")
        if value in reserved:
            raise Wrong(f"{shown(value)} has a meaning of its own", "choose another id")
        return value

    return Form(words, read)


NAME = _identifier(_IDENTIFIER, "id: letters, digits, `_` `.` `-`, at most 64", ("all",))
PERSON_ID = _identifier(_PERSON, "id: small letters, digits, `_` `.` `-`, at most 64", ("all", "none"))


def whole(least: int, most: int, words: str = "") -> Form:
    words = words or f"whole number, {least:,} to {most:,}"

    def read(node: Node, path: str, report: Report) -> int:
        value = scalar(node, words)
        if not _WHOLE.fullmatch(value) or not least <= int(value) <= most:
            raise Wrong(f"{shown(value)} is no {words}")
        return int(value)

    return Form(words, read)


def _truth(node: Node, path: str, report: Report) -> bool:
    value = scalar(node, "true or false")
    if not node.plain or value.casefold() not in ("true", "false"):
        raise Wrong(f"{shown(value)} is neither true nor false", "write true or false")
    return value.casefold() == "true"


TRUTH = Form("`true` \\| `false`", _truth)


def duration(least: int, most: int) -> Form:
    """Seconds, from a whole number and `s`, `m`, `h`, `d` or `w`."""
    words = f"duration, {spoken(least)} to {spoken(most)}"

    def read(node: Node, path: str, report: Report) -> int:
        value = scalar(node, "a duration")
        match = _DURATION.fullmatch(value)
        if match is None:
            raise Wrong(f"{shown(value)} is no duration", "write a whole number and s, m, h, d or w, such as 30m")
        seconds = int(match[1]) * SECONDS[match[2]]
        if not least <= seconds <= most:
            raise Wrong(f"{shown(value)} is out of range", f"between {spoken(least)} and {spoken(most)}")
        return seconds

    return Form(words, read)


def spoken(seconds: int) -> str:
    """`90` → `90s`, `3600` → `1h`: the largest unit that divides it."""
    unit = next((unit for unit in "wdhm" if seconds and seconds % SECONDS[unit] == 0), "s")
    return f"{seconds // SECONDS[unit]}{unit}"


def _share(node: Node, path: str, report: Report) -> float:
    value = scalar(node, "a share such as 30%")
    match = _SHARE.fullmatch(value)
    share = float("inf") if match is None else float(match[1]) / 100 if match[1] else float(match[2])
    if share > 1:
        raise Wrong(f"{shown(value)} is no share", "write 0% to 100%")
    return share


SHARE = Form("share, 0% to 100%", _share)


def _email(node: Node, path: str, report: Report) -> str:
    value = scalar(node, "an e-mail address").strip()
    if not _EMAIL.fullmatch(value):
        raise Wrong(f"{shown(value)} is no e-mail address", "write it as name@example.com")
    return value


EMAIL = Form("e-mail address", _email)


# --- zones -----------------------------------------------------------------------------------


def _zone(node: Node, path: str, report: Report) -> str:
    from zoneinfo import ZoneInfo

    value = scalar(node, "a time zone such as Europe/Berlin")
    # Some of what lies beside the zones is of this machine (`localtime`) or counts leap seconds (`right/`).
    if _ZONE.fullmatch(value) and value.split("/")[0] not in ("localtime", "posix", "posixrules", "right"):
        try:
            ZoneInfo(value)
        except (OSError, ValueError, LookupError):
            pass
        else:
            return value
    near = _zone_like(value) if report.may_suggest() else ""
    raise Wrong(f"{shown(value)} is no time zone", near or "write an IANA name such as Europe/Berlin or UTC")


def _zone_like(value: str) -> str:
    """`did you mean 'Europe/Berlin'?`, by the whole name, else by its last part; "" where nothing is near."""
    from difflib import get_close_matches
    from zoneinfo import available_timezones

    zones = sorted(available_timezones() - {"localtime"})
    wanted = value[:64].casefold().replace(" ", "_")
    whole_names = {zone.casefold(): zone for zone in zones}
    last_parts = {zone.casefold().rpartition("/")[2]: zone for zone in zones}
    for part, names in ((wanted, whole_names), (wanted.rpartition("/")[2], last_parts)):
        if near := get_close_matches(part, names, 1, 0.75):
            return f"did you mean {shown(names[near[0]])}?"
    return ""


ZONE = Form("IANA time zone", _zone)


# --- times -----------------------------------------------------------------------------------


def clock(value: str) -> int | None:
    """Seconds after midnight of `9:00`, `09:00` or `09:00:30`, `24:00` included; None if it is none."""
    match = _CLOCK.fullmatch(value)
    if match is None:
        return None
    seconds = int(match[1]) * 3_600 + int(match[2]) * 60 + int(match[3] or 0)
    return seconds if int(match[2]) < 60 and int(match[3] or 0) < 60 and seconds <= MIDNIGHT else None


def _time(node: Node, path: str, report: Report) -> int:
    value = scalar(node, "a time of day such as 09:00")
    seconds = clock(value)
    if seconds is None:
        raise Wrong(f"{shown(value)} is no time of day", "write hours and minutes, such as 09:00")
    if seconds == MIDNIGHT:
        raise Wrong("24:00 is no time to begin at", "write 00:00, of the next day where days are named")
    return seconds


TIME = Form("time of day, `HH:MM`", _time)


def whole_day(seconds: int, node: Node, path: str, report: Report) -> int:
    """An end of 23:59 is meant as the end of the day (SCHEDULES.md section 1)."""
    if MIDNIGHT - 60 <= seconds < MIDNIGHT:
        report.warn(node, path, "23:59 is read as 24:00: an end is not part of the period", "write 24:00")
        return MIDNIGHT
    return seconds


DAY = one_of(DAYS, DAYS.index)


def _moment(node: Node, *, end: bool, path: str, report: Report) -> date | datetime:
    value = scalar(node, "a date or time such as 2026-03-02T09:00")
    match = _MOMENT.fullmatch(value)
    remedy = "write 2026-03-02, 2026-03-02T09:00 or 2026-03-02T09:00+01:00"
    if match is None:
        raise Wrong(f"{shown(value)} is no date or time", remedy)
    try:
        day = date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        raise Wrong(f"{shown(value)} is a day that no calendar has", remedy) from None
    if day.year not in YEARS:
        raise Wrong(f"{shown(value)} is out of range", f"years {YEARS[0]} to {YEARS[-1]}")
    if match[4] is None:
        return day
    seconds = clock(f"{match[4]}:{match[5]}:{match[6] or '00'}")
    if seconds is None:
        raise Wrong(f"{shown(value)} has a time that no day has", remedy)
    if end and match[7] is None:
        seconds = whole_day(seconds, node, path, report)
    local = datetime(day.year, day.month, day.day) + timedelta(seconds=seconds)  # noqa: DTZ001 - the wall's time
    return local if match[7] is None else local.replace(tzinfo=_offset(match[7], value))


def _offset(written: str, value: str) -> timezone:
    if written in "Zz":
        return timezone.utc  # noqa: UP017 - equal to the others, of the same class
    digits = written[1:].replace(":", "")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    if minutes > 14 * 60 or int(digits[2:]) > 59:
        raise Wrong(f"{shown(value)} has an offset that no zone has", "write it as +01:00")
    return timezone(timedelta(minutes=-minutes if written[0] == "-" else minutes))


def midnight(moment: date | datetime) -> datetime:
    """A bare date is local midnight."""
    if isinstance(moment, datetime):
        return moment
    return datetime(moment.year, moment.month, moment.day)  # noqa: DTZ001 - the wall's time


MOMENT = Form("date or time", lambda node, path, report: _moment(node, end=False, path=path, report=report))
START = Form("date or time", lambda node, path, report: midnight(_moment(node, end=False, path=path, report=report)))
END = Form("date or time", lambda node, path, report: midnight(_moment(node, end=True, path=path, report=report)))


def _date(node: Node, path: str, report: Report) -> date:
    moment = _moment(node, end=False, path=path, report=report)
    if isinstance(moment, datetime):
        raise Wrong(f"{shown(node.text)} is a time", "write a date alone")
    return moment


DATE = Form("date", _date)


def choice(kind: type[StrEnum]) -> Form:
    """The values of one of core's enumerations."""
    return one_of([str(member) for member in kind], kind)
