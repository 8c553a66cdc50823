"""Every kind of notice in words: who, what, when in both zones, and commands that can be typed as they stand."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.cli import cli
from syncd.config import load
from syncd.core.audience import Kind, Reader
from syncd.core.model import Rota
from syncd.notify.channel import Message
from syncd.notify.words import digest, message
from tests.shell.test_herald import ROTA

BEGIN, END = 1_774_771_200, 1_774_778_400  # 2026-03-29, 08:00 to 10:00 UTC: the day on which Berlin's clocks went forward
OF = {"schedule": "payments", "role": "primary", "start": BEGIN, "end": END}
DRIFT = {**OF, "id": "c1", "destination": "pager", "had": ["ben"], "rota": ["ana"], "refs": [], "also": [], "text": "x"}
EVERY: dict[str, dict[str, Any]] = {
    "conflict": {**DRIFT, "kind": "C", "drift": "changed on both sides, differently", "done": "the rota was put back"},
    "hole": {**DRIFT, "kind": "C", "had": [], "drift": "deleted at the destination", "done": "the rota was put back"},
    "beside": {
        **DRIFT, "kind": "C", "had": [], "drift": "deleted at the destination", "done": "the rota was put back",
        "also": [{"title": "Ben on call", "person": "ben", "start": BEGIN, "end": END}],
    },
    "import": {
        **DRIFT, "kind": "I", "drift": "edited at the destination", "done": "the edit was imported into the rota",
        "overrides": ["ov-1"],
    },
    "withdrawn": {
        **DRIFT, "kind": "I", "drift": "the entry an import came from is gone", "done": "the import was withdrawn from the rota",
    },
    "removed": {**DRIFT, "kind": "R", "drift": "edited at the destination", "done": "the rota was put back"},
    "hold": {**DRIFT, "kind": "H", "had": [], "rota": [], "digest": "0123456789abcdef", "text": "3 removals", "end": BEGIN},
    "kept": {**DRIFT, "kind": "H", "drift": "somebody else's entry is there", "rota": [], "done": "it was left as it is"},
    "attention": {**OF, "kind": "attention", "destination": "pager", "text": "pager needs attention: 401"},
    "recovered": {**OF, "kind": "recovered", "destination": "pager", "text": "pager is well again"},
    "service": {"kind": "service", "what": "needs attention", "text": "the store is full", "start": BEGIN, "end": BEGIN},
    "incoming": {
        **OF, "kind": "handoff", "direction": "incoming", "person": "ana", "others": ["ben"], "staying": ["cho"],
    },
    "outgoing": {**OF, "kind": "handoff", "direction": "outgoing", "person": "ana", "others": [], "staying": []},
    "daily": {**OF, "kind": "daily", "rows": [["primary", "ben", BEGIN, END]]},
    "changed": {
        **OF, "kind": "changed", "person": "ana",
        "rows": [["primary", BEGIN, END, True], ["primary", BEGIN + 86_400, END + 86_400, False]],
    },
    "gaps": {**OF, "kind": "gaps", "why": "1 h", "rows": [["primary", None, END, "nobody", [], "ben could", "closed"]]},
    "approval": {
        **OF, "kind": "approval", "override": "ov-7", "people": ["cho"], "roles": ["primary"], "replaces": ["ana"], "by": "ben",
        "reason": "a day off",
    },
    "test": {"kind": "test", "text": "Sent by ana", "start": BEGIN, "end": BEGIN},
}  # fmt: skip
LOST = {"person": "ana", "start": "2026-03-09T08:00:00Z", "end": "2026-03-16T08:00:00Z"}
ANA, GROUP = Reader("mail", "ana"), Reader("group", "")


def rota(folder: Path, text: str = ROTA) -> Rota:
    (folder / "syncd.yaml").write_text(text, "utf-8")
    return load(folder / "syncd.yaml", now=0).rota


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Rota:
    return rota(tmp_path_factory.mktemp("words"))


def commands(text: Message) -> list[str]:
    return re.findall(r"`(syncd [^`]+)`", text.body)


def test_every_kind_that_can_be_switched_is_here() -> None:
    switched = {"R": "removed", "I": "import", "C": "conflict", "H": "hold", "recovered": "attention"}
    assert {switched.get(one["kind"], one["kind"]) for one in EVERY.values()} == {*(kind.value for kind in Kind), "test"}


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("reader", [ANA, GROUP], ids=["ana", "group"])
def test_a_text_is_short_leaves_nothing_open_and_carries_a_command_that_can_be_typed(
    name: str, reader: Reader, town: Rota
) -> None:
    told = message(EVERY[name], town, reader)
    assert "$" not in told.title + told.body
    assert len(told.title) <= 180
    assert len(told.body) <= 1_200
    found = commands(told)
    assert found
    for command in found:
        parse(shlex.split(command)[1:])


def parse(words: list[str]) -> None:
    """As the command line would; raises `click.UsageError`."""
    context = click.Context(cli, info_name="syncd")
    command: click.Command = cli
    while isinstance(command, click.Group):
        if not words and command.invoke_without_command:
            return
        named, found, words = command.resolve_command(context, words)
        assert found is not None
        command, context = found, click.Context(found, info_name=named, parent=context)
    command.parse_args(context, list(words))


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("conflict", "Conflict at pager, Primary of Payments, Sun 2026-03-29 10:00 CEST: Ana Lima stays, not Ben Okafor"),
        ("hole", "Conflict at pager, Primary of Payments, Sun 2026-03-29 10:00 CEST: Ana Lima is put back"),
        ("import", "Import from pager, Primary of Payments, Sun 2026-03-29 10:00 CEST: Ben Okafor instead of Ana Lima"),
        ("withdrawn", "Import from pager, Primary of Payments, Sun 2026-03-29 10:00 CEST: Ana Lima no longer"),
        ("hold", "Held at pager: 3 removals"),
        ("attention", "pager needs attention: 401"),
        ("incoming", "On call Sun 2026-03-29 10:00 CEST: Primary of Payments"),
        ("outgoing", "Off call Sun 2026-03-29 10:00 CEST: Primary of Payments"),
        ("daily", "On call today, Payments: Ben Okafor (Primary)"),
        ("gaps", "Coverage gap, Payments: Primary, now to Sun 2026-03-29 12:00 CEST"),
        ("approval", "Approve? Cho Min-ji as Primary of Payments, Sun 2026-03-29 10:00 CEST"),
    ],
)
def test_the_subject_alone_says_who_what_and_when(name: str, title: str, town: Rota) -> None:
    assert message(EVERY[name], town, GROUP).title == title


def test_a_conflict_speaks_of_people_by_name_and_brings_back_what_can_be_brought_back(town: Rota) -> None:
    def body(name: str, **more: Any) -> str:
        return message({**EVERY[name], **more}, town, ANA).body

    assert "It showed: Ben Okafor\nThe rota has: Ana Lima\nBring it back: `syncd restore c1`" in body("conflict")
    assert "add Zed to `people`, then `syncd restore c1`" in body("conflict", had=["?Zed"])
    assert "restore" not in body("hole")
    assert "--replaces ana --person WHO --from 2026-03-29T08:00:00Z --to 2026-03-29T10:00:00Z`" in body("hole")
    assert "Ben Okafor, Sun 2026-03-29 09:00 WEST (10:00 CEST, Europe/Berlin)" in body("beside")
    assert "Bring it back: `syncd restore c1`" in body("beside")
    assert "Take it back: `syncd override remove ov-1`" in body("import")
    assert "--person ana --from 2026-03-29T08:00:00Z" in body("withdrawn")


def test_nobody_is_said_where_nobody_takes_over_or_is_on_call(town: Rota) -> None:
    assert "Nobody takes over from you." in message(EVERY["outgoing"], town, ANA).body
    assert "Nobody takes over" not in message({**EVERY["outgoing"], "staying": ["ben"]}, town, ANA).body
    assert "Primary: nobody" in message({**EVERY["daily"], "rows": []}, town, ANA).body


def test_an_hour_that_comes_twice_is_told_apart(town: Rota) -> None:
    first = message({**EVERY["incoming"], "start": 1_792_888_200}, town, GROUP).title  # 2026-10-25 00:30 UTC
    second = message({**EVERY["incoming"], "start": 1_792_891_800}, town, GROUP).title
    assert (first[:35], second[:35]) == ("On call Sun 2026-10-25 02:30 CEST: ", "On call Sun 2026-10-25 02:30 CET: P")


HOSTILE = '\r\nBcc: evil@example.com\x1b[2J<!channel> @everyone <at user_id="all"></at> [x](https://evil.example) `rm` \u202e'


@pytest.mark.parametrize("name", EVERY)
def test_what_others_wrote_is_one_line_and_calls_nobody_in_a_chat(name: str, tmp_path: Path) -> None:
    named = ROTA.replace("Ana Lima", "Ana").replace("title: Primary", 'title: "Pri <!here> @all"')
    said = {**EVERY[name], "had": ["?" + HOSTILE], "text": HOSTILE, "reason": HOSTILE}
    told = message(said, rota(tmp_path, named), GROUP)
    lines = told.body.count("\n")
    assert "\n" not in told.title
    assert not re.search(r"<[!@a]|@(?!\u2060)|\]\(|[\x00-\x09\x0b-\x1f\u202e]", told.title + told.body.replace("\n", ""))
    assert lines == message({**EVERY[name], "had": ["?Zed"], "text": "x", "reason": "x"}, rota(tmp_path), GROUP).body.count("\n")


def test_a_name_of_any_length_leaves_the_subject_readable_and_one_from_right_to_left_moves_no_time(tmp_path: Path) -> None:
    long = rota(tmp_path, ROTA.replace("Ana Lima", "Ana " + "x" * 196))
    told = message(EVERY["conflict"], long, GROUP)
    assert "10:00 CEST: Ana xxx" in told.title
    assert told.title.endswith("stays, not Ben Okafor")
    right = rota(tmp_path, ROTA.replace("Ana Lima", "דנה לוי"))
    assert "The rota has: \u2068דנה לוי\u2069\n" in message(EVERY["conflict"], right, GROUP).body


def test_a_digest_shows_some_and_counts_all(town: Rota) -> None:
    told = digest([EVERY["conflict"], EVERY["hold"]], town, GROUP, more=9_998)
    assert told.title.startswith("10000 notices: Conflict at pager")
    assert "`syncd restore c1`" in told.body
    assert "`syncd ack 0123456789abcdef`" in told.body
    assert "And 9998 more:" in told.body


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda of: st.lists(of, max_size=3) | st.dictionaries(st.text(max_size=8), of, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(
    of=st.sampled_from(sorted(EVERY)),
    more=st.dictionaries(st.sampled_from(["had", "rota", "rows", "start", "end", "text", "schedule", "role", "also"]), JSON),
    lost=st.sets(st.sampled_from(["had", "rows", "person", "start", "others", "direction", "role"])),
)
def test_whatever_a_notice_holds_it_is_told(of: str, more: dict[str, Any], lost: set[str], town: Rota) -> None:
    said = {key: value for key, value in {**EVERY[of], **more}.items() if key not in lost}
    told = message(said, town, GROUP)
    assert told.title.strip()
    assert told.body.strip()
    assert "\n" not in told.title


def test_a_hold_names_what_waits_and_counts_what_it_does_not_show(town: Rota) -> None:
    held = {**EVERY["hold"], "changes": [{"action": "delete", "before": LOST, "after": None}] * 8}
    body = message(held, town, GROUP).body
    assert body.count("- Mon 2026-03-09 09:00 CET to Mon 2026-03-16 09:00 CET: Ana Lima would be taken off\n") == 6
    assert "- and 2 more\n" in body
    assert "`syncd ack 0123456789abcdef`" in body
