"""JSON schemas as services enforce them: closed objects, all fields required, short references."""

from __future__ import annotations

from typing import cast

from pydantic import JsonValue

from catsdk.core.errors import InvalidInputError
from catsdk.core.json_schema import Schema, mapped, resolved

__all__ = ["strict_schema", "with_summary"]

# Some services reject these keywords, and they tell a model nothing.
_LEFT_OUT = frozenset(
    ("title", "default", "examples", "discriminator", "deprecated", "readOnly", "writeOnly")
    + ("$schema", "$id", "$comment", "strict", "propertyOrdering")
)
ROOT = "Output"


def strict_schema(schema: Schema) -> dict[str, JsonValue]:
    """Return a schema that strict services accept, all of whose objects fit `schema`.

    All fields are required, even those with a default, and no others are allowed unless the schema
    allows them. Alternatives are written as `anyOf`. References point into `$defs`.
    """
    strict = _Strict(schema)
    made = strict.of(schema, ())
    if strict.recursive:
        defs = cast("dict[str, JsonValue]", made.pop("$defs", {}))
        shared: dict[str, JsonValue] = {"$defs": {**defs, ROOT: made}}
        return {**made, **shared}
    return made


class _Strict:
    def __init__(self, root: Schema) -> None:
        self.root = root
        self.recursive = False

    def of(self, schema: Schema, inside: tuple[str, ...]) -> dict[str, JsonValue]:
        parts = schema.get("allOf")
        if isinstance(parts, list) and len(parts) == 1 and isinstance(parts[0], dict):
            rest = {name: value for name, value in schema.items() if name != "allOf"}
            return self.of({**parts[0], **rest}, inside)
        if "$ref" in schema:
            return self._referring(schema, inside)
        # Pydantic writes tagged unions as `oneOf`, which strict services do not accept.
        kept = {
            "anyOf" if keyword == "oneOf" else keyword: value
            for keyword, value in schema.items()
            if keyword not in _LEFT_OUT
        }
        made = mapped(kept, lambda inner: self.of(inner, inside))
        properties = made.get("properties")
        if isinstance(properties, dict) and made.get("additionalProperties", False) is False:
            made |= {"required": list(properties), "additionalProperties": False}
        return made

    def _referring(self, schema: Schema, inside: tuple[str, ...]) -> dict[str, JsonValue]:
        """Keep a short reference, or inline its definition if other keywords are beside it."""
        reference = str(schema["$ref"])
        beside = [name for name in schema if name != "$ref" and name not in _LEFT_OUT]
        if reference == "#":
            self.recursive = True
            return {"$ref": f"#/$defs/{ROOT}"}
        shared = reference.startswith(("#/$defs/", "#/definitions/"))
        if shared and (reference in inside or not beside):
            return {"$ref": reference}
        if reference in inside:
            raise InvalidInputError(
                f"the JSON schema's {reference!r} contains itself; put the definition under"
                " '$defs', and refer to it as '#/$defs/NAME'"
            )
        return self.of(resolved(schema, self.root), (*inside, reference))


def with_summary(schema: Schema) -> dict[str, JsonValue]:
    """Return the schema of an object with a `summary`, then a `response` that fits `schema`."""
    inner = dict(schema)
    shared: dict[str, JsonValue] = {
        name: inner.pop(name) for name in ("$defs", "definitions") if name in inner
    }
    return {
        "type": "object",
        "properties": {"summary": {"type": "string"}, "response": inner},
        "required": ["summary", "response"],
        "additionalProperties": False,
        **shared,
    }
