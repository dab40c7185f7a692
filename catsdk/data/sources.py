"""Reads the rows of a data set from a file, a folder, the hub, the box or a list."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias, cast

from catsdk.core.errors import InvalidInputError
from catsdk.data.rows import Row, Wrong, numbered
from catsdk.data.tables import from_folder, from_hub, from_parquet, split_of
from catsdk.data.text_files import ENDINGS, from_text_file

__all__ = ["BOX_PROBLEMS", "FORMS", "Source", "each_row", "named", "read_rows"]

Source: TypeAlias = str | Path | Iterable[str | Mapping[str, Any]]
"""The name of a data set, or its rows: mappings from columns to cells, or the texts of prompts."""

BOX_PROBLEMS = 500
FORMS = (
    f"a file ({', '.join(ENDINGS)}, also with .gz, or .parquet), FOLDER[@SPLIT],"
    " hf:OWNER/NAME[:CONFIG][@SPLIT] or box:SPLIT[:SEED]"
)
"""The names that a source can have, for help and errors."""

_COPIES = {
    "s3": "aws s3 cp {} .",
    "s3a": "aws s3 cp {} .",
    "gs": "gcloud storage cp {} .",
    "hdfs": "hdfs dfs -get {} .",
    "http": "curl -LO {}",
    "https": "curl -LO {}",
}
"""How a file of another machine is copied here, by the scheme of its address."""


def read_rows(
    source: Source,
    *,
    splits: Sequence[str] = ("test",),
    text: str = "prompt",
    limit: int | None = None,
) -> list[Row]:
    """Read the rows of `source`, at most `limit`, in their order.

    Args:
        source: A name: a file (`.jsonl` or `.ndjson`, `.json`, `.csv`, each also with `.gz`, or
            `.parquet`); `FOLDER[@SPLIT]`, a folder that `datasets.save_to_disk` wrote or that holds
            such files; `hf:OWNER/NAME[:CONFIG][@SPLIT]`, a data set of the Hugging Face hub; or
            `box:SPLIT[:SEED]`, problems of the model in the box (500, unless `limit` says
            otherwise). Or the rows themselves: a list, a `datasets.Dataset`. A row is a mapping
            from columns to cells, or a text.
        splits: Where the name says none of several splits: the first of these that is there.
        text: The column of a row that is a text.
        limit: The most rows.

    Returns:
        The rows, each with its place.

    Raises:
        InvalidInputError: there is no such data set, it has no rows, or it cannot be read; the
            message names the file and, where there is one, the line.
        MissingExtraError: a folder, Parquet or the hub without the extra `data`.

    Example:
        >>> from catsdk.data import read_rows
        >>> read_rows(["2+2?", {"prompt": "3+3?", "answer": 6}])[1].values
        {'prompt': '3+3?', 'answer': 6}
    """
    rows: list[Row] = []
    for row in each_row(source, splits=splits, text=text, limit=limit):
        if isinstance(row, Wrong):
            raise InvalidInputError(row.cause)
        rows.append(row)
    return rows


def each_row(
    source: Source,
    *,
    splits: Sequence[str] = ("test",),
    text: str = "prompt",
    limit: int | None = None,
) -> Iterator[Row | Wrong]:
    """Read the rows of `source` one after another; a wrong one does not end them.

    Args:
        source: As for `read_rows`.
        splits: As for `read_rows`.
        text: The column of a row that is a text.
        limit: The most rows.

    Returns:
        The rows, and for each invalid row, what is wrong with it.

    Raises:
        InvalidInputError: there is no such data set, it has no rows, or it cannot be read as a
            whole.
        MissingExtraError: a folder, Parquet or the hub without the extra `data`.

    Example:
        >>> from catsdk.data import each_row
        >>> [row.place for row in each_row(["2+2?", "3+3?"])]
        ['row 0 (from 0)', 'row 1 (from 0)']
    """
    none = True
    try:
        for row in islice(_rows(source, splits, text, limit), limit):
            none = False
            yield row
    except (OSError, ValueError, EOFError, zlib.error, csv.Error, RecursionError) as error:
        # Errors that the readers of other packages raise for a truncated or foreign file.
        if isinstance(error, InvalidInputError):
            raise
        raise InvalidInputError(f"{named(source)} cannot be read: {error}") from error
    if none:
        raise InvalidInputError(f"{named(source)} has no rows")


def named(source: Source) -> str:
    """What errors call `source`."""
    return f"the data set {str(source)!r}" if isinstance(source, str | Path) else "the data set"


def _rows(
    source: Source, splits: Sequence[str], text: str, limit: int | None
) -> Iterator[Row | Wrong]:
    if isinstance(source, str | Path):
        return _named_rows(str(source), splits, text, limit)
    return numbered("", _given(source, splits), text)


def _named_rows(
    source: str, splits: Sequence[str], text: str, limit: int | None
) -> Iterator[Row | Wrong]:
    if "://" in source:
        raise InvalidInputError(_not_here(source))
    if source.startswith("box:"):
        return _from_box(source, text, limit or BOX_PROBLEMS)
    if source.startswith("hf:"):
        name, split = _split_off(source.removeprefix("hf:"))
        return numbered(source, from_hub(name, split, splits), text)
    name, split = _split_off(source)
    path = Path(name).expanduser()
    if path.is_dir():
        return numbered(source, from_folder(path, split, splits), text)
    if not path.is_file():
        if source == "-" or path.exists():
            raise InvalidInputError(
                f"{source!r} is not a regular file and can be read only once; write the rows to"
                " one, such as rows.jsonl, and give its name"
            )
        hint = f"; one on the hub is hf:{source}" if source.count("/") == 1 else ""
        raise InvalidInputError(f"there is no data set at {source!r}; give {FORMS}{hint}")
    if split is not None:
        raise InvalidInputError(f"{name!r} is a file, which has no split {split!r}")
    if path.name.endswith(".parquet"):
        return numbered(str(path), from_parquet(path), text)
    return from_text_file(path, text)


def _not_here(source: str) -> str:
    """A hint for a data set on another machine."""
    scheme, _, rest = source.partition("://")
    if scheme == "hf":
        return f"a data set of the hub is named hf:OWNER/NAME, not {source!r}"
    name = rest.rstrip("/").rpartition("/")[2] or "data.jsonl"
    how = _COPIES.get(scheme, f"with the tools of {scheme}:// or with fsspec").format(source)
    return (
        f"the data set {source!r} is not on this machine; copy it here first ({how}) and give"
        f" {name!r}, or mount it as a folder"
    )


def _split_off(name: str) -> tuple[str, str | None]:
    """Split a name at its last `@`, unless it is an existing path that contains one."""
    before, at, split = name.rpartition("@")
    if not at or Path(name).expanduser().exists():
        return name, None
    if not before or not split:
        raise InvalidInputError(f"{name!r} names no data set or no split; write NAME@SPLIT")
    return before, split


def _given(source: object, splits: Sequence[str]) -> Iterable[object]:
    """Rows that were passed as an object; raise for an iterable that does not hold rows."""
    kind, frame = type(source).__name__, hasattr(source, "iterrows")
    if isinstance(source, Mapping):
        tables = cast("Mapping[str, Any]", source)
        if tables and all(hasattr(table, "column_names") for table in tables.values()):
            return split_of(tables, None, splits, "the data set")
    if isinstance(source, bytes | Mapping) or frame or not isinstance(source, Iterable):
        fix = "frame.to_dict('records')" if frame else "a list of texts, or of one mapping a row"
        raise InvalidInputError(f"the data set is of the type {kind}; give {fix}")
    return cast("Iterable[object]", source)


def _from_box(source: str, text: str, n: int) -> Iterator[Row | Wrong]:
    # Imported by name, since this package must not depend on the providers.
    box_problems = import_module("catsdk_providers.box.problems").box_problems
    split, _, seed = source.removeprefix("box:").partition(":")
    try:
        pairs = box_problems(split, n, int(seed or 0))
    except ValueError as error:
        raise InvalidInputError(f"{source}: {error}; write box:SPLIT or box:SPLIT:SEED") from error
    return numbered(source, ({text: p, "gold": gold, "id": p} for p, gold in pairs), text)
