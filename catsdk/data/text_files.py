"""Rows of text files: JSON lines, JSON and CSV, plain or compressed; what is wrong has its line."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from catsdk.core.errors import InvalidInputError
from catsdk.data.rows import Row, Wrong, row_of

__all__ = ["ENDINGS", "from_text_file", "text_of"]

ENDINGS = (".jsonl", ".ndjson", ".json", ".csv")
_GZIP = b"\x1f\x8b"
_WIDE = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def from_text_file(path: Path, text: str) -> Iterator[Row | Wrong]:
    """The rows of `path`, whose name ends in one of `ENDINGS`, or in one of them and `.gz`.

    Args:
        path: The file.
        text: The column of a row that is a text.

    Returns:
        The rows; what is wrong on one line is in their place, and does not end them.

    Raises:
        InvalidInputError: the name ends otherwise, or the file as a whole is something else.
    """
    name = path.name.lower().removesuffix(".gz")
    if name.endswith((".jsonl", ".ndjson")):
        return _json_lines(path, text)
    if name.endswith(".json"):
        return _json(path, text)
    if name.endswith(".csv"):
        return _csv(path, text)
    raise InvalidInputError(
        f"the name {str(path)!r} ends in none of {', '.join(ENDINGS)} (each also with .gz) and"
        " .parquet; name the file by what it holds"
    )


def text_of(path: Path) -> str:
    """The text of a file in UTF-8, without a byte order mark, decompressed where it is gzip.

    Raises:
        InvalidInputError: it is in another encoding; the message names the line.
        OSError: it cannot be read.
    """
    raw = path.read_bytes()
    if raw.startswith(_GZIP) or path.suffix == ".gz":
        raw = gzip.decompress(raw)
    if raw.startswith(b"PAR1"):
        raise InvalidInputError(f"{path} is Parquet; name it {path.stem}.parquet")
    if raw.startswith(_WIDE):
        raise InvalidInputError(f"{path} is in UTF-16 or UTF-32; save it as UTF-8")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise InvalidInputError(
            f"{path}, line {line}, is not UTF-8: it has the byte {raw[error.start]:#04x}; save the"
            " file as UTF-8"
        ) from None


def _json_lines(path: Path, text: str) -> Iterator[Row | Wrong]:
    # Only "\n" ends a line of JSON: a text may hold what else Unicode takes for line ends.
    for number, line in enumerate(text_of(path).split("\n"), start=1):
        if line.strip():
            yield _json_line(f"{path}, line {number}", line, text)


def _json_line(place: str, line: str, text: str) -> Row | Wrong:
    try:
        parsed: object = json.loads(line)
    except (ValueError, RecursionError) as error:
        whole = line.lstrip()[:1] == "[" or line.strip() == "{"
        hint = "; a file of one JSON list is named .json" if whole else ""
        return Wrong(place, f"{place}, is not JSON: {error}{hint}")
    return row_of(place, parsed, text)


def _json(path: Path, text: str) -> Iterator[Row | Wrong]:
    try:
        parsed: object = json.loads(text_of(path) or "[]")
    except (json.JSONDecodeError, RecursionError) as error:
        lines = isinstance(error, json.JSONDecodeError) and error.msg == "Extra data"
        hint = "; a file of one object a line is named .jsonl" if lines else ""
        raise InvalidInputError(f"{path} is not JSON: {error}{hint}") from None
    if not isinstance(parsed, list):
        raise InvalidInputError(f"{path} holds {_kind(parsed)}; write a list of rows")
    for at, row in enumerate(cast("list[object]", parsed)):
        yield row_of(f"{path}, row {at} (from 0)", row, text)


def _kind(parsed: object) -> str:
    if isinstance(parsed, dict):
        return f"one object with {', '.join(cast('dict[str, object]', parsed)) or 'nothing'}"
    return f"{parsed!r:.40}"


def _csv(path: Path, text: str) -> Iterator[Row | Wrong]:
    reader = csv.DictReader(io.StringIO(text_of(path), newline=""), strict=True)
    while True:
        try:
            row: dict[Any, Any] | None = next(reader, None)
        except csv.Error as error:
            raise InvalidInputError(
                f"{path}, line {reader.line_num}, is not CSV: {error}"
            ) from None
        if row is None:
            return
        names = reader.fieldnames or ()
        _check_heading(path, names)
        place = f"{path}, line {reader.line_num}"
        if None in row or None in row.values():
            there = len(row) if None in row else sum(each is not None for each in row.values())
            yield Wrong(
                place,
                f"{place}, has {'more' if None in row else there} cells where the first line names"
                f" {len(names)}; quote cells that hold commas",
            )
            continue
        yield row_of(place, row, text)


def _check_heading(path: Path, names: Any) -> None:
    twice = [name for at, name in enumerate(names) if name in names[:at]]
    if twice:
        raise InvalidInputError(f"{path}, line 1, names the column {twice[0]!r} twice; rename one")
    if len(names) == 1 and any(mark in names[0] for mark in ";\t"):
        raise InvalidInputError(
            f"{path}, line 1, names one column, {names[0]!r:.80}; separate the cells by commas"
        )
