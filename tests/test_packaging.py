"""What is installed: two packages and the shared files, the same bytes each time; and how it is run as a service."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

from syncd import __version__

ROOT = Path(__file__).parent.parent
BUILD = "from setuptools.build_meta import build_wheel; print(build_wheel({out!r}))"


def built(where: Path) -> Path:
    """A wheel of what git would have: built as pip does, without a network."""
    source, out = where / "source", where / "out"
    out.mkdir(parents=True)
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("syncd", "connectors", "config", "systemd"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    env = {**os.environ, "SOURCE_DATE_EPOCH": "1772409600"}
    subprocess.run([sys.executable, "-c", BUILD.format(out=str(out))], cwd=source, env=env, check=True, capture_output=True)
    (wheel,) = out.glob("*.whl")
    return wheel


def modern_setuptools() -> bool:
    import setuptools

    return int(setuptools.__version__.split(".")[0]) >= 77


@pytest.mark.skipif(not modern_setuptools(), reason="the lock's setuptools is not installed here")
def test_the_wheel_has_our_two_packages_and_shared_files_and_is_the_same_each_time(tmp_path: Path) -> None:
    one, two = built(tmp_path / "one"), built(tmp_path / "two")
    assert sha256(one.read_bytes()).hexdigest() == sha256(two.read_bytes()).hexdigest()
    with zipfile.ZipFile(one) as wheel:
        names = wheel.namelist()
    info = f"syncd-{__version__}.dist-info"
    data = f"syncd-{__version__}.data/data/"
    tops = {name.split("/")[0] for name in names}
    assert tops == {"syncd", "connectors", info, f"syncd-{__version__}.data"}
    shared = {name.removeprefix(data) for name in names if name.startswith(data)}
    assert {f"share/syncd/systemd/{name}" for name in ("syncd.service", "syncd", "user/syncd.service")} < shared
    assert {f"share/doc/syncd/examples/{path.name}" for path in (ROOT / "config").glob("*.yaml")} < shared
    assert all(name.startswith("share/") for name in shared)
    modules = {str(path.relative_to(ROOT)) for top in ("syncd", "connectors") for path in (ROOT / top).rglob("*.py")}
    assert {name for name in names if name.endswith(".py")} == modules
    assert "syncd/py.typed" in names
    assert not [name for name in names if re.search(r"(^|/)(tests?/|test_|conftest|__pycache__)", name)]


@pytest.mark.skipif(not modern_setuptools(), reason="the lock's setuptools is not installed here")
@pytest.mark.skipif(not (ROOT / ".git").exists() or shutil.which("git") is None, reason="this is no checkout")
def test_the_source_archive_has_what_the_repository_has(tmp_path: Path) -> None:
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    for name in names:
        (tmp_path / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / "source" / name)
    build = f"from setuptools.build_meta import build_sdist; build_sdist({str(tmp_path)!r})"
    subprocess.run([sys.executable, "-c", build], cwd=tmp_path / "source", check=True, capture_output=True)
    with tarfile.open(tmp_path / f"syncd-{__version__}.tar.gz") as archive:
        there = {name.partition("/")[2] for name in archive.getnames()}
    assert set(names) - there == set()


def test_the_unit_runs_without_rights() -> None:
    unit = configparser.ConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(ROOT / "systemd" / "syncd.service")
    service = unit["Service"]
    wanted = {
        "Type": "notify", "WatchdogSec": "180", "Restart": "on-failure", "TimeoutStopSec": "45", "DynamicUser": "yes",
        "StateDirectory": "syncd", "StateDirectoryMode": "0700", "UMask": "0077", "NoNewPrivileges": "yes",
        "CapabilityBoundingSet": "", "ProtectSystem": "strict", "ProtectHome": "yes", "PrivateTmp": "yes",
        "PrivateDevices": "yes", "PrivateUsers": "yes", "ProtectProc": "invisible", "ProcSubset": "pid",
        "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX", "MemoryDenyWriteExecute": "yes", "MemoryMax": "512M",
        "TasksMax": "512", "SystemCallArchitectures": "native",
    }  # fmt: skip
    assert {name: service.get(name) for name in wanted} == wanted


@pytest.mark.parametrize("unit", ["syncd.service", "user/syncd.service"])
def test_a_unit_that_cannot_start_is_never_given_up(unit: str) -> None:
    lines = (ROOT / "systemd" / unit).read_text().splitlines()
    assert {"StartLimitIntervalSec=0", "Restart=on-failure"} <= set(lines)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_the_units_exposure_is_at_most_one_and_a_half() -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=15", str(ROOT / "systemd" / "syncd.service")],
        capture_output=True,
        text=True,
        check=False,
    )
    if "Unknown" in done.stderr or "unrecognized" in done.stderr:
        pytest.skip("this systemd-analyze cannot look at a file")
    assert done.returncode == 0, done.stdout[-400:] + done.stderr


def test_every_extra_is_in_the_lock_and_nothing_of_the_tests_is_in_the_runtime_lock() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    run, dev = ((ROOT / "requirements" / name).read_text("utf-8") for name in ("run.txt", "dev.txt"))
    wanted = [
        *project["project"]["dependencies"],
        *(one for extra in project["project"]["optional-dependencies"].values() for one in extra),
    ]
    for requirement in wanted:
        name = requirement.split(">")[0].split("[")[0].strip().replace(".", "-").lower()
        for lock in (run, dev):
            assert f"\n{name}==" in f"\n{lock}", name
    assert "\npytest==" not in run
    pins = {lock: set(re.findall(r"^([a-z0-9-]+==[^ ]+)", lock, re.MULTILINE)) for lock in (run, dev)}
    assert pins[run] <= pins[dev], "what is tested is what is run"
