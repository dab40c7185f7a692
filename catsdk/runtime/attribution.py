"""What a call is for: its stage, its place among many prompts, and the results that list it.

This is the one context variable of catsdk that follows a task. It only attributes calls: what is
sent, to whom, and at whose expense never depends on it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

from catsdk.core.types import Call

__all__ = [
    "Attribution",
    "Waits",
    "attribution",
    "counted",
    "in_order",
    "on_admitted",
    "recorded",
    "waiting",
]


@dataclass(slots=True)
class Waits:
    """How many calls of a piece of work are being made, and how many of them wait for a batch.

    Args:
        changed: Called whenever either changes.
    """

    changed: Callable[[Waits], None]
    calls: int = 0
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class Attribution:
    """What the calls of the running task belong to.

    Args:
        stage: The step of the method, such as `sample`; empty outside of any.
        rank: The place of the prompt among many; lower ones are sent first.
        lists: The lists that hold each call, outermost first.
        admitted: Called when the task's call has its place in flight.
        place: The piece of work that they are for, the same when a program is started again.
        key: Tells one call from equal ones, the same when a program is started again.
        waits: Counts the calls that wait, for whoever asks that they be counted.
    """

    stage: str = ""
    rank: int = 0
    lists: tuple[list[Call], ...] = ()
    admitted: Callable[[], None] | None = None
    place: str = ""
    key: str = ""
    waits: Waits | None = None


_NONE = Attribution()
_current: ContextVar[Attribution] = ContextVar("catsdk_attribution", default=_NONE)


def attribution() -> Attribution:
    """What the calls of the running task belong to."""
    return _current.get()


@contextmanager
def recorded(stage: str, **named: Any) -> Generator[list[Call]]:
    """Collect the calls that are made inside, in this task and the tasks it starts.

    An inner block has a stage of its own; its calls are in the outer block's list too.

    Args:
        stage: The step of the method that the calls are made for.
        named: `place` and `key` of the call that is made inside, by which it is known when it is
            made again.
    """
    calls: list[Call] = []
    now = _current.get()
    token = _current.set(replace(now, stage=stage, lists=(*now.lists, calls), **named))
    try:
        yield calls
    finally:
        _current.reset(token)


def in_order(rank: int) -> AbstractContextManager[None]:
    """Let the calls made inside be sent before those of a higher `rank`, within their stage."""
    return _within(rank=rank)


def waiting(waits: Waits) -> AbstractContextManager[None]:
    """Count in `waits` the calls that are made inside, in this task and the tasks it starts."""
    return _within(waits=waits)


@contextmanager
def _within(**changes: Any) -> Generator[None]:
    token = _current.set(replace(_current.get(), **changes))
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def counted(waits: Waits | None, *, waiting: bool) -> Generator[None]:
    """Count a call, or one that waits for its batch, while the block lasts."""
    if waits is None:
        yield
        return
    _count(waits, 1, waiting=waiting)
    try:
        yield
    finally:
        _count(waits, -1, waiting=waiting)


def _count(waits: Waits, more: int, *, waiting: bool) -> None:
    if waiting:
        waits.waiting += more
    else:
        waits.calls += more
    waits.changed(waits)


def on_admitted(admitted: Callable[[], None]) -> None:
    """Have `admitted` called for the calls of the running task; for a task of its own."""
    _current.set(replace(_current.get(), admitted=admitted))
