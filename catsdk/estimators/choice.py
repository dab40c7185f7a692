"""A model is shown all rollouts and names one of them by its number."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from pydantic import JsonValue

from catsdk.core.options import Sampling
from catsdk.core.ports import Provider, capabilities_of, name_of
from catsdk.core.types import Group, Reference
from catsdk.estimators.selected import candidates, selected
from catsdk.prompts.prompt import Prompt, load
from catsdk.prompts.reply import read_choice
from catsdk.runtime.attribution import recorded
from catsdk.runtime.context import Context, Role
from catsdk.runtime.structured import Form, ask

__all__ = ["choose"]

SCHEMA: Mapping[str, JsonValue] = {
    "type": "object",
    "properties": {"choice": {"type": "integer"}},
    "required": ["choice"],
    "additionalProperties": False,
}


async def choose(
    ctx: Context,
    group: Group,
    model: str | Provider | None,
    *,
    role: Role = "anchor",
    method: str,
    task: str,
    sampling: Sampling,
    prompt: Prompt | None,
) -> Reference:
    """Make the rollout that `model` names the reference; one rollout needs no call.

    Raises:
        NoEvidenceError: the group has no rollout.
        StructuredOutputError: no reply named one of the rollouts, or none of these fits the output
            that was asked for.
        ProviderError: the model failed.
    """
    group = candidates(group, ctx)
    if len(group.rollouts) == 1:
        return await selected(ctx, group.rollouts[0], method=method, settings={"position": 0})
    with recorded("choose") as calls:
        provider = await ctx.model(model, role)
        words = prompt or load(capabilities_of(provider).prompts, task)
        request = sampling.request(
            words.messages(
                question=group.conversation,
                count=str(len(group.rollouts)),
                responses=[rollout.text for rollout in group.rollouts],
            )
        )
        read = partial(read_choice, count=len(group.rollouts))
        position, completion = await ask(provider, request, Form(SCHEMA, read))
        name = completion.model or name_of(provider)
    return await selected(
        ctx,
        group.rollouts[position],
        method=method,
        settings={"position": position},
        calls=calls,
        model=name,
        prompt=words,
    )
