"""Means with standard errors and bootstrap intervals, paired tests, and the unbiased pass@k."""

# numpy's own annotations are partial.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from types import ModuleType
from typing import Any

from catsdk.core.errors import InvalidInputError, MissingExtraError
from catsdk.core.types import Value

__all__ = ["Bootstrap", "Estimate", "holm", "mcnemar", "pass_at_k"]

LEVEL = 0.95


class Estimate(Value):
    """A mean over `count` items, its standard error, and the bounds of its 95 % interval."""

    mean: float
    error: float
    low: float
    high: float
    count: int

    def __str__(self) -> str:
        """Mean and standard error."""
        return f"{self.mean:.3f} ± {self.error:.3f}"


class Bootstrap:
    """Percentile bootstrap over items (Efron 1979), under `seed`.

    Item i of `count` is drawn equally often for every estimate in one resample, so that
    differences between estimators on the same items are paired.
    """

    def __init__(self, count: int, *, draws: int = 2000, seed: int = 0) -> None:
        """Prepare for estimates over `count` items; resamples are drawn when first used."""
        self.count, self.draws, self.seed = count, draws, seed

    @cached_property
    def _weights(self) -> Any:
        """How often each item is in each resample: draws x count."""
        numpy = _numpy()
        random = numpy.random.default_rng(self.seed)
        shares = numpy.full(self.count, 1 / self.count)
        return random.multinomial(self.count, shares, size=self.draws).astype(numpy.float32)

    def estimate(self, values: Sequence[float | None]) -> Estimate | None:
        """Estimate the mean of the values that are there; `None` without any.

        `values` has one value an item, `None` where there is none.

        Raises:
            InvalidInputError: there are not `count` values.
            MissingExtraError: numpy is not installed.
        """
        if len(values) != self.count:
            raise InvalidInputError(f"{len(values)} values for {self.count} items")
        there = [value for value in values if value is not None]
        if not there:
            return None
        mean = math.fsum(there) / len(there)
        spread = math.fsum((value - mean) ** 2 for value in there) / max(1, len(there) - 1)
        low, high = self._interval(values)
        error = math.sqrt(spread / len(there))
        return Estimate(mean=mean, error=error, low=low, high=high, count=len(there))

    def _interval(self, values: Sequence[float | None]) -> tuple[float, float]:
        numpy = _numpy()
        there = numpy.array([value is not None for value in values], dtype=float)
        filled = numpy.array([0.0 if value is None else value for value in values], dtype=float)
        weights = self._weights
        counts = weights @ there
        means = (weights @ filled)[counts > 0] / counts[counts > 0]
        low, high = numpy.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return float(low), float(high)


def mcnemar(only_first: int, only_second: int) -> float:
    """Two-sided exact p-value of McNemar's test (1947): is one of two right alone more often.

    Under the hypothesis that neither is, the smaller count is binomial with probability 1/2.
    """
    total = only_first + only_second
    tail = sum(math.comb(total, at) for at in range(min(only_first, only_second) + 1))
    return min(1.0, 2 * tail / (1 << total))


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted for their number (Holm 1979), in the order given."""
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, at in enumerate(sorted(range(len(p_values)), key=lambda at: p_values[at])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[at]))
        adjusted[at] = largest
    return adjusted


def pass_at_k(total: int, right: int, k: int) -> float:
    """1 - C(n - c, k) / C(n, k): the chance that one of k of n samples is right, c of which are.

    Source: Chen et al., arXiv 2107.03374, equation 1; it is unbiased.

    Raises:
        InvalidInputError: not 0 <= c <= n and 1 <= k <= n.
    """
    if not (0 <= right <= total and 1 <= k <= total):
        raise InvalidInputError(f"pass@{k} of {total} samples, {right} right: out of range")
    return 1 - math.comb(total - right, k) / math.comb(total, k)


def _numpy() -> ModuleType:
    try:
        import numpy
    except ModuleNotFoundError as error:
        raise MissingExtraError("intervals need numpy: pip install 'catsdk[evaluate]'") from error
    return numpy
