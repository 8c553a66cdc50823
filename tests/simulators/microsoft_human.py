"""Somebody in Outlook: what changes in a mailbox without going through the API."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.simulators.microsoft_mailbox import Event, Mailbox, changed, opaque
from tests.simulators.microsoft_odata import shown_time

if TYPE_CHECKING:
    from tests.simulators.microsoft import Microsoft


class Human:
    """Refs are immutable ids. Instants are seconds UTC."""

    def __init__(self, there: Microsoft) -> None:
        self._there = there

    def creates(self, start: int, end: int, subject: str, *, mailbox: str = "oncall@example.com", calendar: str | None = None,
                every: int = 0, times: int = 1, **facts: Any) -> str:  # fmt: skip
        """A meeting; with `every` (seconds) and `times` a series. Returns its ref."""
        with self._there.hand():
            box = self._there.box(mailbox)
            body = {"subject": subject, "start": shown_time(start, "UTC"), "end": shown_time(end, "UTC"), **facts}
            event = box.new(calendar or box.default, body)
            if every:
                event = box.store(replace(event, repeats=tuple(start + every * n for n in range(times))))
            return event.guid

    def edits(self, ref: str, *, start: int | None = None, end: int | None = None, zone: str = "UTC", **facts: Any) -> None:
        with self._there.hand():
            box, event = self._find(ref)
            times = {name: shown_time(at, zone) for name, at in (("start", start), ("end", end)) if at is not None}
            box.store(changed(event, {**facts, **times}))

    def moves(self, ref: str, calendar: str) -> None:
        """To another calendar of the mailbox: the immutable id stays (MS-19)."""
        with self._there.hand():
            box, event = self._find(ref)
            box.store(replace(event, calendar=calendar))

    def deletes(self, ref: str) -> None:
        with self._there.hand():
            box, event = self._find(ref)
            box.remove(event)

    def restores(self, ref: str) -> None:
        """Out of Deleted Items, as it was."""
        with self._there.hand():
            box = next(box for box in self._there.mailboxes.values() if ref in box.items)
            box.store(next(event for _, event in reversed(box.items[ref].states) if event is not None))

    def takes_over(self, ref: str, subject: str) -> None:
        """Makes an event of ours their own: another title, and our mark is gone."""
        with self._there.hand():
            box, event = self._find(ref)
            box.store(replace(changed(event, {"subject": subject}), properties={}))

    def duplicates(self, ref: str) -> str:
        """The copy has the marks too; its `transactionId` it has not (SIMULATORS.md section 4)."""
        with self._there.hand():
            box, event = self._find(ref)
            copy = replace(event, guid=opaque(event.guid, "copy", len(box.items)), transaction=None)
            return box.store(copy).guid

    def _find(self, ref: str) -> tuple[Mailbox, Event]:
        for box in self._there.mailboxes.values():
            if ref in box.items and (event := box.items[ref].at()) is not None:
                return box, event
        raise KeyError(ref)
