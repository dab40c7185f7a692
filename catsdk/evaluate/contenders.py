"""The ways of answering that are compared, by name, made for the models at hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from catsdk.core.errors import InvalidInputError
from catsdk.core.options import Sampling
from catsdk.core.ports import Estimator, Provider, Rater
from catsdk.estimators import (
    Adaptive,
    BestOfN,
    Cascade,
    GenerativeSelfAggregation,
    Grading,
    Greedy,
    Likelihood,
    Majority,
    MinPerplexity,
    MixtureOfAgents,
    MutualPredictability,
    RandomChoice,
    RecursiveSelfAggregation,
    SelfBestOfN,
    Shuffled,
    UniversalSelfConsistency,
    WeightedMajority,
)
from catsdk.estimators.synthesis import Synthesizer
from catsdk.sampling.sampler import Sampler

__all__ = [
    "CONTROLS",
    "DEFAULTS",
    "LOGPROBS",
    "NAMES",
    "SCORED",
    "SELECTORS",
    "Contender",
    "Models",
    "make_contenders",
    "scored_contenders",
]


@dataclass(frozen=True, slots=True)
class Contender:
    """An estimator under a name.

    `free` ones make no call, so that many sub-samples of the rollouts can be averaged. `control`
    says what this one is a control for; `sizes` restricts it to some G.
    """

    name: str
    estimator: Estimator
    free: bool = False
    control: str | None = None
    sizes: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Models:
    """The models that contenders may use, and how they are sampled.

    `confidence` and `threshold` are those of the cascade. With `scored` rollouts have no
    log-probabilities of their own, and the anchor is asked for its.
    """

    policies: Sequence[Provider]
    anchor: Provider
    judge: Provider
    sampling: Sampling = Sampling()
    seed: int | None = None
    confidence: float = 0.95
    threshold: float = 0.75
    scored: bool = False


def _majority(models: Models) -> Contender:
    return Contender("majority", Majority(seed=models.seed or 0), free=True)


def _weighted(models: Models) -> Contender:
    likelihood = Likelihood(models.anchor if models.scored else None)
    rated = WeightedMajority(likelihood, weight="exp", seed=models.seed or 0)
    return Contender("weighted-majority", rated, free=not models.scored)


def _judge_weighted(models: Models) -> Contender:
    return Contender(
        "judge-weighted-majority", WeightedMajority(_grading(models), seed=models.seed or 0)
    )


def _adaptive(models: Models) -> Contender:
    adaptive = Adaptive(Majority(seed=models.seed or 0))
    return Contender("adaptive-majority", adaptive, free=True)


def _cascade(models: Models) -> Contender:
    cascade = Cascade(
        Adaptive(Majority(), models.confidence), _synthesizer(models), models.threshold
    )
    return Contender("cascade", cascade)


def _perplexity(models: Models) -> Contender:
    least = MinPerplexity(models.anchor if models.scored else None)
    return Contender("min-perplexity", least, free=not models.scored)


def _predictability(models: Models) -> Contender:
    return Contender("mutual-predictability", MutualPredictability(models.anchor))


def _universal(models: Models) -> Contender:
    greedy = _greedy_sampling(models)
    return Contender("universal", UniversalSelfConsistency(models.anchor, greedy))


def _self_best(models: Models) -> Contender:
    greedy = _greedy_sampling(models)
    return Contender("self-best-of-n", SelfBestOfN(models.policies[0], greedy))


def _judge_best(models: Models) -> Contender:
    return Contender("judge-best-of-n", BestOfN(_grading(models), seed=models.seed or 0))


def _generative(models: Models) -> Contender:
    return Contender("generative", _aggregating(models, 0))


def _mixture(models: Models) -> Contender:
    """Two layers of a proposer a policy, three of one model where there is only one."""
    count = max(3, len(models.policies)) if len(models.policies) == 1 else len(models.policies)
    proposers = [
        GenerativeSelfAggregation(
            models.policies[at % len(models.policies)],
            models.sampling,
            seed=None if models.seed is None else models.seed + 101 * (at + 1),
        )
        for at in range(count)
    ]
    return Contender("mixture", MixtureOfAgents([proposers], _aggregating(models, 0)))


def _recursive(models: Models) -> Contender:
    step = _aggregating(models, 0)
    recursion = RecursiveSelfAggregation(step, Majority(seed=models.seed or 0), subset=4, rounds=3)
    return Contender("recursive", recursion)


def _synthesis(models: Models) -> Contender:
    return Contender("synthesis", _synthesizer(models))


def _question(models: Models) -> Contender:
    shown = _synthesizer(models, show_question=True)
    return Contender("synthesis+question", shown, control="synthesis, the question shown")


def _shuffled(models: Models) -> Contender:
    shuffled = Shuffled(_synthesizer(models), seed=1)
    return Contender("synthesis+shuffled", shuffled, control="synthesis, another order")


def _universal_shuffled(models: Models) -> Contender:
    universal = UniversalSelfConsistency(models.anchor, _greedy_sampling(models))
    shuffled = Shuffled(universal, seed=1)
    return Contender("universal+shuffled", shuffled, control="universal, another order")


def _best_shuffled(models: Models) -> Contender:
    best = SelfBestOfN(models.policies[0], _greedy_sampling(models))
    shuffled = Shuffled(best, seed=1)
    return Contender("self-best-of-n+shuffled", shuffled, control="self-best-of-n, another order")


def _random(models: Models) -> Contender:
    chosen = RandomChoice(models.seed or 0)
    return Contender("random", chosen, free=True, control="any selector")


def _greedy(models: Models) -> Contender:
    sampler = Sampler(models.policies[0], _greedy_sampling(models))
    return Contender("greedy", Greedy(sampler), control="one answer, no group", sizes=(1,))


def _synthesizer(models: Models, *, show_question: bool = False) -> Synthesizer:
    return Synthesizer(
        models.anchor, models.sampling, show_question=show_question, seed=models.seed
    )


def _aggregating(models: Models, offset: int) -> GenerativeSelfAggregation:
    seed = None if models.seed is None else models.seed + offset
    return GenerativeSelfAggregation(models.anchor, models.sampling, seed=seed)


def _grading(models: Models) -> Grading:
    return Grading(models.judge, _greedy_sampling(models))


def _greedy_sampling(models: Models) -> Sampling:
    return Sampling(temperature=0.0, max_tokens=models.sampling.max_tokens)


_MAKERS: dict[str, Callable[[Models], Contender]] = {
    "majority": _majority,
    "weighted-majority": _weighted,
    "judge-weighted-majority": _judge_weighted,
    "adaptive-majority": _adaptive,
    "min-perplexity": _perplexity,
    "mutual-predictability": _predictability,
    "universal": _universal,
    "self-best-of-n": _self_best,
    "judge-best-of-n": _judge_best,
    "generative": _generative,
    "mixture": _mixture,
    "recursive": _recursive,
    "synthesis": _synthesis,
    "cascade": _cascade,
    "greedy": _greedy,
    "random": _random,
    "synthesis+question": _question,
    "synthesis+shuffled": _shuffled,
    "universal+shuffled": _universal_shuffled,
    "self-best-of-n+shuffled": _best_shuffled,
}

NAMES = tuple(_MAKERS)
SELECTORS = ("majority", "adaptive-majority", "random")
SCORED = ("score-best-of-n", "score-weighted-majority")
LOGPROBS = frozenset({"weighted-majority", "min-perplexity"})
DEFAULTS = ("majority", "adaptive-majority", "synthesis", "cascade")
CONTROLS = ("greedy", "random", "synthesis+question", "synthesis+shuffled")


def scored_contenders(rater: Rater, seed: int | None) -> list[Contender]:
    """The contenders that go by scores which are there already, such as a reward model's."""
    weighted = WeightedMajority(rater, weight="exp", seed=seed or 0)
    return [
        Contender(SCORED[0], BestOfN(rater, seed=seed or 0), free=True),
        Contender(SCORED[1], weighted, free=True),
    ]


def make_contenders(names: Sequence[str], models: Models) -> list[Contender]:
    """Make the contenders of those names, in their order, each once.

    Raises:
        InvalidInputError: a name is unknown.
    """
    unknown = [name for name in names if name not in _MAKERS]
    if unknown:
        raise InvalidInputError(
            f"unknown aggregators {', '.join(unknown)}; known: {', '.join(_MAKERS)}"
        )
    return [_MAKERS[name](models) for name in dict.fromkeys(names)]
