"""What another rota would change: whose hours, which shifts, which destinations, and what would be held."""

from dataclasses import replace

from syncd.core.impact import Shown, effect, impact
from syncd.core.mode import Limits, Mode
from syncd.core.model import DAY, Rota, Window
from tests.core.say import at, away, layer, local, override, rota, said, schedule, turns

WEEK = layer("ana ben", turns("1 week", at="09:00"), name="week")
NOW = schedule(WEEK, start="2026-03-02T09:00")
MARCH = Window(at("2026-03-02T09:00"), at("2026-03-30T09:00"))


def spans(windows):
    return [f"{said(start)} {said(end)}" for start, end in windows]


def changes(before, after, window=MARCH):
    found = impact(rota(before, "ana", "ben", "cho"), rota(after, "ana", "ben", "cho"), window).changes
    return {one.person: (one.seconds, spans(one.gained), spans(one.lost)) for one in found}


def moved(before, after, window=MARCH):
    found = impact(rota(before), rota(after), window).moves
    return [f"{one.person} {said(one.before.start)} → {said(one.after.start)}" for one in found]


def test_the_same_rota_changes_nothing():
    assert impact(rota(NOW), rota(NOW), MARCH) == ((), (), ())


def test_who_loses_and_who_gains_hours_is_told_with_when():
    after = schedule(layer("ana cho", turns("1 week", at="09:00"), name="week"), start="2026-03-02T09:00")
    second, fourth = "03-09T09:00 03-16T09:00", "03-23T09:00 03-30T09:00"
    assert changes(NOW, after) == {
        "ben": (-14 * DAY, [], [second, fourth]),
        "cho": (14 * DAY, [second, fourth], []),
    }


def test_a_later_handoff_moves_every_shift_by_an_hour():
    later = schedule(layer("ana ben", turns("1 week", at="10:00"), name="week"), start="2026-03-02T10:00")
    after = Window(at("2026-03-09T12:00"), at("2026-03-17"))
    assert moved(NOW, later, after) == ["ben 03-09T09:00 → 03-09T10:00", "ana 03-16T09:00 → 03-16T10:00"]
    assert changes(NOW, later, after) == {
        "ana": (-3600, [], ["03-16T09:00 03-16T10:00"]),
        "ben": (3600, ["03-16T09:00 03-16T10:00"], []),
    }


def test_a_shift_of_another_layer_is_met_where_it_overlaps():
    after = schedule(layer("ana ben", turns("1 week", at="08:00"), name="weeks"), start="2026-03-02T08:00")
    assert moved(NOW, after, Window(at("2026-03-03"), at("2026-03-04"))) == ["ana 03-02T09:00 → 03-02T08:00"]
    other = schedule(layer("ben ana", turns("1 week", at="08:00"), name="weeks"), start="2026-03-02T08:00")
    assert moved(NOW, other, Window(at("2026-03-03"), at("2026-03-04"))) == []


def test_time_outside_the_period_is_not_compared():
    after = replace(NOW, overrides=(override("cho", "2026-03-01", "2026-03-05"),))
    assert changes(NOW, after, Window(at("2026-03-04"), at("2026-03-30"))) == {
        "ana": (-DAY, [], ["03-04T00:00 03-05T00:00"]),
        "cho": (DAY, ["03-04T00:00 03-05T00:00"], []),
    }


def test_a_schedule_that_comes_or_goes_is_all_gain_or_all_loss():
    one = impact(Rota(), rota(NOW), Window(at("2026-03-03"), at("2026-03-04")))
    assert [(change.person, change.seconds) for change in one.changes] == [("ana", DAY)]
    one = impact(rota(NOW), Rota(), Window(at("2026-03-03"), at("2026-03-04")))
    assert [(change.person, change.seconds) for change in one.changes] == [("ana", -DAY)]
    assert one.gaps == ()


def test_gaps_that_it_would_open_are_told_and_those_of_today_are_not():
    ends = replace(NOW, end=local("2026-03-16"), away=(away("ana", "2026-03-03", "2026-03-04"),))
    [gap] = impact(rota(NOW), rota(ends), MARCH).gaps
    assert (gap.cause, said(gap.start)) == ("ended", "03-16T00:00")
    assert impact(rota(ends), rota(ends), MARCH).gaps == ()
    sooner = replace(ends, end=local("2026-03-12"))
    assert [said(gap.start) for gap in impact(rota(ends), rota(sooner), MARCH).gaps] == ["03-12T00:00"]


def test_a_role_that_nobody_serves_on_either_side_is_no_change():
    one = schedule(layer("", turns("1 week")), start="2026-03-02")
    assert impact(rota(one), rota(one), MARCH).changes == ()


# --- destinations ------------------------------------------------------------------------


def shown(one, **more):
    return Shown(
        **{"schedule": one, "role": "primary", "mode": Mode.AUTHORITATIVE, "horizon": 30 * DAY, "limits": Limits(), **more}
    )


def test_a_destination_that_would_stay_as_it_is_has_nothing_to_do():
    assert effect("calendar", shown(NOW), shown(NOW), at("2026-03-03")) == ({}, ())
    assert effect("calendar", shown(NOW), shown(NOW), at("2026-03-03")).empty


def test_other_people_are_written_into_the_same_entries():
    after = schedule(layer("ana cho", turns("1 week", at="09:00"), name="week"), start="2026-03-02T09:00")
    found = effect("calendar", shown(NOW), shown(after), at("2026-03-03"))
    assert found == ({"replace": 2}, ())


def test_a_destination_that_is_new_gets_every_shift():
    assert effect("calendar", None, shown(NOW), at("2026-03-03")) == ({"create": 5}, ())


def test_removals_over_the_limit_would_be_held():
    daily = schedule(layer("ana ben", turns("1 day")), start="2026-03-02")
    found = effect("calendar", shown(daily), shown(replace(daily, end=local("2026-03-10"))), at("2026-03-03"))
    assert found.actions["delete"] == 23
    assert found.holds == ("23 entries would be removed with nobody in their place; the limit is 9",)
    empty = effect("calendar", shown(daily), shown(replace(daily, layers=())), at("2026-03-03"))
    assert "the rota has nobody at all, but entries of ours are there" in empty.holds


def test_more_changes_at_once_than_the_limit_would_be_held():
    daily = schedule(layer("ana ben", turns("1 day")), start="2026-03-02")
    other = schedule(layer("ben ana", turns("1 day")), start="2026-03-02")
    found = effect("calendar", shown(daily), shown(other), at("2026-03-03"))
    assert [reason.split(";")[0] for reason in found.holds] == ["30 entries would be changed at once"]


def test_another_role_behind_the_same_name_is_a_change_of_settings():
    two = replace(NOW, layers=(WEEK, layer("", role="backup")))
    found = effect("calendar", shown(two), shown(two, role="backup"), at("2026-03-03"))
    assert any("role" in reason or "nobody at all" in reason for reason in found.holds)
