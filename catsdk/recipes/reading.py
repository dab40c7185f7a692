"""Makes roles of data or YAML; calls no function that a file names."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import is_dataclass
from functools import cache
from types import UnionType
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ValidationError

from catsdk.core.errors import InvalidInputError
from catsdk.core.ports import Provider
from catsdk.core.yaml_text import data_of
from catsdk.recipes.names import is_known_role, known_roles, named, path_to

__all__ = ["from_data", "from_yaml"]

# A user's own class must have one of these methods to be created.
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
    """Whether `kind` is a class that a recipe may create without running code that a file names."""
    if not isinstance(kind, type):
        return False
    described = is_dataclass(kind) or issubclass(kind, BaseModel)
    methods = (getattr(cast("object", kind), name, None) for name in ("as_recipe", *_METHODS))
    return described or any(map(callable, methods))


def _find(name: str, kind: str) -> Any:
    path = path_to(name)
    if path is None:
        raise InvalidInputError(
            f"{kind}: there is no {name!r}; known: {', '.join(known_roles())}; or write"
            " 'module:Class' for one of your own"
        )
    return named(path)


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
    """The types of a class's arguments: of its fields, and of a constructor of its own.

    The constructor that `dataclass` writes has the annotations of inherited fields as well, and
    not the names that these need: those stand in the modules of the base classes.
    """
    hints: dict[str, Any] = {}
    made = cast("Mapping[str, Any]", vars(kind)).get("__init__", kind)
    for annotated in (kind, inspect.unwrap(made)):
        with suppress(NameError, TypeError):
            hints |= get_type_hints(annotated)
    return hints


def _value(value: Any, hint: Any, where: str) -> Any:
    """Convert data to the type of the argument's annotation."""
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
    """Read the content of a file, which becomes part of the description."""
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
