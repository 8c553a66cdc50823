"""Keeps what a user's sign-in gave, encrypted, in one file that every process of ours may use at once."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from syncd.connector import Denied, Secret, Unavailable

AGAIN = "sign in again: syncd auth outlook"
_KEY_BYTES = 32


@dataclass(frozen=True)
class TokenFile:
    """AES-256-GCM; the key is a secret of the configuration, or lies in `PATH.key`, made at the first sign-in, mode 0600.

    `purpose` (login, tenant and app) is authenticated with it: a file of another app is refused, not tried.
    """

    path: Path
    key: Secret | None
    purpose: str

    @contextmanager
    def alone(self) -> Iterator[None]:
        """No other process reads or writes meanwhile: one refresh serves all, and the newest token wins (F31)."""
        import fcntl

        try:
            descriptor = os.open(self.path.with_name(self.path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            raise self._nobody() from None
        except OSError as problem:
            raise Unavailable(
                f"token_cache {self.path}: {problem.strerror}; syncd must be able to write there", refused=True
            ) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def load(self) -> str:
        """What was saved last. Raises `Denied` where nobody signed in, or the key is another one."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            raw = self.path.read_bytes()
        except FileNotFoundError:
            raise self._nobody() from None
        except OSError as problem:
            raise Unavailable(f"token_cache {self.path}: {problem.strerror}", refused=True) from None
        with suppress(InvalidTag, ValueError, KeyError, TypeError):
            kept = json.loads(raw)
            nonce, data = base64.b64decode(kept["nonce"]), base64.b64decode(kept["data"])
            return AESGCM(self._secret_key(make=False)).decrypt(nonce, data, self.purpose.encode()).decode()
        raise Denied(f"{self.path} cannot be opened with this key, client_id and tenant; {AGAIN}")

    def _nobody(self) -> Denied:
        return Denied(
            f"no user has signed in yet, there is no {self.path}. Run `syncd auth outlook` as the user that runs syncd; "
            "for the app itself to sign in set client_secret or certificate"
        )

    def save(self, text: str) -> None:
        """Whole or not at all, and on the disk before it is used."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = secrets.token_bytes(12)
        data = AESGCM(self._secret_key(make=True)).encrypt(nonce, text.encode(), self.purpose.encode())
        _write(self.path, json.dumps({"nonce": base64.b64encode(nonce).decode(), "data": base64.b64encode(data).decode()}))

    def _secret_key(self, *, make: bool) -> bytes:
        if self.key is not None:
            try:
                return hashlib.sha256(self.key.reveal().encode()).digest()
            except (OSError, KeyError):
                pass
            raise Denied(f"token_cache_key cannot be read from {self.key.where}")
        place = self.path.with_name(self.path.name + ".key")
        with suppress(OSError, ValueError):
            if len(key := bytes.fromhex(place.read_text().strip())) == _KEY_BYTES:
                return key
        if not make:
            raise Denied(f"{place}, the key of {self.path.name}, cannot be read; {AGAIN}")
        key = secrets.token_bytes(_KEY_BYTES)
        _write(place, key.hex())
        return key


def _write(path: Path, text: str) -> None:
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as problem:
        with suppress(OSError):
            fresh.unlink()
        raise Unavailable(f"token_cache {path}: {problem.strerror}; syncd must be able to write there", refused=True) from None
