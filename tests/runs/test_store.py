"""The run store keeps every entry, lets one process write, and refuses what it cannot read."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from catsdk.core.errors import ConfigurationError
from catsdk.runs.store import PAGE, SCHEMA_VERSION, Rows, RunStore, Step
from tests.runs.entries import entries

WRITER = """
import sys, anyio
from catsdk.runs.store import RunStore

async def main():
    async with RunStore(sys.argv[1]) as store:
        at = 0
        while True:
            await store.put("answer", str(at), str(at))
            print(at, flush=True)
            at += 1

anyio.run(main)
"""


async def test_entries_are_there_after_closing_and_kinds_are_apart(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "run.sqlite"
    async with RunStore(path) as store:
        await store.put("answer", "k", "1")
        await store.put("answer", "k", "2")
        await store.put("verdict", "k", "3")
    async with RunStore(path) as store:
        assert await store.get("answer", "k") == "2"
        assert await store.get("answer", "other") is None
        assert await entries(store, "verdict") == {"k": "3"}


async def test_what_is_asked_for_at_once_is_done_in_one_transaction_and_each_gets_its_own(
    tmp_path: Path,
) -> None:
    got: dict[int, str | None] = {}
    async with RunStore(tmp_path / "run.sqlite") as store:

        async def there_and_back(at: int) -> None:
            await store.put("answer", str(at), f"value {at}")
            got[at] = await store.get("answer", str(at))

        async with anyio.create_task_group() as tasks:
            for at in range(500):
                tasks.start_soon(there_and_back, at)
        assert got == {at: f"value {at}" for at in range(500)}
        kept = await entries(store, "answer")
    assert kept == {str(at): f"value {at}" for at in range(500)}


async def test_what_waits_for_the_file_is_written_though_its_task_is_cancelled(
    tmp_path: Path,
) -> None:
    async with RunStore(tmp_path / "run.sqlite") as store:
        async with anyio.create_task_group() as tasks:
            for at in range(20):
                tasks.start_soon(store.put, "answer", str(at), "1")
            await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
        assert len(await entries(store, "answer")) == 20


async def test_behind_a_put_waits_for_nothing_and_is_found_and_written_with_others(
    tmp_path: Path,
) -> None:
    rounds: list[int] = []
    second = anyio.Event()

    class Counting(RunStore):
        async def carry(self, steps: list[Step]) -> list[Rows]:
            rounds.append(len(steps))
            if len(rounds) == 2:
                second.set()
            return await super().carry(steps)

    over: list[str] = []
    async with Counting(tmp_path / "run.sqlite") as store:
        with anyio.fail_after(30):
            async with store.behind(within=3600):
                for key in "abc":
                    await store.put("answer", key, f'"{key}"', over=partial(over.append, key))
                assert (rounds, over) == ([], [])
                assert await store.get("answer", "b") == '"b"'
                assert (rounds, over) == ([4], ["a", "b", "c"])
                await store.put("answer", "d", "1")
                store.hurry()
                await second.wait()
                await store.put("row", "e", "1")
            assert rounds == [4, 1, 1]
            await store.put("answer", "f", "1")
            assert rounds == [4, 1, 1, 1]
        assert set(await entries(store, "answer")) == set("abcdf")


async def test_what_is_put_behind_is_written_soon_and_when_the_block_is_cancelled(
    tmp_path: Path,
) -> None:
    async with RunStore(tmp_path / "run.sqlite") as store:
        written = anyio.Event()
        with anyio.fail_after(30):
            async with store.behind():
                await store.put("row", "a", "1", over=written.set)
                await written.wait()
        with anyio.CancelScope() as scope:
            async with store.behind(within=3600):
                await store.put("row", "b", "1")
                scope.cancel()
                await anyio.sleep_forever()
        assert await entries(store, "row") == {"a": "1", "b": "1"}


async def test_a_write_behind_that_fails_is_raised_by_the_next_put_and_at_the_end(
    tmp_path: Path,
) -> None:
    over: list[str] = []
    async with RunStore(tmp_path / "run.sqlite") as store:
        broken: Any = None
        with pytest.raises(ConfigurationError, match="cannot be"):
            async with store.behind(within=3600):
                await store.put("row", "a", broken, over=lambda: over.append("a"))
                with pytest.raises(ConfigurationError, match="cannot be"):
                    await store.get("row", "a")
                with pytest.raises(ConfigurationError, match="cannot be"):
                    await store.put("row", "b", "1", over=lambda: over.append("b"))
        assert over == ["a", "b"]
        assert await entries(store, "row") == {}


async def test_entries_are_read_page_by_page_in_the_order_of_writing(tmp_path: Path) -> None:
    many = 2 * PAGE + 1
    async with RunStore(tmp_path / "run.sqlite") as store:
        await store.put_all(("row", str(at), "old") for at in range(many))
        await store.put("row", "0", "new")
        read = [entry async for entry in store.each("row")]
    assert read == [("0", "new"), *((str(at), "old") for at in range(1, many))]


@pytest.mark.parametrize("kind", ["row", "answer"])
async def test_entries_that_belong_together_are_kept_all_or_none(kind: str, tmp_path: Path) -> None:
    async with RunStore(tmp_path / "run.sqlite") as store:
        broken: Any = [(kind, "a", "1"), (kind, "b", None)]
        with pytest.raises(ConfigurationError):
            await store.put_all(broken)
        assert await entries(store, kind) == {}
        assert await store.get(kind, "a") is None
        await store.put_all([(kind, "a", "2"), (kind, "a", "3")])
        assert await store.get_all(kind, ["a", "b"]) == ["3", None]
        assert await entries(store, kind) == {"a": "3"}


async def test_answers_are_found_and_replaced_wherever_the_index_of_their_keys_ends(
    tmp_path: Path,
) -> None:
    path, many, size = tmp_path / "run.sqlite", 40_000, 3_000
    keys = [sha256(b"%d" % at).hexdigest() for at in range(many)]
    async with RunStore(path) as store:
        for first in range(0, many, size):
            await store.put_all(("answer", key, "old") for key in keys[first : first + size])
    async with RunStore(path) as store:
        # Of those in the index, of those that are not, and one that is new.
        changed = {keys[0]: "a", keys[many // 2]: "b", keys[-1]: "c", "other": "d"}
        await store.put_all(("answer", key, value) for key, value in changed.items())
        assert await store.get_all("answer", changed) == list(changed.values())
        assert await store.get_all("answer", keys) == [changed.get(key, "old") for key in keys]
        assert await store.get("answer", "nothing") is None
        kept = [entry async for entry in store.each("answer")]
    assert [key for key, _ in kept] == [*keys, "other"]
    assert {key: value for key, value in kept if value != "old"} == changed


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="run.sqlite cannot be written: .*file"):
        async with RunStore(tmp_path / "file" / "run.sqlite"):
            pass


async def test_one_writes_and_others_may_read(tmp_path: Path) -> None:
    path = tmp_path / "run.sqlite"
    async with RunStore(path) as store:
        await store.put("answer", "k", "1")
        with pytest.raises(ConfigurationError, match="another process is writing"):
            async with RunStore(path):
                pass

        def read() -> list[tuple[str]]:
            reader = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
            try:
                return reader.execute("SELECT value FROM answer").fetchall()
            finally:
                reader.close()

        assert await anyio.to_thread.run_sync(read) == [("1",)]
        await store.put("answer", "l", "2")


@pytest.mark.behaviour("kept-answers-survive-a-kill")
def test_what_put_has_returned_from_outlives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "run.sqlite"
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    told = [process.stdout.readline() for _ in range(20)]
    process.kill()
    told += process.stdout.readlines()
    process.wait()
    process.stdout.close()

    async def kept() -> dict[str, str]:
        async with RunStore(path) as store:
            return await entries(store, "answer")

    assert {line.strip() for line in told if line.endswith("\n")} <= set(anyio.run(kept))


async def test_a_newer_schema_another_program_and_no_database_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.sqlite"
    async with RunStore(path):
        pass

    def change(statement: str) -> None:
        connection = sqlite3.connect(path)
        connection.execute(statement)
        connection.commit()
        connection.close()

    await anyio.to_thread.run_sync(change, f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    with pytest.raises(ConfigurationError, match=f"schema {SCHEMA_VERSION + 1}"):
        async with RunStore(path):
            pass
    await anyio.to_thread.run_sync(change, "PRAGMA application_id = 7")
    with pytest.raises(ConfigurationError, match="another program"):
        async with RunStore(path):
            pass
    other = tmp_path / "text.sqlite"
    await anyio.Path(other).write_text("not a database, but long enough to be taken for one" * 40)
    with pytest.raises(ConfigurationError, match="not a run of catsdk"):
        async with RunStore(other):
            pass


async def test_a_store_that_is_not_open_says_how_to_open_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="async with"):
        await RunStore(tmp_path / "run.sqlite").get("answer", "k")


async def test_a_damaged_page_is_an_error_that_names_the_file_and_the_fix(tmp_path: Path) -> None:
    path = tmp_path / "run.sqlite"
    async with RunStore(path) as store:
        for at in range(200):
            await store.put("answer", str(at), "x" * 500)

    def damage() -> None:
        whole = path.read_bytes()
        path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))

    await anyio.to_thread.run_sync(damage)
    with pytest.raises(ConfigurationError, match=r"run.sqlite is damaged .*\.recover"):
        async with RunStore(path) as store:
            await entries(store, "answer")


FULL = """
import resource, sys, anyio
from catsdk.core.errors import ConfigurationError
from catsdk.runs.store import RunStore

async def main():
    async with RunStore(sys.argv[1]) as store:
        await store.put("answer", "first", "1")
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
        try:
            for at in range(20):
                await store.put("answer", str(at), "x" * 50_000)
        except ConfigurationError as error:
            print(error)
        print(await store.get("answer", "first"))

anyio.run(main)
"""


def test_a_full_disk_is_an_error_that_names_the_file_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "run.sqlite"
    command = [sys.executable, "-c", FULL, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    told, first = done.stdout.splitlines()
    assert told.startswith(f"{path} cannot be")
    assert first == "1"


async def test_a_user_s_own_database_is_refused_and_not_changed(tmp_path: Path) -> None:
    path = tmp_path / "theirs.sqlite"

    def make() -> bytes:
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE theirs (x)")
        connection.commit()
        connection.close()
        return path.read_bytes()

    before = await anyio.to_thread.run_sync(make)
    with pytest.raises(ConfigurationError, match="another program"):
        async with RunStore(path):
            pass
    assert await anyio.Path(path).read_bytes() == before


async def test_a_lock_file_that_is_not_ours_is_named_and_left_alone(tmp_path: Path) -> None:
    lock = tmp_path / "run.sqlite.lock"
    await anyio.Path(lock).write_text("mine" * 100)
    with pytest.raises(ConfigurationError, match=r"run\.sqlite\.lock"):
        async with RunStore(tmp_path / "run.sqlite"):
            pass
    assert await anyio.Path(lock).read_text() == "mine" * 100
