"""Adds the cost to answers, if the price of the model is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from catsdk.core.ports import OnText
from catsdk.core.types import Completion, Request, Usage
from catsdk.runtime.spending.prices import Fixed, Rates
from catsdk.runtime.wrappers.wrapper import Wrapper

__all__ = ["Priced", "priced", "priced_usage"]


@dataclass
class Priced(Wrapper):
    """A provider whose answers tell their cost in US dollars; a vendor's own word is kept.

    A price that the user gave comes before the vendor's word.
    """

    rates: Rates

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        """Pass the request on and price the answers."""
        completions = await self.pass_on(request, on_text)
        return [priced(completion, self.rates) for completion in completions]


def priced(completion: Completion, rates: Rates) -> Completion:
    """The answer with its cost by `rates`; a vendor's own word is kept unless the user has one."""
    usage = priced_usage(completion.usage, rates)
    if usage is completion.usage:
        return completion
    return completion.model_copy(update={"usage": usage})


def priced_usage(usage: Usage, rates: Rates) -> Usage:
    """The same usage with its cost by `rates`, under the same rule as `priced`."""
    known = usage.cost is not None and not isinstance(rates, Fixed)
    if known or usage.unreported or not usage.tokens:
        return usage
    return usage.model_copy(update={"cost": rates.cost(usage)})
