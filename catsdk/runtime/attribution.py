"""What a call is for: its stage, its place among many prompts, and the results that list it.

This is the one context variable of catsdk that follows a task. It only attributes calls: what is
sent, to whom, and at whose expense never depends on it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

from catsdk.core.types import Call

__all__ = [
    "Attribution",
    "attribution",
    "in_order",
    "keyed",
    "on_admitted",
    "recorded",
]


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
    """

    stage: str = ""
    rank: int = 0
    lists: tuple[list[Call], ...] = ()
    admitted: Callable[[], None] | None = None
    place: str = ""
    key: str = ""


_NONE = Attribution()
_current: ContextVar[Attribution] = ContextVar("catsdk_attribution", default=_NONE)


def attribution() -> Attribution:
    """What the calls of the running task belong to."""
    return _current.get()


@contextmanager
def recorded(stage: str) -> Generator[list[Call]]:
    """Collect the calls that are made inside, in this task and the tasks it starts.

    An inner block has a stage of its own; its calls are in the outer block's list too.

    Args:
        stage: The step of the method that the calls are made for.
    """
    calls: list[Call] = []
    outer = _current.get()
    token = _current.set(replace(outer, stage=stage, lists=(*outer.lists, calls)))
    try:
        yield calls
    finally:
        _current.reset(token)


@contextmanager
def in_order(rank: int) -> Generator[None]:
    """Let the calls made inside be sent before those of a higher `rank`, within their stage."""
    token = _current.set(replace(_current.get(), rank=rank))
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def keyed(place: str, key: str) -> Generator[None]:
    """Name the call that is made inside, so that it is known when it is made again."""
    token = _current.set(replace(_current.get(), place=place, key=key))
    try:
        yield
    finally:
        _current.reset(token)


def on_admitted(admitted: Callable[[], None]) -> None:
    """Have `admitted` called for the calls of the running task; for a task of its own."""
    _current.set(replace(_current.get(), admitted=admitted))
