"""Log-probabilities that a model assigns to each rollout of a group, after given messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from catsdk.core.concurrency.fanout import fan_out
from catsdk.core.errors import CatError, UnsupportedError
from catsdk.core.ports import Provider, Scorer, name_of
from catsdk.core.types import Completion, Failure, Message, Rollout

__all__ = ["Answered", "score_rollouts", "score_texts", "thought", "whole_text"]

Answered = tuple[Sequence[Message], str]
"""Messages, and the text that is read as the answer to them."""


async def score_rollouts(
    scorer: Provider,
    rollouts: Sequence[Rollout],
    before: Callable[[Rollout], Sequence[Message]],
) -> list[Completion | Failure]:
    """Score every rollout's text at once, as the answer to what `before` says; a failure is data.

    Raises:
        UnsupportedError: the model cannot score a given text.
    """
    return await score_texts(scorer, [(before(rollout), rollout.text) for rollout in rollouts])


async def score_texts(scorer: Provider, texts: Sequence[Answered]) -> list[Completion | Failure]:
    """Score every text at once, as the answer to its messages; a failure is data.

    Raises:
        UnsupportedError: the model cannot score a given text.
    """
    if not isinstance(scorer, Scorer):
        raise UnsupportedError(
            f"{name_of(scorer)} cannot score a given text; use a local model or vLLM",
            capability="score",
            model=name_of(scorer),
        )

    async def score(answered: Answered) -> Completion | Failure:
        try:
            return await scorer.score(*answered)
        except UnsupportedError:
            raise
        except CatError as error:
            return Failure.of(error)

    return await fan_out(score, texts)


def whole_text(rollout: Rollout) -> str:
    """All that a rollout says, with its thinking before it."""
    reasoning = rollout.completion.reasoning
    return f"{thought(reasoning)}{rollout.text}" if reasoning else rollout.text


def thought(reasoning: str) -> str:
    """Thinking that was told apart, as most models write it before an answer."""
    return f"<think>\n{reasoning}\n</think>\n\n"
