"""Means with standard errors and bootstrap intervals, paired tests, and the unbiased pass@k."""

# numpy's own annotations are partial.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from types import ModuleType
from typing import Any

from catsdk.core.errors import InvalidInputError, MissingExtraError
from catsdk.core.installing import install_command
from catsdk.core.value import Value

__all__ = ["Bootstrap", "Estimate", "holm", "mcnemar", "pass_at_k"]

LEVEL = 0.95
_AT_ONCE = 64


class Estimate(Value):
    """The mean of a measure over items, with its uncertainty.

    Args:
        mean: The mean.
        error: Its standard error.
        low: The lower bound of its 95 % interval.
        high: The upper bound.
        count: The number of items.

    Example:
        >>> from catsdk.evaluate import Bootstrap
        >>> estimate = Bootstrap(4, seed=0).estimate([1.0, 1.0, 0.0, None])
        >>> round(estimate.mean, 2), estimate.count
        (0.67, 3)
    """

    mean: float
    error: float
    low: float
    high: float
    count: int

    def __str__(self) -> str:
        """Mean and standard error."""
        return f"{self.mean:.3f} ± {self.error:.3f}"


class Bootstrap:
    """Percentile bootstrap over items (Efron 1979), under a seed.

    An item is drawn equally often for every estimate in one resample, so that differences between
    estimators on the same items are paired.

    Args:
        count: The number of items.
        draws: The number of resamples, which are drawn when first used.
        seed: Chooses them.

    Example:
        >>> from catsdk.evaluate import Bootstrap
        >>> estimate = Bootstrap(100, seed=0).estimate([1.0] * 60 + [0.0] * 40)
        >>> estimate.mean, estimate.low < 0.6 < estimate.high
        (0.6, True)
    """

    def __init__(self, count: int, *, draws: int = 2000, seed: int = 0) -> None:
        """Prepare for estimates over `count` items; resamples are drawn when first used."""
        self.count, self.draws, self.seed = count, draws, seed

    @cached_property
    def _weights(self) -> Any:
        """How often each item occurs in each resample, of shape draws x count."""
        numpy = _numpy()
        random = numpy.random.default_rng(self.seed)
        shares = numpy.full(self.count, 1 / self.count)
        # In chunks: as int64 all of them at once would take twice the memory.
        sizes = [min(_AT_ONCE, self.draws - at) for at in range(0, self.draws, _AT_ONCE)]
        drawn = [
            random.multinomial(self.count, shares, size=size).astype(numpy.float32)
            for size in sizes
        ]
        return numpy.concatenate(drawn)

    def estimate(self, values: Sequence[float | None]) -> Estimate | None:
        """Estimate the mean of the values that are there.

        Args:
            values: One value an item; `None`, or not a number, where there is none.

        Returns:
            The mean with its interval; `None` without any value.

        Raises:
            InvalidInputError: there are not `count` values.
            MissingExtraError: numpy is not installed.
        """
        return self.estimates([values])[0]

    def estimates(self, columns: Sequence[Sequence[float | None]]) -> list[Estimate | None]:
        """Make the estimates of several columns of values, faster than one by one.

        Args:
            columns: What `estimate` takes, once an estimate.

        Returns:
            The estimate of each column, in their order.

        Raises:
            InvalidInputError: a column does not have `count` values.
            MissingExtraError: numpy is not installed.
        """
        made: list[Estimate | None] = []
        for at in range(0, len(columns), _AT_ONCE):
            made += self._some(columns[at : at + _AT_ONCE])
        return made

    def _some(self, columns: Sequence[Sequence[float | None]]) -> list[Estimate | None]:
        numpy = _numpy()
        for values in columns:
            if len(values) != self.count:
                raise InvalidInputError(f"{len(values)} values for {self.count} items")
        table = numpy.array(columns, dtype=float).reshape(len(columns), self.count)
        there = ~numpy.isnan(table)
        counts = there.sum(axis=1)
        filled = numpy.where(there, table, 0.0)
        means = filled.sum(axis=1) / numpy.maximum(counts, 1)
        # Centred on the mean, so that single precision is enough for the resamples.
        centred = numpy.where(there, table - means[:, None], 0.0)
        errors = numpy.sqrt(
            (centred**2).sum(axis=1) / numpy.maximum(counts - 1, 1) / numpy.maximum(counts, 1)
        )
        bounds = self._bounds(centred, there)
        return [
            None
            if not counts[at]
            else Estimate(
                mean=float(means[at]),
                error=float(errors[at]),
                low=float(means[at] + bounds[at][0]),
                high=float(means[at] + bounds[at][1]),
                count=int(counts[at]),
            )
            for at in range(len(columns))
        ]

    def _bounds(self, centred: Any, there: Any) -> list[tuple[float, float]]:
        """The bounds of the interval of each row, relative to its mean."""
        numpy = _numpy()
        sums = self._weights @ centred.T.astype(numpy.float32)
        counts = self._weights @ there.T.astype(numpy.float32)
        bounds: list[tuple[float, float]] = []
        for total, count in zip(sums.T, counts.T, strict=True):
            drawn = count > 0
            if not drawn.any():
                bounds.append((0.0, 0.0))
                continue
            means = total[drawn].astype(float) / count[drawn]
            low, high = numpy.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
            bounds.append((float(low), float(high)))
        return bounds


def mcnemar(only_first: int, only_second: int) -> float:
    """Two-sided exact p-value of McNemar's test (1947): is one of two right alone more often.

    Under the hypothesis that neither is, the smaller count is binomial with probability 1/2.
    """
    total = only_first + only_second
    # Each binomial coefficient from the one before: computing ten thousand anew takes minutes.
    term = tail = 1
    for at in range(min(only_first, only_second)):
        term = term * (total - at) // (at + 1)
        tail += term
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
        raise MissingExtraError(f"intervals need numpy: {install_command('evaluate')}") from error
    return numpy
