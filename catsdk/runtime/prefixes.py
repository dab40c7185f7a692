"""Sends one call ahead of others with the same long prefix, so that the service caches it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TypeVar

import anyio
from anyio.lowlevel import current_token

from catsdk.core.messages import Part, TextPart
from catsdk.core.types import Request

__all__ = ["Warming"]

R = TypeVar("R")

# Services forget a prefix after some five minutes (Anthropic; OpenAI says five to ten).
KEPT_SECONDS = 240.0
MAX_PREFIXES = 10_000


class Warming:
    """Lets the first call with a beginning run alone; the rest wait for its end, then run at once.

    The beginning is everything but the last part of the last message. Beginnings of fewer than
    `over` characters do not wait: services cache from 1,024 tokens on.
    """

    def __init__(self, over: int = 4_096) -> None:
        """Start without cached prefixes."""
        self._over = over
        self._warmed: OrderedDict[tuple[object, str], tuple[anyio.Event, float]] = OrderedDict()

    async def send(self, request: Request, call: Callable[[], Awaitable[R]]) -> R:
        """Run `call`, which sends `request`, in its turn."""
        *before, last = request.messages
        beginning = [*(part for message in before for part in message.parts), *last.parts[:-1]]
        # Most prompts are too short, and serialising all messages costs time.
        if sum(map(_length, beginning)) < self._over:
            return await call()
        key = (current_token(), "\0".join(map(repr, [*before, *last.parts[:-1]])))
        known = self._warmed.get(key)
        if known is not None and monotonic() - known[1] < KEPT_SECONDS:
            await known[0].wait()
            return await call()
        return await self._first(key, call)

    async def _first(self, key: tuple[object, str], call: Callable[[], Awaitable[R]]) -> R:
        done = anyio.Event()
        self._warmed[key] = (done, monotonic())
        while len(self._warmed) > MAX_PREFIXES:
            self._warmed.popitem(last=False)
        try:
            return await call()
        except BaseException:
            self._warmed.pop(key, None)
            raise
        finally:
            # Also after a failure: one call that fails must not block the rest.
            done.set()


def _length(part: Part) -> int:
    return len(part.text) if isinstance(part, TextPart) else len(repr(part))
