"""A simulator for trying syncd without an account: serves it, and prints a whole configuration that uses it."""

from __future__ import annotations

import argparse
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.simulators.common import Clock, Simulator

ROTA = """\
store: state
timezone: Europe/Berlin
people:
  ana: {name: Ana Lopez, email: ana@example.com}
  ben: {name: Ben Okafor, email: ben@example.com}
  cho: {name: Cho Min-ji, email: cho@example.com}
roles:
  primary: {title: Primary}
schedules:
  payments:
    title: Payments
    start: 2026-01-05T09:00
    layers:
      - {members: [ana, ben, cho], rotation: {every: 1, unit: day, at: "09:00"}}
destinations:
"""


def serve(make: Callable[..., Simulator], furnish: Callable[[Any, Path], str], text: str) -> None:
    """`python -m tests.simulators.VENDOR [--port N] [--folder DIR]`, until it is interrupted.

    `furnish(there, folder)`: fills the account, leaves its secrets in `folder`, answers what stands under `destinations:`.
    """
    parser = argparse.ArgumentParser(
        description=f"{text} on loopback, for trying syncd without one. Prints a whole syncd.yaml that uses it.",
    )
    parser.add_argument("--port", type=int, default=0, help="0 (the default) picks a free one")
    parser.add_argument("--folder", type=Path, default=Path(), help="where secrets and certificate are left; default: here")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    there = make(port=arguments.port, clock=Clock(time.time(), running=True))
    with there.start().hand():
        destinations = furnish(there, folder)
    if there.tls:
        shutil.copyfile(there.ca_file, folder / "ca.pem")
    print(f"# {text} at {there.url}. Save this as a syncd.yaml, then: syncd doctor, syncd plan, syncd export --now")
    print(f"{ROTA}{destinations}# The account is there until Ctrl-C.", flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        there.stop()


def left(folder: Path, name: str, secret: str) -> str:
    """A secret's file, as a configuration names it."""
    file = folder / name
    file.touch(mode=0o600)
    file.write_text(secret, "utf-8")
    return f'{{file: "{file}"}}'
