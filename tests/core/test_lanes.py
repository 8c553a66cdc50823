"""Which lane a shift is compared in: the one where its person is shown, found without looking at every entry."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from syncd.core.desired import Lane, Target, in_lanes
from syncd.core.model import Shift, Source
from syncd.core.record import Value

HOUR = 3_600
NOW = 10 * HOUR


def shift(person: str, start: int, end: int, slot: int = 0) -> Shift:
    return Shift("payments", "primary", person, start * HOUR, end * HOUR, slot, Source("week", 0))


def slowly(shifts: list[Shift], places: list[Value], now: int) -> list[Target]:
    """The rule as it reads: every shift beside every entry."""
    rota = [s for s in shifts if s.end > now]
    wishes = []
    for place, one in enumerate(rota):
        overlaps: dict[int, int] = {}
        for value in places:
            shared = min(one.end, value.end) - max(one.start, value.start, now)
            if value.person == one.person and shared > 0:
                overlaps[value.lane] = max(shared, overlaps.get(value.lane, 0))
        lanes = sorted(overlaps, key=lambda lane: (-overlaps[lane], lane))
        wishes.append((-max(overlaps.values(), default=0), place, one, lanes))
    taken: dict[int, Lane] = {}
    chosen = {}
    for _, place, one, lanes in sorted(wishes, key=lambda wish: wish[:2]):
        for lane in [*lanes, *range(len(taken) + 1)]:
            if taken.setdefault(lane, Lane()).free(one.start, one.end):
                taken[lane].take(one.start, one.end)
                chosen[place] = lane
                break
    return [Target(one, chosen[place], one.start, one.end) for place, one in enumerate(rota)]


people = st.sampled_from(["ana", "ben", "cho"])
hours = st.integers(0, 40)
spans = st.tuples(hours, st.integers(1, 30)).map(lambda span: (span[0], span[0] + span[1]))
rota = st.lists(st.tuples(people, spans).map(lambda one: shift(one[0], *one[1])), max_size=12)
standing = st.lists(
    st.tuples(people, st.tuples(hours, hours), st.integers(0, 3)).map(
        lambda one: Value(one[0], one[1][0] * HOUR, one[1][1] * HOUR, one[2])
    ),
    max_size=12,
)


@given(rota, standing)
def test_every_shift_has_the_lane_that_the_plain_rule_gives_it(shifts: list[Shift], places: list[Value]) -> None:
    assert in_lanes(shifts, places, NOW) == slowly(shifts, places, NOW)


def test_a_long_entry_is_found_behind_a_short_one_that_began_later() -> None:
    long, short = Value("ana", 11 * HOUR, 40 * HOUR, 2), Value("ana", 12 * HOUR, 13 * HOUR, 0)
    assert [target.lane for target in in_lanes([shift("ana", 20, 30)], [long, short], NOW)] == [2]


def test_a_shift_of_somebody_whom_no_entry_shows_takes_the_first_lane_that_is_free() -> None:
    there = [Value("ana", 11 * HOUR, 20 * HOUR, 0)]
    targets = in_lanes([shift("ben", 11, 20, 1), shift("ana", 11, 20)], there, NOW)
    assert [(target.shift.person, target.lane) for target in targets] == [("ben", 1), ("ana", 0)]
