"""Answers that use so many tokens, and a script that gives them when other calls had their turn."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio.lowlevel

from catsdk.core.types import Completion, Request, Usage

__all__ = ["costing", "costing_in_turn"]


def costing(tokens: int, unreported: int = 0) -> Completion:
    usage = Usage(output_tokens=tokens, requests=1, unreported=unreported)
    return Completion(text="x", usage=usage)


def costing_in_turn(tokens: int) -> Callable[[Request], Awaitable[Completion]]:
    async def script(_: Request) -> Completion:
        await anyio.lowlevel.checkpoint()
        return costing(tokens)

    return script
