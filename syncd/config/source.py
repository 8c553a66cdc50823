"""The rota from elsewhere: files of a directory, or text that was fetched, put in the place of this file's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from syncd.config.document import LONGEST, Node, Unreadable, parse
from syncd.config.problem import Report, shown, under

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


def files_of(directory: Path, place: Node, report: Report) -> dict[str, bytes]:
    """Every rota file of `directory`, by name. Hidden ones are an editor's. An empty directory is an error: no rota at all."""
    files: dict[str, bytes] = {}
    size = 0
    try:
        paths = sorted(path for path in directory.iterdir() if path.suffix in (".yaml", ".yml") and path.name[0] != ".")
        for path in paths[:MOST_FILES]:
            with path.open("rb") as stream:
                files[str(path)] = stream.read(LONGEST + 1)
            size += len(files[str(path)])
            if size > LONGEST:
                report.error(place, "source.directory", f"the files are longer than {LONGEST >> 10} KiB together")
                raise Unreadable
    except OSError as error:
        report.error(place, "source.directory", f"the rota cannot be read: {error.strerror}: {error.filename}")
        raise Unreadable from None
    if not paths or len(paths) > MOST_FILES:
        report.error(
            place,
            "source.directory",
            f"{directory} holds no *.yaml" if not paths else f"{directory} holds more than {MOST_FILES} files",
            "name the directory with the rota",
        )
        raise Unreadable
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
