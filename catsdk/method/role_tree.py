"""Walks the tree of roles inside a role: lists them, or maps them from the innermost outwards."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar, cast

from catsdk.rewards.answer import Gold
from catsdk.runtime.context import Defaults

__all__ = ["changed", "fields_of", "known_columns", "models_of", "parts_of", "takes_default"]

T = TypeVar("T")

# The fields that name a model.
_MODELS = frozenset({"anchor", "judge", "model", "policy"})


def parts_of(role: object) -> Iterator[object]:
    """Give `role` and everything that it is made of, models too.

    Args:
        role: A sampler, an estimator, a reward, or a tuple of such.
    """
    yield role
    for _, part in fields_of(role):
        yield from parts_of(part)


def known_columns(reward: object) -> frozenset[str]:
    """Return the columns of known answers: `answer`, and those that `Gold` rewards compare with.

    Args:
        reward: A reward, which may be composed of others.
    """
    return frozenset(
        {"answer"} | {part.column for part in parts_of(reward) if isinstance(part, Gold)}
    )


def models_of(role: object, defaults: Defaults) -> list[str]:
    """Return the model strings that `role` asks, each once.

    Args:
        role: A sampler, an estimator, a reward, or a tuple of such.
        defaults: The models that play a role where none is named.
    """
    found: dict[str, None] = {}
    for part in parts_of(role):
        models = [value for name, value in fields_of(part) if name in _MODELS]
        if takes_default(part):
            models.append(getattr(defaults, getattr(part, "role", "anchor")))
        found |= {model: None for model in models if isinstance(model, str)}
    return list(found)


def takes_default(part: object) -> bool:
    """Whether a role asks for a model that it does not name."""
    return any(name in ("anchor", "model") and value is None for name, value in fields_of(part))


def changed(role: T, change: Callable[[Any], Any]) -> T:
    """Apply `change` to each part of `role`, the innermost first, and to `role` itself.

    Args:
        role: A sampler, an estimator, a reward, or a tuple of such; it stays as it is.
        change: Gives a part, or what takes its place.

    Returns:
        A copy with what was changed; `role` itself where nothing was.
    """
    if isinstance(role, tuple):
        olds = cast("tuple[Any, ...]", role)
        parts = tuple(changed(part, change) for part in olds)
        same = all(old is new for old, new in zip(olds, parts, strict=True))
        return cast("T", olds if same else parts)
    new = role
    for name, part in fields_of(role):
        other = changed(part, change)
        if other is not part:
            # Not `replace`: a class may have an `__init__` with other arguments.
            new = copy.copy(role) if new is role else new
            object.__setattr__(new, name, other)
    return cast("T", change(new))


def fields_of(role: object) -> list[tuple[str, object]]:
    """The names and values that a role is made of; of a tuple, its parts by their places."""
    if isinstance(role, tuple | list):
        return [(str(at), each) for at, each in enumerate(cast("tuple[object, ...]", role))]
    if not is_dataclass(role) or isinstance(role, type):
        return []
    return [(field.name, getattr(role, field.name)) for field in fields(role)]
