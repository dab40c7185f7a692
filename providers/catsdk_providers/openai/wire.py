"""The chat-completions wire, the way out: from a request to its payload."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from catsdk.core.types import Request
from catsdk_providers.http.text import json_bytes
from catsdk_providers.openai.messages import messages_of

__all__ = ["TOOL", "batch_line", "payload_of", "sent_body"]

TOOL = "reply"
_TOOL_SAYS = "Gives the reply, in the form asked for."


def payload_of(
    request: Request, model: str, *, max_tokens_field: str, endpoint: str | None = None
) -> dict[str, Any]:
    """The arguments of the SDK's `create`: only settings that are set are sent."""
    payload: dict[str, Any] = {
        "model": model,
        "messages": messages_of(request.messages, endpoint=endpoint),
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


def sent_body(payload: Mapping[str, Any]) -> dict[str, Any]:
    """What the SDK sends for these arguments: `extra_body` beside the others."""
    body = dict(payload)
    body.update(body.pop("extra_body", {}))
    return body


def batch_line(id: str, url: str, payload: Mapping[str, Any]) -> bytes:
    """A request as a line of a file of a batch; `url` is the path that it would be sent to."""
    body = sent_body(payload)
    return json_bytes({"custom_id": id, "method": "POST", "url": url, "body": body})


def _form(request: Request) -> dict[str, Any]:
    if request.json_schema is None:
        return {}
    if request.schema_by == "tool":
        function = {"name": TOOL, "description": _TOOL_SAYS, "parameters": request.json_schema}
        chosen = {"type": "function", "function": {"name": TOOL}}
        return {"tools": [{"type": "function", "function": function}], "tool_choice": chosen}
    schema = {"name": TOOL, "schema": request.json_schema, "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}
