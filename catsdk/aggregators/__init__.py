"""Other estimators of a reference than synthesis, one a file, under the same protocol."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from catsdk.aggregators.adaptive import Adaptive, AdaptiveSampler
    from catsdk.aggregators.best_of_n import BestOfN
    from catsdk.aggregators.cascade import Cascade
    from catsdk.aggregators.generative import GenerativeSelfAggregation
    from catsdk.aggregators.grading import Grading
    from catsdk.aggregators.greedy import Greedy
    from catsdk.aggregators.likelihood import Likelihood
    from catsdk.aggregators.majority import Majority
    from catsdk.aggregators.mixture import MixtureOfAgents
    from catsdk.aggregators.perplexity import MinPerplexity
    from catsdk.aggregators.predictability import MutualPredictability
    from catsdk.aggregators.random_choice import RandomChoice
    from catsdk.aggregators.recursive import RecursiveSelfAggregation
    from catsdk.aggregators.self_best_of_n import SelfBestOfN
    from catsdk.aggregators.shuffled import Shuffled
    from catsdk.aggregators.universal import UniversalSelfConsistency
    from catsdk.aggregators.weighted import WeightedMajority

__all__ = [
    "Adaptive",
    "AdaptiveSampler",
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
    "UniversalSelfConsistency",
    "WeightedMajority",
]

_HOME = {
    "Adaptive": "adaptive",
    "AdaptiveSampler": "adaptive",
    "BestOfN": "best_of_n",
    "Cascade": "cascade",
    "GenerativeSelfAggregation": "generative",
    "Grading": "grading",
    "Greedy": "greedy",
    "Likelihood": "likelihood",
    "Majority": "majority",
    "MinPerplexity": "perplexity",
    "MixtureOfAgents": "mixture",
    "MutualPredictability": "predictability",
    "RandomChoice": "random_choice",
    "RecursiveSelfAggregation": "recursive",
    "SelfBestOfN": "self_best_of_n",
    "Shuffled": "shuffled",
    "UniversalSelfConsistency": "universal",
    "WeightedMajority": "weighted",
}

# Hidden from type checkers, so that a misspelt name is their error too.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
