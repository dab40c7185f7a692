"""Known answers in the training data: there before the first step, and of one kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from catsdk.core.errors import InvalidInputError
from catsdk.rewards.answer import Gold, accepted_answers
from catsdk_trainers.role_tree import parts_of

__all__ = ["check_gold", "gold_rewards", "of_one_kind"]


def gold_rewards(reward: object) -> list[Gold]:
    """The rewards by known answers inside `reward`."""
    return [part for part in parts_of(reward) if isinstance(part, Gold)]


def check_gold(reward: object, rows: Sequence[Mapping[str, Any]]) -> None:
    """Refuse rows without the known answer that `reward` compares with.

    Args:
        reward: The reward of the training.
        rows: The training data.

    Raises:
        InvalidInputError: a row has none in the column.
    """
    for gold in gold_rewards(reward):
        without = [at for at, row in enumerate(rows) if not accepted_answers(row.get(gold.column))]
        if without:
            row = rows[without[0]]
            raise InvalidInputError(
                f"{len(without)} of {len(rows)} training rows have no known answer in the column"
                f" {gold.column!r}, which the reward Gold compares with; the first is row"
                f" {without[0]} (from 0), which has the columns {', '.join(row)}. Name another"
                " column, or take another reward, such as AnswerReward, which needs no answers"
            )


def of_one_kind(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> list[dict[str, Any]]:
    """The rows with the known answers of each column alike, as a data set wants them.

    Where one row has a list of accepted answers every row has a list; numbers become texts.

    Args:
        rows: The data.
        columns: Those with known answers.
    """
    changed = [dict(row) for row in rows]
    for column in columns:
        values = [row.get(column) for row in changed]
        lists = any(isinstance(value, list | tuple) for value in values)
        for row in changed:
            answers = accepted_answers(row.get(column))
            if lists and column in row:
                row[column] = answers or None
            elif answers:
                row[column] = answers[0]
    return changed
