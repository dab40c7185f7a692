"""A turn that the policy answers alone because it may call tools, which are not synthesized."""

from __future__ import annotations

from catsdk.cat import CaT
from catsdk.core.errors import InvalidInputError, error_of
from catsdk.core.options import Sampling
from catsdk.core.ports import name_of, wire_of
from catsdk.core.types import Completion, Message
from catsdk.serve.gateway.tools import Tools, original, tool_fields

__all__ = ["own_turn"]


async def own_turn(
    cat: CaT, messages: tuple[Message, ...], sampling: Sampling, seed: int | None, tools: Tools
) -> Completion:
    """Ask a method's policy once, offering it tools.

    Args:
        cat: The method, open.
        messages: The conversation.
        sampling: How the policy is sampled.
        seed: Makes the answer repeatable if the model supports seeds.
        tools: What it may call.

    Returns:
        Its answer, with tool calls under the names the tools were offered by.

    Raises:
        InvalidInputError: the policy takes no tools.
        ProviderError: the service failed.
    """
    async with cat.context() as ctx:
        policy = await ctx.model(None, "policy")
        wire = wire_of(policy)
        if wire is None:
            raise InvalidInputError(
                f"{name_of(policy)} cannot use tools; use it where none are offered"
            )
        offering = sampling.model_copy(update={"extra": sampling.extra | tool_fields(tools, wire)})
        completion = (await policy.complete(offering.request(messages, seed=seed)))[0]
        if completion.failure is not None:
            raise error_of(completion.failure)
        named = {
            "model": completion.model or name_of(policy),
            "tool_calls": tuple(map(original, completion.tool_calls)),
        }
        return completion.model_copy(update=named)
