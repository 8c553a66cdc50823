"""One call to Google Calendar, and what each of its answers means: the error tree, in words that say what to click."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

from googleapiclient.discovery import build_from_document

from connectors.google_account import SCOPE, Account, moment, parsed, wait
from connectors.google_http import TROUBLE, Http, NotSent
from syncd.connector import ConnectorError, Denied, Rejected, Stale, Unavailable

PAUSE = 3600.0
"""Seconds to leave an account alone that met a limit which lasts hours (G-35)."""
LONG = frozenset({"quotaExceeded", "dailyLimitExceeded", "QUOTA_EXCEEDED"})
SHORT = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "concurrentLimitExceeded", "RATE_LIMIT_EXCEEDED"})
OF_THE_EVENT = frozenset(
    {"forbiddenForNonOrganizer", "cannotChangeOrganizer", "cannotChangeOrganizerOfInstance", "eventTypeRestriction"}
)
"""Refusals of one request, which say nothing about the next."""


class Gone(Stale):
    """What was named is not there: the event, or the calendar."""


class Taken(Stale):
    """The id belongs to an event, maybe a deleted one (G-02)."""


class Forbidden(Denied):
    """A refusal without a reason, which may also be that of a deleted event (G-03)."""


class Line:
    """A connection with the vendor's service object, for one thread at a time (G-40)."""

    def __init__(self, account: Account, base: str | None, calendar: str) -> None:
        self.account = account
        self.calendar = calendar
        self.time: int | None = None
        """The server's clock when it last answered."""
        self.status = 0
        """Of the last answer that was no refusal."""
        self._http = Http(account.token)
        options = {"universe_domain": "googleapis.com", **({"api_endpoint": base} if base else {})}  # not the environment's
        self._events = build_from_document(_document(), http=self._http, client_options=options).events()

    def sign_in(self) -> None:
        """Gets an access token if there is none."""
        self.account.token(self._http, None)

    def ask(self, call: Callable[[Any], Any], match: str | None = None) -> dict[str, Any]:
        """The answer to the request that `call` makes of the vendor's `events`; `match`: only if it is still at that version.

        Sent once. What goes wrong is raised from here: no frame that knows what was sent or answered is in the traceback.
        """
        answer = self._sent(call, match)
        if isinstance(answer, ConnectorError):
            raise answer
        return answer

    def _sent(self, call: Callable[[Any], Any], match: str | None) -> dict[str, Any] | ConnectorError:
        request = call(self._events)
        headers = {**request.headers, **({"If-Match": match} if match is not None else {})}  # G-06, G-44
        try:
            # not `request.execute()`: that writes to the log what a server says in a refusal
            response, content = self._http.request(request.uri, request.method, request.body, headers)
            self.time = moment(response.get("date", "")) or self.time
            if response.status >= 300:
                return meaning(response, content, self.account, self.calendar)
            self.status = int(response.status)
            return _content(response.status, content)
        except ConnectorError as cause:
            return cause.with_traceback(None)
        except NotSent as cause:
            return Unavailable(f"Google cannot be reached: {cause}", refused=True)
        except TROUBLE:
            return Unavailable("Google gave no answer, or only part of one; what was asked for may have been done")
        except (ValueError, RecursionError):
            return Unavailable("Google's answer makes no sense; what was asked for may have been done")

    def close(self) -> None:
        self._http.close()


def meaning(response: Any, content: bytes, account: Account, calendar: str) -> ConnectorError:
    """Which error a refusal is (G-35, G-37): wait, leave it alone for long, ask a human, or only this request."""
    status = int(response.status)
    reasons, words = _said(content)
    said = f"“{account.scrub(words)}”" if words else f"HTTP {status}"
    after = wait(response)
    if status in (404, 410):
        return Gone(f"it is no longer there ({said})")
    if status == 409:
        return Taken(f"the id is already taken ({said})")
    if status == 412:
        return Stale(f"the event was changed meanwhile ({said})")
    if reasons & LONG:
        text = f"Google's usage limits for {account.name} are reached ({said}); they last for hours, see docs/google.md"
        return Unavailable(text, after=max(PAUSE, after or 0.0), refused=True)
    if status == 429 or reasons & SHORT:
        return Unavailable(f"Google asks us to slow down ({said})", after=after, refused=True)
    if status == 401:
        refusal = Denied(f"Google does not accept the access token of {account.name} ({said}); check the credentials")
        account.forget()
        return refusal
    if status == 403:
        return _forbidden(reasons, said, account, calendar)
    if 400 <= status < 500 and status != 408:
        return Rejected(f"Google refuses this request ({said})")
    return Unavailable(f"Google fails ({said})", after=after)


def _forbidden(reasons: frozenset[str], said: str, account: Account, calendar: str) -> ConnectorError:
    if reasons & {"insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}:
        how = "have the scope granted" if account.robot else "sign in again with: syncd auth google, and leave the box ticked"
        return Denied(f"the sign-in of {account.name} lacks the scope {SCOPE} ({said}); {how}")
    if reasons & {"accessNotConfigured", "SERVICE_DISABLED"}:
        return Denied(
            f"the Google Calendar API is off ({said}); in the Google Cloud console of that project open "
            "APIs & Services → Library → Google Calendar API and press Enable"
        )
    if "requiredAccessLevel" in reasons:
        return Denied(shared_too_little(account, calendar, f"may not change it ({said})"))
    if reasons & OF_THE_EVENT:
        return Rejected(f"Google refuses this change of the event ({said})")
    text = f"Google forbids it to {account.name} ({said}); check how {calendar} is shared"
    return Forbidden(text) if reasons <= {"forbidden"} else Denied(text)


def shared_too_little(account: Account, calendar: str, what: str) -> str:
    return (
        f"calendar {calendar} is shared, but {account.name} {what}; in Google Calendar open its Settings and sharing → "
        f"Share with specific people and give {account.name} “Make changes to events”"
    )


def not_found(account: Account, calendar: str) -> Denied:
    """A calendar that is not shared with us looks the same as one that is not there."""
    return Denied(
        f"Google shows {account.name} no calendar {calendar}; in Google Calendar open its Settings and sharing, compare "
        f"“Calendar ID” under Integrate calendar, and under Share with specific people add {account.name} "
        "with “Make changes to events”"
    )


def _said(content: bytes) -> tuple[frozenset[str], str]:
    """The reasons of an error answer, old form and new, and its message; nothing where it is a page of HTML."""
    error = (parsed(content.decode("utf-8", "replace")) or {}).get("error")
    if not isinstance(error, dict):
        return frozenset(), ""
    parts = [part for name in ("errors", "details") for part in _list(error.get(name)) if isinstance(part, dict)]
    return frozenset(str(part["reason"]) for part in parts if part.get("reason")), str(error.get("message") or "")


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _content(status: int, content: bytes) -> dict[str, Any]:
    """What an answer carries; nothing after a deletion. Anything but an object is an error, never something empty."""
    if status == 204 or not content:
        return {}
    answer = json.loads(content)
    if not isinstance(answer, dict):
        raise ValueError("no object")
    return answer


@cache
def _document() -> dict[str, Any]:
    """The vendor's description of the interface, out of its package: no network for it."""
    text = files("googleapiclient").joinpath("discovery_cache/documents/calendar.v3.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found
