"""A shift's event says the same whoever reads it, in any zone, whatever its marker and however it comes back."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.google_event import body_of, marker_of, properties_of, times_of
from syncd.core.model import DAY, Shift, Source
from syncd.event import CalendarOptions
from tests.connectors.conformance import SITE, op
from tests.simulators.google_schema import body_problems

ZONES = sorted(available_timezones())
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
SIDE = st.dictionaries(st.sampled_from(["date", "dateTime", "timeZone"]), JSON, max_size=3)


@settings(max_examples=60, deadline=None)
@given(
    start=st.integers(min_value=1_600_000_000, max_value=2_200_000_000),
    length=st.integers(min_value=1, max_value=30 * DAY),
    zone=st.none() | st.sampled_from(ZONES),
    alarm=st.none() | st.integers(min_value=0, max_value=40_320),
)
def test_instants_survive_every_zone_and_the_vendor_accepts_the_event(
    start: int, length: int, zone: str | None, alarm: int | None
) -> None:
    shift = Shift("payments", "primary", "ana", start, start + length, 0, Source("weekly", 0))
    body = body_of(shift, op("shift1"), SITE, CalendarOptions(zone=zone, alarm=alarm))
    assert times_of(body, "Asia/Kathmandu") == (start, start + length)
    assert body_problems("events.insert", {"id": "shift1", **body}) == []
    assert body == body_of(shift, op("shift1"), SITE, CalendarOptions(zone=zone, alarm=alarm))


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60), st.integers(min_value=1, max_value=90))
def test_a_marker_of_any_text_and_length_fits_and_comes_back(text: str, times: int) -> None:
    properties = properties_of(text * times)
    assert all(len(name) <= 44 and len(value.encode()) <= 1024 for name, value in properties.items())
    assert marker_of({"extendedProperties": {"private": properties}}) == (text * times or None)


@settings(max_examples=100, deadline=None)
@given(start=JSON | SIDE, end=JSON | SIDE, properties=JSON)
def test_nothing_that_stands_in_an_event_breaks_a_look(start: Any, end: Any, properties: Any) -> None:
    event = {"id": "oddity", "start": start, "end": end, "extendedProperties": properties}
    times = times_of(event, "Europe/Berlin")
    assert times is None or times[0] <= times[1]
    assert marker_of(event) is None or isinstance(marker_of(event), str)
    assert marker_of({**event, "extendedProperties": {"private": properties}}) is None or isinstance(properties, dict)
