"""A destination in memory, for tests and dry runs: a calendar, a pager with stacked overrides, or one with single shifts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from connectors.memory_place import Item, Place, Shape, place
from syncd.connector import Absent, Capabilities, Entry, Finding, Observation, Operation, Paged, Rejected, Site, Stale
from syncd.core.model import Shift, Window
from syncd.event import CalendarOptions, Names, title_of, wording

SHAPES: Mapping[Shape, Capabilities] = {
    "calendar": Capabilities(),
    "pager": Capabilities(exclusive=True, stacked=True, markers=False, own_ids=False, native_update=False, people=1),
    "shifts": Capabilities(exclusive=True, markers=False, own_ids=False, people=1),
}


class Memory:
    """`place` names what is looked at, `shape` says what it is if it is not there yet, `calls` how many threads it takes."""

    @dataclass(frozen=True, kw_only=True)
    class Options(CalendarOptions):
        place: str = "memory"
        shape: str = "calendar"
        calls: int = 1

        def __post_init__(self) -> None:
            super().__post_init__()
            if self.shape not in SHAPES:
                raise ValueError(f"shape: one of {', '.join(SHAPES)}")

    capabilities: ClassVar[Capabilities] = SHAPES["calendar"]

    def __init__(self, options: Options, site: Site) -> None:
        self._options = options
        self._site = site
        self._names = Names(site, options.title)
        shape = next(shape for shape in SHAPES if shape == options.shape)
        self.place: Place = place(options.place, shape)
        self._pager = self.place.shape != "calendar"
        self.capabilities = replace(SHAPES[self.place.shape], calls=options.calls)  # type: ignore[misc]  # of this instance

    def read(self, window: Window, known: Mapping[str, str]) -> Observation:
        return self.place.answer("read", "", lambda: self._look(window, known))

    def _look(self, window: Window, known: Mapping[str, str]) -> Observation:
        seen = [
            item
            for item in self.place.items.values()
            if item.ref in known or (item.start < window.end and window.start < item.end)
        ]
        seen.sort(key=lambda item: (item.start, item.ref))
        entries = [self._entry(item) for item in seen]
        same = frozenset(
            entry.ref for entry in entries if self.place.terse and entry.version and known.get(entry.ref) == entry.version
        )
        return Observation(
            entries=tuple(entry for entry in entries if entry.ref not in same),
            same=same,
            paged=self._paged(window) if self.capabilities.stacked else (),
            missing={person: Absent(0, f"{person} has no account here") for person in sorted(self.place.absent)},
            server_time=self.place.now(),
            fingerprint=f"memory:{self.place.account}:{self.place.name}",
        )

    def _paged(self, window: Window) -> tuple[Paged, ...]:
        return tuple(
            Paged(start=start, end=end, person=self._person(who), title=self._title(who), ref=ref)
            for start, end, who, ref in self.place.paged(window)
        )

    def wording(self, shift: Shift) -> str:
        return "" if self._pager else wording(shift, self._site, self._options)

    def create(self, shift: Shift, op: Operation) -> Entry:
        return self.place.answer("create", op.uid, lambda: self._create(shift, op))

    def _create(self, shift: Shift, op: Operation) -> Entry:
        spot = self.place
        if self._pager:
            self._check(shift)
            return self._entry(spot.add(spot.new_ref(), "", shift.start, shift.end, shift.person, None))
        if op.uid in spot.items or (spot.keeps_ids and op.uid in spot.gone):
            raise Stale(f"the id {op.uid} is already taken")
        title = title_of(shift, self._site, self._options.title)
        return self._entry(spot.add(op.uid, op.uid, shift.start, shift.end, title, op.marker))

    def replace(self, entry: Entry, shift: Shift, op: Operation) -> Entry:
        return self.place.answer("replace", entry.ref, lambda: self._replace(entry, shift, op))

    def _replace(self, entry: Entry, shift: Shift, op: Operation) -> Entry:
        if not self.capabilities.native_update:
            raise Rejected("an override cannot be changed, only deleted")
        item = self._as_seen(entry)
        if item is None:
            raise Stale(f"the entry {entry.ref} is gone")
        who = shift.person if self._pager else title_of(shift, self._site, self._options.title)
        if self._pager:
            self._check(shift)
        marker = None if self._pager else op.marker
        return self._entry(self.place.put(item._replace(start=shift.start, end=shift.end, who=who, marker=marker)))

    def delete(self, entry: Entry, op: Operation) -> None:
        self.place.answer("delete", entry.ref, lambda: self._delete(entry))

    def _delete(self, entry: Entry) -> None:
        item = self._as_seen(entry)
        if item is None:
            return
        now = self.place.now() if self._pager else None
        if now is not None and item.end <= now:
            raise Rejected("what is over cannot be deleted")
        if now is not None and item.start < now:  # a running one is cut short, and stays (PROTOCOL.md section 1)
            self.place.put(item._replace(end=now))
        else:
            self.place.remove(item.ref)

    def doctor(self) -> Iterable[Finding]:
        yield Finding(
            what="place", ok=True, text=f"{self.place.name}: {len(self.place.items)} entries, nothing outlives the process"
        )

    def close(self) -> None:
        pass

    def _check(self, shift: Shift) -> None:
        if shift.person in self.place.absent:
            raise Rejected(f"{shift.person} has no account here")
        now = self.place.now()
        if now is not None and shift.end <= now:
            raise Rejected("what is over cannot be changed")

    def _as_seen(self, entry: Entry) -> Item | None:
        """The item as `entry` shows it, None if it is gone. A pager has no versions: what it says is compared."""
        item = self.place.items.get(entry.ref)
        if item is None:
            return None
        now = self._entry(item)
        if entry.version is not None and entry.version != now.version:
            raise Stale(f"the entry {entry.ref} was changed since it was read")
        if (entry.start, entry.end, entry.person, entry.title) != (now.start, now.end, now.person, now.title) and self._pager:
            raise Stale(f"the entry {entry.ref} was changed since it was read")
        return item

    def _entry(self, item: Item) -> Entry:
        return Entry(
            ref=item.ref,
            uid=item.uid,
            start=item.start,
            end=item.end,
            person=self._person(item.who),
            title=self._title(item.who),
            version=None if self._pager else str(item.version),
            marker=item.marker,
        )

    def _person(self, who: str) -> str | None:
        if self._pager:
            return who if who in self._site.people else None
        return self._names.person(who)

    def _title(self, who: str) -> str:
        return who if not self._pager or who not in self._site.people else ""
