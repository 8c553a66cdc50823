"""What a human does to an event with another program, and what each mode makes of it."""

from __future__ import annotations

import re

from tests.e2e.town import ROLLING, Town


def in_place(*lines: str) -> list[str]:
    """The rota with all from 12T09 to 14T09 replaced."""
    return [ROLLING[0], *lines, *ROLLING[3:]]


def imported(town: Town) -> list[str]:
    """Overrides that came back into the rota."""
    return [
        f"{'+'.join(one['people'])} {one['start'][8:13]} {one['end'][8:13]}"
        for one in town.syncd.json("override", "list")
        if one["origin"] == "import" and not one["removed"]
    ]


def test_a_shift_given_to_somebody_else(shown: Town) -> None:
    ref = shown.give("ana 12T09 13T09", "dee")
    told = shown.export()
    assert len(shown.writes()) == 1
    if shown.mode == "bidirectional":
        assert shown.shown() == in_place("dee 12T09 13T09", "ben 13T09 14T09")
        assert (imported(shown), shown.told()) == (["dee 12T09 13T09"], ["I 12T09 13T09"])
        assert [(one["action"], one["row"]) for one in told["changes"]] == [("sign", "1")], "both say the same now"
        assert [(pull["people"], pull["row"]) for pull in told["pulls"]] == [(["dee"], "5")]
    else:
        assert shown.shown() == ROLLING
        assert (imported(shown), shown.told()) == ([], ["R 12T09 13T09"])
        assert [(one["action"], one["row"]) for one in told["changes"]] == [("replace", "5")]
    assert shown.event(shown.shown()[1]).ref == ref
    shown.nothing_to_do()


def test_a_shift_dragged_two_hours_later_over_the_next(shown: Town) -> None:
    before = shown.refs()
    shown.drag("ana 12T09 13T09", "12T11", "13T11")
    shown.export()
    after = shown.refs()
    if shown.mode == "bidirectional":
        assert shown.shown() == in_place("ana 12T09 13T09", "ana 13T09 13T11", "ben 13T11 14T09")
        assert imported(shown) == ["ana 13T09 13T11"]
        assert shown.told() == ["C 12T09 12T11", "I 13T09 13T11"]
        assert len(shown.writes()) == 3
        assert after["ben 13T11 14T09"] == before["ben 13T09 14T09"]
    else:
        assert shown.shown() == ROLLING
        assert len(shown.writes()) == 1
    assert after["ana 12T09 13T09"] == before["ana 12T09 13T09"]
    shown.nothing_to_do()


def test_a_shift_made_shorter_leaves_no_hole(shown: Town) -> None:
    ref = shown.drag("ana 12T09 13T09", "12T09", "13T05")
    shown.export()
    assert shown.shown() == ROLLING
    assert len(shown.writes()) == 1
    assert shown.event("ana 12T09 13T09").ref == ref
    assert shown.told() == (["C 13T05 13T09"] if shown.mode == "bidirectional" else [])
    shown.nothing_to_do()


def test_a_shift_made_longer_over_the_next(shown: Town) -> None:
    before = shown.refs()
    shown.drag("ana 12T09 13T09", "12T09", "13T13")
    shown.export()
    if shown.mode == "bidirectional":
        assert shown.shown() == in_place("ana 12T09 13T09", "ana 13T09 13T13", "ben 13T13 14T09")
        assert (imported(shown), shown.told()) == (["ana 13T09 13T13"], ["I 13T09 13T13"])
        assert len(shown.writes()) == 3
        assert shown.refs()["ben 13T13 14T09"] == before["ben 13T09 14T09"]
    else:
        assert shown.shown() == ROLLING
        assert len(shown.writes()) == 1
    assert shown.refs()["ana 12T09 13T09"] == before["ana 12T09 13T09"]
    shown.nothing_to_do()


def test_a_shift_split_between_two_by_hand(shown: Town) -> None:
    """The second half is an event that nobody knows: the hole is filled, and the event named, for one command to take over."""
    shown.drag("ana 12T09 13T09", "12T09", "12T21")
    half = shown.add("half", "12T21", "13T09", "Dee Novak: Primary")
    shown.export()
    assert sorted(shown.shown()) == sorted([*ROLLING, "dee 12T21 13T09"])
    assert shown.event("dee 12T21 13T09").ref == half
    if shown.mode == "bidirectional":
        (conflict,) = shown.syncd.json("conflicts")
        event = {"title": "Dee Novak: Primary", "person": "dee", "start": "2026-03-12T21:00:00Z", "end": "2026-03-13T09:00:00Z"}
        assert conflict["destination_had"] == {"people": [], "events": [event]}
        assert (conflict["start"], conflict["end"]) == ("2026-03-12T21:00:00Z", "2026-03-13T09:00:00Z")
        shown.nothing_to_do()
        shown.syncd.json("restore", conflict["id"])
        shown.export()
        ours = [str(event) for event in shown.events() if event.ours]
        assert ours == in_place("ana 12T09 12T21", "dee 12T21 13T09", "ben 13T09 14T09")
    shown.nothing_to_do()


def test_a_deleted_shift_comes_back(shown: Town) -> None:
    ref = shown.remove("ana 12T09 13T09")
    shown.export()
    assert shown.shown() == ROLLING
    assert len(shown.writes()) == 1
    assert shown.event("ana 12T09 13T09").ref != ref
    assert shown.told() == (["C 12T09 13T09"] if shown.mode == "bidirectional" else [])
    shown.nothing_to_do()


def test_a_copied_shift_is_left_alone(shown: Town) -> None:
    shown.copy("ana 12T09 13T09")
    stood = shown.refs()
    told = shown.export()
    assert (told["changes"], told["pulls"], told["notices"], shown.writes()) == ([], [], [], [])
    assert shown.refs() == stood
    assert len(stood) == 6, "two of the lines are the same"
    assert len(shown.shown()) == 7
    assert shown.syncd.json("conflicts") == []
    shown.nothing_to_do()


def test_a_title_that_names_the_same_person_is_no_change(shown: Town) -> None:
    ref = shown.retitle("ana 12T09 13T09", "!! ANA LIMA (Primary) ring twice")
    told = shown.export()
    assert (told["changes"], told["pulls"], shown.writes()) == ([], [], [])
    assert next(event.title for event in shown.events() if event.ref == ref).endswith("ring twice")
    shown.nothing_to_do()


def test_a_title_that_names_nobody_known(shown: Town) -> None:
    shown.retitle("ana 12T09 13T09", "Zoe Quill: Primary")
    shown.export()
    if shown.mode == "bidirectional":
        assert shown.shown() == in_place("Zoe Quill: Primary 12T09 13T09", "ben 13T09 14T09")
        assert (shown.writes(), shown.told()) == ([], ["C 12T09 13T09"])
    else:
        assert shown.shown() == ROLLING
        assert (shown.writes(), shown.told()) == (["PUT"], ["R 12T09 13T09"])
    shown.nothing_to_do()


def test_two_shifts_swapped_by_their_titles(shown: Town) -> None:
    before = shown.refs()
    shown.give("ana 12T09 13T09", "ben")
    shown.give("ben 13T09 14T09", "ana")
    shown.export()
    if shown.mode == "bidirectional":
        assert shown.shown() == in_place("ben 12T09 13T09", "ana 13T09 14T09")
        assert shown.refs()["ben 12T09 13T09"] == before["ana 12T09 13T09"]
    else:
        assert shown.refs() == before
    assert len(shown.writes()) == 2
    shown.nothing_to_do()


def _notes(shown: Town, line: str) -> None:
    """A human adds a place and a reminder, and says more than we do."""
    ref = shown.event(line).ref
    text = re.sub(r"DESCRIPTION:[^\r\n]*(\r?\n [^\r\n]*)*", "DESCRIPTION:bridge 555", shown.get(ref))
    more = "LOCATION:Room 5\r\nX-APPLE-TRAVEL:1\r\nBEGIN:VALARM\r\nACTION:AUDIO\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\n"
    shown.put(ref, text.replace("END:VEVENT", f"{more}END:VEVENT"))


def _noted(shown: Town, line: str) -> bool:
    lines = shown.get(shown.event(line).ref).splitlines()
    theirs = {"DESCRIPTION:bridge 555", "LOCATION:Room 5", "X-APPLE-TRAVEL:1", "ACTION:AUDIO", "TRIGGER:-PT5M"}
    return theirs <= set(lines)


def test_what_people_added_to_an_event_stays_whoever_has_the_shift_later(shown: Town) -> None:
    _notes(shown, "ben 13T09 14T09")
    for person in ("dee", "cho", "ana"):
        made = shown.override(person, "13T09", "14T09")
        shown.export()
        assert shown.writes() == ["PUT"]
        assert _noted(shown, f"{person} 13T09 14T09")
        shown.syncd.json("override", "remove", made)
    shown.export()
    assert _noted(shown, "ben 13T09 14T09")
    assert shown.export()["changes"] == []
    shown.nothing_to_do()


def test_only_an_event_that_people_touched_is_read_before_it_is_replaced(shown: Town) -> None:
    _notes(shown, "ben 13T09 14T09")
    assert shown.export()["changes"] == []
    shown.override("dee", "13T09", "14T09")
    shown.export()
    assert shown.requests() == ["REPORT", "GET", "PUT"]
    shown.override("dee", "15T09", "16T09")
    shown.export()
    assert shown.requests() == ["REPORT", "REPORT", "PUT"], "a list, what that says anew, and one write"
