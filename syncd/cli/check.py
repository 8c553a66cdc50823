"""`syncd check`: every problem of the configuration at once."""

from __future__ import annotations

import click

from syncd.cli import CONFIG, Command
from syncd.cli.session import Session, with_session
from syncd.cli.show import as_json


@click.command(cls=Command)
@with_session
def check(session: Session) -> int:
    """Every problem of the configuration, as FILE:LINE:COLUMN: PATH: PROBLEM; WHAT TO DO.

    Warnings alone exit 0, errors 78. No destination is called: `syncd doctor` does that.
    """
    from syncd.config import ConfigError

    session.strict = True
    try:
        config = session.whole_config
        problems, where = config.warnings, str(config.path)
    except ConfigError as error:
        problems, where = error.problems, ""
    failed = not where
    if session.json:
        as_json([problem.json() for problem in problems])
        return CONFIG if failed else 0
    for problem in problems:
        color = "red" if problem.severity == "error" else "yellow"
        click.echo(f"{click.style(problem.severity, fg=color)}: {problem}")
    errors = sum(problem.severity == "error" for problem in problems)
    if failed:
        click.echo(f"{errors} error{'s' * (errors != 1)}", err=True)
        return CONFIG
    click.echo(f"{where}: {len(problems)} warning{'s' * (len(problems) != 1)}, no error")
    return 0
