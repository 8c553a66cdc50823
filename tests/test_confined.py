"""The daemon at work under its own unit's rules: what the unit forbids it never needs. (What is left out: tests/confined.py.)"""

from __future__ import annotations

import ctypes.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.confined import USER
from tests.confined_daemon import PERSONS, ROOT, SYSTEM, Daemon, Place, confined
from tests.connectors import servers
from tests.shell.receivers import MailServer
from tests.simulators.common import Clock
from tests.simulators.google import ROOT as GOOGLE
from tests.simulators.google import TEAM, Google
from tests.simulators.microsoft import ONCALL, Microsoft
from tests.simulators.pagerduty import KEY, PagerDuty, furnish

ROTA = """\
people:
  ana: {{name: {ana}, email: ana@example.com}}
  ben: {{name: Ben Okafor, email: ben@example.com}}
  cho: {{name: Cho Min-ji, email: cho@example.com}}
roles:
  primary: {{title: Primary}}
schedules:
  support:
    title: Support
    admins: [ana]
    start: 2026-01-05T09:00
    layers:
      - {{members: [ana, ben, cho], rotation: {{every: 1, unit: day, at: "09:00"}}}}
notices: {{channels: {{mail: {{url: {{credential: smtp}}}}}}}}
health: {{listen: "127.0.0.1:0"}}
log: {{format: json}}
destinations:
"""
PROBE = """
import ctypes, json, mmap, os, socket, sys
def tried(what):
    try:
        what()
    except OSError as error:
        return error.strerror
    return "done"
libc = ctypes.CDLL(None, use_errno=True)
def unshare():
    if libc.unshare(0x10000000):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
print(json.dumps({
    "write and execute": tried(lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)),
    "netlink": tried(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)),
    "internet": tried(lambda: socket.socket(socket.AF_INET6).close()),
    "namespace": tried(unshare),
    "set-user-id": tried(lambda: os.chmod(sys.argv[1], 0o4755)),
    "outside": tried(lambda: open("/etc/syncd-was-here", "w")),
    "state": tried(lambda: open(sys.argv[1] + "/here", "w")),
    "temporary": tried(lambda: open("/tmp/here", "w")),
    "disk": tried(lambda: os.open("/dev/vda", os.O_RDONLY)),
    "others": tried(lambda: os.stat("/proc/1")),
    "new files": oct(os.stat(sys.argv[1] + "/here").st_mode & 0o777),
}))
"""


def lacking() -> str:
    """Why a unit's rules cannot be applied here, or ""."""
    if sys.platform != "linux" or ctypes.util.find_library("seccomp") is None:
        return "libseccomp is not installed"
    if shutil.which("systemd-analyze") is None:
        return "systemd-analyze, which knows the filter's sets, is not installed"
    done = subprocess.run(confined(PERSONS, "/bin/true"), capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"no filter can be loaded here: {done.stderr[-200:]}"


@pytest.fixture(scope="module", autouse=True)
def able() -> None:
    if reason := lacking():
        pytest.skip(reason)


BOTH = [pytest.param(SYSTEM, id="system"), pytest.param(PERSONS, id="user")]
FEW = [BOTH[0], pytest.param(PERSONS, id="user", marks=pytest.mark.long)]


@pytest.fixture(params=BOTH)
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == SYSTEM:
        done = subprocess.run(["unshare", "--mount", "--ipc", "--uts", "true"], check=False, capture_output=True)
        if os.geteuid() != 0 or done.returncode != 0:
            pytest.skip("a file system of its own can only be made by root")
        (tmp_path / "tried").mkdir()
        command = confined(SYSTEM, sys.executable, "-c", "import syncd.cli", state=tmp_path / "tried")
        tried = subprocess.run(command, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)
        if "Permission denied" in tried.stderr:
            pytest.skip("this checkout or its interpreter cannot be read by the unit's user")
    found: Path = request.param
    return found


@pytest.fixture
def place(tmp_path: Path, unit: Path) -> Iterator[Place]:
    yield Place(tmp_path, unit)
    for group in Path("/sys/fs/cgroup").glob("**/syncd-*/"):
        if group.is_dir() and not (group / "cgroup.procs").read_text():
            group.rmdir()


def test_the_rules_hold(place: Place) -> None:
    done = subprocess.run(
        place.command(sys.executable, "-c", PROBE, str(place.state)), env=place.env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (done.returncode, done.stderr)
    told = json.loads(done.stdout)
    wanted = {
        "write and execute": "Operation not permitted", "netlink": "Address family not supported by protocol",
        "internet": "done", "set-user-id": "Operation not permitted", "state": "done", "new files": "0o600",
    }  # fmt: skip
    if place.own:
        wanted |= {
            "namespace": "Operation not permitted", "outside": "Read-only file system", "temporary": "done",
            "disk": "No such file or directory", "others": "No such file or directory",
        }  # fmt: skip
    assert {name: told[name] for name in wanted} == wanted


def test_a_call_outside_the_filter_is_the_end(place: Place) -> None:
    command = place.command(sys.executable, "-c", "import os; os.chown('/nowhere', 1, 1)")
    assert subprocess.run(command, env=place.env, check=False).returncode == -signal.SIGSYS


@pytest.mark.parametrize("unit", FEW, indirect=True)
def test_whole_cycles_notices_and_signals_need_nothing_that_the_unit_forbids(
    place: Place, radicale: servers.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every connector of ours with TLS, mail, health, SIGHUP, an export and a backup beside it, and the end."""

    def now() -> Clock:
        return Clock(time.time(), running=True)

    mail = MailServer()
    with PagerDuty(clock=now()) as pager, Microsoft(clock=now()) as graph, Google(clock=now()) as google:
        with pager.hand():
            furnish(pager, tmp_path)
            pager.account.users[next(iter(pager.account.users))].name = "Ana Lima"
        shutil.copy(graph.ca_file, place.etc / "ca.pem")
        (place.etc / "ca.pem").chmod(0o644)
        home = radicale.calendar()
        for name, text in (
            ("smtp", f"mailto://127.0.0.1:{mail.port}?from=rota@example.com"), ("pager", KEY), ("graph", graph.secret),
            ("google", google.service_account()), ("caldav", radicale.password or ""),
        ):  # fmt: skip
            place.credential(name, text)
        common, ca = "schedule: support, role: primary, refresh: 10s", f"ca_file: {place.etc}/ca.pem"
        app = f"tenant: {graph.tenant}, client_id: {graph.client_id}, client_secret: {{credential: graph}}"
        there = {
            "calendar": ("caldav", f"url: '{radicale.url}{home}', username: ana, password: {{credential: caldav}}"),
            "files": ("folder", f"path: {place.state}/calendar"),
            "google": ("google", f"calendar: {TEAM}, credentials: {{credential: google}}, base_url: '{google.url}{GOOGLE}'"),
            "outlook": (
                "outlook",
                f"{app}, mailbox: {ONCALL}, authority: '{graph.authority}', base_url: '{graph.base_url}', {ca}",
            ),
            "pager": ("pagerduty", f"schedule: PLAYER1, token: {{credential: pager}}, base_url: '{pager.url}', {ca}"),
            "shifts": ("pagerduty_v3", f"schedule: PSHIFT1, token: {{credential: pager}}, base_url: '{pager.url}', {ca}"),
        }
        named = "".join(f"  {name}: {{kind: {kind}, {common}, options: {{{told}}}}}\n" for name, (kind, told) in there.items())
        place.publish(ROTA.format(ana="Ana Lima") + named)
        daemon = Daemon(place)
        try:
            daemon.hears("READY=1")
            url = daemon.event("health.listening")["url"]
            daemon.until(lambda: daemon.answers(url + "/readyz") == 200)
            daemon.hears("WATCHDOG=1")
            assert (daemon.fact("Seccomp"), daemon.fact("NoNewPrivs")) == ("2", "1")
            if place.own:
                assert set(daemon.fact("Uid").split()) == {str(USER)}
                assert int(daemon.fact("CapBnd"), 16) == int(daemon.fact("CapEff"), 16) == 0
            # A configuration that is refused is mailed; the corrected one is taken.
            place.publish("people: [")
            daemon.process.send_signal(signal.SIGHUP)
            daemon.event("config.refused")
            daemon.until(lambda: mail.mails)
            place.publish(ROTA.format(ana="Ana Sousa") + named)
            daemon.process.send_signal(signal.SIGHUP)
            before, told = time.monotonic_ns() // 1000, daemon.hears("RELOADING=1")
            assert "MONOTONIC_USEC=" in told
            assert abs(int(told.partition("MONOTONIC_USEC=")[2]) - before) < 3_600_000_000, "the machine's own clock"
            daemon.hears("READY=1")
            daemon.event("config.reloaded")
            daemon.until(lambda: any("Ana Sousa" in path.read_text() for path in (place.state / "calendar").glob("*.ics")))
            # Beside it, as an operator does: root in the system's case, with the same directories.
            beside = [sys.executable, "-m", "syncd"]
            for words in (["export", "--now"], ["backup", str(place.etc / "copy.db")], ["audit", "verify"], ["health"]):
                daemon.until(lambda: daemon.answers(url + "/readyz") == 200)
                done = subprocess.run([*beside, *words], env=place.env, capture_output=True, text=True, check=False)
                assert done.returncode == 0, (words, done.stdout, done.stderr)
            assert not [one for one in daemon.log() if one["event"] in ("destination.bug", "store.unwritable")]
            assert int(daemon.fact("VmHWM").split()[0]) < 512 * 1024, "MemoryMax"
            assert int(daemon.fact("Threads")) < 64, "a few destinations need few"
            daemon.process.send_signal(signal.SIGTERM)
            daemon.hears("STOPPING=1")
            assert daemon.process.wait(20) == 0, daemon.log()
        finally:
            daemon.close()
            mail.close()


@pytest.mark.parametrize("unit", FEW, indirect=True)
def test_the_watchdog_is_fed_while_a_configuration_comes_to_no_end(place: Place) -> None:
    """It is a pipe."""
    folder = f"  files: {{kind: folder, schedule: support, role: primary, options: {{path: {place.state}/calendar}}}}\n"
    place.credential("smtp", "mailto://127.0.0.1:1?from=rota@example.com")
    place.publish(ROTA.format(ana="Ana Lima") + folder)
    daemon = Daemon(place)
    try:
        daemon.hears("WATCHDOG=1")
        (place.etc / "syncd.yaml").rename(place.etc / "aside")
        os.mkfifo(place.etc / "syncd.yaml")
        (place.etc / "syncd.yaml").chmod(0o644)
        daemon.process.send_signal(signal.SIGHUP)
        daemon.hears("RELOADING=1")
        daemon.hears("WATCHDOG=1")
        (place.etc / "syncd.yaml").write_text((place.etc / "aside").read_text())
        (place.etc / "aside").rename(place.etc / "syncd.yaml")
        daemon.hears("READY=1")
        daemon.hears("WATCHDOG=1")
    finally:
        daemon.close()


@pytest.mark.parametrize("unit", BOTH[:1], indirect=True)
def test_what_root_makes_in_the_state_directory_is_the_daemons(place: Place, radicale: servers.Server) -> None:
    """A command of root's is there first, as after a store was moved aside; then the daemon."""
    place.credential("smtp", "mailto://127.0.0.1:1?from=rota@example.com")
    place.credential("caldav", radicale.password or "")
    there = f"url: '{radicale.url}{radicale.calendar()}', username: ana, password: {{credential: caldav}}"
    place.publish(
        ROTA.format(ana="Ana Lima") + f"  calendar: {{kind: caldav, schedule: support, role: primary, options: {{{there}}}}}\n"
    )
    os.chown(place.state, USER, USER)
    done = subprocess.run(
        [sys.executable, "-m", "syncd", "export", "--now"], env=place.env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    daemon = Daemon(place)
    try:
        url = daemon.event("health.listening")["url"]
        daemon.until(lambda: daemon.answers(url + "/readyz") == 200)
        assert not [one for one in daemon.log() if one["level"] == "error"]
    finally:
        daemon.close()


@pytest.fixture(scope="module")
def radicale(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    with servers.radicale(tmp_path_factory.mktemp("radicale")) as server:
        yield server
