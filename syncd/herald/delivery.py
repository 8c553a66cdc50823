"""Carries what is due in the outbox to whoever is to hear of it: once each, together where it is much, again where it failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from syncd import log
from syncd.clock import Clock
from syncd.core.audience import Choices, Kind, Reader, concerned, kind_of, readers
from syncd.core.model import DAY, Instant, Rota, iso
from syncd.herald.lane import Job, Lane, Result, Send
from syncd.herald.reach import FAILING
from syncd.herald.waiting import Pace, Part, Pile
from syncd.herald.ways import Channels
from syncd.notify.words import digest, in_a_line, message
from syncd.store import Store
from syncd.store.outbox import Posted

FIRST_RETRY, LONGEST_RETRY = 10, 900
GIVEN_UP = 7 * DAY
AT_ONCE = 1_000
"""Notices that are read at a time."""
UNREADABLE = 60
"""Seconds after which an address that could not be read is looked at again."""
OUTDATED = "no longer true"

Said = Mapping[str, Any]


class Delivery:
    """`as_of`: a notice as it is true now, None where it is not worth sending any more."""

    def __init__(self, store: Store, clock: Clock, send: Send, as_of: Callable[[Said, Instant], Said | None]) -> None:
        self._store, self._clock, self._send, self._as_of = store, clock, send, as_of
        self._lanes: dict[str, Lane] = {}
        self._under_way: set[tuple[str, Reader]] = set()
        self._results: list[Result] = []
        self._pace = Pace()
        self._misses: dict[Reader, int] = {}
        self._failing: dict[str, dict[str, Any]] | None = None
        self._alarms: list[Lane] = []

    def turn(self, channels: Channels, choices: Choices) -> None:
        """Remembers what has arrived, then starts whatever can be. Raises `StoreError`; what it has not remembered it keeps."""
        self.collect()
        now, moment = self._clock.now(), self._clock.monotonic()
        piles: dict[Reader, Pile] = {}
        settled: list[str] = []
        late: dict[str, tuple[str, str]] = {}
        waits: dict[str, dict[Reader, float]] = {}
        for posted in self._pending(now):
            said, to = self._told(posted, channels, choices, now)
            if said is None or now - posted.armed_at > GIVEN_UP:
                if not any(dedup == posted.dedup for dedup, _ in self._under_way):
                    why = OUTDATED if said is None else f"given up after 7 days: {posted.problem}"
                    late[posted.dedup] = why, in_a_line(posted.notice, channels.config.rota)
                continue
            left = [one for one in to if one.key not in posted.delivered]
            if not left:
                if channels.unreadable(_schedule(said, channels)):
                    waits[posted.dedup] = {Reader("", ""): UNREADABLE}
                else:
                    settled.append(posted.dedup)
                continue
            asked = waits[posted.dedup] = {}
            for reader in left:
                lane = self._lane(reader.channel)
                asked[reader] = lane.wait(moment)
                if (posted.dedup, reader) not in self._under_way and lane.free(moment):
                    piles.setdefault(reader, Pile()).add(posted.dedup, said)
        parts = {reader: self._pace.parts(reader, pile, moment) for reader, pile in piles.items()}
        for reader, found in parts.items():
            for dedup in piles[reader].about if not found else ():
                waits[dedup][reader] = self._pace.wait(reader, moment)
        put_off = {dedup: min(one.values()) for dedup, one in waits.items() if one and min(one.values()) > 0}
        self._settle(settled, late, put_off, now)
        self._start(channels, parts)

    def _told(self, posted: Posted, channels: Channels, choices: Choices, now: Instant) -> tuple[Said | None, tuple[Reader, ...]]:
        """As it is now, and to whom; an odd one goes as it stands to the admins of all schedules, and holds up no other."""
        try:
            said = self._as_of(posted.notice, now)
            return said, () if said is None else _readers(said, channels, choices)
        except Exception as error:
            log.logger().warning("notice.odd", notice=posted.dedup, reason=f"{type(error).__name__}: {error}")
            to = readers(channels.config.rota, channels.ways(""), "", Kind.SERVICE, (), choices)
            return {"kind": "service", "text": f"a notice that nobody understands: {posted.dedup}"}, to

    def _pending(self, now: Instant) -> Iterator[Posted]:
        place = -1
        while True:
            with self._store.read() as tx:
                page = tx.outbox.pending(now, AT_ONCE, beyond=place)
            yield from page
            if len(page) < AT_ONCE:
                return
            place = page[-1].place

    def collect(self) -> None:
        """Remembers what became of the messages under way. Raises `StoreError`."""
        moment = self._clock.monotonic()
        for lane in self._lanes.values():
            self._results += lane.results(moment)
        if not self._results:
            return
        now = self._clock.now()
        failed: dict[str, str] = {}
        with self._store.write() as tx:
            failing = self._known(tx.facts.get(FAILING))
            for job, answer in self._results:
                if answer is None:
                    continue
                if answer.arrived:
                    for dedup in job.about:
                        tx.outbox.delivered(dedup, job.reader.key)
                    continue
                failed |= dict.fromkeys(job.about, f"{job.reader.channel}: {log.redact(answer.problem)}")
            for dedup, problem in failed.items():
                again = min(LONGEST_RETRY, FIRST_RETRY * 2 ** min(tx.outbox.attempts(dedup), 20))
                tx.outbox.failed(dedup, problem, next_at=now + again)
            after = self._said(failing, now)
            if after != failing:
                tx.facts.put(FAILING, after or None)
        self._failing = after
        for job, _ in self._results:
            self._under_way -= {(dedup, job.reader) for dedup in job.about}
        self._results = []

    def straight(self, channels: Channels, choices: Choices, said: Said) -> None:
        """Without the outbox: what tells that the store cannot be written. Tried once."""
        rota, addresses = channels.config.rota, channels.addresses("")
        for reader in readers(rota, channels.ways(""), "", Kind.SERVICE, (), choices):
            lane = Lane(reader.channel, self._send)
            job = Job(reader, _email(rota, reader), message(said, rota, reader), ())
            lane.carry(addresses[reader.channel], [job], self._clock.monotonic())
            self._alarms.append(lane)

    def heard(self) -> None:
        """What became of what was sent straight: nothing else would tell."""
        for lane in self._alarms:
            for job, answer in lane.results(self._clock.monotonic()):
                if answer is not None and answer.arrived:
                    log.logger().info("alarm.sent", channel=lane.name, person=job.reader.person)
                elif answer is not None:
                    log.logger().error("alarm.failed", channel=lane.name, reason=answer.problem)
        self._alarms = [lane for lane in self._alarms if not lane.idle or not lane.free(float("inf"))]

    @property
    def idle(self) -> bool:
        return all(lane.idle for lane in self._lanes.values())

    # --- starting ------------------------------------------------------------------------

    def _lane(self, channel: str) -> Lane:
        return self._lanes.setdefault(channel, Lane(channel, self._send))

    def _start(self, channels: Channels, parts: Mapping[Reader, list[Part]]) -> None:
        """Whoever was not reached last time comes last: a dead mailbox keeps nobody else waiting."""
        rota, moment = channels.config.rota, self._clock.monotonic()
        jobs: dict[tuple[str, Any], list[Job]] = {}
        for reader in sorted(parts, key=lambda one: self._misses.get(one, 0)):
            for part in parts[reader]:
                url = channels.addresses(_schedule(part.shown[0], channels))[reader.channel]
                if len(part.about) == 1:
                    text = message(part.shown[0], rota, reader)
                else:
                    text = digest(part.shown, rota, reader, more=len(part.about) - len(part.shown))
                jobs.setdefault((reader.channel, url), []).append(Job(reader, _email(rota, reader), text, part.about))
        for (channel, url), batch in jobs.items():
            lane = self._lane(channel)
            if not lane.free(moment):
                continue  # two addresses of one name: the second goes next turn
            for job in batch:
                self._under_way |= {(dedup, job.reader) for dedup in job.about}
                self._pace.sent(job.reader, len(job.about), moment)
            lane.carry(url, batch, moment)

    # --- remembering ---------------------------------------------------------------------

    def _settle(
        self, settled: list[str], late: Mapping[str, tuple[str, str]], put_off: Mapping[str, float], now: Instant
    ) -> None:
        if not settled and not late and not put_off:
            return
        with self._store.write() as tx:
            for dedup in settled:
                tx.outbox.sent(dedup, at=now)
            for dedup, (why, line) in late.items():
                tx.outbox.failed(dedup, why, next_at=None)
                tx.journal.add(at=now, event="notice not sent", entry=dedup, new=f"{line}: {why}")
            for dedup, seconds in put_off.items():
                tx.outbox.put_off(dedup, next_at=now + int(seconds) + 1)
        for dedup, (why, _) in late.items():
            told = log.logger().info if why == OUTDATED else log.logger().warning
            told("notice.outdated" if why == OUTDATED else "notice.given_up", notice=dedup, reason=why)

    def _known(self, stored: Any) -> dict[str, dict[str, Any]]:
        """Whom nothing reaches; what the daemon before this one knew counts until something arrives."""
        return self._failing if self._failing is not None else dict(stored or {})

    def _said(self, failing: Mapping[str, dict[str, Any]], now: Instant) -> dict[str, dict[str, Any]]:
        """Each message that arrives; a reader once on failing, once on recovery. Whom nothing reaches now."""
        after = dict(failing)
        for job, answer in self._results:
            reader = job.reader
            if answer is None:
                continue
            if answer.arrived:
                self._misses.pop(reader, None)
                log.logger().info("notice.sent", channel=reader.channel, person=reader.person, notices=list(job.about[:20]))
                if after.pop(reader.key, None) is not None:
                    log.logger().info("notice.recovered", channel=reader.channel, person=reader.person)
                continue
            self._misses[reader] = self._misses.get(reader, 0) + 1
            if reader.key not in after:
                reason = log.redact(answer.problem)
                after[reader.key] = {**reader._asdict(), "since": iso(now), "reason": reason}
                log.logger().error("notice.failed", channel=reader.channel, person=reader.person, reason=reason)
        return after


def _schedule(said: Said, channels: Channels) -> str:
    schedule = str(said.get("schedule", ""))
    return schedule if schedule in channels.config.rota.schedules else ""


def _readers(said: Said, channels: Channels, choices: Choices) -> tuple[Reader, ...]:
    """As it says itself, as far as they are still there; else whoever is told of its kind."""
    rota, schedule = channels.config.rota, _schedule(said, channels)
    ways = channels.ways(schedule)
    if "to" in said:
        found = (Reader(*one) for one in said["to"])
        return tuple(
            one
            for one in found
            if (one.channel in ways.personal and _email(rota, one)) or (not one.person and one.channel in ways.group)
        )
    kind = kind_of(str(said.get("kind", "")))
    spared = readers(rota, ways, schedule, kind_of(said["spares"]), (), choices) if said.get("spares") else ()
    return tuple(one for one in readers(rota, ways, schedule, kind, concerned(kind, said), choices) if one not in spared)


def _email(rota: Rota, reader: Reader) -> str:
    person = rota.people.get(reader.person)
    return person.email or "" if person else ""
