"""Checks JSON schemas of users, and validates values against them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import islice
from typing import Any, cast

from pydantic import JsonValue
from pydantic_core import SchemaError, SchemaValidator, core_schema

from catsdk.core.display.counting import counted
from catsdk.core.errors import InvalidInputError

__all__ = ["Schema", "check_schema", "mapped", "misfits", "resolved", "subschemas"]

Schema = Mapping[str, JsonValue]

# Keywords by the form of their subschemas: one, a list of them, or one under each name.
ONE = ("items", "additionalProperties", "not")
MANY = ("prefixItems", "anyOf", "oneOf", "allOf")
NAMED = ("properties", "$defs", "definitions")
_PLAIN = (
    *("$ref", "type", "enum", "const", "nullable", "required", "minProperties", "maxProperties"),
    *("minItems", "maxItems", "uniqueItems", "minLength", "maxLength", "pattern", "multipleOf"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
)
# Annotations for readers, which do not restrict values.
NOTES = (
    *("title", "description", "default", "examples", "format", "discriminator", "deprecated"),
    *("$schema", "$id", "$comment", "readOnly", "writeOnly", "strict", "propertyOrdering"),
)
MAX_STEPS = 100_000
_KNOWN = frozenset((*ONE, *MANY, *NAMED, *_PLAIN, *NOTES))
_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "integer": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def subschemas(schema: Schema) -> Iterator[tuple[str, Schema]]:
    """Give the schemas that stand directly in `schema`, each with the place where it stands."""
    for keyword, value in schema.items():
        if keyword in ONE and isinstance(value, dict):
            yield keyword, value
        elif keyword in MANY and isinstance(value, list):
            for at, each in enumerate(value):
                if isinstance(each, dict):
                    yield f"{keyword}/{at}", each
        elif keyword in NAMED and isinstance(value, dict):
            for name, each in value.items():
                if isinstance(each, dict):
                    yield f"{keyword}/{name}", each


def mapped(
    schema: Schema, change: Callable[[Schema], Mapping[str, JsonValue]]
) -> dict[str, JsonValue]:
    """Give a copy of `schema` in which the schemas that stand directly in it are changed."""

    def changed(value: JsonValue) -> JsonValue:
        return dict(change(value)) if isinstance(value, dict) else value

    made: dict[str, JsonValue] = {}
    for keyword, value in schema.items():
        if keyword in ONE:
            value = changed(value)
        elif keyword in MANY and isinstance(value, list):
            value = [changed(each) for each in value]
        elif keyword in NAMED and isinstance(value, dict):
            value = {name: changed(each) for name, each in value.items()}
        made[keyword] = value
    return made


def check_schema(schema: Schema) -> None:
    """Refuse a schema that could not be checked, whole, against a reply.

    Raises:
        InvalidInputError: a keyword is not known, a reference leads nowhere or around in a circle,
            or a pattern is invalid; the error says where, and what to write instead.
    """
    _check(schema, schema, "#")


def _check(schema: Schema, root: Schema, where: str) -> None:
    for keyword in schema:
        if keyword not in _KNOWN and not keyword.startswith("x-"):
            raise InvalidInputError(
                f"the JSON schema has {keyword!r} at {where}, which catsdk does not check; express"
                " it with anyOf, or give a pydantic class whose validators check it"
            )
    kinds = schema.get("type", [])
    unknown = [kind for kind in _listed(kinds) if kind not in _TYPES]
    if unknown:
        raise InvalidInputError(
            f"the JSON schema has the type {unknown[0]!r} at {where}; give {', '.join(_TYPES)}"
        )
    if isinstance(pattern := schema.get("pattern"), str):
        _pattern(pattern)
    if "$ref" in schema:
        resolved(schema, root)
    for place, inner in subschemas(schema):
        _check(inner, root, f"{where}/{place}")


def resolved(schema: Schema, root: Schema) -> Schema:
    """Follow the `$ref` of `schema`, if it has one; what stands beside it counts too.

    Raises:
        InvalidInputError: it leads nowhere, out of the schema, or around in a circle.
    """
    seen: list[object] = []
    while "$ref" in schema:
        reference = schema["$ref"]
        beside = {name: value for name, value in schema.items() if name != "$ref"}
        if reference in seen:
            raise InvalidInputError(f"the JSON schema's {reference!r} refers only to itself")
        seen.append(reference)
        schema = {**_target(reference, root), **beside}
    return schema


def _target(reference: JsonValue, root: Schema) -> Schema:
    found: object = root
    path = str(reference).split("/")
    for name in (part.replace("~1", "/").replace("~0", "~") for part in path[1:]):
        if isinstance(found, Mapping):
            found = cast("Mapping[str, object]", found).get(name)
        elif isinstance(found, list) and name.isdecimal():
            found = next(islice(cast("list[object]", found), int(name), None), None)
        else:
            found = None
    if path[0] != "#" or not isinstance(found, Mapping):
        raise InvalidInputError(
            f"the JSON schema refers to {reference!r}, which is not in it; put the definition under"
            " '$defs', and refer to it as '#/$defs/NAME'"
        )
    return cast("Schema", found)


def misfits(value: object, schema: Schema) -> Iterator[str]:
    """Say what of `value` does not fit `schema`, one sentence each; nothing where it fits."""
    try:
        yield from _misfits(value, schema, _Root(schema), "")
    except _TooLongError:
        yield f"it takes more than {MAX_STEPS:,} steps to check; write a shorter one"


class _TooLongError(Exception):
    """Nested alternatives take too long, perhaps because a model's value is hostile."""


@dataclass
class _Root:
    """The whole schema, and the number of steps so far."""

    schema: Schema
    steps: int = 0


def _misfits(value: object, schema: Schema | bool, root: _Root, at: str) -> Iterator[str]:
    root.steps += 1
    if root.steps > MAX_STEPS:
        raise _TooLongError
    if isinstance(schema, Mapping):
        schema = resolved(schema, root.schema)
        if value is not None or schema.get("nullable") is not True:
            yield from _in_value(value, schema, root, at)
    elif not schema:
        yield f"{at or 'it'} should not be there"


def _in_value(value: object, schema: Schema, root: _Root, at: str) -> Iterator[str]:
    kinds = _listed(schema.get("type", []))
    if kinds and not any(_is_of(value, str(kind)) for kind in kinds):
        yield f"{at or 'it'} should be of the type {' or '.join(map(str, kinds))}"
        return
    if "enum" in schema and not any(_equal(value, each) for each in _listed(schema["enum"])):
        yield f"{at or 'it'} should be one of {schema['enum']!r:.200}"
    if "const" in schema and not _equal(value, schema["const"]):
        yield f"{at or 'it'} should be {schema['const']!r:.200}"
    yield from _in_alternatives(value, schema, root, at)
    if isinstance(value, dict):
        yield from _in_object(cast("dict[str, object]", value), schema, root, at)
    elif isinstance(value, list):
        yield from _in_array(cast("list[object]", value), schema, root, at)
    elif isinstance(value, str):
        yield from _in_text(value, schema, at)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _in_number(value, schema, at)


def _in_object(value: dict[str, object], schema: Schema, root: _Root, at: str) -> Iterator[str]:
    properties = cast("Mapping[str, Any]", schema.get("properties", {}))
    for name in _listed(schema.get("required", [])):
        if name not in value:
            yield f"{_inside(at, str(name))} is missing"
    others = cast("Schema | bool", schema.get("additionalProperties", True))
    for name, each in value.items():
        yield from _misfits(each, properties.get(name, others), root, _inside(at, name))
    yield from _size(len(value), schema, ("minProperties", "maxProperties"), "field", at)


def _in_array(value: list[object], schema: Schema, root: _Root, at: str) -> Iterator[str]:
    first = cast("Sequence[Schema | bool]", schema.get("prefixItems", []))
    rest = cast("Schema | bool", schema.get("items", True))
    for place, each in enumerate(value):
        inner = first[place] if place < len(first) else rest
        yield from _misfits(each, inner, root, f"{at}[{place}]")
    yield from _size(len(value), schema, ("minItems", "maxItems"), "item", at)
    if schema.get("uniqueItems") is True and len({_key(each) for each in value}) < len(value):
        yield f"{at or 'it'} should have no item twice"


def _in_text(value: str, schema: Schema, at: str) -> Iterator[str]:
    yield from _size(len(value), schema, ("minLength", "maxLength"), "character", at)
    pattern = schema.get("pattern")
    if isinstance(pattern, str) and not _matches(pattern, value):
        yield f"{at or 'it'} should match the pattern {pattern!r:.200}"


def _in_number(value: float, schema: Schema, at: str) -> Iterator[str]:
    bounds: Mapping[str, tuple[Callable[[Any, Any], bool], str]] = {
        "minimum": (lambda number, bound: number >= bound, "at least"),
        "maximum": (lambda number, bound: number <= bound, "at most"),
        "exclusiveMinimum": (lambda number, bound: number > bound, "more than"),
        "exclusiveMaximum": (lambda number, bound: number < bound, "less than"),
        "multipleOf": (
            lambda number, bound: Fraction(str(number)) % Fraction(str(bound)) == 0,
            "a multiple of",
        ),
    }
    for keyword, (holds, words) in bounds.items():
        bound = schema.get(keyword)
        if isinstance(bound, int | float) and not holds(value, bound):
            yield f"{at or 'it'} should be {words} {bound}"


def _in_alternatives(value: object, schema: Schema, root: _Root, at: str) -> Iterator[str]:
    def fitting(keyword: str) -> Iterator[bool]:
        for each in cast("Iterable[Schema | bool]", schema.get(keyword, [])):
            yield next(_misfits(value, each, root, at), None) is None

    for each in cast("Iterable[Schema | bool]", schema.get("allOf", [])):
        yield from _misfits(value, each, root, at)
    if "anyOf" in schema and not any(fitting("anyOf")):
        yield f"{at or 'it'} should fit one of the alternatives of the schema"
    if "oneOf" in schema and sum(fitting("oneOf")) != 1:
        yield f"{at or 'it'} should fit exactly one of the alternatives of the schema"
    if "not" in schema:
        inner = cast("Schema | bool", schema["not"])
        if next(_misfits(value, inner, root, at), None) is None:
            yield f"{at or 'it'} should not be what the schema excludes"


def _size(
    size: int, schema: Schema, keywords: tuple[str, str], unit: str, at: str
) -> Iterator[str]:
    least, most = (schema.get(keyword) for keyword in keywords)
    if isinstance(least, int | float) and size < least:
        yield f"{at or 'it'} should have at least {counted(least, unit)}"
    if isinstance(most, int | float) and size > most:
        yield f"{at or 'it'} should have at most {counted(most, unit)}"


def _is_of(value: object, kind: str) -> bool:
    if kind != "boolean" and isinstance(value, bool):
        return False
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES[kind])


def _equal(one: object, other: object) -> bool:
    return _key(one) == _key(other)


def _key(value: object) -> Hashable:
    """A key that is equal for values that are equal in JSON: `true` is not 1, and 1.0 is 1."""
    if isinstance(value, list):
        return ("list", *map(_key, cast("list[object]", value)))
    if isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        return frozenset((name, _key(each)) for name, each in fields.items())
    return ("bool", value) if isinstance(value, bool) else value


def _matches(pattern: str, value: str) -> bool:
    return _pattern(pattern).isinstance_python(value)


@lru_cache(maxsize=256)
def _pattern(pattern: str) -> SchemaValidator:
    # This engine takes linear time, which matters since the text comes from a model.
    try:
        return SchemaValidator(core_schema.str_schema(pattern=pattern, strict=True))
    except SchemaError as error:
        raise InvalidInputError(
            f"the JSON schema's pattern {pattern!r:.120} cannot be used ({error}); patterns have no"
            " look-around and no back references"
        ) from None


def _inside(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name


def _listed(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else [value]
