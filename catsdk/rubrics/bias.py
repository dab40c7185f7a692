"""Position bias: whether a criterion's place in the list changes its verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from catsdk.core.concurrency.fanout import fan_out
from catsdk.core.errors import InvalidInputError
from catsdk.core.types import Rollout, Rubric, Verdict
from catsdk.runtime.context import Context, standing_alone
from catsdk.runtime.roles import Judge

__all__ = ["PositionReport", "position_bias"]


@dataclass(frozen=True, slots=True)
class PositionReport:
    """Verdicts of one judge on the same criteria and responses, in one order and its reverse.

    `compared` verdicts were given both times, `flipped` is the share of them that differ, and
    `first_half` and `second_half` are the shares of yes among verdicts on criteria that stood in
    that half, over both orders: a judge that does not go by place has them equal.
    """

    compared: int
    flipped: float | None
    first_half: float | None
    second_half: float | None


async def position_bias(
    judge: Judge, rubric: Rubric, rollouts: Sequence[Rollout], ctx: Context | None = None
) -> PositionReport:
    """Judge every rollout with the criteria in their order and reversed (a `Judge` in mode "all").

    The judge must keep the order that it is given (`Judging(seed=None)`) and must not remember
    verdicts (`remember=False`), or the second look is the first one.

    Args:
        judge: Whose verdicts are compared.
        rubric: Two criteria or more.
        rollouts: The responses that are judged twice.
        ctx: The context of a run; without one the judge stands alone.

    Returns:
        How many verdicts changed with the place of their criterion.

    Raises:
        InvalidInputError: there are fewer than two criteria, or no rollout, or the judge gave
            verdicts that it remembered.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.rubrics import Judging, loads, position_bias
        >>> from catsdk.testing import FunctionProvider
        >>> def first_is_met(request):
        ...     met = '{"id": "r1", "verdict": "yes"}, {"id": "r2", "verdict": "yes"}'
        ...     return '{"verdicts": [%s]}' % met
        >>> how = Judging(mode="all", evidence="off")
        >>> judge = cat.Judge(FunctionProvider(first_is_met), judging=how, remember=False)
        >>> rubric = loads("criteria: [Names clouds., Is brief.]")
        >>> rollouts = cat.group_of("Why?", ["Clouds."]).rollouts
        >>> (await position_bias(judge, rubric, rollouts)).flipped
        0.0
    """
    if len(rubric.criteria) < 2 or not rollouts:
        raise InvalidInputError("position bias needs at least two criteria and one rollout")
    reverse = rubric.model_copy(update={"criteria": rubric.criteria[::-1]})
    looks = [(order, rollout) for rollout in rollouts for order in (rubric, reverse)]

    async with standing_alone(ctx) as context:

        async def look(at: tuple[Rubric, Rollout]) -> Sequence[Verdict]:
            return await judge.judge(*at, context)

        found = await fan_out(look, looks)
    if any(verdict.shared for verdicts in found for verdict in verdicts):
        raise InvalidInputError(
            "the judge gave verdicts that it remembered, which say nothing about the second order;"
            " give Judge(..., remember=False)"
        )
    there = [[verdict.met for verdict in verdicts] for verdicts in found]
    pairs = [
        (one, two)
        for forward, backward in zip(there[::2], there[1::2], strict=True)
        for one, two in zip(forward, reversed(backward), strict=True)
        if one is not None and two is not None
    ]
    half = len(rubric.criteria) // 2
    return PositionReport(
        compared=len(pairs),
        flipped=_share([one != two for one, two in pairs]),
        first_half=_share([met for row in there for met in row[:half] if met is not None]),
        second_half=_share([met for row in there for met in row[-half:] if met is not None]),
    )


def _share(flags: Sequence[bool]) -> float | None:
    return sum(flags) / len(flags) if flags else None
