"""Work that is asked for while other work is carried out goes together, in the next round."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import anyio

__all__ = ["GroupCommit"]

W = TypeVar("W")
R = TypeVar("R")


@dataclass(eq=False)
class _Round:
    """What is carried out at once, and what comes back to those who wait for it."""

    work: list[Any] = field(default_factory=list[Any])
    results: Sequence[Any] = ()
    error: Exception | None = None
    over: anyio.Event = field(default_factory=anyio.Event)


class GroupCommit(Generic[W, R]):
    """Carries out work one round at a time: each round has all that was asked for before it.

    Nothing is cut short by cancellation, for what is written was paid for. Where a round fails, all
    who wait for it see the error.

    Args:
        carry: Carries out a round and returns a result for each piece of its work.
    """

    def __init__(self, carry: Callable[[list[W]], Awaitable[Sequence[R]]]) -> None:
        """Begin with nothing to do."""
        self._carry = carry
        self._next: _Round | None = None
        self.turn = anyio.Lock()
        """Held during a round; whoever opens or closes what rounds use holds it, too."""

    async def do(self, work: Sequence[W]) -> list[R]:
        """Have work carried out, in one round; the first who waits for the round goes for all.

        Returns:
            The result of each piece, in their order.
        """
        if not work:
            return []
        waiting = self._next
        ours = waiting or _Round()
        first = len(ours.work)
        ours.work.extend(work)
        with anyio.CancelScope(shield=True):
            if waiting is None:
                await self._go(ours)
            else:
                await ours.over.wait()
        if ours.error is not None:
            raise ours.error
        return list(ours.results[first : first + len(work)])

    async def _go(self, ours: _Round) -> None:
        self._next = ours
        async with self.turn:
            # Who comes from now on waits for the next one.
            self._next = None
            try:
                ours.results = await self._carry(ours.work)
            except Exception as error:  # noqa: BLE001  # raised by all who wait
                ours.error = error
            ours.over.set()
