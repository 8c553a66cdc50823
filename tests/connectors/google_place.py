"""A simulated Google Calendar with a service account, and the connector that shows a role there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from connectors.google import Google
from syncd.connector import Secret, Site
from tests.connectors.conformance import NOW, SITE
from tests.simulators.common import Clock, clean_environment
from tests.simulators.google import ROOT, TEAM
from tests.simulators.google import Google as Simulated


class Place(Simulated):
    """`key` is the content of the credentials file that connectors read."""

    key = ""

    def connector(self, site: Site = SITE, **options: Any) -> Google:
        secret = Secret("file key.json", lambda: self.key)
        chosen = {"calendar": TEAM, "credentials": secret, "base_url": self.url + ROOT, **options}
        return Google(Google.Options(**chosen), site)


@contextmanager
def opened() -> Iterator[Place]:
    clean_environment()
    with Place(clock=Clock(NOW)) as place:
        place.key = place.service_account()
        yield place
