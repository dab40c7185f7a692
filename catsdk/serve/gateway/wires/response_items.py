"""The objects of OpenAI's responses: the response itself, and the items of its output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from catsdk.core.types import ToolCall
from catsdk.serve.gateway.answer import Answer
from catsdk.serve.gateway.wires.wire import Reply

__all__ = [
    "begun_response",
    "call_item",
    "ended_response",
    "message_item",
    "reasoning_item",
    "text_part",
]


def begun_response(reply: Reply) -> dict[str, Any]:
    """The response before it has any output.

    Args:
        reply: What every form of the reply says.
    """
    asked = reply.asked
    tools = asked.tools
    return {
        "id": f"resp_{reply.run}",
        "object": "response",
        "created_at": reply.created,
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": asked.sampling.max_tokens,
        "metadata": {},
        "model": asked.model,
        "output": [],
        "parallel_tool_calls": tools is None or tools.parallel is not False,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "store": False,
        "temperature": asked.sampling.temperature,
        "text": {"format": {"type": "text"}},
        "tool_choice": _choice(reply),
        "tools": _tools(reply),
        "top_p": asked.sampling.top_p,
        "truncation": "disabled",
        "usage": None,
    }


def ended_response(reply: Reply, answer: Answer, output: Sequence[Any]) -> dict[str, Any]:
    """The response with its output and its usage.

    Args:
        reply: What every form of the reply says.
        answer: The answer.
        output: Its items.
    """
    reasons = {"length": "max_output_tokens", "content_filter": "content_filter"}
    reason = reasons.get(answer.finish)
    usage = answer.usage
    return begun_response(reply) | {
        "status": "completed" if reason is None else "incomplete",
        "incomplete_details": None if reason is None else {"reason": reason},
        "output": list(output),
        "usage": {
            "input_tokens": usage.input_tokens,
            "input_tokens_details": {"cached_tokens": usage.cached_tokens, "cache_write_tokens": 0},
            "output_tokens": usage.output_tokens,
            "output_tokens_details": {"reasoning_tokens": answer.unseen},
            "total_tokens": usage.tokens,
        },
        "cat": answer.facts,
    }


def text_part(text: str) -> dict[str, Any]:
    """The part of a message that holds its text.

    Args:
        text: The text.
    """
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def message_item(reply: Reply, text: str | None) -> dict[str, Any]:
    """The message of the output.

    Args:
        reply: What every form of the reply says.
        text: Its text; `None` before it has any.
    """
    return {
        "id": f"msg_{reply.run}",
        "type": "message",
        "role": "assistant",
        "status": "in_progress" if text is None else "completed",
        "content": [] if text is None else [text_part(text)],
    }


def reasoning_item(reply: Reply, text: str | None) -> dict[str, Any]:
    """What is not part of the answer.

    Args:
        reply: What every form of the reply says.
        text: Its text; `None` before it has any.
    """
    summary = [] if text is None else [{"type": "summary_text", "text": text}]
    return {"id": f"rs_{reply.run}", "type": "reasoning", "summary": summary}


def call_item(reply: Reply, at: int, call: ToolCall) -> dict[str, Any]:
    """A call of a function.

    Args:
        reply: What every form of the reply says.
        at: The call's place among the calls.
        call: The call.
    """
    return {
        "id": f"fc_{reply.run}_{at}",
        "type": "function_call",
        "call_id": call.id,
        "name": call.name,
        "arguments": call.arguments,
        "status": "completed",
    }


def _tools(reply: Reply) -> list[dict[str, Any]]:
    offered = () if reply.asked.tools is None else reply.asked.tools.offered
    return [
        {
            "type": "function",
            "name": tool.name,
            "description": tool.description,
            "parameters": dict(tool.schema),
            "strict": tool.strict,
        }
        for tool in offered
    ]


def _choice(reply: Reply) -> Any:
    tools = reply.asked.tools
    if tools is not None and tools.named:
        return {"type": "function", "name": tools.choice}
    return "auto" if tools is None or tools.choice is None else tools.choice
