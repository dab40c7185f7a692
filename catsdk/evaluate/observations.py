"""Observations: one value per estimator, item, size and sub-sample, before any averaging."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pydantic import Field

from catsdk.core.types import Completion, Failure, FinishReason, Group, Reference, Rollout, Usage
from catsdk.core.value import Value
from catsdk.evaluate.items import Item

__all__ = ["Graded", "Observation", "Seen"]


class Graded(Value):
    """A reference by its estimator and size, and its grade beside that of the majority.

    Every form of a reference of an evaluation has these fields; see `Observation`.
    """

    estimator: str
    size: int
    score: float | None = None
    departs: bool | None = None
    tied: bool | None = None
    majority_score: float | None = None
    all_wrong: bool | None = None

    @property
    def contender(self) -> str:
        """The estimator and the size, as `NAME/SIZE`."""
        return f"{self.estimator}/{self.size}"

    @property
    def graded(self) -> dict[str, Any]:
        """These fields alone, of which another form of the same reference is made."""
        return {name: getattr(self, name) for name in Graded.model_fields}


class Observation(Graded):
    """One reference of one estimator, graded; what is `None` is not known.

    Args:
        estimator: Its name.
        item: The id of the item.
        size: G, the number of rollouts.
        draw: The number of the sub-sample; 0 is the first G rollouts.
        answer: The final answer.
        answer_class: Equal answers of an item have the same one.
        score: The grade; `None` if there is no reference, or no grade.
        failure: Why there is no reference.
        ungraded: Why there is no grade.
        usage: What the rollouts used, and the estimator's calls.
        drawn: The number of rollouts that it drew.
        tied: Whether a vote or a best score was shared; `None` if the estimator has neither.
        majority_score: The grade of the most frequent answer of the same rollouts; `None` if
            they tie.
        departs: Whether the reference answers otherwise than the majority; `None` if they tie.
        all_wrong: Whether no rollout of the sub-sample is right.
        followed: For each position in which rollouts were shown, whether the reference gives the
            answer that stood there, where the rollouts disagree.

    Example:
        >>> from catsdk.evaluate import Observation
        >>> Observation(estimator="majority", item="1", size=8, draw=0, score=1.0).score
        1.0
    """

    item: str
    draw: int
    answer: str | None = None
    answer_class: int | None = None
    failure: Failure | None = None
    ungraded: Failure | None = None
    usage: Usage = Usage()
    drawn: int = 0
    followed: tuple[bool, ...] = ()


class Seen(Value):
    """All that was seen of one item.

    Args:
        item: The item.
        group: Its rollouts.
        scores: The grades of the rollouts by index, those that could be graded.
        observations: What each estimator made of each sub-sample.
        references: The estimators' references from the first G rollouts, by name and size, for a
            closer look.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.evaluate import Seen, item_of
        >>> seen = Seen(item=item_of("6*7?", "42"), group=cat.group_of("6*7?", ["42"]))
        >>> len(seen.group.rollouts)
        1
    """

    item: Item
    group: Group
    scores: dict[int, float] = Field(default_factory=dict[int, float])
    observations: tuple[Observation, ...] = ()
    references: dict[str, dict[int, Reference]] = Field(
        default_factory=dict[str, dict[int, Reference]]
    )

    def without_texts(self) -> Seen:
        """The same as a report needs it: without prompts, completions, calls and references.

        Returns:
            What was seen, in a few kilobytes.

        Example:
            >>> import catsdk as cat
            >>> from catsdk.evaluate import Seen, item_of
            >>> seen = Seen(item=item_of("6*7?", "42"), group=cat.group_of("6*7?", ["42"]))
            >>> [rollout.text for rollout in seen.without_texts().group.rollouts]
            ['']
        """
        rollouts = tuple(
            _wordless(rollout.index, rollout.answer, rollout.completion.finish_reason)
            for rollout in self.group.rollouts
        )
        group = Group(prompt=(), rollouts=rollouts, failures=self.group.failures)
        return self.model_copy(update={"group": group, "references": {}})


@lru_cache(maxsize=10_000)
def _wordless(index: int, answer: str | None, finish_reason: FinishReason) -> Rollout:
    # Cached, so that the many rollouts with the same answer share one object.
    completion = Completion(text="", finish_reason=finish_reason)
    return Rollout(index=index, completion=completion, answer=answer)
