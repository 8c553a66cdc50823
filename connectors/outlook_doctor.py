"""What `doctor` asks Microsoft, step by step: each step needs the one before, so the first that fails is the one to mend."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from connectors.outlook_graph import Graph, part
from syncd.connector import ConnectorError, Finding
from syncd.core.model import iso


def findings(graph: Graph, wanted: str | None, looked_up: Callable[[], Mapping[str, Any]]) -> Iterator[Finding]:
    who = "the app" if graph.app else "the user who signed in"
    try:
        graph.who.bearer()
    except ConnectorError as problem:
        yield _bad("sign-in", problem)
        return
    yield Finding(what="sign-in", ok=True, text=f"Microsoft's login accepts {who}")
    try:
        answer = graph.get("/calendar")
    except ConnectorError as problem:
        yield _bad("mailbox", problem)
        return
    yield Finding(what="mailbox", ok=True, text=f"{who} may read the calendars of {graph.mailbox}")
    try:
        calendar = looked_up()
        # One event of a period long past: that lists work, and extended properties with them, and no more.
        graph.rows(
            f"/calendars/{part(str(calendar['id']))}/events",
            (("$top", "1"), ("$filter", "end/dateTime lt '1990-01-01T00:00:00'")),
        )
    except ConnectorError as problem:
        yield _bad("calendar", problem)
        return
    name = str(calendar.get("name") or wanted or "the default calendar")
    if calendar.get("canEdit") is False:
        yield Finding(
            what="calendar",
            ok=False,
            text=f"{name!r} of {graph.mailbox} can be read, not written (canEdit is false)",
            remedy=graph.right,
        )
    else:
        yield Finding(what="calendar", ok=True, text=f"{name!r} of {graph.mailbox} can be read and written")
    if answer.time is not None:
        yield Finding(what="clock", ok=True, text=f"Microsoft's clock says {iso(answer.time)}", server_time=answer.time)


def _bad(what: str, problem: ConnectorError) -> Finding:
    """Our errors are the vendor's words, a full stop, and what to do."""
    text, _, remedy = str(problem).partition(". ")
    return Finding(what=what, ok=False, text=text, remedy=remedy)
