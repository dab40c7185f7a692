"""Reads the items of a JSON list one at a time, so that a file may be larger than memory."""

from __future__ import annotations

import json
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Final, cast

from catsdk.core.errors import InvalidInputError

__all__ = ["LONGEST", "items_of", "not_utf8"]

LONGEST: Final = 64 * 2**20
"""The most characters of one item, so that a broken file is not read as one endless item."""
_PIECE: Final = 2**16
_SPACE: Final = " \t\n\r"


def items_of(file: BinaryIO, name: str) -> Iterator[object]:
    """The items of the JSON list that `file` holds.

    Args:
        file: A text in UTF-8.
        name: What errors call the file.

    Raises:
        InvalidInputError: it holds no list, or is not JSON or not UTF-8 from some line on.
    """
    text = _Text(file, name)
    if text.next() == "":
        return
    if text.next() != "[":
        raise InvalidInputError(_no_list(text))
    text.at += 1
    if text.next() != "]":
        while True:
            yield text.value()
            if text.next() == "]":
                break
            if text.next() != ",":
                raise text.broken("Expecting ',' or ']' after an item of the list")
            text.at += 1
    text.at += 1
    if text.next():
        raise text.broken("Extra data after the list")


def not_utf8(name: str, line: int, byte: int) -> str:
    """What is told of a file in another encoding.

    Args:
        name: What the file is called.
        line: The line of the byte, from 1.
        byte: The byte that is not part of UTF-8.
    """
    return f"{name}, line {line}, is not UTF-8: it has the byte {byte:#04x}; save the file as UTF-8"


class _Text:
    """The part of a text that was read and not used yet; `at` is the position in it."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self.name, self.at = name, 0
        self._file, self._read, self._lines, self._whole = file, "", 0, False
        self._decoder = getincrementaldecoder("utf-8")()

    def next(self) -> str:
        """Peek at the next character that is not a space; empty at the end."""
        while True:
            while self.at < len(self._read):
                if self._read[self.at] not in _SPACE:
                    return self._read[self.at]
                self.at += 1
            if not self._more():
                return ""

    def value(self) -> Any:
        """Parse the JSON value that begins here."""
        self.next()
        return self._parsed(json.JSONDecoder().raw_decode)

    def _parsed(self, parse: Callable[[str, int], tuple[Any, int]]) -> Any:
        while True:
            try:
                value, end = parse(self._read, self.at)
            except json.JSONDecodeError as error:
                # The value may only be cut off here.
                if len(self._read) - self.at > LONGEST or not self._more():
                    raise self.broken(error.msg, error.pos) from None
                continue
            except RecursionError:
                raise self.broken("it is nested too deep") from None
            # A number at the end of the buffer may continue.
            if end == len(self._read) and self._more():
                continue
            self.at = end
            return value

    def broken(self, why: str, at: int | None = None) -> InvalidInputError:
        line = self._lines + self._read.count("\n", 0, self.at if at is None else at) + 1
        return InvalidInputError(f"{self.name} is not JSON: {why}: line {line}")

    def _more(self) -> bool:
        """Read more, doubling the size for a long item, and drop what was used."""
        if self._whole:
            return False
        self._lines += self._read.count("\n", 0, self.at)
        self._read, self.at = self._read[self.at :], 0
        piece = self._file.read(max(_PIECE, len(self._read)))
        self._whole = not piece
        try:
            self._read += self._decoder.decode(piece, final=self._whole)
        except UnicodeDecodeError as error:
            line = self._lines + self._read.count("\n") + error.object.count(b"\n", 0, error.start)
            raise InvalidInputError(
                not_utf8(self.name, line + 1, error.object[error.start])
            ) from None
        return bool(self._read) if self._whole else True


def _no_list(text: _Text) -> str:
    value = text.value()
    if text.next():
        return f"{text.broken('Extra data')}; a file of one object a line is named .jsonl"
    held = f"{value!r:.40}"
    if isinstance(value, dict):
        names = ", ".join(cast("dict[str, object]", value)) or "nothing"
        held = f"one object with {names:.200}"
    return f"{text.name} holds {held}; write a list of rows"
