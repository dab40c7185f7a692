"""Range: estimates a total over many rows from a few of them, with an interval."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, expm1, log, sqrt
from statistics import NormalDist, fmean, variance
from typing import Final

from catsdk.core.value import Value

__all__ = ["CONFIDENCE", "Range"]

CONFIDENCE: Final = 0.98
"""The nominal one; sums of a few lognormal lengths are in the range a little less often."""
_LARGEST: Final = 20.0
"""The largest variance of logarithms that is taken at its word; beyond it, nothing can be said."""


class Range(Value):
    """An expected sum, with bounds that hold in nine of ten cases or more.

    Args:
        low: The least to be expected.
        expected: What the rows seen so far say.
        high: The most to be expected; infinite where one row alone was seen.

    Example:
        >>> from catsdk.batch import Range
        >>> Range.of_sum([100.0, 100.0, 100.0], 50)
        Range(low=5000.0, expected=5000.0, high=5000.0)
    """

    low: float
    expected: float
    high: float

    @classmethod
    def of_sum(cls, seen: Sequence[float], more: int) -> Range:
        """What `more` rows will come to, given what some rows that were chosen at random came to.

        Lengths of answers are heavily tailed: a few long ones are most of the cost, and a sample
        mostly misses them. So the range is made on the scale of logarithms, and is the wider of
        two: by the spread of the values, and by that of their logarithms, as Cox's interval for the
        mean of a lognormal distribution has it. It allows for the chance of the rows to come, too.

        Args:
            seen: A number of each row that was seen, none of them negative.
            more: How many rows are to come.

        Returns:
            The range of their sum.
        """
        positive = [value for value in seen if value > 0]
        if not more or not positive:
            return cls(low=0.0, expected=0.0, high=0.0)
        mean, there = fmean(seen), len(positive)
        if len(seen) > 1 and min(seen) == max(seen):
            return cls(low=more * mean, expected=more * mean, high=more * mean)
        if there < 2:
            return cls(low=0.0, expected=more * mean, high=float("inf"))
        logs = [log(value) for value in positive]
        spread = min(variance(logs), _LARGEST)
        share = there / len(seen)
        by_logs = share * exp(fmean(logs) + spread / 2)
        relative = variance(positive) / fmean(positive) ** 2
        of_mean = max(relative / there, spread / there + spread**2 / (2 * (there - 1)))
        of_zeros = (1 - share) / there
        # The lognormal estimate is far off for single rows that are not lognormal.
        of_rows = max(relative, min(expm1(spread), 4 * relative)) / more
        reach = _quantile(there - 1) * sqrt(of_mean + of_zeros + of_rows)
        return cls(
            low=more * min(mean, by_logs) * exp(-reach),
            expected=more * mean,
            high=more * max(mean, by_logs) * exp(reach),
        )

    def times(self, factor: float) -> Range:
        """The range of so many times as much.

        Args:
            factor: At least 0.

        Returns:
            The range with each of its numbers multiplied.
        """
        return Range(
            low=self.low * factor, expected=self.expected * factor, high=self.high * factor
        )


def _quantile(freedom: int) -> float:
    """Student's t at `CONFIDENCE`, by the expansion of Cornish and Fisher."""
    z: float = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3
