"""What somebody adds to an event of ours stays when its shift changes: in the object's text, and at every calendar we know."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import icalendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.folder import Folder
from syncd.connector import Connector
from syncd.core.model import HOUR
from syncd.event import CalendarOptions, description_of, from_ical, into, principal, title_of, to_ical
from syncd.keeping import rewritten
from tests.connectors import servers
from tests.connectors.calendars import Calendar
from tests.connectors.conformance import NOW, SITE, WINDOW, T, op, shift
from tests.connectors.google_place import opened
from tests.connectors.outlook_there import outlook
from tests.simulators.common import Clock
from tests.simulators.microsoft import Microsoft
from tests.simulators.proxy import Proxy

ALARMED = CalendarOptions(alarm=15)
ZONED = CalendarOptions(zone="Europe/Berlin")

# --- the text of an object ---------------------------------------------------------------------

NAMES = st.one_of(
    st.sampled_from(
        ["LOCATION", "COMMENT", "CATEGORIES", "ATTACH", "URL", "COLOR", "CLASS", "PRIORITY", "GEO", "CONTACT", "RESOURCES"]
    ),
    st.from_regex(r"X-[A-Z0-9][A-Z0-9-]{0,20}", fullmatch=True).filter(lambda name: not name.startswith("X-SYNCD")),
)
VALUES = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\u2028\u2029\x85"), max_size=200)
PARAMETERS = st.sampled_from(["", ";LANGUAGE=de", ';X-A="a:b;c,d"', ";VALUE=TEXT;X-B=1"])
LINES = st.lists(st.builds("{}{}:{}".format, NAMES, PARAMETERS, VALUES), max_size=8)
ALARMS = st.lists(
    st.sampled_from(
        [
            "BEGIN:VALARM\r\nACTION:AUDIO\r\nTRIGGER:-PT5M\r\nEND:VALARM",
            "BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:feed the cat\r\nTRIGGER:-PT1H\r\nX-WR-ALARMUID:7\r\nEND:VALARM",
            "BEGIN:X-THING\r\nX-INSIDE:1\r\nBEGIN:X-DEEPER\r\nEND:X-DEEPER\r\nEND:X-THING",
        ]
    ),
    max_size=2,
    unique=True,
)


def unfolded(data: bytes) -> list[str]:
    return re.sub(rb"\r\n[ \t]", b"", data).decode().split("\r\n")


@given(
    lines=LINES, alarms=ALARMS, options=st.sampled_from([CalendarOptions(), ALARMED, ZONED]), end=st.sampled_from(["\r\n", "\n"])
)
def test_whatever_is_added_to_an_event_is_in_the_one_written_in_its_place(
    lines: list[str], alarms: list[str], options: CalendarOptions, end: str
) -> None:
    ours = to_ical(shift(), op("shift1"), SITE, options).decode()
    there = ours.replace("END:VEVENT", "\r\n".join([*lines, *alarms, "END:VEVENT"])).replace("\r\n", end).encode()
    data, theirs = into(there, shift("ben", T + HOUR), op("shift1", "m2"), SITE, options)
    assert theirs == bool(lines or alarms)
    written = unfolded(data)
    for line in [*lines, *(part for alarm in alarms for part in alarm.split("\r\n"))]:
        assert written.count(line) >= [*lines, *"\r\n".join(alarms).split("\r\n")].count(line)
    assert all(len(line) <= 75 for line in data.split(b"\r\n"))
    event = principal(from_ical(data))
    assert event is not None
    assert (event.uid, event.start, event.end, event.marker) == ("shift1", T + HOUR, T + 9 * HOUR, "m2")
    assert event.title == title_of(shift("ben"), SITE, options.title)
    inside = written[written.index("BEGIN:VEVENT") :]
    for name in ("DTSTART", "DTEND", "SUMMARY", "UID", "DTSTAMP", "X-SYNCD-MARKER"):
        assert sum(line.startswith(name) for line in inside) == 1


def test_what_is_ours_alone_is_written_as_if_it_were_new() -> None:
    there = to_ical(shift(), op("shift1"), SITE, ALARMED)
    other = there.replace(b"TRANSP:", b"SEQUENCE:3\r\nCREATED:20270101T000000Z\r\nTRANSP:").replace(b"\r\n", b"\n")
    fresh = to_ical(shift("ben"), op("shift1"), SITE, ALARMED)
    assert into(other, shift("ben"), op("shift1"), SITE, ALARMED) == (fresh, False)


def test_an_event_as_we_left_it_is_not_even_read() -> None:
    fresh = to_ical(shift("ben"), op("shift1"), SITE, ALARMED)
    assert into(b"rubbish", shift("ben"), op("shift1", untouched=True), SITE, ALARMED) == (fresh, False)


@pytest.mark.parametrize(
    "there",
    [
        b"",
        b"rubbish",
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VCALENDAR\r\n",
        b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n",
        b"END:VEVENT",
    ],
)
def test_what_is_no_calendar_is_written_anew(there: bytes) -> None:
    fresh = to_ical(shift("ben"), op("shift1"), SITE, ALARMED)
    assert into(there, shift("ben"), op("shift1"), SITE, ALARMED) == (fresh, False)


def changed(**lines: str) -> bytes:
    """Our event with other lines, as a human's program leaves it, and one that is theirs."""
    text = to_ical(shift(), op("shift1"), SITE, ALARMED).decode()
    for name, value in {"LOCATION": "Room 5", **lines}.items():
        name = name.replace("_", "-")
        text = re.sub(rf"(?m)^{name}[;:][^\r]*\r\n(?: [^\r]*\r\n)*", "", text)
        text = text.replace("BEGIN:VALARM", f"{name}:{value}\r\nBEGIN:VALARM", 1) if value else text
    return text.encode()


def after(there: bytes) -> icalendar.Event:
    data, theirs = into(there, shift("ben"), op("shift1", "m2"), SITE, ALARMED)
    assert theirs
    (event,) = icalendar.Calendar.from_ical(data).walk("VEVENT")
    assert str(event["LOCATION"]) == "Room 5"
    return event


def test_our_alarm_names_who_has_the_shift_now() -> None:
    (alarm,) = after(changed()).walk("VALARM")
    assert str(alarm["DESCRIPTION"]) == "Ben Okafor: Primary"


def test_a_humans_alarm_says_what_they_wrote() -> None:
    (alarm,) = after(changed().replace(b"DESCRIPTION:Ana Lopez: Primary", b"DESCRIPTION:take the phone")).walk("VALARM")
    assert str(alarm["DESCRIPTION"]) == "take the phone"


def test_a_description_that_somebody_changed_stays_and_one_that_they_took_away_is_gone() -> None:
    assert str(after(changed(DESCRIPTION="call the bridge on 555"))["DESCRIPTION"]) == "call the bridge on 555"
    assert "DESCRIPTION" not in after(changed(DESCRIPTION=""))
    assert str(after(changed())["DESCRIPTION"]) == description_of(shift(), SITE)


def test_what_contradicts_the_shift_goes_that_it_repeats_that_it_is_off_how_long_it_lasts() -> None:
    event = after(changed(RRULE="FREQ=DAILY", EXDATE="20270309T000000Z", STATUS="CANCELLED", DTEND="", DURATION="PT1H"))
    assert not {"RRULE", "EXDATE", "STATUS", "DURATION"} & set(event)
    assert str(after(changed(STATUS="TENTATIVE"))["STATUS"]) == "TENTATIVE"


def test_exceptions_of_a_series_go_with_it_and_another_event_in_the_object_stays() -> None:
    times = "DTSTAMP:20270301T000000Z\r\nDTSTART:20270310T000000Z\r\n"
    more = f"BEGIN:VEVENT\r\nUID:{{}}\r\n{times}SUMMARY:{{}}\r\n{{}}END:VEVENT\r\nEND:VCALENDAR"
    there = changed().decode().replace("END:VCALENDAR", more.format("shift1", "odd one", "RECURRENCE-ID:20270310T000000Z\r\n"))
    there = there.replace("END:VCALENDAR", more.format("lunch", "Lunch", ""))
    data, _ = rewritten(there.encode(), to_ical(shift("ben"), op("shift1"), SITE, ALARMED), ())
    assert [str(event["SUMMARY"]) for event in icalendar.Calendar.from_ical(data).walk("VEVENT")] == [
        "Ben Okafor: Primary", "Lunch",
    ]  # fmt: skip


def test_a_zone_that_the_object_lacks_comes_in_once() -> None:
    there = into(changed(), shift("ben"), op("shift1"), SITE, ZONED)[0]
    again = into(there, shift("cho"), op("shift1"), SITE, ZONED)[0]
    for data in (there, again):
        assert unfolded(data).count("TZID:Europe/Berlin") == 1
        event = principal(from_ical(data))
        assert event is not None
        assert event.start == T


# --- every calendar ----------------------------------------------------------------------------


@dataclasses.dataclass
class There:
    """A calendar with one entry of ours; a human who adds to it, and what is found of that."""

    connector: Connector
    add: Any
    found: Any
    describe: Any
    description: Any


@pytest.fixture(params=["folder", "google", "outlook", "radicale", "xandikos"])
def there(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[There]:
    yield from globals()[f"_{request.param}"](request, tmp_path)


LINES_OF_THEIRS = (
    "LOCATION:Room 5\r\nCOLOR:red\r\nCATEGORIES:phone\r\nX-MOZ-SNOOZE:1\r\n"
    "BEGIN:VALARM\r\nACTION:AUDIO\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\n"
)


def _added(text: str) -> str:
    return text.replace("END:VEVENT", f"{LINES_OF_THEIRS}END:VEVENT")


def _of_ours(text: str) -> bool:
    (event,) = icalendar.Calendar.from_ical(text).walk("VEVENT")
    return (str(event["LOCATION"]), str(event["COLOR"]), str(event["X-MOZ-SNOOZE"]), len(event.walk("VALARM"))) == (
        "Room 5", "red", "1", 1,
    )  # fmt: skip


def _described(text: str) -> str:
    return re.sub(r"DESCRIPTION:[^\r\n]*\r?\n(?: [^\r\n]*\r?\n)*", "DESCRIPTION:call 555\r\n", text)


def _description(text: str) -> str:
    (event,) = icalendar.Calendar.from_ical(text).walk("VEVENT")
    return str(event["DESCRIPTION"])


def _folder(_: Any, tmp_path: Path) -> Iterator[There]:
    path = tmp_path / "shift1.ics"
    yield There(
        Folder(Folder.Options(path=tmp_path), SITE),
        lambda: path.write_bytes(_added(path.read_bytes().decode()).encode()),
        lambda: _of_ours(path.read_text()),
        lambda: path.write_bytes(_described(path.read_bytes().decode()).encode()),
        lambda: _description(path.read_text()),
    )


def _on(server: servers.Server) -> Iterator[There]:
    with Proxy(server.url) as proxy:
        one = Calendar(server, proxy, server.calendar())
        connector = one.connector()
        yield There(
            connector,
            lambda: one.put("shift1.ics", _added(one.get("shift1.ics"))),
            lambda: _of_ours(one.get("shift1.ics")),
            lambda: one.put("shift1.ics", _described(one.get("shift1.ics"))),
            lambda: _description(one.get("shift1.ics")),
        )
        connector.close()


def _radicale(request: pytest.FixtureRequest, _: Path) -> Iterator[There]:
    yield from _on(request.getfixturevalue("radicale"))


def _xandikos(request: pytest.FixtureRequest, _: Path) -> Iterator[There]:
    yield from _on(request.getfixturevalue("xandikos"))


def _google(*_: Any) -> Iterator[There]:
    with opened() as place:
        connector = place.connector()
        theirs = {
            "location": "Room 5", "colorId": "11", "transparency": "opaque", "visibility": "private",
            "reminders": {"useDefault": False, "overrides": [{"method": "email", "minutes": 5}]},
            "attachments": [{"fileUrl": "https://example.com/runbook"}],
            "extendedProperties": {"private": {"theirs": "1"}, "shared": {"also": "2"}},
        }  # fmt: skip

        def edit(**what: Any) -> None:
            with place.hand():
                place.calendar.human_edits("shift1", **what)

        def found() -> bool:
            event = place.calendar.records["shift1"].now
            properties = event["extendedProperties"]
            mine = {key: event.get(key) for key in theirs if key not in ("transparency", "extendedProperties")}
            return (
                mine == {key: theirs[key] for key in mine}
                and "transparency" not in event
                and properties["private"]["theirs"] == "1"
                and properties["shared"] == {"also": "2"}
            )

        yield There(
            connector, lambda: edit(**theirs), found, lambda: edit(description="call 555"),
            lambda: place.calendar.records["shift1"].now["description"],
        )  # fmt: skip
        connector.close()


def _outlook(*_: Any) -> Iterator[There]:
    with Microsoft(clock=Clock(NOW)) as place:
        connector = outlook(place)
        theirs = {
            "location": {"displayName": "Room 5"}, "categories": ["Red category"], "showAs": "oof", "sensitivity": "private",
            "isReminderOn": True, "reminderMinutesBeforeStart": 5,
        }  # fmt: skip

        def event() -> Any:
            (only,) = place.box().now()
            return only

        yield There(
            connector,
            lambda: place.human.edits(event().guid, **theirs),
            lambda: {key: event().facts[key] for key in theirs} == theirs,
            lambda: place.human.edits(event().guid, body={"contentType": "html", "content": "<p>call 555</p>"}),
            lambda: event().facts["body"]["content"].removeprefix("<p>").removesuffix("</p>"),
        )
        connector.close()


def again(there: There, who: str, number: int) -> None:
    """A look, and the shift is somebody else's."""
    (entry,) = there.connector.read(WINDOW, {}).entries
    answer = there.connector.replace(entry, shift(who), op(entry.uid, f"m{number}"))
    (seen,) = there.connector.read(WINDOW, {}).entries
    assert (seen.person, seen.marker, seen.ref) == (who, f"m{number}", entry.ref)
    assert answer.version in (None, seen.version)


def test_what_somebody_added_is_there_after_every_replace(there: There) -> None:
    there.connector.create(shift(), op("shift1"))
    there.add()
    for number, who in enumerate(["ben", "cho", "ana"]):
        again(there, who, number)
        assert there.found()


def test_a_description_that_somebody_wrote_is_there_after_every_replace(there: There) -> None:
    there.connector.create(shift(), op("shift1"))
    there.describe()
    for number, who in enumerate(["ben", "cho"]):
        again(there, who, number)
        assert there.description() == "call 555"


def test_an_entry_with_something_of_theirs_is_never_taken_for_ours_alone(there: There) -> None:
    """What a replace answers is what the engine compares the next look with."""
    there.connector.create(shift(), op("shift1"))
    there.describe()
    (entry,) = there.connector.read(WINDOW, {}).entries
    assert there.connector.replace(entry, shift("ben"), op(entry.uid)).version is None


def test_an_entry_that_nobody_touched_is_replaced_whole(there: There) -> None:
    made = there.connector.create(shift(), op("shift1"))
    answer = there.connector.replace(made, shift("ben"), op(made.uid, "m2", untouched=True))
    assert (answer.person, answer.version is None) == ("ben", False)
    (seen,) = there.connector.read(WINDOW, {}).entries
    assert (seen.person, seen.marker, seen.version) == ("ben", "m2", answer.version)
