"""How far judges agree: raw share, Cohen's and Fleiss' kappa, Krippendorff's alpha."""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import combinations
from typing import Any, Literal, get_args

from catsdk.core.choices import check_choice
from catsdk.core.errors import InvalidInputError, MissingExtraError
from catsdk.core.installing import install_command

__all__ = ["Agreement", "Level", "agreement"]

Level = Literal["nominal", "ordinal", "interval"]
Answers = Sequence[bool | int | float | None]


@dataclass(frozen=True, slots=True)
class Agreement:
    """What several judges' answers to the same items have in common; `None` is undefined.

    Args:
        judges: Their names.
        items: The number of items that at least two of them answered.
        complete: The number of items that all of them answered.
        raw: The share of pairs of answers to one item that are equal.
        shares: The share of equal answers for each pair of judges.
        cohen: Cohen's kappa for each pair of judges.
        fleiss: Fleiss' kappa over the complete items.
        alpha: Krippendorff's alpha over all items, with distances of `level`.
        level: What the answers are: names (`nominal`), ranks (`ordinal`) or numbers (`interval`).

    Example:
        >>> from catsdk.rubrics import agreement
        >>> agreement({"a": [True, False, True], "b": [True, True, True]}).items
        3
    """

    judges: tuple[str, ...]
    items: int
    complete: int
    raw: float | None
    shares: dict[tuple[str, str], float | None]
    cohen: dict[tuple[str, str], float | None]
    fleiss: float | None
    alpha: float | None
    level: Level


def agreement(answers: Mapping[str, Answers], *, level: Level = "nominal") -> Agreement:
    """Compare judges by their answers to the same items.

    Statistics come from scikit-learn, statsmodels and krippendorff (extra `agreement`). Kappa
    and alpha are undefined where only one answer was ever given.

    Args:
        answers: The answers of each judge by its name, all in one order of the items; `None`
            abstains.
        level: What the answers are: `nominal`, `ordinal` or `interval`.

    Returns:
        The shares and kappas.

    Raises:
        InvalidInputError: fewer than two judges, judges with different numbers of items, or a
            `level` that there is not.
        MissingExtraError: the extra is not installed.

    Example:
        >>> from catsdk.rubrics import agreement
        >>> round(agreement({"a": [1, 0, 1, 1], "b": [1, 1, 1, 0]}).raw, 2)
        0.5
    """
    check_choice("level", level, get_args(Level))
    if len(answers) < 2 or len({len(column) for column in answers.values()}) != 1:
        sizes = {name: len(column) for name, column in answers.items()}
        raise InvalidInputError(f"agreement needs two judges over the same items, not {sizes}")
    rows = [list(row) for row in zip(*answers.values(), strict=True)]
    shared = [row for row in rows if sum(answer is not None for answer in row) >= 2]
    whole = [row for row in shared if None not in row]
    names = tuple(answers)
    return Agreement(
        judges=names,
        items=len(shared),
        complete=len(whole),
        raw=_raw(shared),
        shares={
            pair: _raw([*zip(*(answers[name] for name in pair), strict=True)])
            for pair in combinations(names, 2)
        },
        cohen={pair: _cohen(answers[pair[0]], answers[pair[1]]) for pair in combinations(names, 2)},
        fleiss=_fleiss(whole),
        alpha=_alpha(list(answers.values()), level),
        level=level,
    )


def _raw(rows: Sequence[Sequence[Hashable]]) -> float | None:
    equal = pairs = 0
    for row in rows:
        counts = Counter(answer for answer in row if answer is not None)
        size = counts.total()
        pairs += size * (size - 1)
        equal += sum(count * (count - 1) for count in counts.values())
    return equal / pairs if pairs else None


def _cohen(left: Answers, right: Answers) -> float | None:
    both = [(a, b) for a, b in zip(left, right, strict=True) if a is not None and b is not None]
    if len({answer for pair in both for answer in pair}) < 2:
        return None
    metrics = _package("sklearn.metrics")
    first, second = (
        [str(float(answer)) for answer in column] for column in zip(*both, strict=True)
    )
    return _defined(metrics.cohen_kappa_score(first, second))


def _fleiss(rows: Sequence[Sequence[Any]]) -> float | None:
    if len({answer for row in rows for answer in row}) < 2:
        return None
    raters = _package("statsmodels.stats.inter_rater")
    table, _ = raters.aggregate_raters([[float(answer) for answer in row] for row in rows])
    return _defined(raters.fleiss_kappa(table, method="fleiss"))


def _alpha(columns: Sequence[Answers], level: Level) -> float | None:
    data = [[math.nan if answer is None else float(answer) for answer in each] for each in columns]
    pairable = [row for row in zip(*data, strict=True) if sum(not math.isnan(x) for x in row) > 1]
    if len({answer for row in pairable for answer in row if not math.isnan(answer)}) < 2:
        return None
    return _defined(
        _package("krippendorff").alpha(reliability_data=data, level_of_measurement=level)
    )


def _defined(value: Any) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None


def _package(name: str) -> Any:
    try:
        with warnings.catch_warnings():
            # These libraries emit deprecation warnings of their own on import.
            warnings.simplefilter("ignore")
            return import_module(name)
    except ImportError as error:
        raise MissingExtraError(
            f"agreement needs {name.split('.')[0]}: {install_command('agreement')} ({error})"
        ) from error
