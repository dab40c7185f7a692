"""Parses an error body of any dialect: its message, code, type and parameter."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

__all__ = ["Said", "said_in", "says_something"]

_DEEPEST = 8
_LONGEST = 4_000

# Where services put the words, the most telling field first; each may hold a text, an object or
# a list.
_MESSAGES = (
    "message", "Message", "error_message", "errorMessage", "error_msg", "msg", "status_msg",
    "detail", "reason", "description", "title", "text",
)  # fmt: skip
# The fields that hold the error itself.
_ERRORS = ("error", "errors", "detail", "base_resp", "response", "body")
_CODES = ("code", "error_code", "errorCode", "status_code", "statusCode")
_TYPES = ("type", "error_type", "__type", "status", "object")
_STATUSES = ("status", "status_code", "statusCode", "code", "error_code", "http_status")
_PARAMS = ("param", "parameter", "field")
# Types that only say that something went wrong.
_EMPTY_TYPES = {"error", "Error", "list"}


@dataclass(frozen=True, slots=True)
class Said:
    """What an error body says. `code` and `type` are empty, and the others `None`, without one.

    `status` is the HTTP status that the body names, which may differ from the reply's own.
    """

    message: str = ""
    code: str = ""
    type: str = ""
    param: str | None = None
    status: int | None = None

    @property
    def names(self) -> set[str]:
        """Code and type, as far as there are any."""
        return {self.code, self.type} - {""}


def said_in(body: object) -> Said:
    """Read the words of `body`: parsed JSON of any form, JSON in a text, or plain text."""
    said = _said(body, _DEEPEST)
    return replace(said, message=" ".join(said.message[: 2 * _LONGEST].split())[:_LONGEST])


def says_something(error: object) -> bool:
    """Whether what stands under `error` reports one; some gateways always send an empty one."""
    if error is None:
        return False
    if isinstance(error, Mapping):
        said = said_in(error)
        silent = {"", "0", "null", "none", "ok", "success", "200"}
        return bool(said.message) or said.code.lower() not in silent
    return bool(error) and error is not True


def _said(body: object, depth: int) -> Said:
    if depth == 0 or body is None or isinstance(body, bool):
        return Said()
    if isinstance(body, str):
        return _in_text(body, depth)
    if isinstance(body, Mapping):
        return _in_object(body, depth)
    if isinstance(body, list):
        return _in_list(body, depth)
    return Said(message=str(body))


def _in_text(text: str, depth: int) -> Said:
    text = text.strip()
    if text[:1] in {"{", "["} and len(text) <= 100_000:
        try:
            inner = _said(json.loads(text), depth - 1)
        except (ValueError, RecursionError):
            return Said(message=text)
        return inner if inner.message else replace(inner, message=text)
    return Said(message=text)


def _in_list(items: list[Any], depth: int) -> Said:
    each = [said for item in items[:10] if (said := _said(item, depth - 1)).message]
    if not each:
        return Said()
    return replace(each[0], message="; ".join(said.message for said in each))


def _in_object(body: Mapping[str, Any], depth: int) -> Said:
    inner = next(
        (said for name in _ERRORS if (said := _said(body.get(name), depth - 1)).message), Said()
    )
    code, kind = _first(body, _CODES), _first(body, _TYPES)
    kind = "" if kind in _EMPTY_TYPES or kind.isdigit() else kind
    own = Said(
        message=_message(body, inner, depth),
        code=code,
        type=kind,
        param=_first(body, _PARAMS) or _location(body),
        status=_status(body),
    )
    return Said(
        message=own.message or inner.message,
        code=_better(inner.code, own.code),
        type=inner.type or own.type,
        param=inner.param or own.param,
        status=inner.status or own.status,
    )


def _message(body: Mapping[str, Any], inner: Said, depth: int) -> str:
    """The object's own message, and that of the error that it passes on."""
    own = next((t for name in _MESSAGES if (t := _said(body.get(name), depth - 1).message)), "")
    location = _location(body)
    if location and own:
        own = f"{location}: {own}"
    passed_on = body.get("metadata")
    upstream = ""
    if isinstance(passed_on, Mapping):
        # OpenRouter: the words of the provider behind it.
        upstream = _said(passed_on.get("raw"), depth - 1).message
    parts: Iterable[str] = (inner.message, own, upstream)
    distinct: list[str] = []
    for part in parts:
        if part and not any(part in other for other in distinct):
            distinct = [other for other in distinct if other not in part] + [part]
    return ": ".join(distinct)


def _location(body: Mapping[str, Any]) -> str | None:
    """FastAPI says which part of the request is wrong: `["body", "n"]`."""
    where = body.get("loc")
    if not isinstance(where, list):
        return None
    return ".".join(str(step) for step in where[:6] if step != "body") or None


def _first(body: Mapping[str, Any], names: tuple[str, ...]) -> str:
    for name in names:
        value = body.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
            return str(value)[:100]
    return ""


def _better(inner: str, own: str) -> str:
    """Prefer a code in words, which says more than a number."""
    return own if own and (not inner or (inner.isdigit() and not own.isdigit())) else inner


def _status(body: Mapping[str, Any]) -> int | None:
    for name in _STATUSES:
        value = body.get(name)
        if isinstance(value, str) and len(value) == 3 and value.isascii() and value.isdigit():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and 400 <= value < 600:
            return value
    return None
