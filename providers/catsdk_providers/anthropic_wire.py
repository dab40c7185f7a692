"""The messages wire: from a request to its payload, from a reply to its completion."""

from __future__ import annotations

import json
import re
from typing import Any, TypeGuard

import anthropic

from catsdk.core.errors import InvalidInputError, MalformedResponseError
from catsdk.core.thinking import split_thinking
from catsdk.core.types import Completion, FinishReason, ImagePart, Message, Request, Usage
from catsdk_providers.wire_text import MAX_TEXT, NOT_THE_WIRE, mended

__all__ = ["DEFAULT_MAX_TOKENS", "completion_of", "payload_of"]

# The wire requires a limit. Every model that takes thinking off takes this one, and thinking
# counts towards it.
DEFAULT_MAX_TOKENS = 8192
TOOL = "reply"
CACHED = {"type": "ephemeral"}

_FINISH: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}
_DATA_URL = re.compile(r"data:(image/[\w.+-]+);base64,(.*)", re.DOTALL)


def payload_of(request: Request, model: str, *, caching: bool, by_tool: bool) -> dict[str, Any]:
    """The body of a call: only settings that are set are sent, and `max_tokens`.

    System messages go to the front, wherever they stand. With `caching` the part that equal
    beginnings share is marked: the system text, and what comes before the last message. With
    `by_tool` a JSON schema is that of a tool which the model must use.

    Raises:
        InvalidInputError: an image's URL is neither `https:` nor `data:`, or the schema is none.
    """
    system = [_text(m.text) for m in request.messages if m.role == "system"]
    turns = [_turn(message) for message in request.messages if message.role != "system"]
    if caching:
        _mark(system, turns)
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


def _turn(message: Message) -> dict[str, Any]:
    content = message.content
    parts = [_text(content)] if isinstance(content, str) else [*map(_part, content)]
    return {"role": message.role, "content": parts}


def _part(part: Any) -> dict[str, Any]:
    return _image(part.url) if isinstance(part, ImagePart) else _text(part.text)


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _image(url: str) -> dict[str, Any]:
    data = _DATA_URL.fullmatch(url)
    if data is not None:
        source = {"type": "base64", "media_type": data[1], "data": data[2]}
    elif url.startswith("https://"):
        source = {"type": "url", "url": url}
    else:
        raise InvalidInputError(
            f"the image's URL begins {url[:20]!r}; give one with https: or data:image/...;base64,"
        )
    return {"type": "image", "source": source}


def _mark(system: list[dict[str, Any]], turns: list[dict[str, Any]]) -> None:
    if system:
        system[-1]["cache_control"] = CACHED
    before = [part for turn in turns for part in turn["content"]][:-1]
    if before:
        before[-1]["cache_control"] = CACHED


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
        # The API takes a part of JSON Schema; the SDK words the rest as descriptions.
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


def completion_of(
    reply: object, *, model: str, latency: float, request_id: str | None
) -> Completion:
    """The completion of a reply; its thinking is kept apart, an answer by tool is its JSON.

    Raises:
        MalformedResponseError: the reply is not of the wire, or is too long.
    """
    try:
        body: Any = reply
        thinking, text = split_thinking(mended(_answer(body["content"])))
        apart = mended("".join(_of(body["content"], "thinking", "thinking")))
        completion = Completion(
            text=text,
            reasoning=apart or thinking,
            finish_reason=_FINISH.get(body["stop_reason"], "other"),
            usage=_usage(body.get("usage")),
            model=mended(str(body.get("model") or model)),
            latency=latency,
            request_id=request_id,
        )
    except NOT_THE_WIRE as error:
        raise MalformedResponseError(
            f"{model}: the reply is no message ({type(error).__name__}: {error})",
            model=model,
            request_id=request_id,
        ) from error
    if max(len(completion.text), len(completion.reasoning or "")) > MAX_TEXT:
        raise MalformedResponseError(
            f"{model}: the reply holds a text over {MAX_TEXT:,} characters",
            model=model,
            request_id=request_id,
        )
    return completion


def _answer(content: list[dict[str, Any]]) -> str:
    used = [block["input"] for block in content if block["type"] == "tool_use"]
    if used:
        return json.dumps(used[0], ensure_ascii=False)
    return "".join(_of(content, "text", "text"))


def _of(content: list[dict[str, Any]], kind: str, field: str) -> list[str]:
    return [block[field] for block in content if block["type"] == kind]


def _usage(usage: Any) -> Usage:
    """What the reply tells: written and read parts of the prompt's cache are part of the input.

    Prices come later: the cost of a hosted call is unknown.
    """
    told = usage or {}
    fresh, answer = told.get("input_tokens"), told.get("output_tokens")
    if not (_is_count(fresh) and _is_count(answer)):
        return Usage(requests=1, unreported=1, cost=None)
    read = _count(told.get("cache_read_input_tokens"))
    return Usage(
        input_tokens=fresh + read + _count(told.get("cache_creation_input_tokens")),
        output_tokens=answer,
        cached_tokens=read,
        reasoning_tokens=_count((told.get("output_tokens_details") or {}).get("thinking_tokens")),
        requests=1,
        cost=None,
    )


def _is_count(count: object) -> TypeGuard[int]:
    return isinstance(count, int) and count >= 0


def _count(count: Any) -> int:
    return count if _is_count(count) else 0
