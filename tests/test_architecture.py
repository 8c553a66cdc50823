"""Who may import whom, what the core may not know, and the few rules that keep every file readable."""

from __future__ import annotations

import ast
import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = [path.relative_to(ROOT) for folder in ("syncd", "connectors") for path in sorted((ROOT / folder).rglob("*.py"))]
NAMES = [str(path) for path in FILES]

TIMELESS = """__future__ abc base64 bisect calendar collections contextlib dataclasses datetime difflib enum fractions functools
    hashlib heapq hmac itertools json math operator re string struct textwrap types typing unicodedata zoneinfo"""
CLOCKS = {"now", "utcnow", "today", "time", "time_ns", "sleep"}  # a connector may bound a call by `monotonic`
BUILTINS = {"open", "print", "input", "eval", "exec", "__import__"}
VENDORS = """icalendar caldav googleapiclient google google_auth_httplib2 msal pagerduty httpx2 requests httplib2 urllib3
    defusedxml cryptography"""
NOT_FOR_CONNECTORS = {"logging", "sched", "asyncio"}
KNOWS_BOTH_SIDES = "cycle errand daemon herald worker remarks due proof reread web cli __main__"
# the kinds' options are part of what a file may say; a rota from elsewhere is part of a configuration; a call has its turn
ALSO = {
    "event": ["syncd.title", "syncd.keeping"], "config": ["syncd.registry"], "source": ["syncd.config"], "retry": ["syncd.pace"],
}  # fmt: skip


def imports(path: Path) -> Iterator[str]:
    """Every module that a file names in an import, wherever in the file."""
    for node in ast.walk(ast.parse((ROOT / path).read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def forbidden(path: Path, name: str) -> bool:
    """The dependency rule, in one place."""
    top, unit = name.split(".")[0], ".".join(name.split(".")[:2])
    if path.parts[0] == "connectors":
        allowed = top in {"connectors", *VENDORS.split()} or top in sys.stdlib_module_names - NOT_FOR_CONNECTORS
        return not (allowed or unit in {"syncd.connector", "syncd.event", "syncd.core"})
    mine = path.parts[1].removesuffix(".py")
    if top == "connectors":
        return True
    if mine == "core":
        return not (unit == "syncd.core" or top in TIMELESS.split())
    if mine == "connector":
        return top == "syncd" and unit != "syncd.core"
    shared = {"syncd.core", "syncd.connector", "syncd.clock", f"syncd.{mine}", *ALSO.get(mine, ())}
    return top == "syncd" and mine not in KNOWS_BOTH_SIDES.split() and unit not in shared


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_file_imports_only_what_its_place_allows(path: Path) -> None:
    assert [name for name in imports(path) if forbidden(path, name)] == []


@pytest.mark.parametrize("path", [p for p in FILES if p.parts[0] == "connectors" or p.parts[1] == "core"], ids=str)
def test_core_and_connectors_read_no_clock_and_the_core_no_file(path: Path) -> None:
    for node in ast.walk(ast.parse((ROOT / path).read_text("utf-8"))):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="datetime" | "date" | "time"), attr=name)):
                assert name not in CLOCKS, f"{path}:{node.lineno}: {name}()"
            case ast.Call(func=ast.Name(id=name)) if path.parts[0] == "syncd":
                assert name not in BUILTINS, f"{path}:{node.lineno}: {name}()"


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_file_can_be_read_in_one_sitting(path: Path) -> None:
    text = (ROOT / path).read_text("utf-8")
    assert len(text.splitlines()) <= 350
    assert ast.get_docstring(ast.parse(text)), "one sentence: what it decides or touches"


def test_nothing_is_kept_out_of_the_coverage_gate() -> None:
    marks = {name: (ROOT / name).read_text("utf-8").count("pragma: no cover") for name in NAMES}
    assert {name: count for name, count in marks.items() if count} == {}


def test_no_file_asks_to_be_finished_later() -> None:
    word = re.compile(r"\b(TODO|FIXME|XXX)\b")
    assert [name for name in NAMES if word.search((ROOT / name).read_text("utf-8"))] == []


def test_urllib3_is_urllib3_and_not_its_replacement() -> None:
    major, minor = importlib.import_module("urllib3").__version__.split(".")[:2]
    assert major == "2"
    assert int(minor) < 100


@pytest.mark.parametrize("lock", ["run.txt", "dev.txt"])
def test_a_lock_names_no_host_pins_everything_by_hash_and_leaves_the_replacement_out(lock: str) -> None:
    text = (ROOT / "requirements" / lock).read_text("utf-8")
    assert "://" not in text
    assert "--index" not in text
    assert not re.search(r"^(niquests|urllib3-future)\b", text, re.MULTILINE)
    for block in re.split(r"\n(?=\S)", text):
        assert re.match(r"[a-z0-9.\[\]-]+==[^ ]+ .*--hash=sha256:[0-9a-f]{64}", block, re.DOTALL), block
