"""Answers in classes of the same meaning."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from catsdk.answers.compare import same
from catsdk.answers.options import DEFAULT, Options
from catsdk.answers.verdict import Verdict

__all__ = ["Classes", "Compare", "equivalence_classes"]

Compare: TypeAlias = Callable[[str, str, Options], Verdict]


@dataclass(frozen=True, slots=True)
class Classes:
    """Answers in classes of equal ones.

    Args:
        labels: The class of each answer, numbered from 0 as they first appear.
        representatives: The first answer of each class.
        comparisons: How many verdicts were needed.
    """

    labels: tuple[int, ...]
    representatives: tuple[str, ...]
    comparisons: int

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many answers each class has."""
        return tuple(map(self.labels.count, range(len(self.representatives))))


def equivalence_classes(
    answers: Sequence[str], options: Options = DEFAULT, compare: Compare = same
) -> Classes:
    """Put answers that are the same into one class.

    Equal texts and equal numbers meet without a comparison; another answer is compared with the
    first one of each class, and two different plain numbers never. So n answers of c classes take
    fewer than n c comparisons, most often none or a few.

    Args:
        answers: The answers.
        options: What counts as the same.
        compare: Gives the verdict on a pair; `compare_sync` asks the symbolic tier as well. An
            unknown verdict puts the two into different classes.

    Returns:
        The label of each answer, and the first answer of each class.

    Example:
        >>> from catsdk.answers import equivalence_classes
        >>> equivalence_classes(["1/2", "0.5", "2/3", "50 %"]).labels
        (0, 0, 1, 0)
    """
    seen: dict[Hashable, int] = {}
    read: dict[str, int] = {}
    firsts: list[tuple[str, Hashable]] = []
    labels: list[int] = []
    comparisons = 0
    for answer in answers:
        if answer in read:
            labels.append(read[answer])
            continue
        key = _key(answer, options)
        if key not in seen:
            label = len(firsts)
            for at, (other, other_key) in enumerate(firsts):
                if _apart(key, other_key):
                    continue
                comparisons += 1
                if compare(answer, other, options).outcome == "equal":
                    label = at
                    break
            if label == len(firsts):
                firsts.append((answer, key))
            seen[key] = label
        read[answer] = seen[key]
        labels.append(read[answer])
    return Classes(tuple(labels), tuple(answer for answer, _ in firsts), comparisons)


def _key(answer: str, options: Options) -> Hashable:
    """Return the value of a plain number, else the text; equal keys mean the same answer."""
    from catsdk.answers.engine.parse.reading import read
    from catsdk.answers.engine.tree import Number

    node = read(answer).node
    rounding = options.rounded_places
    if not isinstance(node, Number) or options.absolute or options.relative:
        return answer.strip()
    rounded = rounding is not None and (node.places or 0) >= rounding
    return answer.strip() if rounded else node.value


def _apart(key: Hashable, other: Hashable) -> bool:
    """Tell keys that are both values of numbers: unequal ones need no comparison."""
    return not isinstance(key, str) and not isinstance(other, str)
