"""The bounds in a JSON schema, left out where a service was found to refuse them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

from pydantic import JsonValue

from catsdk.core.errors import ContentFilteredError, ContextTooLongError, RequestRefusedError
from catsdk.core.ports import Provider, innermost
from catsdk.runtime.limits.endpoints import PerEndpoint

__all__ = ["learn_refused_bounds", "taken_schema"]

BOUNDS = frozenset({"minItems", "maxItems", "minLength", "maxLength", "minimum", "maximum"})

_BOUND = re.compile(rf"\b(?:{'|'.join(sorted(BOUNDS))})\b")
_SCHEMA = re.compile(r"schema", re.IGNORECASE)
_refused: PerEndpoint[set[str]] = PerEndpoint(lambda _: set())


def taken_schema(provider: Provider, schema: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return `schema` without the bounds that the provider's service is known to refuse."""
    refused = _refused.of(innermost(provider))
    return cast("dict[str, JsonValue]", _without(dict(schema), refused))


def learn_refused_bounds(
    provider: Provider, schema: Mapping[str, JsonValue], error: RequestRefusedError
) -> bool:
    """Learn from the refusal of a request with `schema`; say whether to send it with fewer bounds.

    The bounds that the message names are left out from now on, all of them where it complains of
    the schema and names none.
    """
    if isinstance(error, ContextTooLongError | ContentFilteredError):
        return False
    there = _bounds_in(dict(schema))
    named = there & set(_BOUND.findall(str(error)))
    capability = getattr(error, "capability", None)
    if not named and (capability is not None or not _SCHEMA.search(str(error))):
        return False
    _refused.of(innermost(provider)).update(named or there)
    return bool(there)


def _without(schema: JsonValue, names: set[str]) -> JsonValue:
    if isinstance(schema, list):
        return [_without(each, names) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {name: each for name, each in schema.items() if name not in names}
    return {name: _without(each, names) for name, each in kept.items()}


def _bounds_in(schema: JsonValue) -> set[str]:
    if isinstance(schema, list):
        return {name for each in schema for name in _bounds_in(each)}
    if not isinstance(schema, dict):
        return set()
    inner = {name for each in schema.values() for name in _bounds_in(each)}
    return inner | (BOUNDS & set(schema))
