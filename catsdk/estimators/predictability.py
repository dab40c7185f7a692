"""MutualPredictability: the rollout that a model finds most predictable from the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from catsdk.core.display.counting import counted
from catsdk.core.errors import NoEvidenceError
from catsdk.core.ports import Provider, capabilities_of, name_of
from catsdk.core.types import Completion, Failure, Group, Message, Reference, Rollout
from catsdk.estimators.likelihood import mean_logprob
from catsdk.estimators.log_probabilities import score_rollouts
from catsdk.estimators.selected import candidates, selected
from catsdk.prompts.prompt import Prompt, load
from catsdk.prompts.tasks import check_slots
from catsdk.runtime.attribution import recorded
from catsdk.runtime.context import Context, standing_alone

__all__ = ["MutualPredictability"]

METHOD = "mutual predictability"


@dataclass(frozen=True)
class MutualPredictability:
    r"""Selects argmax_i 1/T_i sum_t log p(o_i,t | o_i,<t, q, {o_j : j != i}).

    Source: Wen et al., arXiv 2506.10139, equation 1, in the single-prompt form of the CaT
    baselines, arXiv 2509.14234, section 4: the other rollouts stand before the question in one
    prompt, and the mean log-probability of the whole rollout as the answer is compared. G calls,
    whose usage is all input. A rollout whose call failed, or that is empty, is listed as `unrated`
    and cannot be selected. Ties go to the earlier rollout; one rollout alone needs no call.

    Args:
        model: A `Scorer` (a local model, or vLLM); `None` is the anchor of the run.
        prompt: Replaces the shipped prompt.

    Raises:
        InvalidInputError: `prompt` lacks a slot of its task, or has one that nothing fills.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.estimators import MutualPredictability
        >>> group = cat.group_of("What is 2 + 2?", [r"\boxed{4}", r"\boxed{4}", r"\boxed{5}"])
        >>> reference = await MutualPredictability("local").estimate(group)
        >>> len(reference.provenance.settings["mean_logprobs"])
        3
    """

    model: str | Provider | None = None
    prompt: Prompt | None = None

    def __post_init__(self) -> None:
        """Check that the prompt has the slots of its task."""
        check_slots(self.prompt, "predict")

    async def estimate(self, group: Group, ctx: Context | None = None) -> Reference:
        """Take the most predictable rollout.

        Raises:
            StructuredOutputError: no rollout fits the output that was asked for.
            NoEvidenceError: the group has no rollout, or no call brought a score.
            UnsupportedError: the model cannot score a given text.
        """
        async with standing_alone(ctx, group) as context:
            group = candidates(group, context)
            if len(group.rollouts) == 1:
                return await selected(context, group.rollouts[0], method=METHOD, settings={})
            with recorded("score") as calls:
                scorer = await context.model(self.model)
                words = self.prompt or load(capabilities_of(scorer).prompts, "predict")
                results = await score_rollouts(
                    scorer, group.rollouts, lambda rollout: _others(words, group, rollout)
                )
                name = name_of(scorer)
            means = _means(results)
            best = max(means, key=lambda at: (means[at], -at))
            return await selected(
                context,
                group.rollouts[best],
                method=METHOD,
                settings={
                    "mean_logprobs": {
                        str(group.rollouts[at].index): value for at, value in means.items()
                    },
                    "unrated": [r.index for at, r in enumerate(group.rollouts) if at not in means],
                },
                calls=calls,
                model=name,
                prompt=words,
            )


def _others(prompt: Prompt, group: Group, rollout: Rollout) -> tuple[Message, ...]:
    others = [other.text for other in group.rollouts if other.index != rollout.index]
    return prompt.messages(question=group.conversation, responses=others)


def _means(results: Sequence[Completion | Failure]) -> dict[int, float]:
    """The mean log-probability of each rollout that has one, by its position."""
    means = {
        at: mean
        for at, result in enumerate(results)
        if isinstance(result, Completion) and (mean := mean_logprob(result)) is not None
    }
    if not means:
        cause = next((each for each in results if isinstance(each, Failure)), "no tokens")
        raise NoEvidenceError(
            f"none of {counted(len(results), 'rollout')} could be scored: {cause}"
        )
    return means
