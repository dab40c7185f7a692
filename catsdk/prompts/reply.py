"""Reads a model's reply: sections, criteria, yes or no. The reply is hostile text, never run."""

from __future__ import annotations

import json
import re
from typing import cast

from catsdk.core.errors import StructuredOutputError

__all__ = ["read_choice", "read_criteria", "read_grade", "read_sections", "read_verdict"]

MAX_REPLY = 200_000
MAX_CRITERIA = 50
MAX_CRITERION = 2_000

_UNIFIED = re.compile(r"^#+[ \t]*UNIFIED RESPONSE[ \t:]*$", re.MULTILINE | re.IGNORECASE)
_SUMMARY = re.compile(r"^#+[ \t]*SUMMARY[ \t:]*$", re.MULTILINE | re.IGNORECASE)
_NUMERAL = re.compile(r"\d{1,4}(?:\.\d{1,4})?")
_BULLET = re.compile(r"^(?:[-*]|\d{1,3}[.)])[ \t]+(\S.*)$", re.MULTILINE)


def read_sections(reply: str) -> tuple[str, str | None]:
    """Split a synthesis into the unified response and the summary before it.

    A reply without the heading is a response as a whole.
    """
    heading = _UNIFIED.search(reply)
    if heading is None:
        return reply.strip(), None
    return reply[heading.end() :].strip(), _SUMMARY.sub(
        "", reply[: heading.start()]
    ).strip() or None


def read_criteria(reply: str, *, at_least: int = 1) -> list[str]:
    """Read criteria from `{"criteria": [...]}` or from a list with one criterion a line.

    Raises:
        StructuredOutputError: fewer than `at_least` different criteria are there.
    """
    data = _json_object(reply)
    listed: object = data.get("criteria") if data else _BULLET.findall(reply[:MAX_REPLY])
    items = cast("list[object]", listed) if isinstance(listed, list) else []
    texts = [item.strip() for item in items if isinstance(item, str)]
    criteria = list(dict.fromkeys(text for text in texts if 0 < len(text) <= MAX_CRITERION))
    if len(criteria) < at_least:
        raise StructuredOutputError(
            f"the reply holds {len(criteria)} criteria where at least {at_least} are needed:"
            f" {reply[:200]!r}"
        )
    return criteria[:MAX_CRITERIA]


def read_verdict(reply: str) -> tuple[bool, str | None]:
    """Read `{"met": true, "evidence": "..."}` or a reply that is only yes or no.

    Raises:
        StructuredOutputError: the reply is neither.
    """
    data = _json_object(reply)
    if data is not None and isinstance(met := data.get("met"), bool):
        evidence = data.get("evidence")
        return met, evidence if isinstance(evidence, str) and evidence else None
    word = reply.strip().strip(".!*").lower()
    if word in {"yes", "no"}:
        return word == "yes", None
    raise StructuredOutputError(
        f"the reply is neither yes or no nor JSON with a true or false 'met': {reply[:200]!r}"
    )


def read_choice(reply: str, count: int) -> int:
    """Read `{"choice": 3}` or a reply that is only the number; returns a position from 0.

    Raises:
        StructuredOutputError: the reply is neither, or the number is not from 1 to `count`.
    """
    data = _json_object(reply)
    choice = data.get("choice") if data is not None else _number(reply)
    if isinstance(choice, int) and not isinstance(choice, bool) and 1 <= choice <= count:
        return choice - 1
    raise StructuredOutputError(
        f"the reply is neither a number from 1 to {count} nor JSON with such a 'choice':"
        f" {reply[:200]!r}"
    )


def read_grade(reply: str, *, most: float = 10.0) -> tuple[float, str | None]:
    """Read `{"grade": 7, "reason": "..."}` or a reply that is only the number.

    Raises:
        StructuredOutputError: the reply is neither, or the grade is not from 0 to `most`.
    """
    data = _json_object(reply)
    grade = data.get("grade") if data is not None else _number(reply)
    if isinstance(grade, int | float) and not isinstance(grade, bool) and 0 <= grade <= most:
        reason = data.get("reason") if data is not None else None
        return float(grade), reason if isinstance(reason, str) and reason else None
    raise StructuredOutputError(
        f"the reply is neither a number from 0 to {most:g} nor JSON with such a 'grade':"
        f" {reply[:200]!r}"
    )


def _number(reply: str) -> int | float | None:
    text = reply.strip().strip(".!*")
    if not _NUMERAL.fullmatch(text):
        return None
    return float(text) if "." in text else int(text)


def _json_object(reply: str) -> dict[str, object] | None:
    start, end = reply.find("{"), reply.rfind("}")
    if start < 0 or end < start or len(reply) > MAX_REPLY:
        return None
    try:
        data: object = json.loads(reply[start : end + 1])
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None  # pyright: ignore[reportUnknownVariableType]
