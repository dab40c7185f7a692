"""One way to YAML and back, within bounds, with errors that say the line."""

from __future__ import annotations

from typing import Any

import pytest

from catsdk.core.errors import InvalidInputError
from catsdk.core.yaml_text import MAX_DEPTH, data_of, yaml_of

LAUGHS = "a: &a [x, x]\nb: &b [*a, *a]\n"


def test_what_is_written_is_read_again_in_its_order() -> None:
    twice = {"judge": "openai:é"}
    data: dict[str, Any] = {"b": twice, "a": [twice, 1.5, None, True, "no", "1e5", "a\nb"]}
    text = yaml_of(data)
    assert list(data_of(text, "it")) == ["b", "a"]  # type: ignore[call-overload]
    assert data_of("\ufeff" + text, "it") == data
    assert "&" not in text and "é" in text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [1,\nb", "it is not YAML: line 2, column 2"),
        ("a: b: c", "it is not YAML: line 1, column 5: mapping values are not allowed here"),
        ("a: \x00", "it is not YAML: .*unacceptable character"),
        ("a: 2026-02-31", "it is not YAML: day"),
        ("!!python/object/apply:os.system ['true']", "it is not YAML: line 1, column 1"),
        (LAUGHS, r"has the YAML alias \*a; write it out"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "nested more than 50 deep"),
        ("[" * 200_000, "nested more than 50 deep"),
    ],
)
def test_what_is_wrong_is_said_on_one_line_with_its_place(text: str, told: str) -> None:
    with pytest.raises(InvalidInputError, match=told) as caught:
        data_of(text, "it")
    assert "\n" not in str(caught.value)


def test_what_is_as_deep_as_it_may_be_is_read() -> None:
    data_of("[" * MAX_DEPTH + "]" * MAX_DEPTH, "it")
