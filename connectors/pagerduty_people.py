"""Decides which PagerDuty user is which person of the rota: by configured id, else by an e-mail that only one user has.

What was looked up is kept under these names in `Observation.found`, so that a second look costs no search of people:

    user:ana        → PXXX     ana's user; she can be put on call
    missing:dev     → seconds  no user (or no single one) is dev's; when that was looked up, by the server's clock
    since:dev       → seconds  when that was first so
    sought:dev      → the e-mail that was looked for
    gone:PXXX       → seconds  a user who was met or configured, and is there no more
    email:PXXX, name:PXXX      what PagerDuty calls a user that was met

A person with neither `user:` nor `missing:` was not needed yet. Somebody missing is looked for again after a quarter of an hour.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from connectors.pagerduty_answer import Refusal, line
from connectors.pagerduty_api import Api, before_writing, every, item_of
from syncd.connector import Absent, ConnectorError, Rejected, Site
from syncd.core.model import Instant, Person

AGAIN = 900
"""Seconds after which somebody missing is looked for again."""


class People:
    def __init__(self, site: Site, api: Api) -> None:
        self._site, self._api = site, api
        self.found: dict[str, str] = dict(site.found)
        self._given = {person.id: given for person in site.people.values() if (given := self._account(person))}
        emails = Counter(_folded(person.email) for person in site.people.values() if person.email)
        self._emails = {
            _folded(person.email): person.id
            for person in site.people.values()
            if person.email and emails[_folded(person.email)] == 1 and person.id not in self._given
        }
        self._forget_others()

    def _account(self, person: Person) -> str | None:
        """The destination's own name says more than the vendor's; `pagerduty` serves both kinds of schedule."""
        return person.accounts.get(self._site.destination) or person.accounts.get("pagerduty")

    def _forget_others(self) -> None:
        """An e-mail may have changed in the rota since it was looked up."""
        for name, user in list(self.found.items()):
            kind, _, who = name.partition(":")
            if kind == "user" and self._given.get(who, user) == user and who in self._given:
                continue
            if kind == "sought" and (who in self._given or _folded(self._email(who)) != user):
                self._met(who)
            if kind == "user" and self._emails.get(self.found.get(f"email:{user}", "")) != who:
                del self.found[name]

    # --- who is who ----------------------------------------------------------------------

    def user(self, person: str) -> str | None:
        user = self._given.get(person) or self.found.get(f"user:{person}")
        return None if user is None or f"gone:{user}" in self.found else user

    def person(self, user: str) -> str | None:
        """None where nobody's, or where two people of the rota claim the same user."""
        given = [person for person, account in self._given.items() if account == user]
        if given:
            return given[0] if len(given) == 1 else None
        return self._emails.get(self.found.get(f"email:{user}", ""))

    def missing(self) -> dict[str, Absent]:
        """Whom PagerDuty has no user for, as far as anybody was looked for."""
        return {
            person: Absent(int(self.found.get(f"since:{person}", "0")), self._why(person))
            for person in sorted(name.removeprefix("missing:") for name in self.found if name.startswith("missing:"))
            if person in self._site.people and self.user(person) is None
        }

    def _why(self, person: str) -> str:
        if person in self._given:
            said = f"the configured user {self._given[person]} is not there"
        else:
            said = f"no single user there has the e-mail {self._email(person)}"
        return (
            f"{person} has no PagerDuty user: {said}; write the user's id under people: {person}: "
            "accounts: {pagerduty: PXXXXXX}, or make the account: it is looked for every quarter of an hour"
        )

    def _email(self, person: str) -> str | None:
        who = self._site.people.get(person)
        return who.email if who else None

    def is_gone(self, user: str) -> bool:
        return f"gone:{user}" in self.found

    def is_replaced(self, user: str) -> bool:
        """Whether it is an account of old: it pages nobody any more, and its person has another one now."""
        person = self.person(user) if self.is_gone(user) else None
        return person is not None and self.user(person) not in (None, user)

    def name(self, user: str) -> str:
        return self.found.get(f"name:{user}") or user

    def of_the_schedule(self) -> list[str]:
        """Who can appear in the shifts of this schedule, in the order of the file."""
        named = [
            *(
                who
                for layer in self._site.schedule.layers
                for roster in layer.rosters
                for group in roster.groups
                for who in group
            ),
            *(who for override in self._site.schedule.overrides for who in override.people),
        ]
        return [who for who in dict.fromkeys(named) if who in self._site.people]

    # --- looking up ----------------------------------------------------------------------

    def meet(self, users: Mapping[str, str], now: Instant | None) -> None:
        """Makes everybody of the schedule and every one of `users` (id → name as told, or "") known as far as can be."""
        for user, name in users.items():
            if name and name != self.found.get(f"name:{user}"):
                self.found[f"name:{user}"] = line(name)
            if f"email:{user}" not in self.found and user not in self._given.values():
                self._ask(user)
        for person in self._given:
            self.found[f"user:{person}"] = self._given[person]
            if self.user(person) is not None:
                self._met(person)
        wanted = [*self.of_the_schedule(), *self.missing()]
        if any(self._due(person, now) for person in wanted):
            self._search(wanted, now)

    def check(self, users: Iterable[str], now: Instant | None) -> bool:
        """Asks for those whom a call was refused for, or whom the vendor does not show; whether one of them is there no more."""
        gone = False
        for user in users:
            if self.is_gone(user):  # known; a search finds who came back
                gone = True
                continue
            try:
                item_of(self._api.get(f"/users/{user}"), "user")
            except Refusal as refusal:
                if refusal.answer.status == 404:
                    gone = True
                    self.found[f"gone:{user}"] = str(now or 0)
                    person = self.person(user)
                    if person is not None and self.user(person) is None:
                        self._miss(person, now)
            except ConnectorError:
                continue  # nothing was learned
        return gone

    def _met(self, person: str) -> None:
        for name in ("missing", "since", "sought"):
            self.found.pop(f"{name}:{person}", None)

    def _miss(self, person: str, now: Instant | None) -> None:
        self.found[f"missing:{person}"] = str(now or 0)
        self.found.setdefault(f"since:{person}", str(now or 0))
        self.found[f"sought:{person}"] = _folded(self._email(person))

    def needed(self, person: str, now: Instant | None = None) -> str:
        """The user to put on call. Raises `Rejected` naming the person."""
        if self.user(person) is None:
            before_writing(lambda: self._search([person], now))
        user = self.user(person)
        if user is None:
            raise Rejected(self._why(person))
        return user

    def _due(self, person: str, now: Instant | None) -> bool:
        if self.user(person) is not None:
            return False
        since = self.found.get(f"missing:{person}", "")
        return not since.isdigit() or (now is not None and not 0 <= now - int(since) < AGAIN)

    def _ask(self, user: str) -> None:
        try:
            told = item_of(self._api.get(f"/users/{user}"), "user")
        except Refusal:  # deleted since: whoever it was is nobody of ours
            told = {}
        self._learn(user, str(told.get("email") or ""), str(told.get("name") or ""))

    def _learn(self, user: str, email: str, name: str) -> None:
        self.found[f"email:{user}"] = _folded(email)
        if name:
            self.found[f"name:{user}"] = line(name)

    def _search(self, people: Iterable[str], now: Instant | None) -> None:
        """Every user is read, because only then an e-mail is known to be one user's (F24); `query` looks at names alone."""
        users, _ = every(self._api, "/users", "users")
        count = Counter(_folded(str(user.get("email") or "")) for user in users)
        for user in users:
            self.found.pop(f"gone:{user.get('id')}", None)
            email = _folded(str(user.get("email") or ""))
            person = self._emails.get(email)
            if person is not None and count[email] == 1:
                self._learn(str(user.get("id")), email, str(user.get("name") or ""))
                self.found[f"user:{person}"] = str(user.get("id"))
        for person in people:
            if self.user(person) is None:
                self._miss(person, now)
            else:
                self._met(person)


def _folded(email: str | None) -> str:
    return (email or "").strip().casefold()
