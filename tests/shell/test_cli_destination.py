"""`syncd destination`: the configuration file changed in one place, checked whole, replaced at once."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path

import pytest

from syncd.cli import Failure
from syncd.cli.rewrite import Original
from syncd.config import load
from syncd.store import Store
from syncd.store.destinations import Destination
from syncd.watch import Watched
from tests.shell.command_line import ROTA, CommandLine, command_line

COMMENTED = "# head\n" + ROTA + "\n# end\tof it\n"
ADD = ("destination", "add", "cal", "--kind", "folder", "-o", "path=calendar")


@pytest.fixture
def syncd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    return command_line(tmp_path, monkeypatch, COMMENTED)


@pytest.fixture
def file(syncd: CommandLine) -> Path:
    return syncd.folder / "syncd.yaml"


def test_a_destination_is_added_its_first_plan_shown_and_nothing_else_is_touched(syncd: CommandLine, file: Path) -> None:
    (plan,) = syncd.json(*ADD, "--role", "primary", "--refresh", "1m", "--removals", "5")
    assert (plan["destination"], len(plan["changes"])) == ("cal", 5)
    added = file.read_text("utf-8")
    whole = "".join(line for line in added.splitlines(keepends=True) if line in COMMENTED.splitlines(keepends=True))
    assert whole == COMMENTED
    settings = load(file).destinations["cal"]
    assert (settings.refresh, settings.role, settings.limits.removals) == (60, "primary", 5)
    assert sorted(path.name for path in syncd.folder.iterdir()) == ["syncd.yaml"]


def test_what_was_added_can_be_set_exported_removed_and_purged(syncd: CommandLine, file: Path) -> None:
    assert syncd.run(*ADD, "--role", "primary").exit_code == 0
    assert syncd.run("destination", "set", "cal", "--mode", "manual", "-o", "alarm=30").exit_code == 0
    assert (load(file).destinations["cal"].mode, load(file).destinations["cal"].options.alarm) == ("manual", 30)
    assert syncd.run("destination", "set", "cal", "--unset", "options.alarm", "--unset", "mode").exit_code == 0
    assert load(file).destinations["cal"].options.alarm is None
    assert syncd.run("export", "--now").exit_code == 0
    said = syncd.run("destination", "remove", "cal").stderr
    assert "5 entries" in said
    assert "syncd purge cal" in said
    assert "syncd forget cal" in said
    assert load(file).destinations == {}
    assert syncd.run("purge", "cal", "--now").exit_code == 0
    assert list((syncd.folder / "calendar").iterdir()) == []
    (file,) = (path for path in syncd.folder.iterdir() if path.suffix == ".yaml")


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (ADD[:3], "--kind"),
        ((*ADD[:4], "foldr"), "did you mean 'folder'?"),
        ((*ADD, "--role", "primary", "--schedule", "payment"), "did you mean 'payments'?"),
        ((*ADD, "--role", "primary", "-o", "alarms=3"), "did you mean 'alarm'?"),
        ((*ADD, "-o", "path=again"), "twice"),
        ((*ADD[:3], "--kind", "folder", "--role", "primary"), "`folder` needs `path`"),
        ((*ADD, "--role", "primary", "--refresh", "2h"), "between 1s and 1h"),
        (("destination", "add", "a b", *ADD[3:]), "a b"),
        (("destination", "set", "cal"), "no destination 'cal'"),
        (("destination", "remove", "cal"), "no destination 'cal'"),
    ],
)
def test_a_refusal_says_what_to_do_and_changes_nothing(
    syncd: CommandLine, file: Path, arguments: tuple[str, ...], hint: str
) -> None:
    assert hint in syncd.refused(*arguments)
    assert file.read_text("utf-8") == COMMENTED


def test_a_name_that_is_taken_is_refused_with_the_command_that_changes_it(syncd: CommandLine) -> None:
    syncd.run(*ADD, "--role", "primary")
    assert "syncd destination set cal" in syncd.refused(*ADD, "--role", "primary")


def test_a_secret_on_the_command_line_is_refused_and_not_repeated(syncd: CommandLine, file: Path) -> None:
    for given in ("hunter2", "literal:hunter2", "{value: hunter2}"):
        said = syncd.refused(
            "destination", "add", "dav", "--kind", "caldav", "--role", "primary",
            "-o", "url=https://dav.example.com/x/", "-o", "username=a", "-o", f"password={given}",
        )  # fmt: skip
        assert "hunter2" not in said
        for remedy in ("{file: PATH}", "{env: NAME}", "{credential: NAME}"):
            assert remedy in said
    assert file.read_text("utf-8") == COMMENTED


@pytest.mark.parametrize("given", ["env:DAV", "{env: DAV}", "{ env: 'DAV' }"])
def test_a_secret_is_named_by_where_it_lies(syncd: CommandLine, file: Path, given: str) -> None:
    result = syncd.run(
        "destination", "add", "dav", "--kind", "caldav", "--role", "primary",
        "-o", "url=https://127.0.0.1:1/x/", "-o", "username=a", "-o", f"password={given}",
    )  # fmt: skip
    assert result.exit_code == 1  # there is no such variable: the plan cannot be told, the destination is in the file
    assert "password: {env: DAV}" in file.read_text("utf-8")


@pytest.mark.parametrize("text", [ROTA, ROTA.rstrip("\n"), ROTA.replace("\n", "\r\n"), "\ufeff" + ROTA])
def test_adding_and_removing_leaves_the_bytes_as_they_were_but_for_the_empty_list(
    syncd: CommandLine, file: Path, text: str
) -> None:
    file.write_bytes(text.encode())
    assert syncd.run(*ADD, "--role", "primary").exit_code == 0
    assert file.read_bytes().startswith(text.encode())
    assert syncd.run("destination", "remove", "cal").exit_code == 0
    assert file.read_bytes().strip() == (text.rstrip() + ("\r\n" if "\r" in text else "\n") + "destinations:").encode()


def test_a_link_stays_a_link_and_mode_and_owner_stay(syncd: CommandLine, file: Path) -> None:
    real = syncd.folder / "etc" / "real.yaml"
    real.parent.mkdir()
    file.rename(real)
    file.symlink_to(real)
    real.chmod(0o640)
    before = real.stat()
    assert syncd.run(*ADD, "--role", "primary").exit_code == 0
    after = real.stat()
    assert file.is_symlink()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert "cal" in load(file).destinations
    assert [path.name for path in real.parent.iterdir()] == ["real.yaml"]


def test_a_read_only_file_is_refused(syncd: CommandLine, file: Path) -> None:
    file.chmod(0o444)
    assert "read-only" in syncd.refused(*ADD, "--role", "primary", code=1)
    assert file.read_text("utf-8") == COMMENTED


def test_a_file_that_somebody_changed_meanwhile_is_not_overwritten(syncd: CommandLine, file: Path) -> None:
    original = Original(file)
    file.write_text(COMMENTED + "# by hand\n", "utf-8")
    with pytest.raises(Failure, match="changed meanwhile"):
        original.replace(b"people: {}\n")
    assert file.read_text("utf-8") == COMMENTED + "# by hand\n"
    assert [path.name for path in syncd.folder.iterdir()] == ["syncd.yaml"]


def test_of_two_that_replace_the_file_at_once_one_wins_and_the_other_is_told(file: Path) -> None:
    started, done = threading.Barrier(8), []

    def one(number: int) -> None:
        original = Original(file)
        started.wait()
        with suppress(Failure):
            original.replace(original.data + f"# {number}\n".encode())
            done.append(number)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 1
    assert file.read_text("utf-8") == COMMENTED + f"# {done[0]}\n"


def test_a_file_with_mistakes_of_its_own_is_not_changed(syncd: CommandLine, file: Path) -> None:
    file.write_text(COMMENTED.replace("members: [ana, ben]", "members: [ana, bem]"), "utf-8")
    assert "did you mean 'ben'?" in syncd.refused(*ADD, "--role", "primary", code=78)


def test_a_daemon_beside_it_sees_that_the_file_was_changed(syncd: CommandLine, file: Path) -> None:
    watched = Watched([file])
    syncd.run(*ADD, "--role", "primary")
    assert [watched.changed(), watched.changed(), watched.changed()] == [False, True, False]


def test_a_purge_after_the_removal_asks_for_the_secrets_by_name(syncd: CommandLine, file: Path) -> None:
    secret = syncd.folder / "dav.key"
    secret.write_text("x")
    secret.chmod(0o600)
    store = Store.open(str(syncd.folder / "state" / "syncd"), "default", None, create=True)
    assert store is not None
    settings = {
        "kind": "caldav", "schedule": "payments", "role": "primary", "mode": "authoritative", "secrets": ["password"],
        "options": {"url": "https://127.0.0.1:1/x/", "username": "a", "connections": 4, "calendar": None},
    }  # fmt: skip
    with store.write() as tx:
        tx.destinations.put(Destination(name="dav", settings=settings, status="OK"))
    store.close()
    assert "-o password=env:NAME" in syncd.refused("purge", "dav", "--now")
    assert "cannot be reached" in syncd.run("purge", "dav", "--now", "-o", "password=file:dav.key").stderr


def test_a_deletion_that_the_rota_put_back_names_the_command_that_lets_it_stand(syncd: CommandLine, file: Path) -> None:
    syncd.run(*ADD, "--role", "primary", "--mode", "bidirectional")
    syncd.run("export", "--now")
    next(path for path in (syncd.folder / "calendar").iterdir() if "Ben Okafor" in path.read_text()).unlink()
    syncd.run("export", "--now")
    (conflict,) = syncd.json("conflicts")
    said = syncd.refused("restore", conflict["id"]).strip()
    command = said.rpartition("then: syncd ")[2].split()
    assert syncd.run(*command).exit_code == 0
    assert syncd.json("oncall", "--at", conflict["start"])[0]["people"] == []
