"""Ends a call, with all its retries and waits, at its time limit or at that of its budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import anyio

from catsdk.core.errors import TimedOutError
from catsdk.core.ports import OnText
from catsdk.core.types import Completion, Request
from catsdk.runtime.spending.account import Account
from catsdk.runtime.wrappers.wrapper import Wrapper

__all__ = ["Deadline"]


@dataclass
class Deadline(Wrapper):
    """A provider whose calls end after `seconds`, or when the time of the budget is over.

    The clock runs while a call waits, in the queue or for another try.
    """

    seconds: float
    accounts: Sequence[Account] = ()

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        """Pass the request on, for so long.

        Raises:
            TimedOutError: it took longer.
            BudgetExceededError: the time of the budget is over.
        """
        left, account = self._left() if self.accounts else (inf, None)
        if account is not None and left <= 0:
            raise account.out_of_time()
        with anyio.move_on_after(min(self.seconds, left)):
            return await self.pass_on(request, on_text)
        if account is not None and left <= self.seconds:
            raise account.out_of_time()
        raise TimedOutError(
            f"{self.name} gave no answer within {self.seconds:g} s, retries and waits"
            " included; raise Timeouts(call=...) or CATSDK_TIMEOUTS__CALL if it needs longer",
            model=self.name,
        )

    def _left(self) -> tuple[float, Account]:
        """The seconds that are left in the budgets, and the budget with the fewest."""
        lefts = ((account.seconds_left(), account) for account in self.accounts)
        return min(lefts, key=lambda each: each[0])
