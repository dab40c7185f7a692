"""A call that is never answered: it tells when it began, how many run, and when one was ended."""

from __future__ import annotations

import anyio

__all__ = ["Hanging"]


class Hanging:
    """Scripts calls that only a cancellation ends; `started` is set once `calls` of them run."""

    def __init__(self, calls: int = 1) -> None:
        self.calls, self.running = calls, 0
        self.started, self.cancelled = anyio.Event(), anyio.Event()

    async def __call__(self, _: object = None) -> str:
        self.running += 1
        if self.running >= self.calls:
            self.started.set()
        try:
            await anyio.sleep_forever()
        finally:
            self.running -= 1
            self.cancelled.set()
        return "never"
