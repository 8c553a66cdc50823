"""Signs and verifies what an entry carries of ours, so that ownership and base survive lost answers and a lost ledger (W8).

A marker is bound to instance, destination and the entry's uid: a copied event carries one that no longer verifies (F16).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from syncd.core.record import Value

_VERSION = "s1"
_MAC_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a marker says: which shift, by which operation, what the entry said then, and in which words."""

    key: str
    generation: int
    op: str
    value: Value
    title: str
    """Digest of the title as written: another one there is a human's hand (or the server's)."""
    words: str
    """Digest of all the words as written: other ones today are ours to bring up to date."""


class Hand(StrEnum):
    """Whose entry it is, by its marker alone."""

    OWN = "own"
    PEER = "of another instance"
    COPY = "a copy, or of a key that was lost"
    FOREIGN = "foreign"


def digest(text: str) -> str:
    """12 hex digits of `text`, normalised as servers do: NFC, one space for any white space."""
    normal = " ".join(unicodedata.normalize("NFC", text).split())
    return hashlib.sha256(normal.encode("utf-8", "replace")).hexdigest()[:12]


def title_digest(wording: str) -> str:
    """Digest of the first line of a wording."""
    return digest(wording.partition("\n")[0])


def uid_for(instance: str, destination: str, key: str, generation: int) -> str:
    """Deterministic id of an entry: base32hex in lower case, 32 characters (W3, G-01)."""
    raw = hashlib.sha256("\0".join((instance, destination, key, str(generation))).encode()).digest()[:20]
    return base64.b32hexencode(raw).decode().lower()


def sign(secret: bytes, claim: Claim, *, instance: str, destination: str, uid: str) -> str:
    """The marker's text: under 400 characters of ASCII for keys of ordinary length."""
    v = claim.value
    body = [destination, claim.key, claim.generation, claim.op, v.person, v.start, v.end, v.lane, claim.title, claim.words]
    payload = _b64(json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode())
    return f"{_VERSION}.{instance}.{payload}.{_mac(secret, instance, uid, payload)}"


def verify(secret: bytes, text: str | None, *, instance: str, destination: str, uid: str) -> tuple[Hand, Claim | None]:
    """Whose hand wrote `text`; its claim only where this key signed it for this very entry and destination. Never raises."""
    parts = (text or "").strip().split(".")
    if len(parts) != 4 or parts[0] != _VERSION:
        return Hand.FOREIGN, None
    _, named, payload, mac = parts
    if named != instance:
        return Hand.PEER, None
    expected = _mac(secret, instance, uid, payload)
    if not hmac.compare_digest(mac.encode("utf-8", "replace"), expected.encode()):
        return Hand.COPY, None
    whose, key, generation, op, *value, title, words = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    if whose != destination:
        return Hand.FOREIGN, None  # another destination of this instance in a shared calendar (MERGE.md rule 27)
    return Hand.OWN, Claim(key=key, generation=generation, op=op, value=Value(*value), title=title, words=words)


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _mac(secret: bytes, instance: str, uid: str, payload: str) -> str:
    text = "\0".join((_VERSION, instance, uid, payload))
    return _b64(hmac.new(secret, text.encode("utf-8", "replace"), hashlib.sha256).digest()[:_MAC_BYTES])
