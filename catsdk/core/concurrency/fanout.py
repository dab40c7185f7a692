"""Runs many calls concurrently: results in order, cancelled together, or failures kept as data."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar, cast

import anyio
from anyio.lowlevel import checkpoint

from catsdk.core.errors import CatError
from catsdk.core.types import Failure

__all__ = ["fan_out", "fan_out_tolerant", "first_of"]

T = TypeVar("T")
R = TypeVar("R")


async def fan_out(func: Callable[[T], Awaitable[R]], args: Iterable[T]) -> list[R]:
    """Call `func` on every argument at once; results come in the order of the arguments.

    The first failure cancels the others and is raised alone.

    Args:
        func: An async function of one argument.
        args: The arguments.

    Returns:
        The results.

    Example:
        >>> from catsdk.runtime import fan_out
        >>> async def double(number):
        ...     return 2 * number
        >>> await fan_out(double, [1, 2, 3])
        [2, 4, 6]
    """
    wanted = list(args)
    if len(wanted) == 1:
        return [await func(wanted[0])]
    results: dict[int, R] = {}

    async def run(index: int, arg: T) -> None:
        results[index] = await func(arg)

    try:
        async with anyio.create_task_group() as tasks:
            for index, arg in enumerate(wanted[1:], start=1):
                tasks.start_soon(run, index, arg)
            # This task makes the first call itself instead of only waiting.
            if wanted:
                await run(0, wanted[0])
    except BaseExceptionGroup as group:
        raise first_of(group) from None
    if len(results) < len(wanted):
        # Calls end without an error only where a scope around them was cancelled, such as by the
        # first one: that reaches this task here.
        await checkpoint()
    return [results[index] for index in range(len(wanted))]


async def fan_out_tolerant(
    func: Callable[[T], Awaitable[R]], args: Iterable[T]
) -> list[R | Failure]:
    """Call `func` on every argument at once; a `CatError` takes the place of its result.

    Any other exception is a defect: it cancels the others and is raised alone.
    """

    async def settle(arg: T) -> R | Failure:
        try:
            return await func(arg)
        except CatError as error:
            return Failure.of(error)

    return await fan_out(settle, args)


def first_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error that is not a group, of a group that may hold groups."""
    error = group.exceptions[0]
    if isinstance(error, BaseExceptionGroup):
        return first_of(cast("BaseExceptionGroup[BaseException]", error))
    return error
