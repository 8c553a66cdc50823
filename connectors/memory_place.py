"""What stands at a destination in memory: it outlives connectors, lets a test act as a human, and fails on demand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count, pairwise
from threading import RLock
from typing import Literal, NamedTuple, TypeVar

from syncd.connector import ConnectorError, Unavailable
from syncd.core.model import Instant, Window

T = TypeVar("T")
Verb = Literal["read", "create", "replace", "delete"]
Shape = Literal["calendar", "pager", "shifts"]


class Item(NamedTuple):
    """One thing that stands at a place. `who`: the title in a calendar, the account in a pager."""

    ref: str
    uid: str
    start: Instant
    end: Instant
    who: str
    version: int
    marker: str | None = None
    order: int = 0
    """Rises with every creation, and is not to be seen from outside: PagerDuty's lists are not in that order."""


class Call(NamedTuple):
    """A call that reached the place: `number` counts all of them from 1, `nth` those of its verb."""

    verb: Verb
    number: int
    nth: int
    target: str
    """The uid of a create, the ref of a replace or delete."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A call fails with `error`. `commit`: the work is done nonetheless; `late`: only at the end of so many further calls."""

    error: ConnectorError
    commit: bool = False
    late: int = 0


def lost(*, commit: bool = False, late: int = 0) -> Fault:
    """The connection drops: before the work is done, after it, or long before it."""
    return Fault(Unavailable("the connection was closed without an answer"), commit=commit, late=late)


@dataclass
class Place:
    """One destination, whoever looks at it. Calls happen one at a time, also from several threads."""

    name: str
    shape: Shape = "calendar"
    clock: Callable[[], Instant] | None = None
    """The server's time; without one nothing here is ever past."""
    layers: Sequence[tuple[Instant, Instant, str]] = ()
    """Whom the pager's own layers page: `[start, end)` and account; the last in the list is on top."""
    hook: Callable[[Call], Fault | None] | None = None
    """Asked at every call; what it returns happens."""
    script: dict[tuple[Verb, int], Fault] = field(default_factory=dict)
    """`(verb, nth)` → what happens to the nth call of that verb."""
    terse: bool = False
    """An entry whose version is known comes back in `Observation.same` only."""
    keeps_ids: bool = False
    """The id of a deleted entry stays taken (Google; Nextcloud's trash bin)."""
    account: str = "account"
    """Part of the fingerprint: another one is another account behind the same name."""
    absent: frozenset[str] = frozenset()
    """Persons whom the pager does not know (row 15)."""
    items: dict[str, Item] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    calls: list[Call] = field(default_factory=list)
    _late: list[tuple[int, Callable[[], object]]] = field(default_factory=list)
    _numbers: count[int] = field(default_factory=lambda: count(1))
    _lock: RLock = field(default_factory=RLock, repr=False)

    # --- a human at the destination ---

    def human_creates(self, start: Instant, end: Instant, who: str, *, marker: str | None = None) -> str:
        """Returns the new ref. In a pager it lies on top of what is there."""
        with self._lock:
            return self.add(self.new_ref(), "", start, end, who, marker).ref

    def human_edits(self, ref: str, *, start: Instant | None = None, end: Instant | None = None, who: str | None = None) -> None:
        with self._lock:
            item = self.items[ref]
            self.put(
                item._replace(
                    start=item.start if start is None else start,
                    end=item.end if end is None else end,
                    who=item.who if who is None else who,
                )
            )

    def human_deletes(self, ref: str) -> None:
        with self._lock:
            self.remove(ref)

    def human_copies(self, ref: str) -> str:
        """The copy bears the marker too (F16)."""
        with self._lock:
            item = self.items[ref]
            return self.human_creates(item.start, item.end, item.who, marker=item.marker)

    def strips(self, ref: str) -> None:
        """The server forgets our marker (W8)."""
        with self._lock:
            self.put(self.items[ref]._replace(marker=None))

    # --- for tests to look at ---

    def now(self) -> Instant | None:
        return self.clock() if self.clock else None

    def writes(self) -> list[Call]:
        return [call for call in self.calls if call.verb != "read"]

    def paged(self, window: Window) -> list[tuple[Instant, Instant, str, str | None]]:
        """Whom a stacked pager pages: start, end, account, ref of the override on top (None: its layers). Gaps are left out."""
        with self._lock:
            shown = [item for item in self.items.values() if item.start < window.end and window.start < item.end]
            edges = {window.start, window.end}
            for start, end in [(item.start, item.end) for item in shown] + [layer[:2] for layer in self.layers]:
                edges |= {at for at in (start, end) if window.start < at < window.end}
            pieces: list[tuple[Instant, Instant, str, str | None]] = []
            for start, end in pairwise(sorted(edges)):
                on = [item for item in shown if item.start <= start < item.end]
                below = [who for first, last, who in self.layers if first <= start < last]
                if on:
                    top = max(on, key=lambda item: item.order)
                    who, ref = top.who, top.ref
                elif below:
                    who, ref = below[-1], None
                else:
                    continue
                if pieces and pieces[-1][1:] == (start, who, ref):
                    pieces[-1] = (pieces[-1][0], end, who, ref)
                else:
                    pieces.append((start, end, who, ref))
            return pieces

    # --- what a connector does here ---

    def answer(self, verb: Verb, target: str, work: Callable[[], T]) -> T:
        """Does `work` as the call that it is, unless the script or the hook has a fault for it."""
        with self._lock:
            call = Call(verb, len(self.calls) + 1, 1 + sum(one.verb == verb for one in self.calls), target)
            self.calls.append(call)
            fault = self.script.pop((verb, call.nth), None) or (self.hook(call) if self.hook else None)
            try:
                if fault is None:
                    return work()
                if fault.late:
                    self._late.append((call.number + fault.late, work))
                elif fault.commit:
                    with suppress(ConnectorError):  # a conditional write that fails late fails unheard
                        work()
                raise fault.error
            finally:
                self._apply_late(call.number)

    def _apply_late(self, number: int) -> None:
        due = [work for at, work in self._late if at <= number]
        self._late = [(at, work) for at, work in self._late if at > number]
        for work in due:
            with suppress(ConnectorError):
                work()

    def new_ref(self) -> str:
        """Refs are in no order that a reader could use."""
        return f"{self.shape[0]}{next(self._numbers) * 7_919 % 1_000_003:06d}"

    def add(self, ref: str, uid: str, start: Instant, end: Instant, who: str, marker: str | None) -> Item:
        number = next(self._numbers)
        self.items[ref] = Item(ref, uid or ref, start, end, who, number, marker, number)
        return self.items[ref]

    def put(self, item: Item) -> Item:
        self.items[item.ref] = item._replace(version=next(self._numbers))
        return self.items[item.ref]

    def remove(self, ref: str) -> None:
        del self.items[ref]
        self.gone.add(ref)


PLACES: dict[str, Place] = {}


def place(name: str, shape: Shape = "calendar") -> Place:
    """The place of that name; it is made when it is first asked for."""
    return PLACES.setdefault(name, Place(name, shape))
