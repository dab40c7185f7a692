"""Makes the CaT and the client of a command from a config file and the command's limits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from catsdk.cat import CaT
from catsdk.core.errors import InvalidInputError
from catsdk.core.sending import Budget, Limits
from catsdk.runtime.client import Client

__all__ = ["client_for", "client_of", "described", "schema_in"]

# Models in this process merge concurrent calls into batches, so many calls are better than few.
IN_PROCESS = ("local", "replay")
IN_FLIGHT = 4096


def described(config: Path) -> CaT:
    """Read the CaT that a YAML file describes.

    Raises:
        InvalidInputError: the file cannot be read, or does not describe a CaT.
    """
    try:
        text = config.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"--config {config} cannot be read: {error}") from error
    return CaT.from_yaml(text)


def schema_in(path: Path) -> dict[str, Any]:
    """Read the JSON schema that references must fit.

    Raises:
        InvalidInputError: the file cannot be read, or holds no JSON object.
    """
    try:
        schema: object = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidInputError(f"--output {path} cannot be read: {error}") from error
    if not isinstance(schema, dict):
        raise InvalidInputError(
            f"--output {path} holds {schema!r:.80}; write a JSON schema whose type is object"
        )
    return cast("dict[str, Any]", schema)


def client_for(
    budget: Budget | None, max_in_flight: int | None, models: Sequence[str | None]
) -> Client:
    """Make a client without a cache, for a run that keeps answers itself and reports their cost.

    Args:
        budget: Limits on this run.
        max_in_flight: The most concurrent calls to one model; by default many if all models run
            in this process, and few otherwise.
        models: The model strings of the run.
    """
    named = [model for model in models if model is not None]
    if max_in_flight is None and all(model.startswith(IN_PROCESS) for model in named):
        max_in_flight = IN_FLIGHT
    limits = None if max_in_flight is None else Limits(in_flight=max_in_flight)
    return Client(budget=budget, limits=limits, cache="")


def client_of(method: CaT, budget: Budget | None, max_in_flight: int | None) -> Client:
    """Copy the client of a CaT, with the limits of a command and without a cache."""
    given = method.client.to_data() if method.client.named else {}
    if budget is not None:
        given["budget"] = budget.model_dump(exclude_unset=True)
    if max_in_flight is not None:
        given["limits"] = {**given.get("limits", {}), "in_flight": max_in_flight}
    return Client.from_data({**given, "cache": ""})
