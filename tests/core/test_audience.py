"""Who is told what, and where: admins, members, group channels, and what each of them chose."""

from __future__ import annotations

import pytest

from syncd.core.audience import Kind, Reader, Ways, admins_of, concerned, kind_of, readers
from syncd.core.model import Person, Rota, Schedule, Team

PEOPLE = {one: Person(id=one, name=one.title(), email=f"{one}@example.com") for one in ("ana", "ben", "cho")}
PEOPLE["dev"] = Person(id="dev", name="Dev")
ROTA = Rota(
    people=PEOPLE,
    teams={"payments": Team(id="payments", title="Payments", people=("ana", "ben"), channels=("slack",))},
    schedules={
        "payments": Schedule(id="payments", title="P", timezone="UTC", layers=(), team="payments", admins=("cho", "dev")),
        "search": Schedule(id="search", title="S", timezone="UTC", layers=(), team="payments"),
        "alone": Schedule(id="alone", title="A", timezone="UTC", layers=()),
    },
)
WAYS = Ways(personal=("mail",), group=("slack", "other"))


def told(kind: Kind, schedule: str = "payments", about: tuple[str, ...] = (), ways: Ways = WAYS, **choices: object) -> list[str]:
    chosen = {tuple(key.split("__")): value for key, value in choices.items()}
    found = readers(ROTA, ways, schedule, kind, about, {(p, c, k): v for (p, c, k), v in chosen.items()})
    return [one.key for one in found]


def test_admins_are_those_of_the_schedule_else_its_team() -> None:
    assert admins_of(ROTA, "payments") == ("cho", "dev")
    assert admins_of(ROTA, "search") == ("ana", "ben")
    assert admins_of(ROTA, "alone") == ()
    assert admins_of(ROTA, "") == ("cho", "dev", "ana", "ben")


def test_admins_with_an_address_and_the_channels_that_the_team_lists_are_told() -> None:
    assert told(Kind.CONFLICT) == ["mail cho", "slack"]
    assert told(Kind.CONFLICT, "alone") == []
    assert told(Kind.SERVICE, "") == ["mail cho", "mail ana", "mail ben", "slack"]


def test_a_removed_override_is_told_only_where_it_was_switched_on() -> None:
    assert told(Kind.REMOVED, about=("ben",)) == []
    assert told(Kind.REMOVED, about=("ben",), ben__mail__removed=True) == ["mail ben"]
    assert told(Kind.REMOVED, about=("ben",), ben____removed=True, __slack__removed=True) == ["mail ben", "slack"]


def test_a_choice_for_one_channel_wins_over_that_for_all_and_the_team_over_both() -> None:
    assert told(Kind.CHANGED, about=("ana",), ana____changed=False) == []
    assert told(Kind.CHANGED, about=("ana",), ana____changed=False, ana__mail__changed=True) == ["mail ana"]
    team = Ways(personal=("mail",), follow_team=True)
    assert told(Kind.CHANGED, about=("ana",), ways=team, ana____changed=False) == ["mail ana"]


@pytest.mark.parametrize(
    ("said", "kind"),
    [("R", Kind.REMOVED), ("I", Kind.IMPORT), ("C", Kind.CONFLICT), ("H", Kind.HOLD), ("recovered", Kind.ATTENTION)],
)
def test_what_the_outbox_calls_it_is_a_kind_and_what_nobody_knows_concerns_the_service(said: str, kind: Kind) -> None:
    assert kind_of(said) is kind
    assert kind_of("gaps") is Kind.GAPS
    assert kind_of("never heard of") is Kind.SERVICE


def test_a_reader_is_known_by_channel_and_person() -> None:
    assert (Reader("mail", "ana").key, Reader("slack", "").key) == ("mail ana", "slack")


def test_a_removal_is_about_whoever_gave_way_anything_else_about_both_sides() -> None:
    said = {"had": ["ben", "?Zed"], "rota": ["ana", "ben"]}
    assert concerned(Kind.REMOVED, said) == ("ben", "Zed")
    assert concerned(Kind.CONFLICT, said) == ("ben", "Zed", "ana")
    assert concerned(Kind.CHANGED, {"about": ["cho"]}) == ("cho",)
    assert told(Kind.IMPORT, about=("ana", "ben")) == ["mail cho", "mail ana", "mail ben", "slack"]
