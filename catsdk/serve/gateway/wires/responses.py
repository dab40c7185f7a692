"""OpenAI's responses, without state: requests read, and replies written."""

from __future__ import annotations

from typing import Any, Final

from starlette.responses import Response

from catsdk.core.errors import InvalidInputError
from catsdk.core.options import Sampling
from catsdk.serve.gateway.answer import Answer
from catsdk.serve.gateway.asked import Asked, Shape
from catsdk.serve.gateway.fields import Fields, checked_chat
from catsdk.serve.gateway.wires.chat import IGNORED, tools_asked
from catsdk.serve.gateway.wires.response_events import ResponseEvents
from catsdk.serve.gateway.wires.response_items import (
    call_item,
    ended_response,
    message_item,
    reasoning_item,
)
from catsdk.serve.gateway.wires.wire import Reply
from catsdk.serve.site.problems import Problem
from catsdk.serve.site.replies import refusal

__all__ = ["ResponsesWire"]

# Fields that need a stored conversation, which this service does not have.
_STATE: Final = ("previous_response_id", "conversation", "prompt")
_IGNORED: Final = IGNORED | {
    "include", "truncation", "max_tool_calls", "stream_options", "reasoning", "store",
}  # fmt: skip


class ResponsesWire:
    """The dialect of `/v1/responses`."""

    ignored = _IGNORED

    def read(self, fields: Fields, pass_on: tuple[str, ...]) -> Asked:
        """Take what is understood; see `Wire`."""
        for name in _STATE:
            if name in fields:
                raise InvalidInputError(
                    f"{name} needs a store, which is not supported; send the conversation as input"
                )
        if fields.flag("background"):
            raise InvalidInputError("background is not supported; leave it out")
        if fields.whole("top_logprobs"):
            raise InvalidInputError("top_logprobs are not passed on; leave them out")
        return Asked(
            model=fields.wanted_text("model"),
            messages=checked_chat(_conversation(fields)),
            shape=_shape(fields),
            tools=tools_asked(fields, nested=False),
            sampling=Sampling(
                temperature=fields.number("temperature"),
                top_p=fields.number("top_p"),
                max_tokens=fields.whole("max_output_tokens"),
                extra=fields.taken(pass_on),
            ),
        )

    def whole(self, answer: Answer, reply: Reply) -> dict[str, Any]:
        """The body of a whole reply."""
        output: list[dict[str, Any]] = []
        if answer.reasoning:
            output.append(reasoning_item(reply, answer.reasoning))
        if answer.text or not answer.tool_calls:
            output.append(message_item(reply, answer.text))
        output += [call_item(reply, at, call) for at, call in enumerate(answer.tool_calls)]
        return ended_response(reply, answer, output)

    def events(self, reply: Reply) -> ResponseEvents:
        """What writes the reply as a stream."""
        return ResponseEvents(reply)

    def refusal(self, problem: Problem) -> Response:
        """The response where there is no answer."""
        return refusal(problem)


def _conversation(fields: Fields) -> list[Any]:
    given, instructions = fields.any("input"), fields.text("instructions")
    if isinstance(given, str):
        given = [{"role": "user", "content": given}]
    if not isinstance(given, list):
        raise InvalidInputError(f"input is {given!r:.80}; give a text or a list of items")
    messages: list[Any] = given  # pyright: ignore[reportUnknownVariableType]
    return [{"role": "system", "content": instructions}, *messages] if instructions else messages


def _shape(fields: Fields) -> Shape | None:
    text = fields.inside("text")
    form = None if text is None else text.inside("format")
    if form is None or (kind := form.text("type")) == "text":
        return None
    if kind == "json_object":
        return Shape(None)
    schema = form.mapping("schema")
    if kind != "json_schema" or schema is None:
        raise InvalidInputError(
            f"text.format is of the type {kind!r:.60}; give text, json_object, or json_schema with"
            " a schema"
        )
    return Shape(schema, form.text("name") or "reply", form.flag("strict"))
