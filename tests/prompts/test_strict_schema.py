"""Schemas as services enforce them: what fits the strict one fits the user's."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from catsdk.core.json_schema import check_schema, misfits
from catsdk.errors import InvalidInputError
from catsdk.prompts.strict_schema import strict_schema, with_summary


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog"]
    title: str = "Mr"


class Node(BaseModel):
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    first: Cat = Field(Cat(kind="cat"), description="the first one")
    below: list[Node] = []


def keywords(schema: Any, *, names: bool = False) -> set[str]:
    if isinstance(schema, list):
        return set().union(*(keywords(each) for each in schema))
    if not isinstance(schema, dict):
        return set()
    inner = [
        keywords(v, names=k in {"properties", "$defs"} and not names) for k, v in schema.items()
    ]
    return (set() if names else set(schema)).union(*inner)


def test_objects_are_closed_with_every_field_and_keep_what_tells_a_model_something() -> None:
    strict = strict_schema(Node.model_json_schema())
    check_schema(strict)
    assert not keywords(strict) & {"title", "default", "oneOf", "discriminator"}
    root: Any = strict
    assert (root["type"], root["required"]) == ("object", ["pet", "first", "below"])
    assert root["properties"]["first"]["description"] == "the first one"
    assert root["properties"]["first"]["properties"]["lives"] == {"type": "integer"}
    assert root["properties"]["pet"] == {
        "anyOf": [{"$ref": "#/$defs/Cat"}, {"$ref": "#/$defs/Dog"}]
    }
    # A field that is called as a keyword is still there.
    assert root["$defs"]["Dog"]["required"] == ["kind", "title"]


@pytest.mark.parametrize("summarised", [False, True])
def test_what_fits_the_strict_schema_fits_the_class(summarised: bool) -> None:
    dog = {"kind": "dog", "title": "Sir"}
    node = {"pet": dog, "first": {"kind": "cat", "lives": 3}, "below": []}
    deep: dict[str, Any] = {**node, "below": [node]}
    strict = strict_schema(Node.model_json_schema())
    if summarised:
        strict = with_summary(strict)
        assert list(misfits({"summary": "s", "response": deep}, strict)) == []
        assert list(misfits({"summary": "s", "response": {**deep, "below": [dog]}}, strict))
    else:
        assert list(misfits(deep, strict)) == []
    assert Node.model_validate(deep).below[0].pet == Dog(kind="dog", title="Sir")


def test_a_schema_that_refers_to_itself_as_a_whole_can_stand_inside_another() -> None:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "below": {"type": "array", "items": {"$ref": "#"}},
        },
    }
    whole = with_summary(strict_schema(schema))
    check_schema(whole)
    inner = {"name": "a", "below": [{"name": "b", "below": []}]}
    assert list(misfits({"summary": "", "response": inner}, whole)) == []
    inner["below"] = [{"name": 1, "below": []}]
    (fault,) = misfits({"summary": "", "response": inner}, whole)
    assert fault == "response.below[0].name should be of the type string"


def test_what_the_user_leaves_open_stays_open() -> None:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {
            "a": {},
            "counts": {"type": "object", "additionalProperties": {"minimum": 1}},
        },
        "required": ["a"],
        "additionalProperties": True,
    }
    assert strict_schema(schema) == schema


def test_one_schema_that_all_must_fit_is_that_schema() -> None:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {"a": {"allOf": [{"$ref": "#/$defs/A"}], "description": "d", "default": {}}},
        "$defs": {"A": {"type": "object", "properties": {"b": {"type": "string"}}}},
    }
    made: Any = strict_schema(schema)
    assert made["properties"]["a"]["description"] == "d"
    assert made["properties"]["a"]["required"] == ["b"]


def test_a_circle_outside_of_the_definitions_is_refused_with_the_fix() -> None:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {"a": {"type": "object", "properties": {"b": {"$ref": "#/properties/a"}}}},
    }
    with pytest.raises(InvalidInputError, match=r"under '\$defs'"):
        strict_schema(schema)


def test_a_schema_stays_as_it_was() -> None:
    schema = Node.model_json_schema()
    before = json.dumps(schema)
    with_summary(strict_schema(schema))
    assert json.dumps(schema) == before
