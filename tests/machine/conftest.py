"""Stores of these tests live in memory where the system has such a place: what is committed counts, not how fast a disk is."""

from __future__ import annotations

from pathlib import Path

import pytest

MEMORY = Path("/dev/shm")


@pytest.fixture(autouse=True)
def in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    if MEMORY.is_dir():
        monkeypatch.setattr("tempfile.tempdir", str(MEMORY))
