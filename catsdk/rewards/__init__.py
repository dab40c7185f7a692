"""Rewards, under one algebra: `0.5 * a + b`."""

from typing import TYPE_CHECKING

from catsdk.core.doors import door

if TYPE_CHECKING:
    from catsdk.rewards.answer import AnswerReward, Gold
    from catsdk.rewards.controls import ClusterShare, Random
    from catsdk.rewards.equivalent import EquivalenceReward
    from catsdk.rewards.filters import SkipAgreed, SkipFlat
    from catsdk.rewards.graded import GradedReward
    from catsdk.rewards.penalties import LengthPenalty, TruncationPenalty
    from catsdk.rewards.reward import Reward, Sum
    from catsdk.rewards.rubric import RubricReward
    from catsdk.rubrics.scoring import Missing

__all__ = [
    "AnswerReward",
    "ClusterShare",
    "EquivalenceReward",
    "Gold",
    "GradedReward",
    "LengthPenalty",
    "Missing",
    "Random",
    "Reward",
    "RubricReward",
    "SkipAgreed",
    "SkipFlat",
    "Sum",
    "TruncationPenalty",
]

_HOMES = {
    "AnswerReward": "catsdk.rewards.answer",
    "ClusterShare": "catsdk.rewards.controls",
    "EquivalenceReward": "catsdk.rewards.equivalent",
    "Gold": "catsdk.rewards.answer",
    "GradedReward": "catsdk.rewards.graded",
    "LengthPenalty": "catsdk.rewards.penalties",
    "Missing": "catsdk.rubrics.scoring",
    "Random": "catsdk.rewards.controls",
    "Reward": "catsdk.rewards.reward",
    "RubricReward": "catsdk.rewards.rubric",
    "SkipAgreed": "catsdk.rewards.filters",
    "SkipFlat": "catsdk.rewards.filters",
    "Sum": "catsdk.rewards.reward",
    "TruncationPenalty": "catsdk.rewards.penalties",
}

# Hidden from type checkers, so that a misspelt name is their error too.
if not TYPE_CHECKING:
    __getattr__ = door(__name__, _HOMES)


def __dir__() -> list[str]:
    return __all__
