"""One event loop in its own thread, for frameworks that call a model from any thread."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from anyio.from_thread import BlockingPortal

from catsdk.core.concurrency.loops import loop_in_thread

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
        What `work` returns.

    Raises:
        Exception: what `work` raises.

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
    portal, running = loop_in_thread("catsdk-models")
    # No daemon: the interpreter waits until the loop has closed what is open in it.
    threading.Thread(target=_end, args=(portal, running), name="catsdk-ending").start()
    return portal


def _end(portal: BlockingPortal, running: threading.Thread) -> None:
    threading.main_thread().join()
    with suppress(RuntimeError):
        portal.call(portal.stop, True)
    running.join()
