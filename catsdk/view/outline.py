"""Outline: the short form of an entry for lists, filters and searches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from catsdk.answers import equivalence_classes
from catsdk.answers.votes import Votes, votes_of
from catsdk.evaluate.observations import Graded

__all__ = ["MadeOutline", "Outline", "voted", "votes_by_meaning"]


class MadeOutline(Graded):
    """The short form of a `Made`, with the answer and the text of its reference."""

    answer: str | None = None
    text: str = ""
    failure: str | None = None

    @property
    def right(self) -> bool | None:
        """Whether it is right; `None` if it has no grade."""
        return None if self.score is None else self.score >= 1

    @property
    def majority_right(self) -> bool | None:
        """Whether the majority is right; `None` if it has no grade."""
        return None if self.majority_score is None else self.majority_score >= 1

    @property
    def rescued(self) -> bool | None:
        """Whether it is right although every rollout is wrong; `None` if unknown."""
        if self.all_wrong is None or self.right is None:
            return None
        return self.all_wrong and self.right


@dataclass(frozen=True, slots=True)
class Outline:
    """The short form of an `Entry`.

    `answers`, `grades`, `rewards` and `texts` have an entry for each existing rollout. `rewarded`
    says whether rewards were requested, so that a reward of `None` means missing evidence.
    `dull_criteria` counts the criteria that separate no two rollouts.
    """

    id: str
    question: str = ""
    gold: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    answers: tuple[str | None, ...] = ()
    grades: tuple[float | None, ...] = ()
    rewards: tuple[float | None, ...] = ()
    rewarded: bool = False
    majority: str | None = None
    agreement: float | None = None
    made: tuple[MadeOutline, ...] = ()
    failure: str | None = None
    failed_rollouts: int = 0
    partial: bool = False
    tokens: int = 0
    cost: float | None = 0.0
    step: int | None = None
    dull_criteria: int = 0

    @property
    def tied(self) -> bool:
        """Whether there are answers, but none of them has the most votes."""
        return self.agreement is not None and self.majority is None

    @property
    def flat(self) -> bool:
        """Whether all rollouts have the same reward or, without rewards, the same grade."""
        values = self.rewards if self.rewarded else self.grades
        known = [value for value in values if value is not None]
        return len(known) > 1 and len(set(known)) == 1

    @property
    def flips(self) -> bool:
        """Whether, with the same rollouts, some estimators are right and others wrong."""
        graded: dict[int, set[bool]] = {}
        for each in self.made:
            if each.right is not None:
                graded.setdefault(each.size, set()).add(each.right)
        return any(len(rights) > 1 for rights in graded.values())

    @property
    def unanswered(self) -> int:
        """How many rollouts have no final answer, if final answers were extracted at all."""
        looked = self.gold or self.made or any(self.answers)
        return sum(answer is None for answer in self.answers) if looked else 0

    @property
    def unrewarded(self) -> int:
        """How many rollouts have no reward although one was requested."""
        return sum(reward is None for reward in self.rewards) if self.rewarded else 0


def voted(outline: Outline) -> Outline:
    """Fill in majority, agreement and who disagrees with it, if the run did not record them.

    Args:
        outline: An outline with the answers of the rollouts.
    """
    if outline.agreement is not None or not any(outline.answers):
        return outline
    votes = votes_by_meaning(outline.answers)
    made = tuple(_compared(each, votes.majority) for each in outline.made)
    return replace(outline, majority=votes.majority, agreement=votes.share, made=made)


def _compared(made: MadeOutline, majority: str | None) -> MadeOutline:
    if made.departs is not None or made.answer is None or majority is None:
        return made
    departs = len(equivalence_classes([made.answer, majority]).representatives) > 1
    return made.model_copy(update={"departs": departs})


def votes_by_meaning(answers: Sequence[str | None]) -> Votes:
    """Count the votes for answers, merging equal ones as the answer reward does."""
    there = [answer for answer in answers if answer is not None]
    return votes_of(answers, equivalence_classes(there).labels)
