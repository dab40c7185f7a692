"""The end of a call with all its tries and waits, and of everything that one budget pays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import anyio

from catsdk.core.errors import TimedOutError
from catsdk.core.ports import OnText
from catsdk.core.types import Completion, Request
from catsdk.middleware.account import Account
from catsdk.middleware.wrapper import Wrapper

__all__ = ["Deadline"]


@dataclass
class Deadline(Wrapper):
    """A provider whose calls end after `seconds`, or when the time of the budget is over.

    The clock runs while a call waits, in the queue or for another try.
    """

    seconds: float
    account: Account | None = None

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        """Pass the request on, for so long.

        Raises:
            TimedOutError: it took longer.
            BudgetExceededError: the time of the budget is over.
        """
        left = self.account.seconds_left() if self.account is not None else float("inf")
        if self.account is not None and left <= 0:
            raise self.account.out_of_time()
        with anyio.move_on_after(min(self.seconds, left)):
            return await self.pass_on(request, on_text)
        if self.account is not None and left <= self.seconds:
            raise self.account.out_of_time()
        raise TimedOutError(
            f"{self.name} gave no answer within {self.seconds:g} s, further tries and waits"
            " included; raise call_deadline= or CATSDK_CALL_DEADLINE if it needs longer",
            model=self.name,
        )
