"""`syncd import`: another product's JSON as a configuration of ours, printed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from syncd.cli import USAGE, Command, stop
from syncd.cli.session import Session, with_session
from syncd.cli.show import as_json
from syncd.config.reading import read
from syncd.imports import PRODUCTS, NotImportable, as_yaml, imported
from syncd.imports.document import LONGEST
from syncd.imports.draft import is_zone


@click.command("import", cls=Command)
@click.argument("product", metavar="|".join(PRODUCTS), type=click.Choice(list(PRODUCTS)))
@click.argument("file", metavar="FILE")
@click.option("--timezone", metavar="Z", default="UTC", help="Of schedules whose product does not say one; default UTC.")
@click.option(
    "--top", type=click.Choice(["first", "last"]), help="PagerDuty: which layer of the list wins; default by what it shows."
)
@with_session
def import_(session: Session, product: str, file: str, timezone: str, top: str | None) -> None:
    """Read what the product's API answers (FILE, or - for stdin) and print it as our YAML.

    Everything that cannot be said exactly is a warning in the output, at the line it concerns.
    """
    if not is_zone(timezone):
        stop(f"--timezone: {timezone[:60]!r} is no IANA time zone; write one such as Europe/Berlin", USAGE)
    if top is not None and product != "pagerduty":
        stop("--top is about PagerDuty's layers only", USAGE)
    more: dict[str, Any] = {"top": top} if product == "pagerduty" else {}
    try:
        draft = imported(product, _bytes(file), timezone=timezone, now=session.now, **more)
        text = as_yaml(draft)
    except NotImportable as error:
        stop(f"{'standard input' if file == '-' else file}: {error}", USAGE)
    if session.json:
        as_json({"yaml": text, "warnings": warnings(text)})
        return
    click.echo(text, nl=False)


def warnings(text: str) -> list[dict[str, Any]]:
    """Each with the line it begins in; one that goes on in the next comment is put together again."""
    found: list[dict[str, Any]] = []
    going = False
    for number, line in enumerate(text.splitlines(), 1):
        said = line.strip()
        if said.startswith("# warning: "):
            found.append({"line": number, "text": said.removeprefix("# warning: ")})
            going = True
        elif said.startswith("# ") and going:
            found[-1]["text"] += f" {said.removeprefix('# ')}"
        else:
            going = False
    return found


def _bytes(file: str) -> bytes:
    """No more of it than one byte over the limit."""
    if file == "-":
        return sys.stdin.buffer.read(LONGEST + 1)
    try:
        return read(Path(file), LONGEST + 1)
    except OSError as error:
        return stop(f"{file}: {error.strerror}", USAGE)
