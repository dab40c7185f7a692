"""Composes a CaT: checks its roles, chooses their models, and changes a setting for one call."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence as SequenceABC
from dataclasses import fields, is_dataclass, replace
from typing import Any, cast

from catsdk.core.errors import InvalidInputError
from catsdk.core.model_strings import check_model
from catsdk.core.options import Sampling
from catsdk.core.ports import Provider
from catsdk.core.settings import Settings
from catsdk.estimators.synthesis import Synthesizer
from catsdk.runtime import roles
from catsdk.runtime.context import Defaults
from catsdk.sampling.sampler import Sampler

__all__ = [
    "Model",
    "checked_policy",
    "defaults_of",
    "estimator_of",
    "policies_of",
    "reward_of",
    "sampler_of",
    "setting_of",
    "with_seed",
    "with_setting",
]

Model = str | Provider
Policy = Model | SequenceABC[Model]


def sampler_of(policy: Policy | roles.Sampler | None, settings: Settings) -> roles.Sampler:
    """The sampler that `policy` is or stands for; one without a policy has the environment's.

    Raises:
        InvalidInputError: it is neither a model, nor several, nor a sampler.
    """
    roles.refuse_class("policy", policy)
    if isinstance(policy, roles.Sampler):
        return _with_policy(policy, settings.model)
    checked = checked_policy(policy)
    return Sampler(settings.model if checked is None else checked)


def _with_policy(sampler: roles.Sampler, model: str | None) -> roles.Sampler:
    """Set the policy of `sampler`, or of the one inside it, to `model` if it has none."""
    if model is None:
        return sampler
    if isinstance(sampler, Sampler):
        return replace(sampler, policy=model) if sampler.policy is None else sampler
    for name, inner in _values(sampler):
        if isinstance(inner, roles.Sampler):
            return cast(
                "roles.Sampler", replace(cast("Any", sampler), **{name: _with_policy(inner, model)})
            )
    return sampler


def checked_policy(policy: Policy | None) -> Model | tuple[Model, ...] | None:
    """Give `policy` back where it is a model or several.

    Raises:
        InvalidInputError: it is neither.
    """
    if policy is None:
        return None
    if isinstance(policy, str | Provider) or not isinstance(policy, SequenceABC):  # pyright: ignore[reportUnnecessaryIsInstance]
        check_model(policy, "policy")
        return policy
    if not policy:
        raise InvalidInputError("policy is an empty list; give at least one model")
    for each in policy:
        check_model(each, "policy")
    return tuple(policy)


def estimator_of(
    estimator: roles.Estimator | Model | None, sampler: roles.Sampler
) -> roles.Estimator:
    """The estimator that was given, or a synthesizer by that model, else by the run's anchor.

    Raises:
        InvalidInputError: it is neither an estimator nor a model.
    """
    roles.refuse_class("estimator", estimator)
    if isinstance(estimator, roles.Estimator):
        return estimator
    if estimator is not None:
        check_model(estimator, "estimator")
    # A synthesizer that is made here takes over the sampler's settings.
    sampling = setting_of(sampler, "sampling")
    most = sampling.max_tokens if isinstance(sampling, Sampling) else None
    seed = setting_of(sampler, "seed")
    return Synthesizer(
        estimator,
        Sampling() if most is None else Sampling(max_tokens=most),
        seed=seed if isinstance(seed, int) else None,
    )


def reward_of(reward: object, sampler: roles.Sampler) -> roles.Rewarder | None:
    """The reward that was given; its proposer has the sampler's seed where it has none.

    Raises:
        InvalidInputError: it is not.
    """
    roles.refuse_class("reward", reward)
    if reward is None:
        return None
    if isinstance(reward, roles.Rewarder):
        seed = setting_of(sampler, "seed")
        return with_seed(reward, seed, keep=True) if isinstance(seed, int) else reward
    raise InvalidInputError(
        f"reward is {reward!r:.80}; give a reward such as AnswerReward() or RubricReward(), or an"
        " object with an async method reward(group, reference, ctx)"
    )


def policies_of(sampler: roles.Sampler) -> tuple[Model, ...]:
    """The models that `sampler` draws from, as far as it tells."""
    policy = setting_of(sampler, "policy")
    if isinstance(policy, str | Provider):
        return (policy,)
    return tuple(cast("SequenceABC[Model]", policy)) if isinstance(policy, SequenceABC) else ()


def defaults_of(sampler: roles.Sampler, estimator: roles.Estimator, settings: Settings) -> Defaults:
    """The models that play the roles which name none.

    The anchor is the estimator's model, else the environment's, else the first policy; the judge is
    the environment's, else the anchor.
    """
    first = next(iter(policies_of(sampler)), None)
    anchor = _model_of(estimator) or settings.anchor or first
    return Defaults(policy=first, anchor=anchor, judge=settings.judge or anchor)


def _model_of(estimator: roles.Estimator) -> Model | None:
    """The model of an estimator, or of the first estimator inside it that names one."""
    for name in ("anchor", "model"):
        for each in _inside(estimator, ("estimate",)):
            model = getattr(each, name, None)
            if isinstance(model, str | Provider):
                return model
    return None


# A role has one of these methods. `isinstance` with the protocols takes a hundred times as long.
_ROLE_METHODS = ("sample", "estimate", "reward", "judge", "propose")


def setting_of(role: object, name: str) -> object:
    """The field `name` of a role, or else of the first role inside it that has it set.

    Args:
        role: A sampler, an estimator or a reward; dataclasses are looked into.
        name: The field, such as `deadline`.
    """
    values = (getattr(each, name, None) for each in _inside(role, _ROLE_METHODS))
    return next((value for value in values if value is not None), None)


def _inside(role: object, methods: tuple[str, ...]) -> Iterator[object]:
    """Yield `role`, and recursively the parts in its fields that have one of `methods`."""
    yield role
    for _, value in _values(role):
        for part in _flat(value):
            if any(callable(getattr(part, method, None)) for method in methods):
                yield from _inside(part, methods)


def _flat(value: object) -> Iterator[object]:
    if isinstance(value, tuple | list):
        for part in cast("SequenceABC[object]", value):
            yield from _flat(part)
    else:
        yield value


def _values(role: object) -> list[tuple[str, object]]:
    """The fields of a role that is a dataclass, with their values."""
    if not is_dataclass(role) or isinstance(role, type):
        return []
    return [(field.name, getattr(role, field.name)) for field in fields(role) if field.init]


def with_setting(role: Any, name: str, value: object) -> Any:
    """A copy of `role`, or of the sampler inside it that has the setting, with another value.

    Raises:
        InvalidInputError: no such setting is found.
    """
    found = _values(role)
    if name in dict(found):
        return replace(role, **{name: value})
    for field, inner in found:
        if isinstance(inner, roles.Sampler):
            return replace(role, **{field: with_setting(inner, name, value)})
    raise InvalidInputError(
        f"{role!r:.80} has no setting {name!r}; set it when the role is made, not for one call"
    )


def with_seed(role: Any, seed: int, *, keep: bool = False) -> Any:
    """A copy of `role` in which the estimators and proposers that have a seed have this one.

    The seeds of rewards and judges stay: they choose an order or a coin, not what a model samples.

    Args:
        role: An estimator, a reward or a proposer; dataclasses are looked into.
        seed: Makes what models sample repeatable.
        keep: Whether seeds that are set stay.
    """
    chooses = isinstance(cast("object", role), roles.Rewarder)
    before = _values(role)
    after = {name: _seeded(value, seed, keep=keep) for name, value in before}
    if "seed" in after and not chooses:
        after["seed"] = after["seed"] if keep and after["seed"] is not None else seed
    same = all(after[name] is value for name, value in before)
    return role if same else replace(role, **after)


def _seeded(value: object, seed: int, *, keep: bool) -> object:
    if isinstance(value, tuple):
        before = cast("tuple[object, ...]", value)
        parts = tuple(_seeded(part, seed, keep=keep) for part in before)
        return before if all(map(_is, parts, before)) else parts
    samples = isinstance(value, roles.Estimator | roles.Rewarder | roles.Proposer)
    return with_seed(value, seed, keep=keep) if samples else value


def _is(one: object, other: object) -> bool:
    return one is other
