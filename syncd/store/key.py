"""The key that authenticates markers: kept beside the store, not in it, or given as a secret."""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import suppress
from pathlib import Path

from syncd.store import owned
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


def beside(directory: Path, *, create: bool) -> bytes | None:
    """The key in `directory`; where there is none it is made, but not without `create`: then the answer is None."""
    path = directory / KEY_FILE
    try:
        if not path.exists():
            if not create:
                return None
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
            f"look like a stranger's. {_anew(path)}"
        )
    return bytes.fromhex(text)


def lost(directory: Path) -> StoreError:
    """A store that was in use and has no key any more: a new one must be somebody's decision."""
    path = directory / KEY_FILE
    return StoreError(
        f"{path} is missing, the key by which syncd knows what it wrote; nothing was written. Put it back from where it is kept "
        f"(the copies of `syncd backup` do not have it), or set `marker_key` again if it was given there. {_anew(path)}"
    )


def _anew(path: Path) -> str:
    return (
        f"If it is lost for good, make another: `(umask 077; od -An -vtx1 -N32 /dev/urandom | tr -d ' \\n' > {path})`, "
        f"with the owner of {path.with_name('syncd.db').name}: what this store remembers stays ours."
    )


def _make(path: Path) -> None:
    """Complete or not at all, and never over one that somebody else made meanwhile."""
    part = path.with_name(f"{path.name}.{os.urandom(4).hex()}")
    try:
        with os.fdopen(owned.opened(part), "w", encoding="ascii") as file:
            file.write(os.urandom(32).hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(part, path)
    finally:
        part.unlink(missing_ok=True)
