"""The rows of a data set, each with its place: JSONL, CSV, Parquet, Hugging Face, the box."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, cast

from catsdk.core.errors import InvalidInputError, MissingExtraError

__all__ = ["Row", "read_rows"]

BOX_PROBLEMS = 500


@dataclass(frozen=True, slots=True)
class Row:
    """One row by its columns, and where it stands, such as `data.jsonl, line 3`."""

    place: str
    values: Mapping[str, Any]


def read_rows(source: str, split: str | None = None, limit: int | None = None) -> list[Row]:
    """Read the rows of `source`, at most `limit`, in their order; see `read_items` for sources.

    Raises:
        InvalidInputError: there is no such data set, it has no rows, or it cannot be read.
        MissingExtraError: Parquet or a Hugging Face data set without `catsdk[data]`.
    """
    try:
        rows = list(islice(_rows(source, split, limit), limit))
    except (OSError, ValueError, EOFError, zlib.error, csv.Error, RecursionError) as error:
        # What readers of other packages raise where a file is cut or is something else.
        if isinstance(error, InvalidInputError):
            raise
        raise InvalidInputError(f"data set {source!r} cannot be read: {error}") from error
    if not rows:
        raise InvalidInputError(f"data set {source!r} has no rows")
    return rows


def _rows(source: str, split: str | None, limit: int | None) -> Iterator[Row]:
    if source.startswith("box:"):
        return _box(source, limit or BOX_PROBLEMS)
    if source.startswith("hf:"):
        return _from_hub(source, split)
    path = Path(source)
    if path.is_dir():
        return _numbered(source, _from_disk(path, split))
    if not path.is_file():
        raise InvalidInputError(
            f"no data set at {source!r}; give a file, a folder of datasets.save_to_disk, hf:NAME,"
            " or box:heldout"
        )
    return _from_file(path)


def _from_file(path: Path) -> Iterator[Row]:
    name = path.name.removesuffix(".gz")
    if name.endswith((".jsonl", ".ndjson")):
        return _json_lines(path)
    if name.endswith(".csv"):
        return _csv(path)
    if name.endswith(".parquet"):
        return _numbered(str(path), _parquet(path))
    raise InvalidInputError(
        f"{str(path)!r} is none of .jsonl, .csv and .parquet (the first two also with .gz)"
    )


def _numbered(source: str, rows: Iterable[Mapping[str, Any]]) -> Iterator[Row]:
    return (Row(f"{source}, row {at}", row) for at, row in enumerate(rows, start=1))


def _text(path: Path) -> str:
    raw = path.read_bytes()
    return (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8-sig")


def _json_lines(path: Path) -> Iterator[Row]:
    # Only "\n" ends a line of JSON: a text may hold what else Unicode takes for line ends.
    for number, line in enumerate(_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        place = f"{path}, line {number}"
        try:
            row: object = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InvalidInputError(f"{place}, is no JSON: {error}") from error
        if not isinstance(row, dict):
            raise InvalidInputError(f"{place}, is no JSON object")
        yield Row(place, cast("dict[str, Any]", row))


def _csv(path: Path) -> Iterator[Row]:
    reader = csv.DictReader(io.StringIO(_text(path), newline=""), strict=True)
    while True:
        try:
            row: dict[Any, Any] | None = next(reader, None)
        except csv.Error as error:
            raise InvalidInputError(
                f"{path}, line {reader.line_num}, is no CSV: {error}"
            ) from error
        if row is None:
            return
        place = f"{path}, line {reader.line_num}"
        if None in row or None in row.values():
            there = len(row) if None in row else sum(each is not None for each in row.values())
            raise InvalidInputError(
                f"{place}, has {'more' if None in row else there} cells where the first line names"
                f" {len(reader.fieldnames or ())}; quote cells that hold commas"
            )
        yield Row(place, row)


def _parquet(path: Path) -> list[Mapping[str, Any]]:
    rows: list[Mapping[str, Any]] = _optional("pyarrow.parquet").read_table(path).to_pylist()
    return rows


def _from_disk(path: Path, split: str | None) -> Iterable[Mapping[str, Any]]:
    return _split_of(_optional("datasets").load_from_disk(str(path)), split, str(path))


def _from_hub(source: str, split: str | None) -> Iterator[Row]:
    parts = source.removeprefix("hf:").split("/")
    config = parts[2] if len(parts) > 2 else None
    loaded = _optional("datasets").load_dataset("/".join(parts[:2]), config)
    return _numbered(source, _split_of(loaded, split, source))


def _split_of(loaded: Any, split: str | None, name: str) -> Iterable[Mapping[str, Any]]:
    """A data set, or the split of several that is named, or their only or `test` one."""
    if not isinstance(loaded, dict):
        return cast("Iterable[Mapping[str, Any]]", loaded)
    splits = cast("dict[str, Iterable[Mapping[str, Any]]]", loaded)
    chosen = split or ("test" if "test" in splits else next(iter(splits)))
    if chosen not in splits:
        raise InvalidInputError(f"{name} has no split {chosen!r}; it has {', '.join(splits)}")
    return splits[chosen]


def _optional(module: str) -> Any:
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"this data set needs {module}: pip install 'catsdk[data]'"
        ) from error


def _box(source: str, n: int) -> Iterator[Row]:
    from catsdk.providers import box_problems

    split, _, seed = source.removeprefix("box:").partition("@")
    try:
        pairs = box_problems(split, n, int(seed or 0))
    except ValueError as error:
        raise InvalidInputError(f"{source}: {error}") from error
    return _numbered(source, ({"prompt": p, "gold": gold, "id": p} for p, gold in pairs))
