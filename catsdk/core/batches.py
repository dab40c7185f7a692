"""The port of a provider's batch API: many requests at once, answered within a day, for less."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from catsdk.core.errors import ProviderError
from catsdk.core.types import Completion, Request

__all__ = [
    "BatchLimits",
    "BatchResult",
    "BatchService",
    "BatchState",
    "NotAnsweredError",
    "QuotaError",
    "Shard",
    "UndecidedError",
]


class NotAnsweredError(Exception):
    """The batch ended (expired, cancelled) before it came to this request, which is not billed."""


class UndecidedError(Exception):
    """The service's list has batches of which only their end will tell whether one is ours."""


class QuotaError(Exception):
    """The service takes no further batch now: too much is enqueued. Nothing was created."""


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """What one batch may hold at most.

    Args:
        requests: Requests.
        bytes: Bytes of all lines together.
    """

    requests: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Shard:
    """The content of one batch.

    Args:
        digest: Tells this batch from all others; the service's list of batches is searched for it.
        ids: The id of each request.
        lines: Each request as the service takes it, with its id in it.
    """

    digest: str
    ids: Sequence[str] = field(repr=False)
    lines: Sequence[bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class BatchState:
    """How far a batch is.

    Args:
        ended: Whether nothing more will come: what is answered can be fetched.
        answered: How many results the service says that there are; `None` if it does not say.
        refused: Why no request of the batch was worked on, where that is so.
        quota: Whether that was because too much is enqueued.
        bad_lines: The error of each request, by its place, because of which a batch was refused.
    """

    ended: bool
    answered: int | None = None
    refused: ProviderError | None = None
    quota: bool = False
    bad_lines: Mapping[int, ProviderError] = field(default_factory=dict[int, ProviderError])


@dataclass(frozen=True, slots=True)
class BatchResult:
    """A line of results: the id of its request, and what `BatchService.read` reads."""

    id: str
    line: Mapping[str, Any] = field(repr=False)


class BatchService(Protocol):
    """The batch API behind one model, spoken by the vendor's SDK.

    Several methods: they are the steps in the life of one batch, and no service has some of them
    only. Each raises a `ProviderError` where the service fails.
    """

    @property
    def limits(self) -> BatchLimits:
        """What one batch may hold."""
        ...

    def line(self, id: str, request: Request) -> bytes:
        """Give a request as a line of a batch.

        Raises:
            InvalidInputError: it holds a text that cannot be sent.
            UnsupportedError: the wire or the model lacks what it asks for.
        """
        ...

    async def upload(self, shard: Shard) -> str:
        """Bring the lines to the service, where that is a step of its own; nothing is bought yet.

        Returns:
            What `create` needs to find them; empty where they are sent along.
        """
        ...

    async def create(self, shard: Shard, uploaded: str) -> str:
        """Buy a batch.

        Returns:
            The service's id of it.

        Raises:
            QuotaError: too much is enqueued; nothing was created.
        """
        ...

    async def find(
        self, digest: str, ids: Sequence[str], since: float, others: Collection[str]
    ) -> str | None:
        """Look for a batch in the service's own list.

        Args:
            digest: The digest of its shard.
            ids: The ids of its requests.
            since: When it was created, or a moment before, in seconds of the epoch.
            others: Batches that are known not to be it.

        Returns:
            Its id, or `None` if it is not in the list.

        Raises:
            UndecidedError: batches that may be it have not ended, and only that will tell.
        """
        ...

    async def state(self, batch: str) -> BatchState:
        """Ask how far a batch is."""
        ...

    def results(self, batch: str) -> AsyncGenerator[BatchResult]:
        """Fetch what an ended batch has brought, in any order; lines without an id are left out."""
        ...

    def read(self, result: BatchResult, request: Request) -> Sequence[Completion]:
        """Read the completions of one result.

        Raises:
            NotAnsweredError: the batch ended before this request was answered.
            ProviderError: the request failed.
        """
        ...

    async def cancel(self, batch: str) -> None:
        """Ask the service to end a batch; what is answered until then can be fetched."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...
