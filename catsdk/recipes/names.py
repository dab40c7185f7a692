"""The names that a recipe may use for classes, and where each class is."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from catsdk.core.errors import InvalidInputError

__all__ = [
    "BUILT_IN",
    "ENTRY_POINTS",
    "is_known_role",
    "known_roles",
    "name_of_class",
    "named",
    "path_of",
    "path_to",
    "registered",
]

ENTRY_POINTS = ("catsdk.estimators", "catsdk.rewards", "catsdk.graders", "catsdk.samplers")
"""The entry point groups whose classes can be named in a recipe."""

_HOMES = {
    "catsdk.sampling.sampler": ("Sampler",),
    "catsdk.sampling.adaptive": ("AdaptiveSampler",),
    "catsdk.estimators.synthesis": ("Synthesizer",),
    "catsdk.estimators.adaptive": ("Adaptive",),
    "catsdk.estimators.best_of_n": ("BestOfN",),
    "catsdk.estimators.cascade": ("Cascade",),
    "catsdk.estimators.generative": ("GenerativeSelfAggregation",),
    "catsdk.estimators.grading": ("Grading",),
    "catsdk.estimators.likelihood": ("Likelihood",),
    "catsdk.estimators.majority": ("Majority",),
    "catsdk.estimators.mixture": ("MixtureOfAgents",),
    "catsdk.estimators.perplexity": ("MinPerplexity",),
    "catsdk.estimators.predictability": ("MutualPredictability",),
    "catsdk.estimators.recursive": ("RecursiveSelfAggregation",),
    "catsdk.estimators.self_best_of_n": ("SelfBestOfN",),
    "catsdk.estimators.universal": ("UniversalSelfConsistency",),
    "catsdk.estimators.views.harmony": ("Harmony",),
    "catsdk.estimators.views.other_view": ("OtherView",),
    "catsdk.estimators.views.paraphraser": ("Paraphraser",),
    "catsdk.estimators.weighted": ("WeightedMajority",),
    "catsdk.estimators.controls.greedy": ("Greedy",),
    "catsdk.estimators.controls.random_choice": ("RandomChoice",),
    "catsdk.estimators.controls.shuffled": ("Shuffled",),
    "catsdk.rubrics.judge": ("Judge",),
    "catsdk.rubrics.panel": ("Panel",),
    "catsdk.rubrics.proposer": ("RubricProposer",),
    "catsdk.rewards.filters": ("EntropyBand", "SkipAgreed", "SkipFlat"),
    "catsdk.rewards.answer": ("AnswerReward", "Gold"),
    "catsdk.rewards.confidence": ("NegativeEntropy", "SelfCertainty"),
    "catsdk.rewards.controls": ("ClusterShare", "Random"),
    "catsdk.rewards.diversity": ("Diverse",),
    "catsdk.rewards.equivalent": ("EquivalenceReward",),
    "catsdk.rewards.graded": ("GradedReward",),
    "catsdk.rewards.penalties": ("LengthPenalty", "TruncationPenalty"),
    "catsdk.rewards.probability": ("ReferenceProbability",),
    "catsdk.rewards.reward": ("Sum",),
    "catsdk.rewards.rubric": ("RubricReward",),
    "catsdk.prompts.prompt": ("Prompt",),
    "catsdk.answers.answers": ("Answers",),
    "catsdk.answers.extract": ("ANYWHERE", "BOXED", "Extractor", "MARKED", "STATED"),
    "catsdk.answers.graders.fields": ("FieldGrader",),
    "catsdk.answers.graders.math_verify": ("MathVerifyGrader",),
    "catsdk.answers.graders.mathematics": ("MathGrader",),
    "catsdk.answers.graders.plain": (
        "ExactMatch",
        "JsonEquality",
        "MultipleChoice",
        "NumericTolerance",
    ),
    "catsdk.answers.graders.functions": ("CodeOutput", "FunctionGrader"),
    "catsdk.answers.options": ("Options",),
    "catsdk_trainers.trl.anchors": ("PolicyAnchor",),
}
BUILT_IN = {name: f"{home}:{name}" for home, names in _HOMES.items() for name in names}
_NAMES = {path: name for name, path in BUILT_IN.items()}


def known_roles() -> list[str]:
    """Return the names that a recipe may use for classes, those of other packages included.

    Example:
        >>> from catsdk.recipes import known_roles
        >>> "Majority" in known_roles()
        True
    """
    return sorted({*BUILT_IN, *registered()})


def is_known_role(name: str) -> bool:
    """Whether `name` is one of `known_roles`, found without a search where it is catsdk's own.

    Args:
        name: A class's name, as in a recipe.

    Returns:
        Whether a recipe may use it.

    Example:
        >>> from catsdk.recipes import is_known_role
        >>> is_known_role("Majority"), is_known_role("Marjoity")
        (True, False)
    """
    return name in BUILT_IN or (":" not in name and name in registered())


def path_to(name: str) -> str | None:
    """Where the class is that a recipe names; what is registered is read only where it must be."""
    return BUILT_IN.get(name) or (name if ":" in name else registered().get(name))


def name_of_class(kind: type) -> str:
    """The name by which a recipe names a class: a short one of catsdk's own, or its path.

    One of another package has its path, though it may be registered: to find that out is to read
    what every installed package registers, and descriptions are written in event loops.
    """
    return _NAMES.get(f"{kind.__module__}:{kind.__qualname__}") or path_of(kind)


def path_of(thing: Any) -> str:
    """The module and the name by which a class or a function is imported.

    Raises:
        InvalidInputError: it cannot be: it was defined inside of a function, say.
    """
    path = f"{getattr(thing, '__module__', '')}:{getattr(thing, '__qualname__', '')}"
    try:
        found: object = named(path)
    except InvalidInputError:
        found = None
    if found is not thing:
        raise InvalidInputError(
            f"{thing!r:.80} cannot be imported by its name, so a recipe cannot name it; define it"
            " at the top of a module"
        )
    return path


def named(path: str) -> Any:
    """Import what has the name `path`, written `module:name`.

    Raises:
        InvalidInputError: there is no such thing.
    """
    module, _, attributes = path.partition(":")
    try:
        found: Any = import_module(module)
        for attribute in attributes.split("."):
            found = getattr(found, attribute)
    except (ImportError, AttributeError, ValueError, TypeError) as error:
        raise InvalidInputError(f"{path!r} cannot be imported: {error}") from error
    return found


@cache
def registered() -> dict[str, str]:
    """Where the classes are that installed packages register, by the names they have there."""
    everything = entry_points()
    points = [point for group in ENTRY_POINTS for point in everything.select(group=group)]
    return {point.name: point.value for point in points}
