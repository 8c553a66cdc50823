"""The key that authenticates markers: kept beside the store, not in it, or given as a secret."""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import suppress
from pathlib import Path

from syncd.store.errors import StoreError

KEY_FILE = "syncd.key"
_HEX = re.compile(r"[0-9a-fA-F]{64}")
_SHORTEST = 16


def instance_of(key: bytes) -> str:
    """Our name in markers, 16 hex digits; it tells nothing about the key."""
    return hashlib.sha256(b"syncd instance\0" + key).hexdigest()[:16]


def given(text: str) -> bytes:
    """64 hex digits are 32 bytes; any other text of at least 16 characters is taken as it is."""
    said = text.strip()
    if _HEX.fullmatch(said):
        return bytes.fromhex(said)
    if len(said) < _SHORTEST:
        raise StoreError(f"the marker key is too short: give at least {_SHORTEST} characters, best 64 random hex digits.")
    return said.encode()


def beside(directory: Path, *, create: bool) -> bytes:
    """The key in `directory`; made once. Without `create`, one that does not exist is made up and not kept."""
    path = directory / KEY_FILE
    try:
        if not path.exists():
            if not create:
                return os.urandom(32)
            _make(path)
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
        text = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        what = error.strerror if isinstance(error, OSError) else "it is not text"
        raise StoreError(f"{path} cannot be read or written: {what}.") from error
    if not _HEX.fullmatch(text):
        raise StoreError(
            f"{path} is not a key of 64 hex digits: put back the one that was there. Without it our entries "
            f"look like a stranger's; if it is lost, remove the file, and syncd makes a new one."
        )
    return bytes.fromhex(text)


def _make(path: Path) -> None:
    """Complete or not at all, and never over one that somebody else made meanwhile."""
    part = path.with_name(f"{path.name}.{os.urandom(4).hex()}")
    try:
        with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
            file.write(os.urandom(32).hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(part, path)
    finally:
        part.unlink(missing_ok=True)
