"""What happens before a calendar is in use: finding it by name, and telling what is wrong with it. The one user of caldav."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from difflib import SequenceMatcher
from importlib.util import find_spec
from typing import Any
from urllib.parse import urljoin, urlsplit

from connectors.caldav_wire import Wire, failure, missing, no_calendar, server_time
from connectors.caldav_xml import CAL, DAV, Part, multistatus, parse, properties
from syncd.connector import ConnectorError, Finding, Unavailable
from syncd.core.model import iso

WRITES = {f"{DAV}{name}" for name in ("all", "write", "write-content", "bind")}


def find(wire: Wire, url: str, name: str) -> str:
    """The address of the calendar called `name`, or whose path ends so. Raises `Unavailable` where none or several are."""
    seen = calendars(wire, url)
    for like in (_folded(name), _folded(name).casefold()):
        alike = sorted({where for title, where in seen if like in (_folded(title), _folded(title).casefold())})
        if len(alike) > 1:
            raise Unavailable(f"several calendars are called {name!r}; put the address of one in `url`: {', '.join(alike)}")
        if alike:
            return alike[0]
    if ends := [where for _, where in seen if urlsplit(where).path.rstrip("/").rpartition("/")[2] == name]:
        return ends[0]
    titles = sorted({title for title, _ in seen}, key=lambda title: -SequenceMatcher(None, name, title).ratio())
    names = ", ".join(map(repr, titles[:20])) or "none"
    raise Unavailable(f"no calendar is called {name!r}; there are: {names}")


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", " ".join(name.split()))


def calendars(wire: Wire, url: str) -> list[tuple[str, str]]:
    """Name and address of all calendars that the account at `url` sees."""
    well_known = urljoin(url, "/.well-known/caldav")
    problem: ConnectorError | None = None
    for start in (url, well_known):
        answer = wire.call("PROPFIND", start, properties("D:current-user-principal", "C:calendar-home-set"), Depth="0")
        if answer.status == 207:
            if seen := _by_library(wire, answer.url):
                return seen
        elif answer.status in (401, 403, 429) or answer.status >= 500:
            raise failure(answer, "looking for calendars", writing=False)
        else:
            problem = problem or failure(answer, "looking for calendars", writing=False)
    if problem is not None:
        raise problem
    return _children(wire, url)


def _by_library(wire: Wire, url: str) -> list[tuple[str, str]]:
    """The way over principal and home that caldav knows for every server."""
    from caldav.davclient import DAVClient
    from caldav.lib.error import DAVError

    with wire.session() as session:
        client = DAVClient(url=url, auth=session.auth, enable_rfc6764=False, rate_limit_handle=False)
        client.session.close()
        client.session = _Checked(session)
        try:
            found = client.get_calendars()
            return [(str(one.get_display_name() or one.id or ""), _slashed(str(one.url))) for one in found]
        except DAVError as cause:
            if getattr(cause, "reason", "") in ("Unauthorized", "Forbidden"):
                raise Unavailable(
                    "the server does not tell which calendars there are; put the address of one in `url`"
                ) from cause
            return []
        except (
            ValueError,
            LookupError,
            TypeError,
            AttributeError,
            AssertionError,
        ) as cause:  # what it does not expect of a server
            text = "the server's way to its calendars is odd or leads to another host; put the address of the calendar in `url`"
            raise Unavailable(text) from cause


class _Checked:
    """Our session as the library uses it: it sees no XML that we would not take."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def request(self, *args: Any, **more: Any) -> Any:
        response = self._session.request(*args, **more)
        if response.status_code == 207:
            parse(response.content)
        return response

    def close(self) -> None:
        """It is given back by whoever lent it."""


def _children(wire: Wire, url: str) -> list[tuple[str, str]]:
    """The calendars right under `url`, which may be a home or a calendar on a server that names no principal."""
    answer = wire.call("PROPFIND", _slashed(url), properties("D:resourcetype", "D:displayname"), Depth="1")
    if answer.status != 207:
        raise failure(answer, "looking for calendars", writing=False)
    return [
        (part.text(f"{DAV}displayname") or part.href.rstrip("/").rpartition("/")[2], _slashed(urljoin(answer.url, part.href)))
        for part in multistatus(answer.body)
        if _is_calendar(part)
    ]


def _is_calendar(part: Part) -> bool:
    return any(element.tag == f"{CAL}calendar" for element in part.found.get(f"{DAV}resourcetype", ()))


def _slashed(url: str) -> str:
    return url.rstrip("/") + "/"


# --- doctor -------------------------------------------------------------------------------------


def findings(wire: Wire, url: str, name: str | None, calendar: Callable[[], str]) -> Iterator[Finding]:
    """Sign-in, calendar, what it takes, the right to write, the server's clock, the HTTP library."""
    yield _library()
    try:
        where = calendar()
        asked = properties(
            "D:resourcetype", "D:displayname", "D:current-user-privilege-set", "C:supported-calendar-component-set"
        )
        answer = wire.call("PROPFIND", where, asked, Depth="0")
        if answer.status in (404, 410):
            raise missing(where, answer)
        if answer.status != 207:
            raise failure(answer, "looking at the calendar", writing=False)
        parts = multistatus(answer.body)
    except ConnectorError as problem:
        yield _bad("calendar", problem)
        return
    yield Finding(what="sign-in", ok=True, text="digest" if wire.digest else "accepted")
    part = next((one for one in parts if _is_calendar(one)), None)
    if part is None:
        yield _bad("calendar", no_calendar(where, _names(wire, url)))
        return
    yield Finding(what="calendar", ok=True, text=f"{part.text(f'{DAV}displayname') or name or 'without a name'} at {where}")
    yield from _about(part)
    if (at := server_time(answer.headers)) is not None:
        yield Finding(what="clock", ok=True, text=f"the server's clock says {iso(at)}", server_time=at)


def _bad(what: str, problem: ConnectorError) -> Finding:
    """What `plan` says, too: what happened, and what to do."""
    text, _, remedy = str(problem).partition("; ")
    return Finding(what=what, ok=False, text=text, remedy=remedy)


def _about(part: Part) -> Iterator[Finding]:
    kinds = part.found.get(f"{CAL}supported-calendar-component-set")
    if kinds is not None and len(kinds) and not any(kind.get("name", "").upper() == "VEVENT" for kind in kinds):
        yield Finding(what="events", ok=False, text="the calendar takes no events", remedy="choose one that is no task list")
    rights = part.found.get(f"{DAV}current-user-privilege-set")
    if rights is not None:
        may = {element.tag for element in rights.iter()} & WRITES
        text = "entries can be written" if may else "the account may read the calendar, but not write"
        remedy = "" if may else "share the calendar with this account so that it may edit"
        yield Finding(what="right to write", ok=bool(may), text=text, remedy=remedy)


def _names(wire: Wire, url: str) -> str:
    try:
        return ", ".join(repr(title) for title, _ in calendars(wire, url)[:20]) or "none found"
    except ConnectorError:
        return "none found"


def _library() -> Finding:
    from importlib.metadata import version

    installed = version("urllib3")
    replaced = find_spec("urllib3_future") is not None
    text = f"urllib3 is {installed}" + (", put in its place by urllib3-future" if replaced else "")
    remedy = "install from the lock file, which leaves niquests and urllib3-future out" if replaced else ""
    return Finding(what="HTTP library", ok=not replaced, text=text, remedy=remedy)
