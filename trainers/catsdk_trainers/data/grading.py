"""Grade held-out answers: whether one is right, and the mean over those that can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from catsdk.core.types import Score
from catsdk.runtime.context import Context

__all__ = ["mean_score", "right_or_not"]


async def right_or_not(answer: str | None, accepted: Sequence[str], ctx: Context) -> float | None:
    """1 if the answer is right, 0 if it is wrong or missing; `None` if that cannot be decided.

    Args:
        answer: A final answer.
        accepted: The known answers; it must equal one of them.
        ctx: The context whose `answers` compare.
    """
    if not accepted:
        return None
    if answer is None:
        return 0.0
    right = (await ctx.answers.grade_any(answer, accepted)).equal
    return None if right is None else float(right)


def mean_score(scores: Sequence[Score]) -> float | None:
    """The mean of the scores that have a value; `None` if none has."""
    known = [score.value for score in scores if score.value is not None]
    return fmean(known) if known else None
