"""The rules' own tests notice when a rule is taken out (PROTOCOL.md section 7)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.machine.mutants import MUTANTS, Mutant

ROOT = Path(__file__).parent.parent.parent
TESTS = ["test_rules.py", "test_rules_meant.py", "test_protocol.py"]


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=list(MUTANTS))
def test_every_mutant_is_one_place_of_the_engine(mutant: Mutant):
    assert (ROOT / mutant.file).read_text("utf-8").count(mutant.text) == 1


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=list(MUTANTS))
def test_a_rule_that_is_taken_out_is_missed(mutant: Mutant, tmp_path: Path):
    for folder in ("syncd", "connectors", "tests"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    path = tmp_path / mutant.file
    path.write_text(path.read_text("utf-8").replace(mutant.text, mutant.instead), "utf-8")
    tests = [str(Path("tests/machine") / name) for name in TESTS]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout[-2000:]
    assert "SyntaxError" not in done.stdout
    assert "no tests ran" not in done.stdout
