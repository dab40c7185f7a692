from catsdk.estimators.adaptive import Adaptive
from catsdk.estimators.best_of_n import BestOfN
from catsdk.estimators.cascade import Cascade
from catsdk.estimators.controls.greedy import Greedy
from catsdk.estimators.controls.random_choice import RandomChoice
from catsdk.estimators.controls.shuffled import Shuffled
from catsdk.estimators.generative import GenerativeSelfAggregation
from catsdk.estimators.grading import Grading
from catsdk.estimators.likelihood import Likelihood
from catsdk.estimators.majority import Majority
from catsdk.estimators.mixture import MixtureOfAgents
from catsdk.estimators.perplexity import MinPerplexity
from catsdk.estimators.predictability import MutualPredictability
from catsdk.estimators.recursive import RecursiveSelfAggregation
from catsdk.estimators.self_best_of_n import SelfBestOfN
from catsdk.estimators.synthesis import Synthesizer
from catsdk.estimators.universal import UniversalSelfConsistency
from catsdk.estimators.views.harmony import Harmony
from catsdk.estimators.views.other_view import OtherView
from catsdk.estimators.views.paraphraser import Paraphraser
from catsdk.estimators.weighted import WeightedMajority

__all__ = [
    "Adaptive",
    "BestOfN",
    "Cascade",
    "GenerativeSelfAggregation",
    "Grading",
    "Greedy",
    "Harmony",
    "Likelihood",
    "Majority",
    "MinPerplexity",
    "MixtureOfAgents",
    "MutualPredictability",
    "OtherView",
    "Paraphraser",
    "RandomChoice",
    "RecursiveSelfAggregation",
    "SelfBestOfN",
    "Shuffled",
    "Synthesizer",
    "UniversalSelfConsistency",
    "WeightedMajority",
]
