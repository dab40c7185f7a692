"""TextFile: the results of rows, in a file of the output folder instead of the run store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from typing import Any, Final, NamedTuple

from pydantic import JsonValue

from catsdk.batch.products import as_json
from catsdk.data.writing import writing

__all__ = ["TEXTS", "Entry", "TextFile"]

TEXTS: Final = "records.jsonl"


class Entry(NamedTuple):
    """What a row became, or why it failed.

    Args:
        at: Where its line begins in the file, in bytes.
        id: Names the row.
        records: Its records in the output.
        failure: Why it failed, as data.
    """

    at: int
    id: str
    records: list[dict[str, Any]]
    failure: dict[str, JsonValue] | None


class TextFile:
    """Lines that are only ever added; the store says which of them count.

    A line is there before the store names its place, so a process that is killed between the two
    leaves a line that counts for nothing, or half of one.

    Args:
        path: The file; it is made by the first line.
    """

    def __init__(self, path: Path) -> None:
        """Choose the file."""
        self.path = path
        self._lock = Lock()
        self._whole = False

    def add(
        self, id: str, records: list[dict[str, Any]], failure: dict[str, JsonValue] | None
    ) -> int:
        """Write what a row became, and give the place of its line.

        Args:
            id: Names the row.
            records: Its records in the output.
            failure: Why it failed, as data.

        Raises:
            ConfigurationError: the disk is full or fails.
        """
        line = json.dumps([id, records, failure], ensure_ascii=False, default=as_json) + "\n"
        with writing(self.path), self._lock, self.path.open("ab") as file:
            if not self._whole and file.tell():
                # A killed process may have left half a line.
                file.write(b"\n")
            self._whole = False
            at = file.tell()
            file.write(line.encode("utf-8", "backslashreplace"))
            file.flush()
            self._whole = True
        return at

    def entries(self) -> Iterator[Entry]:
        """All entries, those that do not count too, in the order of writing."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            at = 0
            for line in file:
                entry = _entry(at, line)
                if entry is not None:
                    yield entry
                at += len(line)

    def entry(self, at: int) -> Entry | None:
        """The entry whose line begins there; `None` if none does.

        Args:
            at: The place, in bytes.
        """
        try:
            with self.path.open("rb") as file:
                file.seek(at)
                return _entry(at, file.readline())
        except FileNotFoundError:
            return None


def _entry(at: int, line: bytes) -> Entry | None:
    try:
        id, records, failure = json.loads(line)
    except (TypeError, ValueError):
        # Half a line from a killed process, or a line that another program wrote.
        return None
    return Entry(at, id, records, failure)
