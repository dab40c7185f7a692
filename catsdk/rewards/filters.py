"""Filters: leave out groups that teach nothing, which is not a failure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from catsdk.core.errors import InvalidInputError
from catsdk.core.types import Failure, Group, Reference, Score
from catsdk.rewards.reward import LEFT_OUT, Reward, check_reward, unscored
from catsdk.runtime.context import Context

__all__ = ["SkipAgreed", "SkipFlat"]


@dataclass(frozen=True)
class SkipAgreed(Reward):
    r"""Leaves out groups that agree too much: they get no reward, which is not a failure.

    A self-consistent reward tells such a group only to stay as it is (arXiv 2505.21444).

    Args:
        inner: The reward of the other groups.
        above: Largest share of the answers that may be one, in 0..1.

    Raises:
        InvalidInputError: `inner` is not a reward, or `above` is not a share.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.rewards import ClusterShare, SkipAgreed
        >>> agreed = cat.group_of("6*7?", [r"\boxed{42}", r"\boxed{42}"])
        >>> scores = await SkipAgreed(ClusterShare(), above=0.9).reward(agreed)
        >>> scores[0].value is None, scores[0].failure.kind
        (True, 'LeftOut')
    """

    inner: Reward
    above: float = 0.95

    def __post_init__(self) -> None:
        """Check the reward and the share."""
        check_reward("inner", self.inner)
        if not 0 <= self.above <= 1:
            raise InvalidInputError(f"above is {self.above}; give a share from 0 to 1")
        object.__setattr__(self, "needs_reference", self.inner.needs_reference)
        object.__setattr__(self, "by_answer", self.inner.by_answer)

    async def score(
        self, group: Group, reference: Reference | None, ctx: Context
    ) -> Sequence[Score]:
        """Look at the agreement first: a group that is left out costs nothing more."""
        votes = await ctx.answers.votes([rollout.answer for rollout in group.rollouts])
        if votes.share is not None and votes.share > self.above:
            why = f"agreement {votes.share:.2f} is over {self.above:g}"
            return unscored(group, Failure(kind=LEFT_OUT, message=why))
        return await self.inner.reward(group, reference, ctx)


@dataclass(frozen=True)
class SkipFlat(Reward):
    r"""Leaves out groups whose rewards are all the same: they have no advantages to learn from.

    Args:
        inner: The reward.

    Raises:
        InvalidInputError: `inner` is not a reward.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.rewards import ClusterShare, SkipFlat
        >>> group = cat.group_of("6*7?", [r"\boxed{42}", r"\boxed{42}", r"\boxed{41}"])
        >>> [round(score.value, 2) for score in await SkipFlat(ClusterShare()).reward(group)]
        [0.67, 0.67, 0.33]
    """

    inner: Reward

    def __post_init__(self) -> None:
        """Need what the inner reward needs."""
        check_reward("inner", self.inner)
        object.__setattr__(self, "needs_reference", self.inner.needs_reference)
        object.__setattr__(self, "by_answer", self.inner.by_answer)

    async def score(
        self, group: Group, reference: Reference | None, ctx: Context
    ) -> Sequence[Score]:
        """Score, then look at the spread; a rollout that failed keeps its own cause."""
        scores = await self.inner.reward(group, reference, ctx)
        values = {score.value for score in scores if score.value is not None}
        if len(values) != 1:
            return scores
        why = "all rewards of the group are the same"
        left_out = {"value": None, "reasons": (why,)}
        cause = {"failure": Failure(kind=LEFT_OUT, message=why)}
        return [
            score if score.value is None else score.model_copy(update=left_out | cause)
            for score in scores
        ]
