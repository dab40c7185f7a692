"""A reply that can be read: asked for again, with the model shown its own error."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from catsdk.core.errors import StructuredOutputError
from catsdk.core.ports import Provider
from catsdk.core.types import Completion, Message, Request

__all__ = ["ask"]

T = TypeVar("T")


async def ask(
    provider: Provider, request: Request, read: Callable[[str], T], *, attempts: int = 2
) -> tuple[T, Completion]:
    """Send `request` until `read` takes the reply's text, at most `attempts` times.

    Raises:
        StructuredOutputError: no reply could be read; the last one's error.
        ProviderError: the service failed.
    """
    for attempt in range(attempts):
        completion = (await provider.complete(request))[0]
        try:
            return read(completion.text), completion
        except StructuredOutputError as error:
            if attempt + 1 == attempts:
                raise
            request = _corrected(request, completion.text, error)
    raise AssertionError("attempts is at least 1")


def _corrected(request: Request, reply: str, error: StructuredOutputError) -> Request:
    again = (
        Message(role="assistant", content=reply[:4000] or "(nothing)"),
        Message(
            role="user",
            content=f"That could not be read: {error}. Answer again, in the form asked for.",
        ),
    )
    return request.model_copy(update={"messages": (*request.messages, *again)})
