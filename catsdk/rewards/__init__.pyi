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
