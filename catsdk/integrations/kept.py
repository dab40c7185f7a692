"""Kept: a method that stays open for callers who have no block to hold it open."""

from __future__ import annotations

import asyncio  # noqa: TID251 (anyio starts no task outside of a group)
from collections.abc import Callable, Coroutine
from typing import Any

import anyio
import sniffio
from anyio.lowlevel import current_token

from catsdk.cat import CaT

__all__ = ["Kept"]


class Kept:
    """Opens a method on first use, in its own task, and keeps it open.

    Frameworks may call a model from one task and close it from another. A method must
    be closed by the task that opened it, so it has one, for each event loop. Without a call of
    `aclose`, it ends with its loop.

    Args:
        make: Makes the method, once for each event loop.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.integrations.kept import Kept
        >>> kept = Kept(lambda: cat.CaT("local", estimator=cat.Majority()))
        >>> result = await (await kept.opened()).run("What is 23 + 58?", n=2)
        >>> len(result.group)
        2
        >>> await kept.aclose()
    """

    def __init__(self, make: Callable[[], CaT]) -> None:
        """Open nothing yet."""
        self._make = make
        self._held: dict[object, _Held] = {}

    async def opened(self) -> CaT:
        """Return the method, open in the running loop.

        Raises:
            ConfigurationError: a model cannot be made; the next call tries again.
        """
        loop = current_token()
        held = self._held.get(loop)
        if held is None:
            # Methods of loops that have ended are closed already.
            self._held = {at: each for at, each in self._held.items() if not each.closed.is_set()}
            held = self._held[loop] = _Held(self._make())
            _in_a_task_of_its_own(held.hold)
        await held.ready.wait()
        if held.failure is not None:
            if self._held.get(loop) is held:
                del self._held[loop]
            raise held.failure
        return held.cat

    async def aclose(self) -> None:
        """Close what is open in the running loop."""
        held = self._held.pop(current_token(), None)
        if held is not None:
            held.closing.set()
            await held.closed.wait()


class _Held:
    """A method, and the task that holds it open."""

    def __init__(self, cat: CaT) -> None:
        self.cat = cat
        self.ready, self.closing, self.closed = anyio.Event(), anyio.Event(), anyio.Event()
        self.failure: Exception | None = None

    async def hold(self) -> None:
        try:
            async with self.cat:
                self.ready.set()
                await self.closing.wait()
        except Exception as error:  # noqa: BLE001
            # Raised to whoever asks for the method, rather than lost.
            self.failure = error
        finally:
            self.ready.set()
            self.closed.set()


# A task without a reference may be garbage-collected while it runs.
_tasks: set[asyncio.Task[None]] = set()


def _in_a_task_of_its_own(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Start `work` outside of every task group and cancel scope."""
    if sniffio.current_async_library() == "trio":
        import trio

        trio.lowlevel.spawn_system_task(work)
        return
    task = asyncio.get_running_loop().create_task(work())
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)
