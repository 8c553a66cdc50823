"""What waits in a hold, a sentence a change: whoever answers it reads whom it would put on or take off, and when."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from syncd.core.model import Instant


def sentence(change: Mapping[str, Any], name: Callable[[str], str], span: Callable[[Instant, Instant], str]) -> str:
    """`change`: as a hold keeps it, a change or a piece of time (DESIGN.md section 8); "" where it is neither.

    `name` is that of a person's id, `span` says a time from its start to its end.
    """

    def times(of: Mapping[str, Any]) -> str:
        start, end = (int(datetime.fromisoformat(of[key]).timestamp()) for key in ("start", "end"))
        return span(start, end)

    if "people" in change:
        shown = " and ".join(map(name, change["people"])) or "nobody"
        rota = name(change["rota"]) if change["rota"] else "nobody"
        return f"{times(change)}: {change['drift']}; it shows {shown}, the rota has {rota}"
    before, after = change.get("before"), change.get("after")
    if before and after and before["person"] == after["person"]:
        return f"{name(after['person'])}: {times(before)} would become {times(after)}"
    if before and after:
        return f"{times(after)}: {name(after['person'])} would take the place of {name(before['person'])}"
    if after:
        return f"{times(after)}: {name(after['person'])} would be put on"
    return f"{times(before)}: {name(before['person'])} would be taken off" if before else ""
