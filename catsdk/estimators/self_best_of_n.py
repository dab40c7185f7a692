"""SelfBestOfN: the model that wrote the responses picks its own best one."""

from __future__ import annotations

from dataclasses import dataclass

from catsdk.core.options import Sampling
from catsdk.core.ports import Provider
from catsdk.core.types import Group, Reference
from catsdk.estimators.choice import choose
from catsdk.prompts.prompt import Prompt
from catsdk.prompts.tasks import check_slots
from catsdk.runtime.context import Context, standing_alone

__all__ = ["SelfBestOfN"]


@dataclass(frozen=True)
class SelfBestOfN:
    r"""Selects the rollout that a model, usually the policy itself, calls the best.

    Source: the self-selected best-of-n baseline of CaT, arXiv 2509.14234, section 4: y* = argmax_i
    as judged by pi_0 that sees q and all o_i. One call; a reply that names no rollout is asked for
    again once.

    Args:
        model: The model that chooses; `None` is the policy of the run.
        sampling: By default greedy.
        prompt: Replaces the shipped prompt.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.estimators import SelfBestOfN
        >>> from catsdk.testing import FunctionProvider
        >>> model = FunctionProvider(lambda request: "2")
        >>> group = cat.group_of("6*7?", [r"\boxed{41}", r"\boxed{42}"])
        >>> (await SelfBestOfN(model).estimate(group)).answer
        '42'
    """

    model: str | Provider | None = None
    sampling: Sampling = Sampling(temperature=0.0)
    prompt: Prompt | None = None

    def __post_init__(self) -> None:
        """Check that the prompt has the slots of its task."""
        check_slots(self.prompt, "choose_best")

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
                role="policy",
                method="self best-of-n",
                task="choose_best",
                sampling=self.sampling,
                prompt=self.prompt,
            )
