"""`syncd` in a process of its own, at a time of the test's choosing, that kills itself: AT POINT NUMBER COMMAND….

POINT is `before call`, `after call`, `before commit`, `after commit`, `before send`, `after send` (of a message),
`before noting`, `after noting` (commits of the thread that sends) or `never`; NUMBER counts them from 1. AT may be `now`.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
import threading
from contextlib import suppress
from typing import Any

from connectors.caldav_wire import Answer, Wire
from syncd.cli import main
from syncd.cli.session import Session
from syncd.notify import channel
from syncd.store.file import File
from tests.shell.command_line import Stopped


class Death:
    def __init__(self, point: str, number: int) -> None:
        self.point, self.left = point, number

    def reached(self, point: str) -> None:
        if point == self.point:
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def arrange(death: Death) -> None:
    call, connect = Wire.call, sqlite3.connect

    def dying_call(self: Wire, *args: Any, **more: Any) -> Answer:
        death.reached("before call")
        answer = call(self, *args, **more)
        death.reached("after call")
        return answer

    class Connection(File):
        def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:  # type: ignore[override]
            if sql != "COMMIT":
                return super().execute(sql, *args)
            noting = threading.current_thread().name == "syncd-notices"
            death.reached("before noting" if noting else "before commit")
            cursor = super().execute(sql, *args)
            death.reached("after noting" if noting else "after commit")
            return cursor

    def dying_connect(*args: Any, **more: Any) -> sqlite3.Connection:
        return connect(*args, **{**more, "factory": Connection})

    def dying_execute(self: Any, sql: str, *args: Any, **more: Any) -> Any:
        if sql != "COMMIT":
            return execute(self, sql, *args, **more)
        death.reached("before commit")
        cursor = execute(self, sql, *args, **more)
        death.reached("after commit")
        return cursor

    with suppress(ImportError):  # a store in PostgreSQL needs it
        from psycopg import Connection as Postgres

        execute = Postgres.execute
        Postgres.execute = dying_execute  # type: ignore[method-assign]
    send = channel.send

    def dying_send(*args: Any) -> channel.Answer:
        death.reached("before send")
        answer = send(*args)
        death.reached("after send")
        return answer

    channel.send = dying_send
    Wire.call = dying_call  # type: ignore[method-assign]
    sqlite3.connect = dying_connect  # type: ignore[assignment]


if __name__ == "__main__":
    at, point, number, *command = sys.argv[1:]
    if at != "now":
        Session.clock = Stopped(at)
    arrange(Death(point, int(number)))
    sys.exit(main(command))
