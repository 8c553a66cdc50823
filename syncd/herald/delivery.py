"""Carries what is due in the outbox to whoever is to hear of it: once each, together where it is much, again where it failed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from syncd import log
from syncd.clock import Clock
from syncd.core.audience import Choices, Kind, Reader, concerned, kind_of, readers
from syncd.core.model import DAY, Instant, Rota
from syncd.herald.lane import Job, Lane, Result, Send
from syncd.herald.ways import Channels
from syncd.notify.words import digest, message
from syncd.store import Store
from syncd.store.outbox import Posted

A_MINUTE = 5
"""Messages to one reader within a minute; what is more comes as one digest."""
FIRST_RETRY, LONGEST_RETRY = 10, 900
GIVEN_UP = 7 * DAY
AT_ONCE = 1_000
IN_A_DIGEST = 50


class Delivery:
    """`true`: whether a notice is still worth sending."""

    def __init__(self, store: Store, clock: Clock, send: Send, true: Callable[[Mapping[str, Any], Instant], bool]) -> None:
        self._store, self._clock, self._send, self._true = store, clock, send, true
        self._lanes: dict[str, Lane] = {}
        self._under_way: set[tuple[str, Reader]] = set()
        self._results: list[Result] = []
        self._sent: dict[Reader, list[float]] = {}
        self._digests: dict[Reader, float] = {}
        self._failing: set[str] = set()
        self._alarms: list[Lane] = []

    def turn(self, channels: Channels, choices: Choices) -> None:
        """Remembers what has arrived, then starts whatever can be. Raises `StoreError`; what it has not remembered it keeps."""
        self.collect()
        now = self._clock.now()
        with self._store.read() as tx:
            pending = tx.outbox.pending(now, AT_ONCE)
        batches: dict[Reader, list[Posted]] = {}
        settled: list[str] = []
        late: list[str] = []
        blocked: dict[str, float] = {}
        for posted in pending:
            said = posted.notice
            if now - posted.armed_at > GIVEN_UP or not self._true(said, now):
                if not any(dedup == posted.dedup for dedup, _ in self._under_way):
                    late.append(posted.dedup)
                continue
            left = [one for one in _readers(said, channels, choices) if one.key not in posted.delivered]
            if not left:
                settled.append(posted.dedup)
            for reader in left:
                lane = self._lane(reader.channel)
                if (posted.dedup, reader) in self._under_way:
                    continue
                if lane.free(self._clock.monotonic()):
                    batches.setdefault(reader, []).append(posted)
            waits = [self._lanes[one.channel].wait(self._clock.monotonic()) for one in left]
            if left and all(waits):
                blocked[posted.dedup] = min(waits)
        self._settle(settled, late, blocked, now)
        self._start(channels, batches, channels.config.rota)

    def collect(self) -> None:
        """Remembers what became of the messages under way. Raises `StoreError`."""
        moment = self._clock.monotonic()
        for lane in self._lanes.values():
            found = lane.results(moment)
            self._results += found
            if found:
                self._said(lane, found)
        if not self._results:
            return
        now = self._clock.now()
        with self._store.write() as tx:
            for job, answer in self._results:
                for dedup in job.about:
                    if answer.arrived:
                        tx.outbox.delivered(dedup, job.reader.key)
                    else:
                        attempts = tx.outbox.attempts(dedup)
                        again = now + min(LONGEST_RETRY, FIRST_RETRY * 2 ** min(attempts, 20))
                        problem = f"{job.reader.channel}: {log.redact(answer.problem)}"
                        tx.outbox.failed(dedup, problem, next_at=again)
        for job, _ in self._results:
            self._under_way -= {(dedup, job.reader) for dedup in job.about}
        self._results = []

    def straight(self, channels: Channels, choices: Choices, said: Mapping[str, Any]) -> None:
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
                if answer.arrived:
                    log.logger().info("alarm.sent", channel=lane.name, person=job.reader.person)
                else:
                    log.logger().error("alarm.failed", channel=lane.name, reason=answer.problem)
        self._alarms = [lane for lane in self._alarms if not lane.idle or not lane.free(float("inf"))]

    @property
    def idle(self) -> bool:
        return all(lane.idle for lane in self._lanes.values())

    # --- starting ------------------------------------------------------------------------

    def _lane(self, channel: str) -> Lane:
        return self._lanes.setdefault(channel, Lane(channel, self._send))

    def _start(self, channels: Channels, batches: Mapping[Reader, list[Posted]], rota: Rota) -> None:
        jobs: dict[tuple[str, Any], list[Job]] = {}
        for reader, posts in batches.items():
            for part in self._parts(reader, posts):
                schedule = str(part[0].notice.get("schedule", ""))
                url = channels.addresses(schedule if schedule in rota.schedules else "")[reader.channel]
                text = (
                    message(part[0].notice, rota, reader)
                    if len(part) == 1
                    else digest([posted.notice for posted in part], rota, reader)
                )
                job = Job(reader, _email(rota, reader), text, tuple(posted.dedup for posted in part))
                jobs.setdefault((reader.channel, url), []).append(job)
        moment = self._clock.monotonic()
        for (channel, url), batch in jobs.items():
            lane = self._lane(channel)
            if not lane.free(moment):
                continue  # two addresses of one name: the second goes next turn
            for job in batch:
                self._under_way |= {(dedup, job.reader) for dedup in job.about}
                self._sent.setdefault(job.reader, []).append(moment)
                if len(job.about) > 1:
                    self._digests[job.reader] = moment
            lane.carry(url, batch, moment)

    def _parts(self, reader: Reader, posts: list[Posted]) -> list[list[Posted]]:
        """How notices that wait for one reader are put into messages: at most five a minute, then one digest."""
        moment = self._clock.monotonic()
        recent = [at for at in self._sent.get(reader, []) if moment - at < 60]
        self._sent[reader] = recent
        if len(recent) + len(posts) <= A_MINUTE:
            return [[posted] for posted in posts]
        if reader in self._digests and moment - self._digests[reader] < 60:
            return []
        return [posts[:IN_A_DIGEST]]

    # --- remembering ---------------------------------------------------------------------

    def _settle(self, settled: list[str], late: list[str], blocked: Mapping[str, float], now: Instant) -> None:
        if not settled and not late and not blocked:
            return
        with self._store.write() as tx:
            for dedup in settled:
                tx.outbox.sent(dedup, at=now)
            for dedup in late:
                tx.outbox.failed(dedup, "no longer true, or too late", next_at=None)
            for dedup, seconds in blocked.items():
                tx.outbox.put_off(dedup, next_at=now + int(seconds) + 1)
        for dedup in late:
            log.logger().warning("notice.given_up", notice=dedup)

    def _said(self, lane: Lane, found: list[Result]) -> None:
        """Once on failing, once on recovery; each message that arrives."""
        for job, answer in found:
            if answer.arrived:
                log.logger().info("notice.sent", channel=lane.name, person=job.reader.person, notices=list(job.about))
            elif lane.name not in self._failing:
                self._failing.add(lane.name)
                log.logger().error("notice.failed", channel=lane.name, reason=answer.problem)
        if not lane.failing and lane.name in self._failing and all(answer.arrived for _, answer in found):
            self._failing.discard(lane.name)
            log.logger().info("notice.recovered", channel=lane.name)


def _readers(said: Mapping[str, Any], channels: Channels, choices: Choices) -> tuple[Reader, ...]:
    """As it says itself, as far as they are still there; else whoever is told of its kind."""
    rota = channels.config.rota
    schedule = str(said.get("schedule", ""))
    schedule = schedule if schedule in rota.schedules else ""
    ways = channels.ways(schedule)
    if "to" in said:
        found = (Reader(*one) for one in said["to"])
        return tuple(
            one
            for one in found
            if (one.channel in ways.personal and _email(rota, one)) or (not one.person and one.channel in ways.group)
        )
    kind = kind_of(str(said.get("kind", "")))
    return readers(rota, ways, schedule, kind, concerned(kind, said), choices)


def _email(rota: Rota, reader: Reader) -> str:
    person = rota.people.get(reader.person)
    return person.email or "" if person else ""
