"""The little OData that the Microsoft simulator speaks: `$filter`, `$expand`, `$select` and the `Prefer` header."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

ZONES = {name.casefold(): name for name in available_timezones()}
WINDOWS = {name.casefold(): zone for name, zone in WINDOWS_TO_OLSON.items()}


class Refusal(Exception):
    """An answer that is an error, in Graph's form."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message = status, code, message
        self.headers = dict(headers or {})
        self.more = dict(more or {})


def bad(message: str, code: str = "BadRequest") -> Refusal:
    return Refusal(400, code, message)


# --- time ------------------------------------------------------------------------------------

_DATE_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?)(\.\d{1,7})?(Z|[+-]\d\d:\d\d)?")


def zone_of(name: str) -> tzinfo:
    """A Windows or IANA name (MS-18)."""
    folded = name.casefold()
    if folded in ("utc", "tzone://microsoft/utc"):
        return UTC
    if folded in WINDOWS:
        return ZoneInfo(WINDOWS[folded])
    if folded in ZONES:
        return ZoneInfo(ZONES[folded])
    raise bad("A valid TimeZone value must be specified. The following TimeZone value is not supported: " + repr(name),
              "TimeZoneNotSupportedException")  # fmt: skip


def instant(value: Any) -> tuple[int, str]:
    """A `dateTimeTimeZone` as (instant, zone); the zone is UTC where none is named."""
    text, name = str((value or {}).get("dateTime")), str((value or {}).get("timeZone") or "UTC")
    found = _DATE_TIME.fullmatch(text)
    if not found or found[3] not in (None, "Z"):
        raise bad(f"dateTime {text!r} is not a local date and time", "ErrorInvalidRequest")
    zone = zone_of("UTC" if found[3] else name)
    return int(datetime.fromisoformat(found[1]).replace(tzinfo=zone).timestamp()), name


def bound(text: str | None, name: str) -> int:
    """`startDateTime` and `endDateTime` of a view: an offset is honoured, without one it is UTC (MS-30)."""
    if text is None:
        raise bad(
            f"This request requires a time window specified by the query string parameters: {name}.", "ErrorInvalidParameter"
        )
    if not _DATE_TIME.fullmatch(text):
        raise bad(f"The value {text!r} of parameter {name!r} is invalid.", "ErrorInvalidParameter")
    at = datetime.fromisoformat(re.sub(r"\.\d+", "", text))
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())


def shown_time(at: int, zone_name: str) -> dict[str, str]:
    """Seven decimals and no offset (MS-10)."""
    return {"dateTime": f"{datetime.fromtimestamp(at, zone_of(zone_name)):%Y-%m-%dT%H:%M:%S}.0000000", "timeZone": zone_name}


# --- what the headers and the query ask for ----------------------------------------------------


@dataclass(frozen=True)
class Wishes:
    """What one request prefers."""

    immutable: bool = False
    zone: str | None = None
    text: bool = False
    page: int | None = None


def wishes(prefer: list[str]) -> Wishes:
    text = ", ".join(prefer)
    page = re.search(r"odata\.maxpagesize\s*=\s*\"?(\d+)", text, re.IGNORECASE)
    zone = re.search(r"outlook\.timezone\s*=\s*\"([^\"]*)\"", text, re.IGNORECASE)
    if zone:
        zone_of(zone[1])
    return Wishes(
        immutable=bool(re.search(r"IdType\s*=\s*\"ImmutableId\"", text, re.IGNORECASE)),
        zone=zone[1] if zone else None,
        text=bool(re.search(r"outlook\.body-content-type\s*=\s*\"text\"", text, re.IGNORECASE)),
        page=int(page[1]) if page else None,
    )


_PROPERTY = re.compile(r"(String)\s+\{([0-9a-fA-F-]{36})\}\s+Name\s+(\S.*)")


def property_id(text: Any) -> str:
    """`String {GUID} Name X` in one spelling: the GUID in lower case, the name as it is (MS-25)."""
    found = _PROPERTY.fullmatch(str(text))
    if not found:
        raise bad(f"The property id {text!r} is not of the form 'String {{GUID}} Name X'.", "ErrorInvalidProperty")
    return f"{found[1]} {{{found[2].lower()}}} Name {found[3]}"


def _quoted(text: str) -> str:
    if not re.fullmatch(r"'(?:[^']|'')*'", text):
        raise bad(f"Syntax error: a text in quotation marks is expected, not {text}")
    return text[1:-1].replace("''", "'")


def expanded(text: str | None) -> tuple[str, ...]:
    """The extended properties that `$expand` names."""
    if not text:
        return ()
    found = re.fullmatch(r"singleValueExtendedProperties\(\s*\$filter\s*=\s*(.*)\)", text.strip(), re.DOTALL)
    if not found:
        raise bad(f"Could not find a property that can be expanded as {text!r} on type 'microsoft.graph.event'.")
    ids = []
    for part in re.split(r"\s+or\s+", found[1].strip()):
        one = re.fullmatch(r"id\s+eq\s+(.*)", part.strip())
        if not one:
            raise bad(f"Syntax error in $expand at {part!r}")
        ids.append(property_id(_quoted(one[1].strip())))
    return tuple(ids)


Probe = Callable[[Mapping[str, Any]], bool]
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
}


def filtered(text: str | None) -> tuple[Probe, bool]:
    """A test of `{start, end, subject, transactionId, properties}`, and whether it looks at extended properties."""
    if not text:
        return (lambda _: True), False
    probes, extended = [], False
    for part in _conjuncts(text):
        found = re.fullmatch(r"singleValueExtendedProperties/any\(\s*(\w+)\s*:\s*(.*)\)", part, re.DOTALL)
        if found:
            extended = True
            probes.append(_any(found[1], found[2]))
            continue
        found = re.fullmatch(r"(start/dateTime|end/dateTime|subject|transactionId)\s+(eq|ne|lt|le|gt|ge)\s+(.*)", part, re.DOTALL)
        if not found:
            raise bad(f"Invalid filter clause at {part!r}")
        name, compare, value = found[1].split("/")[0], _COMPARE[found[2]], _quoted(found[3].strip())
        wanted: Any = bound(value, found[1]) if name in ("start", "end") else value
        probes.append(lambda facts, n=name, c=compare, w=wanted: c(facts[n], w))
    return (lambda facts: all(probe(facts) for probe in probes)), extended


def _any(name: str, text: str) -> Probe:
    wanted: dict[str, str] = {}
    for part in _conjuncts(text):
        found = re.fullmatch(rf"{name}/(id|value)\s+eq\s+(.*)", part, re.DOTALL)
        if not found:
            raise bad(f"Invalid filter clause at {part!r}")
        wanted[found[1]] = _quoted(found[2].strip())
    if "id" not in wanted:
        raise bad("A filter on extended properties must name an id.")
    key = property_id(wanted["id"])

    def probe(facts: Mapping[str, Any]) -> bool:
        value = facts["properties"].get(key)
        return value is not None and ("value" not in wanted or value.casefold() == wanted["value"].casefold())

    return probe


def _conjuncts(text: str) -> list[str]:
    """Split at `and` outside quotation marks and parentheses."""
    parts, depth, quoted, begin, at = [], 0, False, 0, 0
    while at < len(text):
        char = text[at]
        if char == "'":
            quoted = not quoted
        elif not quoted and char in "()":
            depth += 1 if char == "(" else -1
        elif not quoted and depth == 0 and (found := re.match(r"\s+and\s+", text[at:])):
            parts.append(text[begin:at])
            at += found.end()
            begin = at
            continue
        at += 1
    if quoted or depth:
        raise bad(f"Syntax error: unbalanced quotation marks or parentheses in {text!r}")
    return [part.strip() for part in (*parts, text[begin:])]


def selected(answer: dict[str, Any], select: str | None) -> dict[str, Any]:
    """`$select` leaves annotations and the id alone (MS-15)."""
    if not select:
        return answer
    names = {name.strip() for name in select.split(",")} | {"id"}
    return {
        name: value
        for name, value in answer.items()
        if name in names or name.startswith("@") or name == "singleValueExtendedProperties"
    }
