"""Shared by the batch APIs of services: their connections, and reading results line by line."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Callable
from contextlib import asynccontextmanager
from typing import Any, ClassVar, Generic

from catsdk.core.batches import BatchResult
from catsdk.core.types import Completion, Request
from catsdk_providers.http.service import C, Service
from catsdk_providers.http.text import NOT_THE_WIRE, loaded

__all__ = ["HttpBatches", "PayloadOf", "as_batched", "results_in"]

# A longer line is not an answer of a model.
LONGEST_LINE = 64 * 2**20


PayloadOf = Callable[[Request], dict[str, Any]]


class HttpBatches(Generic[C]):
    """The batch API of one model at a service.

    Args:
        service: Where batches go, by clients that read replies as long as results are.
        payload_of: Gives the body of a request.
    """

    page: ClassVar = 100
    """Batches that are listed at once."""
    skew: ClassVar = 3600.0
    """Clocks differ: a batch that is this much older than the wish for it may still be ours."""
    longest: ClassVar = 2 * 2**30
    """Bytes of results; of requests it is 256 MB, and answers may be longer."""

    def __init__(self, service: Service[C], payload_of: PayloadOf) -> None:
        """Choose the service; nothing is sent."""
        self._service = service
        self._payload_of = payload_of

    def _bought(self, id: str | None) -> str:
        """The id of a batch that was created; raise if the reply has none."""
        if not id:
            raise self._service.malformed("the reply holds no id of a batch", None)
        return id

    async def aclose(self) -> None:
        """Close the connections."""
        await self._service.aclose()


async def results_in(pieces: AsyncIterable[bytes]) -> AsyncGenerator[BatchResult]:
    """Read the results in a body that comes in pieces.

    A line that is not JSON, or names no request, answers nobody: it is left out, and its request is
    found missing.
    """
    rest = bytearray()
    async with _closed(pieces):
        async for piece in pieces:
            rest += piece
            if b"\n" not in piece:
                if len(rest) > LONGEST_LINE:
                    rest.clear()
                continue
            *lines, last = bytes(rest).split(b"\n")
            rest = bytearray(last)
            for line in lines:
                if (result := _result(line)) is not None:
                    yield result
    if (result := _result(bytes(rest))) is not None:
        yield result


@asynccontextmanager
async def _closed(pieces: AsyncIterable[bytes]) -> AsyncGenerator[None]:
    """Close what gives the pieces, where the reader stops early."""
    try:
        yield
    finally:
        if isinstance(pieces, AsyncGenerator):
            await pieces.aclose()


def _result(line: bytes) -> BatchResult | None:
    if not line.strip():
        return None
    try:
        read: Any = loaded(line)
    except NOT_THE_WIRE:
        return None
    id = read.get("custom_id") if isinstance(read, dict) else None
    return BatchResult(id, read) if isinstance(id, str) else None


def as_batched(completions: list[Completion]) -> list[Completion]:
    """The completions of one request with a usage that says that it went through a batch."""
    first, *others = completions
    usage = first.usage.model_copy(update={"batched": first.usage.requests})
    return [first.model_copy(update={"usage": usage}), *others]
