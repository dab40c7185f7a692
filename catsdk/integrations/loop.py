"""One event loop in a thread of its own, for frameworks that call a model from any thread."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import TypeVar

import anyio
from anyio.from_thread import BlockingPortal

__all__ = ["in_one_loop"]

R = TypeVar("R")

_starting = threading.Lock()
_portals: list[BlockingPortal] = []


def in_one_loop(work: Callable[[], Awaitable[R]]) -> R:
    """Run `work()` in the loop that all threads of this process share, and wait for it.

    What is opened there stays open for the next call. The loop ends with the main thread.

    Args:
        work: An async function without arguments.

    Returns:
        What it gives.

    Raises:
        Exception: what it raises.

    Example:
        >>> from catsdk.integrations.loop import in_one_loop
        >>> async def answer():
        ...     return 42
        >>> in_one_loop(answer)
        42
    """
    with _starting:
        if not _portals:
            _portals.append(_started())
    return _portals[0].call(work)


def _started() -> BlockingPortal:
    ready: Future[BlockingPortal] = Future()

    async def serve() -> None:
        async with BlockingPortal() as portal:
            ready.set_result(portal)
            await portal.sleep_until_stopped()

    threading.Thread(target=anyio.run, args=(serve,), name="catsdk-models", daemon=True).start()
    portal = ready.result()
    threading.Thread(target=_stop_at_the_end, args=(portal,), daemon=True).start()
    return portal


def _stop_at_the_end(portal: BlockingPortal) -> None:
    # The interpreter would wait for the loop's worker threads, which last as long as the loop.
    threading.main_thread().join()
    with suppress(RuntimeError):
        portal.call(portal.stop, True)
