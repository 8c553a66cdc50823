"""What of the rota a destination can say, and at which of its places."""

from __future__ import annotations

from dataclasses import replace

from syncd.core.desired import in_lanes, project
from syncd.core.entry import Capabilities
from syncd.core.model import Shift, Source
from syncd.core.record import Value

CAN = Capabilities()


def shift(person: str, start: int, end: int, slot: int = 0) -> Shift:
    return Shift("s", "primary", person, start, end, slot, Source())


def said(shifts: list[Shift]) -> list[tuple[str, int, int]]:
    return [(s.person, s.start, s.end) for s in shifts]


def test_a_destination_that_can_say_everything_says_it_without_a_loss():
    rota = [shift("ana", 0, 8), shift("ben", 8, 16)]
    assert project(rota, CAN) == (rota, [])
    assert project([], replace(CAN, people=1, grain=60, shortest=60)) == ([], [])


def test_both_ends_come_to_the_grain_so_that_what_touches_still_does():
    kept, losses = project([shift("ana", 0, 90), shift("ben", 90, 180)], replace(CAN, grain=60))
    assert said(kept) == [("ana", 0, 60), ("ben", 60, 180)]
    assert len(losses) == 2


def test_what_vanishes_in_the_grain_is_a_loss():
    kept, losses = project([shift("ana", 0, 60), shift("ben", 60, 90), shift("cho", 90, 180)], replace(CAN, grain=60))
    assert said(kept) == [("ana", 0, 60), ("cho", 60, 180)]
    assert [loss.shift.person for loss in losses] == ["ben", "cho"]


def test_a_sliver_goes_to_the_shift_before_it():
    kept, losses = project([shift("ana", 0, 600), shift("ben", 600, 610), shift("cho", 610, 900)], replace(CAN, shortest=60))
    assert said(kept) == [("ana", 0, 610), ("cho", 610, 900)]
    assert [loss.shift.person for loss in losses] == ["ben"]


def test_a_sliver_at_a_start_goes_to_the_shift_after_it():
    kept, _ = project([shift("ana", 0, 10), shift("ben", 10, 600)], replace(CAN, shortest=60))
    assert said(kept) == [("ben", 0, 600)]


def test_a_sliver_alone_or_beside_somebody_is_left_out():
    kept, losses = project([shift("ana", 0, 10), shift("ben", 100, 600), shift("cho", 300, 310, 1)], replace(CAN, shortest=60))
    assert said(kept) == [("ben", 100, 600)]
    assert [loss.shift.person for loss in losses] == ["ana", "cho"]


def test_the_first_of_the_file_stay_where_more_are_on_than_a_destination_holds():
    kept, losses = project([shift("ana", 0, 8, 0), shift("ben", 0, 8, 1)], replace(CAN, people=1))
    assert said(kept) == [("ana", 0, 8)]
    assert [loss.shift.person for loss in losses] == ["ben"]


def test_who_stays_stays_whole_and_who_goes_is_one_loss():
    kept, losses = project([shift("ana", 0, 16, 0), shift("ben", 0, 8, 1), shift("cho", 8, 16, 1)], replace(CAN, people=1))
    assert said(kept) == [("ana", 0, 16)]
    assert [loss.shift.person for loss in losses] == ["ben", "cho"]
    kept, losses = project([shift("ana", 0, 8, 0), shift("cho", 8, 16, 0), shift("ben", 0, 16, 1)], replace(CAN, people=1))
    assert said(kept) == [("ana", 0, 8), ("cho", 8, 16)]
    assert [loss.shift.person for loss in losses] == ["ben"]


def test_whoever_is_dropped_meanwhile_comes_back():
    kept, losses = project([shift("ben", 0, 12, 1), shift("ana", 4, 8, 0)], replace(CAN, people=1))
    assert said(kept) == [("ben", 0, 4), ("ana", 4, 8), ("ben", 8, 12)]
    assert [loss.shift.person for loss in losses] == ["ben"]


def test_a_shift_takes_the_lane_of_the_entry_that_shows_its_person_then():
    targets = in_lanes([shift("ana", 0, 8), shift("ben", 0, 8, 1)], [Value("ben", 0, 8, 0), Value("ana", 0, 8, 1)], 0)
    assert {t.shift.person: t.lane for t in targets} == {"ana": 1, "ben": 0}


def test_of_lanes_that_show_a_person_the_one_that_does_so_longest_is_taken():
    targets = in_lanes([shift("ana", 0, 8)], [Value("ana", 0, 2, 0), Value("ana", 2, 8, 1), Value("ana", 2, 3, 1)], 0)
    assert [t.lane for t in targets] == [1]


def test_elsewhere_a_shift_takes_the_first_free_lane_and_the_past_counts_for_nothing():
    targets = in_lanes([shift("ana", 0, 8), shift("ben", 4, 12, 1), shift("cho", 8, 16)], [], 0)
    assert {t.shift.person: t.lane for t in targets} == {"ana": 0, "ben": 1, "cho": 0}
    assert in_lanes([shift("ana", 0, 8)], [], 8) == []
