"""What responses of pydantic-ai used, as sums, and in the terms of each side."""

# pyright: reportMissingImports=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# pyright: reportUntypedBaseClass=false, reportMissingTypeStubs=false

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from copy import copy
from decimal import Decimal

from pydantic_ai.messages import ModelResponse
from pydantic_ai.usage import RequestUsage

from catsdk.core.types import Usage

__all__ = ["as_request_usage", "summed", "usage_of"]


def _priced(response: ModelResponse) -> RequestUsage:
    """The usage with its cost where that is known: prices depend on the size of one request."""
    usage = copy(response.usage)
    if usage.cost is None and response.model_name:
        with suppress(LookupError):
            usage.cost = response.cost().total_price
    return usage


def summed(responses: Iterable[ModelResponse]) -> RequestUsage:
    """The sum of what responses used; without a cost where that of one is not known."""
    usages = [_priced(response) for response in responses]
    total = RequestUsage()
    for usage in usages:
        total += usage
    if any(usage.cost is None for usage in usages):
        total.cost = None
    return total


def usage_of(response: ModelResponse) -> Usage:
    """What a response used, in the terms of catsdk."""
    usage = _priced(response)
    return Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cached_tokens=usage.cache_read_tokens,
        requests=1,
        unreported=usage.unmeasured_requests,
        cost=None if usage.cost is None else float(usage.cost),
    )


def as_request_usage(usages: Iterable[Usage]) -> RequestUsage:
    """The sum of what catsdk's calls used."""
    used = Usage.total(usages)
    return RequestUsage(
        input_tokens=used.input_tokens,
        output_tokens=used.output_tokens,
        cache_read_tokens=used.cached_tokens,
        unmeasured_requests=used.unreported,
        cost=None if used.cost is None or not used.requests else Decimal(str(used.cost)),
    )
