"""Find the anchors inside a CaT: those of the model in training, and the writers of references."""

from __future__ import annotations

from typing import get_args

from catsdk.cat import CaT
from catsdk.core.errors import UnknownProviderError
from catsdk.core.model_strings import resolve
from catsdk.core.ports import Provider
from catsdk.method.role_tree import fields_of, models_of, parts_of, takes_default
from catsdk.runtime import roles
from catsdk_trainers.trl.anchors import AnchorKind, PolicyAnchor

__all__ = ["anchors_of", "check_models", "policy_anchors"]

Model = str | Provider


def policy_anchors(c: CaT, teacher: object = None, *, own_roles: bool = True) -> list[PolicyAnchor]:
    """The policy anchors that scoring by `c` may call.

    Args:
        c: The method.
        teacher: An estimator beside the CaT's, such as one for held-out prompts.
        own_roles: Whether to assume that a user-defined role may call a model it does not name.
    """
    used = list(parts_of(_used(c, teacher)))
    if any(takes_default(part) or (own_roles and _is_own(part)) for part in used):
        used += [c.defaults.anchor, c.defaults.judge]
    return list({id(part): part for part in used if isinstance(part, PolicyAnchor)}.values())


def anchors_of(c: CaT, teacher: object = None) -> list[Model]:
    """The models that write references and rubrics, each once; judges are not included.

    Args:
        c: The method.
        teacher: An estimator beside the CaT's, such as one for held-out prompts.
    """
    found: list[Model] = []
    for part in parts_of(_used(c, teacher)):
        if any(name == "anchor" for name, _ in fields_of(part)):
            model: Model | None = getattr(part, "anchor", None) or c.defaults.anchor
            if model is not None and model not in found:
                found.append(model)
    return found


def check_models(c: CaT, teacher: object = None) -> None:
    """Raise for wrong names and for missing settings, such as a key, before weights are loaded.

    Args:
        c: The method.
        teacher: An estimator beside the CaT's, such as one for held-out prompts.

    Raises:
        ConfigurationError: a model that the roles name cannot be used.
    """
    for model in models_of((c.sampler, *_used(c, teacher)), c.defaults):
        try:
            resolve(model)
        except UnknownProviderError as error:
            kinds = ", ".join(get_args(AnchorKind))
            raise UnknownProviderError(
                f"{error}; for an anchor made of the model in training write"
                f" {{PolicyAnchor: {{kind: KIND}}}}, KIND one of {kinds}"
            ) from None


def _used(c: CaT, teacher: object) -> tuple[object, ...]:
    return (c.rewarder, c.estimator if c.estimates else None, teacher)


def _is_own(part: object) -> bool:
    plays = isinstance(part, roles.Estimator | roles.Rewarder | roles.Judge | roles.Proposer)
    return plays and not type(part).__module__.startswith("catsdk.")
