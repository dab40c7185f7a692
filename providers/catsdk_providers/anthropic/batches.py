"""Message Batches, Anthropic's batch API, in which a batch is created with its requests."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import aclosing, suppress
from functools import partial
from typing import Any

import anthropic

# Imported here, because the SDK would import it in the event loop, at the first call.
import anthropic.resources.messages.batches as _loaded  # noqa: F401
from anthropic.types.messages import MessageBatch
from anyio import to_thread

from catsdk.core.batches import (
    BatchLimits,
    BatchResult,
    BatchState,
    NotAnsweredError,
    Shard,
    UndecidedError,
)
from catsdk.core.errors import MalformedResponseError, RequestRefusedError
from catsdk.core.types import Completion, Request
from catsdk_providers.anthropic.endpoint import open_client
from catsdk_providers.anthropic.errors import reported_by
from catsdk_providers.anthropic.wire import completion_of
from catsdk_providers.http.batches import HttpBatches, PayloadOf, as_batched, results_in
from catsdk_providers.http.service import Service
from catsdk_providers.http.text import json_bytes

__all__ = ["LIMITS", "AnthropicBatches"]

LIMITS = BatchLimits(requests=100_000, bytes=256 * 10**6)

_NOT_ANSWERED = {"canceled", "expired"}


class AnthropicBatches(HttpBatches[anthropic.AsyncAnthropic]):
    """The batch API of one model.

    A batch has no field for a name of ours: one whose creation was not confirmed is known by the
    ids in its results, once it has ended.

    Args:
        service: Where the messages of this model go.
        payload_of: Gives the body of a request.
    """

    limits = LIMITS

    def __init__(self, service: Service[Any], payload_of: PayloadOf) -> None:
        """Choose the service; nothing is sent."""
        super().__init__(service.again(partial(open_client, longest=self.longest)), payload_of)

    def line(self, id: str, request: Request) -> bytes:
        """Give a request as an entry of a batch."""
        return json_bytes({"custom_id": id, "params": self._payload_of(request)})

    async def upload(self, shard: Shard) -> str:
        """Do nothing: the requests go along with `create`."""
        return ""

    async def create(self, shard: Shard, uploaded: str) -> str:
        """Buy a batch."""
        # In a thread, since serialising a large batch takes a second.
        requests = await to_thread.run_sync(lambda: [json.loads(line) for line in shard.lines])
        async with self._service.failing_as_ours():
            client = await self._service.client()
            # In `extra_body`, because the SDK would otherwise go through each request.
            batch = await client.messages.batches.create(
                requests=[], extra_body={"requests": requests}
            )
        return self._bought(batch.id)

    async def find(
        self, digest: str, ids: Sequence[str], since: float, others: Collection[str]
    ) -> str | None:
        """Look for a batch of as many requests whose results have these ids."""
        undecided: list[str] = []
        async with self._service.failing_as_ours():
            client = await self._service.client()
            page = await client.messages.batches.list(limit=self.page)
            while True:
                new = [
                    each for each in page.data if each.created_at.timestamp() >= since - self.skew
                ]
                for batch in new:
                    if batch.id in others or _size(batch) != len(ids):
                        continue
                    if batch.processing_status != "ended":
                        undecided.append(batch.id)
                    elif await self._is_of(batch.id, frozenset(ids)):
                        return batch.id
                if len(new) < len(page.data) or not page.has_next_page():
                    break
                page = await page.get_next_page()
        if undecided:
            raise UndecidedError(", ".join(undecided))
        return None

    async def _is_of(self, batch: str, ids: Collection[str]) -> bool:
        async with aclosing(self.results(batch)) as results:
            async for result in results:
                return result.id in ids
        return False

    async def state(self, batch: str) -> BatchState:
        """Ask how far a batch is: its counts stay 0 until it has ended."""
        async with self._service.failing_as_ours():
            client = await self._service.client()
            told = await client.messages.batches.retrieve(batch)
        ended = told.processing_status == "ended"
        return BatchState(ended=ended, answered=_size(told) if ended else None)

    async def results(self, batch: str) -> AsyncGenerator[BatchResult]:
        """Fetch the results of a batch that has ended."""
        async with self._service.failing_as_ours():
            client = await self._service.client()
            stream = await client.messages.batches.results(batch)
            try:
                async with aclosing(results_in(stream.http_response.aiter_bytes())) as found:
                    async for result in found:
                        yield result
            finally:
                await stream.close()

    def read(self, result: BatchResult, request: Request) -> Sequence[Completion]:
        """Read the completion of one result."""
        place = self._service.place()
        told: Any = result.line.get("result")
        kind = told.get("type") if isinstance(told, dict) else None
        if kind in _NOT_ANSWERED:
            raise NotAnsweredError(str(kind))
        if kind == "succeeded":
            return as_batched([completion_of(told.get("message"), place)])
        if kind == "errored":
            error = told.get("error")
            inner = error.get("error") if isinstance(error, dict) else None
            raise reported_by(inner or error or {}, place)
        raise place.error(MalformedResponseError, f"a result is of an unknown kind ({kind!r:.80})")

    async def cancel(self, batch: str) -> None:
        """Ask the service to end a batch; one that has ended is not an error."""
        async with self._service.failing_as_ours():
            client = await self._service.client()
            with suppress(RequestRefusedError):
                await client.messages.batches.cancel(batch)


def _size(batch: MessageBatch) -> int:
    """How many requests it has; before it has ended all of them count as being processed."""
    counts = batch.request_counts
    each = (counts.processing, counts.succeeded, counts.errored, counts.canceled, counts.expired)
    return sum(each)
