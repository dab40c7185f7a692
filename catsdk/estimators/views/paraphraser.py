"""Paraphraser: a model asks the question of a group in other words."""

from __future__ import annotations

from dataclasses import dataclass

from catsdk.core.errors import StructuredOutputError
from catsdk.core.ports import name_of
from catsdk.core.types import Group
from catsdk.runtime.context import Context, standing_alone
from catsdk.runtime.prompted import PromptedRole

__all__ = ["Paraphraser"]


@dataclass(frozen=True)
class Paraphraser(PromptedRole):
    """Rewrites the last message of the user, so that the answer stays what it is.

    One call, greedy by default, so that a client with a cache asks once for each question.

    Args:
        model: The model that rewrites; `None` is the anchor of the run.
        sampling: Temperature and the like; by default greedy.
        prompt: Replaces the shipped prompt.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.estimators import Paraphraser
        >>> from catsdk.testing import FunctionProvider
        >>> model = FunctionProvider(lambda request: "Multiply 6 by 7.")
        >>> await Paraphraser(model).paraphrase(cat.group_of("What is 6*7?", ["42"]))
        'Multiply 6 by 7.'
    """

    task = "paraphrase"

    async def paraphrase(self, group: Group, ctx: Context | None = None) -> str:
        """Ask for the question of a group in other words.

        Args:
            group: The group, whose last message of the user is rewritten.
            ctx: The context of a run; without one the paraphraser stands alone.

        Returns:
            The new question.

        Raises:
            StructuredOutputError: the reply is empty, or was cut at its limit of tokens.
            ProviderError: the model failed.
        """
        async with standing_alone(ctx, group) as context:
            provider = await context.model(self.model, self.role)
            words = self.words_for(provider).messages(question=group.question)
            completion = (await provider.complete(self.sampling.request(words)))[0]
            text = completion.text.strip()
            if not text or completion.finish_reason == "length":
                how = "is empty" if not text else "was cut at its limit of tokens"
                raise StructuredOutputError(
                    f"the paraphrase by {completion.model or name_of(provider)} {how}; raise"
                    " max_tokens of its Sampling, or give a model that can rewrite the question"
                )
            return text
