"""Describes the gateway in OpenAPI's format, for clients and tools."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from catsdk import __version__

__all__ = ["openapi"]

_TEXT: Mapping[str, Any] = {"type": "string"}
_WHOLE: Mapping[str, Any] = {"type": "integer", "minimum": 1}
_NUMBER: Mapping[str, Any] = {"type": "number", "minimum": 0}
_SHARE: Mapping[str, Any] = {"type": "number", "exclusiveMinimum": 0, "maximum": 1}
_OBJECT: Mapping[str, Any] = {"type": "object"}
_REFUSALS = {
    "400": "The request is wrong, or the service refuses it.",
    "401": "The key is missing or wrong.",
    "403": "There are no keys, and the request is not this machine's own.",
    "404": "There is no such model.",
    "408": "The body did not arrive in time.",
    "413": "The body is too large.",
    "415": "The body is encoded.",
    "429": "Too much is asked at once, or a budget is used up.",
    "500": "A defect of the server.",
    "502": "The model's service failed.",
    "503": "The model's service is overloaded.",
    "504": "The model's service is late.",
}


def openapi() -> dict[str, Any]:
    """Return the document."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "catsdk gateway", "version": __version__},
        "security": [{}, {"bearer": []}, {"header": []}],
        "paths": {
            "/health": _getting("Whether the process lives."),
            "/ready": _getting("Whether it takes one more request."),
            "/metrics": _getting("What was asked and used.", "text/plain"),
            "/openapi.json": _getting("This document."),
            "/v1/models": _getting("The names that may be asked."),
            "/v1/models/{name}": _getting("One of them.", parameter="name"),
            "/v1/runs/{run}": _getting("What was kept of a run.", parameter="run"),
            "/v1/chat/completions": _posting("OpenAI's chat completions.", "Chat", streams=True),
            "/v1/responses": _posting("OpenAI's responses.", "Responses", streams=True),
            "/v1/messages": _posting("Anthropic's messages.", "Messages", streams=True),
            "/v1/messages/count_tokens": _posting("The length of a conversation.", "Messages"),
        },
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "header": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            },
            "schemas": {
                "Cat": _cat(),
                "Message": _message(),
                "Chat": _asking(
                    ["model", "messages"],
                    messages=_several("Message"),
                    max_tokens=_WHOLE,
                    max_completion_tokens=_WHOLE,
                    seed={"type": "integer"},
                    n={"const": 1},
                    stop={"type": "array", "items": _TEXT},
                ),
                "Responses": _asking(
                    ["model", "input"],
                    input={"anyOf": [_TEXT, _several("Message")]},
                    instructions=_TEXT,
                    max_output_tokens=_WHOLE,
                ),
                "Messages": _asking(
                    ["model", "messages"],
                    messages=_several("Message"),
                    system=_TEXT,
                    max_tokens=_WHOLE,
                    stop_sequences={"type": "array", "items": _TEXT},
                ),
            },
        },
    }


def _getting(
    what: str, kind: str = "application/json", *, parameter: str | None = None
) -> dict[str, Any]:
    operation: dict[str, Any] = {"summary": what, "responses": _responses(kind)}
    if parameter is not None:
        operation["parameters"] = [
            {"name": parameter, "in": "path", "required": True, "schema": _TEXT}
        ]
    return {"get": operation}


def _posting(what: str, schema: str, *, streams: bool = False) -> dict[str, Any]:
    body = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    kinds = ["application/json", *(["text/event-stream"] if streams else [])]
    return {
        "post": {
            "summary": what,
            "requestBody": {"required": True, "content": body},
            "responses": _responses(*kinds),
        }
    }


def _responses(*kinds: str) -> dict[str, Any]:
    answers: dict[str, Any] = {
        "200": {
            "description": "The answer.",
            "content": {kind: {} for kind in kinds},
        }
    }
    for status, what in _REFUSALS.items():
        answers[status] = {
            "description": what,
            "content": {"application/json": {"schema": {"type": "object", "required": ["error"]}}},
        }
    return answers


def _asking(required: list[str], **fields: Mapping[str, Any]) -> dict[str, Any]:
    shared = {
        "model": _TEXT,
        "stream": {"type": "boolean"},
        "temperature": _NUMBER,
        "top_p": _SHARE,
        "tools": {"type": "array", "items": _OBJECT},
        "cat": {"$ref": "#/components/schemas/Cat"},
    }
    return {"type": "object", "required": required, "properties": shared | dict(fields)}


def _several(schema: str) -> dict[str, Any]:
    return {
        "type": "array",
        "minItems": 1,
        "items": {"$ref": f"#/components/schemas/{schema}"},
    }


def _message() -> dict[str, Any]:
    roles = {"enum": ["system", "developer", "user", "assistant", "tool"]}
    content = {"anyOf": [_TEXT, {"type": "array", "items": _OBJECT}]}
    return {
        "type": "object",
        "required": ["role", "content"],
        "properties": {"role": roles, "content": content},
    }


def _cat() -> dict[str, Any]:
    budget = {
        "usd": _NUMBER,
        "tokens": _WHOLE,
        "requests": _WHOLE,
        "seconds": {"type": "number", "exclusiveMinimum": 0},
    }
    returns = {"enum": ["progress", "rollouts", "summary"]}
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "n": _WHOLE,
            "estimator": _TEXT,
            "budget": {"type": "object", "additionalProperties": False, "properties": budget},
            "return": {"type": "array", "items": returns},
            "tools": {"enum": ["pass", "vote"]},
            "keep": {"type": "boolean"},
        },
    }
