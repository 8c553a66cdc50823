"""Brings the dates of an example to the week of a day, weekdays kept."""

from __future__ import annotations

import re
from datetime import date, timedelta

_DATE = re.compile(r"\b20[0-9]{2}-[01][0-9]-[0-3][0-9](?=T|\b)")


def brought_to(text: str, today: date) -> str:
    """`text` with every date moved by the same whole weeks, so that the first of them lies in the week of `today`."""
    dates = [date.fromisoformat(found) for found in _DATE.findall(text)]
    if not dates:
        return text
    weeks = timedelta(days=_monday(today).toordinal() - _monday(min(dates)).toordinal())
    return _DATE.sub(lambda found: (date.fromisoformat(found[0]) + weeks).isoformat(), text)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
