"""What of the rota is due: handoffs, the day's rows, changed duty, gaps and their reminders."""

from __future__ import annotations

from datetime import UTC, datetime

from syncd.core.announce import Hole, Moved, changes, free_at, handoffs, hole, name_of, on_call, rounds, to_tell, today
from syncd.core.gaps import Cause, Gap
from syncd.core.model import DAY, HOUR, Shift, Source, Window


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


MONDAY = at("2026-03-09T09:00")


def shift(person: str, start: int, end: int, role: str = "primary", turn: int = 0) -> Shift:
    return Shift("payments", role, person, start, end, 0, Source("week", turn))


def test_a_handoff_names_who_comes_in_and_who_goes_off_and_not_who_goes_on() -> None:
    duty = [
        shift("ana", MONDAY - DAY, MONDAY),
        shift("ben", MONDAY, MONDAY + DAY),
        shift("ben", MONDAY + DAY, MONDAY + 2 * DAY, turn=1),
        shift("cho", MONDAY - DAY, MONDAY + DAY, "secondary"),
    ]
    found = [tuple(one) for one in handoffs(duty, Window(MONDAY - HOUR, MONDAY + 3 * DAY))]
    assert found == [
        ("primary", MONDAY, ("ben",), ("ana",), ()),
        ("secondary", MONDAY + DAY, (), ("cho",), ()),
        ("primary", MONDAY + 2 * DAY, (), ("ben",), ()),
    ]
    assert free_at(duty, "primary", "ben", MONDAY) == MONDAY + 2 * DAY
    assert free_at(duty, "primary", "ana", MONDAY) == MONDAY


def test_somebody_who_joins_others_hands_over_from_nobody() -> None:
    duty = [shift("ana", MONDAY - DAY, MONDAY + DAY), shift("ben", MONDAY, MONDAY + HOUR)]
    [first, second] = handoffs(duty, Window(MONDAY, MONDAY + 2 * HOUR))
    assert (first.incoming, first.outgoing) == (("ben",), ())
    assert (second.incoming, second.outgoing) == ((), ("ben",))
    assert (first.staying, second.staying) == (("ana",), ("ana",))


def test_today_is_the_readers_day_and_a_time_that_a_clock_change_leaves_out_is_the_first_after_it() -> None:
    assert today(8 * HOUR, "Europe/Berlin", at("2026-03-11T23:30")) == (
        "2026-03-12",
        at("2026-03-12T07:00"),
        at("2026-03-12T23:00"),
    )
    spring = today(2 * HOUR + 1800, "Europe/Berlin", at("2026-03-29T12:00"))
    assert spring == ("2026-03-29", at("2026-03-29T01:00"), at("2026-03-29T22:00"))
    autumn = today(2 * HOUR + 1800, "Europe/Berlin", at("2026-10-25T12:00"))
    assert autumn == ("2026-10-25", at("2026-10-25T00:30"), at("2026-10-25T23:00"))


def test_the_days_rows_are_whole_and_joined_across_turns() -> None:
    duty = [shift("ben", MONDAY, MONDAY + DAY), shift("ben", MONDAY + DAY, MONDAY + 2 * DAY, turn=1)]
    assert on_call(duty, Window(MONDAY + HOUR, MONDAY + 2 * HOUR)) == [("primary", "ben", MONDAY, MONDAY + 2 * DAY)]
    assert on_call(duty, Window(MONDAY + 2 * DAY, MONDAY + 3 * DAY)) == []


def test_how_duty_is_cut_into_turns_is_no_change_and_only_the_part_that_differs_is_told() -> None:
    before = [["primary", "ana", MONDAY, MONDAY + 2 * DAY], ["primary", "ben", MONDAY + 2 * DAY, MONDAY + 3 * DAY]]
    recut = [["primary", "ana", MONDAY, MONDAY + DAY], ["primary", "ana", MONDAY + DAY, MONDAY + 2 * DAY], before[1]]
    window = Window(MONDAY, MONDAY + 9 * DAY)
    assert changes(before, recut, window) == {}
    after = [["primary", "ana", MONDAY, MONDAY + DAY], ["primary", "ben", MONDAY + DAY, MONDAY + 3 * DAY]]
    assert changes(before, after, window) == {
        "ana": [Moved("primary", MONDAY + DAY, MONDAY + 2 * DAY, added=False)],
        "ben": [Moved("primary", MONDAY + DAY, MONDAY + 2 * DAY, added=True)],
    }
    assert changes(before, after, Window(MONDAY + 2 * DAY, MONDAY + 9 * DAY)) == {}


NOBODY = Gap("payments", "primary", MONDAY + 30 * HOUR, MONDAY + 40 * HOUR, Cause.NOBODY, (), "do this")
WEEK = Window(MONDAY, MONDAY + 7 * DAY)


def found(gap: Gap) -> list[tuple[Gap, Hole]]:
    return [
        (gap, hole(gap, WEEK, [gap._replace(start=gap.start - (gap.start == WEEK.start), end=gap.end + (gap.end == WEEK.end))]))
    ]


def test_a_gap_is_told_at_the_daily_time_then_a_day_and_an_hour_before_and_never_else() -> None:
    told: dict[str, list[object]] = {}
    heard = []
    for hours, daily in (
        (0, False),
        (1, True),
        (2, False),
        (5, True),
        (6, False),
        (7, False),
        (29, False),
        (29, True),
        (31, True),
    ):
        due, told = rounds(found(NOBODY), told, MONDAY + hours * HOUR, daily_due=daily)
        heard += [(hours, one.why) for one in due]
    assert heard == [(1, "new"), (6, "24 h"), (29, "1 h")]


def test_a_gap_that_is_told_within_its_last_day_needs_no_reminder_of_that_day() -> None:
    due, told = rounds(found(NOBODY), {}, MONDAY + 10 * HOUR, daily_due=True)
    assert [one.why for one in due] == ["new"]
    assert rounds(found(NOBODY), told, MONDAY + 11 * HOUR, daily_due=False)[0] == []


def test_a_gap_that_changed_is_told_at_once_and_one_that_was_closed_and_came_back_at_the_next_daily_time() -> None:
    _, told = rounds(found(NOBODY), {}, MONDAY, daily_due=True)
    longer = NOBODY._replace(end=MONDAY + 44 * HOUR)
    due, after = rounds(found(longer), told, MONDAY + HOUR, daily_due=False)
    assert [one.why for one in due] == ["changed"]
    assert rounds(found(longer), after, MONDAY + 2 * HOUR, daily_due=True)[0] == []
    _, closed = rounds([], after, MONDAY + 2 * HOUR, daily_due=False)
    assert [one.why for one in rounds(found(longer), closed, MONDAY + 3 * HOUR, daily_due=True)[0]] == ["new"]


def test_a_gap_without_an_end_is_the_same_gap_tomorrow() -> None:
    endless = NOBODY._replace(end=WEEK.end)
    tomorrow = Window(WEEK.start + DAY, WEEK.end + DAY)
    later = endless._replace(end=tomorrow.end)
    assert hole(endless, WEEK, []).key == hole(later, tomorrow, []).key
    assert hole(endless, WEEK, [endless]).end == WEEK.end


def test_too_many_on_call_is_no_gap_in_the_coverage() -> None:
    assert to_tell([NOBODY, NOBODY._replace(cause=Cause.OVERLAP, people=("ana", "ben"))]) == [NOBODY]


def test_a_gap_that_is_open_is_told_at_once_unless_its_last_hour_was() -> None:
    begun = NOBODY.start + HOUR
    due, told = rounds(found(NOBODY), {}, begun, daily_due=False)
    assert [one.why for one in due] == ["now"]
    assert rounds(found(NOBODY), told, begun + HOUR, daily_due=True)[0] == []
    for earlier, heard in ((30 * HOUR, ["now"]), (20 * HOUR, ["now"]), (HOUR, [])):
        _, told = rounds(found(NOBODY), {}, NOBODY.start - earlier, daily_due=True)
        assert [one.why for one in rounds(found(NOBODY), told, begun, daily_due=False)[0]] == heard


def test_a_gap_that_begins_as_it_is_looked_at_is_the_same_a_second_later() -> None:
    now = NOBODY._replace(start=WEEK.start)
    assert hole(now, WEEK, [now]).key == hole(now, Window(WEEK.start + 1, WEEK.end), [now]).key


def test_a_name_is_never_that_of_something_else() -> None:
    assert name_of("handoff", "pay-ments", "day", MONDAY) == "handoff/pay-ments/day/2026-03-09T09:00:00Z"
    assert name_of("pay-ments", "day") != name_of("pay", "ments-day")
