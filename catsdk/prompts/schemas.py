"""JSON schemas of the replies: criteria, a verdict, verdicts by id, a grade, equivalence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import get_args

from pydantic import JsonValue

from catsdk.core.types import Kind

__all__ = [
    "EQUIVALENT",
    "GRADE_BY_RUBRIC",
    "VERDICT",
    "criteria_schema",
    "verdicts_schema",
]

Schema = Mapping[str, JsonValue]

_STRING: JsonValue = {"type": "string"}
_TEXT: JsonValue = {"type": "string", "minLength": 1}
_ANSWER: JsonValue = {"type": "string", "enum": ["yes", "no", "cannot tell"]}
_KIND: JsonValue = {"type": "string", "enum": list(get_args(Kind))}
# In this order, so that the model quotes first, then reasons, then decides.
_JUDGED: Schema = {"evidence": _STRING, "reason": _STRING, "verdict": _ANSWER}


def criteria_schema(at_least: int, at_most: int, *, kinds: bool = False) -> Schema:
    """Return the schema of a list of `at_least` to `at_most` criteria, with or without kinds."""
    criterion = _object({"text": _TEXT, "kind": _KIND}) if kinds else _TEXT
    return _list("criteria", criterion, at_least, at_most)


def verdicts_schema(ids: Sequence[str]) -> Schema:
    """Return the schema of one verdict for each of the criteria `ids`."""
    known: JsonValue = {"type": "string", "enum": list(ids)}
    return _list("verdicts", _object({"id": known, **_JUDGED}), len(ids), len(ids))


def _object(fields: Schema) -> dict[str, JsonValue]:
    return {
        "type": "object",
        "properties": dict(fields),
        "required": list(fields),
        "additionalProperties": False,
    }


def _list(name: str, items: JsonValue, at_least: int, at_most: int) -> Schema:
    return _object(
        {name: {"type": "array", "items": items, "minItems": at_least, "maxItems": at_most}}
    )


_GRADE: JsonValue = {"type": "integer", "minimum": 0, "maximum": 10}

VERDICT: Schema = _object(_JUDGED)
GRADE_BY_RUBRIC: Schema = _object({"evidence": _STRING, "reason": _STRING, "grade": _GRADE})
EQUIVALENT: Schema = _object({"reason": _STRING, "verdict": _ANSWER})
