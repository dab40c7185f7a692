"""What of a value does not fit a JSON schema, and schemas that cannot be checked whole."""

from __future__ import annotations

from typing import Any

import pytest

from catsdk.core.json_schema import check_schema, misfits
from catsdk.errors import InvalidInputError

TREE = {
    "$defs": {
        "Node": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "children": {"type": "array", "items": {"$ref": "#/$defs/Node"}},
            },
            "required": ["name"],
            "additionalProperties": False,
        }
    },
    "$ref": "#/$defs/Node",
}
FITTING: list[tuple[dict[str, Any], object]] = [
    ({"type": "integer"}, 3.0),
    ({"type": ["string", "null"]}, None),
    ({"type": "string", "nullable": True}, None),
    ({"enum": [1, "a", None]}, 1.0),
    ({"const": {"a": [1]}}, {"a": [1.0]}),
    ({"pattern": "^[A-Z]{2}$"}, "AB"),
    ({"multipleOf": 0.1}, 0.3),
    ({"prefixItems": [{"type": "string"}], "items": {"type": "number"}}, ["a", 1, 2.5]),
    ({"items": False, "prefixItems": [True]}, ["a"]),
    ({"oneOf": [{"type": "integer"}, {"type": "string"}]}, 3),
    ({"not": {"type": "null"}}, 0),
    ({"properties": {"type": {"type": "string"}}}, {"type": "x", "more": 1}),
    (TREE, {"name": "a", "children": [{"name": "b", "children": []}]}),
]
OTHERS: list[tuple[dict[str, Any], object, str]] = [
    ({"type": "integer"}, 3.5, "it should be of the type integer"),
    ({"type": "integer"}, True, "it should be of the type integer"),
    ({"type": "number"}, False, "it should be of the type number"),
    ({"enum": [1, 0]}, True, "it should be one of [1, 0]"),
    ({"const": 1}, True, "it should be 1"),
    ({"required": ["a"]}, {}, "a is missing"),
    (
        {"properties": {"a": {"properties": {"b": {"type": "string"}}}}},
        {"a": {"b": 1}},
        "a.b should be of the type string",
    ),
    ({"additionalProperties": False}, {"x": 1}, "x should not be there"),
    ({"additionalProperties": {"type": "string"}}, {"x": 1}, "x should be of the type string"),
    ({"items": {"minLength": 2}}, ["ab", "a"], "[1] should have at least 2 characters"),
    ({"maxItems": 1}, [1, 2], "it should have at most 1 item"),
    ({"uniqueItems": True}, [1, 1.0], "it should have no item twice"),
    ({"pattern": "^a"}, "b", "it should match the pattern '^a'"),
    ({"exclusiveMinimum": 3}, 3, "it should be more than 3"),
    ({"maximum": 3}, 3.5, "it should be at most 3"),
    ({"multipleOf": 0.1}, 0.35, "it should be a multiple of 0.1"),
    ({"minProperties": 1}, {}, "it should have at least 1 field"),
    ({"anyOf": [{"type": "null"}]}, 1, "it should fit one of the alternatives of the schema"),
    ({"oneOf": [True, {"type": "integer"}]}, 1, "it should fit exactly one of the alternatives"),
    ({"allOf": [{"minimum": 1}, {"maximum": 3}]}, 4, "it should be at most 3"),
    ({"not": {"type": "null"}}, None, "it should not be what the schema excludes"),
    (TREE, {"name": "a", "children": [{"children": []}]}, "children[0].name is missing"),
]


@pytest.mark.parametrize(("schema", "value"), FITTING)
def test_what_fits_has_no_fault(schema: dict[str, Any], value: object) -> None:
    check_schema(schema)
    assert list(misfits(value, schema)) == []


@pytest.mark.parametrize(("schema", "value", "fault"), OTHERS)
def test_what_does_not_fit_is_said_with_its_place(
    schema: dict[str, Any], value: object, fault: str
) -> None:
    check_schema(schema)
    (said,) = misfits(value, schema)
    assert said.startswith(fault)


@pytest.mark.parametrize(
    ("schema", "named"),
    [
        ({"properties": {"a": {"if": {}}}}, "'if' at #/properties/a"),
        ({"patternProperties": {"^a": {}}}, "patternProperties"),
        ({"type": "text"}, "type 'text'"),
        ({"anyOf": [{"pattern": "(?=a)"}]}, "look-around"),
        ({"$ref": "#/$defs/Missing"}, "#/$defs/Missing"),
        ({"$ref": "https://example.org/schema"}, "https://example.org/schema"),
        ({"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}}, "refers only to itself"),
    ],
)
def test_a_schema_that_cannot_be_checked_is_refused_with_the_place_and_the_fix(
    schema: dict[str, Any], named: str
) -> None:
    with pytest.raises(InvalidInputError) as refused:
        check_schema(schema)
    assert named in str(refused.value)


def test_no_value_makes_a_check_endless() -> None:
    node: dict[str, Any] = {"type": "object", "properties": {"a": {"$ref": "#/$defs/N"}}}
    schema: dict[str, Any] = {
        "$defs": {"N": {"oneOf": [node, {**node, "required": ["b"]}]}},
        "$ref": "#/$defs/N",
    }
    value: dict[str, Any] = {}
    for _ in range(60):
        value = {"a": value, "b": 1}
    (fault,) = misfits(value, schema)
    assert "more than 100,000 steps" in fault
    assert list(misfits([*range(90_000)], {"uniqueItems": True})) == []


def test_a_field_with_the_name_of_a_keyword_is_a_field() -> None:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {"if": {"type": "string"}, "$ref": {}, "then": {}},
    }
    check_schema(schema)
    assert list(misfits({"if": 1}, schema)) == ["if should be of the type string"]
