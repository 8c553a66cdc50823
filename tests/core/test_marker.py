"""What an entry carries of ours: only this key, for this entry and destination, says OWN (W8, F16)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.core.marker import Claim, Hand, digest, sign, title_digest, uid_for, verify
from syncd.core.record import Value

KEY = b"k" * 32
CLAIM = Claim(key="s/primary/20260302T080000Z/0", generation=2, op="r1.1", value=Value("ana", 0, 8, 1), title="t", words="w")
TEXT = sign(KEY, CLAIM, instance="i", destination="d", uid="u")


def read(
    text: str | None, key: bytes = KEY, instance: str = "i", destination: str = "d", uid: str = "u"
) -> tuple[Hand, Claim | None]:
    return verify(key, text, instance=instance, destination=destination, uid=uid)


def test_what_was_signed_is_read_back_whole():
    assert read(TEXT) == (Hand.OWN, CLAIM)
    assert read(f"  {TEXT}\n") == (Hand.OWN, CLAIM)


def test_a_marker_is_bound_to_its_entry_destination_instance_and_key():
    assert read(TEXT, uid="another") == (Hand.COPY, None)
    assert read(TEXT, key=b"x" * 32) == (Hand.COPY, None)
    assert read(TEXT, instance="j") == (Hand.PEER, None)
    assert read(TEXT, destination="e") == (Hand.FOREIGN, None)


@pytest.mark.parametrize("text", [None, "", "hello", "s1.i", "s2.i.e30.x", "a.b.c.d.e"])
def test_what_is_no_marker_is_foreign(text: str | None):
    assert read(text) == (Hand.FOREIGN, None)


@given(st.text(), st.text(alphabet="abc._-=ü\udcff", max_size=20))
def test_nothing_that_stands_there_makes_verifying_fail(text: str, tail: str):
    assert read(text)[0] in Hand
    assert read(f"s1.i.{tail}")[1] is None


def test_any_change_of_a_marker_is_noticed():
    for place in range(len("s1.i."), len(TEXT)):
        other = "A" if TEXT[place] != "A" else "B"
        assert read(TEXT[:place] + other + TEXT[place + 1 :])[1] is None


def test_a_digest_is_free_of_composition_and_white_space():
    assert digest("Zo\u00eb  Li\n") == digest("Zoe\u0308 Li")
    assert title_digest("Ana: Primary\nmore") == digest("Ana: Primary")


def test_ids_are_32_characters_of_base32hex_and_each_generation_has_its_own():
    one = uid_for("i", "d", "k", 1)
    assert len(one) == 32
    assert set(one) <= set("0123456789abcdefghijklmnopqrstuv")
    assert one == uid_for("i", "d", "k", 1)
    assert (
        len({one, uid_for("i", "d", "k", 2), uid_for("i", "e", "k", 1), uid_for("j", "d", "k", 1), uid_for("i", "d", "kk", 1)})
        == 5
    )


def test_names_in_any_script_are_signed():
    claim = replace(CLAIM, key="s/ダイヤ/20260302T080000Z/0", value=Value("zoë", 0, 8))
    text = sign(KEY, claim, instance="i", destination="d", uid="u")
    assert text.isascii()
    assert read(text) == (Hand.OWN, claim)
