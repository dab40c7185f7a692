"""What is known about each row of a batch, kept in the run store beside what was answered."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from catsdk.batch.rows import BatchRow
from catsdk.core.errors import InvalidInputError
from catsdk.core.types import Failure
from catsdk.core.value import Value
from catsdk.runs.store import RunStore

__all__ = ["Outcome", "RowState", "States", "check_unchanged"]

Outcome = Literal["ok", "partial", "failed", "waiting"]

ROW, PRODUCT = "row", "product"


class RowState(Value):
    """How a row ended.

    Args:
        digest: Of the row as it was read.
        outcome: `ok`; `partial` where a deadline cut it short; `failed`; rows that are `waiting`
            have no state.
        attempts: How often it was worked on to the end.
        failure: Why it failed.
    """

    digest: str
    outcome: Outcome
    attempts: int = 1
    failure: Failure | None = None


@dataclass(frozen=True)
class States:
    """The rows that are done, with what they became.

    Args:
        store: Where they are kept; it must be open.
    """

    store: RunStore

    async def of(self, ids: Sequence[str]) -> dict[str, RowState]:
        """The states of those rows that were worked on to their end, by their ids."""
        kept = await self.store.get_all(ROW, ids)
        there = [(id, each) for id, each in zip(ids, kept, strict=True) if each is not None]
        return {id: RowState.model_validate_json(each) for id, each in there}

    async def keep(self, row: BatchRow, state: RowState, records: list[dict[str, Any]]) -> None:
        """Keep a row's state and what it became, both or neither."""
        made = json.dumps(records, ensure_ascii=False, default=str)
        await self.store.put_all(
            [(ROW, row.id, state.model_dump_json(exclude_defaults=True)), (PRODUCT, row.id, made)]
        )

    async def products(self) -> AsyncGenerator[list[dict[str, Any]]]:
        """The records of all rows, many at a time, in the order in which the rows ended."""
        async for page in self.store.pages(PRODUCT):
            yield [record for _, kept in page for record in json.loads(kept)]

    async def products_of(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        """The records of these rows, in their order; none of a row that did not end."""
        kept = await self.store.get_all(PRODUCT, ids)
        return [record for each in kept if each is not None for record in json.loads(each)]


def check_unchanged(row: BatchRow, state: RowState | None) -> None:
    """Refuse a row that was edited since it was worked on.

    Raises:
        InvalidInputError: another row has its id now.
    """
    if state is not None and state.digest != row.digest:
        raise InvalidInputError(
            f"{row.place}: the row {row.id!r:.80} was edited since it was worked on; give it"
            " another id, or write to another folder"
        )
