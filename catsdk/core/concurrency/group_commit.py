"""Group commit: work that arrives while other work runs is done together in the next round."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import anyio

__all__ = ["GroupCommit"]

W = TypeVar("W")
R = TypeVar("R")


@dataclass(eq=False)
class _Round:
    """The work of one round, and its result for those that wait for it."""

    work: list[Any] = field(default_factory=list[Any])
    results: Sequence[Any] = ()
    error: Exception | None = None
    over: anyio.Event = field(default_factory=anyio.Event)
    led: bool = False
    """Whether somebody carries it out."""
    unheard: bool = False
    """Whether some of its work was added by who does not wait for it."""
    calls: list[Callable[[], None]] = field(default_factory=list[Callable[[], None]])
    """What is called when it is over."""


class GroupCommit(Generic[W, R]):
    """Carries out work one round at a time: each round has all that was asked for before it.

    Nothing is cut short by cancellation, for what is written was paid for. Where a round fails, all
    who wait for it see the error, and so does everyone who adds work from then on, if there was
    work in it that nobody waits for.

    Args:
        carry: Carries out a round and returns a result for each piece of its work.
    """

    def __init__(self, carry: Callable[[list[W]], Awaitable[Sequence[R]]]) -> None:
        """Start without work."""
        self._carry = carry
        self._next: _Round | None = None
        self._lost: Exception | None = None
        self._hurry = anyio.Event()
        self.turn = anyio.Lock(fast_acquire=True)
        """Held during a round; whoever opens or closes what rounds use holds it, too."""

    async def do(self, work: Sequence[W]) -> list[R]:
        """Have work carried out, in one round; the first who waits for the round goes for all.

        Returns:
            The result of each piece, in their order.
        """
        if not work:
            return []
        ours = self._upcoming()
        first = len(ours.work)
        ours.work.extend(work)
        await self._over(ours)
        if ours.error is not None:
            raise ours.error
        return list(ours.results[first : first + len(work)])

    def add(self, work: Iterable[W], over: Callable[[], None]) -> None:
        """Have work carried out in the next round, without waiting for it.

        The round begins when somebody waits for it, by `do`, `flush` or `flush_every`.

        Args:
            work: What is to be carried out.
            over: Called when the round is over, whether it failed or not.

        Raises:
            Exception: that of an earlier round, in which added work was lost.
        """
        if self._lost is not None:
            raise self._lost
        ours = self._upcoming()
        ours.work.extend(work)
        ours.unheard = True
        ours.calls.append(over)

    async def flush(self) -> None:
        """Wait until all that was asked for is carried out.

        Raises:
            Exception: that of a round, now or earlier, in which added work was lost.
        """
        if self._next is not None:
            await self._over(self._next)
        else:
            async with self.turn:
                pass
        if self._lost is not None:
            raise self._lost

    async def flush_every(self, seconds: float) -> None:
        """Carry out what is added so often, until a round fails; `hurry` does not let it wait.

        Args:
            seconds: Between two rounds.
        """
        while self._lost is None:
            with anyio.move_on_after(seconds):
                await self._hurry.wait()
            self._hurry = anyio.Event()
            # The error is raised to the next caller that adds work or flushes.
            with suppress(Exception):
                await self.flush()

    def hurry(self) -> None:
        """Let `flush_every` begin the next round now."""
        self._hurry.set()

    def _upcoming(self) -> _Round:
        if self._next is None:
            self._next = _Round()
        return self._next

    async def _over(self, ours: _Round) -> None:
        with anyio.CancelScope(shield=True):
            if ours.led:
                await ours.over.wait()
            else:
                ours.led = True
                await self._go(ours)

    async def _go(self, ours: _Round) -> None:
        async with self.turn:
            # Callers that arrive from now on wait for the next round.
            self._next = None
            try:
                ours.results = await self._carry(ours.work)
            except Exception as error:  # noqa: BLE001  # raised by all who wait
                ours.error = error
                if ours.unheard:
                    self._lost = error
            ours.over.set()
            for over in ours.calls:
                over()
