"""Columns: the results of one estimator at one size G, as one number per item and quantity."""

# numpy's own annotations are partial.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from catsdk.evaluate.observations import Observation, Seen

__all__ = ["Column", "columns_of"]

Value = Callable[[Observation], bool | float | None]


@dataclass(eq=False)
class Column:
    """The observations of one estimator at one size.

    Args:
        count: The number of items N of the evaluation.
        at: The item of each observation, as its place among the items.
        observations: As they came: those of one item are neighbours, the first sub-sample first.
        first: The first sub-sample of each item that has one.
    """

    count: int
    at: list[int] = field(default_factory=list[int])
    observations: list[Observation] = field(default_factory=list[Observation])
    first: dict[int, Observation] = field(default_factory=dict[int, Observation])

    def add(self, at: int, observation: Observation) -> None:
        """Append an observation of the item at that place."""
        self.at.append(at)
        self.observations.append(observation)
        self.first.setdefault(at, observation)

    def means(self, value: Value) -> Any:
        """The mean of a value over the sub-samples of each item (N) that have it, else NaN."""
        import numpy

        values = numpy.array([value(each) for each in self.observations], dtype=float)
        there = ~numpy.isnan(values)
        items = numpy.array(self.at, dtype=int)[there]
        sums = numpy.bincount(items, weights=values[there], minlength=self.count)
        counts = numpy.bincount(items, minlength=self.count)
        with numpy.errstate(invalid="ignore"):
            return sums / counts

    def average(self, value: Value) -> float:
        """The mean of a value over items, each the mean of its sub-samples; 0 without any."""
        import numpy

        means = self.means(value)
        there = means[~numpy.isnan(means)]
        return float(there.mean()) if there.size else 0.0

    @property
    def most(self) -> int:
        """The largest number of sub-samples that an item has."""
        import numpy

        return int(numpy.bincount(numpy.array(self.at, dtype=int)).max()) if self.at else 0


def columns_of(seen: Sequence[Seen], names: Sequence[str]) -> dict[tuple[str, int], Column]:
    """Sort the observations of the estimators of those `names` by estimator and size.

    The work grows with the number of observations alone.
    """
    known = set(names)
    found: dict[tuple[str, int], Column] = {}
    for at, each in enumerate(seen):
        for observation in each.observations:
            if observation.estimator not in known:
                continue
            key = (observation.estimator, observation.size)
            if key not in found:
                found[key] = Column(len(seen))
            found[key].add(at, observation)
    return found
