"""Remembers what a service refuses in JSON schemas: some bounds, or the schema as a whole."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from hashlib import sha256

from pydantic import JsonValue

from catsdk.core.errors import (
    CatError,
    ContentFilteredError,
    ContextTooLongError,
    InvalidInputError,
    RequestRefusedError,
)
from catsdk.core.json_schema import mapped, subschemas
from catsdk.core.ports import Provider
from catsdk.runtime.limits.endpoints import PerEndpoint

__all__ = ["Refusals", "refusals_of"]

Schema = Mapping[str, JsonValue]

BOUNDS = frozenset(
    ("minItems", "maxItems", "uniqueItems", "minLength", "maxLength", "pattern", "format")
    + ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
)

_BOUND = re.compile(rf"\b(?:{'|'.join(sorted(BOUNDS))})\b")
_SCHEMA = re.compile(r"schema", re.IGNORECASE)
# Words with which services that use grammars say that a schema cannot be enforced.
_FORM = re.compile(r"schema|grammar|structured|guided|response_format|tool|func", re.IGNORECASE)


class Refusals:
    """What of JSON schemas one service was found to refuse."""

    def __init__(self) -> None:
        """Start with nothing refused."""
        self._bounds: set[str] = set()
        self._schemas: set[str] = set()

    def holds(self, schema: Schema, route: str) -> bool:
        """Whether this one schema was refused by `route`."""
        return bool(self._schemas) and _key(schema, route) in self._schemas

    def without_bounds(self, schema: Schema) -> dict[str, JsonValue]:
        """Return `schema` without the bounds that were refused."""
        return _without(schema, self._bounds) if self._bounds else dict(schema)

    def learn_bounds(self, schema: Schema, error: RequestRefusedError) -> bool:
        """Learn from the refusal of a request with `schema`; say whether to send fewer bounds.

        The bounds that the message names are left out from now on, all of them where it complains
        of the schema and names none.
        """
        if isinstance(error, ContextTooLongError | ContentFilteredError):
            return False
        there = _bounds_in(schema)
        named = there & set(_BOUND.findall(str(error)))
        capability = getattr(error, "capability", None)
        if not named and (capability is not None or not _SCHEMA.search(str(error))):
            return False
        self._bounds.update(named or there)
        return bool(there)

    def learn_schema(self, schema: Schema, route: str, error: CatError) -> bool:
        """Learn from a refusal that `schema` cannot be asked for by `route`; say whether it is so.

        Args:
            schema: The JSON schema of the form.
            route: How the form was asked for.
            error: What the service, or its SDK before sending, said.
        """
        if isinstance(error, ContextTooLongError | ContentFilteredError):
            return False
        if not isinstance(error, RequestRefusedError | InvalidInputError):
            return False
        named = getattr(error, "parameter", None) or getattr(error, "capability", None)
        if named not in {"json_schema", "tools"} and not _FORM.search(str(error)):
            return False
        self._schemas.add(_key(schema, route))
        return True


_known: PerEndpoint[Refusals] = PerEndpoint(lambda _: Refusals())


def refusals_of(provider: Provider) -> Refusals:
    """What the service of `provider` is known to refuse; all who ask it learn from each other."""
    return _known.of(provider)


def _key(schema: Schema, route: str) -> str:
    return sha256(json.dumps([route, dict(schema)]).encode()).hexdigest()


def _without(schema: Schema, names: set[str]) -> dict[str, JsonValue]:
    kept = {name: each for name, each in schema.items() if name not in names}
    return mapped(kept, lambda inner: _without(inner, names))


def _bounds_in(schema: Schema) -> set[str]:
    inner = {name for _, each in subschemas(schema) for name in _bounds_in(each)}
    return inner | (BOUNDS & set(schema))
