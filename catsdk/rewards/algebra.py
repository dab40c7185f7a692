"""Sums of rewards, each part kept; filters that leave out groups which teach nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from catsdk.core.errors import InvalidInputError
from catsdk.core.fanout import fan_out
from catsdk.core.types import Failure, Group, Reference, Score
from catsdk.rewards.reward import LEFT_OUT, Reward, unscored
from catsdk.runtime.context import Context

__all__ = ["SkipAgreed", "SkipFlat", "Sum", "plus", "times"]


@dataclass(frozen=True)
class Sum(Reward):
    """The sum of weight times value over rewards, which are asked at once.

    `RubricReward() + LengthPenalty(750)` is the paper's reward on HealthBench. A rollout without a
    reward by one of the parts has none, with that part's cause; `Score.parts` keeps them all.

    Args:
        rewards: The parts.
        weights: One for each part; by default 1. They are not normalised: a sum of two rewards in
            0..1 is in 0..2. GRPO's advantages do not depend on a common scale.

    Raises:
        InvalidInputError: there is no part, or the weights are not one finite number for each.
    """

    rewards: tuple[Reward, ...]
    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Check the parts."""
        rewards = tuple(self.rewards)
        weights = tuple(self.weights) or (1.0,) * len(rewards)
        object.__setattr__(self, "rewards", rewards)
        object.__setattr__(self, "weights", tuple(float(weight) for weight in weights))
        if not rewards or len(weights) != len(rewards) or not all(map(math.isfinite, weights)):
            raise InvalidInputError(
                f"a sum of {len(rewards)} rewards has the weights {list(weights)}; give one or"
                " more rewards, and a finite weight for each"
            )
        needs = any(reward.needs_reference for reward in rewards)
        object.__setattr__(self, "needs_reference", needs)

    @property
    def name(self) -> str:
        """The names of the parts."""
        return "+".join(self.names)

    @property
    def names(self) -> tuple[str, ...]:
        """The parts' names, numbered where two are equal."""
        names: list[str] = []
        for reward in self.rewards:
            count = sum(name.partition("#")[0] == reward.name for name in names)
            names.append(f"{reward.name}#{count + 1}" if count else reward.name)
        return tuple(names)

    def __repr__(self) -> str:
        """The sum as it is written."""
        parts = zip(self.weights, self.rewards, strict=True)
        return " + ".join(f"{w:g} * {r!r}" if w != 1 else repr(r) for w, r in parts)

    async def score(
        self, group: Group, reference: Reference | None, ctx: Context
    ) -> Sequence[Score]:
        """Ask every part, and add up."""

        async def one(reward: Reward) -> dict[int, Score]:
            scores = await reward.reward(group, reference, ctx)
            return {score.index: score for score in scores}

        found = dict(zip(self.names, await fan_out(one, self.rewards), strict=True))
        return [self._total(rollout.index, found) for rollout in group.rollouts]

    def _total(self, index: int, found: Mapping[str, Mapping[int, Score]]) -> Score:
        parts = {name: scores[index] for name, scores in found.items()}
        missing = next((part for part in parts.values() if part.value is None), None)
        pairs = zip(self.weights, parts.items(), strict=True)
        reasons = tuple(_reason(weight, name, part) for weight, (name, part) in pairs)
        if missing is not None:
            reasons = (*missing.reasons, *reasons)
            return Score(
                index=index, value=None, reasons=reasons, parts=parts, failure=missing.failure
            )
        values = (part.value or 0.0 for part in parts.values())
        total = math.fsum(
            weight * value for weight, value in zip(self.weights, values, strict=True)
        )
        return Score(index=index, value=total, reasons=reasons, parts=parts)


def _reason(weight: float, name: str, part: Score) -> str:
    value = "none" if part.value is None else f"{part.value:g}"
    return f"{name}: {weight:g} x {value}"


def plus(first: Reward, second: Reward) -> Sum:
    """The sum of two rewards; sums inside it are taken apart."""
    parts = [part for reward in (first, second) for part in _terms(reward)]
    return Sum(tuple(reward for _, reward in parts), tuple(weight for weight, _ in parts))


def times(weight: float, reward: Reward) -> Sum:
    """The reward times `weight`."""
    parts = _terms(reward)
    return Sum(tuple(part for _, part in parts), tuple(weight * own for own, _ in parts))


def _terms(reward: Reward) -> list[tuple[float, Reward]]:
    if isinstance(reward, Sum):
        return list(zip(reward.weights, reward.rewards, strict=True))
    return [(1.0, reward)]


@dataclass(frozen=True)
class SkipAgreed(Reward):
    """Leaves out groups that agree too much: they get no reward, which is not a failure.

    A self-consistent reward tells such a group only to stay as it is (arXiv 2505.21444).

    Args:
        inner: The reward of the other groups.
        above: Largest share of the answers that may be one, in 0..1.

    Raises:
        InvalidInputError: `above` is not a share.
    """

    inner: Reward
    above: float = 0.95

    def __post_init__(self) -> None:
        """Check the share."""
        if not 0 <= self.above <= 1:
            raise InvalidInputError(f"above is {self.above}; give a share from 0 to 1")
        object.__setattr__(self, "needs_reference", self.inner.needs_reference)

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
    """Leaves out groups whose rewards are all the same: they have no advantages to learn from.

    Args:
        inner: The reward.
    """

    inner: Reward

    def __post_init__(self) -> None:
        """Need what the inner reward needs."""
        object.__setattr__(self, "needs_reference", self.inner.needs_reference)

    async def score(
        self, group: Group, reference: Reference | None, ctx: Context
    ) -> Sequence[Score]:
        """Score, then look at the spread."""
        scores = await self.inner.reward(group, reference, ctx)
        values = {score.value for score in scores if score.value is not None}
        if len(values) != 1:
            return scores
        why = "all rewards of the group are the same"
        return [
            left.model_copy(
                update={"parts": own.parts, "verdicts": own.verdicts, "calls": own.calls}
            )
            for left, own in zip(
                unscored(group, Failure(kind=LEFT_OUT, message=why)), scores, strict=True
            )
        ]
