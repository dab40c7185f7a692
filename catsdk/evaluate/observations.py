"""What was seen: one value for each estimator, item, size and sub-sample, before any average."""

from __future__ import annotations

from pydantic import Field

from catsdk.core.types import Failure, Group, Reference, Usage
from catsdk.core.value import Value
from catsdk.evaluate.items import Item

__all__ = ["Observation", "Seen"]


class Observation(Value):
    """One reference of one estimator, graded.

    Equal answers of an item have the same `answer_class`. `size` is G, `draw` the number of the
    sub-sample (0 is the first G rollouts). `score` is `None` where there is no reference
    (`failure`) or no grade (`ungraded`). `usage` is what the rollouts used and the estimator's
    calls consumed. `tied` says whether a vote or a best score was shared, `None` where the
    estimator has neither. `majority_score` is that of the most frequent answer of the same
    rollouts, `departs` whether the reference answers otherwise, both `None` where the rollouts tie;
    `all_wrong` whether no rollout of the sub-sample is right. `None` is not known.
    `followed` says for each position in which rollouts were shown whether the reference gives the
    answer that stood there, where the rollouts disagree.
    """

    estimator: str
    item: str
    size: int
    draw: int
    answer: str | None = None
    answer_class: int | None = None
    score: float | None = None
    failure: Failure | None = None
    ungraded: Failure | None = None
    usage: Usage = Usage()
    drawn: int = 0
    tied: bool | None = None
    majority_score: float | None = None
    departs: bool | None = None
    all_wrong: bool | None = None
    followed: tuple[bool, ...] = ()


class Seen(Value):
    """All that was seen of one item.

    `scores` are the grades of the rollouts by index, those that could be graded. `references` hold
    the estimators' references from the first G rollouts, by name and size, for a closer look.
    """

    item: Item
    group: Group
    scores: dict[int, float] = Field(default_factory=dict[int, float])
    observations: tuple[Observation, ...] = ()
    references: dict[str, dict[int, Reference]] = Field(
        default_factory=dict[str, dict[int, Reference]]
    )
