"""An option out of its range is refused by its name and value, as an error of this package."""

from typing import Any

import pytest

import catsdk as cat
from catsdk.core.errors import InvalidInputError
from catsdk.estimators import GenerativeSelfAggregation


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"temperature": -1}, "Sampling: temperature is -1: .*greater than or equal to 0"),
        ({"top_p": 2.0}, r"top_p is 2\.0"),
        ({"max_tokens": 0, "top_k": 0}, "top_k is 0.*max_tokens is 0"),
        ({"heat": 1}, "there is no option 'heat'; there are temperature, top_p"),
    ],
)
def test_a_wrong_sampling_option_is_named(options: dict[str, float], told: str) -> None:
    with pytest.raises(InvalidInputError, match=told):
        cat.Sampling(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [None, 0.7, {"temperature": 1}, cat.Sampling])
@pytest.mark.parametrize(
    "role", [cat.Sampler, cat.Synthesizer, cat.RubricProposer, cat.Judge, GenerativeSelfAggregation]
)
def test_a_role_refuses_what_is_not_a_sampling(role: Any, wrong: object) -> None:
    with pytest.raises(InvalidInputError, match="sampling is .*; give a Sampling such as"):
        role("local", wrong)


def test_a_wrong_budget_is_named() -> None:
    with pytest.raises(InvalidInputError, match="Budget: requests is -1"):
        cat.Budget(requests=-1)


def test_options_round_trip_through_json() -> None:
    sampling = cat.Sampling(temperature=0.7, top_k=20, stop=("x",), extra={"min_p": 0.1})
    assert cat.Sampling.model_validate_json(sampling.model_dump_json()) == sampling
