"""Which channels count for a schedule, and which of them are personal: told by the scheme of the address."""

from __future__ import annotations

from collections.abc import Mapping

from syncd import log
from syncd.config import Config
from syncd.config.settings import Notices
from syncd.connector import Secret
from syncd.core.audience import Ways
from syncd.notify.channel import is_personal, keep_secret


class Channels:
    """Of one configuration. An address that cannot be read now is looked at again next time."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._personal: dict[Secret, bool] = {}
        self._unreadable: set[Secret] = set()

    @property
    def any(self) -> bool:
        return any(one.channels for one in (self.config.notices, *self.config.notices_of.values()))

    def settings(self, schedule: str) -> Notices:
        return self.config.notices_of.get(schedule, self.config.notices)

    def addresses(self, schedule: str) -> Mapping[str, Secret]:
        """Channel → address; for "" (the service itself) those of all schedules, the file's own first."""
        if schedule:
            return self.settings(schedule).channels
        found: dict[str, Secret] = {}
        for one in (self.config.notices, *self.config.notices_of.values()):
            for name, url in one.channels.items():
                found.setdefault(name, url)
        return found

    def ways(self, schedule: str) -> Ways:
        told = {name: self._is_personal(url) for name, url in self.addresses(schedule).items()}
        return Ways(
            personal=tuple(name for name, personal in told.items() if personal),
            group=tuple(name for name, personal in told.items() if personal is False),
            follow_team=self.settings(schedule).follow == "team",
        )

    def unreadable(self, schedule: str) -> tuple[str, ...]:
        """Channels whose address cannot be read now, so that nobody knows whom they would reach."""
        return tuple(name for name, url in self.addresses(schedule).items() if self._is_personal(url) is None)

    def _is_personal(self, url: Secret) -> bool | None:
        if url not in self._personal:
            try:
                said = url.reveal()
            except (OSError, KeyError):
                if url not in self._unreadable:
                    self._unreadable.add(url)
                    log.logger().error("notice.unreadable", address=url.where)
                return None
            self._unreadable.discard(url)
            keep_secret(said)
            self._personal[url] = is_personal(said)
        return self._personal[url]
