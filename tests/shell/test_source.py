"""A rota that another system keeps: fetched from a real server on loopback, held when it is not to be believed."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event

import pytest
import trustme

from syncd.cli.elsewhere import Follower
from syncd.cli.session import Session
from syncd.config.settings import Source
from syncd.connector import Secret
from syncd.source import SourceUnknown, by_id, fetch, get, get_text, put
from syncd.store import Store
from tests.shell.command_line import FOLDER, ROTA, CommandLine, command_line

TWO = ROTA + "  other: {title: Other, layers: [{role: primary, members: [cho]}]}\n"


@dataclass
class Answer:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None
    """What it says its length is; None: the truth."""


class Server:
    """Answers every GET with `answer`; `asked` has the path and headers of each."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.answer: Answer | Callable[[str], Answer] = Answer()
        self.asked: list[tuple[str, dict[str, str]]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                answer = server.answer(self.path) if callable(server.answer) else server.answer
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body) if answer.length is None else answer.length))
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        if tls is not None:
            self.http.socket = tls.wrap_socket(self.http.socket, server_side=True)
        scheme, name = ("https", "localhost") if tls else ("http", "127.0.0.1")
        self.url = f"{scheme}://{name}:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def says(self, text: str) -> None:
        self.answer = Answer(body=text.encode())

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()
    yield found
    found.close()


@pytest.fixture
def other() -> Iterator[Server]:
    found = Server()
    yield found
    found.close()


@pytest.fixture
def syncd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server) -> CommandLine:
    server.says(ROTA)
    return command_line(tmp_path, monkeypatch, f"source: {{url: '{server.url}/rota.yaml'}}\n{FOLDER}")


def on(syncd: CommandLine) -> list[str]:
    (row,) = [row for row in syncd.json("oncall") if row["schedule"] == "payments"]
    return [one["id"] for one in row["people"]]


def unknown(source: Source) -> str:
    with pytest.raises(SourceUnknown) as raised:
        fetch(source, patience=5)
    return str(raised.value)


# --- fetching ----------------------------------------------------------------------------


def test_a_url_is_asked_with_its_token(server: Server) -> None:
    server.says(ROTA)
    source = Source(url=f"{server.url}/rota.yaml", token=Secret("a token", lambda: "s3cret\n"))
    assert fetch(source) == {f"{server.url}/rota.yaml": ROTA.encode()}
    [(path, headers)] = server.asked
    assert (path, headers["authorization"]) == ("/rota.yaml", "Bearer s3cret")


@pytest.mark.parametrize("ending", ["", "/", "/api/bridge/schedules"])
def test_a_bridge_is_asked_with_its_key_and_tenant(server: Server, ending: str) -> None:
    server.says("{}")
    fetch(Source(bridge=server.url + ending, key=Secret("a key", lambda: "k"), tenant_id="acme"))
    [(path, headers)] = server.asked
    assert (path, headers["x-integration-key"], headers["x-tenant-id"]) == ("/api/bridge/schedules", "k", "acme")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(status=500), "it answered 500"),
        (Answer(status=401), "it answered 401"),
        (Answer(status=204), "it answered 204"),
        (Answer(body=b"people: {}", headers={"Content-Encoding": "gzip"}), "not as asked"),
        (Answer(body=b"#" * ((1 << 19) + 1)), "longer than 512 KiB"),
        (Answer(body=b"people: {", length=100), "ended after 9 of 100 bytes"),
        (Answer(status=302, headers={"Location": "http://127.0.0.1:9/rota.yaml"}), "another origin"),
        (Answer(status=302, headers={"Location": "/rota.yaml"}), "it answered 302"),
        (Answer(status=302, headers={"Location": "file:///etc/passwd"}), "is not allowed"),
    ],
)
def test_what_is_no_whole_answer_is_unknown(server: Server, answer: Answer, said: str) -> None:
    server.answer = answer
    assert said in unknown(Source(url=f"{server.url}/rota.yaml"))


def test_headers_that_never_end_are_unknown_in_time_and_asked_for_once() -> None:
    let_go = Event()
    with socket.create_server(("127.0.0.1", 0)) as slow:
        asked = []

        def trickle() -> None:
            with suppress(OSError):
                client, _ = slow.accept()
                asked.append(client)
                client.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                while not let_go.wait(0.05):
                    client.sendall(b"x")
                client.close()

        threading.Thread(target=trickle, daemon=True).start()
        address = f"http://127.0.0.1:{slow.getsockname()[1]}/rota.yaml"
        with pytest.raises(SourceUnknown, match="did not answer within"):
            get_text(address, {}, None, 0.2)
        with pytest.raises(SourceUnknown, match="no answer yet"):
            get_text(address, {}, None, 0.2)
        let_go.set()
    assert len(asked) == 1


def test_a_redirect_stays_at_the_origin_and_nobody_else_sees_the_token(server: Server, other: Server) -> None:
    server.answer = lambda path: (
        Answer(body=b"moved") if path == "/new" else Answer(status=301, headers={"Location": f"{server.url}/new"})
    )
    source = Source(url=f"{server.url}/old", token=Secret("a token", lambda: "s3cret"))
    assert fetch(source) == {f"{server.url}/old": b"moved"}
    server.answer = Answer(status=307, headers={"Location": f"{other.url}/new"})
    assert "another origin" in unknown(source)
    assert other.asked == []


def test_nobody_there_and_no_secret_are_unknown(server: Server) -> None:
    server.close()
    assert "cannot be reached" in unknown(Source(url=f"{server.url}/rota.yaml"))

    def missing() -> str:
        raise FileNotFoundError("/run/secret")

    assert unknown(Source(url=server.url, token=Secret("a file", missing))) == "its token is not there or cannot be read"
    assert "cannot be sent" in unknown(Source(url=server.url, token=Secret("a file", lambda: "a\r\nX-Evil: b")))


def test_a_certificate_must_be_one_that_is_trusted(tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    server = Server(context)
    try:
        server.says(ROTA)
        assert "CERTIFICATE_VERIFY_FAILED" in unknown(Source(url=server.url))
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        assert fetch(Source(url=server.url, ca_file=tmp_path / "ca.pem")) == {server.url: ROTA.encode()}
    finally:
        server.close()


def test_a_bridge_may_wrap_the_rota_and_list_with_ids() -> None:
    listed = {"data": {"timezone": "UTC", "people": [{"id": "ana", "name": "Ana"}], "schedules": [{"id": "a", "layers": []}]}}
    plain = {"timezone": "UTC", "people": {"ana": {"name": "Ana"}}, "schedules": {"a": {"layers": []}}}
    assert json.loads(by_id(json.dumps(listed).encode())) == plain
    assert json.loads(by_id(json.dumps(plain).encode())) == plain
    assert json.loads(by_id(b'[{"id": "a"}]')) == {"schedules": {"a": {}}}
    for text in (b"people: {}", b"7", b"[" * 100_000):
        assert by_id(text) == text
    assert json.loads(by_id(b'{"people": [{"name": "no id"}]}')) == {"people": [{"name": "no id"}]}
    with pytest.raises(SourceUnknown, match="two of its people have one id"):
        by_id(b'{"people": [{"id": "a"}, {"id": "a"}]}')


# --- by the command line -----------------------------------------------------------------


def test_questions_ask_the_source_and_change_nothing(syncd: CommandLine, tmp_path: Path) -> None:
    assert on(syncd) == ["ana"]
    assert not (tmp_path / "state").exists()


def test_without_a_good_state_an_unknown_source_is_a_failure(syncd: CommandLine, server: Server) -> None:
    server.answer = Answer(status=503)
    assert "the rota's source: it answered 503" in syncd.refused("oncall", code=1)


def test_the_last_good_state_stands_in_with_a_warning(syncd: CommandLine, server: Server) -> None:
    assert syncd.run("export", "--now").exit_code == 0
    syncd.at("2026-03-11T13:00:00+00:00")
    for answer in (
        Answer(status=503),
        Answer(body=b""),
        Answer(body=b"people: ["),
        Answer(body=b"people: {}\n"),
        Answer(body=b"7"),
    ):
        server.answer = answer
        asked = syncd.run("oncall")
        assert asked.exit_code == 0
        assert "Ana Lima" in asked.stdout
        assert "warning: the rota's source" in asked.stderr


def test_an_unknown_source_never_empties_a_destination(syncd: CommandLine, server: Server, tmp_path: Path) -> None:
    syncd.run("export", "--now")
    there = sorted((tmp_path / "calendar").iterdir())
    assert len(there) > 4
    for answer in (Answer(status=500), Answer(body=b""), Answer(body=b"schedules: {}"), Answer(body=ROTA.encode()[:300])):
        server.answer = answer
        assert syncd.run("export", "--now").exit_code == 0
        assert sorted((tmp_path / "calendar").iterdir()) == there
    notices = [one for one in syncd.json("history") if one["event"] == "source.unknown"]
    assert len(notices) == 1


def test_a_state_that_was_kept_lately_will_do_for_a_question(syncd: CommandLine, server: Server) -> None:
    syncd.run("export", "--now")
    before = len(server.asked)
    assert on(syncd) == ["ana"]
    assert len(server.asked) == before
    syncd.at("2026-03-11T12:10:00+00:00")
    assert on(syncd) == ["ana"]
    assert len(server.asked) == before + 1


def test_a_file_that_speaks_of_what_is_new_there_has_it_read_at_once(syncd: CommandLine, server: Server) -> None:
    syncd.run("export", "--now")
    server.says(TWO)
    syncd.write(f"source: {{url: '{server.url}/rota.yaml'}}\n{FOLDER.replace('schedule: payments', 'schedule: other')}")
    assert {row["schedule"] for row in syncd.json("oncall")} == {"payments", "other"}


def test_a_source_that_has_shrunk_is_held_until_somebody_says_so(syncd: CommandLine, server: Server, tmp_path: Path) -> None:
    server.says(TWO)
    syncd.run("export", "--now")
    server.says(ROTA)
    syncd.at("2026-03-11T13:00:00+00:00")
    assert "1 of 2 schedules are gone (other)" in syncd.run("export", "--now").stderr
    assert {row["schedule"] for row in syncd.json("oncall")} == {"payments", "other"}
    (hold,) = syncd.json("holds")
    assert "shrunk" in hold["reason"]
    assert syncd.run("ack", hold["digest"]).exit_code == 0
    assert {row["schedule"] for row in syncd.json("oncall")} == {"payments"}
    assert syncd.run("export", "--now").stderr == ""
    assert syncd.json("holds") == []


def test_people_who_go_at_once_are_a_source_that_has_shrunk(syncd: CommandLine, server: Server) -> None:
    many = "".join(f"  p{i}: {{name: P{i}}}\n" for i in range(4))
    server.says(ROTA.replace("roles:", f"{many}roles:"))
    syncd.run("export", "--now")
    server.says(ROTA)
    assert "4 of 7 people are gone" in syncd.run("export", "--now").stderr


def test_check_tells_every_problem_of_what_was_fetched(syncd: CommandLine, server: Server) -> None:
    syncd.run("export", "--now")
    server.says(ROTA.replace("unit: week", "unit: wek"))
    (problem,) = syncd.json("check", code=78)
    assert problem["file"] == f"{server.url}/rota.yaml"
    assert "week" in problem["remedy"]


def test_what_never_was_a_rota_is_a_mistake_at_its_place(syncd: CommandLine, server: Server) -> None:
    server.says(ROTA.replace("unit: week", "unit: wek"))
    assert "rota.yaml:14" in syncd.refused("oncall", code=78)
    server.says("schedules: {}")
    syncd.write(f"source: {{url: '{server.url}/rota.yaml'}}\n")
    assert "no schedule is in it" in syncd.refused("oncall", code=1)


def test_a_mistake_of_the_file_itself_is_not_the_sources(syncd: CommandLine, server: Server) -> None:
    syncd.run("export", "--now")
    syncd.write(f"source: {{url: '{server.url}/rota.yaml'}}\n{FOLDER.replace('schedule: payments', 'schedule: paymnts')}")
    syncd.at("2026-03-11T13:00:00+00:00")
    assert "syncd.yaml:3" in syncd.refused("oncall", code=78)


def test_a_directory_that_went_away_or_says_nothing_usable_is_unknown_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rotas").mkdir()
    (tmp_path / "rotas/payments.yaml").write_text(ROTA)
    syncd = command_line(tmp_path, monkeypatch, f"source: {{directory: rotas}}\n{FOLDER}")
    assert syncd.run("export", "--now").exit_code == 0

    def stood_in() -> bool:
        asked = syncd.run("oncall")
        return "Ana Lima" in asked.stdout and "warning" in asked.stderr

    (tmp_path / "rotas").rename(tmp_path / "gone")
    assert stood_in()
    (tmp_path / "gone").rename(tmp_path / "rotas")
    assert not stood_in()
    (tmp_path / "rotas/payments.yaml").write_text(ROTA.replace("unit: week", "unit: wek"))
    assert stood_in()
    assert "payments.yaml:14" in syncd.run("check").output


def test_impact_compares_with_a_file_whose_rota_is_elsewhere(syncd: CommandLine, other: Server) -> None:
    other.says(ROTA.replace("members: [ana, ben]", "members: [ana, cho]"))
    syncd.write(f"source: {{url: '{other.url}/r'}}\n", "next.yaml")
    found = syncd.json("impact", "next.yaml")
    assert {(one["person"], one["seconds"] > 0) for one in found["changes"]} == {("ben", False), ("cho", True)}


# --- keeping -----------------------------------------------------------------------------


def test_a_kept_state_that_was_damaged_is_none(syncd: CommandLine, tmp_path: Path) -> None:
    syncd.run("export", "--now")
    (file,) = (tmp_path / "state/syncd").glob("source-*.json")
    assert file.stat().st_mode & 0o777 == 0o600
    told = json.loads(file.read_text())
    source = Source(url=next(iter(told["files"])))
    kept = get(file.parent, source)
    assert kept is not None
    for damage in ("", "{}", "[]", json.dumps({**told, "files": {"a": "%"}}), json.dumps({**told, "digest": "0"})):
        file.write_text(damage)
        assert get(file.parent, source) is None
    put(file.parent, source, kept)
    assert get(file.parent, source) == kept
    assert get(file.parent, Source(url="https://example.com/another")) is None


# --- the daemon --------------------------------------------------------------------------


class Bare(Session):
    """A session without a command."""

    def __init__(self) -> None:
        self.named, self.json = None, False


class Later:
    """A clock of which a test says how late it is."""

    late = 0.0

    def now(self) -> int:
        return 1_773_230_400 + int(self.late)

    def monotonic(self) -> float:
        return self.late

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.is_set()


def test_the_daemon_reads_its_source_again_and_goes_on_with_what_it_has(
    syncd: CommandLine, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = Later()
    monkeypatch.setattr(Session, "clock", clock)
    session, reload = Bare(), threading.Event()
    store = Store.open(tmp_path / "state/syncd")
    assert store is not None
    follower = Follower(session, store, session.whole_config)

    def turn() -> None:
        clock.late += 301
        follower.turn(reload)
        assert follower._reader is not None
        follower._reader.join(30)

    try:
        follower.turn(reload)
        assert follower._reader is None
        turn()
        assert not reload.is_set()
        server.answer = Answer(status=500)
        turn()
        assert not reload.is_set()
        server.says(ROTA.replace("members: [ana, ben]", "members: [ana, cho]"))
        turn()
        assert reload.is_set()
        assert follower.load().rota.schedules["payments"].layers[0].rosters[0].groups == (("ana",), ("cho",))
        server.says("schedules: {}")
        assert list(follower.load().rota.schedules) == ["payments"]
        assert "warning" not in capsys.readouterr().err
    finally:
        store.close()
