"""Closes the clients that litellm keeps for an event loop when they are no longer used."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from typing import Any

import anyio
from anyio.lowlevel import current_token

__all__ = ["Clients"]


class Clients:
    """Counts who uses litellm in one loop, and is touched in that loop alone.

    litellm itself closes none: what it forgets stays connected until it is collected.
    """

    def __init__(self) -> None:
        """Nobody uses it yet."""
        self._users = 0

    async def hold(self) -> None:
        """Keep the clients open until `release`."""
        self._users += 1

    async def release(self) -> None:
        """Let go; after the last one the clients are closed."""
        self._users -= 1
        if self._users == 0:
            with anyio.CancelScope(shield=True):
                for client in _forgotten():
                    # It will not be used again, so errors on closing do not matter.
                    with suppress(Exception):
                        await client.close()

    @asynccontextmanager
    async def in_use(self) -> AsyncGenerator[None]:
        """Keep the clients open inside."""
        await self.hold()
        try:
            yield
        finally:
            await self.release()


def _forgotten() -> list[Any]:
    """Take this loop's clients out of litellm's cache, whose keys end with the loop's identity."""
    cache: Any = import_module("litellm").in_memory_llm_clients_cache
    mark = f"-{id(current_token().native_token)}"
    keys = [key for key in cache.cache_dict if str(key).endswith(mark)]
    for key in keys:
        cache.ttl_dict.pop(key, None)
    return [cache.cache_dict.pop(key) for key in keys]
