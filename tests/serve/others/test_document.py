"""What the OpenAPI document promises, held by schemathesis: generated requests, odd ones too."""

# pyright: reportMissingImports=false

from __future__ import annotations

import json
import urllib.request
from collections.abc import Generator

import pytest

pytest.importorskip("schemathesis", reason="it has an environment of its own: make test-gateway")

import schemathesis
from anyio.from_thread import start_blocking_portal
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from catsdk.serve import GatewayConfig, serving_gateway
from catsdk.serve.gateway.openapi import openapi
from catsdk.testing import FunctionProvider
from tests.serve.gateways import texts

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
schema = schemathesis.openapi.from_dict(openapi())


@pytest.fixture(scope="module")
def address() -> Generator[str]:
    model = FunctionProvider(texts)
    with start_blocking_portal("asyncio") as portal:
        opening = serving_gateway(GatewayConfig(), providers={model.name: model})
        with portal.wrap_async_context_manager(opening) as there:
            yield there


@schema.parametrize()  # type: ignore[untyped-decorator]
@settings(max_examples=25, deadline=None, suppress_health_check=SLOW)
def test_generated_requests_are_answered_as_the_document_says(
    case: schemathesis.Case, address: str
) -> None:
    response = case.call(base_url=address)
    case.validate_response(
        response,
        checks=[
            not_a_server_error,
            status_code_conformance,
            content_type_conformance,
            response_schema_conformance,
        ],
    )


def test_the_document_is_the_one_that_is_served(address: str) -> None:
    with urllib.request.urlopen(f"{address}/openapi.json") as response:
        assert json.load(response) == openapi()
