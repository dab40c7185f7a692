"""An output is part of a CaT's description, and what is none is refused before anything is sent."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel

import catsdk as cat
from catsdk.errors import (
    InvalidInputError,
)
from catsdk.runtime import Output
from tests.method.outputs import SCHEMA, City


@pytest.mark.parametrize(
    ("output", "data"),
    [
        (City, "tests.method.outputs:City"),
        (SCHEMA, SCHEMA),
        (
            Output(City, compare=["name"], route="tool", attempts=3),
            {
                "Output": {
                    "form": "tests.method.outputs:City",
                    "compare": ["name"],
                    "route": "tool",
                    "attempts": 3,
                }
            },
        ),
    ],
)
def test_a_description_with_an_output_is_written_read_and_pickled(output: Any, data: Any) -> None:
    c = cat.CaT("local", estimator=cat.Majority(), output=output)
    assert c.to_data()["output"] == data
    for other in (cat.CaT.from_yaml(c.to_yaml()), pickle.loads(pickle.dumps(c))):
        assert other.output == c.output
        assert other.fingerprint == c.fingerprint
    assert "output=" in repr(c)


def test_a_fingerprint_changes_with_the_output_and_is_there_for_a_class_without_a_name() -> None:
    class Local(BaseModel):
        name: str

    outputs: list[Any] = [None, City, Local, SCHEMA, Output(City, compare=["name"])]
    prints = {cat.CaT("local", output=output).fingerprint for output in outputs}
    assert len(prints) == len(outputs)
    with pytest.raises(InvalidInputError, match="cannot be imported by its name"):
        cat.CaT("local", output=Local).to_yaml()


@pytest.mark.parametrize(
    ("output", "named"),
    [
        (int, "give a pydantic class"),
        (City(name="x"), "give a pydantic class"),
        ("City", "give a pydantic class"),
        ({"type": "array", "items": {}}, "give a class (or a schema) with a field for it"),
        ({"anyOf": [SCHEMA, SCHEMA]}, "with a field for it"),
        ({"type": "object", "properties": {"a": {"if": {}}}}, "'if' at #/properties/a"),
        ({"type": "object", "properties": {"a": {"$ref": "#/$defs/B"}}}, "#/$defs/B"),
    ],
)
def test_what_is_no_output_is_refused_with_the_fix_before_anything_is_sent(
    output: Any, named: str
) -> None:
    with pytest.raises(InvalidInputError) as refused:
        cat.CaT("local", output=output)
    assert named in str(refused.value)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"compare": ["nome"]}, "name, people"),
        ({"compare": []}, "name, people"),
        ({"compare": "name"}, "give a list of fields"),
        ({"route": "xml"}, "auto, schema, tool, instructor or json"),
        ({"attempts": 0}, "attempts is 0"),
    ],
)
def test_settings_of_an_output_that_cannot_be_are_refused(
    settings: dict[str, Any], named: str
) -> None:
    with pytest.raises(InvalidInputError) as refused:
        Output(City, **settings)
    assert named in str(refused.value)


def test_a_class_that_json_cannot_hold_is_refused_by_its_name() -> None:
    class Callback(BaseModel):
        function: Callable[[], int]

    with pytest.raises(InvalidInputError, match="Callback has no JSON schema"):
        cat.CaT("local", output=Callback)
