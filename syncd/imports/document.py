"""Reads another product's JSON, which anybody may have written: bounded, and with one clear error for what is no schedule."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from datetime import datetime
from typing import Any

from syncd.core.model import DAY, Instant
from syncd.core.zone import instant

LONGEST = 4 << 20
"""Bytes of a file."""
LARGEST = 100_000
"""Values in it."""
DEEPEST = 40
EARLIEST: Instant = 631_152_000
LATEST: Instant = 7_258_118_400 - 1
"""The years that are taken at their word are 1990 to 2199; others stand for "always" or "never"."""

_CONTROLS = re.compile("[\\x00-\\x09\\x0b-\\x1f\\x7f-\\x9f\\u2028\\u2029\\ufeff\\ufffe\\uffff]")
_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]*)?)?Z?(?: ?([AaPp][Mm]))?")


class NotImportable(Exception):
    """The file is not what it should be. Its text is one sentence: where, what is wrong, what to do."""


def parse(data: bytes) -> Any:
    """The JSON in `data`. Raises `NotImportable` where there is none, or where it is too much."""
    if len(data) > LONGEST:
        raise NotImportable(f"longer than {LONGEST >> 20} MiB; import one schedule at a time")
    try:
        value = json.loads(data.decode("utf-8-sig"), parse_constant=_no_number, parse_int=_whole)
    except UnicodeDecodeError:
        raise NotImportable("this is not UTF-8 text; save the API's answer as it came") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise NotImportable(f"{where}: this is no JSON ({error.msg}); save the API's answer as it came") from None
    except RecursionError:
        raise NotImportable(f"more than {DEEPEST} levels inside each other: no schedule looks like that") from None
    except ValueError as error:
        raise NotImportable(f"this is no JSON that can be read ({error})") from None
    _bounded(value)
    return value


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number")


def _whole(text: str) -> int:
    if len(text) > 24:
        raise ValueError("a number of more than 24 digits")
    return int(text)


def _bounded(value: Any) -> None:
    todo, count = [(value, 1)], 0
    while todo:
        one, depth = todo.pop()
        inside = one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        count += 1 + len(inside)
        if count > LARGEST:
            raise NotImportable(f"more than {LARGEST:,} values; import one schedule at a time")
        if depth > DEEPEST:
            raise NotImportable(f"more than {DEEPEST} levels inside each other: no schedule looks like that")
        todo += [(each, depth + 1) for each in inside if isinstance(each, (dict, list))]


def line(value: str, most: int) -> str:
    """Text for one line of our file: composed, without control characters, at most `most` characters."""
    return block(value.replace("\n", " "), most)


def block(value: str, most: int) -> str:
    """The same, its line breaks kept."""
    sound = value.encode("utf-8", "replace").decode("utf-8")
    text = unicodedata.normalize("NFC", _CONTROLS.sub(" ", sound.replace("\r\n", "\n"))).strip()
    return unicodedata.normalize("NFC", text[:most]).strip()[:most]


class Item:
    """One object of the JSON. Names are tried in order; `path` says where it stands, `used` what was asked for."""

    def __init__(self, data: dict[str, Any], path: str) -> None:
        self.data = data
        self.path = path
        self.used: dict[str, None] = {}

    def raw(self, *names: str) -> Any:
        """The first that is there and not null."""
        for name in names:
            if self.data.get(name) is not None:
                self.used[name] = None
                return self.data[name]
        return None

    def wrong(self, name: str, what: str) -> NotImportable:
        return NotImportable(f"{self.path}{'.' if self.path else ''}{name}: {what}")

    def text(self, *names: str, most: int = 200) -> str:
        """On one line; a number is text too; "" where there is none."""
        value = self.raw(*names)
        if isinstance(value, (dict, list)):
            raise self.wrong(names[0], "expected text")
        return "" if value is None else line(str(value), most)

    def block(self, *names: str, most: int) -> str:
        value = self.raw(*names)
        return block(value, most) if isinstance(value, str) else ""

    def whole(self, *names: str, least: int, most: int) -> int | None:
        value = self.raw(*names)
        if value is None or value == "":
            return None
        if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,15}", value.strip()):
            value = int(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self.wrong(self._named(names), f"expected a whole number, {least:,} to {most:,}")
        return value

    def flag(self, *names: str) -> bool:
        return self.raw(*names) in (True, 1, "true", "1")

    def items(self, *names: str) -> list[Item]:
        """A list of objects; none where there is no list."""
        value = self.raw(*names)
        name = self._named(names)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise self.wrong(name, "expected a list of objects")
        return [Item(one, f"{self.path}{'.' if self.path else ''}{name}[{i}]") for i, one in enumerate(value)]

    def values(self, *names: str) -> list[Any]:
        value = self.raw(*names)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.wrong(self._named(names), "expected a list")
        return value

    def inside(self, *names: str) -> Item | None:
        value = self.raw(*names)
        name = self._named(names)
        return Item(value, f"{self.path}{'.' if self.path else ''}{name}") if isinstance(value, dict) else None

    def moment(self, *names: str, zone: str) -> Instant | None:
        """ISO 8601 (without an offset in `zone`), or (milli)seconds since 1970; 0 and times beyond the years are none."""
        value = self.raw(*names)
        if value is None or value == "" or value == 0:
            return None
        if isinstance(value, str) and re.fullmatch(r"[0-9]{9,13}", value):
            value = int(value)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            at = int(value // 1000 if abs(value) > 99_999_999_999 else value)
            return at if EARLIEST < at <= LATEST else None
        return self._iso(value, zone, self._named(names)) if isinstance(value, str) else self._no_time(names)

    def _no_time(self, names: tuple[str, ...]) -> Instant:
        raise self.wrong(self._named(names), "expected a time such as 2026-03-02T09:00:00Z")

    def _iso(self, text: str, zone: str, name: str) -> Instant | None:
        try:
            at = datetime.fromisoformat(text.strip())
        except ValueError:
            raise self.wrong(name, "expected a time such as 2026-03-02T09:00:00Z") from None
        if not 1990 <= at.year <= 2198:
            return None
        if at.tzinfo is None or at.utcoffset() is None:
            return instant(at.replace(microsecond=0), zone)
        return int(at.timestamp())

    def clock(self, *names: str) -> int | None:
        """Seconds after midnight of `9:00`, `09:00:30` or `9:00 AM`; a number is seconds already."""
        value = self.raw(*names)
        if value is None or value == "":
            return None
        name = self._named(names)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= DAY:
            return value
        match = _CLOCK.fullmatch(value.strip()) if isinstance(value, str) else None
        if match is None:
            raise self.wrong(name, "expected a time of day such as 09:00")
        hours = int(match[1])
        if match[4] is not None:
            hours = hours % 12 + (12 if match[4].casefold() == "pm" else 0)
        seconds = hours * 3_600 + int(match[2]) * 60 + int(match[3] or 0)
        if seconds > DAY or int(match[2]) > 59 or int(match[3] or 0) > 59:
            raise self.wrong(name, "expected a time of day such as 09:00")
        return seconds

    def _named(self, names: tuple[str, ...]) -> str:
        return next((name for name in names if self.data.get(name) is not None), names[0])


def schedules_in(value: Any, is_one: Callable[[Item], bool], *names: str) -> list[Item]:
    """The schedules of an answer: one object, a list, or inside `data`, `schedule`, `schedules`, `items` and the like."""
    found: list[Item] = []
    todo: list[tuple[Any, str]] = [(value, "")]
    for _ in range(6):
        following: list[tuple[Any, str]] = []
        for one, path in todo:
            if isinstance(one, list):
                following += [(inside, f"{path}[{i}]") for i, inside in enumerate(one)]
            elif isinstance(one, dict):
                if is_one(Item(one, path)):
                    found.append(Item(one, path))
                    continue
                for name in (*names, "data", "schedule", "schedules", "items", "results", "result"):
                    if isinstance(one.get(name), (dict, list)):
                        following.append((one[name], f"{path}{'.' if path else ''}{name}"))
        if found or not following:
            break
        todo = following
    return found
