"""Runs an event loop in a thread of its own, for callers that are not async."""

from __future__ import annotations

from concurrent.futures import Future
from threading import Thread

import anyio
from anyio.from_thread import BlockingPortal

__all__ = ["loop_in_thread"]


def loop_in_thread(name: str) -> tuple[BlockingPortal, Thread]:
    """Start an event loop that runs until its portal is stopped.

    The thread is a daemon, so that an interpreter which ends does not wait for it.

    Args:
        name: What the thread is called.

    Returns:
        The portal, through which any thread calls into the loop, and the loop's thread.
    """
    ready: Future[BlockingPortal] = Future()

    async def serve() -> None:
        async with BlockingPortal() as portal:
            ready.set_result(portal)
            await portal.sleep_until_stopped()

    thread = Thread(target=anyio.run, args=(serve,), name=name, daemon=True)
    thread.start()
    return ready.result(), thread
