"""`syncd notices`: what somebody hears of, and the choices of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.shell.command_line import ROTA, CommandLine, command_line
from tests.shell.receivers import HttpReceiver, mail_server, only_loopback, until

NOTICES = "notices: {channels: {mail: {url: {file: mail}}, group: {url: {file: group}}}, daily: {at: '07:30'}}\n"


@pytest.fixture
def syncd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    for name, url in (("mail", "mailto://mail.example.com"), ("group", "slack://T0ken/B0ken/S3cret")):
        (tmp_path / name).touch(0o600)
        (tmp_path / name).write_text(url)
    return command_line(tmp_path, monkeypatch, ROTA + NOTICES)


def test_without_a_choice_the_file_and_the_defaults_count(syncd: CommandLine) -> None:
    told = {row["notice"]: (row["value"], row["from"]) for row in syncd.json("notices")}
    assert told["removed"] == (False, "default")
    assert told["conflict"] == (True, "default")
    assert told["handoff"] == ({"lead": 3600, "to": "incoming"}, "the file")
    assert told["daily"] == ({"at": 27000}, "the file")


def test_a_choice_is_kept_shown_and_taken_back(syncd: CommandLine) -> None:
    assert syncd.run("notices", "set", "handoff", "30m", "--to", "both").stdout == "ana: handoff 30m ahead, both\n"
    assert syncd.run("notices", "set", "removed", "on", "--channel", "mail", "--person", "ben").exit_code == 0
    assert syncd.run("notices", "set", "conflict", "off", "--channel", "group").stdout == "group: conflict off\n"
    mine = {row["notice"]: row["value"] for row in syncd.json("notices")}
    bens = {row["notice"]: row["value"] for row in syncd.json("notices", "--person", "ben")}
    group = {row["notice"]: row["value"] for row in syncd.json("notices", "--channel", "group")}
    assert (mine["handoff"], mine["removed"]) == ({"lead": 1800, "to": "both"}, False)
    assert (bens["removed"], group["conflict"]) == (True, False)
    syncd.run("notices", "set", "handoff", "default")
    assert {row["notice"]: row["from"] for row in syncd.json("notices")}["handoff"] == "the file"
    told = " ".join(syncd.run("history").stdout.split())
    assert "notices set – ana: handoff default" in told
    assert "notices set – ana: handoff 30m ahead, both" in told


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("handoff", "7m"), "a multiple of 5 minutes"),
        (("handoff", "8d"), "up to 7 days"),
        (("daily", "25:00"), "no time of day"),
        (("gaps", "30m"), "write on, off or default"),
        (("gaps", "on", "--to", "both"), "--to is for handoff only"),
        (("gaps", "on", "--person", "bem"), "did you mean"),
        (("gaps", "on", "--channel", "mial"), "did you mean"),
        (("gaps", "on", "--channel", "group", "--person", "ben"), "leave out --person"),
    ],
)
def test_what_cannot_be_chosen_is_refused_with_what_can(syncd: CommandLine, arguments: tuple[str, ...], said: str) -> None:
    assert said in syncd.refused("notices", "set", *arguments)


def test_somebody_who_is_not_in_the_rota_has_to_say_whom_they_mean(syncd: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCD_ACTOR", "root")
    assert "name somebody with --person" in syncd.refused("notices")


def test_a_lead_that_is_no_multiple_of_five_minutes_is_refused_in_the_file_too(syncd: CommandLine) -> None:
    syncd.write(ROTA + "notices: {handoff: {lead: 7m}}\n")
    assert "such as 5m or 10m" in syncd.refused("notices", code=78)


def test_the_table_says_what_each_is_how_to_change_it_and_what_never_goes_to_a_group(syncd: CommandLine) -> None:
    told = syncd.run("notices").stdout
    assert "nobody is on call then" in told
    assert told.splitlines()[-1] == "change: `syncd notices set NOTICE on|off|default`; try: `syncd notices test mail`"
    group = {row["notice"]: (row["value"], row["from"]) for row in syncd.json("notices", "--channel", "group")}
    assert (group["handoff"], group["changed"]) == ((False, "never to a group"), (False, "never to a group"))
    assert group["daily"] == (False, "the file")
    assert "cho has no `email`, so none of it arrives" in syncd.run("notices", "--person", "cho").stderr


def test_where_the_team_decides_an_own_choice_is_not_shown_as_one_that_counts(syncd: CommandLine) -> None:
    syncd.run("notices", "set", "changed", "off")
    syncd.write(ROTA + NOTICES.replace("daily:", "follow: team, daily:"))
    told = {row["notice"]: (row["value"], row["from"]) for row in syncd.json("notices")}
    assert told["changed"] == (True, "default")


# --- trying a channel ------------------------------------------------------------------------


def test_a_test_goes_out_marked_as_one_and_the_answer_is_shown(syncd: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    only_loopback(monkeypatch)
    receiver = HttpReceiver()
    try:
        (syncd.folder / "group").write_text(f"json://{receiver.url}/hook")
        receiver.answer = '{"thanks": true}'
        result = syncd.run("notices", "test", "group")
        assert (result.exit_code, result.stdout) == (0, 'group: the receiver took it and answered: 200 {"thanks": true}\n')
        [(_, _, body)] = receiver.got
        assert "syncd test: this channel works" in body
        receiver.status, receiver.answer = 403, "no such hook"
        said = syncd.json("notices", "test", "group", code=1)
        assert (said["arrived"], said["answer"].endswith("403 no such hook")) == (False, True)
        assert "403 no such hook" in syncd.refused("notices", "test", "group", code=1)
    finally:
        receiver.close()


def test_a_test_by_mail_goes_to_whoever_asks_or_is_named(syncd: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    only_loopback(monkeypatch)
    with mail_server() as mail:
        (syncd.folder / "mail").write_text(f"mailto://127.0.0.1:{mail.port}?from=rota@example.com")
        assert syncd.run("notices", "test", "mail").stdout.startswith("mail (ana): the receiver took it and answered: 250")
        assert syncd.run("notices", "test", "mail", "--person", "ben").exit_code == 0
        until(lambda: len(mail.mails) == 2)
        assert [one["to"] for one in mail.mails] == [["ana@example.com"], ["ben@example.com"]]
    assert "cho has no `email`" in syncd.refused("notices", "test", "mail", "--person", "cho")
    assert "Connection refused" in syncd.refused("notices", "test", "mail", code=1)
    assert "did you mean" in syncd.refused("notices", "test", "mial")
