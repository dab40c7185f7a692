"""What hostile clients try on the gateway: each is refused, costs little, and tells nothing."""

from __future__ import annotations

import logging
from typing import Any

import aiohttp
import anyio
import pytest

from catsdk.core.errors import ConfigurationError, InvalidInputError
from catsdk.serve import GatewayConfig, serving_gateway
from catsdk.testing import FunctionProvider
from tests.serve.gateways import body, client_of, post, served, texts, upstream_of
from tests.serve.wire_by_hand import answer_to, raw, received

KEYS: Any = {"alice": {"env": "ALICE_KEY"}, "bob": {"env": "BOB_KEY"}}


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALICE_KEY", "alices-key")
    monkeypatch.setenv("BOB_KEY", "bobs-key")


def model() -> FunctionProvider:
    return FunctionProvider(texts)


async def get(address: str, path: str, **headers: str) -> int:
    async with (
        aiohttp.ClientSession() as session,
        session.get(address + path, headers=headers) as response,
    ):
        return response.status


async def test_without_a_key_that_is_known_nobody_is_served() -> None:
    async with served(model(), keys=KEYS) as address:
        for key, status in (("alices-key", 200), ("bobs-key", 200), ("wrong", 401), ("", 401)):
            bearer = await post(address, body("function"), Authorization=f"Bearer {key}")
            plain = await post(address, body("function"), x_api_key=key)
            assert (bearer[0], plain[0]) == (status, status)
            assert await get(address, "/v1/models", Authorization=f"Bearer {key}") == status
        assert (await post(address, body("function")))[0] == 401
        assert (await post(address, body("function"), Authorization="Basic YWxpY2U="))[0] == 401
        # Probes carry no key, and learn nothing.
        assert await get(address, "/health") == 200
        assert await get(address, "/health", Authorization="Bearer wrong") == 401
        # A key needs no host name of this machine.
        named = {"Host": "gate.example", "x-api-key": "bobs-key"}
        assert await get(address, "/v1/models", **named) == 200


@pytest.mark.behaviour("gateway-is-this-machine-s-own")
async def test_it_does_not_listen_to_other_machines_without_a_key() -> None:
    with pytest.raises(InvalidInputError, match="can be reached from other machines"):
        async with serving_gateway(GatewayConfig(models=("local",)), host="0.0.0.0"):
            pass


async def test_a_key_that_is_not_set_is_an_error_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BOB_KEY", "")
    with pytest.raises(ConfigurationError, match="set BOB_KEY"):
        async with served(model(), keys=KEYS):
            pass


@pytest.mark.behaviour("gateway-is-this-machine-s-own")
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:3000"},
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "[::1"},
    ],
)
async def test_without_keys_no_page_of_a_browser_is_served(headers: dict[str, str]) -> None:
    policy = model()
    async with served(policy) as address:
        async with aiohttp.ClientSession() as session:
            url = f"{address}/v1/chat/completions"
            async with session.post(url, json=body("function"), headers=headers) as response:
                assert response.status == 403
        assert (await get(address, "/v1/models", **headers)) == 403
    assert policy.requests == []


@pytest.mark.behaviour("gateway-knows-only-its-list")
@pytest.mark.parametrize(
    "name",
    [
        "local:/etc/passwd",
        "replay:/etc/passwd",
        "cat/synthesis:local:/etc",
        "cat/evil:function",
        "cat/majority:evil",
        "cat/:function",
        "FUNCTION",
        "function ",
        "../function",
        "openai:gpt-5",
        "x" * 100_000,
    ],
)
async def test_a_model_that_is_not_the_operators_is_not_found(name: str) -> None:
    async with served(model()) as address:
        status, told, _ = await post(address, body(name))
        assert status == 404
        assert len(told["error"]["message"]) < 1000
        assert await get(address, f"/v1/models/{name[:500]}") == 404


REQUEST = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.behaviour("gateway-reads-one-meaning")
@pytest.mark.parametrize(
    ("header", "status"),
    [
        # Two lengths of which a proxy may believe the other one.
        (b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
        (b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n12345", b"400"),
        (b"Content-Length: +5\r\n\r\n12345", b"400"),
        (b"Content-Length: 5, 6\r\n\r\n12345", b"400"),
        (b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", b"501"),
        (b"Transfer-Encoding: x\r\n\r\n", b"501"),
        (b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n", b"400"),
        (b"Host: evil\r\n\r\n", b"400"),
        # A folded line belongs to the host before it.
        (b" folded: x\r\n\r\n", b"403"),
        (b"A: b\0c\r\n\r\n", b"400"),
        (b"A : b\r\n\r\n", b"400"),
        (b"A: " + b"x" * 40_000 + b"\r\n\r\n", b"431"),
        (b"Content-Length: 99999999999\r\n\r\n", b"413"),
        (b"Content-Encoding: gzip\r\nContent-Length: 8\r\n\r\nnot gzip", b"415"),
        (b"Content-Length: 3\r\n\r\n[1]", b"400"),
        (b"Content-Length: 3\r\n\r\n{\xff}", b"400"),
    ],
)
async def test_a_request_that_can_be_read_in_two_ways_is_refused(
    header: bytes, status: bytes
) -> None:
    policy = model()
    async with served(policy) as address:
        said = await answer_to(address, REQUEST + header)
    assert said.split(b" ", 2)[1] in {status, b"400"}
    # One answer, and the connection ends: nothing behind it is read as another request.
    assert said.count(b"HTTP/1.1 ") == 1
    assert policy.requests == []


async def test_a_body_that_is_deeply_nested_is_refused() -> None:
    async with served(model()) as address:
        nested = b'{"model":"function","messages":' + b"[" * 200_000
        head = REQUEST + b"Content-Length: %d\r\n\r\n" % len(nested)
        assert (await answer_to(address, head + nested)).startswith(b"HTTP/1.1 400")


@pytest.mark.behaviour("gateway-bounds-what-arrives")
@pytest.mark.parametrize("part", [b"P", b"POST /v1/chat HT", REQUEST])
async def test_a_connection_that_sends_no_whole_header_is_closed(part: bytes) -> None:
    async with served(model(), limits={"arrival": 0.2}) as address:
        assert await answer_to(address, part) == b""


async def test_a_next_request_on_a_connection_must_arrive_in_time_too() -> None:
    request = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
    async with (
        served(model(), limits={"arrival": 0.2}) as address,
        await raw(address, request) as stream,
    ):
        assert (await stream.receive()).startswith(b"HTTP/1.1 200")
        await stream.send(b"GET /hea")
        assert b"HTTP/1.1" not in await received(stream)


HALF = REQUEST + b"Content-Length: 1000\r\n\r\n{"


@pytest.mark.behaviour("gateway-bounds-what-arrives")
async def test_a_body_that_does_not_arrive_is_not_waited_for() -> None:
    async with served(model(), limits={"arrival": 0.2}) as address:
        assert (await answer_to(address, HALF)).startswith(b"HTTP/1.1 408")


@pytest.mark.behaviour("gateway-bounds-what-arrives")
async def test_a_body_over_the_limit_is_not_read_however_it_comes() -> None:
    async with served(model(), limits={"body": 1024}) as address:
        chunk = b"400\r\n" + b"x" * 0x400 + b"\r\n"
        said = await answer_to(address, REQUEST + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 2)
        assert said.startswith(b"HTTP/1.1 413")
        status, _, _ = await post(address, body("function", user="x" * 2000))
        assert status == 413


@pytest.mark.behaviour("gateway-bounds-what-arrives")
async def test_of_bodies_that_are_too_many_together_the_last_are_told_to_come_again() -> None:
    limits = {"body": 1024, "bodies": 1024}
    async with served(model(), limits=limits) as address, await raw(address, HALF):
        with anyio.fail_after(10):
            while (await post(address, body("function")))[0] != 429:
                await anyio.lowlevel.checkpoint()


async def test_half_requests_shut_nobody_out() -> None:
    async with served(model(), limits={"arrival": 1.0}) as address:
        halves = [await raw(address, HALF) for _ in range(100)]
        assert (await post(address, body("function")))[0] == 200
        for half in halves:
            await half.aclose()


@pytest.mark.behaviour("gateway-tells-no-secret")
async def test_no_key_is_in_a_reply_or_a_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with upstream_of(monkeypatch, model()) as upstream:
        upstream.fail_next("401")
        settings: Any = {"models": ["openai:loopback"], "keys": KEYS}
        async with served(**settings) as address:
            headers = {"Authorization": "Bearer alices-key"}
            status, told, _ = await post(address, body("openai:loopback"), **headers)
            bad = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nAuthorization alices-key\r\n\r\n"
            assert (await answer_to(address, bad)).startswith(b"HTTP/1.1 400")
    assert (status, told["error"]["code"]) == (502, "upstream_key")
    assert upstream.key not in str(told) + caplog.text
    assert "alices-key" not in caplog.text


async def test_an_unknown_path_is_answered_as_such() -> None:
    async with served(model()) as address:
        assert await get(address, "/v1/files") == 404
        assert await get(address, "/v1/chat/completions") == 405
        assert await get(address, "/%2e%2e/%2e%2e/etc/passwd") == 404
        async with client_of(address) as client:
            assert (await client.models.retrieve("cat/majority:function")).owned_by == "catsdk"
