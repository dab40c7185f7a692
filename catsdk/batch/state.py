"""The state of each row of a batch, kept in the run store beside the answers."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

from anyio import to_thread

from catsdk.batch.products import as_json
from catsdk.batch.rows import BatchRow, differences
from catsdk.batch.text_file import Entry, TextFile
from catsdk.core.errors import InvalidInputError
from catsdk.core.types import Failure, Usage
from catsdk.core.value import Value
from catsdk.runs.store import PAGE, RunStore

__all__ = ["Outcome", "Record", "RowState", "States", "check_unchanged"]

Outcome = Literal["ok", "partial", "failed", "waiting"]
Record = dict[str, Any]

ROW, PRODUCT = "row", "product"


class RowState(Value):
    """How a row ended.

    Args:
        digest: Of the row as it was read.
        marks: A few digits for each column, which tell the one that was edited.
        outcome: `ok`; `partial` where a deadline cut it short or no synthesis could be read;
            `failed`; rows that are `waiting` have no state.
        attempts: How often it was worked on to the end.
        failure: Why it failed.
        stages: What it consumed by stage, where it was worked on for an estimate.
        answers: The keys of the kept answers that it was made of, in the order of asking, where the
            records hold no rollouts; those of judges are left out.
        at: Where the file of texts has what it became, where the store keeps no texts.
        sampled: How many kept answers were its rollouts.
    """

    digest: str
    marks: str = ""
    outcome: Outcome
    attempts: int = 1
    failure: Failure | None = None
    stages: dict[str, Usage] | None = None
    answers: tuple[str, ...] = ()
    at: int | None = None
    sampled: int = 0


@dataclass(frozen=True)
class States:
    """The rows that are done, with what they became.

    Args:
        store: Where they are kept; it must be open.
        texts: Where what they became is kept instead, causes of failures too; the store then has
            none of it.
    """

    store: RunStore
    texts: TextFile | None = None

    async def of(self, ids: Sequence[str]) -> dict[str, RowState]:
        """The states of those rows that were worked on to their end, by their ids."""
        kept = await self.store.get_all(ROW, ids)
        there = [(id, each) for id, each in zip(ids, kept, strict=True) if each is not None]
        states = {id: RowState.model_validate_json(each) for id, each in there}
        for id, state in states.items():
            if state.outcome == "failed" and state.failure is None:
                states[id] = state.model_copy(update={"failure": await self._failure(state)})
        return states

    async def sampled(self) -> int:
        """How many kept answers are the rollouts of rows that were worked on to their end."""
        total = 0
        async for page in self.store.pages(ROW):
            # As one text, and not as values, since there may be a million.
            states = json.loads(f"[{','.join(kept for _, kept in page)}]")
            total += sum(state.get("sampled", 0) for state in states)
        return total

    async def keep(self, row: BatchRow, state: RowState, records: list[Record]) -> None:
        """Keep a row's state and what it became, both or neither."""
        if self.texts is None:
            made = json.dumps(records, ensure_ascii=False, default=as_json)
            await self.store.put_all([(ROW, row.id, _written(state)), (PRODUCT, row.id, made)])
            return
        cause = None if state.failure is None else state.failure.model_dump(mode="json")
        at = await to_thread.run_sync(self.texts.add, row.id, records, cause)
        bare = state.model_copy(update={"failure": None, "at": at})
        await self.store.put(ROW, row.id, _written(bare))

    async def products(self) -> AsyncGenerator[list[Record]]:
        """The records of all rows, many at a time, in the order in which the rows ended."""
        if self.texts is None:
            async for page in self.store.pages(PRODUCT):
                yield [record for _, kept in page for record in json.loads(kept)]
            return
        entries = self.texts.entries()
        while some := await to_thread.run_sync(_some, entries):
            states = await self.of([entry.id for entry in some])
            # A line that a killed process left half-written does not count.
            counting = [e for e in some if e.id in states and states[e.id].at == e.at]
            yield [record for entry in counting for record in entry.records]

    async def products_of(self, ids: Sequence[str]) -> list[Record]:
        """The records of these rows, in their order; none of a row that did not end."""
        if self.texts is None:
            kept = await self.store.get_all(PRODUCT, ids)
            return [record for each in kept if each is not None for record in json.loads(each)]
        states = await self.of(ids)
        entries = [await self._entry(states[id]) for id in ids if id in states]
        return [record for entry in entries if entry is not None for record in entry.records]

    async def _failure(self, state: RowState) -> Failure | None:
        entry = await self._entry(state)
        cause = None if entry is None else entry.failure
        return None if cause is None else Failure.model_validate(cause)

    async def _entry(self, state: RowState) -> Entry | None:
        if self.texts is None or state.at is None:
            return None
        return await to_thread.run_sync(self.texts.entry, state.at)


def _some(entries: Iterator[Entry]) -> list[Entry]:
    return list(islice(entries, PAGE))


def _written(state: RowState) -> str:
    return state.model_dump_json(exclude_defaults=True)


def check_unchanged(row: BatchRow, state: RowState | None) -> None:
    """Refuse a row that was edited since it was worked on.

    Raises:
        InvalidInputError: another row has its id now; the message says in which columns.
    """
    if state is not None and state.digest != row.digest:
        raise InvalidInputError(
            f"{row.place}: the row {row.id!r:.80} was edited since it was worked on:"
            f" {differences(row, state.marks)}. Give it another id, or write to another folder"
        )
