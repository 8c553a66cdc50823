"""The places of a measurement: a clean environment, a rota of so many shifts, and the same shifts as vdirsyncer has them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from bench.measure import Cost, process
from tests.connectors.servers import Server

ROOT = Path(__file__).parent.parent
SCRIPT = "import sys\nfrom {module} import {name}\nsys.exit({name}())\n"
HOURS = 6
"""Of a shift."""

ROTA = """\
timezone: UTC
store: {store}
health: null
people:
  ana: {{name: Ana Lima, email: ana@example.com}}
  ben: {{name: Ben Okafor, email: ben@example.com}}
  cho: {{name: Cho Min-ji, email: cho@example.com}}
roles:
  primary: {{title: Primary}}
schedules:
  payments:
    title: Payments
    start: 2020-01-06T00:00
    layers:
      - members: [ana, ben, cho]
        rotation: {{every: {hours}, unit: hour}}
destinations:
"""
DESTINATION = """\
  {name}:
    kind: {kind}
    schedule: payments
    role: primary
    horizon: {horizon}h
    options: {{{options}}}
"""
VDIRSYNCER = """\
[general]
status_path = "{folder}/status/"
[pair rota]
a = "here"
b = "there"
collections = [["rota", "rota", "{name}"]]
conflict_resolution = "a wins"
[storage here]
type = "filesystem"
path = "{folder}/vdir/"
fileext = ".ics"
[storage there]
type = "caldav"
url = "{url}"
username = "{username}"
password = "{password}"
"""


@dataclass(frozen=True)
class Clean:
    """A virtual environment as a user has it: nothing runs when the interpreter starts, and bytecode is kept."""

    folder: Path

    @classmethod
    def made(cls, folder: Path) -> Clean:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)  # noqa: S603
        site = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder), "platbase": str(folder)}))
        (site / "bench.pth").write_text(f"{ROOT}\n{sysconfig.get_path('purelib')}\n")
        env = cls(folder)
        for name, module, function in (("syncd", "syncd.cli", "main"), ("vdirsyncer", "vdirsyncer.cli", "app")):
            path = folder / "bin" / name
            path.write_text(f"#!{env.python}\n" + SCRIPT.format(module=module, name=function))
            path.chmod(0o755)
        return env

    @property
    def python(self) -> str:
        return str(self.folder / "bin" / "python")

    @property
    def env(self) -> dict[str, str]:
        unwanted = "PYTHON|proxy|SYNCD|STATE_DIRECTORY"
        return {name: value for name, value in os.environ.items() if not re.search(unwanted, name, re.IGNORECASE)}

    def run(self, cwd: Path, program: str, *args: str) -> Cost:
        return process([str(self.folder / "bin" / program), *args], cwd, self.env)


@dataclass(frozen=True)
class Desk:
    """A folder with a configuration in it, from which commands are given."""

    clean: Clean
    folder: Path

    def __call__(self, program: str, *args: str) -> Cost:
        return self.clean.run(self.folder, program, *args)


def syncd(clean: Clean, folder: Path, shifts: int, kind: str, *options: str) -> Desk:
    """syncd with a rota of so many shifts ahead (and the one that is running) and a destination for each of `options`.

    One is called `calendar`, several are numbered.
    """
    folder.mkdir(parents=True)
    ahead = (shifts - 1) * HOURS
    text = ROTA.format(store=folder / "state", hours=HOURS)
    for number, one in enumerate(options):
        text += DESTINATION.format(
            name=f"calendar-{number}" if len(options) > 1 else "calendar", kind=kind, horizon=ahead, options=one
        )
    (folder / "syncd.yaml").write_text(text)
    return Desk(clean, folder)


def caldav(server: Server, url: str, path: str) -> str:
    return f'url: "{url}{path}", username: {server.username}, password: {{env: BENCH_PASSWORD}}'


def vdirsyncer(clean: Clean, folder: Path, shifts: int, server: Server, url: str, path: str) -> Desk:
    """The same shifts as files, and vdirsyncer told to bring them to the calendar at `path`."""
    made = syncd(clean, folder, shifts, "folder", "path: vdir/rota")
    (folder / "vdir").mkdir()
    made("syncd", "export", "--now")
    home, _, name = path.rstrip("/").rpartition("/")
    config = VDIRSYNCER.format(folder=folder, name=name, url=f"{url}{home}/", username=server.username, password=server.password)
    (folder / "config").write_text(config)
    subprocess.run(  # noqa: S603 - of the bench's own environment
        [str(clean.folder / "bin" / "vdirsyncer"), "-c", "config", "discover", "--no-list"],
        cwd=folder, env=clean.env, check=True, input=b"y\n" * 9, capture_output=True,
    )  # fmt: skip
    return made
