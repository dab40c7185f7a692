"""Reward: the base of all rewards, which carries their algebra; write your own in a few lines."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TypeAlias

from catsdk.core.errors import CatError, ConfigurationError, InvalidInputError
from catsdk.core.types import Failure, Group, Reference, Score
from catsdk.runtime.context import Context, standing_alone

__all__ = ["LEFT_OUT", "Given", "Reward", "completed", "unscored"]

LEFT_OUT = "LeftOut"
"""The kind of the cause where a filter left a group out on purpose: that is not a failure."""

Given: TypeAlias = "Sequence[Score | float | None]"
"""What an own reward may return: scores, or one number (or `None`) for each rollout that is there."""


class Reward:
    """Gives each rollout of a group its reward (paper, equation 1); the base of all rewards.

    A reward of your own overrides `score`::

        class Brief(cat.Reward):
            async def score(self, group, reference, ctx):
                return [ctx.score(r, 1.0 if len(r.text) < 500 else 0.0) for r in group.rollouts]

    Rewards add up: `0.5 * a + b - c`. A rollout for which one part has no reward has none in the
    sum: `None` plus anything is `None`. A failure is never a number.

    Attributes:
        needs_reference: Whether `score` reads the reference; where no reward of a run does, none
            is estimated and the anchor is not called.
    """

    needs_reference: bool = True

    async def score(self, group: Group, reference: Reference | None, ctx: Context) -> Given:
        """Score the rollouts that are there; to be overridden.

        Args:
            group: The rollouts.
            reference: The run's reference; `None` where this reward needs none.
            ctx: The context of the run: open models, answers, the data row.

        Returns:
            Scores, or one number for each of `group.rollouts` in their order; `None` where
            evidence is missing.
        """
        raise NotImplementedError

    async def reward(
        self, group: Group, reference: Reference | None = None, ctx: Context | None = None
    ) -> tuple[Score, ...]:
        """Give one score for each of the G rollouts asked for, failed ones too, by their index.

        Args:
            group: The rollouts.
            reference: What they are rewarded by; rewards that need none take `None`.
            ctx: The context of a run; without one the reward stands alone.

        Returns:
            The scores. Where a service or a budget failed, they are `None` with the cause.

        Raises:
            ConfigurationError: a model that it needs cannot be opened.
            InvalidInputError: what it was given makes no sense, such as a missing reference.
        """
        if reference is None and self.needs_reference:
            raise InvalidInputError(
                f"{self.name} rewards by a reference; give one, as c.run(...) does"
            )
        async with standing_alone(ctx, group) as context:
            try:
                given = await self.score(group, reference, context)
            except (ConfigurationError, InvalidInputError):
                raise
            except CatError as error:
                return unscored(group, Failure.of(error))
        return completed(group, given)

    @property
    def name(self) -> str:
        """What this reward is called among the parts of a sum."""
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(self).__name__).lower()
        return words.removesuffix("_reward")

    def __add__(self, other: Reward) -> Reward:
        """Add up two rewards."""
        from catsdk.rewards.algebra import plus

        return plus(self, other) if isinstance(other, Reward) else NotImplemented  # pyright: ignore[reportUnnecessaryIsInstance]

    def __sub__(self, other: Reward) -> Reward:
        """Subtract a reward."""
        return self + -1.0 * other

    def __mul__(self, weight: float) -> Reward:
        """Scale this reward."""
        from catsdk.rewards.algebra import times

        return times(weight, self) if isinstance(weight, int | float) else NotImplemented  # pyright: ignore[reportUnnecessaryIsInstance]

    __rmul__ = __mul__

    def __neg__(self) -> Reward:
        """Turn the sign."""
        return -1.0 * self


def completed(group: Group, given: Given) -> tuple[Score, ...]:
    """One finite score for each of the G rollouts asked for, by index.

    Args:
        group: The rollouts, and those that failed.
        given: Scores in any order, or one number for each rollout that is there.

    Raises:
        InvalidInputError: `given` holds numbers, but not one for each rollout; or a score's index
            is not in the group; or a value is not finite.
    """
    scores = _as_scores(group, given)
    wanted = {rollout.index for rollout in group.rollouts} | set(group.failures)
    for index, score in scores.items():
        if index not in wanted:
            raise InvalidInputError(
                f"a score is for rollout {index}; the group has {sorted(wanted)}"
            )
        if score.value is not None and not math.isfinite(score.value):
            raise InvalidInputError(
                f"the reward of rollout {index} is {score.value}; give a finite number, or None"
                " where there is no evidence"
            )
    for index, failure in group.failures.items():
        scores[index] = Score(
            index=index, value=None, reasons=("the rollout failed",), failure=failure
        )
    missing = Failure(kind="MissingScore", message="the reward gave no score for this rollout")
    return tuple(
        scores.get(index)
        or Score(index=index, value=None, reasons=(missing.message,), failure=missing)
        for index in sorted(wanted)
    )


def _as_scores(group: Group, given: Given) -> dict[int, Score]:
    if all(isinstance(each, Score) for each in given):
        return {each.index: each for each in given if isinstance(each, Score)}
    if len(given) != len(group.rollouts):
        raise InvalidInputError(
            f"a reward gave {len(given)} numbers for {len(group.rollouts)} rollouts; give one for"
            " each, in their order, and None where there is no evidence"
        )
    scores: dict[int, Score] = {}
    for rollout, each in zip(group.rollouts, given, strict=True):
        if isinstance(each, Score):
            scores[each.index] = each
        elif each is None:
            cause = Failure(kind="NoEvidence", message="the reward gave None")
            scores[rollout.index] = Score(index=rollout.index, value=None, failure=cause)
        else:
            scores[rollout.index] = Score(index=rollout.index, value=float(each))
    return scores


def unscored(group: Group, cause: Failure) -> tuple[Score, ...]:
    """Scores without a value for a whole group, all with one cause."""
    indices = sorted([*(rollout.index for rollout in group.rollouts), *group.failures])
    return tuple(
        Score(
            index=index,
            value=None,
            reasons=(str(cause),),
            failure=group.failures.get(index, cause),
        )
        for index in indices
    )
