"""Synchronous forms of the method, for scripts and notebooks; they work inside a running loop."""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable, Generator, Iterable
from contextlib import ExitStack
from typing import Any, TypeVar

from anyio.from_thread import BlockingPortal, start_blocking_portal

from catsdk.cat import CaT, synthesize
from catsdk.core.events import Event
from catsdk.core.inputs import PromptLike
from catsdk.core.types import Group, Reference, Result
from catsdk.method.run import Item

__all__ = ["map_sync", "run_sync", "stream_sync", "synthesize_sync"]

R = TypeVar("R")


def synthesize_sync(
    prompt: PromptLike, n: int = 8, model: Any = None, **settings: Any
) -> Reference:
    r"""Call `synthesize` and block until it is done; works in notebooks too.

    Args:
        prompt: A text, or the messages of a chat.
        n: G, the number of rollouts.
        model: The policy, and the anchor unless that is named.
        settings: The further arguments of `synthesize`.

    Returns:
        The reference, with its evidence.

    Raises:
        CatError: as `synthesize`.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.testing import FunctionProvider
        >>> policy = FunctionProvider(lambda request: r"It is \boxed{4}.")
        >>> cat.synthesize_sync("2+2?", n=4, model=policy).answer
        '4'
    """
    return _in_a_loop(lambda: synthesize(prompt, n, model, **settings))


def run_sync(c: CaT, prompt: PromptLike | Group, n: int = 8, **settings: Any) -> Result:
    """Call `c.run` and block until it is done.

    Args:
        c: The method; it stays as it is, a copy of it is opened and closed.
        prompt: A text, the messages of a chat, or a group that was sampled before.
        n: G, the number of rollouts.
        settings: The further arguments of `CaT.run`.

    Raises:
        CatError: as `CaT.run`.
    """

    async def run() -> Result:
        async with copy.copy(c) as own:
            return await own.run(prompt, n, **settings)

    return _in_a_loop(run)


def map_sync(c: CaT, prompts: Iterable[Item], n: int = 8, **settings: Any) -> Generator[Result]:
    """Call `c.map`, as an iterator that blocks while it waits.

    Leaving the loop early, or `close()`, stops the work and closes the models.

    Args:
        c: The method; it stays as it is, a copy of it is opened and closed.
        prompts: Prompts, groups, or pairs of one with its data row.
        n: G, the number of rollouts.
        settings: The further arguments of `CaT.map`.

    Raises:
        CatError: as `CaT.map`.
    """
    return _iterated(c, lambda own: own.map(prompts, n, **settings))


def stream_sync(
    c: CaT, prompt: PromptLike | Group, n: int = 8, **settings: Any
) -> Generator[Event]:
    """Call `c.stream`, as an iterator that blocks while it waits.

    Leaving the loop early, or `close()`, stops the run and closes the models.

    Args:
        c: The method; it stays as it is, a copy of it is opened and closed.
        prompt: A text, the messages of a chat, or a group that was sampled before.
        n: G, the number of rollouts.
        settings: The further arguments of `CaT.stream`.

    Raises:
        CatError: as `CaT.stream`.
    """
    return _iterated(c, lambda own: own.stream(prompt, n, **settings))


def _in_a_loop(work: Callable[[], Awaitable[R]]) -> R:
    """Run `work()` to its end in an event loop of its own thread; an interrupt cancels it."""
    with start_blocking_portal() as portal:
        return portal.call(work)


def _iterated(c: CaT, begin: Callable[[CaT], Any]) -> Generator[Any]:
    """What `begin` gives of an open copy of `c`, item by item; closed when nobody reads on."""
    with ExitStack() as exits:
        portal: BlockingPortal = exits.enter_context(start_blocking_portal())
        own = exits.enter_context(portal.wrap_async_context_manager(copy.copy(c)))

        async def begun() -> Any:
            return begin(own)

        items = portal.call(begun)
        while True:
            try:
                item = portal.call(items.__anext__)
            except StopAsyncIteration:
                return
            yield item
