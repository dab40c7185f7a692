"""Processes rows: runs the method on each, stores answers as they arrive, then the outcome."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from catsdk.answers.answers import no_evidence
from catsdk.batch.estimates import by_stage
from catsdk.batch.parking import Parking, parking_of
from catsdk.batch.plan import Plan
from catsdk.batch.products import Record, records_of
from catsdk.batch.rows import BatchRow
from catsdk.batch.state import Outcome, RowState, States
from catsdk.cat import CaT
from catsdk.core.errors import (
    CatError,
    ConfigurationError,
    NoValidOutputError,
    ProviderError,
    StructuredOutputError,
)
from catsdk.core.events import Event
from catsdk.core.ports import Provider
from catsdk.core.types import Call, Failure, Result
from catsdk.method.run import Method, run_or_fail
from catsdk.runs.ledger import Ledger, Place
from catsdk.runtime import roles
from catsdk.runtime.attribution import recorded
from catsdk.runtime.context import Context
from catsdk.runtime.spending.account import Account

__all__ = ["Worker"]

Pending: TypeAlias = tuple[BatchRow, RowState | None]

PATIENCE = 20
"""Rows that fail alike before one succeeds, after which a batch stops: it is not the rows."""


class Patience:
    """Counts the rows that failed alike, until one succeeds; workers may share it."""

    def __init__(self) -> None:
        """Start without failures."""
        self._alike: Counter[str] | None = Counter()

    def check(self, failure: Failure | None) -> None:
        """Take in how a row ended.

        Raises:
            ProviderError: so many failed alike that the cause is not the rows.
        """
        if self._alike is None:
            return
        if failure is None:
            self._alike = None
            return
        kind = str(failure)
        self._alike[kind] += 1
        if self._alike[kind] >= PATIENCE:
            raise ProviderError(
                f"the first {PATIENCE} rows failed in the same way, so the cause is not the rows:"
                f" {kind}"
            )


class _Fatal(Exception):
    """An error that ends the whole batch, since every other row would fail by it, too."""

    def __init__(self, error: CatError) -> None:
        super().__init__(error)
        self.error = error


@dataclass
class Worker:
    """Works on rows with an open method.

    Args:
        c: The method.
        plan: What is made of each row.
        ledger: Keeps answers; what is kept is not asked for again.
        states: Keeps how rows ended.
        account: Pays for the calls, in addition to the client's budget.
        on_event: Hears of each step.
        probes: Whether what a row consumes is kept by stage, for an estimate.
        patience: Ends the batch where its first rows fail alike.
    """

    c: CaT
    plan: Plan
    ledger: Ledger
    states: States
    account: Account | None = None
    on_event: Callable[[Event], None] | None = None
    probes: bool = False
    patience: Patience = field(default_factory=Patience)

    def __post_init__(self) -> None:
        """Start with nothing done."""
        c = self.c
        self._method = Method(c.sampler, c.estimator, c.rewarder, c.always_estimates)
        if not self.plan.product.needs_rewards:
            self._method = replace(self._method, reward=None, always_estimates=True)
        own = (self.account,) if self.account is not None else ()
        self._paying: dict[str, Any] = {"accounts": own, "chains": {}} if own else {}
        client = c.client.account
        self._accounts = [*own, *([client] if client is not None else [])]
        self.parking: Parking | None = None
        self._shared: Context | None = None

    @property
    def stopped(self) -> bool:
        """Whether a budget is used up, so that no further row is begun."""
        return any(account.refused for account in self._accounts)

    async def over(self, rows: AsyncIterable[Pending]) -> AsyncGenerator[Outcome]:
        """Work on `rows`, and give the outcome of each as it ends.

        Args:
            rows: Rows, each with its state where it was worked on before.

        Raises:
            ConfigurationError: the disk is full, or no row can ever be done.
            CatError: so many rows failed alike before one succeeded that the cause is elsewhere.
        """
        self.parking = await parking_of(self.c)
        # The parking limits how many rows there is room for; check it for each row.
        at_once = None if self.parking is None else 2 * self.parking.most
        try:
            async with self.c.each(self._one, rows, at_once=at_once) as flow:
                async for mapped in flow:
                    assert mapped.failure is None, "every error of the work is fatal"
                    if mapped.result is not None:
                        yield mapped.result
        except _Fatal as fatal:
            raise fatal.error from None

    async def work_on(
        self, row: BatchRow, before: RowState | None = None
    ) -> tuple[RowState | None, list[Record]]:
        """Work on one row to its end, and keep how it ended and what it became.

        Args:
            row: The row.
            before: Its state where it was worked on before.

        Returns:
            How it ended, with its records; `None` if a budget left it waiting.

        Raises:
            ConfigurationError: as `over`.
            CatError: as `over`.
        """
        try:
            place = self.ledger.at(row.id, _attempt(before))
            result = await self._result(row, place)
            return await self._kept(row, before, result, place)
        except _Fatal as fatal:
            raise fatal.error from None

    async def _one(self, pending: Pending) -> Outcome | None:
        row, before = pending
        if not self.probes:
            return await self._outcome(row, before)
        with recorded("batch") as calls:
            return await self._outcome(row, before, calls)

    async def _outcome(
        self, row: BatchRow, before: RowState | None, calls: Sequence[Call] | None = None
    ) -> Outcome | None:
        place = self.ledger.at(row.id, _attempt(before))
        result = await self._worked_on(row, place)
        if self.ledger.broken is not None:
            # Roles treat it as a failed call, but every other row would fail in the same way.
            raise _Fatal(self.ledger.broken)
        if result is None:
            # The row waits for a batch, and is dropped from memory.
            return None
        state, _ = await self._kept(row, before, result, place, calls)
        return "waiting" if state is None else state.outcome

    async def _kept(
        self,
        row: BatchRow,
        before: RowState | None,
        result: Result,
        place: Place,
        calls: Sequence[Call] | None = None,
    ) -> tuple[RowState | None, list[Record]]:
        outcome, failure = _ended(result, self.plan)
        if outcome != "ok" and self.stopped:
            # The next run continues this row.
            return None, []
        if failure is not None and self.parking is not None and self.parking.dispatch.doubt:
            # Before the next run the user must say whether the batch was created.
            raise _Fatal(self.parking.dispatch.doubt)
        try:
            self.patience.check(failure)
        except ProviderError as error:
            raise _Fatal(error) from error
        state = RowState(
            digest=row.digest,
            marks=row.marks,
            outcome=outcome,
            attempts=1 if before is None else before.attempts + 1,
            failure=failure,
            stages=None if calls is None else by_stage(calls),
            # If the records hold no rollouts, these keys are the way to find them again.
            answers=() if "rollout" in self.plan.fields else tuple(place.answers),
            sampled=place.sampled,
        )
        records = [] if outcome == "failed" else self._records(row, result)
        try:
            await self.states.keep(row, state, records)
        except CatError as error:
            raise _Fatal(error) from error
        return state, records

    async def _worked_on(self, row: BatchRow, place: Place) -> Result | None:
        if self.parking is None:
            return await self._result(row, place)
        result = None
        with self.parking.row(row.id):
            result = await self._result(row, place)
            self.parking.done(row.id)
        return result

    async def _result(self, row: BatchRow, place: Place) -> Result:
        try:
            shared = self._shared or await self._context()
            around: tuple[Callable[[Provider], Provider], ...] = (place, *shared.around)
            ctx = replace(shared, row=row.values, around=around)
            if self.plan.product.needs_reference:
                return await run_or_fail(self._method, row.prompt, self.plan.n, ctx, index=0)
            return await self._drawn(row, ctx)
        except ConfigurationError as error:
            raise _Fatal(error) from error
        except Exception as error:  # noqa: BLE001  # a defect on one row must not end the others
            return Result(failure=Failure.of(error))

    async def _context(self) -> Context:
        """The context that the contexts of all rows derive from."""
        async with self.c.context(on_event=self.on_event) as ctx:
            self._shared = replace(ctx, **self._paying)
        # The method is open, so its models stay open after the block.
        return self._shared

    async def _drawn(self, row: BatchRow, ctx: Context) -> Result:
        sampler = self._method.sampler
        group = await roles.result_of(
            sampler.sample(row.prompt, self.plan.n, ctx), sampler, "sample"
        )
        if not group.rollouts:
            return Result(group=group, failure=Failure.of(no_evidence(group)))
        return Result(group=group, partial=group.partial)

    def _records(self, row: BatchRow, result: Result) -> list[dict[str, Any]]:
        fields = self.plan.fields
        carried = {name: cell for name, cell in row.values.items() if name not in fields}
        return [
            {**carried, "id": row.id, **record} for record in records_of(self.plan.produces, result)
        ]


# Replies that could not be parsed would be found in the store again.
_UNREAD = {StructuredOutputError.__name__, NoValidOutputError.__name__}


def _attempt(before: RowState | None) -> int:
    """The number of the attempt at estimating and rewarding; 0 reuses the stored answers."""
    if before is None or before.outcome == "ok":
        return 0
    anew = before.failure is None or before.failure.kind in _UNREAD
    return before.attempts if anew else 0


def _ended(result: Result, plan: Plan) -> tuple[Outcome, Failure | None]:
    if result.failure is not None:
        return "failed", result.failure
    if plan.product.needs_rewards and all(reward is None for reward in result.rewards):
        causes = [score.failure for score in result.scores if score.failure is not None]
        if causes:
            return "failed", causes[0]
    return ("partial" if result.partial else "ok"), None
