"""Who is who: users by configured id or by an e-mail that only one of them has, searched once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from connectors.pagerduty import PagerDuty
from syncd.connector import Rejected, Site
from syncd.core.model import Layer, Person, Roster
from tests.connectors.conformance import NOW, PEOPLE, SITE, WINDOW, T, op, shift
from tests.connectors.pagerduty_place import LAYERS, account, options, user
from tests.simulators.pagerduty import PagerDuty as Vendor

LAYER = Layer(name="weekly", role="primary", timezone="UTC", rosters=(Roster(since=None, groups=(("ana",), ("ben",))),))


@pytest.fixture
def place() -> Iterator[Vendor]:
    with account() as there:
        yield there


def site(*people: Person, schedule: bool = True, **rest: object) -> Site:
    known = {**PEOPLE, **{person.id: person for person in people}}
    shown = replace(SITE.schedule, layers=(LAYER,)) if schedule else SITE.schedule
    return replace(SITE, people=known, schedule=shown, **rest)  # type: ignore[arg-type]


def searches(place: Vendor) -> int:
    return len(place.journal.of("GET", "^/users"))


def test_the_first_look_tells_who_can_be_put_on_call(place: Vendor) -> None:
    pager = PagerDuty(options(place), site())
    found = pager.read(WINDOW, {}).found
    assert {name: found[name] for name in ("user:ana", "user:ben")} == {
        "user:ana": user(place, "ana"), "user:ben": user(place, "ben"),
    }  # fmt: skip
    assert searches(place) == 1
    PagerDuty(options(place), site(found=found)).read(WINDOW, {})
    assert searches(place) == 1


def test_somebody_missing_is_told_and_looked_for_again_after_a_quarter_of_an_hour(place: Vendor) -> None:
    with place.hand():
        ben = place.account.users.pop(user(place, "ben"))
    pager = PagerDuty(options(place), site())
    found = pager.read(WINDOW, {}).found
    assert found["missing:ben"] == str(NOW)
    assert "user:ben" not in found
    with place.hand():
        place.account.users[ben.id] = ben
    place.clock.advance(899)
    assert "missing:ben" in pager.read(WINDOW, {}).found
    assert searches(place) == 1
    place.clock.advance(1)
    found = pager.read(WINDOW, {}).found
    assert found["user:ben"] == ben.id
    assert "missing:ben" not in found


def test_a_configured_account_wins_and_nobody_is_searched(place: Vendor) -> None:
    zoe = user(place, "Zoe Unknown")
    people = (
        Person(id="ana", name="Ana", email="ben@example.com", accounts={"pagerduty": zoe}),
        Person(id="ben", name="Ben", accounts={"pagerduty": "PWRONG", "shown": user(place, "ben")}),
    )
    pager = PagerDuty(options(place), site(*people))
    assert [pager.create(shift(who, T + at * 86_400), op("a")).person for at, who in enumerate(("ana", "ben"))] == ["ana", "ben"]
    assert [one.user for one in place.account.schedules[LAYERS].overrides.values()] == [zoe, user(place, "ben")]
    found = pager.read(WINDOW, {}).found
    assert (found["user:ana"], found["user:ben"]) == (zoe, user(place, "ben"))
    assert searches(place) == 0


def test_an_e_mail_is_compared_without_case(place: Vendor) -> None:
    pager = PagerDuty(options(place), site(Person(id="ana", name="Ana", email="ANA@Example.COM")))
    assert pager.read(WINDOW, {}).found["user:ana"] == user(place, "ana")


def test_an_e_mail_that_two_users_have_is_nobodys(place: Vendor) -> None:
    with place.hand():
        place.account.add_user("Ana the Second", "Ana@Example.com")
    pager = PagerDuty(options(place), site())
    assert "missing:ana" in pager.read(WINDOW, {}).found
    with pytest.raises(Rejected, match=r"ana has no PagerDuty user.*accounts"):
        pager.create(shift(), op("a1"))
    assert place.journal.writes() == []


def test_an_e_mail_that_two_people_of_the_rota_have_is_nobodys(place: Vendor) -> None:
    twin = Person(id="dev", name="Dev", email="ana@example.com")
    pager = PagerDuty(options(place), site(twin))
    assert "missing:ana" in pager.read(WINDOW, {}).found


def test_two_people_with_one_account_are_not_told_apart(place: Vendor) -> None:
    accounts = {"pagerduty": user(place, "ana")}
    people = (Person(id="ana", name="Ana", accounts=accounts), Person(id="dev", name="Dev", accounts=accounts))
    place.human_overrides(LAYERS, user(place, "ana"), T, T + 3_600)
    [entry] = PagerDuty(options(place), site(*people)).read(WINDOW, {}).entries
    assert (entry.person, entry.title) == (None, "Ana Lopez")


def test_a_stranger_is_looked_up_once_and_shown_by_name(place: Vendor) -> None:
    place.human_overrides(LAYERS, user(place, "Zoe Unknown"), T, T + 3_600)
    pager = PagerDuty(options(place), site())
    before = searches(place)
    looks = [pager.read(WINDOW, {}) for _ in range(3)]
    assert [(one.person, one.title) for look in looks for one in look.entries] == [(None, "Zoe Unknown")] * 3
    assert searches(place) == before + 2
    newcomer = Person(id="zoe", name="Zoe", email="zoe@elsewhere.example")
    [entry] = PagerDuty(options(place), site(newcomer, found=looks[-1].found)).read(WINDOW, {}).entries
    assert entry.person == "zoe"


def test_a_user_deleted_since_is_nobody_and_no_error(place: Vendor) -> None:
    place.human_overrides(LAYERS, "PDELETED", T, T + 3_600)
    [entry] = PagerDuty(options(place), site()).read(WINDOW, {}).entries
    assert (entry.person, entry.title) == (None, "PDELETED")


def test_an_e_mail_changed_in_the_rota_forgets_what_was_found(place: Vendor) -> None:
    found = PagerDuty(options(place), site()).read(WINDOW, {}).found
    moved = Person(id="ana", name="Ana", email="zoe@elsewhere.example")
    again = PagerDuty(options(place), site(moved, found=found)).read(WINDOW, {}).found
    assert again["user:ana"] == user(place, "Zoe Unknown")


def test_every_page_of_users_is_read(place: Vendor) -> None:
    with place.hand():
        users = dict(place.account.users)
        place.account.users.clear()
        for number in range(250):
            place.account.add_user(f"User {number}", f"user{number}@example.com")
        place.account.users.update(users)
    assert "user:ana" in PagerDuty(options(place), site()).read(WINDOW, {}).found
    assert searches(place) == 3


def test_nobody_is_searched_who_is_not_needed(place: Vendor) -> None:
    PagerDuty(options(place), site(schedule=False)).read(WINDOW, {})
    assert searches(place) == 0


def test_doctor_names_who_has_no_user(place: Vendor) -> None:
    with place.hand():
        del place.account.users[user(place, "ben")]
    findings = {finding.what: finding for finding in PagerDuty(options(place), site()).doctor()}
    assert findings["person ana"].ok
    assert not findings["person ben"].ok
    assert "accounts: {pagerduty: " in findings["person ben"].remedy
