"""Reads a rota that another system keeps: fetched with care, held to what it was, the last good one kept on disk (row 17)."""

from __future__ import annotations

import base64
import json
import os
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from threading import Thread
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request, build_opener

from syncd.config import Config, ConfigError, load
from syncd.config.document import LONGEST
from syncd.config.problem import Report
from syncd.config.settings import Source
from syncd.config.source import files_of
from syncd.core.model import Instant, Rota

PATIENCE = 20.0
"""Seconds that a fetch may take in all."""
SCHEDULES_GONE = 0.30
PEOPLE_GONE, PEOPLE_SHARE = 3, 0.30
"""A source that has lost more than this since its last good state is not believed before somebody says so."""
BRIDGE = "/api/bridge/schedules"
NAME = "(source)"
"""What its holds are listed under; no destination can be named so."""
_CHUNK = 1 << 16
_asking: dict[str, Thread] = {}
"""Address → who asks there: one that hangs is not followed by another."""


class SourceUnknown(Exception):
    """What the source says now cannot be known, or is not believed. The text is a sentence for the admin."""

    def __init__(self, text: str, digest: str = "") -> None:
        super().__init__(text)
        self.digest = digest
        """Of what it says, where `syncd ack` may let it in."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A good state of the source: its files by address, when they were read, and what was in them."""

    files: Mapping[str, bytes]
    at: Instant
    schedules: tuple[str, ...]
    people: tuple[str, ...]

    @property
    def digest(self) -> str:
        """16 hex digits of the content."""
        return digest(self.files)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The configuration with the rota that counts. `fresh`: a good state to be kept; `unknown`: why it is not today's."""

    config: Config
    fresh: Kept | None = None
    unknown: SourceUnknown | None = None
    kept_at: Instant | None = None
    """When the rota that counts was read, where it is not today's."""


def read(
    bare: Config,
    folder: Path,
    *,
    now: Instant,
    destinations: bool = True,
    strict: bool = False,
    young: bool = False,
    patience: float = PATIENCE,
    data: bytes | None = None,
    released: Callable[[], frozenset[str]] = frozenset,
) -> Reading:
    """`bare`, which was loaded without what is elsewhere, with the rota that its `source` names.

    `folder`: where good states are kept. `strict`: mistakes in what it says are raised as they are. `young`: a state
    that was kept less than `refresh` ago will do. `data`: taken for what stands in the file. `released`: digests that
    somebody let in. Raises `ConfigError`, and `SourceUnknown` where nothing was kept that could stand in.
    """
    source = bare.source
    if source is None:
        return Reading(config=bare)

    def loaded(files: Mapping[str, bytes]) -> Config:
        return load(bare.path, destinations=destinations, fetched=files, data=data, now=now)

    kept = get(folder, source)
    if young and kept is not None and source.directory is None and 0 <= now - kept.at < source.refresh:
        with suppress(ConfigError):  # the file may speak already of what is new there
            return Reading(config=loaded(kept.files))
    try:
        files = fetch(source, patience=patience)
        config = _believed(files, loaded, kept, strict)
        lost = _lost(kept, config.rota)
        if lost and digest(files) not in released():
            raise SourceUnknown(f"{lost}; `syncd ack {digest(files)}` lets it in", digest(files))
    except SourceUnknown as unknown:
        if kept is None:
            raise
        return Reading(config=loaded(kept.files), unknown=unknown, kept_at=kept.at)
    fresh = Kept(files=files, at=now, schedules=tuple(config.rota.schedules), people=tuple(config.rota.people))
    return Reading(config=config, fresh=fresh)


def _believed(
    files: Mapping[str, bytes], loaded: Callable[[Mapping[str, bytes]], Config], kept: Kept | None, strict: bool
) -> Config:
    """What is no rota, or none that the destinations can be shown from, is not one without people: it is unknown.

    `strict`: it is a mistake like those of a file, as it is where there never was a good state.
    """
    try:
        config = loaded(files)
    except ConfigError as error:
        if strict or kept is None:
            raise
        try:
            loaded(kept.files)
        except ConfigError:
            raise error from None  # whatever the source says, the file itself is wrong
        wrong = [problem for problem in error.problems if problem.severity == "error"]
        more = f", and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        raise SourceUnknown(f"what it says cannot be used: {wrong[0]}{more}") from None
    if not config.rota.schedules:
        raise SourceUnknown("it says nothing: no schedule is in it")
    return config


def _lost(kept: Kept | None, rota: Rota) -> str:
    """Why the rota has shrunk too much since it was last good, or ""."""
    if kept is None:
        return ""
    schedules = [id_ for id_ in kept.schedules if id_ not in rota.schedules]
    people = [id_ for id_ in kept.people if id_ not in rota.people]
    if len(schedules) > SCHEDULES_GONE * len(kept.schedules):
        return f"it has shrunk: {len(schedules)} of {len(kept.schedules)} schedules are gone ({_few(schedules)})"
    if len(people) > max(PEOPLE_GONE, PEOPLE_SHARE * len(kept.people)):
        return f"it has shrunk: {len(people)} of {len(kept.people)} people are gone ({_few(people)})"
    return ""


def _few(names: list[str]) -> str:
    return ", ".join(names[:5]) + (", …" if len(names) > 5 else "")


def digest(files: Mapping[str, bytes]) -> str:
    told = sha256()
    for name in sorted(files):
        told.update(f"{name}\0{len(files[name])}\0".encode() + files[name])
    return told.hexdigest()[:16]


# --- fetching ----------------------------------------------------------------------------


def fetch(source: Source, *, patience: float = PATIENCE) -> dict[str, bytes]:
    """What the source says now: address → text. Raises `SourceUnknown`."""
    if source.directory is not None:
        report = Report()
        files = files_of(source.directory, _Nowhere(), report)
        if files is None:
            raise SourceUnknown(report.problems()[0].problem)
        return files
    if source.url is not None:
        secret = {} if source.token is None else {"Authorization": f"Bearer {_revealed(source, 'token')}"}
        return {source.url: get_text(source.url, secret, source.ca_file, patience)}
    address = (source.bridge or "").rstrip("/")
    address += "" if address.endswith(BRIDGE) else BRIDGE
    headers = {"X-Tenant-Id": source.tenant_id} if source.tenant_id else {}
    if source.key is not None:
        headers["X-Integration-Key"] = _revealed(source, "key")
    return {address: by_id(get_text(address, headers, source.ca_file, patience))}


@dataclass(frozen=True)
class _Nowhere:
    """A place for problems whose place in the file is not told."""

    file: str = ""
    line: int = 1
    column: int = 1


def _revealed(source: Source, key: str) -> str:
    try:
        text: str = getattr(source, key).reveal().strip()
    except (OSError, KeyError):
        raise SourceUnknown(f"its {key} is not there or cannot be read") from None
    if not text.isascii() or not text.isprintable():
        raise SourceUnknown(f"its {key} holds something that cannot be sent")
    return text


def get_text(address: str, headers: Mapping[str, str], ca_file: Path | None, patience: float) -> bytes:
    """One GET, bounded in time and size. Redirects stay at the same origin, so nobody else sees the headers.

    It is made on a thread: a name that is looked up for ever, and headers that come byte by byte, are past a socket's limits.
    """
    found: list[bytes | SourceUnknown] = []

    def ask() -> None:
        try:
            found.append(_got(address, headers, ca_file, patience))
        except SourceUnknown as unknown:
            found.append(unknown)

    earlier = _asking.get(address)
    if earlier is not None and earlier.is_alive():
        raise SourceUnknown("an earlier question has had no answer yet, and no end")
    thread = _asking[address] = Thread(target=ask, name="syncd-source-get", daemon=True)
    thread.start()
    thread.join(patience + 1)
    if not found:
        raise SourceUnknown(f"it did not answer within {patience:.0f} s")
    if isinstance(found[0], SourceUnknown):
        raise found[0]
    return found[0]


def _got(address: str, headers: Mapping[str, str], ca_file: Path | None, patience: float) -> bytes:
    until = time.monotonic() + patience
    request = Request(address, headers={**headers, "Accept-Encoding": "identity", "User-Agent": "syncd"})  # noqa: S310 - config allows http(s) only
    try:
        with _opener(address, ca_file).open(request, timeout=patience) as answer:
            if answer.status != 200 or answer.headers.get("Content-Encoding", "identity") != "identity":
                raise SourceUnknown(f"it answered {answer.status}, not as asked")
            return _whole(answer, answer.headers.get("Content-Length"), until)
    except HTTPError as error:
        with error:
            raise SourceUnknown(f"it answered {error.code} {error.reason}") from None
    except URLError as error:
        raise SourceUnknown(f"it cannot be reached: {error.reason}") from None
    except (OSError, HTTPException, ValueError) as error:
        raise SourceUnknown(f"it did not answer as it should: {type(error).__name__}: {error}") from None


def _opener(address: str, ca_file: Path | None) -> OpenerDirector:
    context = ssl.create_default_context()
    if ca_file is not None:
        context.load_verify_locations(cafile=str(ca_file))
    handlers: list[Any] = [_SameOrigin(), HTTPSHandler(context=context)]
    if urlsplit(address).scheme == "http":
        handlers.append(ProxyHandler({}))  # loopback
    return build_opener(*handlers)


class _SameOrigin(HTTPRedirectHandler):
    max_redirections = 5

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        if _origin(newurl) != _origin(req.full_url):
            raise SourceUnknown("it redirects to another origin, which is not followed; name that one in `source`")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _origin(address: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(address)
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def _whole(answer: IO[bytes], length: str | None, until: float) -> bytes:
    found = bytearray()
    while chunk := answer.read1(_CHUNK):  # type: ignore[attr-defined]
        found += chunk
        if len(found) > LONGEST:
            raise SourceUnknown(f"its answer is longer than {LONGEST >> 10} KiB")
        if time.monotonic() > until:
            raise SourceUnknown("its answer takes too long")
    if length is not None and length.isdigit() and len(found) != int(length):
        raise SourceUnknown(f"its answer ended after {len(found)} of {length} bytes")
    return bytes(found)


def by_id(text: bytes) -> bytes:
    """A bridge may wrap the rota in `data`, and list people, roles, teams and schedules with their `id` inside."""
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return text  # YAML, or nothing that can be read: said where it is read
    if isinstance(told, dict) and isinstance(told.get("data"), (dict, list)):
        told = told["data"]
    if isinstance(told, list):
        told = {"schedules": told}
    if not isinstance(told, dict):
        return text
    for key in ("people", "roles", "teams", "schedules"):
        listed = told.get(key)
        if isinstance(listed, list) and all(isinstance(one, dict) and isinstance(one.get("id"), str) for one in listed):
            told[key] = {one["id"]: {name: value for name, value in one.items() if name != "id"} for one in listed}
            if len(told[key]) != len(listed):
                raise SourceUnknown(f"two of its {key} have one id")
    return json.dumps(told, ensure_ascii=False, indent=1).encode()


# --- keeping -----------------------------------------------------------------------------


def _place(folder: Path, source: Source) -> Path:
    """One file an address: another source is not compared with this one."""
    address = f"{source.directory or source.url or source.bridge}\0{source.tenant_id or ''}"
    return folder / f"source-{sha256(address.encode()).hexdigest()[:12]}.json"


def get(folder: Path, source: Source) -> Kept | None:
    """The last good state; None where there is none, or none that can be read."""
    try:
        told = json.loads(_place(folder, source).read_text("utf-8"))
        files = {str(name): base64.b64decode(text, validate=True) for name, text in told["files"].items()}
        kept = Kept(files=files, at=int(told["at"]), schedules=tuple(told["schedules"]), people=tuple(told["people"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return kept if kept.digest == told.get("digest") else None


def put(folder: Path, source: Source, kept: Kept) -> None:
    """Whole or not at all. Raises `OSError`."""
    told = {
        "at": kept.at,
        "digest": kept.digest,
        "schedules": kept.schedules,
        "people": kept.people,
        "files": {name: base64.b64encode(text).decode() for name, text in kept.files.items()},
    }
    place = _place(folder, source)
    new = place.with_suffix(f".{os.getpid()}.new")
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:
            json.dump(told, stream)
            stream.flush()
            os.fsync(stream.fileno())
        new.replace(place)
    finally:
        new.unlink(missing_ok=True)
