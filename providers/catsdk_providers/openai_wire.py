"""The chat-completions wire: from a request to its payload, from a reply to completions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from catsdk.core.errors import MalformedResponseError
from catsdk.core.thinking import split_thinking
from catsdk.core.types import (
    Completion,
    FinishReason,
    ImagePart,
    Message,
    Request,
    TokenLogprob,
    Usage,
)
from catsdk_providers.wire_text import MAX_TEXT, NOT_THE_WIRE, mended

__all__ = ["completions_of", "messages_of", "payload_of", "usage_of"]

TOOL = "reply"
_TOOL_SAYS = "Gives the reply, in the form asked for."

_FINISH: dict[str, FinishReason] = {
    "stop": "stop",
    "tool_calls": "stop",
    "length": "length",
    "content_filter": "content_filter",
}


def payload_of(request: Request, model: str, *, max_tokens_field: str) -> dict[str, Any]:
    """The arguments of the SDK's `create`: only settings that are set are sent."""
    payload: dict[str, Any] = {
        "model": model,
        "messages": messages_of(request.messages),
        "n": request.n if request.n > 1 else None,
        "temperature": request.temperature,
        "top_p": request.top_p,
        max_tokens_field: request.max_tokens,
        "stop": list(request.stop) or None,
        "seed": request.seed,
        "logprobs": request.logprobs or None,
        **_form(request),
    }
    extra = dict(request.extra)
    if request.top_k is not None:
        extra["top_k"] = request.top_k
    if extra:
        payload["extra_body"] = extra
    return {name: value for name, value in payload.items() if value is not None}


def messages_of(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """The messages as the wire has them."""
    return [_message(message) for message in messages]


def _message(message: Message) -> dict[str, Any]:
    if isinstance(message.content, str):
        return {"role": message.role, "content": message.content}
    parts = [
        {"type": "image_url", "image_url": {"url": part.url}}
        if isinstance(part, ImagePart)
        else {"type": "text", "text": part.text}
        for part in message.content
    ]
    return {"role": message.role, "content": parts}


def _form(request: Request) -> dict[str, Any]:
    if request.json_schema is None:
        return {}
    if request.schema_by == "tool":
        function = {"name": TOOL, "description": _TOOL_SAYS, "parameters": request.json_schema}
        chosen = {"type": "function", "function": {"name": TOOL}}
        return {"tools": [{"type": "function", "function": function}], "tool_choice": chosen}
    schema = {"name": TOOL, "schema": request.json_schema, "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


def completions_of(
    reply: object, *, model: str, latency: float, request_id: str | None
) -> list[Completion]:
    """The completions of a reply, in the order of their index.

    The usage of the whole request stands with the first: the wire does not tell it by choice.

    Raises:
        MalformedResponseError: the reply is not of the wire, holds no choice, or is too long.
    """
    try:
        body: Any = reply
        choices = sorted(body["choices"], key=lambda choice: choice.get("index") or 0)
        usage = usage_of(body.get("usage"))
        answered_by = mended(str(body.get("model") or model))
        completions = [
            _completion(
                choice,
                usage=usage if at == 0 else Usage(),
                model=answered_by,
                latency=latency,
                request_id=request_id,
            )
            for at, choice in enumerate(choices)
        ]
    except NOT_THE_WIRE as error:
        raise MalformedResponseError(
            f"{model}: the reply is no chat completion ({type(error).__name__}: {error})",
            model=model,
            request_id=request_id,
        ) from error
    if not completions or any(_length(completion) > MAX_TEXT for completion in completions):
        what = f"a text over {MAX_TEXT:,} characters" if completions else "no choice"
        raise MalformedResponseError(
            f"{model}: the reply holds {what}", model=model, request_id=request_id
        )
    return completions


def _completion(choice: Any, **facts: Any) -> Completion:
    message = choice["message"]
    apart = message.get("reasoning_content") or message.get("reasoning")
    refusal = message.get("refusal")
    content = _called(message) or message.get("content") or refusal or ""
    if not isinstance(content, str):
        content = "".join(part["text"] for part in content if part.get("type") == "text")
    thinking, text = split_thinking(mended(content))
    return Completion(
        text=text,
        reasoning=mended(apart) if isinstance(apart, str) else thinking,
        finish_reason="content_filter" if refusal else _finish(choice),
        logprobs=_logprobs(choice.get("logprobs")),
        **facts,
    )


def _called(message: Any) -> str | None:
    """The arguments of the function that was forced on the model: its answer."""
    calls = message.get("tool_calls") or ()
    functions = [call["function"] for call in calls if call.get("type", "function") == "function"]
    return next((each["arguments"] for each in functions if each["name"] == TOOL), None)


def _finish(choice: Any) -> FinishReason:
    return _FINISH.get(choice.get("finish_reason") or "stop", "other")


def _length(completion: Completion) -> int:
    return max(len(completion.text), len(completion.reasoning or ""))


def _logprobs(logprobs: Any) -> tuple[TokenLogprob, ...] | None:
    if not logprobs or logprobs.get("content") is None:
        return None
    return tuple(
        TokenLogprob(token=mended(token["token"]), logprob=token["logprob"])
        for token in logprobs["content"]
    )


def usage_of(usage: Any) -> Usage:
    """What the reply tells; without a prompt's and an answer's count it tells nothing.

    Prices come later: the cost of a hosted call is unknown.
    """
    told = usage or {}
    prompt, answer = told.get("prompt_tokens"), told.get("completion_tokens")
    if not (isinstance(prompt, int) and isinstance(answer, int) and min(prompt, answer) >= 0):
        return Usage(requests=1, unreported=1, cost=None)
    return Usage(
        input_tokens=prompt,
        output_tokens=answer,
        cached_tokens=_detail(told, "prompt_tokens_details", "cached_tokens"),
        reasoning_tokens=_detail(told, "completion_tokens_details", "reasoning_tokens"),
        requests=1,
        cost=None,
    )


def _detail(usage: dict[str, Any], where: str, what: str) -> int:
    count = (usage.get(where) or {}).get(what)
    return max(0, count) if isinstance(count, int) else 0
