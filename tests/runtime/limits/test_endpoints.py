"""What the providers of one endpoint share, and how it is forgotten."""

from __future__ import annotations

from catsdk.core.errors import UnsupportedError
from catsdk.core.types import Request
from catsdk.runtime.limits.endpoints import PerEndpoint, forget
from catsdk.runtime.schema_bounds import refusals_of
from catsdk.testing import FunctionProvider
from catsdk_providers.openai.provider import OpenAIProvider


def answered(request: Request) -> str:
    return "4"


def at(port: int) -> OpenAIProvider:
    return OpenAIProvider("m", base_url=f"http://127.0.0.1:{port}/v1", api_key="k")


def test_providers_of_one_endpoint_share_and_others_do_not() -> None:
    names = PerEndpoint[list[str]](lambda name: [name])
    assert names.of(at(1)) is names.of(at(1))
    assert names.of(at(1)) is not names.of(at(2))
    one, other = FunctionProvider(answered), FunctionProvider(answered)
    assert names.of(one) is names.of(one)
    assert names.of(one) is not names.of(other)


def test_forgotten_is_what_a_service_was_found_to_refuse() -> None:
    schema = {"type": "object"}
    refusal = UnsupportedError("no response_format", capability="json_schema")
    assert refusals_of(at(1)).learn_schema(schema, "schema", refusal)
    assert refusals_of(at(1)).holds(schema, "schema")
    assert not refusals_of(at(2)).holds(schema, "schema")
    forget()
    assert not refusals_of(at(1)).holds(schema, "schema")
