from catsdk.rewards.answer import AnswerReward, Gold
from catsdk.rewards.confidence import NegativeEntropy, SelfCertainty
from catsdk.rewards.controls import ClusterShare, Random
from catsdk.rewards.diversity import Diverse
from catsdk.rewards.equivalent import EquivalenceReward
from catsdk.rewards.filters import EntropyBand, SkipAgreed, SkipFlat
from catsdk.rewards.graded import GradedReward
from catsdk.rewards.penalties import LengthPenalty, TruncationPenalty
from catsdk.rewards.probability import ReferenceProbability
from catsdk.rewards.reward import Reward, Sum
from catsdk.rewards.rubric import RubricReward
from catsdk.rubrics.scoring import Missing

__all__ = [
    "AnswerReward",
    "ClusterShare",
    "Diverse",
    "EntropyBand",
    "EquivalenceReward",
    "Gold",
    "GradedReward",
    "LengthPenalty",
    "Missing",
    "NegativeEntropy",
    "Random",
    "ReferenceProbability",
    "Reward",
    "RubricReward",
    "SelfCertainty",
    "SkipAgreed",
    "SkipFlat",
    "Sum",
    "TruncationPenalty",
]
