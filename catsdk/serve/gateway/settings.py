"""Applies the settings of a request to the roles of a method, or to the request to a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from catsdk.core.errors import InvalidInputError
from catsdk.core.options import Sampling
from catsdk.core.sending import Budget
from catsdk.core.types import Request
from catsdk.estimators.synthesis import Synthesizer
from catsdk.method.composing import setting_of, with_seed, with_setting
from catsdk.method.run import Method
from catsdk.runtime import roles
from catsdk.runtime.output import Output
from catsdk.serve.gateway.asked import Asked, Shape
from catsdk.serve.gateway.catalogue import Composed
from catsdk.serve.gateway.tools import tool_fields

__all__ = ["lower_budget", "method_of", "output_of", "request_of"]

# Tokens for an anchor's summary, in addition to those that the client allows for the answer.
_SUMMARY = 1024


def lower_budget(wanted: Budget | None, most: Budget | None) -> Budget | None:
    """Return the lower of two caps, of each kind.

    Args:
        wanted: What the client asks for.
        most: What the operator allows.
    """
    if wanted is None or most is None:
        return wanted or most
    caps: dict[str, Any] = {}
    for name in ("requests", "tokens", "usd", "seconds"):
        given = [cap for cap in (getattr(wanted, name), getattr(most, name)) if cap is not None]
        caps[name] = min(given, default=None)
    return most.model_copy(update=caps)


def request_of(asked: Asked, wire: str | None) -> Request:
    """Return what a model is asked, in the dialect of its service.

    Args:
        asked: What the client asks for.
        wire: The dialect.

    Raises:
        InvalidInputError: the service has no words for it.
    """
    extra: dict[str, Any] = dict(asked.sampling.extra)
    if extra and wire != asked.wire:
        raise InvalidInputError(
            f"{next(iter(extra))} cannot be passed on to {asked.model!r}, which speaks another"
            " dialect; leave it out"
        )
    if asked.tools is not None:
        if wire is None:
            raise InvalidInputError(f"{asked.model!r} cannot use tools; leave them out")
        extra |= tool_fields(asked.tools, wire)
    schema: Mapping[str, Any] | None = None
    shape = asked.shape
    if shape is not None and shape.schema is not None and not (wire == "chat" and asked.tools):
        schema = shape.schema
    elif shape is not None:
        if wire != "chat":
            raise InvalidInputError(
                f"{asked.model!r} cannot return JSON without a schema; give a json_schema"
            )
        extra["response_format"] = _response_format(shape)
    sampling = asked.sampling.model_copy(update={"extra": extra})
    request = sampling.request(asked.messages, seed=asked.seed)
    return request if schema is None else request.model_copy(update={"json_schema": dict(schema)})


def _response_format(shape: Shape) -> dict[str, Any]:
    if shape.schema is None:
        return {"type": "json_object"}
    schema = {"name": shape.name, "schema": dict(shape.schema), "strict": bool(shape.strict)}
    return {"type": "json_schema", "json_schema": schema}


def output_of(asked: Asked) -> Output | None:
    """Return what the reference must be.

    Args:
        asked: What the client asks for.

    Raises:
        InvalidInputError: any JSON object is asked for, or the schema cannot be checked.
    """
    if asked.shape is None:
        return None
    if asked.shape.schema is None:
        raise InvalidInputError(
            "an answer made from several needs a schema for its JSON: give response_format"
            " {'type': 'json_schema', ...}"
        )
    return Output(asked.shape.schema)


def method_of(entry: Composed, estimator: roles.Estimator, asked: Asked) -> Method:
    """Return the method with the settings of one request.

    Args:
        entry: What the client's name stands for.
        estimator: What makes the reference.
        asked: What the client asks for.
    """
    sampler = entry.cat.sampler
    own = setting_of(sampler, "sampling")
    sampling = _merged(own if isinstance(own, Sampling) else Sampling(), asked.sampling)
    if sampling != own:
        sampler = with_setting(sampler, "sampling", sampling)
    if asked.seed is not None:
        sampler, estimator = (
            with_setting(sampler, "seed", asked.seed),
            with_seed(estimator, asked.seed),
        )
    return Method(sampler, _with_room(estimator, asked.sampling.max_tokens))


def _merged(own: Sampling, asked: Sampling) -> Sampling:
    """The operator's sampling, overridden by the settings of the request."""
    set_here = {
        name: value for name, value in dict(asked).items() if value not in (None, (), {}, False)
    }
    return own.model_copy(update=set_here)


def _with_room(estimator: Any, max_tokens: int | None) -> Any:
    """The estimator with the client's limit: an anchor's summary does not count towards it."""
    if max_tokens is None or not isinstance(estimator, Synthesizer):
        return estimator
    most = max_tokens + _SUMMARY
    own = estimator.sampling.max_tokens
    sampling = estimator.sampling.model_copy(
        update={"max_tokens": most if own is None else min(own, most)}
    )
    return replace(estimator, sampling=sampling)
