"""Wake a task of an event loop, asyncio's or trio's, from another thread, without waiting."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import anyio
from anyio.lowlevel import current_token

__all__ = ["Bell"]


class Bell:
    """Made by the task that will wait; rung from any thread, any number of times."""

    def __init__(self) -> None:
        loop = current_token().native_token
        asyncio_way = getattr(loop, "call_soon_threadsafe", None)
        self._call: Callable[[Callable[[], None]], object] = (
            asyncio_way if asyncio_way is not None else getattr(loop, "run_sync_soon")  # noqa: B009
        )
        self._rung = anyio.Event()

    def ring(self) -> None:
        """Wake the waiter; does nothing where its loop has ended."""
        with contextlib.suppress(RuntimeError):
            self._call(self._set)

    async def wait(self) -> None:
        """Wait until it has rung since the last time."""
        await self._rung.wait()
        self._rung = anyio.Event()

    def _set(self) -> None:
        self._rung.set()
