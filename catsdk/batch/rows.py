"""The rows of a batch: each with its id and prompt, or with the reason why it is invalid."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, cast
from zlib import crc32

from catsdk.batch.plan import Plan
from catsdk.batch.seen import Seen
from catsdk.core.errors import InvalidInputError
from catsdk.core.types import Message
from catsdk.data import Columns, Row, Source, each_row
from catsdk.data.columns import id_in, messages_in

__all__ = ["BatchRow", "Refused", "differences", "rows_of"]

# The fields of a line in a file for OpenAI's batch API.
_REQUEST = ("custom_id", "body")
NUL = "\0"
PATIENCE = 100
"""Rows without the columns that are looked for, after which no other is read."""
MARK = 4
"""Hexadecimal digits of the mark of a column."""


@dataclass(frozen=True, slots=True)
class BatchRow:
    """A row that can be worked on.

    Args:
        id: Names the row in the output; that of its column, else a digest of the whole row.
        place: Where it stands, such as `data.jsonl, line 3`.
        prompt: The messages of a chat.
        values: All its cells, which are carried through.
        digest: Tells whether the row was edited.
        cells: Its cells as JSON texts, in the order of their names.
    """

    id: str
    place: str
    prompt: tuple[Message, ...]
    values: Mapping[str, Any]
    digest: str
    cells: tuple[str, ...]

    @property
    def marks(self) -> str:
        """A few digits for each column in the order of their names, to tell which was edited."""
        return "".join(map(_mark, self.cells))


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that is not sent.

    Args:
        place: Where it stands.
        cause: What is wrong with it, and the fix.
        id: Its id, where it has one.
    """

    place: str
    cause: str
    id: str | None = None


@dataclass
class _Reading:
    """The state of reading a source."""

    plan: Plan
    seen: Seen
    prompt: str | None = None
    id: str | None = None
    without: list[InvalidInputError] = field(default_factory=list[InvalidInputError])


def rows_of(source: Source, plan: Plan, limit: int | None = None) -> Iterator[BatchRow | Refused]:
    """Read the rows of `source` one by one; memory holds none of those before.

    Args:
        source: The data set, see `catsdk.data.read_rows`; also a file of OpenAI's batch API.
        plan: Says which columns hold prompt and id, and which are added.
        limit: The most rows.

    Raises:
        InvalidInputError: there is no such data set, a column that is named is missing in its
            first row, or a column has the name of one that is added.
    """
    with Seen() as seen:
        reading = _Reading(plan, seen)
        for row in each_row(source, text=plan.columns.text, limit=limit):
            if isinstance(row, Row):
                yield _read(row, reading)
            else:
                yield Refused(row.place, row.cause)
        if reading.prompt is None and reading.without:
            raise reading.without[0]


def _read(row: Row, reading: _Reading) -> BatchRow | Refused:
    values = row.values
    if "body" in values:
        values = _opened(values)
        row = Row(row.place, values)
    if reading.prompt is None:
        try:
            _find_columns(values, reading, row.place)
        except InvalidInputError as error:
            # A few rows may lack the column; if all do, its name is wrong.
            reading.without.append(error)
            if len(reading.without) >= PATIENCE:
                raise reading.without[0] from None
            return Refused(row.place, str(error))
        _check_names(values, reading, row.place)
    name: str | None = None
    try:
        cells = _cells(values)
        digest = _digest(cells)
        name = digest if reading.id is None else _checked("id", id_in(row, reading.id))
        prompt = messages_in(row, reading.prompt or "")
        _check_text(prompt, reading.plan.longest)
    except InvalidInputError as error:
        return Refused(row.place, str(error), name)
    there = reading.seen.first(name, row.place)
    if there is not None:
        what = "the same row" if reading.id is None else f"the id {name!r:.80}"
        return Refused(row.place, f"{what} is already at {there}; give each row once", name)
    return BatchRow(name, row.place, prompt, values, digest, tuple(cells.values()))


def differences(row: BatchRow, marks: str) -> str:
    """How a row differs from one that had these `marks`, in words.

    Args:
        row: The row as it is now.
        marks: Those of the row as it was.
    """
    before, now = len(marks) // MARK, len(row.marks) // MARK
    if before != now:
        return f"it had {before} columns, and has {now} now ({', '.join(sorted(row.values))})"
    names = [
        repr(name)
        for at, name in enumerate(sorted(row.values))
        if marks[MARK * at : MARK * (at + 1)] != row.marks[MARK * at : MARK * (at + 1)]
    ]
    if not names:
        return "its columns have other names"
    return f"{'columns' if len(names) > 1 else 'the column'} {', '.join(names)} differ" + (
        "" if len(names) > 1 else "s"
    )


def _opened(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The id and the messages of a request for OpenAI's batch API; other rows as they are."""
    body: object = values.get("body")
    if not all(name in values for name in _REQUEST) or not isinstance(body, dict):
        return values
    messages = cast("dict[str, Any]", body).get("messages")
    return {"id": values["custom_id"], "messages": messages}


def _find_columns(values: Mapping[str, Any], reading: _Reading, place: str) -> None:
    plan = reading.plan
    found = Columns(prompt=plan.columns.prompt, id=plan.columns.id).found_in(
        [Row(place, values)], place
    )
    reading.prompt, reading.id = found.prompt, found.id


def _check_names(values: Mapping[str, Any], reading: _Reading, place: str) -> None:
    plan = reading.plan
    added = {"id", *plan.fields} - {reading.prompt, reading.id}
    clash = [name for name in values if name in added]
    if clash:
        raise InvalidInputError(
            f"{place}: the column {clash[0]!r} has the name of a column that is added for"
            f" {plan.produces!r}; rename it, or leave it out"
        )


def _cells(values: Mapping[str, Any]) -> dict[str, str]:
    """The cells as JSON texts, in the order of their names."""
    try:
        return {
            name: json.dumps(values[name], sort_keys=True, ensure_ascii=False, default=str)
            for name in sorted(values)
        }
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInputError(f"the row cannot be written as JSON: {error}") from error


def _digest(cells: Mapping[str, str]) -> str:
    digest = sha256()
    for name, cell in cells.items():
        try:
            digest.update(f"{name}\0{cell}\0".encode())
        except UnicodeEncodeError as error:
            raise InvalidInputError(
                f"column {name!r:.80} contains half of a character, {error.object[error.start]!r},"
                " which can be neither written to a file nor sent to a model; write the whole"
                " character, or remove it"
            ) from None
    return digest.hexdigest()[:32]


def _mark(cell: str) -> str:
    return f"{crc32(cell.encode()) % 16**MARK:0{MARK}x}"


def _check_text(prompt: tuple[Message, ...], longest: int) -> None:
    length = 0
    for message in prompt:
        length += len(_checked("prompt", message.text))
    if length > longest:
        raise InvalidInputError(
            f"the prompt has {length:,} characters; the most is {longest:,}. Shorten it, or raise"
            " the limit (longest=, --longest)"
        )


def _checked(what: str, text: str) -> str:
    """Return a text without NUL, at which some programs would cut it off."""
    if NUL in text:
        at = text.index(NUL)
        raise InvalidInputError(
            f"the {what} contains the character NUL, after {text[max(0, at - 20) : at]!r}; remove"
            " it, or save the file as UTF-8 if it is in UTF-16"
        )
    return text
