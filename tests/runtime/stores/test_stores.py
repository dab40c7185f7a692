"""A store gives back what was put in or nothing: bounded, forgetful with age, never an error."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catsdk.core.sending import Cache
from catsdk.runtime.stores.disk import DiskStore
from catsdk.runtime.stores.memory import MemoryStore
from catsdk.runtime.stores.named import store_of

Store = MemoryStore | DiskStore
Make = Callable[..., Store]


@pytest.fixture(params=["memory", "disk"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    def on_disk(*args: object, **options: object) -> DiskStore:
        return DiskStore(tmp_path / "answers.db", *args, **options)  # type: ignore[arg-type]

    return MemoryStore if request.param == "memory" else on_disk


async def test_what_is_put_in_is_there_until_it_is_dropped(make: Make) -> None:
    store = make(1000)
    await store.put({"a": b"1", "b": b"2"})
    await store.put({"a": b"3"})
    assert await store.get(["a", "b", "c"]) == {"a": b"3", "b": b"2"}
    await store.drop(["a", "c"])
    assert await store.get(["a", "b"]) == {"b": b"2"}


async def test_what_is_too_old_is_forgotten(make: Make) -> None:
    now = 0.0
    store = make(1000, 10.0, clock=lambda: now)
    await store.put({"a": b"1"})
    now = 9.0
    assert await store.get(["a"]) == {"a": b"1"}
    now = 10.0
    assert await store.get(["a"]) == {}


async def test_the_least_recently_used_make_room(make: Make) -> None:
    now = 0.0
    store = make(30, clock=lambda: now)
    for key in ("a", "b", "c"):
        now += 1000.0
        await store.put({key: b"123456789"})
    now += 1000.0
    await store.get(["a"])
    now += 1000.0
    await store.put({"d": b"123456789"})
    assert sorted(await store.get(["a", "b", "c", "d"])) == ["a", "c", "d"]


async def test_what_is_larger_than_the_store_is_not_kept(make: Make) -> None:
    store = make(10)
    await store.put({"a": b"x" * 100})
    assert await store.get(["a"]) == {}


entries = st.dictionaries(st.sampled_from("abcdefgh"), st.binary(max_size=40), max_size=4)


@pytest.mark.parametrize("kind", ["memory", "disk"])
@given(st.lists(entries, max_size=15), st.integers(0, 200))
@settings(max_examples=25)
def test_the_size_is_bounded_and_nothing_comes_back_changed(
    kind: str, puts: list[dict[str, bytes]], most: int
) -> None:
    async def main() -> None:
        with tempfile.TemporaryDirectory() as folder:
            disk = DiskStore(f"{folder}/answers.db", most)
            store: Store = MemoryStore(most) if kind == "memory" else disk
            last: dict[str, bytes] = {}
            for put in puts:
                await store.put(put)
                last |= put
                kept = await store.get("abcdefgh")
                assert sum(len(key) + len(body) for key, body in kept.items()) <= most
                assert kept.items() <= last.items()
                room = sum(len(key) + len(body) for key, body in put.items())
                assert room > most or put.items() <= kept.items()
            disk.close()

    anyio.run(main)


async def test_a_changed_entry_on_disk_is_forgotten(tmp_path: Path) -> None:
    store = DiskStore(tmp_path / "answers.db", 1000)
    await store.put({"a": b"right", "b": b"right", "c": b"right"})
    store.close()
    with sqlite3.connect(store.path) as db:
        db.execute("UPDATE answers SET body = ? WHERE key = 'a'", (b"wrong",))
        db.execute("UPDATE answers SET body = 'text' WHERE key = 'b'")
    db.close()
    assert await store.get(["a", "b", "c"]) == {"c": b"right"}


@pytest.mark.parametrize("damage", ["beginning", "whole", "cut", "empty"])
async def test_a_damaged_file_is_made_anew_and_no_call_fails(tmp_path: Path, damage: str) -> None:
    store = DiskStore(tmp_path / "answers.db", 10**6)
    await store.put({str(at): b"x" * 500 for at in range(200)})
    store.close()
    whole = store.path.read_bytes()
    broken = {
        "beginning": b"\0" * 2000 + whole[2000:],
        "whole": b"garbage" * 1000,
        "cut": whole[: len(whole) // 2],
        "empty": b"",
    }
    store.path.write_bytes(broken[damage])
    found = await store.get([str(at) for at in range(200)])
    assert all(body == b"x" * 500 for body in found.values())
    for at in range(200):
        await store.put({f"new {at}": b"y"})
    assert await store.get(["new 199"]) == {"new 199": b"y"}


async def test_a_file_that_is_not_a_cache_is_left_alone(tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("my notes\n" * 100)
    store = DiskStore(notes, 1000)
    await store.put({"a": b"1"})
    assert await store.get(["a"]) == {}
    assert notes.read_text() == "my notes\n" * 100


async def test_another_program_s_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE theirs (x)")
    db.close()
    store = DiskStore(path, 1000)
    await store.put({"a": b"1"})
    assert await store.get(["a"]) == {}
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]
    db.close()


async def test_a_path_that_cannot_be_written_keeps_nothing_and_fails_nothing(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").write_text("")
    store = DiskStore(tmp_path / "file" / "answers.db", 1000)
    await store.put({"a": b"1"})
    assert await store.get(["a"]) == {}


async def test_the_file_is_its_owner_s_alone(tmp_path: Path) -> None:
    store = DiskStore(tmp_path / "deep" / "answers.db", 1000)
    await store.put({"a": b"1"})
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700


def fill(path: str, name: str, count: int) -> None:
    async def main() -> None:
        store = DiskStore(path, 10**6)
        for at in range(count):
            await store.put({f"{name} {at}": name.encode() * 10})

    anyio.run(main)


@pytest.mark.allow_blocking  # it waits for processes
async def test_processes_share_one_file(tmp_path: Path) -> None:
    path = str(tmp_path / "answers.db")
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=fill, args=(path, name, 40)) for name in ("a", "b", "c")]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    keys = [f"{name} {at}" for name in ("a", "b", "c") for at in range(40)]
    assert sorted(await DiskStore(path, 10**6).get(keys)) == sorted(keys)


def test_clients_that_name_one_cache_share_it(tmp_path: Path) -> None:
    path = str(tmp_path / "answers.db")
    store = store_of(Cache(path=path))
    assert store_of(Cache(path=path, max_bytes=5, seconds=6.0)) is store
    assert isinstance(store, DiskStore)
    assert (store.max_bytes, store.seconds) == (5, 6.0)
    assert isinstance(store_of(Cache()), MemoryStore)


@pytest.mark.parametrize("name", ["notes.db", "notes.sqlite", "notes.sqlite3", "notes"])
async def test_a_user_s_file_under_the_name_of_a_cache_is_left_alone(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    notes = tmp_path / name
    notes.write_text("my notes\n" * 1_000)
    store = DiskStore(notes, 1000)
    await store.put({"a": b"1"})
    assert await store.get(["a"]) == {}
    assert notes.read_text() == "my notes\n" * 1_000
    assert os.listdir(tmp_path) == [name]
    (told,) = [record.getMessage() for record in caplog.records]
    assert str(notes) in told and "name another file" in told


async def test_another_program_s_database_is_not_even_changed(tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE theirs (x)")
    db.close()
    before = path.read_bytes()
    await DiskStore(path, 1000).put({"a": b"1"})
    assert path.read_bytes() == before


async def test_a_damaged_cache_is_put_aside_beside_what_is_there_already(tmp_path: Path) -> None:
    store = DiskStore(tmp_path / "answers.db", 10**6)
    await store.put({"a": b"1"})
    store.close()
    mine = tmp_path / "answers.db.damaged"
    mine.write_text("mine")
    store.path.write_bytes(store.path.read_bytes()[:5_000])
    other = DiskStore(store.path, 10**6)
    await other.put({"b": b"2"})
    assert await other.get(["b"]) == {"b": b"2"}
    assert mine.read_text() == "mine"
    assert (tmp_path / "answers.db.damaged.2").exists()


FULL = """
import resource, sys, anyio
from catsdk.runtime.stores.disk import DiskStore

async def main():
    store = DiskStore(sys.argv[1], 10**9)
    await store.put({"first": b"1"})
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
    for at in range(20):
        await store.put({str(at): b"x" * 50_000})
    print(await store.get(["first"]))

anyio.run(main)
"""


def test_a_full_disk_costs_new_answers_and_nothing_that_was_kept(tmp_path: Path) -> None:
    path = tmp_path / "answers.db"
    command = [sys.executable, "-c", FULL, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "{'first': b'1'}"
    assert done.stderr.count(f"the cache {path} cannot be used") == 1
    assert "Traceback" not in done.stderr
