"""A process that takes a lease and says so, for tests that kill or freeze it: `python store_holder.py LOCATION TENANT KEY NAME`.

It answers each line of its input: `write` with `written` or `lost`, `die` without; `go on` with a number for each transaction.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
from typing import NoReturn

from syncd.store import LeaseLost, Store


def go_on(store: Store) -> NoReturn:
    for n in itertools.count():
        with store.write() as tx:
            tx.facts.put("left", n)
            tx.journal.add(at=n, event="created", new={"padding": "p" * 500})
            tx.facts.put("right", n)
        print(n, flush=True)
    raise AssertionError


def main(location: str, tenant: str, key: str, name: str) -> None:
    store = Store.open(location, tenant, key)
    assert store is not None
    lease = store.lease(name, holder="the first one")
    print("held", lease.epoch, flush=True)
    for line in sys.stdin:
        if line.strip() == "die":
            with store.write(lease) as tx:
                tx.facts.put("half done", True)
                os.kill(os.getpid(), signal.SIGKILL)
        if line.strip() == "go on":
            go_on(store)
        try:
            with store.write(lease) as tx:
                tx.facts.put("written by", lease.holder)
        except LeaseLost:
            print("lost", flush=True)
        else:
            print("written", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
