"""JSON schemas of what is asked for: criteria, a verdict, verdicts by id, a grade, equivalence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from pydantic import JsonValue

from catsdk.core.types import Kind

__all__ = ["CRITERIA", "EQUIVALENT", "GRADE_BY_RUBRIC", "KINDS_OF_CRITERIA", "VERDICT", "VERDICTS"]

Schema = Mapping[str, JsonValue]

_STRING: JsonValue = {"type": "string"}
_ANSWER: JsonValue = {"type": "string", "enum": ["yes", "no", "cannot tell"]}
# In this order: the model quotes first, then reasons, then decides.
_JUDGED: Schema = {"evidence": _STRING, "reason": _STRING, "verdict": _ANSWER}


def _object(fields: Schema) -> dict[str, JsonValue]:
    return {
        "type": "object",
        "properties": dict(fields),
        "required": list(fields),
        "additionalProperties": False,
    }


def _list(name: str, items: JsonValue) -> Schema:
    return _object({name: {"type": "array", "items": items}})


_KIND: JsonValue = {"type": "string", "enum": list(get_args(Kind))}

CRITERIA: Schema = _list("criteria", _STRING)
KINDS_OF_CRITERIA: Schema = _list("criteria", _object({"text": _STRING, "kind": _KIND}))
VERDICT: Schema = _object(_JUDGED)
VERDICTS: Schema = _list("verdicts", _object({"id": _STRING, **_JUDGED}))
GRADE_BY_RUBRIC: Schema = _object(
    {"evidence": _STRING, "reason": _STRING, "grade": {"type": "integer"}}
)
EQUIVALENT: Schema = _object({"reason": _STRING, "verdict": _ANSWER})
