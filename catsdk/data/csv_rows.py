"""Reads rows of CSV: an error names its line, and the rows after it are still read."""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, Final, Self

from catsdk.core.errors import InvalidInputError
from catsdk.data.json_list import LONGEST, not_utf8
from catsdk.data.rows import Row, Wrong, row_of

__all__ = ["csv_rows"]

_LINE_ENDS: Final = re.compile(r"(?<=\r)(?!\n)")
# The characters that `surrogateescape` makes of bytes that are not UTF-8.
_ESCAPED: Final = re.compile("[\udc80-\udcff]")
_ESCAPES: Final = 0xDC00
_MARK: Final = "\ufeff"


class _Lines:
    """The lines of a file as `csv` needs them: a carriage return may end one, too.

    If a row cannot be parsed, all its lines but the first are read again: an unclosed quote
    swallows the rows after it.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._again = deque[str]()
        self._row: list[str] = []
        self.number = 0
        """That of the last line that was given, from 1."""

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        if not self._again:
            line = next(self._file).decode("utf-8", "surrogateescape")
            self._again.extend(_LINE_ENDS.split(line))
        # A file that was joined from several may have a byte order mark before each part.
        line = self._again.popleft().removeprefix(_MARK)
        self._row.append(line)
        self.number += 1
        return line

    def begin(self) -> None:
        """Start another row."""
        self._row.clear()

    def back(self) -> None:
        """Read the lines of the row again, except the first."""
        self._again.extendleft(reversed(self._row[1:]))
        self.number -= len(self._row) - 1


def csv_rows(file: BinaryIO, name: str, text: str) -> Iterator[Row | Wrong]:
    """The rows of `file`, whose first line has the names of the columns.

    Args:
        file: The bytes, without a byte order mark.
        name: What errors call it.
        text: The column of a row that is a text.

    Raises:
        InvalidInputError: the line of the names is wrong.
    """
    lines = _Lines(file)
    reader = csv.reader(lines, strict=True)
    names: Sequence[str] | None = None
    while True:
        lines.begin()
        cells, wrong = _next_of(reader)
        if wrong:
            lines.back()
        place = f"{name}, line {lines.number}"
        if wrong:
            wrong = f"{place}, is not CSV: {wrong}; quote a cell that holds a quote, and double it"
        elif cells is None:
            return
        elif not cells:
            continue
        else:
            wrong = _encoding(name, lines.number, cells) or _columns(place, names, cells)
        if names is not None:
            yield Wrong(place, wrong) if wrong else row_of(place, _row(names, cells), text)
        elif wrong:
            raise InvalidInputError(wrong)
        else:
            names = cells
            _check_heading(place, cells or ())


def _next_of(reader: Any) -> tuple[list[str] | None, str]:
    """The cells of the next row, or its error; `None` at the end."""
    # The limit is global to the process, and other code may rely on its own.
    before = csv.field_size_limit(LONGEST)
    try:
        return next(reader, None), ""
    except csv.Error as error:
        return None, str(error)
    finally:
        csv.field_size_limit(before)


def _encoding(name: str, line: int, cells: Sequence[str]) -> str:
    """The encoding error of a row; empty if there is none."""
    for cell in cells:
        # Nearly all cells are ASCII, which is cheap to check.
        if not cell.isascii() and (found := _ESCAPED.search(cell)):
            return not_utf8(name, line, ord(found[0]) - _ESCAPES)
    return ""


def _columns(place: str, names: Sequence[str] | None, cells: Sequence[str]) -> str:
    """The error in the number of cells of a row; empty if there is none."""
    if names is None or len(cells) == len(names):
        return ""
    there = "more" if len(cells) > len(names) else len(cells)
    return (
        f"{place}, has {there} cells where the first line names {len(names)}; quote cells that hold"
        " commas"
    )


def _row(names: Sequence[str], cells: Sequence[str] | None) -> dict[str, str]:
    return dict(zip(names, cells or (), strict=True))


def _check_heading(place: str, names: Sequence[str]) -> None:
    if any("\0" in name for name in names):
        raise InvalidInputError(
            f"{place}, contains the character NUL; save the file as UTF-8 if it is in UTF-16"
        )
    twice = [name for at, name in enumerate(names) if name in names[:at]]
    if twice:
        raise InvalidInputError(f"{place}, names the column {twice[0]!r} twice; rename one")
    if len(names) == 1 and any(mark in names[0] for mark in ";\t"):
        raise InvalidInputError(
            f"{place}, names one column, {names[0]!r:.80}; separate the cells by commas"
        )
