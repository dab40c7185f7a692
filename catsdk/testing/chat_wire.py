"""The server's side of the chat-completions wire: requests, replies, chunks and error bodies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from catsdk.core.types import Completion, Request, Usage
from catsdk.testing.wire import Fault, Refusal, Wire, chat_of, encoded

__all__ = ["CHAT", "Fault"]

_ERRORS: dict[str, tuple[int, str | None, str | None, str]] = {
    "400": (400, None, "temperature", "temperature must be at most 2"),
    "401": (401, "invalid_api_key", None, "Incorrect API key provided: KEY"),
    "403": (403, "permission_denied", None, "this key may not use the model"),
    "404": (404, "model_not_found", None, "the model does not exist"),
    "429": (429, "rate_limit_exceeded", None, "Rate limit reached"),
    "429_date": (429, "rate_limit_exceeded", None, "Rate limit reached"),
    "quota": (429, "insufficient_quota", None, "You exceeded your current quota"),
    "500": (500, None, None, "internal error"),
    "503": (503, None, None, "overloaded"),
    "529": (529, None, None, "overloaded"),
    "no_n": (400, "unsupported_value", "n", "n must be 1 for this model"),
    "no_tools": (400, "unsupported_parameter", "tools", "'tools' is not supported with this model"),
    "no_logprobs": (400, "unsupported_parameter", "logprobs", "'logprobs' is not supported"),
    "no_temperature": (
        400,
        "unsupported_value",
        "temperature",
        "'temperature' does not support 0 with this model. Only the default (1) is supported.",
    ),
    "no_schema": (
        400,
        "unsupported_parameter",
        "response_format",
        "'response_format' of type 'json_schema' is not supported with this model",
    ),
    "context": (400, "context_length_exceeded", "messages", "maximum context length is 10 tokens"),
    "filter": (400, "content_filter", None, "the prompt was filtered"),
}
_BROKEN = {
    "malformed": b'{"id": "x", "choices": [{"index": 0, "mess',
    "not_json": b"<html>proxy</html>",
    "bad_gateway": b"<html>bad gateway</html>",
    "empty": b'{"choices": []}',
    "no_message": b'{"choices": [{"index": 0, "finish_reason": "stop"}]}',
}
_HEAD = {"id": "chatcmpl-loopback", "created": 0}


def _refusal(status: int, code: str | None, param: str | None, message: str) -> Refusal:
    error = {"message": message, "type": "error", "code": code, "param": param}
    return Refusal(status, {"error": error})


class ChatWire(Wire):
    """The wire, and the errors that the real service has."""

    path = "/v1/chat/completions"
    request_id = "x-request-id"
    reported: ClassVar = {"error": {"message": "the model fell over", "code": 503}}
    broken: ClassVar = _BROKEN
    refusals: ClassVar = {fault: _refusal(*error) for fault, error in _ERRORS.items()}

    def key_of(self, headers: Mapping[str, str]) -> str | None:
        """The key that a request carries, if any."""
        scheme, _, key = headers.get("authorization", "").partition(" ")
        return key if scheme == "Bearer" else None

    def request_of(self, payload: dict[str, Any]) -> Request:
        """The request that a payload represents."""
        stop = payload.get("stop") or ()
        return Request(
            messages=chat_of(payload["messages"]),
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

    def reply_of(
        self, completions: Sequence[Completion], payload: dict[str, Any]
    ) -> dict[str, Any]:
        """The body of a whole reply."""
        chosen: dict[str, Any] | str = payload.get("tool_choice") or ""
        tool = None if isinstance(chosen, str) else chosen["function"]["name"]
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
            **_HEAD,
            "object": "chat.completion",
            "model": payload["model"],
            "choices": choices,
            "usage": _usage(completions),
        }

    def events_of(self, completions: Sequence[Completion], payload: dict[str, Any]) -> list[bytes]:
        """The first of `completions`, a line at a time, usage last."""
        completion = completions[0]
        head = {**_HEAD, "object": "chat.completion.chunk", "model": payload["model"]}
        pieces = completion.text.splitlines(keepends=True) or [""]
        deltas: list[tuple[dict[str, Any], str | None]] = [({"role": "assistant"}, None)]
        if completion.reasoning:
            deltas += [({"reasoning_content": completion.reasoning}, None)]
        deltas += [({"content": piece}, None) for piece in pieces]
        deltas += [({}, completion.finish_reason)]
        chunks: list[dict[str, Any]] = [
            {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
            for delta, finish in deltas
        ]
        last = encoded({**head, "choices": [], "usage": _usage(completions)})
        return [*map(encoded, chunks), last + b"data: [DONE]\n\n"]


CHAT = ChatWire()


def _form(payload: dict[str, Any]) -> dict[str, Any]:
    if isinstance(payload.get("tool_choice"), dict):
        parameters = payload["tools"][0]["function"]["parameters"]
        return {"json_schema": parameters, "schema_by": "tool"}
    form: dict[str, Any] = payload.get("response_format") or {}
    return {"json_schema": form["json_schema"]["schema"]} if "json_schema" in form else {}


def _said(completion: Completion, tool: str | None) -> dict[str, Any]:
    apart = {"reasoning_content": completion.reasoning}
    if tool is None:
        return {"content": completion.text, **apart}
    function = {"name": tool, "arguments": completion.text}
    calls = [{"id": "call-1", "type": "function", "function": function}]
    return {"content": None, "tool_calls": calls, **apart}


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
