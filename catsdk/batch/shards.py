"""Writes records to files of a bounded size, JSON lines or Parquet: all files or none."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from math import isfinite
from pathlib import Path
from typing import Any, Final, Literal, cast

from catsdk.batch.parquet_columns import Columns
from catsdk.data.writing import writing

__all__ = ["SHARD", "Format", "Shards"]

Format = Literal["jsonl", "parquet"]
SHARD: Final = 10_000
_NEW: Final = ".new"


class Shards:
    """Files `part-00000.jsonl`, `part-00001.jsonl` ..., which replace those of an earlier run.

    Records are handed in as they are read; nothing in the folder changes until `finish`.

    Args:
        folder: Where the files are; it must be there.
        format: `jsonl`, or `parquet`, in which a column that holds values of several kinds is
            written as JSON text.
        size: Records in a file.

    Raises:
        MissingExtraError: Parquet without the extra `data`.
    """

    def __init__(self, folder: Path, format: Format = "jsonl", size: int = SHARD) -> None:
        """Start without a file; remove what an unfinished run left."""
        self.folder, self.format, self.size = folder, format, size
        self.count = 0
        self._buffer: list[dict[str, Any]] = []
        self._parts: list[Path] = []
        self._columns = Columns() if format == "parquet" else None
        for left in folder.glob(f"part-*{_NEW}"):
            left.unlink()

    def add_all(self, records: Iterable[dict[str, Any]]) -> None:
        """Take in records; a full file is written.

        Raises:
            ConfigurationError: the disk is full or fails.
        """
        for record in records:
            self._buffer.append(record)
            self.count += 1
            if len(self._buffer) >= self.size:
                self._write()

    def finish(self) -> list[Path]:
        """Write what is left, and put the new files in the place of the old ones.

        Returns:
            The files.

        Raises:
            ConfigurationError: the disk is full or fails.
        """
        if self._buffer:
            self._write()
        if self._columns is not None:
            self._parts = [self._as_parquet(part, self._columns) for part in self._parts]
        old = {*self.folder.glob("part-*.jsonl"), *self.folder.glob("part-*.parquet")}
        written: list[Path] = []
        for at, part in enumerate(self._parts):
            written.append(part.replace(self.folder / f"part-{at:05}.{self.format}"))
        for path in old - set(written):
            path.unlink()
        return written

    def _write(self) -> None:
        path = self.folder / f"part-{len(self._parts):05}.jsonl{_NEW}"
        with (
            writing(path),
            path.open("w", encoding="utf-8", errors="surrogatepass") as lines,
        ):
            line = _line if self._columns is None else _exact_line
            lines.writelines(map(line, self._buffer))
        if self._columns is not None:
            self._columns.see(self._buffer)
        self._parts.append(path)
        self._buffer = []

    def _as_parquet(self, part: Path, columns: Columns) -> Path:
        """Convert the files at the end, when their common schema is known."""
        path = self.folder / f"{part.name.partition('.')[0]}.parquet{_NEW}"
        with writing(path):
            columns.write(list(_read(part)), path)
        part.unlink()
        return path


def _line(record: dict[str, Any]) -> str:
    """A record as JSON, in which NaN and infinity become `null`."""
    try:
        return json.dumps(record, ensure_ascii=False, default=str, allow_nan=False) + "\n"
    except ValueError:
        return _exact_line(_finite(json.loads(_exact_line(record))))


def _exact_line(record: dict[str, Any]) -> str:
    """A record in Python's JSON, which keeps NaN and infinity."""
    return json.dumps(record, ensure_ascii=False, default=str) + "\n"


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_finite(each) for each in cast("list[object]", value)]
    return value


def _read(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8", errors="surrogatepass") as lines:
        for line in lines:
            yield json.loads(line)
