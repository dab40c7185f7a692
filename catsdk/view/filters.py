"""Filters that select items in a list, each stored as a bit in the index."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from catsdk.core.errors import InvalidInputError
from catsdk.view.outline import MadeOutline, Outline

__all__ = ["FILTERS", "Filter", "item_flags", "made_flags", "mask_of", "names_of"]


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition on an item, or on the reference that is shown with it.

    Args:
        words: Its label on the screen.
        item: Whether an item passes, whatever its reference.
        made: Whether an item passes because of its reference.
    """

    words: str
    item: Callable[[Outline], bool] | None = None
    made: Callable[[MadeOutline], bool] | None = None


FILTERS: Final[Mapping[str, Filter]] = {
    "departs": Filter("reference ≠ majority", made=lambda made: made.departs is True),
    "gained": Filter(
        "reference right, majority wrong",
        made=lambda made: made.right is True and made.majority_right is False,
    ),
    "lost": Filter(
        "reference wrong, majority right",
        made=lambda made: made.right is False and made.majority_right is True,
    ),
    "rescued": Filter(
        "right although every rollout is wrong", made=lambda made: made.rescued is True
    ),
    "wrong": Filter("reference wrong", made=lambda made: made.right is False),
    "tied": Filter("tie", lambda item: item.tied, lambda made: made.tied is True),
    "failed": Filter(
        "failed",
        lambda item: item.failure is not None or item.failed_rollouts > 0,
        lambda made: made.failure is not None,
    ),
    "unanswered": Filter("no answer found", lambda item: item.unanswered > 0),
    "unrewarded": Filter("a reward is None", lambda item: item.unrewarded > 0),
    "flat": Filter("no reward spread", lambda item: item.flat),
    "flips": Filter("estimators flip", lambda item: item.flips),
    "dull": Filter("a criterion separates no rollouts", lambda item: item.dull_criteria > 0),
    "partial": Filter("cut short", lambda item: item.partial),
    # This comes from people's labels, not from the run: `Index.label` sets the bit.
    "doubted": Filter("labelled wrong"),
}
"""The filters by name, in the order of the screen."""

_BITS: Final = {name: 1 << at for at, name in enumerate(FILTERS)}


_OF_ITEM: Final = [(_BITS[name], each.item) for name, each in FILTERS.items() if each.item]
_OF_MADE: Final = [(_BITS[name], each.made) for name, each in FILTERS.items() if each.made]


def item_flags(item: Outline) -> int:
    """The filters that an item passes whatever its reference, as bits.

    Args:
        item: The item.
    """
    return sum(bit for bit, passes in _OF_ITEM if passes(item))


def made_flags(made: MadeOutline) -> int:
    """The filters that an item passes because of a reference, as bits.

    Args:
        made: The reference that is shown with the item.
    """
    return sum(bit for bit, passes in _OF_MADE if passes(made))


def mask_of(names: Iterable[str]) -> int:
    """The bits that an item must have to pass all of these filters.

    Args:
        names: Names of filters.

    Raises:
        InvalidInputError: there is no such filter.
    """
    mask = 0
    for name in names:
        if name not in _BITS:
            raise InvalidInputError(
                f"there is no filter {name!r:.40}; give one of {', '.join(FILTERS)}"
            )
        mask |= _BITS[name]
    return mask


def names_of(flags: int) -> list[str]:
    """The filters that an item passes.

    Args:
        flags: The bits from the index.
    """
    return [name for name, bit in _BITS.items() if flags & bit]
