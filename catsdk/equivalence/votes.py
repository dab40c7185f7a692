"""The votes of a group: its answers in classes of equal ones, with ties and abstentions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from catsdk.equivalence.classes import equivalence_classes

__all__ = ["Votes", "count_votes"]


@dataclass(frozen=True, slots=True)
class Votes:
    """G answers in classes of equal ones.

    `classes` hold positions 0..G-1, the largest class first and equally large ones in the order of
    their first member; `abstained` are the positions without an answer.
    """

    answers: tuple[str | None, ...]
    classes: tuple[tuple[int, ...], ...]
    abstained: tuple[int, ...]

    @property
    def cast(self) -> int:
        """How many answers are there."""
        return len(self.answers) - len(self.abstained)

    @property
    def top(self) -> int:
        """The size of the largest class, or 0."""
        return len(self.classes[0]) if self.classes else 0

    @property
    def second(self) -> int:
        """The size of the second class, or 0."""
        return len(self.classes[1]) if len(self.classes) > 1 else 0

    @property
    def leaders(self) -> tuple[tuple[int, ...], ...]:
        """The classes that share the first place: one, several at a tie, none without answers."""
        return tuple(members for members in self.classes if len(members) == self.top)

    @property
    def tied(self) -> bool:
        """Whether two classes share the first place."""
        return self.top > 0 and self.top == self.second

    @property
    def share(self) -> float | None:
        """The largest class over the answers that are there; `None` without any."""
        return self.top / self.cast if self.cast else None

    @property
    def majority(self) -> str | None:
        """The answer of the largest class as first written; `None` at a tie or without any."""
        return None if self.tied or not self.classes else self.answers[self.classes[0][0]]


def count_votes(answers: Sequence[str | None]) -> Votes:
    """Put `answers` into classes; `None` abstains."""
    there = [at for at, answer in enumerate(answers) if answer is not None]
    labels = equivalence_classes([answer for answer in answers if answer is not None]).labels
    classes: dict[int, list[int]] = {}
    for at, label in zip(there, labels, strict=True):
        classes.setdefault(label, []).append(at)
    ordered = sorted(
        (tuple(members) for members in classes.values()),
        key=lambda members: (-len(members), members[0]),
    )
    abstained = tuple(at for at, answer in enumerate(answers) if answer is None)
    return Votes(tuple(answers), tuple(ordered), abstained)
