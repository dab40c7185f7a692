"""Known answers in the training data: there before the first step, and of one kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from catsdk.cat import CaT
from catsdk.core.errors import InvalidInputError
from catsdk.method.role_tree import parts_of
from catsdk.rewards.answer import Gold

__all__ = ["check_gold", "gold_rewards", "golds_of", "of_one_kind"]


def gold_rewards(reward: object) -> list[Gold]:
    """The rewards by known answers inside `reward`."""
    return [part for part in parts_of(reward) if isinstance(part, Gold)]


def check_gold(c: CaT, rows: Sequence[Mapping[str, Any]]) -> None:
    """Refuse rows without the known answer that the reward of `c` compares with.

    Args:
        c: The method of the training.
        rows: The training data.

    Raises:
        InvalidInputError: a row has none in the column, or something that is no answer.
    """
    for gold in gold_rewards(c.rewarder):
        without = [at for at, row in enumerate(rows) if not golds_of(c, row, gold.column, at)]
        if without:
            raise InvalidInputError(
                f"{len(without)} of {len(rows)} training rows have no known answer in the column"
                f" {gold.column!r}, which the reward Gold compares with; the first is row"
                f" {without[0]} (from 0), which has the columns {', '.join(rows[without[0]])}. Name"
                " another column, or take a reward that needs no answers, such as AnswerReward"
            )


def golds_of(c: CaT, row: Mapping[str, Any], column: str, at: int) -> tuple[str, ...]:
    """The known answers of a row, as the answers of `c` read them.

    Raises:
        InvalidInputError: what is in the column is no answer; the message names the row `at`.
    """
    try:
        return c.answers.golds(row.get(column))
    except InvalidInputError as error:
        raise InvalidInputError(f"row {at} (from 0), column {column!r}: {error}") from None


def of_one_kind(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> list[dict[str, Any]]:
    """The rows with the known answers of each column alike, as a data set wants them.

    Where one row has a list of accepted answers every row has a list; numbers become texts.

    Args:
        rows: The data.
        columns: Those with known answers.
    """
    changed = [dict(row) for row in rows]
    for column in columns:
        lists = any(isinstance(row.get(column), list | tuple) for row in changed)
        for row in changed:
            cell = row.get(column)
            if cell is not None:
                cells = [_text(each) for each in cell] if isinstance(cell, list | tuple) else None
                row[column] = (
                    (cells if cells is not None else [_text(cell)]) if lists else _text(cell)
                )
    return changed


def _text(cell: object) -> object:
    return str(cell) if isinstance(cell, int | float) else cell
