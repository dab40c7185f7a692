"""The messages wire: converts a request to its payload, and a reply to its completion."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anthropic

from catsdk.core.calls import UNREPORTED
from catsdk.core.errors import InvalidInputError, MalformedResponseError
from catsdk.core.thinking import split_thinking
from catsdk.core.types import Completion, Request, ToolCall, Usage
from catsdk_providers.anthropic.messages import mark, system_of, turns_of
from catsdk_providers.http.counts import count, counts, detail
from catsdk_providers.http.dialects import FAILED_FINISHES, FINISHES
from catsdk_providers.http.parts import Parts, parts_of
from catsdk_providers.http.refusals import Place, reported
from catsdk_providers.http.secrets import hidden
from catsdk_providers.http.text import MAX_TEXT, NOT_THE_WIRE, mended

__all__ = ["DEFAULT_MAX_TOKENS", "completion_of", "payload_of"]

# The wire requires a limit, to which thinking counts. Every model that can turn thinking off
# accepts this one.
DEFAULT_MAX_TOKENS = 8192
TOOL = "reply"
_MOST_CALLS = 64

# The blocks that are read; the others (what a server tool found, say) are not part of the answer.
_READ = {"text", "thinking"}


def payload_of(request: Request, model: str, *, caching: bool, by_tool: bool) -> dict[str, Any]:
    """The body of a call: only settings that are set are sent, and `max_tokens`.

    System messages go to the front, wherever they stand. With `caching` the part that equal
    beginnings share is marked. With
    `by_tool` a JSON schema is that of a tool which the model must use.

    Raises:
        InvalidInputError: an image's URL is neither `https:` nor `data:`, or the schema is invalid.
        UnsupportedError: a message holds a recording.
    """
    system, turns = system_of(request.messages), turns_of(request.messages)
    if caching:
        mark(system, turns)
    payload: dict[str, Any] = {
        "model": model,
        "max_tokens": request.max_tokens or DEFAULT_MAX_TOKENS,
        "messages": turns,
        "system": system or None,
        "stop_sequences": list(request.stop) or None,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "top_k": request.top_k,
    }
    body = {name: value for name, value in payload.items() if value is not None}
    return _merged(_merged(body, _form(request, by_tool=by_tool)), request.extra)


def _form(request: Request, *, by_tool: bool) -> dict[str, Any]:
    if request.json_schema is None:
        return {}
    if by_tool:
        tool = {
            "name": TOOL,
            "description": "Gives the reply, in the form asked for.",
            "input_schema": request.json_schema,
        }
        return {"tools": [tool], "tool_choice": {"type": "tool", "name": TOOL}}
    try:
        # The API accepts a subset of JSON Schema; the SDK turns the rest into descriptions.
        schema = anthropic.transform_schema(request.json_schema)
    except (*NOT_THE_WIRE, AssertionError) as error:
        raise InvalidInputError(f"json_schema cannot be sent: {error}") from error
    return {"output_config": {"format": {"type": "json_schema", "schema": schema}}}


def _merged(body: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    both = dict(body)
    for name, value in more.items():
        old = both.get(name)
        merge = isinstance(old, dict) and isinstance(value, dict)
        both[name] = {**old, **value} if merge else value  # type: ignore[dict-item]
    return both


def completion_of(reply: object, place: Place, *, latency: float = 0.0) -> Completion:
    """The completion of a reply; its thinking is kept apart, an answer by tool is its JSON.

    Raises:
        MalformedResponseError: the reply is not of the wire, or is too long.
        ServerError: the service broke the answer off.
    """
    try:
        completion = _completion(reply, place, latency)
    except NOT_THE_WIRE as error:
        said = f"the reply is not a message ({type(error).__name__}: {str(error)[:200]})"
        raise place.error(MalformedResponseError, said, 200) from None
    if max(len(completion.text), len(completion.reasoning or "")) > MAX_TEXT:
        raise place.error(
            MalformedResponseError, f"the reply holds a text over {MAX_TEXT:,} characters", 200
        )
    return completion


def _completion(reply: Any, place: Place, latency: float) -> Completion:
    ended, usage = reply.get("stop_reason"), _usage(reply.get("usage"))
    # A complete reply without a reason ended normally.
    ended = ended.lower() if isinstance(ended, str) else "end_turn"
    if ended in FAILED_FINISHES:
        said = {"message": f"the service broke the answer off ({ended!r})"}
        error = reported(said | {"code": FAILED_FINISHES[ended]}, place)
        error.usage = usage
        raise error
    called, parts = _answer(reply["content"])
    calls = tuple(_tool_calls(reply["content"], place)) if called is None else ()
    thinking, text = split_thinking(_clean(parts.answer if called is None else called, place))
    model = reply.get("model")
    return Completion(
        text=text,
        reasoning=_clean(parts.thinking, place) or thinking,
        tool_calls=calls,
        finish_reason=FINISHES.get(ended, "other"),
        usage=usage,
        model=_clean(model, place)[:200] if isinstance(model, str) and model else place.model,
        latency=latency,
        request_id=place.shown_id,
    )


def _answer(content: Any) -> tuple[str | None, Parts]:
    """The arguments of catsdk's own tool, if it was called, and the texts of the known blocks."""
    if isinstance(content, str):
        return None, Parts(content)
    if not isinstance(content, list):
        raise TypeError(f"the content is of type {type(content).__name__}")
    used = [
        block["input"]
        for block in content
        if block.get("type") == "tool_use" and block.get("name", TOOL) == TOOL
    ]
    read = [block for block in content if block.get("type") in _READ]
    if any("text" not in block for block in read if block["type"] == "text"):
        raise TypeError("a text has no text")
    called = json.dumps(used[0], ensure_ascii=False) if used else None
    return called, parts_of(read)


def _tool_calls(content: Any, place: Place) -> Iterator[ToolCall]:
    """The calls of tools that the request offered."""
    blocks = content if isinstance(content, list) else ()
    for at, block in enumerate(block for block in blocks if block.get("type") == "tool_use"):
        given = json.dumps(block.get("input") or {}, ensure_ascii=False)
        if at >= _MOST_CALLS or len(given) > MAX_TEXT:
            raise ValueError(f"{at + 1} uses of tools, the last of {len(given)} characters")
        yield ToolCall(
            id=_clean(str(block.get("id") or f"toolu_{at}"), place)[:200],
            name=_clean(str(block["name"]), place)[:200],
            arguments=_clean(given, place),
        )


def _clean(text: str, place: Place) -> str:
    return hidden(mended(text), place.secrets)


def _usage(usage: Any) -> Usage:
    """The usage that the reply reports; cached parts of the prompt count as input."""
    both = counts(usage, "input_tokens", "output_tokens")
    if both is None:
        return UNREPORTED
    fresh, answer = both
    read = count(usage.get("cache_read_input_tokens")) or 0
    return Usage(
        input_tokens=fresh + read + (count(usage.get("cache_creation_input_tokens")) or 0),
        output_tokens=answer,
        cached_tokens=read,
        reasoning_tokens=min(answer, detail(usage, "output_tokens_details", "thinking_tokens")),
        requests=1,
        cost=None,
    )
