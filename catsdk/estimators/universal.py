"""UniversalSelfConsistency: a model names the response that agrees most with the others."""

from __future__ import annotations

from dataclasses import dataclass

from catsdk.core.options import Sampling
from catsdk.core.ports import Provider
from catsdk.core.types import Group, Reference
from catsdk.estimators.choice import choose
from catsdk.prompts.prompt import Prompt
from catsdk.prompts.tasks import check_slots
from catsdk.runtime.context import Context, standing_alone

__all__ = ["UniversalSelfConsistency"]


@dataclass(frozen=True)
class UniversalSelfConsistency:
    """Selects the rollout that a model calls the most consistent, for answers of any form.

    Source: Chen et al., arXiv 2311.17311, section 3: y* = M(q, o_1..o_G, "the most consistent
    response based on majority consensus"). One call; a reply that names no rollout is asked for
    again once.

    Args:
        model: The model that chooses; `None` is the anchor of the run.
        sampling: By default greedy.
        prompt: Replaces the shipped prompt.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.estimators import UniversalSelfConsistency
        >>> from catsdk.testing import FunctionProvider
        >>> model = FunctionProvider(lambda request: "1")
        >>> group = cat.group_of("Why?", ["It rains.", "There is rain.", "The sun shines."])
        >>> (await UniversalSelfConsistency(model).estimate(group)).text
        'It rains.'
    """

    model: str | Provider | None = None
    sampling: Sampling = Sampling(temperature=0.0)
    prompt: Prompt | None = None

    def __post_init__(self) -> None:
        """Check that the prompt has the slots of its task."""
        check_slots(self.prompt, "choose_consistent")

    async def estimate(self, group: Group, ctx: Context | None = None) -> Reference:
        """Take the rollout that the model names.

        Raises:
            NoEvidenceError: the group has no rollout.
            StructuredOutputError: no reply named one of the rollouts.
            ProviderError: the model failed.
        """
        async with standing_alone(ctx, group) as context:
            return await choose(
                context,
                group,
                self.model,
                method="universal self-consistency",
                task="choose_consistent",
                sampling=self.sampling,
                prompt=self.prompt,
            )
