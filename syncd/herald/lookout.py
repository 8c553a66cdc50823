"""Looks at the rota in force and posts what is due of it; what was told is in the store, so that nothing is told twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from syncd import log
from syncd.config.settings import Handoff as HandoffSettings
from syncd.core.announce import (
    FURTHEST_LEAD,
    Duty,
    Handoff,
    Hole,
    changes,
    free_at,
    handoffs,
    hole,
    name_of,
    on_call,
    rounds,
    to_tell,
    today,
)  # fmt: skip
from syncd.core.audience import Choices, Kind, Ways, admins_of, choice, groups_on, people_on
from syncd.core.gaps import Gap, gaps
from syncd.core.model import DAY, HOUR, Instant, Schedule, Shift, Window
from syncd.core.shifts import shifts
from syncd.herald.reach import members_of
from syncd.herald.ways import Channels
from syncd.notify.words import in_a_line
from syncd.store import Store, in_force
from syncd.store.marks import Approved, Recorded, Stored

_OF_THE_ROTA = {"handoff", "daily", "changed", "gaps", "approval"}
AHEAD = 31 * DAY
"""How far ahead a change of somebody's duty is told."""
FRESH = HOUR
"""Seconds for which a computed rota is good while nothing changes."""

Json = dict[str, Any]


@dataclass(slots=True)
class Seen:
    """One schedule as it is in force, and what follows from it."""

    of: Schedule
    revision: int
    at: Instant
    now: Schedule
    duty: list[Shift]
    plain: list[list[Any]]
    handoffs: list[Handoff]
    waiting: list[Recorded]
    gaps: list[tuple[Gap, Hole]]

    def good(self, of: Schedule, revision: int, now: Instant) -> bool:
        return self.of == of and self.revision == revision and self.at <= now < self.at + FRESH


@dataclass(slots=True)
class Told:
    """What the store knows of a schedule's notices. `duty`: as it was told last, from `since` up to `until`; `gaps`: by their
    keys.
    """

    duty: list[Any] | None = None
    since: Instant = 0
    until: Instant = 0
    gaps: dict[str, Any] = field(default_factory=dict)
    gaps_on: str = ""

    def plain(self) -> Json:
        return {"duty": self.duty, "since": self.since, "until": self.until, "gaps": self.gaps, "gaps_on": self.gaps_on}


class Lookout:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._seen: dict[str, Seen] = {}
        self._told: dict[str, Told] = {}
        self._posted: set[str] = set()
        self._odd: set[str] = set()
        self.choices: Choices = {}

    def forget(self) -> None:
        """Another configuration, or somebody else told people meanwhile: nothing that was computed or read counts any more."""
        self._seen, self._told, self._posted = {}, {}, set()

    def look(self, channels: Channels, now: Instant) -> None:
        """Posts what is due. Raises `StoreError`."""
        rota = channels.config.rota
        with self._store.read() as tx:
            self.choices = tx.preferences.all()
            since = tx.facts.get("notices since")
            for id_ in rota.schedules.keys() - self._told.keys():
                self._told[id_] = Told(**(tx.facts.get(f"notices {id_}") or {}))
            stale = {}
            for id_, schedule in rota.schedules.items():
                revision, known = tx.overrides.revision(id_), self._seen.get(id_)
                if known is None or not known.good(schedule, revision, now):
                    stale[id_] = (revision, tx.overrides.stored(id_))
        for id_, (revision, stored) in stale.items():
            try:
                self._seen[id_] = self._compute(channels, rota.schedules[id_], stored, now, revision)
            except Exception as error:  # one odd schedule silences no other
                if id_ not in self._odd:
                    log.logger().exception("notices.schedule", schedule=id_, reason=str(error))
                self._odd.add(id_)
            else:
                self._odd.discard(id_)
        for id_ in [id_ for id_ in self._seen if id_ not in rota.schedules]:
            del self._seen[id_]
        due: list[tuple[str, Json]] = []
        after = {}
        for id_, seen in self._seen.items():
            told = replace(self._told[id_])
            due += [*self._of(channels, seen, told, now, now if since is None else min(since, now))]
            if told != self._told[id_]:
                after[id_] = told
        new = [(key, said) for key, said in due if key not in self._posted]
        first = since is None or since > now  # a clock that was ahead when all began would silence every day until then
        if not new and not after and not first:
            return
        with self._store.write() as tx:
            if first:
                tx.facts.put("notices since", now)
            for key, said in new:
                if tx.outbox.post({"id": key, **said}, key, at=now):
                    tx.journal.add(at=now, event=f"notice: {said['kind']}", entry=key, new=in_a_line(said, rota))
            for id_, told in after.items():
                tx.facts.put(f"notices {id_}", told.plain())
        self._told.update(after)
        self._posted = {key for key, _ in due}

    def as_of(self, said: Mapping[str, Any], now: Instant) -> Mapping[str, Any] | None:
        """The notice as it is true now, however late; None where nothing of it is left to tell."""
        kind = said.get("kind")
        if kind == "H" and said.get("digest"):
            return said if self._waits(said) else None
        if kind not in _OF_THE_ROTA:
            return said
        seen = self._seen.get(str(said.get("schedule", "")))
        if seen is None or now >= said.get("until", now + 1):
            return None
        match kind:
            case "handoff":
                return _handed(said, seen, now)
            case "daily":
                return {**said, "start": now, "rows": _plain(on_call(seen.duty, Window(now, max(said["end"], now + 1))))}
            case "gaps":
                open_ = {one.key for gap, one in seen.gaps if gap.end > now}
                rows = [row for row in said["rows"] if Hole(row[0], row[1], row[2], row[3], tuple(row[4])).key in open_]
                return {**said, "rows": rows} if rows else None
            case "approval":
                return said if any(one.override.id == said["override"] for one in seen.waiting) else None
        return said

    def _waits(self, said: Mapping[str, Any]) -> bool:
        """Whether nobody answered the hold yet, and there is still something to hold."""
        with self._store.read() as tx:
            return any(hold.digest == said["digest"] for hold in tx.holds.open(said["destination"]))

    # --- one schedule --------------------------------------------------------------------

    def _compute(self, channels: Channels, of: Schedule, stored: Stored, now: Instant, revision: int) -> Seen:
        settings, rota = channels.settings(of.id).gaps, channels.config.rota
        waiting = [one for one in stored.recorded if one.approval is Approved.PENDING and not one.removed]
        now_so = in_force(of, stored)
        duty = shifts(now_so, Window(now - 1, now + AHEAD + DAY))
        window = Window(now, now + (settings.days if settings else 0) * DAY)
        found = to_tell(gaps(rota, now_so, window)) if settings else []
        edged = any(gap.start == window.start or gap.end == window.end for gap in found)
        wider = gaps(rota, now_so, Window(window.start - 1, window.end + 1)) if edged else found
        return Seen(
            of=of, revision=revision, at=now, now=now_so, duty=duty,
            plain=_plain(on_call(duty, Window(now, now + AHEAD))),
            handoffs=handoffs(duty, Window(now, now + FURTHEST_LEAD + DAY)), waiting=waiting,
            gaps=[(gap, hole(gap, window, wider)) for gap in found],
        )  # fmt: skip

    def _of(self, channels: Channels, seen: Seen, told: Told, now: Instant, since: Instant) -> Iterator[tuple[str, Json]]:
        ways = channels.ways(seen.of.id)
        yield from self._handoffs(channels, ways, seen, now)
        yield from self._daily(channels, ways, seen, now, since)
        yield from self._changed(channels, ways, seen, told, now)
        yield from self._gaps(channels, ways, seen, told, now, since)
        for one in seen.waiting:
            asked = one.override
            if asked.end > now and asked.origin != "import":
                yield f"approval-{asked.id}", {
                    "kind": "approval", "schedule": seen.of.id, "override": asked.id, "people": list(asked.people),
                    "replaces": None if asked.replaces is None else list(asked.replaces),
                    "roles": list(asked.roles), "start": asked.start, "end": asked.end, "by": asked.by, "reason": asked.reason,
                    "until": asked.end,
                }  # fmt: skip

    def _handoffs(self, channels: Channels, ways: Ways, seen: Seen, now: Instant) -> Iterator[tuple[str, Json]]:
        configured = channels.settings(seen.of.id).handoff
        rota = channels.config.rota
        leads = (value["lead"] for (_, _, kind), value in self.choices.items() if kind == Kind.HANDOFF and _has_lead(value))
        furthest = max((configured or HandoffSettings()).lead, *leads, 0)
        for one in seen.handoffs:
            if not now < one.at <= now + furthest:
                continue
            for direction, people, others in (
                ("incoming", one.incoming, one.outgoing),
                ("outgoing", one.outgoing, one.incoming),
            ):
                for to in people_on(rota, ways, people, Kind.HANDOFF, self.choices, default=configured is not None):
                    wish = _handoff(configured, choice(self.choices, ways, to.person, to.channel, Kind.HANDOFF))
                    if now < one.at - wish.lead or wish.to not in {direction, "both"}:
                        continue
                    end = free_at(seen.duty, one.role, to.person, one.at) if direction == "incoming" else one.at
                    yield name_of("handoff", seen.of.id, one.role, one.at, direction, to.person, to.channel), {
                        "kind": "handoff", "schedule": seen.of.id, "role": one.role, "start": one.at, "end": end,
                        "direction": direction, "person": to.person, "others": list(others),
                        "staying": list(one.staying), "to": [list(to)],
                        "until": max(end, one.at),
                    }  # fmt: skip

    def _daily(self, channels: Channels, ways: Ways, seen: Seen, now: Instant, since: Instant) -> Iterator[tuple[str, Json]]:
        configured, rota = channels.settings(seen.of.id).daily, channels.config.rota
        chose = {person for (person, _, kind), value in self.choices.items() if kind == Kind.DAILY and value}
        if configured is None and not chose:
            return
        to = configured.to if configured else ()
        members = {*members_of(seen.of), *admins_of(rota, seen.of.id)}
        usual = ({*(s.person for s in seen.duty if s.start < now + DAY and s.end > now)} if "people" in to else set()) | (
            {*admins_of(rota, seen.of.id)} if "admins" in to else set()
        )
        asked = people_on(rota, ways, sorted(usual), Kind.DAILY, self.choices)
        asked += people_on(rota, ways, sorted((members & chose) - usual), Kind.DAILY, self.choices, default=False)
        asked += groups_on(rota, ways, seen.of.id, Kind.DAILY, self.choices, default="team" in to)
        for reader in asked:
            chosen = choice(self.choices, ways, reader.person, reader.channel, Kind.DAILY)
            at = chosen["at"] if isinstance(chosen, dict) and "at" in chosen else configured.at if configured else 8 * HOUR
            zone = (rota.people[reader.person].timezone if reader.person else None) or seen.of.timezone
            date, due, over = today(at, zone, now)
            if due <= now and due >= since:
                rows = on_call(seen.duty, Window(now, due + DAY))
                yield name_of("daily", seen.of.id, date, reader.person, reader.channel), {
                    "kind": "daily", "schedule": seen.of.id, "start": now, "end": due + DAY, "rows": _plain(rows),
                    "to": [list(reader)], "until": over,
                }  # fmt: skip

    def _changed(self, channels: Channels, ways: Ways, seen: Seen, told: Told, now: Instant) -> Iterator[tuple[str, Json]]:
        duty = seen.plain
        both = Window(max(now, told.since), min(told.until, seen.at + AHEAD))  # what was told, and is known now
        if told.duty is not None and told.duty != duty and both.start < both.end:
            moved = changes(told.duty, duty, both)
            for person, rows in moved.items():
                yield name_of("changed", seen.of.id, person, f"r{seen.revision}", now), {
                    "kind": "changed", "schedule": seen.of.id, "person": person, "about": [person], "start": rows[0].start,
                    "end": max(one.end for one in rows), "rows": [list(one) for one in rows],
                    "until": max(one.end for one in rows),
                }  # fmt: skip
        if told.duty is None or told.until != seen.at + AHEAD or told.duty != duty:
            told.duty, told.since, told.until = duty, seen.at, seen.at + AHEAD

    def _gaps(
        self, channels: Channels, ways: Ways, seen: Seen, told: Told, now: Instant, since: Instant
    ) -> Iterator[tuple[str, Json]]:
        configured = channels.settings(seen.of.id).gaps
        if configured is None:
            return
        date, due, _ = today(configured.at, configured.timezone, now)
        daily_due = due <= now and due >= since and told.gaps_on != date
        here = [(gap, one) for gap, one in seen.gaps if gap.end > now]
        due_now, told.gaps = rounds(here, told.gaps, now, daily_due=daily_due)
        for one in due_now:
            rows = [[of.role, of.start, of.end, of.cause, list(of.people), gap.suggestion, gap.why] for gap, of in one.gaps]
            # What was told of gaps is kept in the same transaction; one that was closed and came again is told again.
            yield name_of("gaps", seen.of.id, one.key, one.why.replace(" ", ""), now), {
                "kind": "gaps", "schedule": seen.of.id, "why": one.why, "rows": rows, "start": rows[0][1], "end": rows[0][2],
                "until": max(gap.end for gap, _ in one.gaps),
            }  # fmt: skip
        if daily_due:
            told.gaps_on = date


def _handed(said: Mapping[str, Any], seen: Seen, now: Instant) -> Mapping[str, Any] | None:
    """Whoever comes in is told as long as they are on, whoever goes off until they are."""
    role, at, person = said["role"], said["start"], said["person"]
    incoming = said["direction"] == "incoming"
    if at <= now:
        on = any(one.role == role and one.person == person and one.start <= now < one.end for one in seen.duty)
        return said if incoming and on else None
    for one in seen.handoffs:
        if (one.role, one.at) == (role, at) and person in (one.incoming if incoming else one.outgoing):
            end = free_at(seen.duty, role, person, at) if incoming else at
            others = one.outgoing if incoming else one.incoming
            return {**said, "end": end, "others": list(others), "staying": list(one.staying)}
    return None


def _has_lead(chosen: Any) -> bool:
    return isinstance(chosen, dict) and "lead" in chosen


def _handoff(configured: HandoffSettings | None, chosen: Any) -> HandoffSettings:
    found = configured or HandoffSettings()
    if isinstance(chosen, dict):
        found = replace(found, **{key: chosen[key] for key in ("lead", "to") if key in chosen})
    return found


def _plain(duty: list[Duty]) -> list[list[Any]]:
    return [list(one) for one in duty]
