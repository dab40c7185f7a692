"""Penalties: for responses that are too long, and for those that were cut short."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from catsdk.core.display.counting import counted
from catsdk.core.errors import InvalidInputError
from catsdk.core.ports import TokenCounter
from catsdk.core.types import Failure, Group, Reference, Rollout, Score
from catsdk.rewards.reward import Reward, without_value
from catsdk.runtime.context import Context

__all__ = ["LengthPenalty", "TruncationPenalty", "response_tokens"]


def response_tokens(group: Group, counter: TokenCounter | None = None) -> list[int | None]:
    """The length of each response in tokens, its thinking included; `None` if it is unknown.

    Everything that the policy generated counts: that is what is paid for, and what a trainer and a
    service report alike.

    Args:
        group: The rollouts.
        counter: Counts tokens where the service did not report them for each rollout alone.

    Returns:
        One length for each of `group.rollouts`.
    """
    if counter is not None:
        return [counter.count_tokens(_whole(rollout)) for rollout in group.rollouts]
    usages = [rollout.completion.usage for rollout in group.rollouts]
    # If a service reports only the sum over n answers, it is recorded with the first one.
    reported = all(
        usage.output_tokens > 0 or not _whole(rollout)
        for usage, rollout in zip(usages, group.rollouts, strict=True)
    )
    return [usage.output_tokens if reported and not usage.unreported else None for usage in usages]


def _whole(rollout: Rollout) -> str:
    return f"{rollout.completion.reasoning or ''}{rollout.text}"


@dataclass(frozen=True)
class LengthPenalty(Reward):
    """A fixed amount off responses that are longer than a number of tokens (paper: -1 over 750).

    Add it to another reward. See `response_tokens` for what counts.

    Args:
        over: The length that is still free, in tokens.
        penalty: What a longer response gets, 0 or less.
        counter: Counts tokens, as the `local` provider can; without one the tokens that the
            service or the trainer reported count, and an unknown length is no reward.

    Raises:
        InvalidInputError: `over` is under 1, or `penalty` is over 0 or not finite.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.types import Completion, Usage
        >>> long = Completion(text="...", usage=Usage(output_tokens=900))
        >>> short = Completion(text="42", usage=Usage(output_tokens=2))
        >>> group = cat.group_of("6*7?", [long, short])
        >>> [score.value for score in await cat.LengthPenalty(over=750).reward(group)]
        [-1.0, 0.0]
    """

    over: int = 750
    penalty: float = -1.0
    counter: TokenCounter | None = None
    needs_reference = False

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.over < 1 or not -inf < self.penalty <= 0:
            raise InvalidInputError(
                f"over is {self.over} and penalty {self.penalty}; give a length of 1 token or"
                " more, and a finite penalty of 0 or less"
            )

    async def score(
        self, group: Group, reference: Reference | None, ctx: Context
    ) -> Sequence[Score]:
        """Compare each response's length with the limit."""
        lengths = response_tokens(group, self.counter)
        return [
            self._score(rollout, tokens, ctx)
            for rollout, tokens in zip(group.rollouts, lengths, strict=True)
        ]

    def _score(self, rollout: Rollout, tokens: int | None, ctx: Context) -> Score:
        if tokens is None:
            why = "its length in tokens is unknown; give LengthPenalty a counter"
            failure = Failure(kind="UnknownLength", message=why)
            return without_value(rollout, failure, why)
        longer = tokens > self.over
        told = f"it has {counted(tokens, 'token')}, {'over' if longer else 'not over'} {self.over}"
        return ctx.score(rollout, self.penalty if longer else 0.0, told)


@dataclass(frozen=True)
class TruncationPenalty(Reward):
    """A fixed amount off responses that were cut at the limit of new tokens.

    Args:
        penalty: What a response that was cut short gets, 0 or less.

    Raises:
        InvalidInputError: `penalty` is over 0 or not finite.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.rewards import TruncationPenalty
        >>> from catsdk.types import Completion
        >>> cut = Completion(text="It is", finish_reason="length")
        >>> group = cat.group_of("6*7?", [cut, "42"])
        >>> [score.value for score in await TruncationPenalty(-0.5).reward(group)]
        [-0.5, 0.0]
    """

    penalty: float = -1.0
    needs_reference = False

    def __post_init__(self) -> None:
        """Check the number."""
        if not -inf < self.penalty <= 0:
            raise InvalidInputError(f"penalty is {self.penalty}; give a finite number of 0 or less")

    async def score(
        self, group: Group, reference: Reference | None, ctx: Context
    ) -> Sequence[Score]:
        """Look at how each response ended."""
        return [
            ctx.score(rollout, self.penalty, "it was cut short")
            if rollout.completion.finish_reason == "length"
            else ctx.score(rollout, 0.0, "it ended by itself")
            for rollout in group.rollouts
        ]
