"""Writes the reference page from the same lists that files are read with: `python -m syncd.config.describe`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from syncd.config.load import TOP
from syncd.config.options import shape_of
from syncd.config.shape import Shape, shapes

HEADINGS = {
    "the file": "The file",
    "person": "people: a person",
    "role": "roles: a role",
    "team": "teams: a team",
    "schedule": "schedules: a schedule",
    "layer": "layers: a layer",
    "dated roster": "members: a dated roster",
    "override": "overrides: an override",
    "time off": "away: time off",
    "destination": "destinations: a destination",
}
OPEN = ("template", "layer of a template")
"""They take the keys of a schedule and its layers, all of them optional."""

INTRODUCTION = """\
# Configuration

One YAML 1.2 file. It is looked for as `--config FILE`, `$SYNCD_CONFIG`, `./syncd.yaml` and `/etc/syncd/syncd.yaml`; paths
in it are from its folder. `syncd check` reports every problem at once, as `file:line:column: path: what is wrong; what to do`.
Unknown keys, duplicate keys and names that nothing bears are errors.

- **Durations** are a whole number and `s`, `m`, `h`, `d` or `w`: `30m`, `7d`.
- **Times** are local, in the nearest `timezone`, unless they state an offset: `2026-03-02T09:00`, `2026-03-02T09:00+01:00`.
  A bare date is its midnight. A time that a clock change leaves out is the first instant after it, one that it brings twice
  the first of them; an override or time off with such a time is refused unless it states an offset.
- **Periods** do not include their end. `24:00` is the end of a day; a local end of `23:59` is read as `24:00`, with a warning.
- **Secrets** never stand in the file: `{file: PATH}` (mode 600), `{env: NAME}` or `{credential: NAME}` (systemd).
- **Ids** are letters, digits, `_`, `.` and `-`, at most 64; a person's has no capitals.
- **Limits**: 512 KiB, lines of 64 KiB, 30,000 values, 100 aliases, 32 levels. Bulk overrides belong in the store
  (`syncd override add`).
- Plain scalars are taken as written: `22:00` is a time and `on` a key. Anchors, aliases and `<<` work; tags do not.
"""

TEMPLATES = """\
## templates: a template

The keys of a schedule, without `template`, all of them optional. A schedule with `template: NAME` begins from them: its own
keys win, and layers are merged by `name`.
"""

MEANINGS = {
    "account": "With `client_id` and `client_secret`: the account's subdomain.",
    "alarm": "Minutes before the start that an event reminds; without it, none.",
    "authority": "Where Microsoft's sign-in answers, if not at the usual place.",
    "base_url": "Where the service answers, if not at the usual place.",
    "ca_file": "Certificates to trust instead of the usual ones.",
    "calendar": "Which calendar: its id or name.",
    "certificate": "One PEM with key and certificate, in place of a client secret.",
    "client_id": "The registered application.",
    "client_secret": "The application's secret.",
    "connections": "How many connections are open at once.",
    "credentials": "JSON: a service account's key, or a signed-in user's.",
    "mailbox": "Whose calendars.",
    "password": "With `username`.",
    "calls": "For tests: how many calls at once.",
    "path": "The directory of `.ics` files, one a shift; made where it is missing.",
    "place": "For tests and dry runs: its name within the process; nothing of it outlives that.",
    "schedule": "The vendor's id of the schedule.",
    "shape": "For tests: `calendar` or `pager`.",
    "subject": "Whom a service account with domain-wide delegation acts for.",
    "tenant": "The directory (tenant) id.",
    "title": "Of an event; may name `{person}`, `{role}` and `{schedule}`, and must name the person.",
    "token": "API token, sent with every call.",
    "token_cache": "Where a user's sign-in (`syncd auth outlook`) is kept, encrypted; without it in a file beside the store.",
    "token_cache_key": "What encrypts that file; without it a key that is made beside it does.",
    "url": "Of the calendar; with `calendar`, of the server or home where it is looked for.",
    "username": "With `password`.",
    "zone": "Times are written in this zone; without it in UTC.",
}
"""Of options whose field says nothing itself (`field(metadata={"meaning": …})`)."""

OPTIONS = """\
## options: per kind

Of the kinds that come with syncd, each with a whole destination as an example. Paths are from the folder of the file.
`syncd destination add` writes one, `syncd link KIND` looks at what a vendor has first.
"""

EXAMPLES = {
    "caldav": """\
  team-calendar:
    kind: caldav
    schedule: support
    role: primary
    options:
      url: https://dav.example.com/team/oncall/
      username: syncd
      password: {file: dav.key}
""",
    "folder": """\
  files:
    kind: folder
    schedule: support
    role: primary
    options: {path: calendar, alarm: 30}
""",
    "google": """\
  team-calendar:
    kind: google
    schedule: support
    role: primary
    options:
      calendar: team@group.calendar.google.com
      credentials: {file: google.json}
""",
    "memory": """\
  trial:
    kind: memory
    schedule: support
    role: primary
    mode: manual
""",
    "outlook": """\
  team-calendar:
    kind: outlook
    schedule: support
    role: primary
    options:
      tenant: 00000000-0000-0000-0000-000000000000
      client_id: 00000000-0000-0000-0000-000000000000
      client_secret: {env: OUTLOOK_SECRET}
      mailbox: oncall@example.com
      calendar: On call
""",
    "pagerduty": """\
  pager:
    kind: pagerduty
    schedule: support
    role: primary
    refresh: 1m
    options: {schedule: P123ABC, token: {credential: pagerduty-token}}
""",
    "pagerduty_v3": """\
  pager:
    kind: pagerduty_v3
    schedule: support
    role: primary
    options: {schedule: P123ABC, token: {env: PAGERDUTY_TOKEN}}
""",
}
"""A whole destination of each kind, as it stands under `destinations:`."""


def page(connectors: dict[str, Any]) -> str:
    """The reference page, Markdown. `connectors`: kind → class."""
    parts = [INTRODUCTION]
    for shape in shapes(TOP):
        if shape.name == "template":
            parts.append(TEMPLATES)
        elif shape.name not in OPEN:
            parts.append("\n".join(_section("##", HEADINGS.get(shape.name, shape.name), shape)))
    parts.append(OPTIONS)
    for kind, connector in connectors.items():
        parts.append("\n".join(_section("###", kind, options_of(kind, connector))))
        parts.append(f"```yaml\ndestinations:\n{EXAMPLES[kind]}```")
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def options_of(kind: str, connector: Any) -> Shape:
    return shape_of(connector, kind, None, None)


def _section(level: str, heading: str, shape: Shape) -> Iterator[str]:
    yield f"{level} {heading}"
    yield ""
    yield "| key | value | default | meaning |"
    yield "|---|---|---|---|"
    for key in shape.keys:
        default = "**required**" if key.required else key.shown
        meaning = key.meaning or MEANINGS.get(key.name, "")
        yield f"| `{key.name}` | {key.form.words} | {default} | {meaning} |"


def installed() -> dict[str, Any]:
    """The connectors that come with syncd and can be imported here."""
    from syncd.registry import MissingExtra, connector, kinds

    found = {}
    for kind in kinds():
        with suppress(MissingExtra):
            found[kind] = connector(kind)
    return found


def main() -> None:
    """Prints the page."""
    import sys

    sys.stdout.write(page(installed()))


if __name__ == "__main__":
    main()
