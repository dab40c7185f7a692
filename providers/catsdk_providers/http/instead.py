"""Sends a second request in place of a refused one, if the budget allows, and adds their usage."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from catsdk.core.errors import BudgetExceededError, ProviderError, RequestRefusedError
from catsdk.core.ports import before_sending_again
from catsdk.core.types import Completion, Request, Usage

__all__ = ["sent_instead"]


async def sent_instead(
    send: Callable[[], Awaitable[list[Completion]]], request: Request, refusal: RequestRefusedError
) -> list[Completion]:
    """Do `send` after the `refusal` of `request`; the usage counts both requests.

    Raises:
        RequestRefusedError: `refusal`, where the budget allows no other request, or the other one
            is refused too.
        ProviderError: the other request failed in a way that may pass.
    """
    try:
        before_sending_again(request)
    except BudgetExceededError:
        raise refusal from None
    try:
        first, *others = await send()
    except ProviderError as error:
        raised = error if error.transient else refusal
        raised.usage = _of_both(error)
        raise raised from None
    usage = first.usage.model_copy(update={"requests": first.usage.requests + 1})
    return [first.model_copy(update={"usage": usage}), *others]


def _of_both(error: ProviderError) -> Usage:
    """The usage of two requests: a refused one, and a second one that ended with `error`."""
    if error.usage is not None:
        return error.usage.model_copy(update={"requests": error.usage.requests + 1})
    if (error.status or 0) >= 400:
        return Usage(requests=2)
    return Usage(requests=2, unreported=1, cost=None)
