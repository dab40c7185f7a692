"""Columns: names the columns of the prompt, the known answer, the rubric and the id."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from catsdk.answers.extract.golds import gold_cells
from catsdk.core.errors import InvalidInputError
from catsdk.core.inputs import check_prompt
from catsdk.core.messages import Message
from catsdk.data.rows import Row

__all__ = [
    "CRITERIA",
    "GOLDS",
    "IDS",
    "PROMPTS",
    "Columns",
    "gold_in",
    "id_in",
    "ids_of",
    "messages_in",
    "prompt_in",
]

PROMPTS = ("prompt", "messages", "problem", "question", "input", "instruction")
GOLDS = ("gold", "answer", "answers", "target", "label", "solution", "reference")
CRITERIA = ("criteria", "rubric", "rubrics")
IDS = ("id", "unique_id", "uuid")


@dataclass(frozen=True, slots=True)
class Columns:
    """The names of the columns; `None` takes the first that is there of the usual ones.

    Args:
        prompt: The prompt, a text or a chat: `prompt`, `messages`, `problem`, `question`, `input`
            or `instruction`.
        gold: The known answer, one or a list of accepted ones: `gold`, `answer`, `answers`,
            `target`, `label`, `solution` or `reference`.
        criteria: A rubric: `criteria`, `rubric` or `rubrics`.
        id: What names the row, unique in the data set: `id`, `unique_id` or `uuid`.

    Example:
        >>> from catsdk.data import Columns, read_rows
        >>> rows = read_rows([{"question": "2+2?", "right": 4}])
        >>> Columns(gold="right").found_in(rows, "the data")
        Columns(prompt='question', gold='right', criteria=None, id=None)
    """

    prompt: str | None = None
    gold: str | None = None
    criteria: str | None = None
    id: str | None = None

    @property
    def text(self) -> str:
        """The column of a row that is a text."""
        return self.prompt or PROMPTS[0]

    def found_in(self, rows: Sequence[Row], source: str) -> Columns:
        """The columns that are there; only that of the prompt must be.

        Args:
            rows: All rows: a column may be missing in those that have nothing to say there.
            source: What they are rows of, for errors.

        Returns:
            The name of each column, `None` for those that are not there.

        Raises:
            InvalidInputError: a column that is named is missing, or there is no prompt.
        """
        there = list(dict.fromkeys(name for row in rows for name in row.values))
        prompt = _found(self.prompt, PROMPTS, "prompt", there, source)
        if prompt is None:
            raise InvalidInputError(
                f"{source} has none of the columns {', '.join(PROMPTS)}; it has"
                f" {', '.join(there)}. Name the one with the prompts: --prompt-column NAME,"
                " `prompt` in the config of a training, Columns(prompt=NAME) in Python"
            )
        return Columns(
            prompt,
            _found(self.gold, GOLDS, "gold", there, source),
            _found(self.criteria, CRITERIA, "criteria", there, source),
            _found(self.id, IDS, "id", there, source),
        )


def _found(
    name: str | None, usual: Iterable[str], what: str, there: Sequence[str], source: str
) -> str | None:
    if name is None:
        return next((each for each in usual if each in there), None)
    if name not in there:
        close = get_close_matches(name, there, n=1)
        meant = f"; is it {close[0]!r}?" if close else ""
        raise InvalidInputError(
            f"{source} has no {what} column {name!r}; it has {', '.join(there)}{meant}"
        )
    return name


def prompt_in(row: Row, column: str) -> Any:
    """The prompt of a row: a text, or the messages of a chat, which a text of JSON may hold.

    Raises:
        InvalidInputError: it is missing, empty or not a chat; the message says where.
    """
    prompt = _given(row, column)
    _checked(prompt, row, column)
    return prompt


def messages_in(row: Row, column: str) -> tuple[Message, ...]:
    """The prompt of a row as messages.

    Raises:
        InvalidInputError: as `prompt_in`.
    """
    return _checked(_given(row, column), row, column)


def _checked(prompt: Any, row: Row, column: str) -> tuple[Message, ...]:
    try:
        return check_prompt(prompt)
    except InvalidInputError as error:
        raise InvalidInputError(f"{row.place}, column {column!r}: {error}") from error


def _given(row: Row, column: str) -> Any:
    prompt = row.values.get(column)
    if prompt is None:
        there = ", ".join(name for name, cell in row.values.items() if cell is not None)
        raise InvalidInputError(
            f"{row.place}: there is nothing in the column {column!r} (only in {there or 'none'});"
            " fill it, or leave the row out"
        )
    if column == "messages" and isinstance(prompt, str):
        prompt = _chat(prompt)
    return prompt


def _chat(text: str) -> Any:
    """Parse a chat that a text cell, such as in a CSV file, holds as JSON; else return the text."""
    try:
        chat: object = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return chat if isinstance(chat, list) else text  # pyright: ignore[reportUnknownVariableType]


def gold_in(row: Row, column: str | None) -> str | tuple[str, ...] | None:
    """The known answer of a row as the data has it, or all that are accepted.

    Raises:
        InvalidInputError: it is neither a text nor a number; the message says where.
    """
    value = row.values.get(column) if column else None
    try:
        cells = [str(cell).strip() for cell in gold_cells(value)]
    except TypeError as error:
        raise InvalidInputError(
            f"{row.place}, column {column!r}: the gold answer is {value!r:.80}; give a text or a"
            " number, or a list of those that are accepted, or name another column"
        ) from error
    return tuple(cells) if len(cells) > 1 else next(iter(cells), None)


def id_in(row: Row, column: str) -> str:
    """The id of a row.

    Raises:
        InvalidInputError: it is missing, or neither a text nor a whole number; the message says
            where.
    """
    value = row.values.get(column)
    if value is None or value == "" or isinstance(value, bool) or not isinstance(value, str | int):
        raise InvalidInputError(
            f"{row.place}, column {column!r}: the id is {value!r:.80}; give a text or a whole"
            " number"
        )
    return str(value)


def ids_of(rows: Sequence[Row], column: str | None) -> list[str]:
    """The id of each row; without a column its position, from 0.

    Raises:
        InvalidInputError: one is missing, or stands twice; the message names both places.
    """
    if column is None:
        return [str(at) for at in range(len(rows))]
    places: dict[str, str] = {}
    for row in rows:
        name = id_in(row, column)
        if name in places:
            raise InvalidInputError(
                f"{row.place}: the id {name!r:.80} is already used at {places[name]}; give each row"
                " its own"
            )
        places[name] = row.place
    return list(places)
