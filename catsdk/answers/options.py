"""The policies of a comparison: what counts as the same where suites of graders contradict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from catsdk.core.choices import check_choice

__all__ = ["DEFAULT", "Options"]

Percent = Literal["either", "fraction", "number"]
Units = Literal["convert", "ignore", "strict"]


@dataclass(frozen=True, slots=True)
class Options:
    """What counts as the same; the defaults are what a reader of the two answers would say.

    Args:
        percent: What 28 % equals without the sign: `either` 28 or 0.28 (a question may ask "what
            percent"), the `fraction` 0.28 alone, or the `number` 28 alone.
        units: With `convert` a unit that only one side writes is ignored, and known units on both
            sides are converted (1 hour is 60 minutes); `ignore` looks at the numbers alone;
            `strict` asks for a unit on both sides or on none.
        ordered: Whether commas without brackets make a list whose order matters.
        labels: Whether `x = 5` equals `5`.
        omitted_base: Whether `204` equals `204_5`.
        open_intervals: Whether `(1, 2)` may be read as the open interval where the other is one.
        ratios: Whether `1:2` equals `1/2`.
        decimal_comma: Whether `1,22` may be read as 1.22 where the other side is not a list.
        rounded_places: A decimal with at least so many places equals each number that it is the
            rounding or truncation of; `None` for never.
        absolute: Numbers that differ by at most this are equal; 0 asks for equality.
        relative: The same, as a share of the larger number.
        seconds: Longest time of one decision of the symbolic tier.
        megabytes: Most memory of one decision of the symbolic tier.

    Raises:
        InvalidInputError: `percent` or `units` is not one of its words.

    Example:
        >>> from catsdk.answers import Options, is_same
        >>> is_same("5 km", "5000 m"), is_same("5 km", "5", Options(units="strict"))
        (True, False)
    """

    percent: Percent = "either"
    units: Units = "convert"
    ordered: bool = False
    labels: bool = True
    omitted_base: bool = True
    open_intervals: bool = True
    ratios: bool = True
    decimal_comma: bool = True
    rounded_places: int | None = 6
    absolute: float = 0.0
    relative: float = 0.0
    seconds: float = 2.0
    megabytes: int = 512

    def __post_init__(self) -> None:
        """Check the words."""
        check_choice("percent", self.percent, get_args(Percent))
        check_choice("units", self.units, get_args(Units))


DEFAULT = Options()
