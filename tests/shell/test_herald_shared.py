"""Several daemons on one store: each notice is carried by one of them, and by another once that one is gone."""

from __future__ import annotations

from pathlib import Path
from threading import Event

from syncd.config import load
from syncd.connector import Secret
from syncd.herald import Herald
from syncd.notify.channel import Answer, Message
from tests.shell.receivers import until
from tests.shell.test_herald import NOON, ROTA, SAID, SetClock
from tests.stores import Place


def test_of_two_daemons_one_tells_and_the_other_takes_over_when_it_ends(place: Place, tmp_path: Path) -> None:
    (tmp_path / "mail").touch(0o600)
    (tmp_path / "mail").write_text("mailto://127.0.0.1:1?from=rota@example.com\n")
    (tmp_path / "syncd.yaml").write_text(
        ROTA.replace(", channels: [group]", "") + "notices: {channels: {mail: {url: {file: mail}}}}\n"
    )
    config, sent = load(tmp_path / "syncd.yaml", now=0), list[str]()

    def send(url: Secret, message: Message, to: str) -> Answer:
        sent.append(f"{to} {message.title}")
        return Answer()

    stores = [place.open(), place.open()]
    first, second = (Herald(config=lambda: config, store=one, clock=SetClock(NOON), send=send) for one in stores)
    with stores[0].write() as tx:
        tx.outbox.post({**SAID, "rota": []}, "c1", at=place.clock)
    first.turn()
    if stores[0].shared:
        second.turn()
    until(lambda: first.idle)
    first.turn()
    assert len(sent) == 1
    stop = Event()
    stop.set()
    first.start(stop)
    first.join()
    with stores[0].write() as tx:
        tx.outbox.post({**SAID, "rota": [], "id": "c2"}, "c2", at=place.clock)
    second.turn()
    until(lambda: second.idle)
    second.turn()
    assert len(sent) == 2
