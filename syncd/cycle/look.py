"""Looks: reads the store and the destination, and turns both into one question for core."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path

from syncd.config.settings import Destination
from syncd.connector import Connector, Observation, Site
from syncd.core import decide as core
from syncd.core.drift import Policy, as_of
from syncd.core.entry import Entry
from syncd.core.guard import Circumstances
from syncd.core.marker import verify
from syncd.core.model import Approval, Instant, Rota, Schedule, Window
from syncd.core.own import Verdict
from syncd.core.record import Memory
from syncd.core.settle import Settled, settle
from syncd.core.shifts import shifts
from syncd.core.zone import moved
from syncd.store import Destination as Known
from syncd.store import Store, in_force
from syncd.title import Names

JUMP = 60
"""Seconds by which our clock may differ from its last reading backwards (F45)."""
SKEW = 30
"""Seconds by which it may differ from the destination's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """One moment of the store: everything a cycle starts from."""

    schedule: Schedule
    """With the overrides that are in force."""
    revision: int
    memory: Memory
    last: Observation | None
    known: Known
    released: frozenset[str]
    wanted: int


def remember(store: Store | None, settings: Destination, rota: Rota) -> Remembered:
    """`store` None: there is none yet, so nothing is remembered."""
    schedule = rota.schedules[settings.schedule]
    if store is None:
        known = Known(name=settings.name)
        return Remembered(schedule=schedule, revision=0, memory=Memory(), last=None, known=known, released=frozenset(), wanted=0)
    with store.read() as tx:
        last = tx.observations.last(settings.name)
        return Remembered(
            schedule=in_force(schedule, tx.overrides.stored(schedule.id)),
            revision=tx.overrides.revision(schedule.id),
            memory=tx.ledger.memory(settings.name),
            last=last[0] if last else None,
            known=tx.destinations.get(settings.name) or Known(name=settings.name),
            released=tx.holds.released(settings.name),
            wanted=tx.destinations.wanted(settings.name),
        )


def site_of(settings: Destination, rota: Rota, found: Mapping[str, str], state: Path | None = None) -> Site:
    """What a connector is told; accounts by destination name win over those by kind."""
    return Site(
        destination=settings.name,
        schedule=rota.schedules[settings.schedule],
        role=rota.roles[settings.role],
        people=rota.people,
        found=found,
        state=state,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A complete look at the destination. `entries`: all, those whose content was known too."""

    observation: Observation
    entries: tuple[Entry, ...]
    marks: Mapping[str, Verdict]
    now: Instant
    """The destination's clock where it decides who is paged, else ours."""
    jumped: str = ""
    """Why our clock is not to be trusted in this cycle, or ""."""
    skewed: str = ""
    """The same, where it is the destination's that says so."""


def look(
    store_key: bytes, instance: str, settings: Destination, rota: Rota, connector: Connector, known: Remembered, now: Instant
) -> Look:
    """Raises what the connector raises: a failed look is unknown, never empty (I12)."""
    can = connector.capabilities
    window = _window(settings, known, connector, now)
    contents = {e.ref: e for e in known.last.entries} if known.last else {}
    rows = [row for row in known.memory.rows if can.own_ids or row.doubt != "delete"]  # a list tells whether those are gone
    ours = {row.ref for row in rows if row.accepted.end > now}
    ours |= {intent.ref for intent in known.memory.intents if intent.ref}
    versions = {
        ref: e.version or "" for ref, e in contents.items() if ref in ours or (e.start < window.end and window.start < e.end)
    }
    versions |= {ref: "" for ref in ours if ref not in versions}
    versions |= dict.fromkeys(_named_since(settings, rota, [contents[ref] for ref in ours if ref in contents]), "")
    observation = _as_last(connector.read(window, versions), known.last)
    further = min(_reach(observation, ours, connector), now + settings.horizon + core.FURTHEST)
    if further > window.end:  # whole, or it comes in a piece a cycle (rule 9); and nothing is decided of a time that was not read
        observation = connector.read(Window(window.start, further), versions)
    entries = (*observation.entries, *(contents[ref] for ref in sorted(observation.same)))
    at = observation.server_time if can.exclusive and observation.server_time is not None else now
    marks = _marks(store_key, instance, settings, entries)
    skewed = _skewed(settings.name, observation, now)
    jumped = _put_back(known.known, now) or skewed
    return Look(observation=observation, entries=entries, marks=marks, now=at, jumped=jumped, skewed=skewed)


def as_it_was(store_key: bytes, instance: str, settings: Destination, last: Observation, now: Instant) -> Look:
    """What the last complete look saw, for whoever cannot look now; nothing may be written by it."""
    return Look(observation=last, entries=last.entries, marks=_marks(store_key, instance, settings, last.entries), now=now)


def _marks(store_key: bytes, instance: str, settings: Destination, entries: Sequence[Entry]) -> dict[str, Verdict]:
    return {
        e.ref: verify(store_key, e.marker, instance=instance, destination=settings.name, uid=e.uid) for e in entries if e.marker
    }


def _named_since(settings: Destination, rota: Rota, ours: Sequence[Entry]) -> list[str]:
    """Of entries whose title named nobody when they were read: those that name somebody of the rota as it is now."""
    template = getattr(settings.options, "title", None)
    unnamed = [entry for entry in ours if entry.person is None] if template else []
    names = Names(site_of(settings, rota, {}), str(template)) if unnamed else None
    return [entry.ref for entry in unnamed if names is not None and names.person(entry.title) is not None]


def _as_last(observation: Observation, last: Observation | None) -> Observation:
    """Where the final rota was not asked for, nothing changed since the last look but what we wrote: that one's still holds."""
    return observation if observation.rendered else replace(observation, paged=last.paged if last else (), rendered=True)


def _reach(observation: Observation, ours: Set[str], connector: Connector) -> Instant:
    """The end of the last entry that counts: of those on top where they are stacked, else of ours and of those with a marker."""
    if connector.capabilities.stacked:
        ours = {p.ref for p in observation.paged if p.ref is not None}
    marked = not connector.capabilities.stacked
    return max((e.end for e in observation.entries if e.ref in ours or (marked and e.marker)), default=0)


def _window(settings: Destination, known: Remembered, connector: Connector, now: Instant) -> Window:
    rota = shifts(known.schedule, Window(now, now + settings.horizon), role=settings.role)
    window = core.window_of(now, settings.horizon, rota, known.memory, connector.capabilities)
    if known.last is None:
        return window
    before = replace(known.last, entries=tuple(e for e in known.last.entries if now < e.end and e.start < window.end))
    reach = _reach(before, {row.ref for row in known.memory.rows}, connector)
    return Window(window.start, min(max(window.end, reach), now + settings.horizon + core.FURTHEST))


def _put_back(known: Known, now: Instant) -> str:
    if known.wall is not None and now < known.wall - JUMP:
        return f"the clock went back by {known.wall - now} s"
    return ""


def _skewed(name: str, observation: Observation, now: Instant) -> str:
    if observation.server_time is not None and abs(observation.server_time - now) > SKEW:
        ahead = now - observation.server_time
        return f"the clock is {abs(ahead)} s {'ahead of' if ahead > 0 else 'behind'} that of {name}"
    return ""


def agrees(one: Look, other: Look) -> bool:
    """Whether two looks saw the same (W11)."""
    return set(one.entries) == set(other.entries) and one.observation.paged == other.observation.paged


def question(
    settings: Destination, rota: Rota, known: Remembered, seen: Look, connector: Connector, *, confirmed: bool, jumped: str = ""
) -> tuple[core.Question, Settled]:
    """What core is asked, after open intents were settled by what was read."""
    settled = settle(known.memory, seen.entries, seen.marks, seen.now)
    was = (known.known.mode, known.known.role, known.known.schedule)
    released = frozenset(as_of(name, seen.now) for name in known.released)
    changed = was != (None, None, None) and was != (settings.mode.value, settings.role, settings.schedule)
    asked = core.Question(
        destination=settings.name,
        schedule=known.schedule,
        role=settings.role,
        now=seen.now,
        horizon=settings.horizon,
        can=connector.capabilities,
        entries=seen.entries,
        paged=seen.observation.paged,
        missing=seen.observation.missing,
        marks=seen.marks,
        memory=settled.memory,
        policy=Policy(
            mode=settings.mode,
            on_deleted=settings.on_deleted,
            on_conflict=settings.on_conflict,
            people=rota.roles[settings.role].people,
            imports_wait=known.schedule.approval is Approval.ALL,
            released=released,
            protected=seen.now + settings.protect_until if settings.protect_until is not None else 0,
        ),
        here=Circumstances(
            destination=settings.name,
            limits=settings.limits,
            settings_changed=changed,
            zones_changed=_zones_changed(known, seen.now),
            first_link=True,
            clock_jumped=bool(jumped or seen.jumped),
            confirmed=confirmed,
            released=released,
        ),
        wording=connector.wording,
    )
    return asked, settled


def _zones_changed(known: Remembered, now: Instant) -> tuple[str, ...]:
    was = known.known.more
    return tuple(moved(was.get("zones", {}), was.get("until", 0), now, known.schedule.zones))


def confirm(decision: core.Decision, asked: core.Question) -> bool:
    """Whether what was decided hangs on something being gone or changed, so that a second look must agree (W11)."""
    rows = asked.memory.rows
    standing = {e.ref for e in asked.entries}
    if rows and not any(row.ref in standing for row in rows if row.accepted.end > asked.now):
        return any(row.accepted.end > asked.now for row in rows)
    if not asked.can.stacked:
        return False  # absence was confirmed by a read of each entry, a change by its version
    return bool(decision.plan.pulls or decision.withdrawn or decision.dropped) or any(c.drifts for c in decision.plan.changes)
