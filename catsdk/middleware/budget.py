"""A cap on requests and tokens that is reserved before sending and never passed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock

from pydantic import Field

from catsdk.core.errors import BudgetExceededError, InvalidInputError, ProviderError
from catsdk.core.options import Options
from catsdk.core.ports import OnText
from catsdk.core.types import Completion, Request, Usage
from catsdk.middleware.wrapper import Wrapper

__all__ = ["Account", "Budget", "Spend"]

TEMPLATE_TOKENS = 32


class Budget(Options):
    """Caps over all stages together; `None` is no cap. A token cap needs `max_tokens` set."""

    requests: int | None = Field(default=None, ge=0)
    tokens: int | None = Field(default=None, ge=0)


@dataclass
class Account:
    """What is spent and reserved of a budget; shared by tasks, loops and threads."""

    budget: Budget
    requests: int = 0
    tokens: int = 0
    _lock: Lock = field(default_factory=Lock, repr=False)

    def reserve(self, tokens: int) -> None:
        """Take one request and `tokens` out of the budget.

        Raises:
            BudgetExceededError: not so much is left; nothing was taken.
        """
        with self._lock:
            self._refuse_over("requests", self.requests + 1, self.budget.requests)
            self._refuse_over("tokens", self.tokens + tokens, self.budget.tokens)
            self.requests += 1
            self.tokens += tokens

    def settle(self, reserved: int, used: int) -> None:
        """Put back what a finished call had reserved and did not use."""
        with self._lock:
            self.tokens += used - reserved

    def _refuse_over(self, what: str, wanted: int, cap: int | None) -> None:
        if cap is not None and wanted > cap:
            raise BudgetExceededError(
                f"the budget of {cap:,} {what} is reached: this call could bring it to"
                f" {wanted:,}; raise Budget({what}=...) or ask for less"
            )


@dataclass
class Spend(Wrapper):
    """A provider whose calls are paid from an account."""

    account: Account

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        """Reserve the most that the call can use, pass it on, put the rest back.

        Raises:
            BudgetExceededError: the budget does not allow the call; it was not sent.
        """
        reserved = self._most(request)
        self.account.reserve(reserved)
        try:
            completions = await self.wrapped.complete(request, on_text)
        except ProviderError as error:
            # An answer with an error status is not billed; without one nobody knows.
            if error.status is not None:
                self.account.settle(reserved, 0)
            raise
        usage = Usage.total(completion.usage for completion in completions)
        if not usage.unreported:
            self.account.settle(reserved, usage.tokens)
        return completions

    def _most(self, request: Request) -> int:
        if self.account.budget.tokens is None:
            return 0
        if request.max_tokens is None:
            raise InvalidInputError(
                "a token budget needs max_tokens, or one answer could pass it;"
                " set max_tokens= on the sampler, the synthesizer or CaT"
            )
        # No token is shorter than a byte, so bytes bound the prompt from above.
        prompt = sum(len(m.text.encode()) + TEMPLATE_TOKENS for m in request.messages)
        return prompt + request.n * request.max_tokens
