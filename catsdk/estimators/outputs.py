"""A model's new answer in the form that the run asks for."""

from __future__ import annotations

from catsdk.core.ports import Provider
from catsdk.core.types import Completion, Request
from catsdk.runtime.context import Context
from catsdk.runtime.structured import ask

__all__ = ["answer_of"]


async def answer_of(provider: Provider, request: Request, ctx: Context) -> Completion:
    """Send `request`, and where the run asks for an output, until an answer fits it.

    Raises:
        StructuredOutputError: no answer fits the output.
        ProviderError: the model failed.
    """
    output = ctx.output
    if output is None:
        return (await provider.complete(request))[0]
    asked = request.model_copy(update={"messages": ctx.answers.asked(request.messages)})
    form, attempts, route = output.asked_for, output.attempts, output.route
    return (await ask(provider, asked, form, attempts=attempts, route=route))[1]
