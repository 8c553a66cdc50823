"""What starting a command costs, beside a bare interpreter and vdirsyncer in the same environment."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from bench.measure import medians, process
from bench.place import Clean, syncd
from bench.report import Line

TIMES = 15


def measure(clean: Clean, folder: Path) -> list[Line]:
    desk = syncd(clean, folder / "start", 100, "folder", "path: calendar")
    cost = medians(
        {
            "bare": partial(process, [clean.python, "-c", "pass"], folder, clean.env),
            "help": partial(desk, "syncd", "--help"),
            "oncall": partial(desk, "syncd", "oncall"),
            "other": partial(desk, "vdirsyncer", "--help"),
        },
        TIMES,
    )
    bare = cost["bare"].wall
    return [
        Line("bare interpreter, ms", bare * 1000),
        Line("vdirsyncer --help / bare", cost["other"].wall / bare),
        Line("syncd --help / bare", cost["help"].wall / bare, 5.0),
        Line("syncd oncall / bare", cost["oncall"].wall / bare, 20.0),
    ]
