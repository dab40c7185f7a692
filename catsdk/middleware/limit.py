"""At most so many calls in flight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import anyio

from catsdk.core.ports import OnText
from catsdk.core.types import Completion, Request
from catsdk.middleware.wrapper import Wrapper

__all__ = ["Limit"]


@dataclass
class Limit(Wrapper):
    """A provider with at most `max_in_flight` calls at once; the others wait in order."""

    max_in_flight: int
    limiter: anyio.CapacityLimiter = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.limiter = anyio.CapacityLimiter(self.max_in_flight)

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        """Pass the request on once a slot is free."""
        async with self.limiter:
            return await self.wrapped.complete(request, on_text)
