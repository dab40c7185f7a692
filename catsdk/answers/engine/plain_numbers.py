"""The verdict on two plain numbers, which most answers are, without reading them as mathematics."""

from __future__ import annotations

import re
from decimal import Decimal
from time import perf_counter

from catsdk.answers.options import Options
from catsdk.answers.verdict import Verdict

__all__ = ["quick"]

_MOST_PLACES = 5
_NUMBER = re.compile(r"\$?(-?(?:\d{1,15}|[1-9]\d{0,2}(?:,\d{3}){1,4})(?:\.\d{1,5})?)", re.ASCII)


def quick(answer: str, reference: str, options: Options) -> Verdict | None:
    """Return the verdict where both are short numbers; `None` where there is more to look at.

    It is that of the exact tier: a test holds the two together.
    """
    start = perf_counter()
    first = _NUMBER.fullmatch(answer)
    second = _NUMBER.fullmatch(reference) if first else None
    if first is None or second is None or options.absolute or options.relative:
        return None
    places = options.rounded_places
    if places is not None and places <= _MOST_PLACES:
        return None
    one, other = first[1], second[1]
    equal = one == other or Decimal(one.replace(",", "")) == Decimal(other.replace(",", ""))
    return Verdict("equal" if equal else "different", "exact", "", "", perf_counter() - start)
