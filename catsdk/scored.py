"""Scores one group of a trainer's rollouts by a CaT: the result, or why there is no reward."""

from __future__ import annotations

import copy
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from catsdk.cat import CaT
from catsdk.core.display.counting import counted
from catsdk.core.errors import CatError, ConfigurationError, NoRewardError
from catsdk.core.types import Failure, Group, Reference, Result
from catsdk.rewards.reward import LEFT_OUT, unscored
from catsdk.runtime.context import Row
from catsdk.runtime.spending.account import Account

__all__ = ["Scored", "failed_group", "opened", "scored_group"]


@dataclass(frozen=True, slots=True)
class Scored:
    """What a group earned.

    Args:
        group: The trainer's rollouts.
        result: The method's result; its `scores` have one entry for each rollout in any case.
        measures: Numbers about the group, whose means are logged as `cat/NAME`.
    """

    group: Group
    result: Result
    measures: Mapping[str, float] = field(default_factory=dict[str, float])

    @property
    def left_out(self) -> bool:
        """Whether a filter left out the group, some of whose rollouts may have failed."""
        scores = self.result.scores
        causes = [score.failure.kind for score in scores if score.failure is not None]
        return LEFT_OUT in causes and all(score.value is None for score in scores)

    @property
    def failed(self) -> bool:
        """Whether no rollout has a reward although one was wanted."""
        return not self.left_out and all(reward is None for reward in self.result.rewards)

    @property
    def cause(self) -> str | None:
        """Why the group has no reward; `None` if a rollout has one."""
        if self.result.failure is not None:
            return str(self.result.failure)
        if any(reward is not None for reward in self.result.rewards):
            return None
        causes = {str(score.failure) for score in self.result.scores if score.failure is not None}
        return "; ".join(sorted(causes)) or "no cause given"

    @property
    def numbers(self) -> tuple[float, ...]:
        """The reward of each rollout, for trainers that take numbers only.

        Raises:
            NoRewardError: a rollout has none; the message says why.
        """
        rewards = self.result.rewards
        numbers = tuple(reward for reward in rewards if reward is not None)
        if len(numbers) == len(rewards):
            return numbers
        scores = self.result.scores
        causes = {str(score.failure) for score in scores if score.value is None and score.failure}
        why = self.cause or "; ".join(sorted(causes)) or "no cause given"
        missing = len(rewards) - len(numbers)
        has = "has" if missing == 1 else "have"
        raise NoRewardError(
            f"{missing} of {counted(len(rewards), 'rollout')} {has} no reward: {why}"
        )


def failed_group(group: Group, cause: Failure, reference: Reference | None = None) -> Scored:
    """A group without any reward.

    Args:
        group: The trainer's rollouts.
        cause: Why there is no reward.
        reference: The reference, where one was made.
    """
    scores = unscored(group, cause)
    return Scored(group, Result(group=group, reference=reference, scores=scores, failure=cause))


async def scored_group(c: CaT, group: Group, row: Row, account: Account | None = None) -> Scored:
    """Run `c` on a group that the trainer sampled.

    A reference that a budget or a deadline cut short is not the one that was asked for: it is
    never rewarded by.

    Args:
        c: The method.
        group: The rollouts.
        row: The other columns of the group's data row.
        account: Pays for the calls, in addition to the client's budget.

    Returns:
        The rewards; a failure of a model or a judge is in them, with its cause.

    Raises:
        ConfigurationError: the set-up is wrong, so that no group can have a reward.
    """
    try:
        result = await c.run(group, row=row, budget=account)
    except CatError as error:
        cause = error.__cause__ if isinstance(error.__cause__, CatError) else error
        if isinstance(cause, ConfigurationError):
            raise cause from None
        return failed_group(group, Failure.of(cause))
    reference = result.reference
    if reference is not None and reference.partial:
        because = reference.provenance.settings.get("because", "the reference was cut short")
        return failed_group(group, Failure(kind="Partial", message=str(because)), reference)
    return Scored(group, result)


@asynccontextmanager
async def opened(c: CaT) -> AsyncGenerator[CaT]:
    """Open a copy of the description `c`, which stays as it is; the client is the same one."""
    async with copy.copy(c) as own:
        yield own
