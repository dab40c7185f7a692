"""How many items an evaluation needs to tell two estimators apart."""

from __future__ import annotations

import math
from statistics import NormalDist

from catsdk.core.errors import InvalidInputError
from catsdk.core.inputs import check_count

__all__ = ["items_needed"]


def items_needed(
    difference: float,
    one_right: float,
    *,
    power: float = 0.8,
    alpha: float = 0.05,
    pairs: int = 1,
) -> int:
    """How many items McNemar's test needs to find a difference between two estimators.

    Both answer the same items, so only those on which exactly one of the two is right count. This
    is the sample size of Connor (1987), with 1 / `difference` more items since the test is exact.

    Args:
        difference: The difference in accuracy that is to be found, over 0 and up to 1.
        one_right: The share of items on which exactly one of the two is right, `difference` at
            least. A first run shows it: `alone right` in the table of pairs, by the items.
        power: The chance to find the difference if it is there, in 0..1.
        alpha: The p-value under which a difference counts as found, in 0..1.
        pairs: How many pairs are compared; the smallest p-value must then be under
            `alpha / pairs` (Holm).

    Returns:
        The number of items.

    Raises:
        InvalidInputError: a number is out of its range.

    Example:
        >>> from catsdk.evaluate import items_needed
        >>> items_needed(0.05, 0.2)
        646
    """
    if not 0 < difference <= one_right <= 1:
        raise InvalidInputError(
            f"difference is {difference!r} and one_right {one_right!r}; give shares over 0, of"
            " which one_right is at least as large: where one estimator is right more often, it is"
            " right alone at least as often"
        )
    for name, chance in (("power", power), ("alpha", alpha)):
        if not 0 < chance < 1:
            raise InvalidInputError(f"{name} is {chance!r}; give a number between 0 and 1")
    quantile = NormalDist().inv_cdf
    beyond_chance = quantile(1 - alpha / check_count(pairs, "pairs") / 2) * math.sqrt(one_right)
    beyond_noise = quantile(power) * math.sqrt(one_right - difference**2)
    return math.ceil(((beyond_chance + beyond_noise) / difference) ** 2 + 1 / difference)
