"""The core of every trainer: a group gets a reward for each rollout, or the cause why not."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from catsdk.cat import CaT
from catsdk.core.errors import CatError
from catsdk.core.options import Sampling
from catsdk.core.ports import Estimator, Proposer, Provider, Rewarder
from catsdk.core.types import Failure, Group, Reference, Rubric, Score, Usage
from catsdk.rewards.rubric import Reward

__all__ = [
    "LEFT_OUT",
    "CaTScorer",
    "GroupScore",
    "GroupScorer",
    "Row",
    "cat_scorer",
    "unscored",
]

LEFT_OUT = "LeftOut"
"""The kind of the cause where a filter left a group out on purpose: that is no failure."""

Row = Mapping[str, object]
"""The other columns of the data set for one prompt, such as a known answer."""


@dataclass(frozen=True, slots=True)
class GroupScore:
    """What a group earned: G scores by index, and what they rest on.

    `cause` says why the whole group has no reward; its kind is `LEFT_OUT` where that was wanted. A
    score's value is `None` where evidence for that rollout is missing; it is never 0 for a failure.
    `measures` are numbers about the group, whose means are logged as `cat/NAME`. `parts` are the
    scores that this one was combined from.
    """

    group: Group
    scores: tuple[Score, ...]
    reference: Reference | None = None
    rubric: Rubric | None = None
    cause: Failure | None = None
    measures: Mapping[str, float] = field(default_factory=dict[str, float])
    parts: tuple[GroupScore, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether no rollout has a reward although one was wanted."""
        left_out = self.cause is not None and self.cause.kind == LEFT_OUT
        return not left_out and all(reward is None for reward in self.rewards)

    @property
    def rewards(self) -> tuple[float | None, ...]:
        """The G rewards, in the order of the rollouts' indices."""
        return tuple(score.value for score in self.scores)

    @property
    def usage(self) -> Usage:
        """What reference, rubric and verdicts consumed; the group itself was the trainer's."""
        if self.parts:
            return Usage.total(part.usage for part in self.parts)
        calls = [*self.reference.calls] if self.reference else []
        calls += self.rubric.calls if self.rubric else ()
        calls += [call for s in self.scores for verdict in s.verdicts for call in verdict.calls]
        return Usage.total(call.usage for call in calls)


class GroupScorer(Protocol):
    """Rewards the rollouts of a group."""

    async def score_group(self, group: Group, row: Row) -> GroupScore:
        """Score `group`; a failure of model or judge is in the result, and not raised."""
        ...


@dataclass(frozen=True)
class CaTScorer:
    """Scores by the method (paper, section 3): a reference, a rubric if proposed, a reward.

    `estimator` may be any aggregator; with a majority it is test-time RL (arXiv 2504.16084).
    Without `proposer` the reward is verifiable: the rollout's final answer against the
    reference's (equation 1).
    """

    estimator: Estimator
    rewarder: Rewarder = field(default_factory=Reward)
    proposer: Proposer | None = None

    async def score_group(self, group: Group, row: Row) -> GroupScore:
        """Estimate the reference, write the rubric where one is wanted, and reward."""
        reference: Reference | None = None
        rubric: Rubric | None = None
        try:
            reference = await self.estimator.estimate(group)
            if self.proposer is not None:
                rubric = await self.proposer.propose(reference)
            scores = await self.rewarder.reward(group, reference, rubric)
        except CatError as error:
            return unscored(group, Failure.of(error), reference=reference, rubric=rubric)
        return GroupScore(group, tuple(scores), reference, rubric)


def unscored(
    group: Group,
    cause: Failure,
    *,
    reference: Reference | None = None,
    rubric: Rubric | None = None,
) -> GroupScore:
    """A group without any reward, and what had been paid for before it failed."""
    indices = sorted([*(rollout.index for rollout in group.rollouts), *group.failures])
    scores = tuple(
        Score(index=index, value=None, reasons=(str(cause),), failure=cause) for index in indices
    )
    return GroupScore(group, scores, reference, rubric, cause)


@asynccontextmanager
async def cat_scorer(
    anchor: str | Provider,
    judge: str | Provider | None = None,
    *,
    rubric: bool = False,
    sampling: Sampling | None = None,
    seed: int | None = None,
) -> AsyncGenerator[GroupScorer]:
    """Open the models of a `CaTScorer`: synthesis by `anchor`; with `rubric`, verdicts by `judge`.

    Models named by strings are opened once and closed at the end. `sampling` is the anchor's.
    """
    # Named as the anchor too, or one in the environment would take its place.
    async with CaT(anchor, anchor, judge, anchor_sampling=sampling, seed=seed) as c:
        yield CaTScorer(c.synthesizer, Reward(c.rubric_judge), c.proposer if rubric else None)
