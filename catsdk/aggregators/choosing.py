"""A model is shown all rollouts and names one of them by its number."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from pydantic import JsonValue

from catsdk.aggregators.selected import selected
from catsdk.core.options import Sampling
from catsdk.core.ports import Provider, capabilities_of, name_of
from catsdk.core.types import Group, Reference
from catsdk.equivalence.evidence import no_evidence
from catsdk.middleware.record import recorded
from catsdk.middleware.stack import opened
from catsdk.middleware.structured import Form, ask
from catsdk.prompts.prompt import Prompt, load
from catsdk.prompts.reply import read_choice

__all__ = ["choose"]

SCHEMA: Mapping[str, JsonValue] = {
    "type": "object",
    "properties": {"choice": {"type": "integer"}},
    "required": ["choice"],
    "additionalProperties": False,
}


async def choose(
    group: Group,
    model: str | Provider,
    *,
    method: str,
    task: str,
    sampling: Sampling,
    prompt: Prompt | None,
) -> Reference:
    """Make the rollout that `model` names the reference; one rollout needs no call.

    Raises:
        NoEvidenceError: the group has no rollout.
        StructuredOutputError: no reply named one of the rollouts.
        ProviderError: the model failed.
    """
    if not group.rollouts:
        raise no_evidence(group)
    if len(group.rollouts) == 1:
        return selected(group, group.rollouts[0], method=method, settings={"position": 0})
    with recorded("choose") as calls:
        async with opened(model) as provider:
            words = prompt or load(capabilities_of(provider).prompts, task)
            request = sampling.request(
                words.messages(
                    question=group.question,
                    count=str(len(group.rollouts)),
                    responses=[rollout.text for rollout in group.rollouts],
                )
            )
            read = partial(read_choice, count=len(group.rollouts))
            position, completion = await ask(provider, request, Form(SCHEMA, read))
            name = completion.model or name_of(provider)
    return selected(
        group,
        group.rollouts[position],
        method=method,
        settings={"position": position},
        calls=calls,
        model=name,
        prompt=words,
    )
