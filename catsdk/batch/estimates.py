"""Estimate: what a batch will consume and cost, by stage, from a sample of processed rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from catsdk.batch.ranges import Range
from catsdk.core.types import Call, Usage
from catsdk.core.value import Value

__all__ = ["Estimate", "StageEstimate", "by_stage"]

Stages = Mapping[str, Usage]


class StageEstimate(Value):
    """What one stage of the rows to come will consume.

    Args:
        stage: The step of the method, such as `sample` or `estimate`.
        requests: How many requests.
        input_tokens: Tokens of the prompts.
        output_tokens: Tokens of the answers.
        cost: US dollars, the stage's share of the price included; `None` if a price is unknown.
        price_share: The share of the list price that is paid, such as 0.5 in a batch API.

    Example:
        >>> from catsdk.batch import StageEstimate
        >>> from catsdk.types import Usage
        >>> StageEstimate.of("sample", [Usage(requests=1, output_tokens=60)] * 4, 10).output_tokens
        Range(low=600.0, expected=600.0, high=600.0)
    """

    stage: str
    requests: Range
    input_tokens: Range
    output_tokens: Range
    cost: Range | None
    price_share: float = 1.0

    @classmethod
    def of(
        cls, stage: str, seen: Sequence[Usage], more: int, price_share: float = 1.0
    ) -> StageEstimate:
        """The estimate for `more` rows.

        Args:
            stage: The step of the method.
            seen: What each row that was seen consumed in it.
            more: How many rows are to come.
            price_share: The share of the list price that is paid for them.

        Returns:
            Tokens and cost, each with a range.
        """
        return cls(
            stage=stage,
            requests=Range.of_sum([float(usage.requests) for usage in seen], more),
            input_tokens=Range.of_sum([float(usage.input_tokens) for usage in seen], more),
            output_tokens=Range.of_sum([float(usage.output_tokens) for usage in seen], more),
            cost=_cost([(usage.cost, price_share) for usage in seen], more),
            price_share=price_share,
        )


class Estimate(Value):
    """What a batch will consume, and what it has.

    Args:
        rows: The rows that are to be worked on yet.
        probes: The rows that the estimate is made from; what they became is kept.
        paid: What the folder's rows have consumed so far, probes included.
        stages: What each stage of the rows to come will consume.
        tokens: Tokens of all stages of the rows to come.
        cost: US dollars for the rows to come; `None` if a price is unknown.

    Example:
        >>> from catsdk.batch import Estimate
        >>> from catsdk.types import Usage
        >>> estimate = Estimate.of([{"sample": Usage(output_tokens=60)}] * 8, 1000, Usage())
        >>> estimate.tokens.expected
        60000.0
    """

    rows: int
    probes: int
    paid: Usage
    stages: tuple[StageEstimate, ...]
    tokens: Range
    cost: Range | None

    @classmethod
    def of(
        cls,
        seen: Sequence[Stages],
        more: int,
        paid: Usage,
        price_shares: Mapping[str, float] | None = None,
    ) -> Estimate:
        """Make it from what rows consumed that were chosen at random.

        Args:
            seen: What each of them consumed, by stage.
            more: How many rows are to come.
            paid: What was consumed so far.
            price_shares: The share of the list price that is paid in a stage, where it is not 1.

        Returns:
            Tokens and cost of all stages together, and of each.
        """
        shares = dict(price_shares or {})
        names = list(dict.fromkeys(stage for stages in seen for stage in stages))
        stages = [
            StageEstimate.of(
                name, [each.get(name, Usage()) for each in seen], more, shares.get(name, 1.0)
            )
            for name in names
        ]
        rows = [Usage.total(each.values()) for each in seen]
        parts = [[(u.cost, shares.get(name, 1.0)) for name, u in each.items()] for each in seen]
        known = all(cost is not None for each in parts for cost, _ in each)
        costs = [sum((cost or 0.0) * share for cost, share in each) for each in parts]
        return cls(
            rows=more,
            probes=len(seen),
            paid=paid,
            stages=tuple(stages),
            tokens=Range.of_sum([float(usage.tokens) for usage in rows], more),
            cost=Range.of_sum(costs, more) if known else None,
        )


def by_stage(calls: Sequence[Call]) -> dict[str, Usage]:
    """What calls consumed, by their stage.

    Args:
        calls: Those of one row.
    """
    stages = dict.fromkeys(call.stage for call in calls)
    return {
        name: Usage.total(call.usage for call in calls if call.stage == name) for name in stages
    }


def _cost(seen: Sequence[tuple[float | None, float]], more: int) -> Range | None:
    known = [cost * share for cost, share in seen if cost is not None]
    return Range.of_sum(known, more) if len(known) == len(seen) else None
