"""Which days are holidays for whom: days of one's own, and a country's by the `holidays` library."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, date, datetime

from syncd.cli import CONFIG, stop
from syncd.core.model import DAY, Holidays, Rota, Schedule, Window


def days_off(rota: Rota, window: Window) -> Callable[[Schedule, str], Collection[date]]:
    """The days of a person of a schedule; her own setting wins over the schedule's, that over the rota's."""
    years = range(_year(window.start - DAY), _year(window.end + DAY) + 1)
    known: dict[Holidays, frozenset[date]] = {}

    def of(schedule: Schedule, person: str) -> Collection[date]:
        someone = rota.people.get(person)
        chosen = (someone.holidays if someone else None) or schedule.holidays or rota.holidays
        if chosen is None:
            return frozenset()
        if chosen not in known:
            known[chosen] = frozenset(chosen.also) | _public(chosen, years)
        return known[chosen]

    return of


def _public(chosen: Holidays, years: range) -> frozenset[date]:
    if chosen.country is None:
        return frozenset()
    try:
        from holidays import country_holidays
    except ImportError:
        return stop("public holidays need the package `holidays`: pip install 'syncd[holidays]'", CONFIG)
    try:
        return frozenset(country_holidays(chosen.country, subdiv=chosen.subdivision, years=years))
    except NotImplementedError as error:
        return stop(f"holidays: {error}", CONFIG)


def _year(at: int) -> int:
    return datetime.fromtimestamp(at, UTC).year
