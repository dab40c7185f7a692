"""Measure: a mean over prompts with its 95 % interval, or why it is unknown."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite

import numpy as np

from catsdk.core.value import Value

__all__ = ["Measure"]

_DRAWS = 2000
_TAIL = 0.05


class Measure(Value):
    """A mean over prompts with a 95 % bootstrap interval; a failed measurement is never a number.

    Args:
        mean: The mean; `None` if nothing could be measured.
        low: The lower bound of its interval.
        high: The upper bound.
        count: The number of prompts.
        unknown: Why there is no number.
        label: A readable name.

    Example:
        >>> from catsdk.train import Measure
        >>> str(Measure.of([1.0, 0.0, 1.0, 1.0]))
        '0.75 (0.25 to 1.00)'
        >>> str(Measure.missing("no known answers"))
        'unknown: no known answers'
    """

    mean: float | None = None
    low: float | None = None
    high: float | None = None
    count: int = 0
    unknown: str | None = None
    label: str = ""

    @classmethod
    def of(
        cls,
        values: Iterable[float | None],
        *,
        least: float = 0.0,
        most: float = 1.0,
        unknown: str = "no prompt gave a value",
        label: str = "",
    ) -> Measure:
        """The mean of the values that are not `None`.

        If all of them are equal, a bootstrap interval would have no width. The interval then
        includes any mean at which 5 % of samples this large would still have only equal values:
        eight values of 0 give "0.00 to 0.31".

        Args:
            values: One value per prompt; `None` if it has none.
            least: The smallest value that a prompt can have.
            most: The largest.
            unknown: The reason to give if there are no values.
            label: A readable name.

        Returns:
            The mean with its interval; unknown if there are no values.
        """
        known = [value for value in values if value is not None and isfinite(value)]
        if not known:
            return cls.missing(unknown, label)
        mean = sum(known) / len(known)
        if min(known) == max(known):
            unseen = (1 - _TAIL ** (1 / len(known))) * (most - least)
            low, high = max(least, mean - unseen), min(most, mean + unseen)
        else:
            low, high = _bootstrap(known)
        return cls(mean=mean, low=low, high=high, count=len(known), label=label)

    @classmethod
    def missing(cls, because: str, label: str = "") -> Measure:
        """A measure that could not be taken.

        Args:
            because: Why.
            label: A readable name.

        Returns:
            A measure without numbers.
        """
        return cls(unknown=because, label=label)

    def __str__(self) -> str:
        """The mean and its interval, or why there is none."""
        if self.mean is None:
            return f"unknown: {self.unknown}"
        return f"{self.mean:.2f} ({self.low:.2f} to {self.high:.2f})"


def _bootstrap(values: list[float]) -> tuple[float, float]:
    """The percentile interval of the mean, always from the same resamples."""
    drawn = np.random.default_rng(0).integers(len(values), size=(_DRAWS, len(values)))
    low, high = np.quantile(np.array(values)[drawn].mean(axis=1), [_TAIL / 2, 1 - _TAIL / 2])
    return float(low), float(high)
