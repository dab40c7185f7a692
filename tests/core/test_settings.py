"""What the environment sets is taken as an option is, and a wrong value names its variable."""

from __future__ import annotations

import json
from types import NoneType, UnionType
from typing import Any, get_args, get_origin

import pytest

from catsdk.core.errors import ConfigurationError, InvalidInputError
from catsdk.core.options import Options
from catsdk.core.sending import (
    BatchStage,
    Budget,
    Cache,
    Hedge,
    Limits,
    Retry,
    Sending,
    SendingFields,
    Telemetry,
)
from catsdk.core.settings import Settings, set_by_name

# A value of each kind of setting that is inside every bound and no default.
VALUES: dict[object, Any] = {
    bool: False,
    int: 7,
    float: 0.5,
    str: "http://a.example",
    tuple[BatchStage, ...]: ("rollouts", "verdicts"),
}


def set_all(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


def _parts(annotation: Any) -> list[Any]:
    return [each for each in get_args(annotation) or (annotation,) if each is not NoneType]


def every_setting() -> dict[str, Any]:
    """The dotted name of each setting that a client has, with a value to try."""
    found: dict[str, Any] = {}
    for name, field in SendingFields.model_fields.items():
        if get_origin(field.annotation) is dict:
            continue
        (kind,) = _parts(field.annotation)
        assert issubclass(kind, Options), f"{name} is not a value with parts"
        for part, inside in kind.model_fields.items():
            union = get_origin(inside.annotation) is UnionType
            (plain,) = _parts(inside.annotation) if union else [inside.annotation]
            found[f"{name}.{part}"] = VALUES[plain]
    return found


def _at(sending: Sending, name: str) -> Any:
    section, part = name.split(".")
    return getattr(getattr(sending, section), part)


@pytest.mark.parametrize(("name", "value"), every_setting().items())
def test_every_setting_is_settable_by_variable_and_by_dotted_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: Any
) -> None:
    text = ",".join(value) if isinstance(value, tuple) else str(value)
    assert _at(Settings().sending(set_by_name({name: text})), name) == value
    monkeypatch.setenv(f"CATSDK_{name.replace('.', '__').upper()}", text)
    assert _at(Settings().sending({}), name) == value


def test_prices_are_set_as_json_and_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    prices = {"m": {"input": 1.0, "output": 2.0}}
    assert Settings().sending(set_by_name({"prices": prices})).prices["m"].output == 2.0
    monkeypatch.setenv("CATSDK_PRICES", json.dumps(prices))
    assert Settings().sending({}).prices["m"].output == 2.0


def test_prices_as_json_and_the_parts_beside_them_are_one_table(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_all(
        monkeypatch,
        {
            "CATSDK_PRICES": '{"a": {"input": 1, "output": 2}}',
            "CATSDK_PRICES__A__OUTPUT": "3",
            "catsdk_prices__b": ' {"input": 4, "output": 5}',
            "CATSDK_PRICES__C__INPUT": "6",
            "CATSDK_PRICES__C__OUTPUT": "7",
        },
    )
    prices = Settings().sending({}).prices
    assert {name: (price.input, price.output) for name, price in prices.items()} == {
        "a": (1.0, 3.0),
        "b": (4.0, 5.0),
        "c": (6.0, 7.0),
    }


def test_a_model_is_a_text_whatever_it_looks_like(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CATSDK_MODEL", "{model}")
    monkeypatch.setenv("Catsdk_Judge", "openai:judge")
    assert (Settings().model, Settings().anchor, Settings().judge) == (
        "{model}",
        None,
        "openai:judge",
    )


def test_what_a_program_sets_comes_before_the_environment_part_by_part(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_all(
        monkeypatch,
        {
            "CATSDK_LIMITS__IN_FLIGHT": "9",
            "CATSDK_LIMITS__REQUESTS_PER_MINUTE": "30",
            "CATSDK_RETRY__TIMES": "1",
            "CATSDK_BUDGET__USD": "2",
        },
    )
    given = {"limits": Limits(in_flight=4), "retry": {"max_retry_after": 5}, "budget": Budget()}
    sending = Settings().sending(given)
    assert sending.limits == Limits(in_flight=4, requests_per_minute=30)
    assert sending.retry == Retry(times=1, max_retry_after=5)
    assert sending.budget == Budget(usd=2)


def test_two_parts_of_one_section_from_two_names_are_one_section() -> None:
    given = set_by_name({"limits.in_flight": "8", "limits.adaptive": "no", "hedge": "true"})
    sending = Settings().sending(given)
    assert (sending.limits, sending.hedge) == (Limits(in_flight=8, adaptive=False), Hedge())


def test_a_short_form_of_the_program_leaves_the_other_parts_to_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CATSDK_CACHE__SECONDS", "5")
    monkeypatch.setenv("CATSDK_HEDGE__SHARE", "0.5")
    monkeypatch.setenv("CATSDK_TELEMETRY__CONTENT", "true")
    sending = Settings().sending({"cache": "answers.db", "hedge": True, "telemetry": False})
    assert sending.cache == Cache(path="answers.db", seconds=5)
    assert sending.hedge == Hedge(share=0.5)
    assert sending.telemetry == Telemetry(enabled=False, content=True)


def test_a_part_of_the_program_joins_a_short_form_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CATSDK_CACHE", "answers.db")
    monkeypatch.setenv("CATSDK_HEDGE", "true")
    sending = Settings().sending(set_by_name({"cache.seconds": "5", "hedge.share": "0.5"}))
    assert sending.cache == Cache(path="answers.db", seconds=5)
    assert sending.hedge == Hedge(share=0.5)
    assert Settings().sending({"hedge": False, "cache": ""}) == Sending()


@pytest.mark.parametrize(
    ("variables", "section", "value"),
    [
        (("CACHE=a.db", "CACHE__SECONDS=5"), "cache", Cache(path="a.db", seconds=5)),
        (("HEDGE=1", "HEDGE__SHARE=0.5"), "hedge", Hedge(share=0.5)),
        (("HEDGE=off", "HEDGE__SHARE=0.5"), "hedge", None),
        (("TELEMETRY=on", "TELEMETRY__CONTENT=1"), "telemetry",
         Telemetry(enabled=True, content=True)),
        (('BUDGET={"usd": 2}', "BUDGET__REQUESTS=3"), "budget", Budget(usd=2, requests=3)),
    ],
)  # fmt: skip
def test_a_whole_section_stands_beside_its_parts_in_the_environment(
    monkeypatch: pytest.MonkeyPatch, variables: tuple[str, ...], section: str, value: object
) -> None:
    for variable in variables:
        monkeypatch.setenv(*f"CATSDK_{variable}".split("=", 1))
    assert getattr(Settings().sending({}), section) == value


def test_prices_of_the_program_join_those_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CATSDK_PRICES", '{"a": {"input": 1, "output": 1}}')
    given = {"prices": {"b": {"input": 2, "output": 2}}}
    assert set(Settings().sending(given).prices) == {"a", "b"}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("HEDGE", "perhaps", "CATSDK_HEDGE is 'perhaps'"),
        ("LIMITS__IN_FLIGHT", "0", "CATSDK_LIMITS__IN_FLIGHT is '0'"),
        ("LIMITS__IN_FLIGT", "8", "CATSDK_LIMITS__IN_FLIGT"),
        ("TIMEOUTS__CALL", "soon", "CATSDK_TIMEOUTS__CALL is 'soon'"),
        ("RETRY__TIMES", "-1", "CATSDK_RETRY__TIMES is '-1'"),
        ("BUDGET__USD", "two", "CATSDK_BUDGET__USD is 'two'"),
        ("CACHE__MAX_BYTES", "all", "CATSDK_CACHE__MAX_BYTES is 'all'"),
        ("TELEMETRY__CONTENT", "some", "CATSDK_TELEMETRY__CONTENT is 'some'"),
        ("PRICES", "{cheap", "CATSDK_PRICES"),
        ("PRICES", '{"m": {"input": -1, "output": 2}}', "CATSDK_PRICES__M__INPUT is -1"),
        ("PRICES__M", "{cheap", "CATSDK_PRICES__M is not JSON"),
        ("LIMITS__IN_FLIGHT__MOST", "8", "CATSDK_LIMITS__IN_FLIGHT is {'most': '8'}"),
        ("LIMITS", "[8]", "CATSDK_LIMITS is [8]; give its parts"),
        ("LIMITS", "many", "CATSDK_LIMITS is 'many'; give its parts"),
    ],
)
def test_a_wrong_value_is_an_error_of_the_configuration_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv(f"CATSDK_{name}", value)
    with pytest.raises(ConfigurationError) as caught:
        Settings()
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("assignments", "message"),
    [
        ({"limits.in_flight": "0"}, "in limits, Limits: in_flight is '0'"),
        ({"limits.in_flihgt": "8"}, "there is no option 'in_flihgt'"),
        ({"limit.in_flight": "8"}, "there is no option 'limit'"),
        ({"hedge": "perhaps"}, "hedge"),
        ({"limits": "8"}, "limits"),
        ({"timeouts.call.seconds": "8"}, "timeouts"),
    ],
)
def test_a_wrong_name_or_value_given_by_name_is_refused_with_its_name(
    assignments: dict[str, str], message: str
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        Settings().sending(set_by_name(assignments))
    assert message in str(caught.value)


@pytest.mark.parametrize("order", [1, -1])
def test_a_section_and_a_part_of_it_cannot_both_be_set(order: int) -> None:
    names = [("cache", "answers.db"), ("cache.seconds", "5")][::order]
    with pytest.raises(InvalidInputError, match="'cache"):
        set_by_name(dict(names))
