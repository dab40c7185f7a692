"""Choosing: a model reads all rollouts and names one of them by its number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from pydantic import JsonValue

from catsdk.core.ports import name_of
from catsdk.core.types import Group, Reference
from catsdk.estimators.selected import candidates, selected
from catsdk.prompts.reply import read_choice
from catsdk.runtime.attribution import recorded
from catsdk.runtime.context import Context, standing_alone
from catsdk.runtime.prompted import PromptedRole
from catsdk.runtime.structured import Form, ask

__all__ = ["Choosing"]

SCHEMA: Mapping[str, JsonValue] = {
    "type": "object",
    "properties": {"choice": {"type": "integer"}},
    "required": ["choice"],
    "additionalProperties": False,
}


@dataclass(frozen=True)
class Choosing(PromptedRole):
    """An estimator that shows a model all rollouts and takes the one that it names.

    One call; a reply that names no rollout is asked for again once, and one rollout needs no call.
    A subclass says which task the model is given.
    """

    method: ClassVar[str]
    """The estimator's name in the provenance."""

    async def estimate(self, group: Group, ctx: Context | None = None) -> Reference:
        """Take the rollout that the model names.

        Raises:
            NoEvidenceError: the group has no rollout.
            StructuredOutputError: no reply named one of the rollouts, or none of these fits the
                output that was asked for.
            ProviderError: the model failed.
        """
        async with standing_alone(ctx, group) as context:
            return await self._choose(candidates(group, context), context)

    async def _choose(self, group: Group, ctx: Context) -> Reference:
        if len(group.rollouts) == 1:
            settings: dict[str, JsonValue] = {"position": 0}
            return await selected(ctx, group.rollouts[0], method=self.method, settings=settings)
        with recorded("choose") as calls:
            provider = await ctx.model(self.model, self.role)
            words = self.words_for(provider)
            request = self.sampling.request(
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
            method=self.method,
            settings={"position": position},
            calls=calls,
            model=name,
            prompt=words,
        )
