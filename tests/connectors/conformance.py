"""The promises of the connector contract (DESIGN.md section 5), each a test that every connector's test class inherits.

    class TestFolder(Conformance):
        @pytest.fixture
        def place(self, tmp_path): ...            # a destination with nothing in it: a path, a running server, a simulator
        def make(self, place, site): ...          # a connector that shows `site` there; opens nothing
        def human_creates(self, place, start, end, who): ...   # and the other hands of a human below: what is not
        def fault(self, place, verb, kind): ...                # overridden skips the tests that need it
        def writes(self, place): ...

`who` is the id of a person of `SITE`, or a text that names nobody. A place that has a clock is at `NOW`; all that is
written here lies after it. A simulator of a pager knows the people of `SITE` by their e-mail.

`fault(place, verb, kind)` arranges what happens to the next call of `read`, `create`, `replace` or `delete`:

    "lost before"  the connection drops and nothing was done    "lost after"  it was done, and the connection drops
    "refused"      429 with Retry-After: 7                      "down"        503 without a word
    "denied"       401                                          "garbage"     a page of HTML where data was expected
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from syncd.connector import (
    Capabilities,
    Connector,
    ConnectorError,
    CreatesMany,
    Denied,
    Entry,
    Finding,
    Observation,
    Operation,
    Secret,
    Site,
    Stale,
    Unavailable,
)
from syncd.core.model import DAY, HOUR, Instant, Person, Role, Schedule, Shift, Source, Window, basic

NOW = 1_803_859_200
"""2027-03-01T00:00:00Z."""
T = NOW + 7 * DAY
WINDOW = Window(NOW, NOW + 30 * DAY)

PEOPLE: Mapping[str, Person] = {
    "ana": Person(id="ana", name="Ana Lopez", email="ana@example.com"),
    "ben": Person(id="ben", name="Ben Okafor", email="ben@example.com"),
    "cho": Person(id="cho", name="Cho Min-ji", email="cho@example.com", aliases=("Minnie",)),
}
SITE = Site(
    destination="shown",
    schedule=Schedule(id="payments", title="Payments", timezone="Europe/Berlin", layers=(), admins=("ana",)),
    role=Role(id="primary", title="Primary"),
    people=PEOPLE,
)
HOSTILE = {
    "line ends": "Eve\r\nATTENDEE:mailto:eve@example.com\r\nX:",
    "an emoji family": "\U0001f469\u200d\U0001f469\u200d\U0001f467 Eve",
    "right to left": "\u05d0\u05d1\u05d2 \u202eEve",
    "decomposed": "E\u0301ve",
    "markup": "<b>Eve</b>&amp;\"',;\\n",
    "controls": "Eve\x00\x07\x1b[31m\ufffe\uffff",
    "a field of the template": "{role} {person} Eve",
    "ten thousand characters": "Eve " * 2_500,
    "zalgo": "E" + "\u0301\u0302" * 3_000,
}


def shift(person: str = "ana", start: Instant = T, end: Instant | None = None) -> Shift:
    return Shift("payments", "primary", person, start, start + 8 * HOUR if end is None else end, 0, Source("weekly", 0))


def op(name: str, marker: str | None = None, *, untouched: bool = False) -> Operation:
    """Uids are letters a-v and digits, as ours are."""
    return Operation(uid=name, marker=f"m1.{name}.c2lnbmVk" if marker is None else marker, untouched=untouched)


def event(uid: str, start: Instant, end: Instant, title: str, more: str = "") -> str:
    """An event as another program writes it."""
    return (
        f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:{basic(start)}\r\n"
        f"DTSTART:{basic(start)}\r\nDTEND:{basic(end)}\r\nSUMMARY:{title}\r\n{more}END:VEVENT\r\nEND:VCALENDAR\r\n"
    )


def said(entry: Entry) -> tuple[Instant, Instant, str | None]:
    return entry.start, entry.end, entry.person


class Conformance:
    # --- what a connector's test class says ---

    def make(self, place: Any, site: Site) -> Connector:
        raise NotImplementedError

    def human_creates(self, place: Any, start: Instant, end: Instant, who: str) -> str | None:
        """Returns the ref, or None where it is only known from a look."""
        pytest.skip("no human here")

    def human_moves(self, place: Any, ref: str, start: Instant, end: Instant) -> None:
        pytest.skip("no human here")

    def human_gives(self, place: Any, ref: str, who: str) -> None:
        pytest.skip("no human here")

    def human_deletes(self, place: Any, ref: str) -> None:
        pytest.skip("no human here")

    def human_copies(self, place: Any, ref: str) -> None:
        pytest.skip("no human here")

    def fault(self, place: Any, verb: str, kind: str) -> None:
        pytest.skip("no faults here")

    def writes(self, place: Any) -> int:
        """How many writing calls reached the place, whatever became of them."""
        pytest.skip("nobody counts here")

    def reads(self, place: Any) -> int:
        """How many reading calls reached the place."""
        pytest.skip("nobody counts here")

    # --- helpers of the tests ---

    @pytest.fixture
    def connector(self, place: Any) -> typing.Iterator[Connector]:
        connector = self.make(place, SITE)
        yield connector
        connector.close()

    def look(self, connector: Connector, known: Mapping[str, str] | None = None, window: Window = WINDOW) -> Observation:
        observation = connector.read(window, known or {})
        refs = [entry.ref for entry in observation.entries]
        assert len(refs) == len(set(refs)), "one entry a ref"
        assert not observation.same & set(refs), "an entry is told once, by content or as the same"
        assert observation.same <= set(known or {})
        return observation

    def only(self, connector: Connector) -> Entry:
        [entry] = self.look(connector).entries
        return entry

    def updates(self, connector: Connector) -> None:
        if not connector.capabilities.native_update:
            pytest.skip("nothing is changed here, only created and deleted")

    def known(self, *entries: Entry) -> dict[str, str]:
        return {entry.ref: entry.version or "" for entry in entries}

    # --- what it is ---

    def test_it_has_the_shape_of_the_contract(self, connector: Connector) -> None:
        assert isinstance(connector, Connector)
        assert isinstance(connector.capabilities, Capabilities)
        assert connector.capabilities.calls >= 1

    def test_its_options_are_plain_values(self, connector: Connector) -> None:
        options = type(connector).Options
        assert dataclasses.is_dataclass(options)
        allowed = {str, int, bool, Path, Secret, type(None)}
        for name, hint in typing.get_type_hints(options).items():
            parts = set(typing.get_args(hint)) or {hint}
            assert parts <= allowed, name

    def test_making_it_opens_nothing(self, place: Any) -> None:
        before = self.reads(place) + self.writes(place)
        self.make(place, SITE).close()
        assert self.reads(place) + self.writes(place) == before

    def test_it_can_be_used_again_after_closing(self, connector: Connector) -> None:
        connector.create(shift(), op("shift1"))
        connector.close()
        assert said(self.only(connector)) == (T, T + 8 * HOUR, "ana")

    def test_doctor_finds_it_well(self, connector: Connector) -> None:
        findings = list(connector.doctor())
        assert findings
        assert all(isinstance(finding, Finding) for finding in findings)
        assert [finding for finding in findings if not finding.ok] == []

    # --- looking ---

    def test_an_empty_place_has_no_entries(self, connector: Connector) -> None:
        assert self.look(connector).entries == ()

    def test_what_was_created_is_seen_as_it_was_answered(self, connector: Connector) -> None:
        answer = connector.create(shift(), op("shift1"))
        seen = self.only(connector)
        assert said(seen) == said(answer) == (T, T + 8 * HOUR, "ana")
        assert (seen.ref, seen.title, seen.marker) == (answer.ref, answer.title, answer.marker)
        if connector.capabilities.own_ids:
            assert seen.uid == answer.uid == "shift1"
        if answer.version is not None:
            assert seen.version == answer.version

    def test_a_marker_comes_back_as_it_was_given(self, connector: Connector) -> None:
        if not connector.capabilities.markers:
            pytest.skip("no markers here")
        marker = "m1." + "aB3-_=" * 60 + '.{"p":"ana","s":1,"x":"a,b;c\\\\d"}'
        connector.create(shift(), op("shift1", marker))
        assert self.only(connector).marker == marker

    def test_two_looks_see_the_same_and_write_nothing(self, place: Any, connector: Connector) -> None:
        connector.create(shift(), op("shift1"))
        before = self.writes(place)
        first, second = self.look(connector), self.look(connector)
        assert (first.entries, first.paged, first.fingerprint) == (second.entries, second.paged, second.fingerprint)
        assert first.fingerprint
        assert self.writes(place) == before

    def test_another_connector_sees_the_same(self, place: Any, connector: Connector) -> None:
        connector.create(shift(), op("shift1"))
        here = self.look(connector)
        other = self.make(place, dataclasses.replace(SITE, found=here.found))
        there = self.look(other)
        other.close()
        assert (there.entries, there.fingerprint) == (here.entries, here.fingerprint)

    def test_only_what_shares_an_instant_with_the_window_is_seen(self, connector: Connector) -> None:
        for number, start in enumerate((T - 8 * HOUR, T, T + 8 * HOUR, T + 16 * HOUR)):
            connector.create(shift(start=start), op(f"shift{number}"))
        seen = self.look(connector, window=Window(T, T + 16 * HOUR)).entries
        assert sorted(entry.start for entry in seen) == [T, T + 8 * HOUR]

    def test_an_entry_over_the_edge_of_the_window_is_whole(self, connector: Connector) -> None:
        connector.create(shift(end=T + 3 * DAY), op("shift1"))
        for window in (Window(T + HOUR, T + 2 * HOUR), Window(NOW, T + HOUR), Window(T + DAY, T + 9 * DAY)):
            [entry] = self.look(connector, window=window).entries
            assert said(entry) == (T, T + 3 * DAY, "ana")

    def test_a_known_entry_is_seen_wherever_it_is(self, connector: Connector) -> None:
        entry = connector.create(shift(start=T + 20 * DAY), op("shift1"))
        seen = self.look(connector, {entry.ref: "another version"}, Window(T, T + DAY)).entries
        assert [one.ref for one in seen] == [entry.ref]
        assert said(seen[0]) == (T + 20 * DAY, T + 20 * DAY + 8 * HOUR, "ana")

    def test_a_known_entry_moved_out_of_the_window_is_seen(self, place: Any, connector: Connector) -> None:
        entry = connector.create(shift(), op("shift1"))
        self.human_moves(place, entry.ref, T + 40 * DAY, T + 41 * DAY)
        [seen] = self.look(connector, self.known(entry), Window(T, T + DAY)).entries
        assert said(seen)[:2] == (T + 40 * DAY, T + 41 * DAY)

    def test_a_known_entry_that_is_gone_is_not_seen(self, connector: Connector) -> None:
        stays, goes = connector.create(shift(), op("shift1")), connector.create(shift(start=T + DAY), op("shift2"))
        known = self.known(stays, goes)
        connector.delete(goes, op("shift2"))
        observation = self.look(connector, known)
        assert {entry.ref for entry in observation.entries} | observation.same == {stays.ref}

    def test_a_ref_that_never_was_is_gone_and_no_error(self, connector: Connector) -> None:
        entry = connector.create(shift(), op("shift1"))
        connector.delete(entry, op("shift1"))
        assert self.look(connector, {entry.ref: "a version"}).entries == ()

    def test_what_stands_at_the_version_known_is_the_same_or_told_in_full(self, connector: Connector) -> None:
        connector.create(shift(), op("shift1"))
        seen = self.only(connector)
        again = self.look(connector, self.known(seen))
        assert again.entries == (seen,) or again.same == {seen.ref}

    def test_an_entry_given_to_somebody_else_shows_it_at_a_new_version(self, place: Any, connector: Connector) -> None:
        entry = connector.create(shift(), op("shift1"))
        before = self.only(connector)
        self.human_gives(place, entry.ref, "ben")
        [seen] = self.look(connector, self.known(before)).entries
        assert said(seen) == (T, T + 8 * HOUR, "ben")
        assert seen.version is None or seen.version != before.version

    def test_an_entry_moved_by_a_human_shows_it_at_a_new_version(self, place: Any, connector: Connector) -> None:
        entry = connector.create(shift(), op("shift1"))
        before = self.only(connector)
        self.human_moves(place, entry.ref, T + HOUR, T + 9 * HOUR)
        [seen] = self.look(connector, self.known(before)).entries
        assert said(seen) == (T + HOUR, T + 9 * HOUR, "ana")
        assert seen.version is None or seen.version != before.version

    def test_an_entry_that_names_nobody_known_has_no_person(self, place: Any, connector: Connector) -> None:
        entry = connector.create(shift(), op("shift1"))
        self.human_gives(place, entry.ref, "Zoe Unknown")
        seen = self.only(connector)
        assert seen.person is None
        assert "Zoe Unknown" in seen.title

    def test_what_others_put_there_is_seen_and_bears_no_marker(self, place: Any, connector: Connector) -> None:
        self.human_creates(place, T + DAY, T + DAY + HOUR, "ben")
        seen = self.only(connector)
        assert said(seen) == (T + DAY, T + DAY + HOUR, "ben")
        assert seen.marker is None

    def test_a_copied_entry_does_not_go_by_the_uid_that_its_marker_names(self, place: Any, connector: Connector) -> None:
        entry = connector.create(shift(), op("shift1"))
        self.human_copies(place, entry.ref)
        seen = self.look(connector).entries
        assert sorted(one.uid == "shift1" for one in seen) == [False, True]
        assert [one.ref for one in seen if one.uid == "shift1"] == [entry.ref]

    @pytest.mark.parametrize("kind", ["lost before", "refused", "down", "denied", "garbage"])
    def test_a_failed_look_is_an_error_and_never_empty(self, place: Any, connector: Connector, kind: str) -> None:
        entry = connector.create(shift(), op("shift1"))
        self.fault(place, "read", kind)
        before = self.reads(place)
        with pytest.raises(Denied if kind == "denied" else Unavailable) as failure:
            connector.read(WINDOW, self.known(entry))
        assert str(failure.value)
        assert self.reads(place) == before + 1, "nothing is tried again here"
        assert [one.ref for one in self.look(connector).entries] == [entry.ref], "the next look is well"

    # --- creating ---

    def test_creating_the_same_id_again_is_stale_and_makes_no_second_one(self, connector: Connector) -> None:
        if not connector.capabilities.own_ids:
            pytest.skip("ids are the destination's")
        connector.create(shift(), op("shift1"))
        with pytest.raises(Stale):
            connector.create(shift("ben", T + DAY), op("shift1"))
        assert said(self.only(connector)) == (T, T + 8 * HOUR, "ana")

    def test_touching_and_equal_entries_stand_side_by_side(self, connector: Connector) -> None:
        connector.create(shift("ana"), op("shift1"))
        connector.create(shift("ben", T + 8 * HOUR), op("shift2"))
        connector.create(shift("ana"), op("shift3"))
        assert sorted(map(said, self.look(connector).entries)) == [
            (T, T + 8 * HOUR, "ana"), (T, T + 8 * HOUR, "ana"), (T + 8 * HOUR, T + 16 * HOUR, "ben"),
        ]  # fmt: skip

    def test_a_shift_over_a_change_of_clocks_keeps_its_instants(self, connector: Connector) -> None:
        spring, autumn = 1_806_192_000, 1_824_940_800  # 2027-03-28T00:00Z and 2027-10-31T00:00Z, Europe/Berlin
        for number, start in enumerate((spring, spring + HOUR, autumn, autumn + HOUR)):
            connector.create(shift(start=start, end=start + HOUR), op(f"shift{number}"))
        seen = self.look(connector, window=Window(spring, autumn + DAY)).entries
        assert sorted(entry.start for entry in seen) == [spring, spring + HOUR, autumn, autumn + HOUR]
        assert {entry.end - entry.start for entry in seen} == {HOUR}

    def test_many_at_once_all_stand(self, connector: Connector) -> None:
        calls = connector.capabilities.calls
        with ThreadPoolExecutor(calls) as pool:
            shifts = [shift(start=T + number * HOUR, end=T + (number + 1) * HOUR) for number in range(4 * calls)]
            made = list(pool.map(connector.create, shifts, [op(f"shift{number}") for number in range(len(shifts))]))
        assert len({entry.ref for entry in made}) == len(shifts)
        assert sorted(entry.start for entry in self.look(connector).entries) == [one.start for one in shifts]

    def test_several_in_one_call_are_answered_one_by_one(self, connector: Connector) -> None:
        if not isinstance(connector, CreatesMany):
            pytest.skip("one a call here")
        shifts = [shift(start=T + number * DAY) for number in range(3)]
        answers = connector.create_many(shifts, [op(f"shift{number}") for number in range(3)])
        assert [answer.start for answer in answers if isinstance(answer, Entry)] == [one.start for one in shifts]

    # --- changing ---

    def test_a_replaced_entry_says_the_new_and_stays_the_same_entry(self, connector: Connector) -> None:
        self.updates(connector)
        connector.create(shift(), op("shift1"))
        before = self.only(connector)
        answer = connector.replace(before, shift("ben", T + HOUR), op(before.uid, "m2.other"))
        seen = self.only(connector)
        assert said(seen) == said(answer) == (T + HOUR, T + 9 * HOUR, "ben")
        assert (seen.ref, seen.uid) == (answer.ref, answer.uid) == (before.ref, before.uid)
        assert seen.version is None or seen.version != before.version
        if connector.capabilities.markers:
            assert seen.marker == answer.marker == "m2.other"

    def test_an_answered_version_serves_for_the_next_write(self, connector: Connector) -> None:
        self.updates(connector)
        entry = connector.create(shift(), op("shift1"))
        if entry.version is None:
            pytest.skip("it has to be read first")
        entry = connector.replace(entry, shift("ben"), op(entry.uid))
        entry = connector.replace(entry, shift("cho"), op(entry.uid))
        connector.delete(entry, op(entry.uid))
        assert self.look(connector).entries == ()

    def test_signing_an_entry_anew_changes_nothing_that_people_read(self, connector: Connector) -> None:
        self.updates(connector)
        connector.create(shift(), op("shift1"))
        before = self.only(connector)
        connector.replace(before, shift(), op(before.uid, "m2.signed"))
        seen = self.only(connector)
        assert (said(seen), seen.title) == (said(before), before.title)

    def test_an_entry_that_lost_its_marker_bears_the_next_one(self, connector: Connector) -> None:
        self.updates(connector)
        if not connector.capabilities.markers:
            pytest.skip("there are no markers here")
        stripped = dataclasses.replace(connector.create(shift(), op("shift1")), marker=None)
        connector.replace(stripped, shift("ben"), op(stripped.uid, "m2.anew"))
        seen = self.only(connector)
        assert (seen.person, seen.marker) == ("ben", "m2.anew")

    def test_replacing_what_a_human_changed_is_stale_and_the_human_stays(self, place: Any, connector: Connector) -> None:
        self.updates(connector)
        connector.create(shift(), op("shift1"))
        before = self.only(connector)
        self.human_gives(place, before.ref, "cho")
        with pytest.raises(Stale):
            connector.replace(before, shift("ben"), op(before.uid))
        assert self.only(connector).person == "cho"

    def test_replacing_what_is_gone_is_stale_and_brings_nothing_back(self, place: Any, connector: Connector) -> None:
        self.updates(connector)
        connector.create(shift(), op("shift1"))
        before = self.only(connector)
        self.human_deletes(place, before.ref)
        with pytest.raises(Stale):
            connector.replace(before, shift("ben"), op(before.uid))
        assert self.look(connector).entries == ()

    # --- deleting ---

    def test_deleting_twice_is_well(self, connector: Connector) -> None:
        connector.create(shift(), op("shift1"))
        entry = self.only(connector)
        connector.delete(entry, op(entry.uid))
        connector.delete(entry, op(entry.uid))
        assert self.look(connector).entries == ()

    def test_deleting_takes_one_and_leaves_the_others(self, connector: Connector) -> None:
        for number in range(3):
            connector.create(shift(start=T + number * DAY), op(f"shift{number}"))
        middle = next(entry for entry in self.look(connector).entries if entry.start == T + DAY)
        connector.delete(middle, op(middle.uid))
        assert sorted(entry.start for entry in self.look(connector).entries) == [T, T + 2 * DAY]

    def test_deleting_what_a_human_changed_is_stale_and_it_stays(self, place: Any, connector: Connector) -> None:
        connector.create(shift(), op("shift1"))
        before = self.only(connector)
        self.human_moves(place, before.ref, T, T + 9 * HOUR)
        with pytest.raises(Stale):
            connector.delete(before, op(before.uid))
        assert self.only(connector).end == T + 9 * HOUR

    # --- failing ---

    @pytest.mark.parametrize("verb", ["create", "replace", "delete"])
    @pytest.mark.parametrize("kind", ["lost before", "lost after", "down", "garbage"])
    def test_a_write_without_an_answer_is_unknown_and_sent_once(
        self, place: Any, connector: Connector, verb: str, kind: str
    ) -> None:
        before = self.standing(connector, verb)
        self.fault(place, verb, kind)
        writes = self.writes(place)
        with pytest.raises(Unavailable) as failure:
            self.write(connector, verb, before)
        assert not failure.value.refused, "nobody knows what became of it"
        assert self.writes(place) == writes + 1
        if kind.startswith("lost"):
            seen = [said(entry) for entry in self.look(connector).entries]
            assert seen == self.after(verb, done=kind == "lost after")

    @pytest.mark.parametrize("verb", ["create", "replace", "delete"])
    def test_a_refused_write_says_so_and_how_long_to_wait(self, place: Any, connector: Connector, verb: str) -> None:
        before = self.standing(connector, verb)
        self.fault(place, verb, "refused")
        writes = self.writes(place)
        with pytest.raises(Unavailable) as failure:
            self.write(connector, verb, before)
        assert failure.value.refused
        assert failure.value.after is not None
        assert 0 < failure.value.after <= 7
        assert self.writes(place) == writes + 1

    @pytest.mark.parametrize("verb", ["create", "replace", "delete"])
    def test_a_write_with_a_refused_credential_is_denied(self, place: Any, connector: Connector, verb: str) -> None:
        before = self.standing(connector, verb)
        self.fault(place, verb, "denied")
        with pytest.raises(Denied):
            self.write(connector, verb, before)
        assert [said(entry) for entry in self.look(connector).entries] == self.after(verb, done=False)

    def standing(self, connector: Connector, verb: str) -> Entry | None:
        if verb == "replace":
            self.updates(connector)
        if verb == "create":
            self.look(connector)
            return None
        connector.create(shift(), op("shift1"))
        return self.only(connector)

    def write(self, connector: Connector, verb: str, before: Entry | None) -> None:
        if before is None:
            connector.create(shift(), op("shift1"))
        elif verb == "replace":
            connector.replace(before, shift("ben"), op(before.uid))
        else:
            connector.delete(before, op(before.uid))

    def after(self, verb: str, *, done: bool) -> list[tuple[Instant, Instant, str | None]]:
        person = {"create": "ana" if done else None, "replace": "ben" if done else "ana", "delete": None if done else "ana"}[verb]
        return [] if person is None else [(T, T + 8 * HOUR, person)]

    def test_every_error_is_a_sentence_of_the_contract(self, place: Any, connector: Connector) -> None:
        self.fault(place, "create", "down")
        with pytest.raises(ConnectorError) as failure:
            connector.create(shift(), op("shift1"))
        assert len(str(failure.value)) > 10
        assert "\n" not in str(failure.value)

    # --- words ---

    def test_what_people_read_begins_with_the_title(self, connector: Connector) -> None:
        words = connector.wording(shift())
        if not words:
            pytest.skip("no words here")
        connector.create(shift(), op("shift1"))
        assert words.split("\n")[0] == self.only(connector).title == "Ana Lopez: Primary"
        assert "Payments" in words
        assert connector.wording(shift()) == words

    @pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
    def test_a_hostile_name_is_data(self, place: Any, name: str) -> None:
        eve = Person(id="eve", name=name, email="eve@example.com")
        connector = self.make(place, dataclasses.replace(SITE, people={**PEOPLE, "eve": eve}))
        if not connector.wording(shift()):
            pytest.skip("no words here")
        answer = connector.create(shift("eve"), op("shift1"))
        seen = self.only(connector)
        connector.close()
        assert said(seen) == (T, T + 8 * HOUR, "eve")
        assert (seen.uid, seen.marker, seen.title) == ("shift1", op("shift1").marker, answer.title)
        assert "\n" not in seen.title
        assert len(seen.title) < 3_000
