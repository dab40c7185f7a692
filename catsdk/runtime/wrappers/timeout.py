"""A time limit for each call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import anyio

from catsdk.core.errors import TimedOutError
from catsdk.core.ports import OnText
from catsdk.core.types import Completion, Request
from catsdk.runtime.wrappers.wrapper import Wrapper

__all__ = ["Timeout"]


@dataclass
class Timeout(Wrapper):
    """A provider whose calls end after `seconds`, as a `TimedOutError`."""

    seconds: float

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        """Pass the request on, for so long."""
        with anyio.move_on_after(self.seconds):
            return await self.pass_on(request, on_text)
        raise TimedOutError(
            f"{self.name} gave no answer within {self.seconds:g} s; raise Timeouts(attempt=...) or"
            " CATSDK_TIMEOUTS__ATTEMPT if the model needs longer",
            model=self.name,
        )
