"""The server's side of Anthropic's messages wire: requests, replies, events and error bodies."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, cast

from catsdk.core.types import Completion, Message, Request
from catsdk.testing.wire import Refusal, Wire, chat_of, encoded

__all__ = ["MESSAGES"]

_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    500: "api_error",
    503: "api_error",
    529: "overloaded_error",
}
_ERRORS = {
    "400": (400, "max_tokens: must be greater than 0"),
    "401": (401, "invalid x-api-key KEY"),
    "403": (403, "this key may not use the model"),
    "404": (404, "model: no such model"),
    "429": (429, "This would exceed your rate limit"),
    "429_date": (429, "This would exceed your rate limit"),
    "quota": (402, "Your credit balance is too low"),
    "500": (500, "Internal server error"),
    "503": (503, "Service unavailable"),
    "529": (529, "Overloaded"),
    "no_n": (400, "n: Extra inputs are not permitted"),
    "no_logprobs": (400, "logprobs: Extra inputs are not permitted"),
    "no_temperature": (400, "`temperature` is deprecated for this model."),
    "no_schema": (400, "output_config.format: Extra inputs are not permitted"),
    "context": (400, "prompt is too long: 99 tokens > 10 maximum"),
    "filter": (400, "Output blocked by content filtering policy"),
}
_BROKEN = {
    "malformed": b'{"id": "x", "type": "message", "content": [{"type": "te',
    "not_json": b"<html>proxy</html>",
    "empty": b"{}",
    "no_message": b'{"id": "x", "type": "message", "content": [{"type": "text"}]}',
}
_FIELDS = {
    "model", "max_tokens", "messages", "system", "stop_sequences", "stream", "thinking",
    "output_config", "tools", "tool_choice", "metadata", "service_tier", "cache_control",
}  # fmt: skip
# What newer versions of the API no longer accept.
_OLD_VERSION = "2023-06-01"
_OLD_FIELDS = {"temperature", "top_p", "top_k"}
_STOPS = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"}


def _refusal(status: int, message: str) -> Refusal:
    error = {"type": _KINDS[status], "message": message}
    return Refusal(status, {"type": "error", "error": error})


class MessagesWire(Wire):
    """The wire, and the errors that the real service has."""

    path = "/v1/messages"
    request_id = "request-id"
    reported: ClassVar = {
        "type": "error",
        "error": {"type": "overloaded_error", "message": "Overloaded"},
    }
    broken: ClassVar = _BROKEN
    refusals: ClassVar = {fault: _refusal(*error) for fault, error in _ERRORS.items()}

    def key_of(self, headers: Mapping[str, str]) -> str | None:
        """The key that a request carries, if any."""
        scheme, _, key = headers.get("authorization", "").partition(" ")
        return headers.get("x-api-key") or (key if scheme == "Bearer" else None)

    def request_of(self, payload: dict[str, Any]) -> Request:
        """The request that a payload represents."""
        system = payload.get("system")
        front = [Message(role="system", content=_text(system))] if system else []
        return Request(
            messages=(*front, *chat_of(payload["messages"])),
            temperature=payload.get("temperature"),
            top_p=payload.get("top_p"),
            top_k=payload.get("top_k"),
            max_tokens=payload["max_tokens"],
            stop=tuple(payload.get("stop_sequences") or ()),
            json_schema=_schema(payload),
        )

    def reply_of(
        self, completions: Sequence[Completion], payload: dict[str, Any]
    ) -> dict[str, Any]:
        """The body of a whole reply."""
        completion = completions[0]
        uses_tool = _forced(payload)
        stop = "tool_use" if uses_tool else _STOPS.get(completion.finish_reason, "pause_turn")
        return {
            **_head(payload),
            "content": [*_thinking(completion), _answer(completion, uses_tool=uses_tool)],
            "stop_reason": stop,
            "usage": _usage(completion),
        }

    def events_of(self, completions: Sequence[Completion], payload: dict[str, Any]) -> list[bytes]:
        """The thinking at once, then the text a line at a time."""
        reply = self.reply_of(completions, payload)
        start = {**_head(payload), "usage": {**reply["usage"], "output_tokens": 1}}
        events: list[dict[str, Any]] = [
            {"type": "message_start", "message": start},
            {"type": "ping"},
        ]
        for at, block in enumerate(reply["content"]):
            events += _block_events(at, block)
        delta = {"stop_reason": reply["stop_reason"], "stop_sequence": None}
        events += [
            {"type": "message_delta", "delta": delta, "usage": reply["usage"]},
            {"type": "message_stop"},
        ]
        return [encoded(event, event["type"]) for event in events]

    def refusal_of(self, payload: dict[str, Any], headers: Mapping[str, str]) -> Refusal | None:
        """Refuse unknown fields, and requests without a token limit, as the service does."""
        if "max_tokens" not in payload:
            return _refusal(400, "max_tokens: Field required")
        old = headers.get("anthropic-version") == _OLD_VERSION
        unknown = sorted(payload.keys() - _FIELDS - (_OLD_FIELDS if old else set()))
        if unknown:
            what = f"{unknown[0]}: Extra inputs are not permitted"
            return _refusal(400, what)
        return None


MESSAGES = MessagesWire()


def _text(content: str | list[dict[str, Any]]) -> str:
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content)


def _schema(payload: dict[str, Any]) -> dict[str, Any] | None:
    output: dict[str, Any] = payload.get("output_config") or {}
    if "format" in output:
        return cast("dict[str, Any]", output["format"]["schema"])
    return cast("dict[str, Any]", payload["tools"][0]["input_schema"]) if _forced(payload) else None


def _forced(payload: dict[str, Any]) -> bool:
    """Whether the model must give its answer through a tool."""
    choice: dict[str, Any] = payload.get("tool_choice") or {}
    return choice.get("type") == "tool"


def _head(payload: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "msg_loopback",
        "type": "message",
        "role": "assistant",
        "model": payload["model"],
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def _thinking(completion: Completion) -> list[dict[str, Any]]:
    if completion.reasoning is None:
        return []
    return [{"type": "thinking", "thinking": completion.reasoning, "signature": "loopback"}]


def _answer(completion: Completion, *, uses_tool: bool) -> dict[str, Any]:
    if not uses_tool:
        return {"type": "text", "text": completion.text}
    given = json.loads(completion.text)
    return {"type": "tool_use", "id": "toolu_loopback", "name": "reply", "input": given}


def _usage(completion: Completion) -> dict[str, Any]:
    usage = completion.usage
    return {
        "input_tokens": usage.input_tokens - usage.cached_tokens,
        "cache_read_input_tokens": usage.cached_tokens,
        "cache_creation_input_tokens": 0,
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"thinking_tokens": usage.reasoning_tokens},
    }


def _block_events(at: int, block: dict[str, Any]) -> list[dict[str, Any]]:
    empty, deltas = _parted(block)
    return [
        {"type": "content_block_start", "index": at, "content_block": {**block, **empty}},
        *({"type": "content_block_delta", "index": at, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": at},
    ]


def _parted(block: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """How a block begins, and the deltas that complete it."""
    if block["type"] == "text":
        lines = block["text"].splitlines(keepends=True)
        return {"text": ""}, [{"type": "text_delta", "text": line} for line in lines]
    if block["type"] == "tool_use":
        given = json.dumps(block["input"])
        return {"input": {}}, [{"type": "input_json_delta", "partial_json": given}]
    thinking = {"type": "thinking_delta", "thinking": block["thinking"]}
    signature = {"type": "signature_delta", "signature": block["signature"]}
    return {"thinking": "", "signature": ""}, [thinking, signature]
