"""Connectors are found by entry point, ours and a stranger's, and what is missing is named with its remedy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from connectors.folder import Folder
from syncd.connector import Connector
from syncd.registry import MissingExtra, UnknownKind, connector, kinds

ENTRY = "[syncd.connectors]\nstranger = stranger_connector:Stranger\nfolder = stranger_connector:Stranger\n"


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another project's connector, as pip would install it."""
    facts = tmp_path / "stranger-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\nProvides-Extra: stranger\n")
    (facts / "entry_points.txt").write_text(ENTRY)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "stranger_connector", raising=False)
    return tmp_path


def test_ours_are_found() -> None:
    assert {"caldav", "folder", "memory"} <= set(kinds())
    assert connector("folder") is Folder


@pytest.mark.parametrize("kind", ["caldav", "folder", "memory"])
def test_each_has_the_shape_of_the_contract(kind: str) -> None:
    found = connector(kind)
    for name in ("Options", "capabilities", *(word for word in dir(Connector) if not word.startswith("_"))):
        assert hasattr(found, name), name


def test_an_unknown_kind_is_told_with_what_looks_like_it() -> None:
    with pytest.raises(UnknownKind, match=r"did you mean 'caldav'\?") as failure:
        connector("caldev")
    assert failure.value.close == ["caldav"]
    assert isinstance(failure.value, KeyError)
    with pytest.raises(UnknownKind, match="known are caldav, "):
        connector("xyz")


def test_a_strangers_connector_comes_through_the_same_door_and_does_not_replace_ours(stranger: Path) -> None:
    (stranger / "stranger_connector.py").write_text("class Stranger: pass\n")
    assert connector("stranger").__name__ == "Stranger"
    assert connector("folder") is Folder


def test_a_missing_package_is_told_with_the_line_that_installs_it(stranger: Path) -> None:
    (stranger / "stranger_connector.py").write_text("import no_such_package\n")
    with pytest.raises(MissingExtra, match=r"'no_such_package'.*pip install 'stranger\[stranger\]'"):
        connector("stranger")


def test_a_package_that_is_imported_late_is_missed_at_once(stranger: Path) -> None:
    (stranger / "stranger_connector.py").write_text("class Stranger:\n    requires = ('json', 'no_such_package')\n")
    with pytest.raises(MissingExtra, match="no_such_package"):
        connector("stranger")


def test_knowing_a_connectors_options_imports_none_of_its_packages() -> None:
    code = (
        "import sys; from syncd.registry import connector; [connector(kind).Options for kind in ('caldav', 'folder', 'memory')];"
        "print([name for name in ('requests', 'caldav', 'icalendar', 'lxml', 'defusedxml', 'urllib3') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
