"""Chat completions take the short way on asyncio: what takes it, and that it keeps every rule."""

from __future__ import annotations

import gzip
import ssl
import zlib
from pathlib import Path
from shutil import which
from typing import Any

import anyio
import pytest
from aiohttp import web

from catsdk.core import errors
from catsdk.core.sending import Http
from catsdk.core.types import Message, Request
from catsdk.testing import FunctionProvider
from catsdk.testing.loopback import LoopbackServer
from catsdk.testing.wire import RawReply
from catsdk_providers.anthropic.provider import AnthropicProvider
from catsdk_providers.http.client import certificates
from catsdk_providers.http.decode import MAX_DECODED
from catsdk_providers.openai.direct import proxy_for
from catsdk_providers.openai.provider import OpenAIProvider
from catsdk_providers.vllm.provider import VLLMProvider
from tests.providers.contract import ask, obedient, unheard

SECRET = "gw-secret-123456"


def went_direct(server: LoopbackServer) -> list[bool]:
    """Of each request, whether it went without the SDK, which describes itself in headers."""
    return [not any(h.startswith("x-stainless") for h in s.headers) for s in server.served]


SETTINGS: list[dict[str, Any]] = [
    {},
    {"n": 3},
    {"seed": 7},
    {"stop": ("x",)},
    {"logprobs": True},
    {"json_schema": {"type": "object"}},
    {"json_schema": {"type": "object"}, "schema_by": "tool"},
    {"extra": {"min_p": 0.1}},
    {"temperature": 0.5, "top_p": 0.9, "top_k": 20},
]


@pytest.mark.parametrize("made", [OpenAIProvider, VLLMProvider])
@pytest.mark.parametrize("streamed", [False, True])
async def test_every_setting_takes_the_short_way_on_asyncio_and_the_sdk_on_trio(
    server: LoopbackServer,
    made: type[OpenAIProvider | VLLMProvider],
    streamed: bool,
    anyio_backend: str,
) -> None:
    server._provider = FunctionProvider(lambda _: '{"a": 1}')
    async with made(server.model, base_url=server.url, api_key=server.key) as provider:
        server.served.clear()
        for settings in SETTINGS:
            if made is VLLMProvider and settings.get("schema_by") == "tool":
                continue
            with anyio.fail_after(10):
                await provider.complete(ask(**settings), unheard if streamed else None)
    ways = went_direct(server)
    assert len(ways) >= len(SETTINGS) - 1
    assert set(ways) == {anyio_backend == "asyncio"}


async def test_both_ways_send_the_same_payload(server: LoopbackServer) -> None:
    async with OpenAIProvider(
        server.model, base_url=server.url, api_key=server.key, headers={"x-team": "cats"}
    ) as provider:
        await provider.complete(ask("naïve \U0001f408", n=2, seed=7, extra={"min_p": 0.1}))
    (served,) = server.served
    assert served.payload == {
        "model": "loopback",
        "messages": [{"role": "user", "content": "naïve \U0001f408"}],
        "n": 2,
        "seed": 7,
        "max_tokens": 24,
        "min_p": 0.1,
    }
    assert served.headers["x-team"] == "cats"
    assert served.headers["content-type"] == "application/json"
    assert served.headers["accept-encoding"] == "identity"


def test_the_proxy_is_the_one_that_the_environment_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    assert proxy_for("https://a.example/v1") is None
    monkeypatch.setenv("https_proxy", "http://proxy.example:8080")
    monkeypatch.setenv("no_proxy", "localhost,127.0.0.1,.inside.example")
    assert proxy_for("https://a.example/v1") == "http://proxy.example:8080"
    assert proxy_for("http://a.example/v1") is None
    assert proxy_for("https://b.inside.example/v1") is None
    assert proxy_for("https://127.0.0.1:8000/v1") is None


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_call_goes_through_the_proxy(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The loopback server stands in for a proxy: it is sent the whole address.
    monkeypatch.setenv("http_proxy", server.url.removesuffix("/v1"))
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    provider = OpenAIProvider(
        server.model, base_url="http://service.example/v1", api_key=server.key
    )
    async with provider:
        with anyio.fail_after(10):
            await provider.complete(ask())
    (served,) = server.served
    assert served.headers["host"] == "service.example"
    assert went_direct(server) == [True]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_certificate_of_ones_own_is_trusted_where_environment_or_client_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    openssl = which("openssl")
    if openssl is None:
        pytest.skip("openssl, which makes the certificate, is not installed")
    made, key = tmp_path / "own.pem", tmp_path / "own.key"
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=own", "-addext", "subjectAltName=IP:127.0.0.1"]
    await anyio.run_process([*command, *names, "-keyout", str(key), "-out", str(made)])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(made, key)
    direct: list[bool] = []

    async def answer(request: web.Request) -> web.Response:
        direct.append("x-stainless-lang" not in request.headers)
        return web.Response(body=reply("4"), content_type="application/json")

    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    url = f"https://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        for trusted in (None, "by the environment", "by the client"):
            if trusted == "by the environment":
                monkeypatch.setenv("SSL_CERT_FILE", str(made))
            else:
                monkeypatch.delenv("SSL_CERT_FILE", raising=False)
            http = Http(ca=str(made)) if trusted == "by the client" else None
            certificates.cache_clear()
            async with OpenAIProvider(
                "m", base_url=url, api_key="sk-1234567", http=http
            ) as provider:
                with anyio.fail_after(10):
                    if trusted:
                        assert (await provider.complete(ask()))[0].text == "4"
                    else:
                        with pytest.raises(errors.ConnectionFailedError, match="certificate"):
                            await provider.complete(ask())
    finally:
        certificates.cache_clear()
        await runner.cleanup()
    assert direct == [True, True]


# --- redirects ------------------------------------------------------------------------------

MADE = pytest.mark.parametrize("made", [OpenAIProvider, AnthropicProvider])
Made = type[OpenAIProvider | AnthropicProvider]


@MADE
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_leads_to_another_origin(
    server: LoopbackServer, made: Made, status: int, streamed: bool
) -> None:
    async with LoopbackServer(FunctionProvider(obedient)) as other:
        location = {"location": f"{other.url}/chat/completions"}
        server.answer = lambda _: RawReply(b"", status, location)
        headers = {"x-gateway-key": SECRET}
        async with made(
            server.model, base_url=server.url, api_key=server.key, headers=headers
        ) as provider:
            with anyio.fail_after(10), pytest.raises(errors.RequestRefusedError) as caught:
                await provider.complete(ask(), unheard if streamed else None)
        assert other.counters.requests == 0
    assert "set base_url" in str(caught.value).lower()
    assert caught.value.status == status


@pytest.mark.parametrize(
    "location",
    [
        "http://" + "a" * 70 + ".example/",
        "http://[",
        "//evil.example/x",
        "http://\ud800/",
        "ftp://x",
    ],
)
async def test_a_redirect_to_nowhere_is_a_typed_failure(
    server: LoopbackServer, location: str
) -> None:
    sent = location.encode("utf-8", "replace").decode("latin-1")
    server.answer = lambda _: RawReply(b"", 307, {"location": sent})
    async with OpenAIProvider(server.model, base_url=server.url, api_key=server.key) as provider:
        with anyio.fail_after(10), pytest.raises(errors.RequestRefusedError, match="redirects"):
            await provider.complete(ask())


async def test_a_redirect_within_the_origin_is_followed_and_a_circle_is_not(
    server: LoopbackServer,
) -> None:
    path = "/v1/chat/completions"
    replies = [RawReply(b"", 307, {"location": path}), None]
    server.answer = lambda _: replies.pop(0)
    async with OpenAIProvider(server.model, base_url=server.url, api_key=server.key) as provider:
        assert (await provider.complete(ask()))[0].text
        server.answer = lambda _: RawReply(b"", 308, {"location": path})
        with anyio.fail_after(10), pytest.raises(errors.ProviderError):
            await provider.complete(ask())


# --- bounds and encodings -------------------------------------------------------------------


def reply(text: str) -> bytes:
    return b'{"choices": [{"message": {"content": "%s"}, "finish_reason": "stop"}]}' % text.encode()


def deflated(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(content) + packer.flush()


def in_members(content: bytes) -> bytes:
    """A gzip file of several members, as some gateways put it together."""
    return b"".join(gzip.compress(content[at : at + 20]) for at in range(0, len(content), 20))


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [("gzip", gzip.compress), ("x-gzip", gzip.compress), ("deflate", zlib.compress),
     ("deflate", deflated), ("identity", bytes), ("", bytes), ("none", bytes),
     ("gzip", in_members)],
)  # fmt: skip
async def test_a_compressed_reply_is_read(
    server: LoopbackServer, encoding: str, packed: Any
) -> None:
    server.answer = lambda _: RawReply(packed(reply("4")), headers={"content-encoding": encoding})
    async with OpenAIProvider(server.model, base_url=server.url, api_key=server.key) as provider:
        assert (await provider.complete(ask()))[0].text == "4"
        assert (await provider.complete(ask(), unheard))[0].text == "4"


@MADE
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_small_body_that_grows_without_bound_is_given_up(
    server: LoopbackServer, made: Made, streamed: bool, encoding: str
) -> None:
    body = b" " * (MAX_DECODED * 8)
    packed = gzip.compress(body) if encoding == "gzip" else zlib.compress(body)
    assert len(packed) < 256 * 2**10
    server.answer = lambda _: RawReply(packed, headers={"content-encoding": encoding})
    async with made(server.model, base_url=server.url, api_key=server.key) as provider:
        with anyio.fail_after(10), pytest.raises(errors.MalformedResponseError, match="is over"):
            await provider.complete(ask(), unheard if streamed else None)


@MADE
async def test_a_body_of_thousands_of_members_is_given_up(
    server: LoopbackServer, made: Made
) -> None:
    body = gzip.compress(b" ") * 10_000
    server.answer = lambda _: RawReply(body, headers={"content-encoding": "gzip"})
    async with made(server.model, base_url=server.url, api_key=server.key) as provider:
        with anyio.fail_after(10), pytest.raises(errors.MalformedResponseError, match="members"):
            await provider.complete(ask())


@MADE
@pytest.mark.parametrize(
    "headers",
    [
        {"content-encoding": "br"},
        {"content-encoding": "gzip"},
        {"content-encoding": "deflate"},
        {"content-encoding": "gzip, gzip"},
    ],
)
async def test_a_body_that_cannot_be_decoded_is_a_typed_failure(
    server: LoopbackServer, made: Made, headers: dict[str, str]
) -> None:
    server.answer = lambda _: RawReply(b"no such thing", headers=headers)
    async with made(server.model, base_url=server.url, api_key=server.key) as provider:
        with anyio.fail_after(10), pytest.raises(errors.MalformedResponseError):
            await provider.complete(ask())


@MADE
@pytest.mark.parametrize("charset", ["hex", "idna", "utf-7", "no-such", "\u00ff"])
@pytest.mark.parametrize("status", [200, 400])
async def test_a_charset_that_is_none_changes_nothing(
    server: LoopbackServer, made: Made, charset: str, status: int
) -> None:
    headers = {"content-type": f"application/json; charset={charset}"}
    server.answer = lambda _: RawReply(b'{"error": {"message": "odd"}}', status, headers)
    async with made(server.model, base_url=server.url, api_key=server.key) as provider:
        with anyio.fail_after(10), pytest.raises(errors.ProviderError, match="odd"):
            await provider.complete(ask())


# --- secrets --------------------------------------------------------------------------------


@MADE
@pytest.mark.parametrize("streamed", [False, True])
async def test_a_key_that_a_service_repeats_is_shown_nowhere(
    server: LoopbackServer, made: Made, streamed: bool
) -> None:
    echo = "sk-hidden-0123456789"
    server.key = echo
    ids = {"x-request-id": f"id-{echo}", "request-id": f"id-{echo}"}
    headers = {"Authorization": f"Bearer {echo}", "x-gateway-key": SECRET}
    said = {"type": "error", "error": {"message": f"bad {echo} or {SECRET}", "type": "x"}}
    server.answer = lambda _: RawReply(said, 400, ids)
    async with made(server.model, base_url=server.url, headers=headers, api_key=echo) as provider:
        with anyio.fail_after(10), pytest.raises(errors.ProviderError) as caught:
            await provider.complete(ask(), unheard if streamed else None)
    failure = f"{caught.value} {caught.value.request_id}"
    assert echo not in failure
    assert SECRET not in failure
    assert "***" in failure


async def test_a_key_given_in_a_header_alone_is_a_secret_without_its_scheme() -> None:
    for value in (f"Bearer {SECRET}", f"Basic {SECRET}", SECRET, "Basic dXNlcjpnd19zZWNyZXRfMQ=="):
        provider = OpenAIProvider("m", base_url="http://h", headers={"Authorization": value})
        assert SECRET not in provider.hidden(f"you sent {SECRET}") or "dXNl" in value
    assert "gw_secret_1" not in provider.hidden("you sent gw_secret_1")


@pytest.mark.behaviour("keys-are-never-shown")
@MADE
async def test_an_answer_that_repeats_the_key_is_given_without_it(
    server: LoopbackServer, made: Made
) -> None:
    server._provider = FunctionProvider(lambda _: f"the key is {server.key}, I think")
    pieces: list[str] = []
    async with made(server.model, base_url=server.url, api_key=server.key) as provider:
        (whole,) = await provider.complete(ask())
        (streamed,) = await provider.complete(ask(), pieces.append)
    assert whole.text == streamed.text == "".join(pieces) == "the key is ***, I think"


async def test_a_key_that_is_cut_between_two_pieces_is_not_told(server: LoopbackServer) -> None:
    key = server.key
    events = b"".join(
        b'data: {"choices": [{"index": 0, "delta": {"content": "%s"}}]}\n\n' % piece.encode()
        for piece in ("it is ", key[:5], key[5:9], key[9:], ".")
    )
    end = b'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\n'
    server.answer = lambda _: RawReply(events + end)
    pieces: list[str] = []
    async with OpenAIProvider(server.model, base_url=server.url, api_key=key) as provider:
        (completion,) = await provider.complete(ask(), pieces.append)
    assert "".join(pieces) == completion.text == "it is ***."


@MADE
@pytest.mark.parametrize(
    "url", ["http://h/v1?api_key=sk-1234567", "http://h/v1#sk-1234567", "http://h?sk-1234567"]
)
def test_an_address_with_a_query_is_refused_and_not_shown(made: Made, url: str) -> None:
    with pytest.raises(errors.InvalidInputError, match="query") as caught:
        made("m", base_url=url, api_key="k")
    assert "sk-1234567" not in str(caught.value)


@MADE
@pytest.mark.parametrize(
    "headers", [{"x-key": "a\r\nb: c"}, {"x-key": "\u201csecret\u201d"}, {"x key": "a"}, {"": "a"}]
)
def test_a_header_that_http_does_not_take_is_refused_and_not_shown(
    made: Made, headers: dict[str, str]
) -> None:
    with pytest.raises(errors.ConfigurationError, match="header") as caught:
        made("m", base_url="http://h", api_key="k", headers=headers)
    assert "secret" not in str(caught.value)


# --- what is sent ---------------------------------------------------------------------------


@MADE
@pytest.mark.parametrize("streamed", [False, True])
async def test_half_a_character_in_a_prompt_is_refused_before_anything_is_sent(
    server: LoopbackServer, made: Made, streamed: bool
) -> None:
    request = Request(messages=(Message(role="user", content="q \ud800"),))
    async with made(server.model, base_url=server.url, api_key=server.key) as provider:
        with pytest.raises(errors.InvalidInputError, match="half of a character") as caught:
            await provider.complete(request, unheard if streamed else None)
    assert server.counters.requests == 0
    str(caught.value).encode()


# --- addresses ------------------------------------------------------------------------------


async def test_a_base_url_without_its_version_is_hinted_at(server: LoopbackServer) -> None:
    url = server.url.removesuffix("/v1")
    async with OpenAIProvider(server.model, base_url=url, api_key=server.key) as provider:
        with pytest.raises(errors.ModelNotFoundError) as caught:
            await provider.complete(ask())
    assert f"HTTP 404 at {url}" in str(caught.value)
    assert f"try {url}/v1" in str(caught.value)
    url = f"{server.url}/chat/completions"
    async with OpenAIProvider(server.model, base_url=url, api_key=server.key) as provider:
        with pytest.raises(errors.ModelNotFoundError, match="leave /chat/completions out"):
            await provider.complete(ask())
