"""Where the program keeps what is its own on this machine: the store's directory, or where a store would be."""

from __future__ import annotations

import os
from pathlib import Path


def own_place() -> str:
    """Of a store that the file does not name: `$STATE_DIRECTORY` (systemd), `$XDG_STATE_HOME/syncd`, `~/.local/state/syncd`."""
    if given := os.environ.get("STATE_DIRECTORY"):
        return given.split(":")[0]
    home = os.environ.get("XDG_STATE_HOME")
    base = Path(home) if home and Path(home).is_absolute() else Path.home() / ".local" / "state"
    return str(base / "syncd")


def state_of(store: str | None) -> Path:
    """`store` as the file names it; of a database URL the place that a store of this machine would have."""
    return Path(own_place() if store is None or "://" in store else store)
