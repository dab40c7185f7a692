"""Bell: wakes a task of an event loop, asyncio's or trio's, from any thread, without waiting."""

from __future__ import annotations

from collections.abc import Callable
from threading import get_ident

import anyio
from anyio.lowlevel import current_token

__all__ = ["Bell"]


class Bell:
    """Made by the task that will wait; rung from any thread, any number of times."""

    __slots__ = ("_loop", "_rung", "_thread", "_waiting")

    def __init__(self) -> None:
        """Bind to the running event loop."""
        self._loop = current_token().native_token
        self._thread = get_ident()
        self._rung = False
        self._waiting: anyio.Event | None = None

    def ring(self) -> bool:
        """Wake the waiter; False where its loop has ended, so that nobody will wake."""
        if get_ident() == self._thread:
            self._set()
            return True
        try:
            self._call(self._set)
        except RuntimeError:
            return False
        return True

    async def wait(self) -> None:
        """Wait until it has rung since the last time."""
        if not self._rung:
            # Created only if there is something to wait for, since this is the main cost of a wait.
            self._waiting = anyio.Event()
            try:
                await self._waiting.wait()
            finally:
                self._waiting = None
        self._rung = False

    @property
    def _call(self) -> Callable[[Callable[[], None]], object]:
        asyncio_way = getattr(self._loop, "call_soon_threadsafe", None)
        if asyncio_way is not None:
            return asyncio_way  # type: ignore[no-any-return]
        return getattr(self._loop, "run_sync_soon")  # type: ignore[no-any-return]  # noqa: B009

    def _set(self) -> None:
        self._rung = True
        if self._waiting is not None:
            self._waiting.set()
