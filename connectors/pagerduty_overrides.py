"""Reads overrides and their rendering out of PagerDuty's answers, and works out which override is on top."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

from connectors.pagerduty_answer import Answer, line
from connectors.pagerduty_api import moment
from syncd.connector import Unavailable
from syncd.core.model import Instant, Window, iso


class Override(NamedTuple):
    ref: str
    start: Instant
    end: Instant
    user: str

    @property
    def version(self) -> str:
        """What it says: an override changes only by being cut off."""
        return f"{iso(self.start)}/{iso(self.end)}/{self.user}"


def is_over(version: str, now: Instant | None) -> bool:
    """Whether an override that said this lies in the past."""
    end = version.split("/")[1] if version.count("/") == 2 else ""
    return now is not None and end.endswith("Z") and moment(end) <= now


class Piece(NamedTuple):
    """Of the rendered schedule; where there is none, nobody is paged."""

    start: Instant
    end: Instant
    user: str


class Look(NamedTuple):
    overrides: dict[str, Override]
    final: list[Piece]
    covered: list[Piece]
    """By an override, as the rendering tells it: a second list of them, without ids."""
    names: dict[str, str]
    time: Instant | None
    page: object


def span(window: Window) -> list[tuple[str, str]]:
    """Without overflow, what crosses an edge comes back clipped (PD-21)."""
    return [("since", iso(window.start)), ("until", iso(window.end)), ("overflow", "true")]


def form_of(override: Override) -> dict[str, Any]:
    user = {"id": override.user, "type": "user_reference"}
    return {"start": iso(override.start), "end": iso(override.end), "user": user}


def _user(item: Mapping[str, Any]) -> Mapping[str, Any]:
    user = item.get("user")
    return user if isinstance(user, dict) else {}


def name_in(item: Mapping[str, Any]) -> str:
    return str(_user(item).get("summary") or "")


def override_in(item: Mapping[str, Any]) -> Override:
    return Override(
        str(item.get("id") or ""), moment(item.get("start")), moment(item.get("end")), str(_user(item).get("id") or "")
    )


def rendered_in(schedule: Mapping[str, Any], name: str, window: Window, names: dict[str, str]) -> Iterator[Piece]:
    part = schedule.get(name)
    entries = part.get("rendered_schedule_entries") if isinstance(part, dict) else None
    if not isinstance(entries, list):
        if name == "final_schedule":  # without it nobody knows who is paged
            raise Unavailable("PagerDuty's answer has no rendered schedule")
        return
    for item in entries:
        user = str(_user(item).get("id") or "")
        end = window.end if item.get("end") is None else moment(item["end"])
        start = max(moment(item.get("start")), window.start)
        if user and start < min(end, window.end):
            names.setdefault(user, name_in(item))
            yield Piece(start, min(end, window.end), user)


def told_by(answer: Answer) -> list[tuple[Override, str]]:
    """Both documented shapes (PD-23): a bare array with a status an item, and an object. An item without an id is refused."""
    data = answer.data
    items = data.get("overrides") if isinstance(data, dict) else data
    if isinstance(data, dict) and isinstance(data.get("override"), dict):
        items = [data["override"]]
    if not isinstance(items, list):
        raise Unavailable("PagerDuty's answer to a create has no overrides")
    told = []
    for item in items:
        if not isinstance(item, dict):
            continue
        inside = item.get("override")
        echo = inside if isinstance(inside, dict) else item
        status, errors = item.get("status") or 201, item.get("errors") or []
        try:
            said = override_in(echo)
        except Unavailable:
            continue  # nothing that was sent
        good = str(status).startswith("2") and not errors  # the schema says number: 201, and 201.0 too
        words = line("; ".join(map(str, errors if isinstance(errors, list) else [errors])))
        told.append((said if good else said._replace(ref=""), words))
    return told


# --- who is on top ----------------------------------------------------------------------------


def shares(override: Override, window: Window) -> bool:
    return override.start < window.end and window.start < override.end


class Top(NamedTuple):
    """Who is paged in `[start, end)`, and by which override (None: by the schedule's layers)."""

    start: Instant
    end: Instant
    user: str
    ref: str | None


def tops(look: Look, window: Window, ours: Collection[str]) -> list[Top]:
    """Without the gaps. Of two overrides that say the same it is ours, then the first by its ref."""
    found: list[Top] = []
    for start, end, user, on in _elementary(look, window):
        if user is None:
            continue
        same = min(((one.ref not in ours, one.ref) for one in on if one.user == user), default=None)
        ref = same[1] if same else None
        if found and (found[-1].end, found[-1].user, found[-1].ref) == (start, user, ref):
            found[-1] = found[-1]._replace(end=end)
        else:
            found.append(Top(start, end, user, ref))
    return found


def torn(look: Look, window: Window, gone: Collection[str] = ()) -> Instant | None:
    """The first instant from now on where the two reads cannot both be true; None where they agree.

    `gone`: users who are there no more, so that their overrides page nobody.
    """
    for start, end, user, on in _elementary(look, window):
        if look.time is not None and end <= look.time:
            continue
        on = [one for one in on if one.user not in gone or one.user == user]
        if on and user not in {one.user for one in on}:
            return start
        if not on and any(piece.start < end and start < piece.end for piece in look.covered):
            return start
    return None


def _elementary(look: Look, window: Window) -> Iterator[tuple[Instant, Instant, str | None, list[Override]]]:
    """Start, end, who is paged (None: nobody), the overrides that lie there."""
    shown = sorted((one for one in look.overrides.values() if shares(one, window)), key=lambda one: one.start)
    final = sorted(look.final)
    spans = [*((piece.start, piece.end) for piece in (*final, *look.covered)), *((one.start, one.end) for one in shown)]
    edges = {window.start, window.end, *(at for both in spans for at in both)}
    active: list[Override] = []
    piece = nth = 0
    for start, end in pairwise(sorted(at for at in edges if window.start <= at <= window.end)):
        while nth < len(shown) and shown[nth].start <= start:
            active.append(shown[nth])
            nth += 1
        active = [one for one in active if one.end > start]
        while piece < len(final) and final[piece].end <= start:
            piece += 1
        user = final[piece].user if piece < len(final) and final[piece].start <= start else None
        yield start, end, user, list(active)
