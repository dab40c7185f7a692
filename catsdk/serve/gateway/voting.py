"""Votes on tool calls: of several replies, chooses one whose calls most of them agree on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from catsdk.core.concurrency.fanout import fan_out
from catsdk.core.errors import CatError, error_of
from catsdk.core.ports import Provider
from catsdk.core.types import Completion, Request

__all__ = ["sampled", "voted"]


async def sampled(provider: Provider, request: Request, n: int) -> list[Completion]:
    """Ask for n replies, each by a request of its own; those that failed are left out.

    Args:
        provider: The model.
        request: What is asked.
        n: How many replies are wanted.

    Raises:
        CatError: all of them failed; the first one's error.
    """

    async def one(at: int) -> Completion | CatError:
        seed = None if request.seed is None else request.seed + at
        asked = request.model_copy(update={"sample_index": at, "seed": seed})
        try:
            (completion, *_) = await provider.complete(asked)
        except CatError as error:
            return error
        return completion if completion.failure is None else error_of(completion.failure)

    replies = await fan_out(one, range(n))
    there = [reply for reply in replies if isinstance(reply, Completion)]
    if not there:
        raise next(reply for reply in replies if isinstance(reply, CatError))
    return there


def voted(replies: Sequence[Completion]) -> tuple[Completion, float]:
    """Return the reply that wins, and the share of the replies that make the same calls.

    Two replies make the same calls if they name the same tools with equal arguments, in any order.
    Replies without calls are alike. Among the most frequent the one that came first wins.

    Args:
        replies: At least one.
    """
    calls = [_calls(reply) for reply in replies]
    winner = max(calls, key=calls.count)
    return replies[calls.index(winner)], calls.count(winner) / len(calls)


def _calls(reply: Completion) -> list[str]:
    return sorted(json.dumps([call.name, _given(call.arguments)]) for call in reply.tool_calls)


def _given(arguments: str) -> Any:
    try:
        # The order of keys does not matter, and 1.0 equals 1.
        return json.dumps(json.loads(arguments, parse_int=float), sort_keys=True)
    except (ValueError, RecursionError):
        return arguments
