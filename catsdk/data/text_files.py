"""Reads rows of JSON lines, JSON and CSV, plain or compressed, with the line of each error.

Rows are read one after another: memory holds one of them, whatever the size of the file.
"""

from __future__ import annotations

import codecs
import gzip
import json
import sys
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from catsdk.core.errors import InvalidInputError
from catsdk.data.csv_rows import csv_rows
from catsdk.data.json_list import LONGEST, items_of, not_utf8
from catsdk.data.rows import Row, Wrong, row_of

__all__ = ["ENDINGS", "from_text_file"]

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
        " .parquet; rename the file after its format"
    )


@contextmanager
def _opened(path: Path) -> Generator[BinaryIO]:
    """Open a text file as bytes, decompressed if it is gzip, without a byte order mark.

    Raises:
        InvalidInputError: it is not text in UTF-8.
        OSError: it cannot be read.
    """
    with ExitStack() as exits:
        raw = exits.enter_context(path.open("rb"))
        file: Any = raw
        if raw.peek(2).startswith(_GZIP) or path.suffix == ".gz":
            file = exits.enter_context(gzip.GzipFile(fileobj=raw))
        head: bytes = file.peek(4)
        if head.startswith(b"PAR1"):
            raise InvalidInputError(f"{path} is Parquet; name it {path.stem}.parquet")
        if head.startswith(_WIDE):
            raise InvalidInputError(f"{path} is in UTF-16 or UTF-32; save it as UTF-8")
        if head.startswith(codecs.BOM_UTF8):
            file.read(len(codecs.BOM_UTF8))
        yield file


def _json_lines(path: Path, text: str) -> Iterator[Row | Wrong]:
    with _opened(path) as file:
        number = 0
        # Only "\n" ends a line of JSON: a text may contain Unicode's other line ends.
        while line := file.readline(LONGEST):
            number += 1
            whole = line.endswith(b"\n") or len(line) < LONGEST
            if not whole:
                _skip_line(file)
            if line.strip():
                yield _json_line(str(path), number, line, text, whole=whole)


def _skip_line(file: BinaryIO) -> None:
    while (rest := file.readline(LONGEST)) and not rest.endswith(b"\n"):
        pass


def _json_line(name: str, number: int, line: bytes, text: str, *, whole: bool) -> Row | Wrong:
    place = f"{name}, line {number}"
    if not whole:
        return Wrong(
            place,
            f"{place}, is longer than {LONGEST // 2**20} MiB; a row is one line, and a file of one"
            " JSON list is named .json",
        )
    try:
        # A file that was joined from several may have a byte order mark before each part.
        parsed: object = json.loads(line.removeprefix(codecs.BOM_UTF8).decode())
    except UnicodeDecodeError as error:
        return Wrong(place, not_utf8(name, number, error.object[error.start]))
    except (ValueError, RecursionError) as error:
        begun = line.lstrip()[:1] == b"[" or line.strip() == b"{"
        hint = "a file of one JSON list is named .json" if begun else "write one object a line"
        return Wrong(place, f"{place}, is not JSON: {_why(error)}; {hint}")
    return row_of(place, parsed, text)


def _why(error: Exception) -> str:
    """The error in a line of JSON, with its column in that line."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.pos + 1}"
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    return f"a number has more than {sys.get_int_max_str_digits():,} digits; write it as a text"


def _json(path: Path, text: str) -> Iterator[Row | Wrong]:
    with _opened(path) as file:
        for at, row in enumerate(items_of(file, str(path))):
            yield row_of(f"{path}, row {at} (from 0)", row, text)


def _csv(path: Path, text: str) -> Iterator[Row | Wrong]:
    with _opened(path) as file:
        yield from csv_rows(file, str(path), text)
