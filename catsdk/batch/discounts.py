"""Discounts: the share of the list price that each stage of a batch costs at the provider's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from catsdk.cat import CaT
from catsdk.core.errors import NoModelError
from catsdk.core.sending import BatchStage
from catsdk.runtime.batching.batched import steps_of
from catsdk.runtime.context import Context
from catsdk.runtime.spending.prices import rates_of

__all__ = ["price_shares_of"]

_ROLES: Final[Mapping[BatchStage, Literal["policy", "anchor", "judge"]]] = {
    "rollouts": "policy",
    "synthesis": "anchor",
    "rubrics": "anchor",
    "verdicts": "judge",
}
# An arbitrary number of tokens of each kind: the shares do not depend on it.
_TOKENS = 1000


async def price_shares_of(method: CaT) -> dict[str, float]:
    """Give the share for each step of the method that the client sends in batches.

    Args:
        method: The method, which is not open; its models are opened for a moment.
    """
    batching = method.client.sending.batch
    if batching is None:
        return {}
    shares: dict[str, float] = {}
    client = method.client.with_batching(None)
    async with method.with_client(client) as c, c.context() as ctx:
        for stage in batching.stages:
            share = await _share(ctx, stage)
            shares |= dict.fromkeys(steps_of(stage), share)
    return shares


async def _share(ctx: Context, stage: BatchStage) -> float:
    role = _ROLES.get(stage)
    if role is None:
        return 1.0
    try:
        provider = await ctx.model(role=role)
    except NoModelError:
        return 1.0
    rates = rates_of(provider, ctx.client.sending.prices)
    whole = 0.0 if rates is None else rates.most(_TOKENS, _TOKENS)
    return 1.0 if rates is None or not whole else rates.most(_TOKENS, _TOKENS, batched=True) / whole
