"""LengthPenalty: takes a fixed amount off responses that are longer than a number of tokens."""

from __future__ import annotations

from dataclasses import dataclass

from catsdk.core.errors import InvalidInputError
from catsdk.core.ports import TokenCounter
from catsdk.core.types import Failure, Group, Reference, Rollout, Rubric, Score

__all__ = ["LengthPenalty"]


@dataclass(frozen=True)
class LengthPenalty:
    """A reward of `penalty` for responses over `over` tokens, else 0 (paper: -1 over 750).

    To be composed with another reward. `counter` counts tokens, as the `local` provider can;
    without one the answer tokens that the service reported count, and where it did not report them
    for each rollout alone, the length is unknown and the score `None`.
    """

    over: int = 750
    penalty: float = -1.0
    counter: TokenCounter | None = None

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            InvalidInputError: `over` is under 1, or `penalty` over 0.
        """
        if self.over < 1 or not self.penalty <= 0:
            raise InvalidInputError(
                f"over is {self.over} and penalty {self.penalty}; give a length of 1 token or"
                " more, and a penalty of 0 or less"
            )

    async def reward(
        self, group: Group, reference: Reference, rubric: Rubric | None = None
    ) -> tuple[Score, ...]:
        """Give one score for each of the G rollouts asked for, failed ones too, by their index."""
        failed = [
            Score(index=index, value=None, reasons=("the rollout failed",), failure=failure)
            for index, failure in group.failures.items()
        ]
        # A service that reports only the sum over n answers has it with the first of them.
        reported = all(each.completion.usage.output_tokens > 0 for each in group.rollouts)
        scores = [self._score(rollout, reported=reported) for rollout in group.rollouts]
        return tuple(sorted([*scores, *failed], key=lambda score: score.index))

    def _score(self, rollout: Rollout, *, reported: bool) -> Score:
        tokens = self._tokens(rollout, reported=reported)
        if tokens is None:
            told = "its length in tokens is unknown; give LengthPenalty a counter"
            return Score(
                index=rollout.index,
                value=None,
                reasons=(told,),
                failure=Failure(kind="UnknownLength", message=told),
            )
        longer = tokens > self.over
        told = f"it has {tokens} tokens, {'over' if longer else 'not over'} {self.over}"
        return Score(index=rollout.index, value=self.penalty if longer else 0.0, reasons=(told,))

    def _tokens(self, rollout: Rollout, *, reported: bool) -> int | None:
        if self.counter is not None:
            return self.counter.count_tokens(rollout.text)
        usage = rollout.completion.usage
        known = reported and not usage.unreported
        return usage.output_tokens - usage.reasoning_tokens if known else None
