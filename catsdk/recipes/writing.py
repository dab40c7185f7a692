"""Writes roles as data, as YAML, or as Python, without what is at its default."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from math import isfinite
from typing import Any, cast

from pydantic import BaseModel

from catsdk.core.errors import InvalidInputError
from catsdk.core.ports import Provider, name_of
from catsdk.core.yaml_text import yaml_of
from catsdk.recipes.names import BUILT_IN, name_of_class, named, path_of

__all__ = ["Writer", "to_data", "to_yaml", "written"]

# The model of the run that a role uses if it names none.
_DEFAULT_MODELS = {
    ("Sampler", "policy"): "policy",
    ("SelfBestOfN", "model"): "policy",
    ("Judge", "model"): "judge",
    ("Grading", "model"): "judge",
    ("GradedReward", "model"): "judge",
    ("EquivalenceReward", "model"): "judge",
    ("Synthesizer", "anchor"): "anchor",
    ("RubricProposer", "anchor"): "anchor",
    ("GenerativeSelfAggregation", "model"): "anchor",
    ("UniversalSelfConsistency", "model"): "anchor",
    ("MutualPredictability", "model"): "anchor",
}
# Marks an argument that is at its default.
_USUAL: Any = object()


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
    return Writer().data(role)


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


class Writer:
    """Writes roles as data; `whole` with every argument, for a digest, instead of to read it again.

    A role without a model has that of `defaults` then.
    """

    def __init__(
        self, *, whole: bool = False, defaults: Mapping[str, object] | None = None
    ) -> None:
        self.whole, self.defaults = whole, defaults or {}

    def data(self, value: object) -> Any:
        if value is None or isinstance(value, bool | int | str):
            return value
        if isinstance(value, float):
            # YAML and JSON have no common way to write infinity and NaN.
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
                if value == named(BUILT_IN[constant]):
                    return constant
        own = getattr(value, "as_recipe", None)
        if callable(own):
            return _tagged(name_of_class(type(value)), cast("Mapping[str, Any]", own()))
        if isinstance(value, Provider):
            return self._model(value)
        if is_dataclass(value) and not isinstance(value, type):
            told = {field.name: self._argument(value, field) for field in _arguments(value)}
            return _tagged(
                name_of_class(type(value)), {k: v for k, v in told.items() if v is not _USUAL}
            )
        if callable(value):
            return path_of(value)
        if type(value).__init__ is object.__init__ and not getattr(value, "__dict__", {}):
            # It has no arguments and no state, so its class describes it.
            return name_of_class(type(value))
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
