"""Rewards that need no reference: the share of a rollout's answer, and a random control."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from catsdk.core.types import Group, Reference, Score
from catsdk.rewards.reward import Reward
from catsdk.runtime.context import Context

__all__ = ["ClusterShare", "Random"]


@dataclass(frozen=True)
class ClusterShare(Reward):
    r"""The share of the group that gives the same answer: a soft majority (arXiv 2504.05812).

    A rollout without a final answer gets 0.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.rewards import ClusterShare
        >>> texts = [r"\boxed{42}", r"\boxed{42}", r"\boxed{41}", "I cannot tell."]
        >>> group = cat.group_of("6*7?", texts)
        >>> [score.value for score in await ClusterShare().reward(group)]
        [0.5, 0.5, 0.25, 0.0]
    """

    needs_reference = False
    by_answer = True

    async def score(
        self, group: Group, reference: Reference | None, ctx: Context
    ) -> Sequence[Score]:
        """Reward each rollout by its answer's class: its size over the rollouts that are there."""
        votes = await ctx.answers.votes([rollout.answer for rollout in group.rollouts])
        sizes = {at: len(members) for members in votes.classes for at in members}
        total = len(group.rollouts)
        return [
            ctx.score(rollout, sizes.get(at, 0) / total, "share of the same answer")
            for at, rollout in enumerate(group.rollouts)
        ]


@dataclass(frozen=True)
class Random(Reward):
    """0 or 1 by a fair coin: the control that a training recipe needs (arXiv 2506.10947).

    The coin is a hash of seed, prompt and response, so that a resumed run sees the same rewards.

    Args:
        seed: Chooses the coin.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.rewards import Random
        >>> group = cat.group_of("6*7?", ["42", "41"])
        >>> {score.value for score in await Random(seed=7).reward(group)} <= {0.0, 1.0}
        True
    """

    seed: int = 0
    needs_reference = False

    async def score(
        self, group: Group, reference: Reference | None, ctx: Context
    ) -> Sequence[Score]:
        """Toss a coin for each rollout."""
        return [
            ctx.score(rollout, self._toss(group, rollout.index, rollout.text), "a coin")
            for rollout in group.rollouts
        ]

    def _toss(self, group: Group, index: int, text: str) -> float:
        told = f"{self.seed}\0{group.prompt!r}\0{index}\0{text}"
        return float(sha256(told.encode("utf-8", "surrogatepass")).digest()[0] & 1)
