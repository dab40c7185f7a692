"""The roles of the method as one-method protocols: whatever has the method can play the role."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from catsdk.core.inputs import PromptLike
from catsdk.core.types import Group, Reference, Rollout, Rubric, Score, Verdict
from catsdk.runtime.context import Context

__all__ = ["Estimator", "Judge", "Proposer", "Rater", "Rewarder", "Sampler"]


@runtime_checkable
class Sampler(Protocol):
    """Draws a group of rollouts (paper, section 3.1)."""

    async def sample(self, prompt: PromptLike, n: int, ctx: Context, *, start: int = 0) -> Group:
        """Draw the `n` rollouts from index `start`; those that fail are in `Group.failures`."""
        ...


@runtime_checkable
class Estimator(Protocol):
    """Estimates a reference from a group (paper, section 3.2)."""

    async def estimate(self, group: Group, ctx: Context) -> Reference:
        """The reference of `group`."""
        ...


@runtime_checkable
class Proposer(Protocol):
    """Writes a rubric (paper, section 3.3)."""

    async def propose(self, reference: Reference, ctx: Context) -> Rubric:
        """The rubric for `reference`."""
        ...


@runtime_checkable
class Judge(Protocol):
    """Says which criteria a rollout meets (paper, section 3.3)."""

    async def judge(self, rubric: Rubric, rollout: Rollout, ctx: Context) -> Sequence[Verdict]:
        """One verdict for each of the K criteria, in their order; a failure is a verdict."""
        ...


@runtime_checkable
class Rewarder(Protocol):
    """Gives each rollout of a group its reward (paper, equation 1)."""

    async def reward(
        self, group: Group, reference: Reference | None, ctx: Context
    ) -> Sequence[Score]:
        """One score for each rollout; without evidence its value is `None`."""
        ...


@runtime_checkable
class Rater(Protocol):
    """Rates each rollout of a group by itself, without a reference (a judge, a reward model)."""

    async def rate(self, group: Group, ctx: Context) -> Sequence[Score]:
        """One score for each rollout that is there, in their order; higher is better."""
        ...
