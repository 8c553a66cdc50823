"""What a plan looks like to people and programs: the JSON shapes of DESIGN.md section 8."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable
from typing import Any

from syncd.config.settings import Destination
from syncd.connector import Secret
from syncd.core.drift import Drift, Pull
from syncd.core.merge import Do
from syncd.core.model import Instant, iso
from syncd.core.notice import Notice
from syncd.core.plan import Change
from syncd.core.record import Outcome, Value

Json = dict[str, Any]


def value(key: str, ref: str | None, said: Value | None) -> Json | None:
    if said is None:
        return None
    return {"key": key, "ref": ref, "person": said.person.removeprefix("?"), "start": iso(said.start), "end": iso(said.end)}


def change(made: Change, now: Instant, outcome: str | None = None) -> Json:
    return {
        "action": made.action.value,
        "status": made.status.value,
        "drift": made.drift,
        "row": made.row,
        "before": value(made.key, made.ref, made.before),
        "after": value(made.key, made.ref, made.after),
        "reason": made.reason,
        **({"outcome": outcome} if outcome is not None else {}),
    }


def drift(found: Drift) -> Json:
    return {
        "row": found.row,
        "drift": found.words,
        "start": iso(found.start),
        "end": iso(found.end),
        "rota": found.desired,
        "people": sorted(p.removeprefix("?") for p in found.observed),
        "reason": found.do.value,
    }


def pull(made: Pull, role: str) -> Json:
    return {"role": role, "people": list(made.people), "start": iso(made.start), "end": iso(made.end), "row": made.row}


def left(drifts: Iterable[Drift]) -> list[Json]:
    """Entries that are kept, each with why."""
    found: dict[tuple[str, ...], Json] = {}
    for d in drifts:
        if d.do in {Do.KEEP, Do.HOLD} and d.refs:
            refs = tuple(ref for ref, _ in d.refs)
            before = found.get(refs)
            start, end = (
                (min(before["start"], iso(d.start)), max(before["end"], iso(d.end))) if before else (iso(d.start), iso(d.end))
            )
            found[refs] = {**drift(d), "refs": list(refs), "start": start, "end": end, "reason": f"{d.words}: {d.do.value}"}
    return list(found.values())


def notice(said: Notice) -> Json:
    return {**dataclasses.asdict(said), "kind": said.kind.value}


def sides(said: Json) -> tuple[Json | None, Json]:
    """Of a notice in the outbox, for the journal: what the destination showed, where that is what it tells of, and the rota."""
    when = {"role": said["role"], "start": iso(said["start"]), "end": iso(said["end"])}
    had, rota = ([person.removeprefix("?") for person in said[side]] for side in ("had", "rota"))
    has = {**when, "people": rota, "what": said["drift"] or said["text"], "done": said["done"]}
    return {**when, "people": had} if said["drift"] else None, has


def notice_shown(said: Notice) -> Json:
    return {"id": said.id, "kind": said.kind.value, "start": iso(said.start), "end": iso(said.end), "text": said.text}


def outcome(said: Outcome | None) -> str:
    return said.value if said is not None else "waiting"


def digest_of(*names: str) -> str:
    return hashlib.sha256("\0".join(names).encode()).hexdigest()[:16]


def settings(of: Destination) -> Json:
    """A destination's settings without its secrets: kept, so that it can be named after it left the configuration."""
    said = {f.name: getattr(of, f.name) for f in dataclasses.fields(of) if f.name != "options"}
    options = {} if of.options is None else {f.name: getattr(of.options, f.name) for f in dataclasses.fields(of.options)}
    public = {
        name: str(v) if v is not None and not isinstance(v, str | int | bool) else v
        for name, v in options.items()
        if not isinstance(v, Secret)
    }
    secrets = sorted(name for name, v in options.items() if isinstance(v, Secret))  # their names alone: a purge asks for them
    shown = {k: v if isinstance(v, str | int | None) else str(v) for k, v in said.items()}
    return {**shown, "options": public, "secrets": secrets}
