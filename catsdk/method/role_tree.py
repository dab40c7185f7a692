"""The roles inside a role: found one by one, or changed from the innermost outwards."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar, cast

from catsdk.core.model_strings import reaches_service
from catsdk.rewards.answer import Gold
from catsdk.runtime.context import Defaults

__all__ = ["changed", "fields_of", "known_columns", "parts_of", "services_of"]

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


def services_of(role: object, defaults: Defaults) -> list[str]:
    """Return the model strings in `role` that reach a service, each once.

    Such models are made in a moment, so that a missing key is found before anything is paid for.

    Args:
        role: A sampler, an estimator, a reward, or a tuple of such.
        defaults: The models that play a role where none is named.
    """
    found: dict[str, None] = {}
    for part in parts_of(role):
        for name, value in fields_of(part):
            model = value
            if value is None and name in ("anchor", "model"):
                model = getattr(defaults, getattr(part, "role", "anchor"))
            if name in _MODELS and isinstance(model, str) and reaches_service(model):
                found[model] = None
    return list(found)


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
            # Not `replace`: a class may have an `__init__` of other arguments.
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
