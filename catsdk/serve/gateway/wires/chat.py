"""OpenAI's chat completions: requests read, replies and streams written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response

from catsdk.core.errors import InvalidInputError
from catsdk.core.options import Sampling
from catsdk.core.types import FinishReason, ToolCall, Usage
from catsdk.serve.gateway.answer import Answer
from catsdk.serve.gateway.asked import Asked, Shape
from catsdk.serve.gateway.fields import Fields, checked_chat
from catsdk.serve.gateway.tools import Tool, Tools
from catsdk.serve.gateway.wires.wire import COMMENT, Reply, event
from catsdk.serve.site.problems import Problem
from catsdk.serve.site.replies import refusal

__all__ = ["ChatWire", "tools_asked"]

DONE: Final = b"data: [DONE]\n\n"
# Fields that concern the vendor only and do not change an answer here.
IGNORED: Final = frozenset({
    "user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key",
    "prompt_cache_retention",
})  # fmt: skip
# Fields that are passed unchanged to a service with the same dialect.
PASSED: Final = (
    "frequency_penalty", "presence_penalty", "logit_bias", "reasoning_effort", "verbosity", "min_p",
    "repetition_penalty", "chat_template_kwargs",
)  # fmt: skip
_FINISHES: Final[Mapping[FinishReason, str]] = {
    "stop": "stop",
    "length": "length",
    "content_filter": "content_filter",
    "other": "stop",
}


class ChatWire:
    """The dialect of `/v1/chat/completions`."""

    ignored = IGNORED

    def read(self, fields: Fields, pass_on: tuple[str, ...]) -> Asked:
        """Take what is understood; see `Wire`."""
        if (n := fields.whole("n")) not in (None, 1):
            raise InvalidInputError(
                f"n is {n}; this gateway gives one answer a request (cat.n is the number of"
                " rollouts it is made of)"
            )
        options = fields.inside("stream_options") or Fields("stream_options", {})
        return Asked(
            model=fields.wanted_text("model"),
            messages=checked_chat(fields.any("messages")),
            seed=fields.whole("seed"),
            shape=_shape(fields.inside("response_format")),
            tools=tools_asked(fields, nested=True),
            with_usage=options.flag("include_usage") or False,
            sampling=_sampling(fields, pass_on),
        )

    def whole(self, answer: Answer, reply: Reply) -> dict[str, Any]:
        """The body of a whole reply."""
        message: dict[str, Any] = {"role": "assistant", "content": answer.text, "refusal": None}
        if answer.reasoning:
            message["reasoning_content"] = answer.reasoning
        if answer.tool_calls:
            message["tool_calls"] = [_call(call) for call in answer.tool_calls]
            message["content"] = answer.text or None
        choice = {
            "index": 0,
            "message": message,
            "finish_reason": _finish(answer),
            "logprobs": _logprobs(answer),
        }
        head = _head(reply, "chat.completion")
        return {**head, "choices": [choice], "usage": _usage(answer), "cat": answer.facts}

    def events(self, reply: Reply) -> ChatEvents:
        """What writes the reply as a stream."""
        return ChatEvents(reply)

    def refusal(self, problem: Problem) -> Response:
        """The response where there is no answer."""
        return refusal(problem)


class ChatEvents:
    """The chunks of one streamed chat completion."""

    keep_alive = COMMENT

    def __init__(self, reply: Reply) -> None:
        """Start without output."""
        self._reply = reply
        self._head = _head(reply, "chat.completion.chunk")

    def begin(self) -> bytes:
        """The chunk that names the role."""
        return self._chunk({"role": "assistant", "content": ""})

    def text(self, piece: str) -> bytes:
        """A piece of the answer."""
        return self._chunk({"content": piece})

    def reasoning(self, piece: str) -> bytes:
        """A piece that is not part of the answer."""
        return self._chunk({"reasoning_content": piece})

    def end(self, answer: Answer) -> bytes:
        """The calls of tools, the finish reason, and the usage where it is wanted."""
        pieces = [self.reasoning(answer.reasoning)] if answer.reasoning else []
        if answer.tool_calls:
            calls = [{"index": at, **_call(call)} for at, call in enumerate(answer.tool_calls)]
            pieces.append(self._chunk({"tool_calls": calls}))
        pieces.append(
            self._chunk({}, _finish(answer), cat=answer.facts, logprobs=_logprobs(answer))
        )
        if self._reply.asked.with_usage:
            pieces.append(event({**self._head, "choices": [], "usage": _usage(answer)}))
        return b"".join([*pieces, DONE])

    def failed(self, problem: Problem) -> bytes:
        """An error, on which the SDK raises."""
        return event(_error(problem)) + DONE

    def _chunk(
        self,
        delta: dict[str, Any],
        finish: str | None = None,
        *,
        cat: Mapping[str, Any] | None = None,
        logprobs: Mapping[str, Any] | None = None,
    ) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": logprobs}
        chunk: dict[str, Any] = {**self._head, "choices": [choice]}
        return event(chunk if cat is None else {**chunk, "cat": cat})


def _offered(given: list[Fields], *, nested: bool) -> list[Tool]:
    """Read the functions that are offered.

    Args:
        given: The tools, each an object.
        nested: Whether a function is in the field `function`, or is the object itself.

    Raises:
        InvalidInputError: one is not a function, or has no name.
    """
    tools: list[Tool] = []
    for tool in given:
        if (kind := tool.text("type")) != "function":
            raise InvalidInputError(f"a tool is of the type {kind!r:.60}; accepted is 'function'")
        function = (tool.inside("function") or Fields("function", {})) if nested else tool
        tools.append(
            Tool(
                name=function.wanted_text("name"),
                description=function.text("description"),
                schema=function.mapping("parameters") or {"type": "object", "properties": {}},
                strict=function.flag("strict"),
            )
        )
        function.end()
        tool.end()
    return tools


def _sampling(fields: Fields, pass_on: tuple[str, ...]) -> Sampling:
    stop = fields.any("stop")
    stops: Any = (stop,) if isinstance(stop, str) else stop or ()
    limits = [fields.whole("max_completion_tokens"), fields.whole("max_tokens")]
    if fields.whole("top_logprobs"):
        raise InvalidInputError("top_logprobs is not supported; logprobs of sampled tokens are")
    return Sampling(
        temperature=fields.number("temperature"),
        top_p=fields.number("top_p"),
        top_k=fields.whole("top_k"),
        max_tokens=next((limit for limit in limits if limit is not None), None),
        stop=stops,
        logprobs=fields.flag("logprobs") or False,
        extra=fields.taken((*PASSED, *pass_on)),
    )


def _shape(given: Fields | None) -> Shape | None:
    if given is None:
        return None
    kind = given.text("type")
    if kind == "text":
        return None
    if kind == "json_object":
        return Shape(None)
    form = given.inside("json_schema") if kind == "json_schema" else None
    schema = None if form is None else form.mapping("schema")
    if form is None or schema is None:
        raise InvalidInputError(
            f"response_format is of the type {kind!r:.60}; give text, json_object, or json_schema"
            " with a schema"
        )
    return Shape(schema, form.text("name") or "reply", form.flag("strict"))


def tools_asked(fields: Fields, *, nested: bool) -> Tools | None:
    """The tools that a request offers, and which of them must be called.

    Args:
        fields: The request's.
        nested: Whether a function is told inside of `function`, as in chat completions.

    Raises:
        InvalidInputError: a tool is not a function, or the choice is not a valid one.
    """
    offered = _offered(fields.objects("tools"), nested=nested)
    choice, parallel = fields.any("tool_choice"), fields.flag("parallel_tool_calls")
    if not offered:
        return None
    if not isinstance(choice, dict):
        if choice not in (None, "auto", "none", "required"):
            raise InvalidInputError(f"tool_choice is {choice!r:.60}; give auto, none or required")
        return Tools(offered, choice, parallel=parallel)
    named = Fields("tool_choice", choice)  # pyright: ignore[reportUnknownArgumentType]
    if nested:
        named = named.inside("function") or Fields("tool_choice", {})
    return Tools(offered, named.wanted_text("name"), named=True, parallel=parallel)


def _head(reply: Reply, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{reply.run}",
        "object": kind,
        "created": reply.created,
        "model": reply.asked.model,
    }


def _call(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


def _finish(answer: Answer) -> str:
    return "tool_calls" if answer.tool_calls else _FINISHES[answer.finish]


def _logprobs(answer: Answer) -> dict[str, Any] | None:
    if answer.logprobs is None:
        return None
    content: list[dict[str, Any]] = [
        {
            "token": each.token,
            "logprob": each.logprob,
            "bytes": list(each.token.encode()),
            "top_logprobs": [],
        }
        for each in answer.logprobs
    ]
    return {"content": content, "refusal": None}


def _usage(answer: Answer) -> dict[str, Any]:
    usage: Usage = answer.usage
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": answer.unseen},
    }


def _error(problem: Problem) -> dict[str, Any]:
    error = {"message": problem.message, "type": problem.code, "code": problem.code, "param": None}
    return {"error": error, **problem.facts}
