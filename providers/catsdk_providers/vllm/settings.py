"""vLLM's own settings in a request: which are rejected, and how constraints are passed on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from catsdk.core.errors import (
    ContextTooLongError,
    InvalidInputError,
    RequestRefusedError,
    UnsupportedError,
)
from catsdk.core.types import Request

__all__ = ["better_named", "check_text", "constraint_of", "refuse_what_is_ignored"]

CONSTRAINT = "structured_outputs"


def refuse_what_is_ignored(request: Request, model: str) -> None:
    """Raise for settings that vLLM rejects, or accepts and silently ignores.

    Raises:
        UnsupportedError: `extra` has a `guided_...` setting of older versions, or several answers
            are requested at temperature 0, where all would be the same.
    """
    for name in request.extra:
        if name.startswith("guided_"):
            raise UnsupportedError(
                f"{model}: vLLM ignores extra[{name!r}] without an error; use json_schema, or"
                f" extra[{CONSTRAINT!r}], such as {{'regex': '[0-9]+'}}",
                capability=f"extra.{name}",
                model=model,
            )
    if request.n > 1 and request.temperature == 0:
        raise UnsupportedError(
            f"{model} returns one completion a request at temperature 0; send {request.n} requests",
            capability="n",
            model=model,
        )


def constraint_of(request: Request) -> dict[str, Any] | None:
    """The constraint on the answer, as a value for `structured_outputs`.

    Raises:
        InvalidInputError: it is given twice, or is not a mapping.
    """
    given = request.extra.get(CONSTRAINT)
    if given is not None and not isinstance(given, Mapping):
        raise InvalidInputError(
            f"extra[{CONSTRAINT!r}] is {given!r}; give a mapping, such as {{'regex': '[0-9]+'}}"
        )
    if given is not None and request.json_schema is not None:
        raise InvalidInputError(
            f"json_schema and extra[{CONSTRAINT!r}] both constrain the answer; give one of them"
        )
    if request.json_schema is not None:
        return {"json": request.json_schema}
    return None if given is None else dict(given)


def check_text(text: str) -> None:
    """Raise if there is no text to score.

    Raises:
        InvalidInputError: `text` is empty.
    """
    if not text:
        raise InvalidInputError("text is empty; give the answer whose tokens are to be scored")


def better_named(error: RequestRefusedError) -> RequestRefusedError:
    """A more specific error, chosen by vLLM's message because vLLM sends no error codes."""
    said = str(error)
    facts: dict[str, Any] = {
        "model": error.model,
        "status": error.status,
        "request_id": error.request_id,
    }
    if "max_model_len" in said or "maximum model length" in said or "context length" in said:
        return ContextTooLongError(said, **facts)
    if "not a multimodal model" in said:
        return UnsupportedError(said, capability="images", **facts)
    return error
