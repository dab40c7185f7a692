"""ComposedReward: several rewards as one weighted sum, each part kept."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from catsdk.core.errors import InvalidInputError
from catsdk.core.fanout import fan_out
from catsdk.core.ports import Rewarder
from catsdk.core.types import Group, Reference, Rubric, Score

__all__ = ["ComposedReward"]


@dataclass(frozen=True)
class ComposedReward:
    """The sum of weight times value over named rewards, asked for all at once.

    `ComposedReward({"rubric": (Reward(judge), 1.0), "length": (LengthPenalty(), 1.0)})` is the
    paper's reward on HealthBench. It is `None` where a part is, with that part's cause.
    """

    parts: Mapping[str, tuple[Rewarder, float]]

    def __post_init__(self) -> None:
        """Check the parts.

        Raises:
            InvalidInputError: there is none, or a weight is no finite number.
        """
        wrong = [name for name, (_, weight) in self.parts.items() if not math.isfinite(weight)]
        if not self.parts or wrong:
            raise InvalidInputError(
                f"the parts are {[*self.parts]}, without finite weight {wrong}; give one or more,"
                " each with a finite weight"
            )

    async def reward(
        self, group: Group, reference: Reference, rubric: Rubric | None = None
    ) -> tuple[Score, ...]:
        """Give one score for each of the G rollouts, by their index; its `parts` have the rest."""

        async def one(rewarder: Rewarder) -> dict[int, Score]:
            scores = await rewarder.reward(group, reference, rubric)
            return {score.index: score for score in scores}

        found = await fan_out(one, [rewarder for rewarder, _ in self.parts.values()])
        by_name = dict(zip(self.parts, found, strict=True))
        indices = sorted({index for scores in found for index in scores})
        return tuple(self._sum(index, by_name) for index in indices)

    def _sum(self, index: int, by_name: Mapping[str, Mapping[int, Score]]) -> Score:
        parts = {
            name: scores.get(index) or Score(index=index, value=None, reasons=("it was left out",))
            for name, scores in by_name.items()
        }
        total: float | None = 0.0
        reasons: list[str] = []
        for name, part in parts.items():
            weight = self.parts[name][1]
            total = None if total is None or part.value is None else total + weight * part.value
            reasons.append(f"{name}: {weight:g} x {part.value if part.value is not None else '?'}")
        missing = next((part for part in parts.values() if part.value is None), None)
        failure = None if missing is None else missing.failure
        return Score(index=index, value=total, reasons=tuple(reasons), parts=parts, failure=failure)
