"""Bought: one batch, from before its creation until each of its calls is accounted for."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Protocol

from anyio import to_thread
from pydantic import TypeAdapter

from catsdk.core.batches import (
    BatchResult,
    BatchService,
    BatchState,
    NotAnsweredError,
    UndecidedError,
)
from catsdk.core.errors import (
    ConfigurationError,
    ModelNotFoundError,
    ProviderError,
    RequestRefusedError,
)
from catsdk.core.sending import Batching
from catsdk.core.types import Completion, Request
from catsdk.runtime.batching.journal import Journal, Pending, ShardRow
from catsdk.runtime.batching.kept_failure import KeptFailure
from catsdk.runtime.batching.packing import custom_id, id_in
from catsdk.runtime.batching.payer import Payer

__all__ = ["ANSWERS", "Bought", "Owner"]

PAGE = 200
PATIENCE = 20
"""How often results are asked for that cannot be fetched, or are fewer than the service counts."""
LONGEST_POLL = 20.0

ANSWERS = TypeAdapter(tuple[Completion, ...])

_log = logging.getLogger("catsdk.batches")


class Owner(Protocol):
    """What a batch tells its queue: that calls have come back, and that too much was enqueued."""

    def wake(self, ids: Sequence[int]) -> None:
        """Tell whoever waits for these calls."""
        ...

    def too_much(self, tokens: int) -> None:
        """Learn that so many tokens were refused."""
        ...


@dataclass(eq=False)
class Bought:
    """One batch.

    Args:
        row: What the journal knows of it.
        name: The model, for messages.
        service: The batch API.
        journal: Where everything is kept.
        batching: The settings.
        payer: Who pays for it.
        owner: The queue.
        oldest: When the first of its calls was asked, in seconds of the epoch.
    """

    row: ShardRow
    name: str
    service: BatchService
    journal: Journal
    batching: Batching
    payer: Payer
    owner: Owner
    oldest: float
    due: float = 0.0
    over: bool = False
    withdrawing: bool = False
    ambiguous: ConfigurationError | None = None
    _looked: float | None = None
    _interval: float = field(init=False)
    _fetches: int = 0

    def __post_init__(self) -> None:
        """Schedule the first poll after `poll` seconds."""
        self._interval = self.batching.poll
        self.later()

    def later(self) -> None:
        """Be asked again after a while, each time a longer one."""
        self.due = time.monotonic() + self._interval
        self._interval = min(self._interval * 1.5, LONGEST_POLL * self.batching.poll)

    async def step(self) -> None:
        """Get further, where it is time: confirm that it was bought, or ask how far it is.

        Raises:
            ProviderError: the service failed; nothing is lost.
        """
        if self.row.state == "creating":
            await self.confirm()
        elif self.row.state == "submitted":
            await self._poll()

    async def confirm(self) -> None:
        """Look for a batch in the service's list that may have been bought."""
        row = self.row
        now = time.monotonic()
        self._looked = self._looked or now
        self.later()
        ids = await self._custom_ids()
        rows = await self.journal.shards()
        others = {each.batch for each in rows if each.batch is not None}
        try:
            batch = await self.service.find(row.digest, ids, row.created, others)
        except UndecidedError as undecided:
            _log.info("%s: one of %s may be a batch of ours", self.name, undecided)
            return
        except (RequestRefusedError, ModelNotFoundError) as error:
            await self._report(f"its list of batches cannot be read: {error}")
            return
        if batch is not None:
            await self.submitted(batch)
        elif now - self._looked >= self.batching.confirm:
            await self._report("its list of batches does not show it")

    async def submitted(self, batch: str) -> None:
        """Note the service's id of it."""
        await self.journal.mark(self.row.id, state="submitted", batch=batch)
        await self.reread()
        _log.info("%s: batch %s of %d requests", self.name, batch, self.row.size)

    async def _report(self, why: str) -> None:
        await self.journal.mark(self.row.id, state="ambiguous")
        await self.reread()
        self.ambiguous = ambiguous(self.name, self.row, self.batching, why)
        self.owner.wake(await self.journal.ids_of(self.row.id))

    async def reread(self) -> None:
        """Look at what the journal knows of it now."""
        (self.row,) = [each for each in await self.journal.shards() if each.id == self.row.id]

    async def _custom_ids(self) -> list[str]:
        return [custom_id(self.journal.run, id) for id in await self.journal.ids_of(self.row.id)]

    async def withdraw(self) -> None:
        """Ask the service to end it, so that what it has not answered can be sent as ever."""
        if self.row.batch is not None and not self.withdrawing:
            await self.service.cancel(self.row.batch)
            self.withdrawing = True
            self._interval = self.batching.poll
            self.due = 0.0

    async def _poll(self) -> None:
        assert self.row.batch is not None
        self.later()
        state = await self.service.state(self.row.batch)
        if not state.ended:
            return
        if state.refused is not None:
            await self._refused(state, state.refused)
        elif not await self._fetched(state):
            return
        await self.journal.end(self.row.id)
        self.over = True

    # --- how it ended -----------------------------------------------------------------------

    async def _refused(self, state: BatchState, error: ProviderError) -> None:
        """Handle a batch that was refused: put its calls back, and fail those that are to blame."""
        ids = await self.journal.ids_of(self.row.id)
        await self._refund(ids)
        if state.quota:
            _log.info("%s: too much is enqueued; a batch of %d waits", self.name, len(ids))
            self.owner.too_much(self.row.tokens)
            await self.put_back(ids, tries=0)
            return
        bad = {ids[at]: each for at, each in state.bad_lines.items() if 0 <= at < len(ids)}
        blamed = bad or dict.fromkeys(ids, error)
        await self.fail(blamed)
        await self.put_back([id for id in ids if id not in blamed], tries=1)

    async def _fetched(self, state: BatchState) -> bool:
        """Store its results; return False if it has to be polled once more."""
        assert self.row.batch is not None
        self._fetches += 1
        found = 0
        page: list[BatchResult] = []
        try:
            async with aclosing(self.service.results(self.row.batch)) as results:
                async for result in results:
                    found += 1
                    page.append(result)
                    if len(page) >= PAGE:
                        await self._keep(page)
                        page = []
        except ProviderError:
            await self._keep(page)
            if self._fetches < PATIENCE:
                raise
            _log.warning("%s: the results of %s cannot be read", self.name, self.row.batch)
        else:
            await self._keep(page)
            short = state.answered is not None and found < state.answered
            # A file may be listed before it is complete.
            if short and self._fetches < 3:
                return False
        await self._without_result()
        return True

    async def _keep(self, results: Sequence[BatchResult]) -> None:
        by_id = {id_in(each.id, self.journal.run): each for each in results}
        ids = [id for id in by_id if id is not None]
        out = await self.journal.of(ids, self.row.id) if ids else {}
        both = [(pending, by_id[id]) for id, pending in out.items()]
        # In a thread, since parsing a page of results takes long.
        read = await to_thread.run_sync(_read_all, both, self.service)
        answers: list[tuple[int, str, str]] = []
        for pending, request, brought in read:
            if isinstance(brought, KeptFailure):
                answers.append((pending.id, "failed", brought.model_dump_json()))
                self.payer.settle(request, ())
            elif brought is not None:
                answers.append((pending.id, "answered", ANSWERS.dump_json(brought).decode()))
                self.payer.settle(request, brought)
        await self.journal.keep(answers)
        self.owner.wake([id for id, _, _ in answers])

    async def _without_result(self) -> None:
        """Put a call without a result into another batch, send it directly, or let it fail."""
        ids = await self.journal.ids_of(self.row.id)
        await self._refund(ids)
        if self.withdrawing:
            await self.journal.withdraw(ids)
            self.owner.wake(ids)
            return
        for at in range(0, len(ids), PAGE):
            pending = await self.journal.of(ids[at : at + PAGE])
            tired = [id for id, each in pending.items() if each.tries >= self.batching.resubmit]
            if tired:
                times = self.batching.resubmit + 1
                told = f"{self.name}: {times} batches ended without an answer to this request"
                await self.fail(dict.fromkeys(tired, ProviderError(told, model=self.name)))
            await self.put_back([id for id in pending if id not in tired], tries=1)

    async def fail(self, errors: dict[int, ProviderError]) -> None:
        """Let calls end with these errors."""
        failed = [
            (id, "failed", KeptFailure.of(each).model_dump_json()) for id, each in errors.items()
        ]
        await self.journal.keep(failed)
        self.owner.wake(list(errors))

    async def put_back(self, ids: Sequence[int], *, tries: int) -> None:
        """Let calls wait for another batch."""
        await self.journal.put_back(ids, tries=tries)

    async def _refund(self, ids: Sequence[int]) -> None:
        if not self.payer.accounts:
            return
        for at in range(0, len(ids), PAGE):
            for pending in (await self.journal.of(ids[at : at + PAGE])).values():
                self.payer.refund(Request.model_validate_json(pending.request))

    async def hold(self) -> None:
        """Reserve for each of its calls: it was bought by an earlier process."""
        if not self.payer.accounts:
            return
        ids = await self.journal.ids_of(self.row.id)
        for at in range(0, len(ids), PAGE):
            for pending in (await self.journal.of(ids[at : at + PAGE])).values():
                self.payer.hold(Request.model_validate_json(pending.request))


def ambiguous(name: str, row: ShardRow, batching: Batching, why: str) -> ConfigurationError:
    """The error of a batch that may have been bought or not, with what to do about it."""
    file = batching.path or "the file of batches"
    return ConfigurationError(
        f"{name}: a batch of {row.size} requests (digest {row.digest}) may have been bought when"
        f" the process or the connection broke off, and {why}. Look at the provider's page of"
        f" batches, then say which it is: catsdk batches {file} --created {row.id}=BATCH_ID, or"
        f" catsdk batches {file} --not-created {row.id}"
    )


def _read_all(
    both: Sequence[tuple[Pending, BatchResult]], service: BatchService
) -> list[tuple[Pending, Request, tuple[Completion, ...] | KeptFailure | None]]:
    read: list[tuple[Pending, Request, tuple[Completion, ...] | KeptFailure | None]] = []
    for pending, result in both:
        request = Request.model_validate_json(pending.request)
        try:
            read.append((pending, request, tuple(service.read(result, request))))
        except NotAnsweredError:
            read.append((pending, request, None))
        except ProviderError as error:
            read.append((pending, request, KeptFailure.of(error)))
    return read
