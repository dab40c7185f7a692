"""How probable a model finds each rollout of a group, after the messages that are put before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from catsdk.core.concurrency.fanout import fan_out
from catsdk.core.errors import CatError, UnsupportedError
from catsdk.core.ports import Provider, Scorer, name_of
from catsdk.core.types import Completion, Failure, Message, Rollout

__all__ = ["score_rollouts"]


async def score_rollouts(
    scorer: Provider,
    rollouts: Sequence[Rollout],
    before: Callable[[Rollout], Sequence[Message]],
) -> list[Completion | Failure]:
    """Score every rollout's text at once, as the answer to what `before` says; a failure is data.

    Raises:
        UnsupportedError: the model cannot score a given text.
    """
    if not isinstance(scorer, Scorer):
        raise UnsupportedError(
            f"{name_of(scorer)} cannot score a given text; use a local model or vLLM",
            capability="score",
            model=name_of(scorer),
        )

    async def score(rollout: Rollout) -> Completion | Failure:
        try:
            return await scorer.score(before(rollout), rollout.text)
        except UnsupportedError:
            raise
        except CatError as error:
            return Failure.of(error)

    return await fan_out(score, rollouts)
