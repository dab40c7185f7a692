"""Makes the estimators to compare from their names; your own are named by module and class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from catsdk import estimators
from catsdk.core.errors import InvalidInputError
from catsdk.core.options import Sampling
from catsdk.core.ports import Provider
from catsdk.estimators.synthesis import Synthesizer
from catsdk.recipes import from_data
from catsdk.runtime.roles import Estimator, Rater
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
    "contender_of",
    "make_contenders",
    "scored_contenders",
]


@dataclass(frozen=True, slots=True)
class Contender:
    """An estimator under a name.

    Args:
        name: What the report calls it.
        estimator: Opens its models by the context that it is given.
        free: Whether it makes no call, so that many sub-samples of the rollouts can be averaged.
        control: What it is a control for; `None` for an option.
        sizes: The only numbers of rollouts G that it is asked at.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.evaluate import Contender
        >>> Contender("first of a tie", cat.Majority(tie="first"), free=True).name
        'first of a tie'
    """

    name: str
    estimator: Estimator
    free: bool = False
    control: str | None = None
    sizes: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Models:
    """What the named contenders are made with.

    Args:
        policies: The models that are sampled; none where rollouts are recorded.
        sampling: How contenders that write text are sampled.
        seed: Makes their answers repeatable if the model supports seeds.
        confidence: That of the cascade's first stage.
        threshold: That of the cascade.
        scorer: The model that is asked for log-probabilities, where rollouts have none.
    """

    policies: Sequence[str | Provider] = ()
    sampling: Sampling = Sampling()
    seed: int | None = None
    confidence: float = 0.95
    threshold: float = 0.75
    scorer: str | Provider | None = None


def _majority(models: Models) -> Contender:
    return Contender("majority", estimators.Majority(seed=models.seed or 0), free=True)


def _weighted(models: Models) -> Contender:
    likelihood = estimators.Likelihood(models.scorer)
    rated = estimators.WeightedMajority(likelihood, weight="exp", seed=models.seed or 0)
    return Contender("weighted-majority", rated, free=models.scorer is None)


def _judge_weighted(models: Models) -> Contender:
    return Contender(
        "judge-weighted-majority",
        estimators.WeightedMajority(_grading(models), seed=models.seed or 0),
    )


def _adaptive(models: Models) -> Contender:
    adaptive = estimators.Adaptive(estimators.Majority(seed=models.seed or 0))
    return Contender("adaptive-majority", adaptive, free=True)


def _cascade(models: Models) -> Contender:
    cascade = estimators.Cascade(
        estimators.Adaptive(estimators.Majority(), models.confidence),
        _synthesizer(models),
        models.threshold,
    )
    return Contender("cascade", cascade)


def _perplexity(models: Models) -> Contender:
    least = estimators.MinPerplexity(models.scorer)
    return Contender("min-perplexity", least, free=models.scorer is None)


def _predictability(models: Models) -> Contender:
    return Contender("mutual-predictability", estimators.MutualPredictability())


def _universal(models: Models) -> Contender:
    greedy = _greedy_sampling(models)
    return Contender("universal", estimators.UniversalSelfConsistency(sampling=greedy))


def _self_best(models: Models) -> Contender:
    greedy = _greedy_sampling(models)
    return Contender("self-best-of-n", estimators.SelfBestOfN(sampling=greedy))


def _judge_best(models: Models) -> Contender:
    return Contender("judge-best-of-n", estimators.BestOfN(_grading(models), seed=models.seed or 0))


def _generative(models: Models) -> Contender:
    return Contender("generative", _aggregating(models))


def _mixture(models: Models) -> Contender:
    """Two layers with one proposer per policy; with a single policy, three proposers of it."""
    policies: Sequence[str | Provider | None] = models.policies or [None]
    count = 3 if len(policies) == 1 else len(policies)
    proposers = [
        estimators.GenerativeSelfAggregation(
            policies[at % len(policies)],
            models.sampling,
            seed=None if models.seed is None else models.seed + 101 * (at + 1),
        )
        for at in range(count)
    ]
    return Contender("mixture", estimators.MixtureOfAgents([proposers], _aggregating(models)))


def _recursive(models: Models) -> Contender:
    step = _aggregating(models)
    recursion = estimators.RecursiveSelfAggregation(
        step, estimators.Majority(seed=models.seed or 0), subset=4, rounds=3
    )
    return Contender("recursive", recursion)


def _synthesis(models: Models) -> Contender:
    return Contender("synthesis", _synthesizer(models))


def _small(models: Models) -> Contender:
    small = Synthesizer(sampling=_greedy_sampling(models), prompts="small", seed=models.seed)
    return Contender("small-synthesis", small)


def _question(models: Models) -> Contender:
    shown = _synthesizer(models, show_question=True)
    return Contender("synthesis+question", shown, control="synthesis, the question shown")


def _shuffled(models: Models) -> Contender:
    shuffled = estimators.Shuffled(_synthesizer(models), seed=1)
    return Contender("synthesis+shuffled", shuffled, control="synthesis, another order")


def _universal_shuffled(models: Models) -> Contender:
    universal = estimators.UniversalSelfConsistency(sampling=_greedy_sampling(models))
    shuffled = estimators.Shuffled(universal, seed=1)
    return Contender("universal+shuffled", shuffled, control="universal, another order")


def _best_shuffled(models: Models) -> Contender:
    best = estimators.SelfBestOfN(sampling=_greedy_sampling(models))
    shuffled = estimators.Shuffled(best, seed=1)
    return Contender("self-best-of-n+shuffled", shuffled, control="self-best-of-n, another order")


def _random(models: Models) -> Contender:
    chosen = estimators.RandomChoice(models.seed or 0)
    return Contender("random", chosen, free=True, control="any selector")


def _greedy(models: Models) -> Contender:
    sampler = Sampler(sampling=_greedy_sampling(models))
    return Contender(
        "greedy", estimators.Greedy(sampler), control="one answer, no group", sizes=(1,)
    )


def _synthesizer(models: Models, *, show_question: bool = False) -> Synthesizer:
    return Synthesizer(sampling=models.sampling, show_question=show_question, seed=models.seed)


def _aggregating(models: Models) -> estimators.GenerativeSelfAggregation:
    return estimators.GenerativeSelfAggregation(sampling=models.sampling, seed=models.seed)


def _grading(models: Models) -> estimators.Grading:
    return estimators.Grading(sampling=_greedy_sampling(models))


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
    "small-synthesis": _small,
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
    weighted = estimators.WeightedMajority(rater, weight="exp", seed=seed or 0)
    return [
        Contender(SCORED[0], estimators.BestOfN(rater, seed=seed or 0), free=True),
        Contender(SCORED[1], weighted, free=True),
    ]


def make_contenders(names: Sequence[str], models: Models) -> list[Contender]:
    """Make the contenders of those names, in their order, each once.

    Args:
        names: Names of this module, or of an estimator class: one of `catsdk.estimators`, one that
            a package registers under the entry point group `catsdk.estimators`, or `module:Class`.
            Such a class is made without arguments; its contender has the class's name.
        models: What the named ones are made with.

    Raises:
        InvalidInputError: a name is unknown, or does not name an estimator.
    """
    return [
        _MAKERS[name](models) if name in _MAKERS else contender_of(_named(name))
        for name in dict.fromkeys(names)
    ]


def contender_of(estimator: Contender | Estimator) -> Contender:
    """Give an estimator the name of its class; a contender stays as it is.

    Raises:
        InvalidInputError: it has no method `estimate`.
    """
    if isinstance(estimator, Contender):
        return estimator
    if isinstance(estimator, type) or not isinstance(estimator, Estimator):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidInputError(
            f"{estimator!r:.80} is not an estimator; give an object with an async method"
            " estimate(group, ctx)"
        )
    return Contender(type(estimator).__name__, estimator)


def _named(name: str) -> Estimator:
    try:
        made: Estimator = from_data(name, "an estimator")
    except InvalidInputError as error:
        if ":" in name:
            raise
        raise InvalidInputError(
            f"unknown estimator {name}; known: {', '.join(_MAKERS)}, the classes of"
            " catsdk.estimators, and those registered under the entry point group"
            " 'catsdk.estimators'; or write module:Class for one of your own"
        ) from error
    except TypeError as error:
        raise InvalidInputError(f"{name} cannot be made without arguments: {error}") from error
    return made
