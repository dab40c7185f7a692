"""Runs a method over many rows, so that it can be stopped or killed and resumed at any time."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from anyio import CancelScope, to_thread

from catsdk.batch.discounts import price_shares_of
from catsdk.batch.estimates import Estimate
from catsdk.batch.folder import BATCHES, Folder
from catsdk.batch.job import Job, OnProgress
from catsdk.batch.plan import Plan
from catsdk.batch.shards import SHARD, Format, Shards
from catsdk.batch.state import States
from catsdk.batch.summary import Summary
from catsdk.batch.text_file import TEXTS, TextFile
from catsdk.batch.work import Worker
from catsdk.core.errors import CatError, InvalidInputError
from catsdk.core.events import Event
from catsdk.core.inputs import check_count
from catsdk.core.sending import Budget
from catsdk.core.types import Usage
from catsdk.data import Source
from catsdk.runs.ledger import ANSWER, Ledger, consumed, paid
from catsdk.runs.store import RunStore
from catsdk.runtime.client import Client
from catsdk.runtime.spending.account import Account, Amount

__all__ = ["PROBES", "estimate", "run"]

PROBES = 32
OnEvent = Callable[[Event], None]


async def run(
    source: Source,
    out: str | Path,
    plan: Plan,
    *,
    budget: Budget | None = None,
    retry_failed: bool = False,
    limit: int | None = None,
    ordered: bool = False,
    format: Format = "jsonl",
    shard: int = SHARD,
    on_progress: OnProgress = lambda _: None,
    on_event: OnEvent | None = None,
) -> Summary:
    """Make something of each row of a data set; the same call goes on where one was stopped.

    Answers are in `out` within 100 ms, and none that is there is paid for again when the process
    is killed. All rows are read and checked before the first is sent.

    Args:
        source: The rows, see `catsdk.data.read_rows`; or requests for OpenAI's batch API. They are
            read several times, so a generator is refused.
        out: The folder of results, fixed to one plan.
        plan: What is made of each row, and by which method.
        budget: Caps on what all runs together consume; `seconds` are those of this run.
        retry_failed: Whether rows that failed or were cut short before are worked on again.
        limit: The most rows that are read.
        ordered: Whether the output has the order of the rows, and these rows alone; else it has
            everything in the folder, in the order in which rows ended.
        format: `jsonl` or `parquet`.
        shard: Records in one file of the output.
        on_progress: Hears of each row that ended.
        on_event: Hears of each step of each row.

    Returns:
        What became of the rows; the same stands in `out/manifest.json`.

    Raises:
        InvalidInputError: there is no such data set, a row was edited under its old id, or `out`
            belongs to another plan.
        ConfigurationError: a model cannot be made, the disk is full, or another process works in
            `out`.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.batch import Plan, run
        >>> plan = Plan(cat.CaT("local", estimator=cat.Majority()), n=2)
        >>> summary = await run(["12+34", "56+7"], "out", plan, budget=cat.Budget(requests=100))
        >>> print(summary)
        2 rows: 2 ok; 2 records
    """
    async with _begun(source, out, plan, limit, budget) as begun:
        job = begun.job(on_progress, retry_failed=retry_failed)
        await job.check()

        async def finished(*, broke_off: bool = False) -> Summary:
            shards = await to_thread.run_sync(Shards, begun.folder.path, format, shard)
            return await job.finish(begun.folder, shards, ordered=ordered, broke_off=broke_off)

        try:
            await begun.work(job, on_event)
        except BaseException:
            # Write the results so far; if that fails, the error that ended the run matters more.
            with CancelScope(shield=True), suppress(CatError):
                await finished(broke_off=True)
            raise
        return await finished()


async def estimate(
    source: Source,
    out: str | Path,
    plan: Plan,
    *,
    probes: int = PROBES,
    budget: Budget | None = None,
    limit: int | None = None,
    price_shares: Mapping[str, float] | None = None,
    on_progress: OnProgress = lambda _: None,
    on_event: OnEvent | None = None,
) -> Estimate:
    """Say what a batch will consume and cost, from rows of it that are worked on for that.

    These are sent and paid for, and what they become is kept: `run` with the same `out` does not
    buy it again, and neither does a second estimate.

    Args:
        source: The rows, as for `run`.
        out: The folder of results, as for `run`.
        plan: What is made of each row, and by which method.
        probes: How many rows are worked on; they are chosen at random, always the same ones.
        budget: Caps on what all runs together consume, these rows too.
        limit: The most rows that are read.
        price_shares: The share of the list price that will be paid in a stage, where it is not 1:
            `{"sample": 0.5}` where the rollouts cost half. By default 1, and the provider's
            discount in the stages that the client sends in batches.
        on_progress: Hears of each row that ended.
        on_event: Hears of each step of each row.

    Returns:
        Tokens and cost of the rows to come, by stage, each with a range.

    Raises:
        InvalidInputError: as for `run`, or no row could be worked on.
        ConfigurationError: as for `run`.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.batch import Plan, estimate
        >>> plan = Plan(cat.CaT("local", estimator=cat.Majority()), n=2)
        >>> sums = [f"{at}+{at}" for at in range(20)]
        >>> expected = await estimate(sums, "out", plan, probes=4)
        >>> expected.rows, expected.probes, [stage.stage for stage in expected.stages]
        (16, 4, ['sample'])
    """
    check_count(probes, "probes")
    async with _begun(source, out, plan, limit, budget) as begun:
        job = begun.job(on_progress, probes=probes)
        await job.check()
        await begun.work(job, on_event)
        rows = [row.id for row, _ in job.chosen if row.id is not None]
        states = await begun.states.of(rows)
        seen = [state.stages for state in states.values() if state.stages]
        if not seen:
            raise InvalidInputError(
                "no row could be processed, so the others cannot be estimated; check the budget,"
                " and whether all rows are already done"
            )
        more = job.progress.rows - job.progress.done
        shares = await price_shares_of(plan.cat) if price_shares is None else price_shares
        found = Estimate.of(seen, more, await paid(begun.states.store), shares)
        await to_thread.run_sync(begun.folder.keep_estimate, found)
        return found


@dataclass(frozen=True)
class _Begun:
    """A batch with its folder and store open."""

    source: Source
    plan: Plan
    limit: int | None
    folder: Folder
    states: States
    account: Account | None
    sampled: int

    def job(
        self, on_progress: OnProgress, *, retry_failed: bool = False, probes: int | None = None
    ) -> Job:
        return Job(
            self.source,
            self.plan,
            self.limit,
            self.states,
            on_progress,
            retry_failed,
            probes,
            self.sampled,
        )

    async def work(self, job: Job, on_event: OnEvent | None) -> None:
        plan, probes = self.plan, job.probes is not None
        client = _client(plan.cat.client, self.folder, probes=probes)
        sending = client.sending
        ledger = Ledger(
            self.states.store,
            sending.prices,
            # The journal keeps answers of batches, so the number not yet stored needs no limit.
            unkept=2 * sending.limits.in_flight if sending.batch is None else None,
            keeps_texts=plan.keeps_texts,
            # A row whose calls wait for a batch is dropped from memory, and restarted later.
            begins=sending.batch is None and await self.states.store.is_empty(ANSWER),
        )
        # A reward that is not part of the product needs no judge, and thus no key for one.
        method = plan.cat if plan.product.needs_rewards else plan.cat.without_reward()
        # Everything is in the store before the client forgets the batches.
        async with method.with_client(client) as c, self.states.store.behind():
            await job.work(Worker(c, plan, ledger, self.states, self.account, on_event, probes))


@asynccontextmanager
async def _begun(
    source: Source, out: str | Path, plan: Plan, limit: int | None, budget: Budget | None
) -> AsyncGenerator[_Begun]:
    _check_source(source)
    folder = Folder(Path(out), plan)
    async with RunStore(folder.store) as store:
        before = await consumed(store)
        await to_thread.run_sync(partial(folder.claim, empty=not before.usage.requests))
        texts = None if plan.keeps_texts else TextFile(folder.path / TEXTS)
        account = _account(budget, before.usage)
        yield _Begun(source, plan, limit, folder, States(store, texts), account, before.sampled)


def _client(client: Client, folder: Folder, *, probes: bool) -> Client:
    """The client of a method, with a file for its batches; probes are sent directly."""
    batching = client.sending.batch
    if batching is None:
        return client
    if probes:
        return client.with_batching(None)
    if batching.path is not None:
        return client
    path = str(folder.path / BATCHES)
    return client.with_batching(batching.model_copy(update={"path": path}))


def _check_source(source: Source) -> None:
    if isinstance(source, Iterator):
        raise InvalidInputError(
            f"the rows are a {type(source).__name__}, which can be read once, and a batch reads"
            " them several times; give a list, or write them to a file and give its name"
        )


def _account(budget: Budget | None, spent: Usage) -> Account | None:
    """An account that includes what earlier runs have spent."""
    if budget is None:
        return None
    account = Account(budget)
    account.charge(spent.requests, Amount(spent.tokens, spent.cost or 0.0))
    return account
