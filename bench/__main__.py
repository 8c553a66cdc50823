"""Runs all of it, or the parts named: `python -m bench start requests quiet link large shifts daemon changes fleet`.

`fleet`, two hundred destinations of five hundred entries, takes a quarter of an hour and is measured only where it is named.
Exit 1 where a figure is over what it may be.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from bench import calendars, daemon, shifts, start
from bench.place import Clean
from bench.report import Line
from tests.connectors.servers import Server

PARTS = ("start", "requests", "quiet", "link", "large", "shifts", "daemon", "changes")
SLOW = ("fleet",)


def main(chosen: tuple[str, ...]) -> int:
    if unknown := set(chosen) - {*PARTS, *SLOW}:
        raise SystemExit(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS + SLOW)}")
    missed = 0
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as name:
        folder = Path(name)
        clean = Clean.made(folder / "environment")
        with calendars.server(folder / "radicale") as server:
            for part in chosen or PARTS:
                for line in _lines(part, clean, folder, server):
                    print(line, flush=True)  # noqa: T201 - the report
                    missed += line.missed
    return 1 if missed else 0


def _lines(part: str, clean: Clean, folder: Path, server: Server) -> Iterable[Line]:
    match part:
        case "start":
            return start.measure(clean, folder)
        case "requests":
            return calendars.requests(clean, folder, server)
        case "quiet":
            return calendars.nothing_to_do(clean, folder, server)
        case "link":
            return calendars.slow_link(clean, folder, server)
        case "large":
            return calendars.large(clean, folder, server)
        case "shifts":
            return shifts.measure()
        case "daemon":
            return daemon.measure(clean, folder, server)
        case "changes":
            return daemon.changes(clean, folder, server)
        case _:
            return daemon.fleet(clean, folder)


if __name__ == "__main__":
    sys.exit(main(tuple(sys.argv[1:])))
