"""A real SMTP server in a process of its own: prints its port, then each mail it took as a line of JSON.

    python tests/shell/mail_server.py [hang | drop | busy]

With `hang` it takes connections and never says a word; with `drop` it takes a mail and hangs up before it says so; with `busy` it
refuses for now. It has no mailbox whose name begins with `dead`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from email import message_from_bytes, policy
from functools import partial

from aiosmtpd.smtp import SMTP, Envelope, Session


class Box:
    def __init__(self, mode: str) -> None:
        self.mode = mode

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("dead") or self.mode == "busy":
            return "550 no such mailbox" if address.startswith("dead") else "451 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        content = envelope.content
        mail = message_from_bytes(content if isinstance(content, bytes) else content.encode(), policy=policy.default)
        body = mail.get_body(("plain", "html"))
        said = {
            "from": envelope.mail_from,
            "to": list(envelope.rcpt_tos),
            "subject": mail["Subject"],
            "body": body.get_content().replace("\r\n", "\n") if body else "",
        }
        print(json.dumps(said), flush=True)
        if self.mode == "drop" and server.transport is not None:
            server.transport.abort()
        return "250 OK"


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    print(json.dumps("connected"), flush=True)
    await reader.read()


async def main(mode: str) -> None:
    if mode == "hang":
        server = await asyncio.start_server(_silent, "127.0.0.1", 0)
    else:
        server = await asyncio.get_running_loop().create_server(partial(SMTP, Box(mode), hostname="localhost"), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else ""))
