"""Titles and events: what people read, who is meant, and what survives the way to a calendar and back (F18, F21, F22, F35)."""

from __future__ import annotations

import dataclasses
import unicodedata

import icalendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.core.model import HOUR, Person, Shift
from syncd.event import CalendarOptions, Names, description_of, from_ical, principal, recognise, tidy, title_of, to_ical, wording
from tests.connectors.conformance import HOSTILE, PEOPLE, SITE, T, event, op, shift

TEMPLATE = "{person}: {role}"
PLAIN = CalendarOptions()


def people(*persons: Person) -> dict[str, Person]:
    return {person.id: person for person in persons}


# --- who is meant ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "person"),
    [
        ("Ana Lopez: Primary", "ana"),
        ("  ana   LOPEZ :primary", "ana"),
        ("Primary – Ana Lopez (swapped)", "ana"),
        ("ana@example.com", "ana"),
        ("on call: ana@example.com.", "ana"),
        ("<ANA@EXAMPLE.COM>", "ana"),
        ("Minnie", "cho"),
        ("@Minnie please", "cho"),
        ("Cho Min-ji, Minnie, cho@example.com: Primary", "cho"),
        ("Cho Min\u2010ji", None),  # another hyphen is another name
        ("Ana Lopez / Ben Okafor: Primary", None),
        ("Anabel Lopezova: Primary", None),
        ("joana@example.com", None),
        ("x.ana@example.com", None),
        ("ana@example.com.au", None),
        ("Minnie@elsewhere.org", None),
        ("Minnies", None),
        ("Primary", None),
        ("", None),
    ],
)
def test_a_title_means_the_one_person_it_names(title: str, person: str | None) -> None:
    assert recognise(title, SITE, TEMPLATE) == person


def test_of_names_that_overlap_the_longest_counts() -> None:
    site = dataclasses.replace(
        SITE, people=people(Person(id="a", name="Ana"), Person(id="b", name="Ana Lopez"), Person(id="c", name="Lopez Silva"))
    )
    assert recognise("Ana Lopez: Primary", site, TEMPLATE) == "b"
    assert recognise("Ana: Primary", site, TEMPLATE) == "a"
    assert recognise("Lopez Silva and Ana", site, TEMPLATE) is None
    assert recognise("Ana Lopez Silva", site, TEMPLATE) == "c"


def test_two_people_of_one_name_are_nobody() -> None:
    site = dataclasses.replace(SITE, people=people(Person(id="a", name="Ana"), Person(id="b", name="ANA")))
    assert recognise("Ana: Primary", site, TEMPLATE) is None


@pytest.mark.parametrize(("role", "name"), [("Primary", "Primary"), ("Ana", "Ana"), ("On Call", "Call"), ("Call", "On Call")])
def test_what_we_write_is_read_back_even_where_a_name_is_the_roles(role: str, name: str) -> None:
    site = dataclasses.replace(
        SITE, role=dataclasses.replace(SITE.role, title=role), people={**PEOPLE, "x": Person(id="x", name=name)}
    )
    assert recognise(title_of(shift("x"), site, TEMPLATE), site, TEMPLATE) == "x"
    assert recognise(title_of(shift("ben"), site, TEMPLATE), site, TEMPLATE) == "ben"


def test_the_templates_own_words_name_nobody() -> None:
    site = dataclasses.replace(SITE, people={**PEOPLE, "call": Person(id="call", name="Call")})
    template = "On call ({role}): {person}"
    assert recognise("on call (PRIMARY): Ben Okafor, thanks", site, template) == "ben"
    assert recognise("Call", site, template) == "call"


def test_composed_and_decomposed_names_are_the_same() -> None:
    site = dataclasses.replace(SITE, people=people(Person(id="z", name="Zoë Ångström")))
    assert recognise(unicodedata.normalize("NFD", "zoë ångström: Primary"), site, TEMPLATE) == "z"
    assert recognise("STRASSE", dataclasses.replace(SITE, people=people(Person(id="s", name="Straße"))), TEMPLATE) == "s"


@given(st.text(max_size=400), st.text(max_size=40))
def test_any_title_of_any_name_is_one_clean_line_and_is_read_back(name: str, role: str) -> None:
    eve = Person(id="eve", name=name)
    site = dataclasses.replace(SITE, role=dataclasses.replace(SITE.role, title=role), people={"eve": eve})
    title = title_of(shift("eve"), site, TEMPLATE)
    assert title == unicodedata.normalize("NFC", title) == tidy(title)
    assert not any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in title)
    assert Names(site, TEMPLATE).person(title) in ("eve", None)
    if any(char.isalnum() for char in tidy(name)):
        assert Names(site, TEMPLATE).person(title) == "eve"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("e\u0301" * 300, "é" * 249 + "…"),
        ("\U0001f469\u200d\U0001f4bb" * 300, "\U0001f469\u200d\U0001f4bb" * 249 + "…"),
        ("\U0001f1e9\U0001f1ea" * 300, "\U0001f1e9\U0001f1ea" * 249 + "…"),
        ("\U0001f44d\U0001f3fd" * 300, "\U0001f44d\U0001f3fd" * 249 + "…"),
    ],
    ids=["accents", "joined emoji", "flags", "skin tones"],
)
def test_a_long_title_is_cut_between_characters_as_people_count_them(text: str, kept: str) -> None:
    assert tidy(text) == kept


# --- the event -----------------------------------------------------------------------------------


def test_the_description_says_schedule_role_and_whom_to_ask() -> None:
    text = description_of(shift(), SITE)
    for word in ("Payments", "Primary", "Ana Lopez <ana@example.com>", "change"):
        assert word in text
    alone = dataclasses.replace(SITE, schedule=dataclasses.replace(SITE.schedule, admins=()))
    assert "ask whoever keeps the rota" in description_of(shift(), alone)
    assert wording(shift(), SITE, PLAIN) == f"Ana Lopez: Primary\n{text}"


def test_an_event_is_what_people_want_and_strict_parsers_take() -> None:
    data = to_ical(shift(), op("a1"), SITE, PLAIN)
    assert data == to_ical(shift(), op("a1"), SITE, PLAIN)
    assert all(len(line) <= 75 for line in data.split(b"\r\n"))
    assert b"\n" not in data.replace(b"\r\n", b"")
    calendar = icalendar.Calendar.from_ical(data)
    [found] = calendar.walk("VEVENT")
    assert {"VERSION", "PRODID"} <= set(calendar)
    assert set(found) == {"UID", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY", "DESCRIPTION", "TRANSP", "X-SYNCD-MARKER"}
    assert found["TRANSP"] == "TRANSPARENT"
    assert found["DTSTAMP"].to_ical() == found["DTSTART"].to_ical() == b"20270308T000000Z"
    assert found.subcomponents == []


@pytest.mark.parametrize("zone", [None, "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Africa/Casablanca"])
@pytest.mark.parametrize("start", [T, 1_806_192_000, 1_824_940_800, 1_824_944_400, 1_825_542_000 - 7 * HOUR])
def test_written_and_read_an_event_says_the_same(zone: str | None, start: int) -> None:
    for hours in range(6):
        one = Shift("payments", "primary", "ana", start + hours * HOUR, start + (hours + 1) * HOUR, 0, shift().source)
        [found] = from_ical(to_ical(one, op("a1"), SITE, CalendarOptions(zone=zone)))
        assert (found.uid, found.start, found.end, found.marker) == ("a1", one.start, one.end, op("a1").marker)


@given(st.text(max_size=300), st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=300))
def test_any_name_and_any_marker_survive(name: str, marker: str) -> None:
    site = dataclasses.replace(SITE, people={"eve": Person(id="eve", name=name)})
    data = to_ical(shift("eve"), op("a1", marker), site, PLAIN)
    [found] = from_ical(data)
    assert (found.title, found.marker) == (title_of(shift("eve"), site, TEMPLATE), marker)
    assert data.count(b"BEGIN:VEVENT") == data.count(b"\r\nUID:") == 1


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_name_adds_no_line(name: str) -> None:
    site = dataclasses.replace(SITE, people={"eve": Person(id="eve", name=name)})
    plain = to_ical(shift("ana"), op("a1"), SITE, PLAIN)
    unfolded = [data.replace(b"\r\n ", b"").count(b"\r\n") for data in (plain, to_ical(shift("eve"), op("a1"), site, PLAIN))]
    assert unfolded[0] == unfolded[1]


@given(st.binary(max_size=400))
def test_no_bytes_make_reading_fail(data: bytes) -> None:
    framed = b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n" + data + b"\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    for found in (from_ical(data), from_ical(framed)):
        assert isinstance(found, tuple)


@pytest.mark.parametrize(
    "line",
    [
        "RRULE:FREQ=SECONDLY;COUNT=1000000000",
        "RDATE:" + ",".join(["20270308T000000Z"] * 5_000),
        "DURATION:P9999999999W",
        "DTEND:20270308",
        "EXDATE;TZID=Nowhere/Here:20270308T000000",
        "DTSTART:99999999T999999Z",
        "DTSTART;TZID=../../etc/passwd:20270308T000000",
    ],
)
def test_a_hostile_line_costs_nothing(line: str) -> None:
    found = from_ical(event("x", T, T + HOUR, "Ben", f"{line}\r\n").encode())
    assert [one.uid for one in found] in (["x"], [])


def test_of_several_events_ours_stands_for_the_object() -> None:
    exception = event("x", T + HOUR, T + 2 * HOUR, "Moved", "RECURRENCE-ID:20270308T000000Z\r\n")
    master = event("x", T, T + HOUR, "Weekly", "RRULE:FREQ=WEEKLY\r\n")
    ours = event("y", T, T + HOUR, "Ours", "X-SYNCD-MARKER:m1\r\n")
    body = "".join(text.split("PRODID:x\r\n")[1].split("END:VCALENDAR")[0] for text in (exception, master))
    both = f"BEGIN:VCALENDAR\r\n{body}END:VCALENDAR\r\n"
    assert (principal(from_ical(both.encode())) or from_ical(b"")[0]).title == "Weekly"
    assert (principal(from_ical((both + ours).encode())) or from_ical(b"")[0]).uid == "y"


def test_a_cancelled_event_says_so() -> None:
    assert from_ical(event("x", T, T + HOUR, "Ana Lopez", "STATUS:CANCELLED\r\n").encode())[0].cancelled
