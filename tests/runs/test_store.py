"""The run store keeps every entry, lets one process write, and refuses what it cannot read."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from catsdk.core.errors import ConfigurationError
from catsdk.runs.store import SCHEMA_VERSION, RunStore

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
        assert await store.all("verdict") == {"k": "3"}


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
                return reader.execute("SELECT value FROM entries").fetchall()
            finally:
                reader.close()

        assert await anyio.to_thread.run_sync(read) == [("1",)]
        await store.put("answer", "l", "2")


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
            return await store.all("answer")

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
    with pytest.raises(ConfigurationError, match="schema 2"):
        async with RunStore(path):
            pass
    await anyio.to_thread.run_sync(change, "PRAGMA application_id = 7")
    with pytest.raises(ConfigurationError, match="another program"):
        async with RunStore(path):
            pass
    other = tmp_path / "text.sqlite"
    await anyio.Path(other).write_text("not a database, but long enough to be taken for one" * 40)
    with pytest.raises(ConfigurationError, match="no run of catsdk"):
        async with RunStore(other):
            pass


async def test_a_store_that_is_not_open_says_how_to_open_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="async with"):
        await RunStore(tmp_path / "run.sqlite").get("answer", "k")
