"""What `make demo` runs: writes a rota with today's dates once, and exports it to a folder of calendar files."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import click

from syncd.cli import main as syncd
from syncd.clock import SystemClock
from syncd.config import load
from syncd.core.model import Instant
from syncd.core.shifts import oncall

_DATE = re.compile(r"\b(\d{4}-\d\d-\d\d)(T\d\d:\d\d)?")
_HEAD = (
    "# Written once by `make demo`, from config/demo.yaml with today's dates. It is yours: change it and run `make demo` again.\n"
)


def dated(text: str, today: date) -> str:
    """The rota with its dates whole weeks later, so that weekdays stay what they are.

    Times (an override's) come to the first such week in which all are after today; bare dates (beginnings) move along, and
    two weeks back where that is after today: whoever takes turns by the day or week has the same ones then.
    """
    times = [date.fromisoformat(found[1]) for found in _DATE.finditer(text) if found[2]]
    weeks = max((today - day).days // 7 + 1 for day in times)

    def moved(match: re.Match[str]) -> str:
        day = date.fromisoformat(match[1]) + timedelta(weeks=weeks)
        while not match[2] and day > today:
            day -= timedelta(weeks=2)
        return day.isoformat() + (match[2] or "")

    return _HEAD + _DATE.sub(moved, text)


def _free(config: Path, at: Instant) -> str:
    """Somebody who is not on call as primary: an override that puts on whoever is on already would change nothing."""
    rota = load(config, destinations=False).rota
    on = {person.id for schedule in rota.schedules.values() for row in oncall(rota, schedule, at) for person in row.people}
    return next((person for person in rota.people if person not in on), next(iter(rota.people)))


def run(arguments: Sequence[str], today: date) -> int:
    source, folder = Path(arguments[0]), Path(arguments[1])
    config = folder / "syncd.yaml"
    if not config.exists():
        folder.mkdir(parents=True, exist_ok=True)
        config.write_text(dated(source.read_text("utf-8"), today), "utf-8")
        click.echo(f"{config} written: three people, two roles, nights and weekends in another time zone, one override.\n")
    named = ["--config", str(config)]
    click.echo(click.style("Who is on call now", bold=True))
    code = syncd([*named, "oncall"])
    if code == 0:
        click.echo("\n" + click.style("What is written where (30 days)", bold=True))
        code = syncd([*named, "export", "--now"])
    if code != 0:
        return code
    for calendar in sorted(path for path in (folder / "calendars").iterdir() if path.is_dir()):
        click.echo(f"{len(list(calendar.glob('*.ics')))} shifts in {calendar}/: open them with any calendar program")
    click.echo("\n" + click.style("Try next", bold=True))
    tool = f".venv/bin/syncd --config {config}"
    person = _free(config, SystemClock().now())
    for command, why in (
        (f"override add --role primary --person {person}", "somebody else until midnight"),
        ("export --now", "the calendar files follow"),
        ("why --role primary", "why this person is on call"),
        ("run", "keep them in agreement: delete a file in the folder and look again"),
    ):
        click.echo(f"  {tool} {command:<42} # {why}")
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], date.today()))  # noqa: DTZ011 - the day where the demo is run
