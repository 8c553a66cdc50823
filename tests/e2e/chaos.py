"""A daemon in a process of its own, real time and files, and what a seed makes of them: hands, faults, kills, a full disk.

What was done is kept, so that it can be asked what became of it.
"""

from __future__ import annotations

import json
import random
import re
import resource
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from syncd.cli import cli
from syncd.core.model import HOUR, iso
from tests.shell.process import Process
from tests.simulators.common import Clock
from tests.stories.breaking import OPERATIONS, breaks, knobs, mends
from tests.stories.days import NAMES, Piece, Standing
from tests.stories.files import Directory
from tests.stories.pagers import in_layers, in_shifts
from tests.stories.place import Place
from tests.stories.vendors import in_outlook, on_google

OPENINGS = {"google": on_google, "outlook": in_outlook, "pagerduty": in_layers, "pagerduty_v3": in_shifts}
HORIZON = 8 * HOUR
PEOPLE = tuple(NAMES)


@dataclass(frozen=True)
class Edit:
    """A human gave `thing` to `who`."""

    place: str
    thing: Standing
    who: str


class Watched:
    """A place, whom it showed last, and how often it had been read when a human was last there: whatever is uncovered after a
    look that saw all hands is our doing (I8)."""

    def __init__(self, place: Place, mode: str) -> None:
        self.place, self.mode = place, mode
        self.uncovered: list[str] = []
        self._shown: list[Piece] = place.shown()
        self._hands = 0
        place.about_to_write = self.look  # type: ignore[method-assign]

    def look(self) -> None:
        before, self._shown = self._shown, self.place.shown()
        reads = self.place.calls().count("read")
        if reads - self._hands >= len(self.place.look):
            self.uncovered += [f"{iso(a)} {iso(b)}" for a, b in holes(before, self._shown, int(self.place.clock.now) + 2)]

    @contextmanager
    def hand(self) -> Iterator[None]:
        self.look()
        yield
        self._shown, self._hands = self.place.shown(), self.place.calls().count("read")


class Chaos:
    """`step` does one thing that may happen any day; `quiet` ends all faults, and answers what is held."""

    def __init__(self, folder: Path, kinds: tuple[str, ...], seed: int, stack: ExitStack) -> None:
        self.folder, self.chance = folder, random.Random(seed)
        clock = Clock(time.time(), running=True)
        self.places: dict[str, Watched] = {}
        for kind in kinds:
            place = Directory(clock, folder / "shown") if kind == "folder" else stack.enter_context(OPENINGS[kind](clock))
            self.places[kind] = Watched(place, self.chance.choice(("authoritative", "bidirectional")))
        self.members = ["ana", "ben", "cho"]
        self.edits: list[Edit] = []
        self.hands: list[tuple[str, int, int]] = []
        """Where and about what time a human did something, in their order."""
        self.logs: list[dict[str, Any]] = []
        self.daemon = Process(folder, self.text())
        stack.callback(lambda: self.daemon.close())

    def text(self) -> str:
        people = "".join(f"  {who}: {{name: {name}, email: {who}@example.com}}\n" for who, name in NAMES.items())
        start = datetime.now(UTC).replace(hour=0, minute=0) - timedelta(days=2)
        shown = "".join(
            f"  {name}: {{kind: {name}, schedule: payments, role: primary, mode: {there.mode}, refresh: 1s, "
            f"horizon: {HORIZON // HOUR}h, options: {{{there.place.options(self.folder)}}}}}\n"
            for name, there in self.places.items()
        )
        return (
            f"timezone: UTC\npeople:\n{people}roles:\n  primary: {{title: Primary}}\nschedules:\n  payments:\n"
            f"    title: Payments\n    start: {start:%Y-%m-%dT%H:%M}\n    layers:\n      - {{name: hour, role: primary, "
            f"members: [{', '.join(self.members)}], rotation: {{every: 1, unit: hour}}}}\ndestinations:\n{shown}"
        )

    # --- what may happen -----------------------------------------------------------------------

    def step(self) -> None:
        steps = {
            self.somebody_edits: 12, self.something_breaks: 4, self.all_is_mended: 2, self.the_rota_changes: 2,
            self.the_file_is_half_written: 1, self.somebody_is_on_instead: 3, self.an_override_is_taken_back: 1,
            self.somebody_exports: 2, self.an_edit_is_restored: 1, self.the_daemon_is_killed: 1, self.the_daemon_is_ended: 1,
            self.the_daemon_is_frozen: 1, self.the_disk_is_full: 1,
        }  # fmt: skip
        self.chance.choices(list(steps), list(steps.values()))[0]()

    def somebody_edits(self) -> None:
        name, there = self.chance.choice(list(self.places.items()))
        place, now = there.place, int(time.time())
        what = self.chance.choice(("give", "give", "move", "delete", "strip", "copy", "add"))
        with there.hand():
            coming = [one for one in place.standing() if one.start > now + 300 and not (one.by_hand and what != "delete")]
            if not coming or (place.pager and what in ("strip", "copy")) or (place.stacked and what == "move"):
                return
            thing, minutes = self.chance.choice(coming), 60 * self.chance.randrange(-90, 90)
            start, end = max(thing.start + minutes, now + 300), max(thing.end + minutes, now + 900)
            if what == "give":
                who = self.chance.choice([one for one in PEOPLE if one != thing.who])
                place.give(thing, who)
                self.edits.append(Edit(name, thing, who))
            elif what == "move":
                place.move(thing, start, end)
            elif what != "add":
                getattr(place, what)(thing)
            elif not (place.kind == "pagerduty_v3" and there.mode == "bidirectional"):  # there it stays beside ours, told
                place.add(self.chance.choice(PEOPLE), start, end)
            self.hands.append((name, min(start, thing.start), max(end, thing.end)))

    def something_breaks(self) -> None:
        kind = self.chance.choice([name for name in self.places if name != "folder"])
        knob = self.chance.choice([one for one in knobs(kind) if one not in ("refused", "forbidden")])  # probed in 15 minutes
        breaks(self.places[kind].place, self.chance.choice(OPERATIONS[kind]), knob, self.chance.choice((1, 2, 5)))

    def all_is_mended(self) -> None:
        for name, there in self.places.items():
            if name != "folder":
                mends(there.place)

    def the_rota_changes(self) -> None:
        self.members = self.chance.sample(PEOPLE, self.chance.randrange(2, 5))
        self.daemon.write(self.text())

    def the_file_is_half_written(self) -> None:
        text = self.daemon.file.read_text()
        self.daemon.file.write_text(text[: self.chance.randrange(len(text))])
        time.sleep(self.chance.random() * 2)
        self.daemon.file.write_text(text)

    def somebody_is_on_instead(self) -> None:
        start = int(time.time()) + 60 * self.chance.randrange(-10, 400)
        end = start + 60 * self.chance.randrange(5, 120)
        self.run("override", "add", "--person", self.chance.choice(PEOPLE), "--from", iso(start), "--to", iso(end))

    def an_override_is_taken_back(self) -> None:
        self.of_these("override", "list", then=("override", "remove"))

    def an_edit_is_restored(self) -> None:
        self.of_these("conflicts", then=("restore",))

    def somebody_exports(self) -> None:
        self.run("export", "--now", self.chance.choice(list(self.places)))

    def the_daemon_is_killed(self) -> None:
        self.daemon.process.kill()
        self.again()

    def the_daemon_is_ended(self) -> None:
        self.daemon.process.terminate()
        assert self.daemon.process.wait(30) == 0
        self.again()

    def the_daemon_is_frozen(self) -> None:
        self.daemon.process.send_signal(signal.SIGSTOP)
        self.somebody_edits()
        time.sleep(self.chance.random() * 5)
        self.daemon.process.send_signal(signal.SIGCONT)

    def the_disk_is_full(self) -> None:
        for most in (self.chance.choice((0, 4096, 200_000)), resource.RLIM_INFINITY):
            resource.prlimit(self.daemon.process.pid, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
            time.sleep(self.chance.random() * 3)

    # --- the command line and the process ------------------------------------------------------------

    def run(self, *command: str) -> Any:
        """What it told as JSON, or None where it refused."""
        found = CliRunner().invoke(cli, ["--config", str(self.daemon.file), "--json", *command])
        assert found.exit_code in (0, 1, 2, 74, 75, 78), found.output
        assert "Traceback" not in found.output
        return json.loads(found.stdout) if found.exit_code == 0 and found.stdout else None

    def of_these(self, *listing: str, then: tuple[str, ...]) -> None:
        ids = [one["id"] for one in self.run(*listing) or [] if not one.get("removed")]
        if ids:
            self.run(*then, self.chance.choice(ids))

    def again(self) -> None:
        self.daemon.close()
        self.logs += self.daemon.lines()
        self.daemon = Process(self.folder, self.text())

    def quiet(self) -> None:
        """Nothing goes wrong any more; what is held is answered until nothing is, and each place was looked at three times."""
        self.all_is_mended()
        self.daemon.write(self.text())
        self.looked(3)  # while the file comes to rest and is read
        for _ in range(4):
            self.looked(3)
            held = self.run("holds")
            for one in held:
                self.run("ack", one["digest"])
            if not held:
                return

    def looked(self, times: int) -> None:
        for _ in range(times):
            since = {one["destination"]: one["last_cycle"] for one in self.run("status")}
            self.daemon.become_true(
                lambda since=since: all(one["last_cycle"] != since[one["destination"]] for one in self.run("status"))
            )

    # --- what became of it ---------------------------------------------------------------------------

    def rota(self) -> list[Piece]:
        told = self.run("shifts", "--to", iso(time.time() + HORIZON))
        seconds = [[int(datetime.fromisoformat(one[side]).timestamp()) for side in ("start", "end")] for one in told]
        return [(start, end, one["person"]) for (start, end), one in zip(seconds, told, strict=True)]

    def rows(self, question: str) -> list[Any]:
        with closing(sqlite3.connect(self.folder / "state" / "syncd.db")) as base:
            return base.execute(question).fetchall()

    def last_edits(self) -> Iterator[Edit]:
        """Those that stood long enough to be seen: no human came back to that time."""
        for edit in self.edits:
            here = [at for at in self.hands if at[0] == edit.place and at[1] < edit.thing.end and edit.thing.start < at[2]]
            if len(here) == 1:
                yield edit

    def accounted(self, edit: Edit, rota: list[Piece]) -> bool:
        """It is in the rota, became an override, or was told and is kept for `restore` (I4)."""
        start, end = edit.thing.start, edit.thing.end
        overrides = self.rows(f"SELECT people FROM overrides WHERE starts < {end} AND ends > {start}")  # noqa: S608 - numbers
        kept = self.rows(f"SELECT destination_had FROM conflicts WHERE starts < {end} AND ends > {start}")  # noqa: S608 - numbers
        in_rota = any(who == edit.who and a < end and start < b for a, b, who in rota)
        return in_rota or any(re.search(rf'"{edit.who}"', said) for (said,) in (*overrides, *kept))


def holes(before: list[Piece], after: list[Piece], now: int) -> Iterator[tuple[int, int]]:
    """Where somebody was and nobody is, from `now` on."""
    for start, end in pairwise(sorted({now, *(edge for one in (*before, *after) for edge in one[:2] if edge > now)})):
        was, is_ = (any(one[0] <= start < one[1] for one in side) for side in (before, after))
        if was and not is_:
            yield start, end
