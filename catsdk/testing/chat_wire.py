"""The server's side of the chat-completions wire: requests, replies, chunks and error bodies."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal, get_args

from catsdk.core.types import Completion, Message, Request, Usage

__all__ = ["FAULTS", "Fault", "chunks_of", "error_body", "reply_of", "request_of"]

Fault = Literal[
    "400", "401", "403", "404", "429", "429_date", "quota", "500", "503", "529",
    "no_n", "no_schema", "no_tools", "no_logprobs", "context", "filter",
    "reset", "hang", "cut", "malformed", "not_json", "empty", "no_message",
    "mistyped", "bad_gateway", "trickle", "endless",
]  # fmt: skip
FAULTS: tuple[Fault, ...] = get_args(Fault)

_PAST = "Wed, 21 Oct 2015 07:28:00 GMT"
_ERRORS: dict[str, tuple[int, str | None, str | None, str]] = {
    "400": (400, None, "temperature", "temperature must be at most 2"),
    "401": (401, "invalid_api_key", None, "Incorrect API key provided"),
    "403": (403, "permission_denied", None, "this key may not use the model"),
    "404": (404, "model_not_found", None, "the model does not exist"),
    "429": (429, "rate_limit_exceeded", None, "Rate limit reached"),
    "429_date": (429, "rate_limit_exceeded", None, "Rate limit reached"),
    "quota": (429, "insufficient_quota", None, "You exceeded your current quota"),
    "500": (500, None, None, "internal error"),
    "503": (503, None, None, "overloaded"),
    "529": (529, None, None, "overloaded"),
    "no_n": (400, "unsupported_value", "n", "n must be 1 for this model"),
    "no_schema": (
        400,
        "unsupported_parameter",
        "response_format",
        "'response_format' is not supported",
    ),
    "no_tools": (400, "unsupported_parameter", "tools", "'tools' is not supported with this model"),
    "no_logprobs": (400, "unsupported_parameter", "logprobs", "'logprobs' is not supported"),
    "context": (400, "context_length_exceeded", "messages", "maximum context length is 10 tokens"),
    "filter": (400, "content_filter", None, "the prompt was filtered"),
}
_BODIES = {
    "malformed": b'{"id": "x", "choices": [{"index": 0, "mess',
    "not_json": b"<html>proxy</html>",
    "bad_gateway": b"<html>bad gateway</html>",
    "empty": b'{"choices": []}',
    "no_message": b'{"choices": [{"index": 0, "finish_reason": "stop"}]}',
}
_PAGES = {"not_json": 200, "bad_gateway": 502}


def request_of(payload: dict[str, Any]) -> Request:
    """The request that a payload asks for."""
    stop = payload.get("stop") or ()
    return Request(
        messages=tuple(_message(message) for message in payload["messages"]),
        n=payload.get("n") or 1,
        temperature=payload.get("temperature"),
        top_p=payload.get("top_p"),
        top_k=payload.get("top_k"),
        max_tokens=payload.get("max_tokens") or payload.get("max_completion_tokens"),
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
        seed=payload.get("seed"),
        logprobs=bool(payload.get("logprobs")),
        **_form(payload),
    )


def _form(payload: dict[str, Any]) -> dict[str, Any]:
    if payload.get("tools"):
        parameters = payload["tools"][0]["function"]["parameters"]
        return {"json_schema": parameters, "schema_by": "tool"}
    form = payload.get("response_format") or {}
    return {"json_schema": form["json_schema"]["schema"]} if "json_schema" in form else {}


def _message(message: dict[str, Any]) -> Message:
    content = message["content"]
    if not isinstance(content, str):
        content = "".join(part.get("text", "") for part in content)
    return Message(role=message["role"], content=content)


def reply_of(
    completions: Sequence[Completion], model: str, tool: str | None = None
) -> dict[str, Any]:
    """The body that carries `completions`, as arguments of the function `tool` where one is named."""
    choices = [
        {
            "index": at,
            "finish_reason": completion.finish_reason,
            "message": {"role": "assistant", **_said(completion, tool)},
            "logprobs": _logprobs(completion),
        }
        for at, completion in enumerate(completions)
    ]
    return {
        "id": "chatcmpl-loopback",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": choices,
        "usage": _usage(completions),
    }


def _said(completion: Completion, tool: str | None) -> dict[str, Any]:
    apart = {"reasoning_content": completion.reasoning}
    if tool is None:
        return {"content": completion.text, **apart}
    function = {"name": tool, "arguments": completion.text}
    calls = [{"id": "call-1", "type": "function", "function": function}]
    return {"content": None, "tool_calls": calls, **apart}


def chunks_of(completions: Sequence[Completion], model: str) -> list[dict[str, Any]]:
    """The chunks that stream the first of `completions`, a line at a time, usage last."""
    completion = completions[0]
    pieces = completion.text.splitlines(keepends=True) or [""]
    deltas: list[tuple[dict[str, Any], str | None]] = [({"role": "assistant"}, None)]
    deltas += [({"content": piece}, None) for piece in pieces]
    deltas += [({}, completion.finish_reason)]
    head = {"id": "chatcmpl-loopback", "object": "chat.completion.chunk", "created": 0}
    chunks: list[dict[str, Any]] = [
        {
            **head,
            "model": model,
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        }
        for delta, finish in deltas
    ]
    return [*chunks, {**head, "model": model, "choices": [], "usage": _usage(completions)}]


def _logprobs(completion: Completion) -> dict[str, Any] | None:
    if completion.logprobs is None:
        return None
    content: list[dict[str, Any]] = [
        {"token": each.token, "logprob": each.logprob, "bytes": None, "top_logprobs": []}
        for each in completion.logprobs
    ]
    return {"content": content}


def _usage(completions: Sequence[Completion]) -> dict[str, Any]:
    usage = Usage.total(completion.usage for completion in completions)
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }


def error_body(fault: Fault, *, retry_after: float) -> tuple[int, bytes, dict[str, str]]:
    """Status, body and headers of a fault that is an answer."""
    headers = {"content-type": "application/json", "x-request-id": f"req-{fault}"}
    if fault in _BODIES:
        if fault in _PAGES:
            headers["content-type"] = "text/html"
        return _PAGES.get(fault, 200), _BODIES[fault], headers
    status, code, param, message = _ERRORS[fault]
    if fault == "429":
        headers["retry-after"] = f"{retry_after:g}"
    if fault == "429_date":
        headers["retry-after"] = _PAST
    error = {"message": message, "type": "error", "code": code, "param": param}
    return status, json.dumps({"error": error}).encode(), headers
