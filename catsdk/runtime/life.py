"""The states of an object that `async with` opens: new, open inside the block, then closed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import anyio

from catsdk.core.errors import ConfigurationError

__all__ = ["Life"]


class Life:
    """Counts the blocks that hold something open; it is opened once and closed once.

    Blocks may be nested, and several tasks may have one each. What is opened may have to be closed
    by the task that opened it, so the first block waits at its end for those of other tasks; where
    it is cancelled meanwhile, it closes at once.
    """

    def __init__(self, name: str) -> None:
        """Start as new; errors mention `name`."""
        self._name = name
        self._blocks = 0
        self._opener: int | None = None
        self._openers_blocks = 0
        self._opening: anyio.Lock | None = None
        self._others_left: anyio.Event | None = None
        self._closed = False
        self._exits = AsyncExitStack()

    def check(self) -> None:
        """Raise where it was closed.

        Raises:
            ConfigurationError: the outermost block has ended.
        """
        if self._closed:
            raise ConfigurationError(
                f"this {self._name} was closed at the end of its `async with` block; make a new"
                " one, or do the work inside the block"
            )

    async def enter(self, opened: Callable[[AsyncExitStack], Awaitable[None]]) -> None:
        """Begin a block.

        Args:
            opened: Opens what is needed, for the first block, and says in the stack that it is
                given how to close it. Where it raises, all is new again.

        Raises:
            ConfigurationError: the outermost block has ended.
        """
        if self._opening is None:
            self._opening = anyio.Lock()
        async with self._opening:
            self.check()
            task = anyio.get_current_task().id
            if not self._blocks:
                async with AsyncExitStack() as exits:
                    await opened(exits)
                    self._exits = exits.pop_all()
                self._opener = task
            self._blocks += 1
            self._openers_blocks += task == self._opener

    async def leave(self) -> None:
        """End a block; what is open is closed with the last one."""
        self._blocks -= 1
        mine = anyio.get_current_task().id == self._opener
        self._openers_blocks -= mine
        try:
            while mine and self._blocks and not self._openers_blocks:
                self._others_left = anyio.Event()
                await self._others_left.wait()
        finally:
            waited = self._others_left is not None
            if mine and not self._openers_blocks and (waited or not self._blocks):
                await self._close()
            elif not self._blocks and self._others_left is not None:
                self._others_left.set()
            elif not self._blocks:
                # The block was left by another task than the one that entered it.
                await self._close()

    async def _close(self) -> None:
        self._closed = True
        # Do not pass on the block's own error: a task group would wrap it in an exception group.
        await self._exits.aclose()
