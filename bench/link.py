"""A slow link: what a client sends reaches the server so many seconds later; bytes are passed on as they are."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from urllib.parse import urlsplit


@contextmanager
def slow(url: str, seconds: float) -> Iterator[str]:
    """The base address of `url`'s server behind the link."""
    parts = urlsplit(url)
    server = parts.hostname or "", parts.port or 80
    listening = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listening.accept()
                Thread(target=_carry, args=(client, server, seconds), daemon=True).start()

    Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        listening.close()


def _carry(client: socket.socket, server: tuple[str, int], seconds: float) -> None:
    """Both directions of one connection, until either side ends it."""
    with client, suppress(OSError), socket.create_connection(server) as upstream:
        while True:
            for one in select.select([client, upstream], [], [])[0]:
                data = one.recv(1 << 20)
                if not data:
                    return
                if one is client:
                    time.sleep(seconds)
                    while select.select([client], [], [], 0)[0] and (more := client.recv(1 << 20)):
                        data += more  # a request is sent in pieces, and late once
                    upstream.sendall(data)
                else:
                    client.sendall(data)
