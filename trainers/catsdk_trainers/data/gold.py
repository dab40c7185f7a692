"""Check before the first step that the training data has the known answers it needs."""

from __future__ import annotations

from collections.abc import Sequence

from catsdk.cat import CaT
from catsdk.core.errors import InvalidInputError
from catsdk.data.rows import Row
from catsdk.method.role_tree import parts_of
from catsdk.rewards.answer import Gold

__all__ = ["check_gold", "gold_rewards", "golds_of"]


def gold_rewards(reward: object) -> list[Gold]:
    """The `Gold` rewards inside `reward`."""
    return [part for part in parts_of(reward) if isinstance(part, Gold)]


def check_gold(c: CaT, rows: Sequence[Row]) -> None:
    """Raise for rows without the known answer that the reward of `c` compares with.

    Args:
        c: The method of the training.
        rows: The training data.

    Raises:
        InvalidInputError: a row has no answer in the column, or an invalid one.
    """
    for gold in gold_rewards(c.rewarder):
        without = [row for row in rows if not golds_of(c, row, gold.column)]
        if without:
            raise InvalidInputError(
                f"{len(without)} of {len(rows)} training rows have no known answer in the column"
                f" {gold.column!r}, which the reward Gold compares with; the first is"
                f" {without[0].place}, which has the columns {', '.join(without[0].values)}. Name"
                " another column (Gold: {column: NAME}), or take a reward that needs no answers,"
                " such as AnswerReward"
            )


def golds_of(c: CaT, row: Row, column: str) -> tuple[str, ...]:
    """The known answers of a row, as `c.answers` reads them.

    Raises:
        InvalidInputError: the column holds something that is not an answer; the message says where.
    """
    try:
        return c.answers.golds(row.values.get(column))
    except InvalidInputError as error:
        raise InvalidInputError(f"{row.place}, column {column!r}: {error}") from None
