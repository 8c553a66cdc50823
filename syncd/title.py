"""A shift's words, and back: title and description of an entry, and which person a title means.

Names and titles are hostile input: they are data, never structure (F22). Pure.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from syncd.connector import Site
from syncd.core.model import Person, Shift

NAME_LENGTH = 100
TITLE_LENGTH = 250
"""Graphemes. Servers cut longer ones somewhere of their own choice, and then never agree with us (F22)."""

FIELDS = ("person", "role", "schedule")
"""What a title template may name in braces."""

_TAG = re.compile(r"<(style|script|title)\b.*?</\1\s*>|<!--.*?-->|<[a-z/!][^>]*>", re.IGNORECASE | re.DOTALL)
_FIELD = re.compile(r"\{([^{}]*)\}")


def template_problem(template: str) -> str:
    """Why `template` cannot be used, or ""."""
    fields = _FIELD.findall(template)
    if wrong := [field for field in fields if field not in FIELDS]:
        return f"{{{wrong[0]}}} is not known; use {{person}}, {{role}} or {{schedule}}"
    if "person" not in fields:
        return "without {person} nobody could be read back from it; write for instance '{person}: {role}'"
    return ""


# --- text ----------------------------------------------------------------------------------


def tidy(text: str, length: int = TITLE_LENGTH) -> str:
    """One line of NFC text: controls, surrogates and noncharacters are gone, white space is single, cut between graphemes."""
    return cut(unicodedata.normalize("NFC", " ".join("".join(map(_clean, text[: length * 50])).split())), length)


def _clean(char: str) -> str:
    code = ord(char)
    if char.isspace() or code == 0x85:
        return " "
    if code < 0x20 or 0x7F <= code < 0xA0 or 0xD800 <= code < 0xE000 or code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF:
        return ""
    return char


def cut(text: str, length: int) -> str:
    """At most `length` graphemes, and at most eight times as many code points however they are combined."""
    if len(text) <= length:
        return text
    seen, flags, before = 0, 0, ""
    for at, char in enumerate(text):
        flags = flags + 1 if "\U0001f1e6" <= char <= "\U0001f1ff" else 0
        if before != "\u200d" and flags % 2 == flags and not _joins(char):  # a flag is two letters: the second begins nothing
            seen += 1
        if seen >= length or at >= length * 8:
            return text[:at].rstrip() + "…"
        flags, before = flags % 2, char
    return text


def _joins(char: str) -> bool:
    """It belongs to the character before it: marks, joiners, skin tones, tags, the inner letters of a Hangul syllable."""
    return (
        unicodedata.category(char)[0] == "M"
        or char == "\u200d"
        or "\U0001f3fb" <= char <= "\U0001f3ff"
        or "\U000e0020" <= char <= "\U000e007f"
        or "\u1160" <= char <= "\u11ff"
    )


def shown(person: Person) -> str:
    """The name as it stands in a title."""
    return tidy(person.name, NAME_LENGTH) or tidy(person.id, NAME_LENGTH)


def title_of(shift: Shift, site: Site, template: str) -> str:
    """The title of `shift`. A name that looks like a field of the template stays a name."""
    person = site.people.get(shift.person)
    return _fill(template, shown(person) if person else tidy(shift.person, NAME_LENGTH), site)


def _fill(template: str, name: str, site: Site) -> str:
    values = {
        "person": name,
        "role": tidy(site.role.title or site.role.id, NAME_LENGTH),
        "schedule": tidy(site.schedule.title, NAME_LENGTH),
    }
    return tidy(_FIELD.sub(lambda field: values.get(field[1], field[0]), template))


def description_of(shift: Shift, site: Site) -> str:
    """What the event says inside: schedule, role, and whom to ask for a change. The same for everybody of one role."""
    role = tidy(site.role.title or site.role.id, NAME_LENGTH)
    schedule = tidy(site.schedule.title or site.schedule.id, NAME_LENGTH)
    admins = [site.people[id_] for id_ in site.schedule.admins if id_ in site.people]
    ask = ", ".join(f"{shown(admin)} <{tidy(admin.email)}>" if admin.email else shown(admin) for admin in admins[:10])
    return (
        f"Schedule: {schedule}\nRole: {role}\n\n"
        f"This shift is kept in step with the rota by syncd. To ask for a change or a swap, "
        f"{'write to ' + ask if ask else 'ask whoever keeps the rota'}."
    )


def same_words(ours: str, there: str, *, page: bool) -> bool:
    """Whether a description still is what we wrote. `page`: the server makes HTML of it, with breaks and links of its own."""
    if page:
        there = html.unescape(_TAG.sub("", there[:100_000]))
    return _bare_of_space(ours) == _bare_of_space(there)


def _bare_of_space(text: str) -> str:
    return "".join(unicodedata.normalize("NFC", text).split())


# --- who is meant ----------------------------------------------------------------------------


class Names:
    """Reads a person out of a title (DESIGN.md section 5). Built once for a site: a look reads many titles."""

    def __init__(self, site: Site, template: str) -> None:
        self._exact: dict[str, set[str]] = {}
        self._needles: dict[str, set[str]] = {}
        for person in site.people.values():
            self._exact.setdefault(_fold(_fill(template, shown(person), site)), set()).add(person.id)
            for text in (person.name, shown(person), person.email, *person.aliases):
                if text and (needle := _fold(text)):
                    self._needles.setdefault(needle, set()).add(person.id)
        fixed = (*_FIELD.sub("\n", template).split("\n"), site.role.title, tidy(site.role.title, NAME_LENGTH))
        if "{schedule}" in template:
            fixed = (*fixed, site.schedule.title)
        self._fixed = {needle for text in fixed if (needle := _bare(_fold(text)))}

    def person(self, title: str) -> str | None:
        """The one person meant, or None where nobody or several are."""
        text = _fold(title)
        exact = self._exact.get(text, ())
        if len(exact) == 1:  # as we would write it, even where a name contains the role's title
            return next(iter(exact))
        found = [(span, self._needles[needle]) for needle in self._needles for span in _spans(text, needle)]
        taken = [span for needle in self._fixed for span in _spans(text, needle)]
        spans = [span for span, _ in found]
        left: set[str] = set()
        for span, people in found:
            if not any(_overlap(span, other) and _length(other) >= _length(span) for other in taken) and not any(
                _overlap(span, other) and _length(other) > _length(span) for other in spans
            ):
                left |= people
        return next(iter(left)) if len(left) == 1 else None


def recognise(title: str, site: Site, template: str) -> str | None:
    """The person whom `title` names, or None. For many titles build `Names` once."""
    return Names(site, template).person(title)


@lru_cache(maxsize=4096)
def _fold(text: str) -> str:
    """For comparing: NFC, case folded, single spaces, without characters that nobody sees."""
    text = unicodedata.normalize("NFC", text[:10_000]).casefold()
    text = "".join(char for char in text if unicodedata.category(char) not in ("Cf", "Cs", "Cn", "Co"))
    return unicodedata.normalize("NFC", " ".join("".join(map(_clean, text)).split()))


def _bare(text: str) -> str:
    """Without the punctuation around it: of `(on call) ` the words are what is fixed."""
    while text and not _wordy(text[0]):
        text = text[1:]
    while text and not _wordy(text[-1]):
        text = text[:-1]
    return text


def _wordy(char: str) -> bool:
    return char.isalnum() or char == "_" or unicodedata.category(char)[0] == "M"


def _spans(text: str, needle: str) -> Iterator[tuple[int, int]]:
    at = text.find(needle)
    while at >= 0:
        end = at + len(needle)
        if _bounded(text, at, end):
            yield at, end
        at = text.find(needle, at + 1)


def _bounded(text: str, start: int, end: int) -> bool:
    """A word begins at `start` and ends at `end`; part of somebody's address is not a word of its own."""
    before, after = text[:start], text[end:]
    if before and _wordy(before[-1]) and _wordy(text[start]):
        return False
    if after and _wordy(after[0]) and (_wordy(text[end - 1]) or unicodedata.category(after[0])[0] == "M"):
        return False
    joints = ".+-%@" if "@" in text[start:end] else "@"
    inside = len(before) > 1 and before[-1] in joints and _wordy(before[-2])
    return not (inside or (len(after) > 1 and after[0] in joints and _wordy(after[1])))


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _length(span: tuple[int, int]) -> int:
    return span[1] - span[0]
