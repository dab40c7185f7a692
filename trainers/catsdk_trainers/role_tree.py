"""The roles inside a role: found one by one, or changed from the innermost outwards."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar, cast

from catsdk.cat import CaT
from catsdk.core.ports import Provider
from catsdk.runtime import roles
from catsdk_trainers.anchors import PolicyAnchor

__all__ = ["anchors_of", "changed", "parts_of", "policy_anchors", "takes_default"]

T = TypeVar("T")
Model = str | Provider


def parts_of(role: object) -> Iterator[object]:
    """Give `role` and everything that it is made of, models too.

    Args:
        role: A sampler, an estimator, a reward, or a tuple of such.
    """
    yield role
    for _, part in _fields(role):
        yield from parts_of(part)


def changed(role: T, change: Callable[[Any], Any]) -> T:
    """Apply `change` to each part of `role`, the innermost first, and to `role` itself.

    Args:
        role: A sampler, an estimator, a reward, or a tuple of such; it stays as it is.
        change: Gives a part, or what takes its place.

    Returns:
        A copy with what was changed; `role` itself where nothing was.
    """
    if isinstance(role, tuple):
        parts = tuple(changed(part, change) for part in cast("tuple[Any, ...]", role))
        same = all(
            old is new for old, new in zip(cast("tuple[Any, ...]", role), parts, strict=True)
        )
        return role if same else cast("T", parts)
    new = role
    for name, part in _fields(role):
        other = changed(part, change)
        if other is not part:
            # Not `replace`: a class may have an `__init__` of other arguments.
            new = copy.copy(role) if new is role else new
            object.__setattr__(new, name, other)
    return cast("T", change(new))


def _fields(role: object) -> list[tuple[str, object]]:
    if isinstance(role, tuple | list):
        return [(str(at), each) for at, each in enumerate(cast("tuple[object, ...]", role))]
    if not is_dataclass(role) or isinstance(role, type):
        return []
    return [(field.name, getattr(role, field.name)) for field in fields(role)]


def policy_anchors(c: CaT, teacher: object = None, *, own_roles: bool = True) -> list[PolicyAnchor]:
    """The anchors made of the model in training that scoring by `c` may ask.

    Args:
        c: The method.
        teacher: An estimator beside the CaT's, such as one for held-out prompts.
        own_roles: Whether to expect that a role of a user's own asks for a model it does not name.
    """
    used = list(parts_of(_used(c, teacher)))
    if any(takes_default(part) or (own_roles and _is_own(part)) for part in used):
        used += [c.defaults.anchor, c.defaults.judge]
    return list({id(part): part for part in used if isinstance(part, PolicyAnchor)}.values())


def anchors_of(c: CaT, teacher: object = None) -> list[Model]:
    """The models that write references and rubrics, each once; a judge is not among them.

    Args:
        c: The method.
        teacher: An estimator beside the CaT's, such as one for held-out prompts.
    """
    found: list[Model] = []
    for part in parts_of(_used(c, teacher)):
        if any(name == "anchor" for name, _ in _fields(part)):
            model: Model | None = getattr(part, "anchor", None) or c.defaults.anchor
            if model is not None and model not in found:
                found.append(model)
    return found


def _used(c: CaT, teacher: object) -> tuple[object, ...]:
    return (c.rewarder, c.estimator if c.estimates else None, teacher)


def takes_default(part: object) -> bool:
    """Whether a role asks for a model that it does not name."""
    return any(name in ("anchor", "model") and value is None for name, value in _fields(part))


def _is_own(part: object) -> bool:
    plays = isinstance(part, roles.Estimator | roles.Rewarder | roles.Judge | roles.Proposer)
    return plays and not type(part).__module__.startswith("catsdk.")
