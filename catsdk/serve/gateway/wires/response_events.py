"""The event stream of OpenAI's responses: items and parts that are opened, filled and closed."""

from __future__ import annotations

from typing import Any

from catsdk.serve.gateway.answer import Answer
from catsdk.serve.gateway.wires.response_items import (
    begun_response,
    call_item,
    ended_response,
    message_item,
    reasoning_item,
    text_part,
)
from catsdk.serve.gateway.wires.wire import COMMENT, Reply, event
from catsdk.serve.site.problems import Problem

__all__ = ["ResponseEvents"]


class ResponseEvents:
    """The events of one streamed response, numbered from 0."""

    keep_alive = COMMENT

    def __init__(self, reply: Reply) -> None:
        """Start without output."""
        self._reply = reply
        self._number = 0
        self._output: list[dict[str, Any]] = []
        self._open: str | None = None
        self._pieces: list[str] = []

    def begin(self) -> bytes:
        """The response without output."""
        begun = begun_response(self._reply)
        return self._event("response.created", response=begun) + self._event(
            "response.in_progress", response=begun
        )

    def text(self, piece: str) -> bytes:
        """A piece of the answer."""
        begun = b""
        if self._open != "message":
            begun = self._close() + self._added(message_item(self._reply, None), "message")
            begun += self._event(
                "response.content_part.added", **self._place(), content_index=0, part=text_part("")
            )
        self._pieces.append(piece)
        return begun + self._event(
            "response.output_text.delta",
            **self._place(),
            content_index=0,
            delta=piece,
            logprobs=[],
        )

    def reasoning(self, piece: str) -> bytes:
        """A piece that is not part of the answer; nothing once that has begun."""
        if self._open == "message":
            return b""
        begun = b""
        if self._open is None:
            begun = self._added(reasoning_item(self._reply, None), "reasoning")
            part = {"type": "summary_text", "text": ""}
            begun += self._event(
                "response.reasoning_summary_part.added",
                **self._place(),
                summary_index=0,
                part=part,
            )
        self._pieces.append(piece)
        return begun + self._event(
            "response.reasoning_summary_text.delta", **self._place(), summary_index=0, delta=piece
        )

    def end(self, answer: Answer) -> bytes:
        """The end of the message, the calls of functions, and the whole response."""
        pieces = [] if self._open == "message" or answer.tool_calls else [self.text("")]
        pieces.append(self._close())
        for at, call in enumerate(answer.tool_calls):
            item = call_item(self._reply, at, call)
            pieces.append(self._added(item | {"arguments": "", "status": "in_progress"}, "call"))
            for kind, field in (("delta", "delta"), ("done", "arguments")):
                pieces.append(
                    self._event(
                        f"response.function_call_arguments.{kind}",
                        **self._place(),
                        **{field: call.arguments},
                    )
                )
            pieces.append(self._done(item))
        whole = ended_response(self._reply, answer, self._output)
        pieces.append(self._event(f"response.{whole['status']}", response=whole))
        return b"".join(pieces)

    def failed(self, problem: Problem) -> bytes:
        """An error, on which the SDK raises."""
        error = {"message": problem.message, "type": problem.code, "code": problem.code}
        return self._event(
            "error",
            code=problem.code,
            message=problem.message,
            param=None,
            error=error,
            **problem.facts,
        )

    def _added(self, item: dict[str, Any], kind: str) -> bytes:
        self._open, self._pieces = kind, []
        self._output.append(item)
        return self._event(
            "response.output_item.added", output_index=len(self._output) - 1, item=item
        )

    def _close(self) -> bytes:
        text = "".join(self._pieces)
        if self._open == "message":
            place = self._place()
            return (
                self._event(
                    "response.output_text.done", **place, content_index=0, text=text, logprobs=[]
                )
                + self._event(
                    "response.content_part.done", **place, content_index=0, part=text_part(text)
                )
                + self._done(message_item(self._reply, text))
            )
        if self._open == "reasoning":
            place = self._place()
            part = {"type": "summary_text", "text": text}
            return (
                self._event(
                    "response.reasoning_summary_text.done", **place, summary_index=0, text=text
                )
                + self._event(
                    "response.reasoning_summary_part.done", **place, summary_index=0, part=part
                )
                + self._done(reasoning_item(self._reply, text))
            )
        return b""

    def _done(self, item: dict[str, Any]) -> bytes:
        self._open = None
        self._output[-1] = item
        return self._event(
            "response.output_item.done", output_index=len(self._output) - 1, item=item
        )

    def _place(self) -> dict[str, Any]:
        return {"item_id": self._output[-1]["id"], "output_index": len(self._output) - 1}

    def _event(self, kind: str, **fields: Any) -> bytes:
        data = {"type": kind, "sequence_number": self._number, **fields}
        self._number += 1
        return event(data, kind)
