"""What starting a command costs, beside a bare interpreter and vdirsyncer in the same environment."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from bench.measure import medians, process
from bench.place import Clean, syncd
from bench.report import Line

TIMES = 15
CLICK = "import click; click.Command('bench', callback=lambda: None, help='Nothing.').main(['--help'])"


def measure(clean: Clean, folder: Path) -> list[Line]:
    desk = syncd(clean, folder / "start", 100, "folder", "path: calendar")
    cost = medians(
        {
            "bare": partial(process, [clean.python, "-c", "pass"], folder, clean.env),
            "click": partial(process, [clean.python, "-c", CLICK], folder, clean.env),
            "help": partial(desk, "syncd", "--help"),
            "oncall": partial(desk, "syncd", "oncall"),
            "other": partial(desk, "vdirsyncer", "--help"),
        },
        TIMES,
    )
    bare = cost.pop("bare")
    names = {
        "other": "vdirsyncer --help",
        "click": "--help of a program with click and nothing else",
        "help": "syncd --help",
        "oncall": "syncd oncall",
    }
    most = {"help": 5.0, "oncall": 20.0}
    return [
        Line("bare interpreter, ms", bare.wall * 1000, None, f"CPU {bare.cpu * 1000:.1f} ms"),
        *(
            Line(f"{names[name]} / bare", one.wall / bare.wall, most.get(name), f"CPU {one.cpu / bare.cpu:.2f}")
            for name, one in cost.items()
        ),
    ]
