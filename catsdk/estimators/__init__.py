"""Estimators of a reference, one a file, under one protocol."""

from typing import TYPE_CHECKING

from catsdk.core.doors import door

if TYPE_CHECKING:
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
    from catsdk.estimators.weighted import WeightedMajority

__all__ = [
    "Adaptive",
    "BestOfN",
    "Cascade",
    "GenerativeSelfAggregation",
    "Grading",
    "Greedy",
    "Likelihood",
    "Majority",
    "MinPerplexity",
    "MixtureOfAgents",
    "MutualPredictability",
    "RandomChoice",
    "RecursiveSelfAggregation",
    "SelfBestOfN",
    "Shuffled",
    "Synthesizer",
    "UniversalSelfConsistency",
    "WeightedMajority",
]

_HOMES = {
    "Adaptive": "catsdk.estimators.adaptive",
    "BestOfN": "catsdk.estimators.best_of_n",
    "Cascade": "catsdk.estimators.cascade",
    "GenerativeSelfAggregation": "catsdk.estimators.generative",
    "Grading": "catsdk.estimators.grading",
    "Greedy": "catsdk.estimators.controls.greedy",
    "Likelihood": "catsdk.estimators.likelihood",
    "Majority": "catsdk.estimators.majority",
    "MinPerplexity": "catsdk.estimators.perplexity",
    "MixtureOfAgents": "catsdk.estimators.mixture",
    "MutualPredictability": "catsdk.estimators.predictability",
    "RandomChoice": "catsdk.estimators.controls.random_choice",
    "RecursiveSelfAggregation": "catsdk.estimators.recursive",
    "SelfBestOfN": "catsdk.estimators.self_best_of_n",
    "Shuffled": "catsdk.estimators.controls.shuffled",
    "Synthesizer": "catsdk.estimators.synthesis",
    "UniversalSelfConsistency": "catsdk.estimators.universal",
    "WeightedMajority": "catsdk.estimators.weighted",
}

# Hidden from type checkers, so that a misspelt name is their error too.
if not TYPE_CHECKING:
    __getattr__ = door(__name__, _HOMES)


def __dir__() -> list[str]:
    return __all__
