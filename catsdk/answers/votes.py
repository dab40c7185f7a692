"""The votes of a group: its answers in classes of equal ones, with ties and abstentions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Votes", "votes_of"]


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
    def leader(self) -> int | None:
        """The position of the first answer of the largest class; `None` at a tie or without any."""
        return None if self.tied or not self.classes else self.classes[0][0]

    @property
    def majority(self) -> str | None:
        """The answer of the largest class as first written; `None` at a tie or without any."""
        return None if self.leader is None else self.answers[self.leader]


def votes_of(answers: Sequence[str | None], labels: Sequence[int]) -> Votes:
    """The votes of `answers`, of which `None` abstains, by the class of each that is there.

    Args:
        answers: The G answers of a group.
        labels: The class of each answer that is not `None`, in their order.
    """
    there = [at for at, answer in enumerate(answers) if answer is not None]
    classes: dict[int, list[int]] = {}
    for at, label in zip(there, labels, strict=True):
        classes.setdefault(label, []).append(at)
    ordered = sorted(
        (tuple(members) for members in classes.values()),
        key=lambda members: (-len(members), members[0]),
    )
    abstained = tuple(at for at, answer in enumerate(answers) if answer is None)
    return Votes(tuple(answers), tuple(ordered), abstained)
