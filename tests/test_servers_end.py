"""What tests start ends with them, also where they are killed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

START = "import time; from pathlib import Path; {start}; print(end, flush=True); time.sleep(600)"
PLACES = {
    "radicale": "from tests.connectors.servers import radicale as s; s = s(Path('there')); end = s.__enter__().url",
    "postgres": "from tests.postgres import server as s; s = s(); end = s.__enter__()",
}


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="only util-linux can leash a process")
@pytest.mark.parametrize("kind", PLACES)
def test_a_server_ends_with_the_process_that_started_it(tmp_path: Path, kind: str) -> None:
    if kind == "postgres":
        pytest.importorskip("psycopg")
    command = [sys.executable, "-c", START.format(start=PLACES[kind])]
    here = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    with subprocess.Popen(command, cwd=tmp_path, env=here, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        there = starter.stdout.readline().strip()
        starter.kill()
        if not there:
            pytest.skip(starter.communicate()[1][-200:])
    deadline = time.monotonic() + 30
    while answers(there):
        assert time.monotonic() < deadline, f"{there} is still served"
        time.sleep(0.02)
    if kind == "postgres":
        shutil.rmtree(there.partition("host=")[2])


def answers(address: str) -> bool:
    web = urlsplit(address).port
    family = socket.AF_INET if web else socket.AF_UNIX
    with socket.socket(family, socket.SOCK_STREAM) as caller:
        there = ("127.0.0.1", web) if web else f"{address.partition('host=')[2]}/.s.PGSQL.5432"
        return caller.connect_ex(there) == 0
