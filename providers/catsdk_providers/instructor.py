"""One request through the real instructor, over any provider: its words, its check of the reply."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any, Literal, cast

from anyio import to_thread
from pydantic import BaseModel, ConfigDict, JsonValue, create_model

from catsdk.core.errors import CatError, InvalidInputError
from catsdk.core.ports import Provider
from catsdk.core.types import Completion, Message, Request

__all__ = ["ask_by_instructor"]


async def ask_by_instructor(
    provider: Provider, request: Request, schema: Mapping[str, JsonValue]
) -> tuple[Completion, str | None]:
    """Send `request` once, with the words by which instructor asks for JSON of `schema`.

    Gives the model's own completion, and what instructor found wrong with it, `None` where it fits.
    Who asks reads the text again: instructor also takes an object out of the middle of prose.
    Asking again after an error is left to the caller too, so that every attempt is counted in one
    place.

    Raises:
        ProviderError: the provider failed.
    """
    sent: list[Completion] = []

    async def create(*, messages: Sequence[Mapping[str, Any]], **_: Any) -> Any:
        told = tuple(map(_message, messages))
        sent.append((await provider.complete(request.model_copy(update={"messages": told})))[0])
        return _chat_completion(sent[-1])

    # In a thread: the import takes seconds.
    instructor = await to_thread.run_sync(_instructor)
    asking = instructor.patch(create=create, mode=instructor.Mode.MD_JSON)
    try:
        await asking(
            response_model=_reply_model(json.dumps(dict(schema))),
            messages=[{"role": m.role, "content": m.text} for m in request.messages],
            max_retries=0,
        )
    except CatError:
        raise
    except Exception as error:
        if isinstance(error.__cause__, CatError):
            raise error.__cause__ from None
        if not sent:
            raise
        return sent[-1], "instructor says: " + " ".join(str(error).split())[:500]
    return sent[-1], None


def _instructor() -> Any:
    return import_module("instructor")


def _message(message: Mapping[str, Any]) -> Message:
    content = message["content"]
    if not isinstance(content, str):
        content = "".join(part.get("text", "") for part in content)
    return Message(role=message["role"], content=content)


def _chat_completion(completion: Completion) -> Any:
    """The completion as the OpenAI SDK's type, which instructor reads."""
    from openai.types.chat import ChatCompletion

    stopped = completion.finish_reason
    choice = {
        "index": 0,
        "finish_reason": stopped if stopped in {"length", "content_filter"} else "stop",
        "message": {"role": "assistant", "content": completion.text},
    }
    return ChatCompletion.model_validate(
        {
            "id": completion.request_id or "",
            "object": "chat.completion",
            "created": 0,
            "model": completion.model,
            "choices": [choice],
        }
    )


@lru_cache(maxsize=64)
def _reply_model(schema: str) -> type[BaseModel]:
    return _model("Reply", json.loads(schema))


def _model(name: str, schema: Mapping[str, JsonValue]) -> type[BaseModel]:
    """The pydantic model of an object schema, as instructor wants it."""
    properties = cast("Mapping[str, Mapping[str, JsonValue]]", schema["properties"])
    fields: dict[str, Any] = {
        field: (_type(f"{name}_{field}", part), ...) for field, part in properties.items()
    }
    return create_model(name, __config__=ConfigDict(extra="forbid"), **fields)


def _type(name: str, schema: Mapping[str, JsonValue]) -> Any:
    if "enum" in schema:
        return Literal[tuple(cast("list[str]", schema["enum"]))]
    kind = schema["type"]
    if kind == "array":
        items = cast("Mapping[str, JsonValue]", schema["items"])
        return list[_type(f"{name}_item", items)]  # type: ignore[misc]
    if kind == "object":
        return _model(name, schema)
    simple = {"string": str, "integer": int, "number": float, "boolean": bool}
    if kind not in simple:
        raise InvalidInputError(f"no type for the schema {json.dumps(dict(schema))[:200]}")
    return simple[str(kind)]
