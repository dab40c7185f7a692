"""Roles as data: what a role is and how it is set, to and from YAML, with one fingerprint.

A role is written as the name of its class, or as a mapping from that name to the arguments that
differ from their defaults. A model is a string. Classes of one's own are written `module:Class`;
the name that they have under an entry point group is read as well::

    policy: openai:gpt-5
    estimator:
      Cascade:
        easy: {Adaptive: {estimator: Majority}}
        hard: {Synthesizer: {anchor: openai:gpt-5, show_question: false}}
    reward: {Sum: {rewards: [RubricReward, {LengthPenalty: {over: 750}}], weights: [1, 0.1]}}

A prompt is written as its sections, and may be read from a file that is named: `prompt: mine.md`.

Nothing secret is ever written: a model that is an object, and may hold a key, is refused. Reading
makes objects of roles, data classes and models alone, and calls no function that a file names. A
file of somebody else is still to be looked at: the modules that it names are imported, and a run
calls the functions that it gives to roles.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from functools import cache
from hashlib import sha256
from importlib import import_module
from importlib.metadata import entry_points
from importlib.resources import files
from math import isfinite
from types import UnionType
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ValidationError

from catsdk.core.errors import InvalidInputError
from catsdk.core.ports import Provider, name_of
from catsdk.core.yaml_text import data_of, yaml_of

__all__ = [
    "ENTRY_POINTS",
    "digest_of",
    "from_data",
    "from_yaml",
    "is_known_role",
    "known_roles",
    "to_data",
    "to_yaml",
    "written",
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
    "catsdk.estimators.weighted": ("WeightedMajority",),
    "catsdk.estimators.controls.greedy": ("Greedy",),
    "catsdk.estimators.controls.random_choice": ("RandomChoice",),
    "catsdk.estimators.controls.shuffled": ("Shuffled",),
    "catsdk.rubrics.judge": ("Judge",),
    "catsdk.rubrics.panel": ("Panel",),
    "catsdk.rubrics.proposer": ("RubricProposer",),
    "catsdk.rewards.filters": ("SkipAgreed", "SkipFlat"),
    "catsdk.rewards.answer": ("AnswerReward", "Gold"),
    "catsdk.rewards.controls": ("ClusterShare", "Random"),
    "catsdk.rewards.equivalent": ("EquivalenceReward",),
    "catsdk.rewards.graded": ("GradedReward",),
    "catsdk.rewards.penalties": ("LengthPenalty", "TruncationPenalty"),
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
    "catsdk.answers.graders.yours": ("CodeOutput", "FunctionGrader"),
    "catsdk.answers.options": ("Options",),
    "catsdk_trainers.trl.anchors": ("PolicyAnchor",),
}
_BUILT_IN = {name: f"{home}:{name}" for home, names in _HOMES.items() for name in names}
_NAMES = {path: name for name, path in _BUILT_IN.items()}

# Whose model is taken where a role names none.
_DEFAULT_MODELS = {
    ("Sampler", "policy"): "policy",
    ("SelfBestOfN", "model"): "policy",
    ("Judge", "model"): "judge",
    ("Grading", "judge"): "judge",
    ("GradedReward", "model"): "judge",
    ("EquivalenceReward", "model"): "judge",
    ("Synthesizer", "anchor"): "anchor",
    ("RubricProposer", "anchor"): "anchor",
    ("GenerativeSelfAggregation", "model"): "anchor",
    ("UniversalSelfConsistency", "model"): "anchor",
    ("MutualPredictability", "model"): "anchor",
}


# What a class of one's own must have one of, to be made.
_METHODS = (
    "sample",
    "estimate",
    "score",
    "reward",
    "judge",
    "propose",
    "rate",
    "grade",
    "extract",
    "complete",
    "count_tokens",
)


def known_roles() -> list[str]:
    """Return the names that a recipe may use for classes, those of other packages included.

    Example:
        >>> from catsdk.recipes import known_roles
        >>> "Majority" in known_roles()
        True
    """
    return sorted({*_BUILT_IN, *_registered()})


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
    return name in _BUILT_IN or (":" not in name and name in _registered())


def to_data(role: object) -> Any:
    """Write `role` as data for YAML or JSON, without what is at its default.

    Args:
        role: A role of the method, a grader, options, or a plain value.

    Returns:
        Strings, numbers, lists and mappings.

    Raises:
        InvalidInputError: it, or something in it, has no name: a model or a function that is an
            object, or an object of an unknown kind.

    Example:
        >>> from catsdk.estimators import Majority
        >>> from catsdk.recipes import to_data
        >>> to_data(Majority(tie="first"))
        {'Majority': {'tie': 'first'}}
    """
    return _Writer().data(role)


def from_data(data: object, kind: str = "a role") -> Any:
    """Return what `data` describes.

    Args:
        data: What `to_data` gives: a class's name, or a mapping from it to its arguments.
        kind: What it should be, for errors.

    Raises:
        InvalidInputError: a class is not known, an argument is not one of its own, or a value is
            out of range.

    Example:
        >>> from catsdk.recipes import from_data
        >>> from_data({"Majority": {"tie": "first"}})
        Majority(tie='first', seed=0)
    """
    try:
        return _from_data(data, kind)
    except RecursionError:
        raise InvalidInputError(f"{kind} is nested too deeply; no method needs that") from None


def _from_data(data: object, kind: str) -> Any:
    if isinstance(data, str):
        return _made(data, {}, kind)
    if isinstance(data, Mapping):
        described = cast("Mapping[str, Any]", data)
        if len(described) == 1:
            ((name, arguments),) = described.items()
            if not isinstance(arguments, Mapping | None):
                raise InvalidInputError(
                    f"{kind}: {name} has {arguments!r:.80}; give its arguments as a mapping"
                )
            given = cast("Mapping[str, Any]", arguments or {})
            return _made(str(name), given, kind)
    raise InvalidInputError(
        f"{kind} is {data!r:.120}; give a class's name such as 'Majority', or a mapping from it to"
        " its arguments, such as {Majority: {tie: first}}"
    )


def written(role: object) -> str:
    """Return a role as it is written in Python, without what is at its default; for reprs.

    Args:
        role: A role of the method, or a value in it.

    Example:
        >>> from catsdk.estimators import Majority
        >>> from catsdk.recipes import written
        >>> written(Majority(tie="first"))
        "Majority(tie='first')"
    """
    if isinstance(role, tuple | list):
        items = cast("Iterable[object]", role)
        return f"[{', '.join(map(written, items))}]"
    own = getattr(role, "as_written", None)
    if callable(own):
        return str(own())
    if isinstance(role, BaseModel):
        chosen = {name: getattr(role, name) for name in role.model_dump(exclude_defaults=True)}
    elif is_dataclass(role) and not isinstance(role, type | Provider):
        chosen = {f.name: getattr(role, f.name) for f in _arguments(role) if not _is_usual(role, f)}
    else:
        return repr(role)
    told = ", ".join(f"{name}={written(value)}" for name, value in chosen.items())
    return f"{type(role).__name__}({told})"


def to_yaml(role: object) -> str:
    """Return a role as YAML; `from_yaml` makes an equal one.

    Args:
        role: A role of the method, a grader, options, or a plain value.

    Raises:
        InvalidInputError: as `to_data`.

    Example:
        >>> from catsdk.estimators import Majority
        >>> from catsdk.recipes import to_yaml
        >>> print(to_yaml(Majority(tie="first")), end="")
        Majority:
          tie: first
    """
    return yaml_of(to_data(role))


def from_yaml(text: str, kind: str = "a role") -> Any:
    """Return what a YAML text describes.

    Args:
        text: What `to_yaml` gives.
        kind: What it should be, for errors.

    Raises:
        InvalidInputError: it is not YAML, or as `from_data`.

    Example:
        >>> from catsdk.recipes import from_yaml
        >>> from_yaml("Majority: {tie: first}")
        Majority(tie='first', seed=0)
    """
    return from_data(data_of(text, kind), kind)


def digest_of(parts: Mapping[str, object], defaults: Mapping[str, object]) -> str:
    """What tells two methods apart: it changes if and only if what they do can change.

    Every argument counts, whether it was written or is at its default, and so do the shipped
    prompts. How calls are sent does not.

    Args:
        parts: The roles by name.
        defaults: The models `policy`, `anchor` and `judge` that roles without one take.

    Returns:
        16 hexadecimal digits.

    Example:
        >>> from catsdk.estimators import Majority
        >>> from catsdk.recipes import digest_of
        >>> len(digest_of({"estimator": Majority()}, {"policy": "local"}))
        16
    """
    writer = _Writer(whole=True, defaults=defaults)
    told = {name: writer.data(part) for name, part in parts.items()}
    return sha256(_canonical([told, _prompts()])).hexdigest()[:16]


class _Writer:
    def __init__(
        self, *, whole: bool = False, defaults: Mapping[str, object] | None = None
    ) -> None:
        self.whole, self.defaults = whole, defaults or {}

    def data(self, value: object) -> Any:
        if value is None or isinstance(value, bool | int | str):
            return value
        if isinstance(value, float):
            # YAML and JSON have no common way to write what is not finite.
            return value if isfinite(value) else {"float": str(value)}
        if isinstance(value, Enum):
            return self.data(value.value)
        if isinstance(value, BaseModel):
            return value.model_dump(mode="json", exclude_defaults=not self.whole)
        if isinstance(value, Mapping):
            pairs = cast("Mapping[object, object]", value)
            return {str(key): self.data(each) for key, each in pairs.items()}
        if isinstance(value, tuple | list | set | frozenset):
            items = cast("Iterable[object]", value)
            return [self.data(each) for each in items]
        return self._object(value)

    def _object(self, value: object) -> Any:
        if not self.whole:
            for constant in ("STATED", "ANYWHERE", "MARKED", "BOXED"):
                if value == named(_BUILT_IN[constant]):
                    return constant
        own = getattr(value, "as_recipe", None)
        if callable(own):
            return _tagged(_name_of(type(value)), cast("Mapping[str, Any]", own()))
        if isinstance(value, Provider):
            return self._model(value)
        if is_dataclass(value) and not isinstance(value, type):
            told = {field.name: self._argument(value, field) for field in _arguments(value)}
            return _tagged(
                _name_of(type(value)), {k: v for k, v in told.items() if v is not _USUAL}
            )
        if callable(value):
            return path_of(value)
        raise InvalidInputError(
            f"{value!r:.80} cannot be written in a recipe; make its class a dataclass, or give it a"
            " method as_recipe() that returns its arguments"
        )

    def _argument(self, role: object, field: Field[Any]) -> Any:
        value: object = getattr(role, field.name)
        if self.whole:
            stands_for = _DEFAULT_MODELS.get((type(role).__name__, field.name))
            if value is None and stands_for is not None:
                value = self.defaults.get(stands_for)
            return self.data(value)
        return _USUAL if _is_usual(role, field) else self.data(value)

    def _model(self, provider: Provider) -> Any:
        if self.whole:
            return {"model": name_of(provider), "at": str(getattr(provider, "base_url", ""))}
        raise InvalidInputError(
            f"the model {name_of(provider)} is an object, which a recipe cannot hold: it may have a"
            " key. Name it by a string, such as 'openai:NAME'"
        )


_USUAL: Any = object()


def _is_usual(role: object, field: Field[Any]) -> bool:
    value: object = getattr(role, field.name)
    usual: object = field.default
    if usual is MISSING and field.default_factory is not MISSING:
        usual = field.default_factory()
    if usual is MISSING:
        # A class with an `__init__` of its own has its defaults there.
        parameter = inspect.signature(type(role)).parameters.get(field.name)
        usual = MISSING if parameter is None else parameter.default
    return bool(type(value) is type(usual) and value == usual)


def _arguments(role: object) -> list[Field[Any]]:
    return [field for field in fields(cast("Any", role)) if not field.name.startswith("_")]


def _tagged(name: str, arguments: Mapping[str, Any]) -> Any:
    return {name: dict(arguments)} if arguments else name


def _name_of(kind: type) -> str:
    # One of another package by its path, though it may be registered: to find that out is to read
    # what every installed package registers, and descriptions are written in event loops.
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


def _made(name: str, arguments: Mapping[str, Any], kind: str) -> Any:
    found = _find(name, kind)
    if not (isinstance(found, type) or arguments):
        return found
    if not _is_role(found):
        raise InvalidInputError(
            f"{kind}: {name!r} is not a class that a recipe may make; name a role, a data class or"
            f" a model: a class with a method {', '.join(_METHODS)}, or a dataclass"
        )
    return _constructed(found, arguments, name)


def _is_role(kind: object) -> bool:
    """Whether `kind` is what a recipe describes: to make it is not to run what a file says."""
    if not isinstance(kind, type):
        return False
    described = is_dataclass(kind) or issubclass(kind, BaseModel)
    methods = (getattr(cast("object", kind), name, None) for name in ("as_recipe", *_METHODS))
    return described or any(map(callable, methods))


def _find(name: str, kind: str) -> Any:
    path = _path_to(name)
    if path is None:
        raise InvalidInputError(
            f"{kind}: there is no {name!r}; known: {', '.join(known_roles())}; or write"
            " 'module:Class' for one of your own"
        )
    return named(path)


def _path_to(name: str) -> str | None:
    """Where the class is that a recipe names; what is registered is read only where it must be."""
    return _BUILT_IN.get(name) or (name if ":" in name else _registered().get(name))


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


def _constructed(kind: Any, arguments: Mapping[str, Any], name: str) -> Any:
    accepted = inspect.signature(kind).parameters
    unknown = [each for each in arguments if each not in accepted]
    if unknown:
        raise InvalidInputError(
            f"{name} has no argument {unknown[0]!r}; there are {', '.join(accepted)}"
        )
    hints = _hints(kind)
    several: list[Any] = []
    given: dict[str, Any] = {}
    for argument, value in arguments.items():
        made = _value(value, hints.get(argument, Any), f"{name}.{argument}")
        if accepted[argument].kind is inspect.Parameter.VAR_POSITIONAL:
            several = list(made) if isinstance(value, list) else [made]
        else:
            given[argument] = made
    try:
        return kind(*several, **given)
    except TypeError as error:
        raise InvalidInputError(f"{name}: {error}") from error


@cache
def _hints(kind: Any) -> dict[str, Any]:
    try:
        made = cast("Mapping[str, Any]", vars(kind)).get("__init__", kind)
        return get_type_hints(kind) | get_type_hints(inspect.unwrap(made))
    except (NameError, TypeError):
        return {}


def _value(value: Any, hint: Any, where: str) -> Any:
    """Turn data into what the argument's annotation says."""
    options = _members(hint)
    if isinstance(value, str):
        return _text(value, options, where)
    if isinstance(value, Mapping):
        return _mapping(cast("Mapping[str, Any]", value), options, where)
    if isinstance(value, list):
        inner = next((get_args(o)[0] for o in options if get_args(o)), Any)
        return tuple(_value(each, inner, f"{where}[{at}]") for at, each in enumerate(value))  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return value


def _text(value: str, options: Sequence[Any], where: str) -> Any:
    for option in options:
        if callable(getattr(option, "from_file", None)):
            return _in_file(option, value, where)
    if any(_is_plain_text(option) for option in options):
        takes_role = any(_takes_role(option) for option in options)
        return from_data(value, where) if takes_role and is_known_role(value) else value
    if any(get_origin(option) is not None and get_args(option) for option in options):
        return value
    return from_data(value, where)


def _in_file(kind: Any, path: str, where: str) -> Any:
    """What a file holds: its words are part of what is described, wherever that goes."""
    try:
        return kind.from_file(path)
    except InvalidInputError as error:
        raise InvalidInputError(f"{where}: {error}") from error


def _is_plain_text(option: Any) -> bool:
    literal = get_args(option) and all(isinstance(each, str) for each in get_args(option))
    return option is str or option is Any or bool(literal)


def _takes_role(option: Any) -> bool:
    return isinstance(option, type) and option not in (str, int, float, bool, type(None), Provider)


def _mapping(value: Mapping[str, Any], options: Sequence[Any], where: str) -> Any:
    if set(value) == {"float"}:
        try:
            return float(value["float"])
        except (TypeError, ValueError):
            raise InvalidInputError(
                f"{where}: float is {value['float']!r:.80}; give a number, inf, -inf or nan"
            ) from None
    for option in options:
        if isinstance(option, type) and issubclass(option, BaseModel):
            try:
                return option(**value)
            except ValidationError as error:
                raise InvalidInputError(f"{where}: {error}") from None
    if any(get_origin(option) in (dict, Mapping) or option is dict for option in options):
        return dict(value)
    return from_data(value, where)


def _members(hint: Any) -> list[Any]:
    """The alternatives of an annotation."""
    if get_origin(hint) in (Union, UnionType):
        return [each for part in get_args(hint) for each in _members(part)]
    # The origin of `Mapping[...]` of `collections.abc` is the class itself.
    return [hint]


@cache
def _registered() -> dict[str, str]:
    everything = entry_points()
    points = [point for group in ENTRY_POINTS for point in everything.select(group=group)]
    return {point.name: point.value for point in points}


@cache
def _prompts() -> str:
    """The digest of the shipped prompts."""
    told: list[tuple[str, str]] = []
    for folder in files("catsdk.prompts").iterdir():
        if folder.is_dir():
            told += [
                (f"{folder.name}/{f.name}", f.read_text("utf-8"))
                for f in folder.iterdir()
                if f.name.endswith(".md")
            ]
    return sha256(_canonical(sorted(told))).hexdigest()


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=True).encode()
