"""How a client says its models connect: a proxy and certificates of the user's own."""

from __future__ import annotations

from collections.abc import Generator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import anyio
import pytest

import catsdk as cat
from catsdk.core import model_strings
from catsdk.core.errors import ConfigurationError, InvalidInputError
from catsdk.core.model_strings import resolve
from catsdk.core.ports import Provider
from catsdk.testing import FunctionProvider
from catsdk.testing.loopback import LoopbackServer
from catsdk_providers.anthropic.provider import AnthropicProvider
from catsdk_providers.openai.provider import OpenAIProvider
from tests.providers.contract import obedient

ELSEWHERE = "http://service.example"


@pytest.fixture(name="proxy")
def listening(monkeypatch: pytest.MonkeyPatch) -> Generator[LoopbackServer]:
    """The loopback server, in the place of a proxy: it is sent the whole address."""
    for name in ("OPENAI", "ANTHROPIC", "VLLM"):
        monkeypatch.setenv(f"{name}_BASE_URL", f"{ELSEWHERE}/v1")
        monkeypatch.setenv(f"{name}_API_KEY", "sk-loopback-key")
    with LoopbackServer(FunctionProvider(obedient)) as serving:
        yield serving


def address(proxy: LoopbackServer) -> str:
    return proxy.url.removesuffix("/v1")


@pytest.mark.parametrize("provider", ["openai", "anthropic", "vllm"])
async def test_a_client_sends_the_calls_of_its_models_through_its_proxy(
    proxy: LoopbackServer, provider: str
) -> None:
    client = cat.Client(http=cat.Http(proxy=address(proxy)))
    with anyio.fail_after(20):
        async with cat.CaT(f"{provider}:{proxy.model}", client=client) as c:
            group = await c.sample("2+2?", n=2)
    assert [bool(rollout.text) for rollout in group.rollouts] == [True, True]
    assert {served.headers["host"] for served in proxy.served} == {"service.example"}


async def test_the_environment_sets_it_too(
    proxy: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CATSDK_HTTP__PROXY", address(proxy))
    with anyio.fail_after(20):
        async with cat.CaT(f"openai:{proxy.model}") as c:
            await c.sample("2+2?", n=1)
    assert [served.headers["host"] for served in proxy.served] == ["service.example"]


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
async def test_certificates_that_cannot_be_read_are_named(
    proxy: LoopbackServer, provider: str, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("no certificate", "utf-8")
    for file in (wrong, tmp_path / "missing.pem"):
        client = cat.Client(http=cat.Http(ca=str(file)))
        with anyio.fail_after(20):
            async with cat.CaT(f"{provider}:{proxy.model}", client=client) as c:
                group = await c.sample("2+2?", n=1)
        (failure,) = group.failures.values()
        assert failure.kind == "ConfigurationError"
        assert file.name in failure.message
    assert proxy.counters.requests == 0


NO_PROXIES = ["proxy.example:8080", "socks5://proxy.example", "http://"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        *(({"proxy": address}, "http://proxy") for address in NO_PROXIES),
        ({"proxy": "http://[::1"}, "proxy"),
        ({"proxy": "http://me:secret@proxy.example"}, "HTTPS_PROXY"),
        ({"ca": ""}, "ca"),
        ({"verify": False}, "verify"),
    ],
)
def test_what_is_no_setting_of_a_connection_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInputError, match=words) as caught:
        cat.Client(http=cat.Http(**given))
    assert "secret" not in str(caught.value)


def test_a_password_in_the_environment_s_setting_is_not_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CATSDK_HTTP__PROXY", "http://me:secret@proxy.example")
    with pytest.raises(ConfigurationError, match="CATSDK_HTTP__PROXY.*HTTPS_PROXY") as caught:
        cat.Client()
    assert "secret" not in str(caught.value)


def test_a_provider_that_would_go_around_the_proxy_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    point = EntryPoint("ours", f"{__name__}:Deaf", model_strings.GROUP)
    monkeypatch.setattr(model_strings, "entry_points", lambda **_: [point])
    http = cat.Http(proxy="http://proxy.example:8080")
    with pytest.raises(ConfigurationError, match=r"'ours:x' cannot use .*HTTPS_PROXY"):
        resolve("ours:x", http)
    assert resolve("ours:x", cat.Http()) is not None


def test_what_makes_no_connection_needs_no_proxy(tmp_path: Path) -> None:
    record = tmp_path / "record.jsonl"
    http = cat.Http(proxy="http://proxy.example:8080")
    with pytest.raises(ConfigurationError, match="no recorded answers"):
        resolve(f"replay:{record}", http)


def Deaf(model: str | None) -> Provider:
    """A provider of somebody else's, which knows no such settings."""
    return FunctionProvider(lambda _: "x")


@pytest.mark.parametrize(
    ("provider", "example"),
    [(OpenAIProvider, "openai:gpt"), (AnthropicProvider, "anthropic:claude")],
)
def test_a_missing_model_or_key_is_named_before_anything_is_sent(
    provider: type[OpenAIProvider | AnthropicProvider],
    example: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    service = example.partition(":")[0].upper()
    monkeypatch.delenv(f"{service}_API_KEY", raising=False)
    monkeypatch.delenv(f"{service}_BASE_URL", raising=False)
    with pytest.raises(InvalidInputError, match=example):
        provider(None)
    with pytest.raises(ConfigurationError, match=f"set {service}_API_KEY"):
        provider("m")
    monkeypatch.setenv(f"{service}_BASE_URL", "http://127.0.0.1:9/v1")
    assert provider("m").base_url.startswith("http://127.0.0.1:9")
