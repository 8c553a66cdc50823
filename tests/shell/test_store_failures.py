"""A store that cannot be written, is damaged, or is not ours says so, and nothing is half done (F42)."""

from __future__ import annotations

import os
import random
import re
import resource
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from syncd.core.record import Row, Value
from syncd.store import Store, StoreError, Tx, database
from tests.stores import KEY, NOON, Place


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Place]:
    """SQLite alone: what can be wrong with a file."""
    found = Place(tmp_path / "state", "default", "sqlite")
    yield found
    found.close()


def row(n: int, padding: int = 400) -> Row:
    value = Value("ana", NOON + n * 60, NOON + n * 60 + 60)
    return Row(ref=f"r{n}", uid=f"u{n}", key="k" * padding, generation=1, op=f"op-{n}", accepted=value)


def fill(store: Store, transactions: int) -> int:
    """How many transactions of two rows went in before one failed."""
    for n in range(transactions):
        with store.write() as tx:
            tx.ledger.put_row("google", row(2 * n))
            tx.ledger.put_row("google", row(2 * n + 1))
    return transactions


def fill_up(store: Store) -> None:
    with pytest.raises(StoreError, match=r"cannot be written.*Nothing was written"):
        fill(store, 100_000)


def pairs(tx: Tx) -> int:
    """How many pairs of rows there are; half a pair is half a transaction."""
    refs = {one.ref for one in tx.ledger.memory("google").rows}
    assert {f"r{int(ref[1:]) ^ 1}" for ref in refs} == refs
    return len(refs) // 2


# --- who may read it -----------------------------------------------------------------------


def test_directory_store_and_key_are_their_owners_alone(local: Place) -> None:
    store = Store.open(local.location)
    assert store is not None
    with store.write() as tx:
        tx.facts.put("x", 1)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in Path(local.location).iterdir()}
    assert modes == {"syncd.db": 0o600, "syncd.db-wal": 0o600, "syncd.db-shm": 0o600, "syncd.key": 0o600, "locks": 0o700}
    assert stat.S_IMODE(Path(local.location).stat().st_mode) == 0o700
    store.close()


def test_the_key_stays_and_names_the_instance(local: Place) -> None:
    first = Store.open(local.location)
    second = Store.open(local.location)
    assert first is not None
    assert second is not None
    assert (len(first.key), first.key, first.instance) == (32, second.key, second.instance)
    assert len(first.instance) == 16
    assert bytes.fromhex((Path(local.location) / "syncd.key").read_text()) == first.key
    given = local.open()
    assert given.key == bytes.fromhex(KEY)
    assert given.instance != first.instance
    for store in (first, second):
        store.close()


def test_the_key_is_nowhere_in_the_store_or_its_copy(local: Place, tmp_path: Path) -> None:
    store = Store.open(local.location)
    assert store is not None
    fill(store, 3)
    with store.lease("google"), store.write() as tx:
        tx.journal.add(at=NOON, event="x")
    store.backup(tmp_path / "copy.db")
    for path in (*Path(local.location).glob("syncd.db*"), tmp_path / "copy.db"):
        kept = path.read_bytes()
        assert store.key not in kept
        assert store.key.hex().encode() not in kept
    store.close()


def test_a_given_key_may_be_any_long_text(local: Place) -> None:
    store = Store.open(local.location, key="correct horse battery staple\n")
    assert store is not None
    assert store.key == b"correct horse battery staple"
    assert not (Path(local.location) / "syncd.key").exists()
    store.close()


def test_a_question_makes_no_key_and_is_answered_without_one(local: Place) -> None:
    with local.open().write() as tx:
        tx.facts.put("x", 1)
    store = Store.open(local.location, create=False)
    assert store is not None
    with store.read() as tx:
        assert tx.facts.get("x") == 1
    with pytest.raises(StoreError, match=r"syncd\.key is missing"):
        assert store.key
    assert not (Path(local.location) / "syncd.key").exists()
    store.close()


def test_a_key_that_was_lost_is_never_silently_another(local: Place) -> None:
    first = Store.open(local.location)
    assert first is not None
    first.close()
    path = Path(local.location) / "syncd.key"
    kept = path.read_text()
    path.unlink()
    with pytest.raises(StoreError, match=r"syncd\.key is missing.*nothing was written.*backup.*marker_key") as told:
        Store.open(local.location)
    assert not path.exists()
    path.write_text(kept)
    again = Store.open(local.location)
    assert again is not None
    assert again.key == first.key
    again.close()
    path.unlink()
    (made,) = re.findall(r"`(\(umask .*)`", str(told.value))
    subprocess.run(["sh", "-c", made], check=True)
    anew = Store.open(local.location)
    assert anew is not None
    assert (len(anew.key), stat.S_IMODE(path.stat().st_mode)) == (32, 0o600)
    assert anew.key != first.key
    anew.close()


def test_a_key_that_others_could_read_is_closed_to_them(local: Place) -> None:
    Path(local.location).mkdir()
    path = Path(local.location) / "syncd.key"
    path.write_text(KEY + "\n")
    path.chmod(0o644)
    store = Store.open(local.location)
    assert store is not None
    assert (store.key, stat.S_IMODE(path.stat().st_mode)) == (bytes.fromhex(KEY), 0o600)
    store.close()


def test_a_key_that_cannot_be_read_is_said(local: Place) -> None:
    (Path(local.location) / "syncd.key").mkdir(parents=True)
    with pytest.raises(StoreError, match=r"syncd\.key cannot be read"):
        Store.open(local.location)


def test_locks_that_cannot_be_made_are_said(local: Place) -> None:
    Path(local.location).mkdir()
    (Path(local.location) / "locks").write_text("")
    store = local.open()
    with pytest.raises(StoreError, match=r"\.lock cannot be opened"):
        store.lease("google")
    with pytest.raises(StoreError, match=r"\.lock cannot be opened"), store.only_daemon():
        pass


def test_what_went_wrong_is_not_hidden_by_a_lease_that_cannot_be_given_back(local: Place) -> None:
    store = local.open()

    def work() -> None:
        with store.lease("google"):
            (Path(local.location) / "syncd.db").rename(Path(local.location) / "aside")
            raise LookupError("what really went wrong")

    with pytest.raises(LookupError, match="what really"):
        work()


def test_a_lease_that_cannot_be_given_back_is_said(local: Place) -> None:
    store = local.open()
    with pytest.raises(StoreError, match="moved"), store.lease("google"):
        (Path(local.location) / "syncd.db").rename(Path(local.location) / "aside")


def test_a_store_without_its_first_table_is_none_yet(local: Place) -> None:
    Path(local.location).mkdir()
    raw = sqlite3.connect(Path(local.location) / "syncd.db")
    raw.execute("PRAGMA journal_mode = WAL")
    raw.close()
    assert local.try_open(create=False) is None
    fill(local.open(), 1)


@pytest.mark.parametrize("left", ["", "{", '{"pid":4711,"ur', "green"])
def test_a_value_that_is_no_longer_what_was_written_is_an_error_in_words(store: Store, left: str) -> None:
    with store.write() as tx:
        tx.facts.put("daemon", {"pid": 4711, "url": "http://127.0.0.1:1"})
        tx.session.change("UPDATE facts SET value = :value WHERE name = 'daemon'", value=left)
    with pytest.raises(StoreError, match="is damaged"), store.read() as tx:
        tx.facts.get("daemon")


@pytest.mark.parametrize("text", ["", "not a key", "ab" * 31])
def test_a_key_file_that_is_none_is_refused(local: Place, text: str) -> None:
    Path(local.location).mkdir()
    (Path(local.location) / "syncd.key").write_text(text)
    with pytest.raises(StoreError, match="64 hex digits"):
        Store.open(local.location)


def test_a_given_key_must_not_be_guessable(local: Place) -> None:
    with pytest.raises(StoreError, match="too short"):
        Store.open(local.location, key="secret")
    assert not Path(local.location).exists()


# --- questions -----------------------------------------------------------------------------


def test_a_question_never_makes_a_store(place: Place) -> None:
    assert place.try_open(create=False) is None
    assert place.try_open(create=False) is None
    if place.kind == "sqlite":
        assert not Path(place.location).exists()


def test_a_question_changes_nothing(local: Place) -> None:
    fill(local.open(), 3)
    local.close()
    before = {path: path.read_bytes() for path in Path(local.location).rglob("*") if path.is_file()}
    store = local.open(create=False)
    with store.read() as tx:
        assert pairs(tx) == 3
    store.close()
    assert {path: path.read_bytes() for path in Path(local.location).rglob("*") if path.is_file()} == before


def test_a_tenant_does_not_open_anothers_store(local: Place) -> None:
    local.open()
    with pytest.raises(StoreError, match="belongs to tenant default, not other"):
        Store.open(local.location, "other", KEY)


def test_tenants_of_one_database_see_nothing_of_each_other(postgres_url: str) -> None:
    one, two = Place(postgres_url, "one", "postgres"), Place(postgres_url, "Two & more", "postgres")
    fill(one.open(), 2)
    with two.open().read() as tx:
        assert pairs(tx) == 0
    for place in (one, two):
        place.close()


def test_all_who_open_a_new_store_at_once_get_the_same(place: Place) -> None:
    problems: list[BaseException] = []
    instances: set[str] = set()

    def work() -> None:
        try:
            store = place.open() if place.kind == "postgres" else Store.open(place.location)
            assert store is not None
            instances.add(store.instance)
            with store.write() as tx:
                tx.facts.put("n", (tx.facts.get("n") or 0) + 1)
            store.close()
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert len(instances) == 1
    with place.open().read() as tx:
        assert tx.facts.get("n") == 8


# --- no room, no rights, no turn -----------------------------------------------------------


def test_a_full_disk_leaves_nothing_half_done(local: Place) -> None:
    store = local.open()
    fill(store, 5)
    with store.write() as tx:
        pages = tx.session.rows("PRAGMA page_count")[0]["page_count"]
        tx.session.rows(f"PRAGMA max_page_count = {pages + 4}")
    fill_up(store)
    with store.write() as tx:
        stood = pairs(tx)
        tx.session.rows("PRAGMA max_page_count = 100000")
    assert stood >= 5
    fill(store, stood + 5)
    with local.open().read() as tx:
        assert pairs(tx) == stood + 5


def test_a_file_that_must_not_grow_leaves_nothing_half_done(local: Place) -> None:
    local.open()
    limited = (
        "import resource, signal, sys\n"
        "from tests.shell.test_store_failures import Store, StoreError, fill\n"
        "store = Store.open(sys.argv[1], key=sys.argv[2])\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, resource.RLIM_INFINITY))\n"
        "try: fill(store, 100_000)\n"
        "except StoreError as error: print(error)\n"
    )
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    done = subprocess.run(
        [sys.executable, "-c", limited, str(local.location), KEY], capture_output=True, text=True, check=False, env={**os.environ}
    )
    assert "cannot be written" in done.stdout, done.stderr
    with local.open().read() as tx:
        assert pairs(tx) > 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=640k", "tmpfs", disk], capture_output=True, check=False).returncode:
        pytest.skip("a small disk can be made by root only")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", disk], capture_output=True, check=False)


def test_a_disk_that_is_really_full_leaves_nothing_half_done(small_disk: Path) -> None:
    place = Place(small_disk / "state", "default", "sqlite")
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(150_000))
    store = place.open()
    fill_up(store)
    ballast.unlink()
    with store.read() as tx:
        stood = pairs(tx)
    assert stood > 0
    fill(store, stood + 3)
    with store.read() as tx:
        assert pairs(tx) == stood + 3
    assert store.audit().problems == ()
    place.close()


def test_a_disk_with_no_room_for_a_store_is_said(small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(bytes(632_000))
    with pytest.raises(StoreError):
        Store.open(small_disk / "state")
    (small_disk / "ballast").unlink()
    store = Store.open(small_disk / "state")
    assert store is not None
    store.close()


def test_a_disk_that_may_only_be_read_is_said(small_disk: Path) -> None:
    place = Place(small_disk / "state", "default", "sqlite")
    fill(place.open(), 1)
    place.close()
    assert subprocess.run(["mount", "-o", "remount,ro", small_disk], check=False).returncode == 0
    with pytest.raises(StoreError, match=r"syncd\.db cannot be opened"):
        place.open()
    with pytest.raises(StoreError, match=r"syncd\.db cannot be opened"):
        Store.open(small_disk / "new", key=KEY)


def test_a_place_that_is_no_directory_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"cannot be opened: .*"):
        Store.open(tmp_path / "file")


def test_a_store_that_another_process_keeps_locked_is_said(local: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY", 0.05)
    store = local.open()
    other = sqlite3.connect(Path(local.location) / "syncd.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="stayed locked"):
        fill(store, 1)
    with store.read() as tx:
        assert pairs(tx) == 0
    other.execute("ROLLBACK")
    other.close()
    fill(store, 1)


def test_a_store_that_was_moved_aside_is_not_written_any_more(local: Place) -> None:
    store = local.open()
    fill(store, 1)
    path = Path(local.location) / "syncd.db"
    path.rename(path.with_name("syncd.db.aside"))
    for _ in range(2):
        with pytest.raises(StoreError, match="moved or replaced"):
            fill(store, 1)
    fill(local.open(), 2)
    with pytest.raises(StoreError, match="moved or replaced"):
        fill(store, 3)


def in_a_thread_of_its_own(work: Callable[[], None]) -> list[BaseException]:
    found: list[BaseException] = []

    def tried() -> None:
        try:
            work()
        except BaseException as error:
            found.append(error)

    thread = threading.Thread(target=tried)
    thread.start()
    thread.join()
    return found


def in_a_process_of_its_own(local: Place) -> str:
    """How many pairs somebody else finds."""
    look = (
        "import sys\n"
        "from tests.shell.test_store_failures import Store, pairs\n"
        "with Store.open(sys.argv[1], key=sys.argv[2], create=False).read() as tx: print(pairs(tx), end='')\n"
    )
    done = subprocess.run([sys.executable, "-c", look, str(local.location), KEY], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.parametrize("write", [True, False])
def test_whoever_asks_while_it_is_away_makes_none_in_its_place_and_it_comes_back_whole(local: Place, write: bool) -> None:
    store = local.open()
    fill(store, 3)

    def ask() -> None:
        with store.write() if write else store.read() as tx:
            tx.facts.get("x")

    path = Path(local.location) / "syncd.db"
    path.rename(path.with_name("aside"))
    (problem,) = in_a_thread_of_its_own(ask)
    assert "moved or replaced" in str(problem)
    assert not path.exists()
    path.with_name("aside").rename(path)
    assert in_a_thread_of_its_own(ask) == []
    with store.read() as tx:
        assert pairs(tx) == 3
    fill(store, 4)


@pytest.mark.parametrize("gone", [("-wal",), ("-shm",), ("-wal", "-shm")])
def test_a_write_ahead_log_that_is_deleted_under_it_costs_nothing(local: Place, gone: tuple[str, ...]) -> None:
    store = local.open()
    fill(store, 3)
    ready, go, problems = threading.Event(), threading.Event(), []

    def another() -> None:
        with store.read() as tx:
            problems.append(pairs(tx))
        ready.set()
        go.wait(30)
        try:
            fill(store, 4)
        except StoreError as error:
            problems.append(str(error))
        fill(store, 4)

    thread = threading.Thread(target=another)
    thread.start()
    assert ready.wait(30)
    for suffix in gone:
        Path(f"{local.location}/syncd.db{suffix}").unlink()
    with pytest.raises(StoreError, match="deleted under it"):
        fill(store, 1)
    go.set()
    thread.join()
    assert problems == [3]
    fill(store, 5)
    with local.open().read() as tx:
        assert pairs(tx) == 5
    assert in_a_process_of_its_own(local) == "5"
    store.close()
    local.open(create=True).close()


def test_who_is_in_the_middle_of_a_transaction_as_the_log_is_deleted_ends_it(local: Place) -> None:
    store = local.open()
    fill(store, 3)
    with store.write() as tx:
        tx.ledger.put_row("google", row(6))
        Path(f"{local.location}/syncd.db-wal").unlink()
        (problem,) = in_a_thread_of_its_own(lambda: store.read().__enter__())
        assert "deleted under it" in str(problem)
        tx.ledger.put_row("google", row(7))
    fill(store, 5)
    assert in_a_process_of_its_own(local) == "5"


# --- damage --------------------------------------------------------------------------------


def damaged(local: Place, change: dict[int, bytes]) -> Path:
    path = Path(local.location) / "syncd.db"
    kept = bytearray(path.read_bytes())
    for offset, new in change.items():
        kept[offset : offset + len(new)] = new
    path.write_bytes(kept)
    return path


def full_store(local: Place) -> bytes:
    store = local.open()
    fill(store, 40)
    with store.write() as tx:
        for n in range(40):
            tx.journal.add(at=NOON, event="created", new={"n": n, "padding": "p" * 200})
    local.close()
    return (Path(local.location) / "syncd.db").read_bytes()


def test_a_damaged_page_is_found_at_the_start_and_nothing_is_written(local: Place) -> None:
    whole = full_store(local)
    path = Path(local.location) / "syncd.db"
    found = 0
    for page in range(len(whole) // 4096):
        path.write_bytes(whole)
        damaged(local, {page * 4096 + (100 if page == 0 else 0): b"\xff" * 24})
        before = path.read_bytes()
        with pytest.raises(StoreError) as refused:
            local.open()
        assert "is damaged" in str(refused.value)
        assert f"mv {path} {path}.damaged" in str(refused.value)
        assert path.read_bytes() == before
        found += 1
    assert found > 20


def test_any_flipped_byte_is_an_error_in_words_or_no_harm(local: Place) -> None:
    whole = full_store(local)
    path = Path(local.location) / "syncd.db"
    dice = random.Random(20260306)
    for _ in range(150):
        path.write_bytes(whole)
        damaged(local, {dice.randrange(len(whole)): bytes([dice.randrange(256)])})
        try:
            store = local.open()
            with store.read() as tx:
                tx.ledger.memory("google")
                tx.destinations.all()
            store.audit()
            fill(store, 1)
        except StoreError:
            pass
        finally:
            local.close()


@pytest.mark.parametrize(
    "content", [b"x", b"not a database, but long enough to have a header of one hundred bytes " * 4, bytes(8192)]
)
def test_a_file_that_is_no_store_is_left_as_it_is(local: Place, content: bytes) -> None:
    path = Path(local.location) / "syncd.db"
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(StoreError, match="is damaged"):
        local.open()
    assert path.read_bytes() == content


def test_a_cut_off_file_is_left_as_it_is(local: Place) -> None:
    whole = full_store(local)
    path = Path(local.location) / "syncd.db"
    for length in (50, 4096, len(whole) // 2, len(whole) - 4096):
        path.write_bytes(whole[:length])
        with pytest.raises(StoreError, match="is damaged"):
            local.open()
        assert path.read_bytes() == whole[:length]


def test_a_damaged_file_moved_aside_as_told_makes_room_for_a_new_store(local: Place) -> None:
    full_store(local)
    damaged(local, {4096: b"\xff" * 4096})
    with pytest.raises(StoreError) as refused:
        local.open()
    told = str(refused.value).split("`")[3]
    subprocess.run(told, shell=True, check=True)  # noqa: S602 - what the message tells the admin to do
    with local.open().read() as tx:
        assert pairs(tx) == 0


# --- copies, and the database's own troubles -----------------------------------------------


def test_a_copy_is_made_while_others_write(local: Place, tmp_path: Path) -> None:
    store = local.open()
    fill(store, 20)
    done = threading.Event()

    def work() -> None:
        n = 100
        while not done.is_set():
            with store.write() as tx:
                tx.ledger.put_row("google", row(n))
                tx.ledger.put_row("google", row(n + 1))
            n += 2

    writer = threading.Thread(target=work)
    writer.start()
    try:
        (tmp_path / "restored").mkdir()
        store.backup(tmp_path / "restored" / "syncd.db")
    finally:
        done.set()
        writer.join()
    assert stat.S_IMODE((tmp_path / "restored" / "syncd.db").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "restored").iterdir()] == ["syncd.db"]
    copy = Store.open(tmp_path / "restored", key=KEY)
    assert copy is not None
    with copy.read() as tx:
        assert pairs(tx) >= 20
    copy.close()


def test_a_copy_never_writes_over_anything(local: Place, tmp_path: Path) -> None:
    (tmp_path / "copy").write_text("precious")
    with pytest.raises(StoreError, match="there already"):
        local.open().backup(tmp_path / "copy")
    assert (tmp_path / "copy").read_text() == "precious"
    with pytest.raises(StoreError, match="cannot be written"):
        local.open().backup(tmp_path / "nowhere" / "copy")


def test_a_connection_that_was_lost_is_made_anew(postgres_url: str) -> None:
    place = Place(postgres_url, "lost", "postgres")
    store, other = place.open(), place.open()
    fill(store, 1)
    with other.write() as tx:
        tx.session.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    fill(store, 2)

    def cut_off() -> None:
        with store.write() as tx:
            tx.ledger.put_row("google", row(98))
            pid = tx.session.rows("SELECT pg_backend_pid() AS pid")[0]["pid"]
            with other.read() as killer:
                killer.session.rows("SELECT pg_terminate_backend(:pid)", pid=pid)
            tx.ledger.put_row("google", row(99))

    with pytest.raises(StoreError):
        cut_off()
    with store.read() as tx:
        assert pairs(tx) == 2
    place.close()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://syncd:canary-1f2e@127.0.0.1:1/syncd",
        "postgresql://syncd:canary-1f2e@127.0.0.1:port/syncd",
        "postgresql://syncd:canary-1f2e@[::1/syncd?x=y",
        "postgresql://syncd:pass/canary-1f2e@127.0.0.1:1/syncd",
        "postgresql://syncd:p@canary-1f2e@127.0.0.1:1/syncd",
        "postgresql://syncd:p%zzcanary-1f2e@127.0.0.1:1/syncd",
        "postgresql://127.0.0.1:1/syncd?user=syncd&password=canary-1f2e",
    ],
)
def test_a_database_that_does_not_answer_is_said_without_its_password(url: str) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(StoreError) as refused:
        Store.open(url, key=KEY)
    assert "canary-1f2e" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_role_that_may_not_make_a_schema_is_said(postgres_url: str) -> None:
    place = Place(postgres_url, "grants", "postgres")
    with place.open().write() as tx:
        if not tx.session.rows("SELECT 1 AS x FROM pg_roles WHERE rolname = 'guest'"):
            tx.session.change("CREATE ROLE guest LOGIN")
    place.close()
    with pytest.raises(StoreError, match="needs to create and own the schema syncd_denied"):
        Store.open(postgres_url.replace("postgres@", "guest@"), "denied", KEY)


def test_a_database_that_another_keeps_locked_is_said(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY", 0.05)
    place = Place(postgres_url, "locked", "postgres")
    ours, theirs = place.open(), place.open()
    with theirs.write(), pytest.raises(StoreError, match="stayed locked"):
        fill(ours, 1)
    fill(ours, 1)
    with pytest.raises(StoreError, match="pg_dump"):
        ours.backup("copy")
    place.close()


def test_a_database_without_its_driver_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreError, match=r"install syncd\[postgres\]"):
        Store.open("postgresql://127.0.0.1:1/syncd", key=KEY)


def test_a_store_in_a_database_needs_the_key_that_all_share() -> None:
    with pytest.raises(StoreError, match="marker_key"):
        Store.open("postgresql://127.0.0.1:1/syncd")
