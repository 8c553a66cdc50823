"""Hostile files: nothing but `ConfigError`, within time and memory (F40, SCHEDULES.md section 8)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncd.config import Config, ConfigError, Problem, load
from syncd.config.load import TOP
from syncd.config.problem import MOST
from syncd.config.shape import shapes

MIB = 1 << 20
HEAD = "people: {a: {name: A}}\nroles: {r: {}}\nschedules:\n  s:\n    start: 2026-03-02\n"

LAUGHS = "a: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"k{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 11)
)
BOMBS = {
    "a billion laughs": LAUGHS,
    "laughs of merged keys": "a: &a0 {x: 1}\n" + "".join(
        f"k{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}], y{n}: 1}}\n" for n in range(1, 99)
    ),
    "more aliases than anybody needs": "a: &a 1\nb: [" + "*a, " * 101 + "]\n",
    "an alias that contains itself": "people: &a {x: *a}\n",
    "one schedule a hundred times": "x: &s {layers: [" + "{members: [a]}, " * 1000 + "]}\nschedules: {"
    + ", ".join(f"s{n}: *s" for n in range(99)) + "}\n",
    "nested lists": "[" * 100_000,
    "nested mappings": "{a: " * 100_000,
    "nested blocks": "- " * 100_000,
    "blocks nested by indentation": "".join(" " * n + "a:\n" for n in range(600)),
    "megabytes of layers": HEAD + "    layers:\n" + "      - {role: r, members: [a]}\n" * 100_000,
    "megabytes of overrides": HEAD + "    overrides:\n"
    + "      - {roles: [r], people: [a], start: 2026-03-02, end: 2026-03-03}\n" * 5_000,
    "megabytes of one list": "people: [" + "a," * 200_000 + "]\n",
    "megabytes of lines": "people:\n" + "".join(f"  p{n}: {{name: P}}\n" for n in range(20_000)),
    "a very long scalar": "people: '" + "x" * 2 * MIB + "'\n",
    "a very long tag": "people: !" + "x" * 60_000 + " y\n",
    "a very long key": '"' + "a" * 60_000 + '": 1\n',
    "comments without end": "# x\n" * 100_000,
    "thousands of problems": "".join(f"k{n}: 1\n" for n in range(10_000)),
    "thousands of wrong names": HEAD + "    admins: [" + ", ".join(f"x{n}" for n in range(5_000)) + "]\n",
    "thousands of wrong zones": "people:\n" + "".join(f"  p{n}: {{name: P, timezone: Zone/{n}}}\n" for n in range(2_000)),
    "a rotation of a second": HEAD + "    layers: [{members: [a], rotation: {unit: second, every: 1}}]\n",
    "a rotation without length": HEAD + "    layers: [{members: [a], rotation: {unit: hour, every: 0}}]\n",
    "a rotation beyond time": HEAD + "    layers: [{members: [a], rotation: {unit: month, every: 999999999999}}]\n",
    "a number of many digits": "roles: {r: {people: " + "9" * 60_000 + "}}\n",
    "a duration of many digits": HEAD + "    layers: [{members: [a], rotation: {unit: day, lasts: 999999999w}}]\n",
    "an escape beyond Unicode": 'people: "\\U99999999"\n',
    "half a surrogate pair": 'people: {a: {name: "\\ud800"}}\n',
    "a tag that runs a program": "people: !!python/object/apply:os.system [id]\n",
    "bytes that are no text": "people: \udcff\udcfe\n",
    "an old version": "%YAML 1.1\n---\npeople: {}\n",
    "a binary": "\0\1\2\3" * 1000,
}  # fmt: skip

PROGRAM = """\
import json, resource, sys, time
from pathlib import Path
from syncd.config import ConfigError, load
began = time.process_time()
try:
    load(Path(sys.argv[1]))
    found = "taken"
except ConfigError as error:
    found = "refused"
print(json.dumps([found, time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024]))
"""


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused(name: str, tmp_path: Path) -> None:
    file = tmp_path / "syncd.yaml"
    file.write_bytes(BOMBS[name].encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert 1 <= len(caught.value.problems) <= MOST + 1
    assert all(len(str(problem)) < 4_000 + len(str(file)) for problem in caught.value.problems)


@pytest.mark.long
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_costs_two_seconds_and_256_mib_at_most(name: str, tmp_path: Path) -> None:
    file = tmp_path / "syncd.yaml"
    file.write_bytes(BOMBS[name].encode("utf-8", "surrogateescape"))
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(file)], capture_output=True, text=True, check=True, timeout=60)
    found, seconds, mib = json.loads(done.stdout)
    assert found == "refused"
    assert seconds < 2
    assert mib < 256


def test_a_file_as_large_as_is_taken_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "syncd.yaml"
    rows = "".join(
        f"      - {{people: [a], start: 2026-{1 + n % 12:02}-{1 + n // 12 % 28:02}T{n // 336:02}:00Z, "
        f"end: 2026-{1 + n % 12:02}-{1 + n // 12 % 28:02}T{n // 336:02}:30Z}}\n"
        for n in range(2_000)
    )
    file.write_text(f"{HEAD}    layers: [{{members: [a]}}]\n    overrides:\n{rows}")
    assert len(load(file).rota.schedules["s"].overrides) == 2_000


SLOW = {
    "overrides on top of each other": HEAD + "    layers: [{members: [a]}]\n    overrides:\n"
    + "".join(
        f"      - {{people: [a], start: 2026-03-02T00:00:{n % 60:02}Z, end: 2027-01-01T00:{n // 60:02}Z}}\n" for n in range(1_500)
    ),
    "hourly turns of many layers": HEAD + "    layers:\n"
    + "      - {members: [a], rotation: {unit: hour, fair: true}, windows: [{from: 01:00, to: 02:00}]}\n" * 1_500,
    "time off for two hundred years": HEAD + "    layers: [{members: [a], rotation: {unit: hour}}]\n"
    "    away: [{person: a, start: 1990-01-01, end: 2190-01-01}]\n",
    "turns of odd lengths": HEAD + "    layers:\n" + "".join(
        f"      - {{members: [a, a], rotation: {{unit: hour, clock: wall, every: {9_973 - n}, advance: active}}, days: [mon]}}\n"
        for n in range(20)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SLOW)
def test_a_large_rota_that_means_something_is_taken_in_bounded_time(name: str, tmp_path: Path) -> None:
    file = tmp_path / "syncd.yaml"
    file.write_text(SLOW[name])
    # What would take minutes is left out with a word, not computed.
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(file)], capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(done.stdout)[0] == "taken"


# --- files nobody thought of ---------------------------------------------------------------------

KEYS = sorted({key.name for shape in shapes(TOP) for key in shape.keys})
WORDS = [
    *KEYS, "ana", "ben", "primary", "all", "none", "always", "mon", "week", "month", "hour", "wall", "elapsed", "shift", "off",
    "2026-03-02", "2026-03-29T02:30", "2026-10-25T02:30", "2200-12-31T24:00", "1970-01-01", "09:00", "23:59", "24:00",
    "mon 09:00", "fri 24:00", "30m", "0s", "1", "0", "-1", "30%", "Europe/Berlin", "Pacific/Apia", "UTC", "true", "null", "~",
    "folder", "memory", "bidirectional", "a@b.c", "A@b.c", "{person}", "*x", "&x", "<<", "!!str", "|", ">", "?", ":", "-", "#",
]  # fmt: skip
scalars = st.one_of(st.sampled_from(WORDS), st.text(max_size=8), st.integers(), st.booleans(), st.none(), st.floats())
values = st.recursive(
    scalars,
    lambda inside: (
        st.lists(inside, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=4), inside, max_size=5)
    ),
    max_leaves=25,
)
names = st.sampled_from(["ana", "ben", "primary", "s", "d", "layer"])


def mappings(inside: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.dictionaries(st.sampled_from(KEYS), inside, max_size=8)


documents = st.fixed_dictionaries(
    {},
    optional={
        "timezone": st.sampled_from(["UTC", "Europe/Berlin", "Pacific/Apia", "Nowhere"]) | values,
        "people": st.dictionaries(names, st.fixed_dictionaries({"name": st.text(min_size=1, max_size=5)}) | mappings(values)),
        "roles": st.dictionaries(names, st.just({}) | mappings(values)),
        "schedules": st.dictionaries(
            names,
            st.fixed_dictionaries(
                {},
                optional={
                    "start": st.sampled_from(["2026-03-02", "2026-03-29T02:30", "2200-12-31", "1970-01-01"]) | values,
                    "layers": st.lists(mappings(values), max_size=4),
                    "overrides": st.lists(mappings(values), max_size=3),
                    "away": st.lists(mappings(values), max_size=3),
                    "template": names,
                    "needs": values,
                },
            ),
        ),
        "templates": st.dictionaries(names, mappings(values)),
        "destinations": st.dictionaries(names, mappings(values)),
        "notices": mappings(values),
        "health": values,
        "store": values,
        "source": values,
    },
)
QUICK = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)


def taken_or_refused(data: bytes, folder: Path) -> None:
    file = folder / "syncd.yaml"
    file.write_bytes(data)
    config, problems = outcome(file)
    assert (config is None) == any(problem.severity == "error" for problem in problems)
    for problem in problems:
        assert problem.line >= 1
        assert problem.column >= 1
        assert len(str(problem).encode().splitlines()) == 1
    if config is not None:
        assert len(config.digest) == 64
        assert all(config.schedule_digest(id_) for id_ in config.rota.schedules)


def outcome(file: Path) -> tuple[Config | None, tuple[Problem, ...]]:
    try:
        config = load(file)
    except ConfigError as error:
        return None, error.problems
    return config, config.warnings


@QUICK
@given(document=documents)
def test_any_mapping_is_taken_or_refused(document: object, tmp_path: Path) -> None:
    # JSON is YAML, and says exactly what was drawn.
    taken_or_refused(json.dumps(document).encode(), tmp_path)


@QUICK
@given(text=st.text(alphabet=st.sampled_from("ab:- \n[]{},&*!|>?#'\"%@`\\~.0<=\t\u2028é\ufeff\x85")))
def test_any_text_is_taken_or_refused(text: str, tmp_path: Path) -> None:
    taken_or_refused(text.encode(), tmp_path)


@QUICK
@given(data=st.binary())
def test_any_bytes_are_taken_or_refused(data: bytes, tmp_path: Path) -> None:
    taken_or_refused(data, tmp_path)


EXAMPLE = (Path(__file__).parents[2] / "config/syncd.example.yaml").read_text()


@QUICK
@given(cuts=st.lists(st.tuples(st.integers(0, len(EXAMPLE)), st.integers(0, 12), st.sampled_from(WORDS)), max_size=4))
def test_an_example_with_mistakes_is_taken_or_refused(cuts: list[tuple[int, int, str]], tmp_path: Path) -> None:
    text = EXAMPLE
    for at, length, word in cuts:
        text = text[:at] + word + text[at + length :]
    taken_or_refused(text.encode(), tmp_path)


@pytest.mark.parametrize("key", ["\r", "\x1b[2J", "\x85", "\u2028", "a\nb"])
def test_a_key_that_breaks_lines_breaks_no_message(key: str, tmp_path: Path) -> None:
    taken_or_refused(json.dumps({"timezone": "UTC", "source": {key: None}, key: 1}).encode(), tmp_path)
