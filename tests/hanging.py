"""Calls that are never answered, or only once they may be; both tell when they began."""

from __future__ import annotations

from typing import Any

import anyio

__all__ = ["Hanging", "Held"]


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


class Held:
    """Scripts calls that wait until they `may_end`; `started` is set once `calls` of them run."""

    def __init__(self, script: Any, calls: int = 1) -> None:
        self.script, self.calls, self.running = script, calls, 0
        self.started, self.may_end = anyio.Event(), anyio.Event()

    async def __call__(self, request: Any) -> Any:
        self.running += 1
        if self.running == self.calls:
            self.started.set()
        await self.may_end.wait()
        return self.script(request)
