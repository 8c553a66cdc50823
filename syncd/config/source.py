"""The rota from elsewhere: files of a directory, or text that was fetched, put in the place of this file's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from syncd.config.document import BULK, LONGEST, Node, parse
from syncd.config.problem import Place, Report, shown, under
from syncd.config.reading import read

TABLES = ("people", "roles", "teams", "schedules", "templates")
SINGLE = ("timezone", "holidays")
MOVED = ("people", "roles", "teams", "schedules")
MOST_FILES = 200


def directory_of(node: Node, folder: Path) -> Path | None:
    """The directory that `source:` names, if it names one."""
    named = node.get("source", "directory")
    if named is None or named.kind != "text" or named.null or "\0" in named.text:
        return None
    return folder / Path(named.text).expanduser()


def files_of(directory: Path, place: Place, report: Report) -> dict[str, bytes] | None:
    """Every rota file of `directory`, by name, but an editor's hidden ones. None where there is a problem, or no file."""
    path = "source.directory"
    files: dict[str, bytes] = {}
    try:
        found = sorted(file for file in directory.iterdir() if file.suffix in (".yaml", ".yml") and file.name[0] != ".")
        for file in found[:MOST_FILES]:
            files[str(file)] = read(file, LONGEST + 1)
            if sum(map(len, files.values())) > LONGEST:
                report.error(place, path, f"the files are longer than {LONGEST >> 10} KiB together", BULK)
                return None
    except OSError as error:
        report.error(place, path, f"the rota cannot be read: {error.strerror}: {error.filename}", "name another directory")
        return None
    if not found or len(found) > MOST_FILES:
        many = f"more than {MOST_FILES} files" if found else "no *.yaml"
        report.error(place, path, f"{directory} holds {many}", "name the directory with the rota")
        return None
    return files


def put_in(node: Node, files: Mapping[str, bytes], report: Report) -> Node:
    """`node` with the rota of `files` in it. What stands twice, or in both, is reported."""
    for key in MOVED:
        if key in node.entries:
            report.error(node.entries[key][0], key, f"`{key}` comes from `source`", "take one of them away")
    entries = {key: pair for key, pair in node.entries.items() if key not in MOVED}
    given: dict[str, str] = {}
    for name, data in files.items():
        for key, pair in parse(data, name, report).entries.items():
            if key in SINGLE:
                if key in given:
                    report.error(pair[0], key, f"`{key}` stands in {given[key]} too", "keep one")
                # A rota's own zone and holidays win over the defaults of the configuration.
                given[key] = name
                entries[key] = pair
            elif key in TABLES:
                entries[key] = _joined(entries[key], pair, key, report) if key in entries else pair
            else:
                report.unknown(pair[0], key, "key of a rota file", key, (*TABLES, *SINGLE))
    return replace(node, entries=entries)


def _joined(known: tuple[Node, Node], more: tuple[Node, Node], key: str, report: Report) -> tuple[Node, Node]:
    if known[1].kind != "mapping" or more[1].kind != "mapping":
        return more if known[1].null else known
    for id_, (place, _) in more[1].entries.items():
        if id_ in known[1].entries:
            first = known[1].entries[id_][0]
            report.error(place, under(key, id_), f"{shown(id_)} stands in {first.file}:{first.line} too", "keep one")
    return known[0], replace(known[1], entries={**more[1].entries, **known[1].entries})
