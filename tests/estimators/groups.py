"""Groups that a test can write down and count by hand."""

from __future__ import annotations

from collections.abc import Sequence

import catsdk as cat
from catsdk.core.types import Completion, Group, Rollout, Score, TokenLogprob


def answers(letters: str) -> Group:
    """Rollouts that answer with one letter each; `-` gives no answer."""
    texts = ["no idea" if each == "-" else f"so \\boxed{{{each}}}" for each in letters]
    return cat.group_of("which?", texts)


def with_logprobs(letters: str, logprobs: Sequence[Sequence[float] | None]) -> Group:
    """The same, with log-probabilities of their tokens; `None` has none."""
    group = answers(letters)
    rollouts = [
        rollout.model_copy(update={"completion": _priced(rollout.completion, each)})
        for rollout, each in zip(group.rollouts, logprobs, strict=True)
    ]
    return group.model_copy(update={"rollouts": tuple(rollouts)})


def _priced(completion: Completion, logprobs: Sequence[float] | None) -> Completion:
    if logprobs is None:
        return completion
    tokens = tuple(TokenLogprob(token="t", logprob=each) for each in logprobs)
    return completion.model_copy(update={"logprobs": tokens})


class Fixed:
    """A rater that gives the scores it was made with, by index."""

    def __init__(self, *values: float | None) -> None:
        self.values = values

    async def rate(self, group: Group, ctx: object = None) -> list[Score]:
        return [self._score(rollout) for rollout in group.rollouts]

    def _score(self, rollout: Rollout) -> Score:
        return Score(index=rollout.index, value=self.values[rollout.index])
