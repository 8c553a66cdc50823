"""From another product's JSON to our YAML: what a team has, in our words, with a warning for all that is not exactly that."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from syncd.core.model import Instant
from syncd.imports.document import NotImportable, parse
from syncd.imports.draft import Draft
from syncd.imports.write import written

PRODUCTS = {
    "flashduty": "Flashduty",
    "onestack": "The One Stack On-Call",
    "siteqwality": "SiteQwality",
    "pagerduty": "PagerDuty",
}
MOST_VALUES = 29_000
LONGEST = 450 << 10


def imported(product: str, data: bytes, *, timezone: str = "UTC", now: Instant = 0, **more: Any) -> Draft:
    """The draft of the JSON in `data`. Raises `NotImportable`.

    `timezone`: of schedules whose product does not say one. `now`: what today is, where a file leaves a date out. `more`:
    what one product alone asks (`top` of PagerDuty).
    """
    module = import_module(f"syncd.imports.{product}")
    kind = "pagerduty" if product == "pagerduty" else None
    found: Draft = module.read(parse(data), Draft(product=PRODUCTS[product], kind=kind, timezone=timezone, now=now), **more)
    return found


def as_yaml(draft: Draft, *, more: Sequence[str] = ()) -> str:
    """The file to print, `more` lines after it. Raises `NotImportable` where it would be more than a file may be."""
    text = written(draft, more=more)
    if len(text.encode()) > LONGEST or 2 * text.count(":") + text.count(",") + 2 * text.count("- ") > MOST_VALUES:
        raise NotImportable("too much for one file: import one schedule at a time, and keep bulk overrides in the store")
    return text


__all__ = ["PRODUCTS", "Draft", "NotImportable", "as_yaml", "imported"]
