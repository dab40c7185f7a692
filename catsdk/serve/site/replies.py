"""Replies of a service: JSON, and errors in a form that OpenAI's clients and people can read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from catsdk.serve.site.problems import Problem

__all__ = ["json_response", "refusal"]


def json_response(
    body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a response of JSON.

    Args:
        body: What it holds.
        status: The HTTP status.
        headers: Further headers.
    """
    content = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Response(
        content.encode("utf-8", "replace"),
        status_code=status,
        media_type="application/json",
        headers=dict(headers or {}),
    )


def refusal(problem: Problem) -> Response:
    """Return what OpenAI's clients and people read: the message under `error` and `detail`.

    Args:
        problem: What is wrong.
    """
    error = {"message": problem.message, "type": problem.code, "code": problem.code, "param": None}
    body = {"error": error, "detail": problem.message, **problem.facts}
    return json_response(body, problem.status, problem.headers)
