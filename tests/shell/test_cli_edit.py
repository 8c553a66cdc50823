"""The text of a YAML file with one value changed: every other character stays (`syncd destination`)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.cli.edit import Uneditable, drop, put
from syncd.config.document import parse, plain
from syncd.config.problem import Report

CAL = {"kind": "folder", "options": {"path": "a b.d"}}
ONE = "destinations:\n  a:\n    kind: folder   # as it was\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # No destinations yet: at the end, with or without a last line end.
        ("people: {}\n", "people: {}\ndestinations:\n  cal:\n    kind: folder\n    options: {path: a b.d}\n"),
        ("people: {}", "people: {}\ndestinations:\n  cal:\n    kind: folder\n    options: {path: a b.d}"),
        ("people: {}\r\n", "people: {}\r\ndestinations:\r\n  cal:\r\n    kind: folder\r\n    options: {path: a b.d}\r\n"),
        ("{people: {}}\n", "{people: {}, destinations: {cal: {kind: folder, options: {path: a b.d}}}}\n"),
        # Empty in each of the ways there are.
        ("destinations:  # none\nlog: {}\n",
         "destinations:  # none\n  cal:\n    kind: folder\n    options: {path: a b.d}\nlog: {}\n"),
        ("destinations: {}  # none\n", "destinations:  # none\n  cal:\n    kind: folder\n    options: {path: a b.d}\n"),
        ("destinations: null\n", "destinations:\n  cal:\n    kind: folder\n    options: {path: a b.d}\n"),
        # After the last, with the columns of the file, and behind the comments that belong to it.
        ("destinations:\n    a:\n        kind: folder\n        #\tmore\n    # b: too\n\n# end\nlog: {}\n",
         ("destinations:\n    a:\n        kind: folder\n        #\tmore\n    # b: too\n"
          "    cal:\n        kind: folder\n        options: {path: a b.d}\n\n# end\nlog: {}\n")),
        # Flow style.
        ("destinations: {a: {kind: folder}}  # x\n",
         "destinations: {a: {kind: folder}, cal: {kind: folder, options: {path: a b.d}}}  # x\n"),
        ("destinations: {\n  a: {kind: folder},  # x\n}\n",
         "destinations: {\n  a: {kind: folder},  # x\n  cal: {kind: folder, options: {path: a b.d}}\n}\n"),
        ("---\ndestinations:\n  a: {kind: folder}\n...\n",
         "---\ndestinations:\n  a: {kind: folder}\n  cal:\n    kind: folder\n    options: {path: a b.d}\n...\n"),
    ],
)  # fmt: skip
def test_a_new_value_stands_where_its_like_stand(before: str, after: str) -> None:
    assert put(before, ("destinations", "cal"), CAL) == after


@pytest.mark.parametrize(
    ("before", "path", "value", "after"),
    [
        ("d:\n  a:\n    mode: manual  # yet\n    refresh: 5m\n", ("d", "a", "mode"), "authoritative",
         "d:\n  a:\n    mode: authoritative  # yet\n    refresh: 5m\n"),
        ("d:\n  a: {mode: 'manual', refresh: 5m}\n", ("d", "a", "mode"), "authoritative",
         "d:\n  a: {mode: authoritative, refresh: 5m}\n"),
        ("d:\n  a:\n    mode:   # as by default\n", ("d", "a", "mode"), "manual",
         "d:\n  a:\n    mode: manual   # as by default\n"),
        ("d:\n  a:\n    kind: folder\n", ("d", "a", "options", "path"), "x",
         "d:\n  a:\n    kind: folder\n    options: {path: x}\n"),
        ("d:\n  a:\n    options:\n      path: x\n    kind: folder\n", ("d", "a", "options", "alarm"), "30",
         "d:\n  a:\n    options:\n      path: x\n      alarm: 30\n    kind: folder\n"),
        ("d:\n  a:\n    options: {token: {env: X}}\n", ("d", "a", "options", "token"), {"file": "/run/t"},
         'd:\n  a:\n    options: {token: {file: "/run/t"}}\n'),
        ("d:\n  a:\n    token:  # where\n      env: X\n    kind: b\n", ("d", "a", "token"), {"credential": "t"},
         "d:\n  a:\n    token: {credential: t}  # where\n    kind: b\n"),
        ("d:\n  a:\n    title: >-\n      long\n      text\n    kind: b\n", ("d", "a", "title"), "short",
         "d:\n  a:\n    title: short\n    kind: b\n"),
    ],
)  # fmt: skip
def test_a_value_is_replaced_or_added_in_the_style_of_its_neighbours(
    before: str, path: tuple[str, ...], value: str, after: str
) -> None:
    assert put(before, path, value) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("d:\n  a:\n    kind: b\n    # gone too\n  # stays\n  c: {kind: b}\n", "d:\n  # stays\n  c: {kind: b}\n"),
        ("d:\n  c: {kind: b}\n\n  # of a\n  a:\n    kind: b\nlog: {}\n", "d:\n  c: {kind: b}\n\n  # of a\nlog: {}\n"),
        ("log: {}\r\nd:\r\n  a: {kind: b}", "log: {}\r\nd:"),
        ("d: {a: {kind: b}, c: {kind: b}}\n", "d: {c: {kind: b}}\n"),
        ("d: {c: {kind: b}, a: {kind: b}}\n", "d: {c: {kind: b}}\n"),
        ("d: {a: {kind: b}}\n", "d: {}\n"),
        ("d: {\n  a: {kind: b},  # gone\n  c: {kind: b},\n}\n", "d: {\n  c: {kind: b},\n}\n"),
    ],
)
def test_what_is_dropped_takes_its_lines_along_and_nothing_else(before: str, after: str) -> None:
    assert drop(before, ("d", "a")) == after


@pytest.mark.parametrize(
    "text",
    [
        "x: &all {a: {kind: b}}\nd: *all\n",  # the mapping itself is an alias
        "d:\n  a: &one {kind: b}\n  c: *one\n",  # another leans on what goes
        "x: &all {a: {kind: b}}\nd:\n  <<: *all\n  c: {kind: b}\n",  # merged in
    ],
)
def test_what_others_in_the_file_depend_on_is_refused(text: str) -> None:
    with pytest.raises(Uneditable):
        drop(text, ("d", "a"))


def test_a_shared_value_is_not_changed_for_both() -> None:
    text = "d:\n  a: &one {kind: b}\n  c: *one\n"
    with pytest.raises(Uneditable):
        put(text, ("d", "a", "kind"), "z")
    with pytest.raises(Uneditable):
        put(text, ("d", "c", "kind"), "z")


NAMES = st.sampled_from(["a", "b-1", "c", "x y", "no", "été"])
VALUES = st.recursive(
    st.sampled_from(["x", "", "null", "5m", "30%", "a: b", "# no", "on", "'q\"", "{", "日本", "http://h/p?q=1", " "]),
    lambda inside: st.dictionaries(NAMES, inside, min_size=1, max_size=3),
    max_leaves=4,
)
FILES = [
    "# head\nlog: {}\nd:\n  a: {kind: b}  # x\n\n  # of c\n  c:\n    kind: b\n    o:\n      p: 1\n    # in c\n# tail\n",
    "d: {a: {kind: b}, c: {o: {p: 1}}}",
    "d: {\n   a: {kind: b}, # x\n   c: {o: {p: 1}} }\n",
    "\r\n# x\td\r\nd:\r\n    a:\r\n        kind: b\r\n    c: {o: {p: 1}}\r\nlog: {}\r\n",
    'people: {x: &n {name: "é\\n"}}\nd:\n c:\n  o: {p: &p 1}\n  t: |\n   two\n   lines\n\n a: {}\nz: *n\n',
]


def _plain(text: str) -> dict[str, object]:
    found: dict[str, object] = plain(parse(text.encode(), "", Report()))
    return found


@settings(deadline=None)
@given(st.sampled_from(FILES), st.sampled_from([("d",), ("d", "c"), ("d", "c", "o")]), NAMES, VALUES)
def test_any_value_anywhere_is_put_and_dropped_and_no_line_of_the_rest_is_lost(
    text: str, path: tuple[str, ...], name: str, value: object
) -> None:
    whole = (*path, name)
    changed = put(text, whole, value)  # type: ignore[arg-type]
    there: object = _plain(changed)
    for one in whole:
        assert isinstance(there, dict)
        there = there[one]
    assert there == value
    assert [one for one in text.splitlines() if "#" in one and one.strip().startswith("#")] == [
        one for one in changed.splitlines() if one.strip().startswith("#") and one in text
    ]
    before = _plain(text)
    inside: object = before
    for one in path:
        assert isinstance(inside, dict)
        inside = inside[one]
    if isinstance(inside, dict) and name not in inside:
        gone = drop(changed, whole)
        assert _plain(gone) == before


def test_a_value_that_makes_the_file_too_large_is_refused_with_the_reason() -> None:
    text = "d:\n" + "".join(f"  n{number}: {number}\n" for number in range(14_990))
    with pytest.raises(Uneditable, match="more than 30,000 values"):
        put(text, ("d", "more"), {f"k{number}": "x" for number in range(50)})
