"""The runtime as it happens: who watches is told of every call that begins and ends."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from time import time

from catsdk.core.events import CallEnded, CallStarted, RuntimeEvent
from catsdk.core.types import Call

__all__ = ["tell_ended", "tell_started", "watched", "watching"]

OnEvent = Callable[[RuntimeEvent], None]
_watchers: ContextVar[tuple[OnEvent, ...]] = ContextVar("catsdk_watchers", default=())


@contextmanager
def watching(on_event: OnEvent) -> Generator[None]:
    """Tell `on_event` of each call made inside, in this task and the tasks it starts.

    A retry and a hedging copy are calls of their own. `on_event` is called in the event loop: it
    must return soon, and may pass the event to a queue or write `line_of(event)`. What it raises
    ends the call that it was told of.
    """
    token = _watchers.set((*_watchers.get(), on_event))
    try:
        yield
    finally:
        _watchers.reset(token)


def watched() -> bool:
    """Whether anyone watches the running task."""
    return bool(_watchers.get())


def tell_started(stage: str, model: str) -> None:
    """Tell that a call is sent."""
    for on_event in _watchers.get():
        on_event(CallStarted(at=time(), stage=stage, model=model))


def tell_ended(call: Call, *, sent: bool = True) -> None:
    """Tell how a call ended."""
    for on_event in _watchers.get():
        on_event(CallEnded(at=time(), call=call, sent=sent))
