"""Exports to Radicale beside vdirsyncer's: requests, time, memory, a slow link, and a cycle of the daemon."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from threading import Lock, Thread
from urllib.parse import urlsplit

from bench.link import slow
from bench.measure import TIMES, Cost, here, medians
from bench.place import Clean, Desk, caldav, syncd, vdirsyncer
from bench.report import Line
from syncd.clock import SystemClock
from syncd.config import load
from syncd.core.model import DAY, Window, iso
from syncd.core.shifts import shifts as shifts_of
from syncd.cycle import Trigger
from syncd.errand import Errand
from syncd.store import Store
from tests.connectors.servers import Server, basic, radicale
from tests.simulators.proxy import Answer, Exchange, Proxy, Rule

LINK = 0.05
"""Seconds that a request takes on the slow link."""
_NUMBERS = count()


@contextmanager
def server(folder: Path) -> Iterator[Server]:
    with radicale(folder) as one:
        os.environ["BENCH_PASSWORD"] = one.password or ""
        yield one


def requests(clean: Clean, folder: Path, at: Server, shifts: int = 100) -> list[Line]:
    """How many requests each step takes, and how long the answers are."""
    lines = []
    with Proxy(at.url) as proxy:
        sizes: list[int] = []

        def counted(exchange: Exchange) -> Answer:
            answer = exchange.forward()
            sizes.append(len(answer.body))
            return answer

        proxy.rules.append(Rule(".*", "", counted))
        desk = syncd(clean, folder / "requests", shifts, "caldav", caldav(at, proxy.url, at.calendar()))
        extra = {"export": 1, "nothing to do": 1, "one change": 2, "remove all": 1}
        for step, command in {
            "export": ("export", "--now"),
            "nothing to do": ("export", "--now"),
            "one change": ("export", "--now"),
            "remove all": ("purge", "calendar", "--now"),
        }.items():
            if step == "one change":
                _change(desk)
            sizes.clear()
            proxy.connections = 0
            desk("syncd", *command)
            base = shifts if step in {"export", "remove all"} else 0
            lines.append(
                Line(f"requests beyond {base}: {step}", len(sizes) - base, extra[step], f"{proxy.connections} connections")
            )
            if step == "nothing to do":
                lines.append(Line("bytes a shift in the answers: nothing to do", sum(sizes) / shifts, 300))
    return lines


def _change(desk: Desk) -> None:
    """Somebody else has the tenth shift from now."""
    now = SystemClock().now()
    schedule = load(desk.folder / "syncd.yaml", destinations=False).rota.schedules["payments"]
    shift = shifts_of(schedule, Window(now, now + 30 * DAY))[10]
    other = next(person for person in ("ana", "ben") if person != shift.person)
    desk("syncd", "override", "add", "--person", other, "--from", iso(shift.start), "--to", iso(shift.end))


def nothing_to_do(clean: Clean, folder: Path, at: Server, shifts: int = 100) -> list[Line]:
    """From the shell, and inside a daemon."""
    path, other = at.calendar(), at.calendar()
    desk = syncd(clean, folder / "same", shifts, "caldav", caldav(at, at.url, path))
    theirs = vdirsyncer(clean, folder / "theirs", shifts, at, at.url, other)
    desk("syncd", "export", "--now")
    theirs("vdirsyncer", "-c", "config", "sync")
    config = load(desk.folder / "syncd.yaml", destinations=True)
    store = Store.open(config.store or "", config.tenant)
    errand = Errand(config=config, store=store, clock=SystemClock(), trigger=Trigger.DAEMON)
    settings = config.destinations["calendar"]
    cost = medians(
        {
            "shell": partial(desk, "syncd", "export", "--now"),
            "daemon": partial(here, lambda: errand.run(settings)),
            "theirs": partial(theirs, "vdirsyncer", "-c", "config", "sync"),
        },
        3 * TIMES,
    )
    if store is not None:
        store.close()
    ours, daemon, theirs_ = cost["shell"], cost["daemon"], cost["theirs"]
    note = f"{ours.wall * 1000:.0f} / {theirs_.wall * 1000:.0f} ms; CPU {ours.cpu * 1000:.0f} / {theirs_.cpu * 1000:.0f} ms"
    what = f"{shifts} shifts, nothing to do / vdirsyncer"
    return [
        Line(f"cycle of the daemon, {what}, CPU", daemon.cpu / theirs_.cpu, 0.1, f"{daemon.cpu * 1000:.1f} ms"),
        Line(f"export --now, {what}, wall", ours.wall / theirs_.wall, 1.0, note),
    ]


def exports(clean: Clean, folder: Path, at: Server, shifts: int, times: int, *, link: float = 0.0) -> dict[str, Cost]:
    """Medians of first exports, each to an empty calendar."""
    folder = folder / f"exports-{next(_NUMBERS)}"
    numbers = count()
    with slow(at.url, link) if link else nullcontext(at.url) as url:

        def ours() -> Cost:
            path = at.calendar()
            desk = syncd(clean, folder / f"ours-{next(numbers)}", shifts, "caldav", caldav(at, url, path))
            cost = desk("syncd", "export", "--now")
            at.request("DELETE", path)
            return cost

        def theirs() -> Cost:
            path = at.calendar()
            desk = vdirsyncer(clean, folder / f"theirs-{next(numbers)}", shifts, at, url, path)
            cost = desk("vdirsyncer", "-c", "config", "sync")
            at.request("DELETE", path)
            return cost

        def wire() -> Cost:
            path = at.calendar()
            bodies = sorted((folder / "theirs-0").glob("vdir/rota/*.ics"))
            cost = here(partial(_put_all, at, url, path, bodies))
            at.request("DELETE", path)
            return cost

        works = {"theirs": theirs, "ours": ours}
        return medians({**works, "wire": wire} if link else works, times, warm=False)


def _put_all(at: Server, url: str, path: str, bodies: Sequence[Path]) -> None:
    """What a client costs that only sends: no start, no store, four connections."""
    parts = urlsplit(url)
    todo = iter(bodies)
    lock = Lock()

    def work() -> None:
        connection = HTTPConnection(parts.hostname or "", parts.port)
        signed = {"Authorization": basic(at.username or "", at.password or ""), "Content-Type": "text/calendar"}
        while True:
            with lock:
                one = next(todo, None)
            if one is None:
                connection.close()
                return
            connection.request("PUT", path + one.name, one.read_bytes(), signed)
            connection.getresponse().read()

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def slow_link(clean: Clean, folder: Path, at: Server, times: int = TIMES) -> list[Line]:
    cost = exports(clean, folder, at, 100, times, link=LINK)
    note = f"{cost['ours'].wall:.2f} / {cost['theirs'].wall:.2f} s; a client that only sends {cost['wire'].wall:.2f} s"
    return [Line("export of 100 over a link of 50 ms / vdirsyncer, wall", cost["ours"].wall / cost["theirs"].wall, 0.25, note)]


def large(clean: Clean, folder: Path, at: Server, times: int = TIMES) -> list[Line]:
    cost = exports(clean, folder, at, 1_000, times)
    note = f"{cost['ours'].wall:.1f} / {cost['theirs'].wall:.1f} s; own CPU {cost['ours'].cpu:.1f} / {cost['theirs'].cpu:.1f} s"
    peak = f"{cost['ours'].peak:.0f} / {cost['theirs'].peak:.0f} MB"
    return [
        Line("export of 1,000 / vdirsyncer, wall", cost["ours"].wall / cost["theirs"].wall, 1.0, note),
        Line("export of 1,000 / vdirsyncer, peak memory", cost["ours"].peak / cost["theirs"].peak, 1.5, peak),
    ]
