"""Anthropic's messages: requests read, replies and streams written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response

from catsdk.core.errors import InvalidInputError
from catsdk.core.options import Sampling
from catsdk.core.types import FinishReason, ToolCall
from catsdk.serve.gateway.answer import Answer
from catsdk.serve.gateway.asked import Asked, Shape
from catsdk.serve.gateway.fields import Fields, checked_chat
from catsdk.serve.gateway.tools import Tool, Tools
from catsdk.serve.gateway.wires.wire import Reply, event
from catsdk.serve.site.problems import Problem
from catsdk.serve.site.replies import json_response

__all__ = ["MessagesWire"]

# Fields that do not change an answer here; the methods ignore thinking and effort.
_IGNORED: Final = frozenset({
    "metadata", "service_tier", "thinking", "context_management", "cache_control", "betas",
    "inference_geo", "speed", "container",
})  # fmt: skip
_STOPS: Final[Mapping[FinishReason, str]] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "content_filter": "refusal",
    "other": "end_turn",
}
_CHOICES: Final = {"auto": "auto", "none": "none", "any": "required"}
_TYPES: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}


class MessagesWire:
    """The dialect of `/v1/messages`."""

    ignored = _IGNORED

    def read(self, fields: Fields, pass_on: tuple[str, ...]) -> Asked:
        """Take what is understood; see `Wire`."""
        return Asked(
            model=fields.wanted_text("model"),
            messages=checked_chat(_conversation(fields)),
            wire="messages",
            shape=_shape(fields),
            tools=_tools(fields),
            sampling=Sampling(
                temperature=fields.number("temperature"),
                top_p=fields.number("top_p"),
                top_k=fields.whole("top_k"),
                max_tokens=fields.whole("max_tokens"),
                stop=tuple(fields.items("stop_sequences") or ()),
                extra=fields.taken(pass_on),
            ),
        )

    def whole(self, answer: Answer, reply: Reply) -> dict[str, Any]:
        """The body of a whole reply."""
        content: list[dict[str, Any]] = []
        if answer.reasoning:
            content.append({"type": "thinking", "thinking": answer.reasoning, "signature": ""})
        if answer.text or not answer.tool_calls:
            content.append({"type": "text", "text": answer.text})
        content += [{**_use(call), "input": call.given} for call in answer.tool_calls]
        stop = _stop(answer)
        head = _head(reply) | {"content": content, "stop_reason": stop}
        return {**head, "usage": _usage(answer), "cat": answer.facts}

    def events(self, reply: Reply) -> MessagesEvents:
        """What writes the reply as a stream."""
        return MessagesEvents(reply)

    def refusal(self, problem: Problem) -> Response:
        """The response where there is no answer."""
        return json_response(_error(problem), problem.status, problem.headers)


class MessagesEvents:
    """The events of one streamed message: its blocks, one after the other."""

    keep_alive = event({"type": "ping"}, "ping")

    def __init__(self, reply: Reply) -> None:
        """Start without output."""
        self._reply = reply
        self._index = -1
        self._open: str | None = None

    def begin(self) -> bytes:
        """The message without its content."""
        message = _head(self._reply) | {"usage": {"input_tokens": 0, "output_tokens": 0}}
        return _named({"type": "message_start", "message": message})

    def text(self, piece: str) -> bytes:
        """A piece of the answer."""
        block = {"type": "text", "text": ""}
        return self._piece("text", block, {"type": "text_delta", "text": piece})

    def reasoning(self, piece: str) -> bytes:
        """A piece that is not part of the answer; nothing once that has begun."""
        if self._open == "text":
            return b""
        block = {"type": "thinking", "thinking": "", "signature": ""}
        return self._piece("thinking", block, {"type": "thinking_delta", "thinking": piece})

    def end(self, answer: Answer) -> bytes:
        """The uses of tools, the reason why it ended, and the usage."""
        pieces = [self._close()]
        for call in answer.tool_calls:
            delta = {"type": "input_json_delta", "partial_json": call.arguments}
            pieces += [self._piece("tool_use", {**_use(call), "input": {}}, delta), self._close()]
        last = {"stop_reason": _stop(answer), "stop_sequence": None}
        ended = {"type": "message_delta", "delta": last, "usage": _usage(answer)}
        pieces += [_named({**ended, "cat": answer.facts}), _named({"type": "message_stop"})]
        return b"".join(pieces)

    def failed(self, problem: Problem) -> bytes:
        """An error, on which the SDK raises."""
        return _named(_error(problem))

    def _piece(self, kind: str, block: dict[str, Any], delta: dict[str, Any]) -> bytes:
        begun = b""
        if self._open != kind:
            begun = self._close()
            self._index += 1
            self._open = kind
            start = {"type": "content_block_start", "index": self._index, "content_block": block}
            begun += _named(start)
        return begun + _named({"type": "content_block_delta", "index": self._index, "delta": delta})

    def _close(self) -> bytes:
        if self._open is None:
            return b""
        self._open = None
        return _named({"type": "content_block_stop", "index": self._index})


def _named(data: dict[str, Any]) -> bytes:
    return event(data, data["type"])


def _conversation(fields: Fields) -> list[Any]:
    system, messages = fields.any("system"), fields.items("messages") or []
    return [{"role": "system", "content": system}, *messages] if system else messages


def _shape(fields: Fields) -> Shape | None:
    output = fields.inside("output_config")
    form = None if output is None else output.inside("format")
    if form is None:
        return None
    kind, schema = form.text("type"), form.mapping("schema")
    if kind != "json_schema" or schema is None:
        raise InvalidInputError(
            f"output_config.format is of the type {kind!r:.60}; give json_schema with a schema"
        )
    return Shape(schema)


def _tools(fields: Fields) -> Tools | None:
    offered = [_tool(tool) for tool in fields.objects("tools")]
    choice = fields.inside("tool_choice") or Fields("tool_choice", {})
    if not offered:
        return None
    kind = choice.text("type")
    parallel = False if choice.flag("disable_parallel_tool_use") else None
    if kind == "tool":
        return Tools(offered, choice.wanted_text("name"), named=True, parallel=parallel)
    if kind is not None and kind not in _CHOICES:
        raise InvalidInputError(f"tool_choice is {kind!r:.60}; give auto, any, none or tool")
    return Tools(offered, None if kind is None else _CHOICES[kind], parallel=parallel)


def _tool(tool: Fields) -> Tool:
    kind = tool.text("type")
    if kind not in (None, "custom"):
        raise InvalidInputError(
            f"a tool is of the type {kind!r:.60}, which its vendor runs; give tools with an"
            " input_schema"
        )
    made = Tool(
        name=tool.wanted_text("name"),
        description=tool.text("description"),
        schema=tool.mapping("input_schema") or {"type": "object", "properties": {}},
        strict=tool.flag("strict"),
    )
    tool.end({"cache_control", "eager_input_streaming", "input_examples", "defer_loading"})
    return made


def _head(reply: Reply) -> dict[str, Any]:
    return {
        "id": f"msg_{reply.run}",
        "type": "message",
        "role": "assistant",
        "model": reply.asked.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def _use(call: ToolCall) -> dict[str, Any]:
    return {"type": "tool_use", "id": call.id, "name": call.name}


def _stop(answer: Answer) -> str:
    return "tool_use" if answer.tool_calls else _STOPS[answer.finish]


def _usage(answer: Answer) -> dict[str, Any]:
    usage = answer.usage
    return {
        "input_tokens": usage.input_tokens - usage.cached_tokens,
        "cache_read_input_tokens": usage.cached_tokens,
        "cache_creation_input_tokens": 0,
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"thinking_tokens": answer.unseen},
    }


def _error(problem: Problem) -> dict[str, Any]:
    kind = _TYPES.get(problem.status, "api_error" if problem.status >= 500 else _TYPES[400])
    return {"type": "error", "error": {"type": kind, "message": problem.message}, **problem.facts}
