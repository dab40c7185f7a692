"""Pays for calls from a budget: reserves before sending, and settles by actual use."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from catsdk.core.errors import BudgetExceededError, CatError, InvalidInputError, ProviderError
from catsdk.core.messages import (
    AudioPart,
    ImagePart,
    Message,
    Part,
    RefusalPart,
    TextPart,
    ThinkingPart,
)
from catsdk.core.ports import CountedRequest, OnText, before_sending_again
from catsdk.core.sending import Budget
from catsdk.core.types import Completion, Request, Usage
from catsdk.runtime.spending.account import Account, Amount, Pending
from catsdk.runtime.spending.prices import Rates
from catsdk.runtime.wrappers.record import was_sent
from catsdk.runtime.wrappers.wrapper import ScoreRequest, Wrapper

__all__ = ["Room", "Spend", "Wait", "most"]

# Tokens that a chat template adds to a message, and to a prompt.
TEMPLATE_TOKENS = 32
PROMPT_TOKENS = 256
# Tokens of one image: more than any vendor counts.
IMAGE_TOKENS = 50_000
# Tokens of a file, whose number of pages is unknown: the longest context that there is.
FILE_TOKENS = 2_000_000


@dataclass
class Spend(Wrapper):
    """A provider whose calls are paid from an account; `rates` are its prices, where known."""

    account: Account
    rates: Rates | None = None

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        """Reserve the most that the call can use, pass it on, put the rest back.

        Raises:
            BudgetExceededError: the budget does not allow the call; it was not sent.
            Pending: it may allow it once calls in flight are settled; it was not sent.
        """
        told = False

        def tell(piece: str) -> None:
            nonlocal told
            told = True
            if on_text is not None:
                on_text(piece)

        reserved = most(request, self.account.budget, self.rates)
        self.account.reserve(reserved)
        try:
            completions = await self.pass_on(self._counted(request), tell if on_text else None)
        except BaseException as error:
            self._failed(reserved, error, told=told)
            raise
        self.account.settle(reserved, self._used(reserved, completions))
        return completions

    def _counted(self, request: Request) -> Request:
        """Make retries after a refusal inside the provider count as requests in the budget.

        Only a request is added: the tokens reserved for the refused one, which is not billed, are
        used for the retry.
        """
        may_be_asked_again = request.n > 1 or request.json_schema is not None
        if self.account.budget.requests is None or not may_be_asked_again:
            return request

        def allow() -> None:
            self.account.reserve_request()
            try:
                before_sending_again(request)
            except BudgetExceededError:
                self.account.cancel_request()
                raise

        return CountedRequest.by(request, allow)

    def _failed(self, reserved: Amount, error: BaseException, *, told: bool) -> None:
        if isinstance(error, Pending) or (isinstance(error, CatError) and not was_sent(error)):
            self.account.cancel(reserved)
        elif isinstance(error, ProviderError) and _is_not_billed(error) and not told:
            self.account.settle(reserved, Amount())
        else:
            self.account.settle(reserved, reserved)

    def _used(self, reserved: Amount, completions: Sequence[Completion]) -> Amount:
        usage = Usage.total(completion.usage for completion in completions)
        if usage.unreported:
            return reserved
        return Amount(
            usage.tokens if self.account.budget.tokens is not None else 0,
            reserved.usd if usage.cost is None else usage.cost,
        )


class Wait(Wrapper):
    """A provider around `Spend` that waits, with no place in flight, where a call is `Pending`."""

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        """Pass the request on, again each time that calls in flight have left room.

        Raises:
            BudgetExceededError: the budget does not allow the call; it was not sent.
        """
        waited: set[Account] = set()
        try:
            while True:
                try:
                    return await self.pass_on(request, on_text)
                except Pending as pending:
                    short = pending
                waited.add(short.account)
                await short.account.wait(short.amount)
        finally:
            for account in waited:
                account.pass_on()


@dataclass
class Room(Wrapper):
    """A provider whose answers have at most `tokens` where the request sets no bound.

    Where the length of the context is known, no more than what the prompt leaves of it.
    """

    tokens: int

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        """Pass the request on with a bound."""
        if request.max_tokens is None:
            request = request.model_copy(update={"max_tokens": self._room(request)})
        return await self.pass_on(request, on_text)

    def _room(self, request: Request) -> int:
        context = self.capabilities.context_length
        if context is None:
            return self.tokens
        prompt = sum(
            self.count_tokens(message.shown) + TEMPLATE_TOKENS for message in request.messages
        )
        return max(1, min(self.tokens, context - prompt))


def most(request: Request, budget: Budget, rates: Rates | None, *, batched: bool = False) -> Amount:
    """The most that `request` can use of what `budget` counts, by itself or in a batch.

    Raises:
        InvalidInputError: it counts tokens or money, and the request sets no `max_tokens`.
    """
    if not budget.needs_room:
        return Amount()
    if request.max_tokens is None and not isinstance(request, ScoreRequest):
        raise InvalidInputError(
            "a budget of tokens or money needs max_tokens, or one answer could pass it;"
            " set max_tokens= on the sampler, the synthesizer or CaT"
        )
    prompt, answers = _prompt_bound(request), request.n * _answer_bound(request)
    usd = 0.0
    if rates is not None and budget.usd is not None:
        usd = rates.most(prompt, answers, batched=batched)
    return Amount(prompt + answers if budget.tokens is not None else 0, usd)


def _is_not_billed(error: ProviderError) -> bool:
    """Whether a failed call cost nothing: an error status, without usage before it."""
    used = error.usage or Usage()
    return (error.status or 0) >= 400 and not used.tokens and not used.unreported


def _answer_bound(request: Request) -> int:
    # Scoring generates no answer.
    return 0 if isinstance(request, ScoreRequest) else request.max_tokens or 0


def _prompt_bound(request: Request) -> int:
    # No token is shorter than a byte, so bytes bound the prompt from above.
    messages = sum(_message_bound(message) for message in request.messages)
    beside = (request.json_schema, request.extra or None)
    return PROMPT_TOKENS + messages + sum(len(json.dumps(each)) for each in beside if each)


def _message_bound(message: Message) -> int:
    calls = sum(len(repr(call).encode()) for call in message.tool_calls)
    return sum(map(_part_bound, message.parts)) + calls + TEMPLATE_TOKENS


def _part_bound(part: Part) -> int:
    if isinstance(part, TextPart | RefusalPart | ThinkingPart):
        return len(part.text.encode())
    if isinstance(part, ImagePart):
        return IMAGE_TOKENS
    if isinstance(part, AudioPart):
        # Recordings have many bytes per token.
        return len(part.data)
    url = part.url or ""
    return min(FILE_TOKENS, len(url)) if url.startswith("data:") else FILE_TOKENS
