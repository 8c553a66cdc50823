"""What `make demo` runs: writes a rota with today's dates once, exports it to a folder of calendar files, says what came of it."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import click

from syncd.cli import main as syncd

_DATE = re.compile(r"\b(\d{4}-\d\d-\d\d)(T\d\d:\d\d)?")
_HEAD = (
    "# Written once by `make demo`, from config/demo.yaml with today's dates. It is yours: change it and run `make demo` again.\n"
)


def dated(text: str, today: date) -> str:
    """The rota with its dates brought to this week: whole weeks later, so that weekdays stay what they are.

    A bare date (a beginning) comes into this week, a time (an override's) to the first such weekday after today.
    """

    def moved(match: re.Match[str]) -> str:
        written = date.fromisoformat(match[1])
        monday = today - timedelta(days=today.weekday())
        later = (today - written).days // 7 + 1 if match[2] else (monday - written).days // 7
        return (written + timedelta(weeks=later)).isoformat() + (match[2] or "")

    return _HEAD + _DATE.sub(moved, text)


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
    for command, why in (
        ("override add --role primary --person ben", "Ben takes over until midnight"),
        ("export --now", "the calendar files follow"),
        ("why --role primary", "why this person is on call"),
        ("run", "keep them in agreement: edit or delete a file in the folder and look again"),
    ):
        click.echo(f"  {tool} {command:<42} # {why}")
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], date.today()))  # noqa: DTZ011 - the day where the demo is run
