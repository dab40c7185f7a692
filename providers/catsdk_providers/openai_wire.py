"""The chat-completions wire: from a request to its payload, from a reply to completions."""

from __future__ import annotations

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

__all__ = ["completions_of", "payload_of"]

MAX_TEXT = 1_000_000

_FINISH: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "content_filter": "content_filter",
}


def payload_of(request: Request, model: str, *, max_tokens_field: str) -> dict[str, Any]:
    """The arguments of the SDK's `create`: only settings that are set are sent."""
    payload: dict[str, Any] = {
        "model": model,
        "messages": [_message(message) for message in request.messages],
        "n": request.n if request.n > 1 else None,
        "temperature": request.temperature,
        "top_p": request.top_p,
        max_tokens_field: request.max_tokens,
        "stop": list(request.stop) or None,
        "seed": request.seed,
        "logprobs": request.logprobs or None,
        "response_format": _format(request),
    }
    extra = dict(request.extra)
    if request.top_k is not None:
        extra["top_k"] = request.top_k
    if extra:
        payload["extra_body"] = extra
    return {name: value for name, value in payload.items() if value is not None}


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


def _format(request: Request) -> dict[str, Any] | None:
    if request.json_schema is None:
        return None
    schema = {"name": "reply", "schema": request.json_schema, "strict": True}
    return {"type": "json_schema", "json_schema": schema}


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
        choices = sorted(body["choices"], key=lambda choice: choice.get("index", 0))
        usage = _usage(body.get("usage"))
        completions = [
            _completion(choice, usage if at == 0 else Usage(), str(body.get("model") or model))
            for at, choice in enumerate(choices)
        ]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise MalformedResponseError(
            f"{model}: the reply is no chat completion ({type(error).__name__}: {error})",
            model=model,
            request_id=request_id,
        ) from error
    if not completions or any(len(completion.text) > MAX_TEXT for completion in completions):
        what = f"a text over {MAX_TEXT:,} characters" if completions else "no choice"
        raise MalformedResponseError(
            f"{model}: the reply holds {what}", model=model, request_id=request_id
        )
    facts = {"latency": latency, "request_id": request_id}
    return [completion.model_copy(update=facts) for completion in completions]


def _completion(choice: Any, usage: Usage, model: str) -> Completion:
    message = choice["message"]
    apart = message.get("reasoning_content") or message.get("reasoning")
    thinking, text = split_thinking(message.get("content") or message.get("refusal") or "")
    return Completion(
        text=text,
        reasoning=apart if isinstance(apart, str) else thinking,
        finish_reason=_FINISH.get(choice.get("finish_reason") or "stop", "other"),
        logprobs=_logprobs(choice.get("logprobs")),
        usage=usage,
        model=model,
    )


def _logprobs(logprobs: Any) -> tuple[TokenLogprob, ...] | None:
    if not logprobs or logprobs.get("content") is None:
        return None
    return tuple(
        TokenLogprob(token=token["token"], logprob=token["logprob"])
        for token in logprobs["content"]
    )


def _usage(usage: Any) -> Usage:
    """Prices come later: the cost of a hosted call is unknown."""
    if not usage:
        return Usage(requests=1, unreported=1, cost=None)
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    reasoning = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0
    return Usage(
        input_tokens=usage["prompt_tokens"],
        output_tokens=usage.get("completion_tokens") or 0,
        cached_tokens=cached,
        reasoning_tokens=reasoning,
        requests=1,
        cost=None,
    )
