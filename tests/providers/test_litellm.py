"""LiteLLMProvider keeps the contract through the real litellm, in an environment of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from typing import Any, ClassVar

import anyio
import pytest

pytest.importorskip("litellm", reason="litellm has its own environment: make test-litellm")

from catsdk.core import errors
from catsdk.core.errors import ProviderError
from catsdk.core.model_strings import resolve
from catsdk.testing import FunctionProvider
from catsdk.testing.loopback import LoopbackServer
from catsdk.testing.wire import Fault
from catsdk_providers.litellm.provider import LiteLLMProvider
from tests.providers.chat_contract import ChatContract
from tests.providers.contract import ask, obedient
from tests.providers.error_contract import ErrorContract

WARNINGS_OF_LITELLM = [
    # It reads a model's fields in a way that pydantic will drop.
    pytest.mark.filterwarnings("ignore:Accessing the 'model_:DeprecationWarning"),
    # It leaves a coroutine behind when it is cancelled before its first wait.
    pytest.mark.filterwarnings("ignore:coroutine 'OpenAIChatCompletion:RuntimeWarning"),
    pytest.mark.filterwarnings(
        "ignore:Exception ignored in. <coroutine object OpenAIChat"
        ":pytest.PytestUnraisableExceptionWarning"
    ),
]
pytestmark = WARNINGS_OF_LITELLM


def provider_for(server: LoopbackServer, **settings: Any) -> LiteLLMProvider:
    return LiteLLMProvider(
        f"openai/{server.model}", **{"base_url": server.url, "api_key": server.key, **settings}
    )


class TestLiteLLMProvider(ChatContract):
    def made(self, server: LoopbackServer, **settings: Any) -> LiteLLMProvider:
        return provider_for(server, **settings)


class TestErrorsOfLiteLLMProvider(ErrorContract):
    # litellm reads replies whole, without a limit, and cannot tell a cut one from a broken one.
    apart: ClassVar[Mapping[Fault, type[ProviderError] | None]] = {
        "cut": errors.MalformedResponseError,
        "endless": None,
        "bomb": None,
    }

    def made(self, server: LoopbackServer, *, key: str, model: str) -> LiteLLMProvider:
        return LiteLLMProvider(f"openai/{model}", base_url=server.url, api_key=key)

    @pytest.mark.parametrize("fault", ["malformed", "not_json", "empty", "no_message"])
    async def test_a_reply_that_is_not_of_the_wire_is_malformed(
        self, server: LoopbackServer, fault: Fault
    ) -> None:
        """As on other wires, but for the request id, which litellm does not tell here."""
        error = await self.failing(server, fault)
        assert type(error) is errors.MalformedResponseError
        assert error.transient

    @pytest.mark.parametrize("streamed", [False, True])
    async def test_an_error_that_a_good_reply_reports_is_that_error(
        self, server: LoopbackServer, streamed: bool
    ) -> None:
        """As on other wires, but for the request id, which litellm tells of a stream only."""
        error = await self.failing(server, "reported", pieces=[] if streamed else None)
        assert type(error) is errors.OverloadedError
        assert error.status == 503
        assert error.request_id == ("req-reported" if streamed else None)


async def fails(server: LoopbackServer, *faults: Fault, **settings: Any) -> ProviderError:
    """The error of a call whose request meets the first of `faults`."""
    server.fail_next(*faults)
    async with provider_for(server, **settings) as provider:
        with anyio.fail_after(10), pytest.raises(ProviderError) as caught:
            await provider.complete(ask())
    return caught.value


async def test_nobody_listening_is_a_connection_failure(server: LoopbackServer) -> None:
    error = await fails(server, base_url="http://127.0.0.1:9/v1")
    assert type(error) is errors.ConnectionFailedError


async def test_a_key_from_the_environment_is_taken_and_never_shown(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", server.key)
    async with LiteLLMProvider(f"openai/{server.model}", base_url=server.url) as provider:
        assert (await provider.complete(ask()))[0].text
    monkeypatch.setenv("OPENAI_API_KEY", "sk-from-the-environment")
    error = await fails(server, api_key=None)
    assert "sk-from-the-environment" not in str(error)


async def test_a_setting_that_a_vendor_lacks_is_refused_by_name_before_it_is_sent(
    server: LoopbackServer,
) -> None:
    provider = LiteLLMProvider("anthropic/claude-x", base_url=server.url, api_key=server.key)
    async with provider:
        assert not provider.capabilities.seed
        with pytest.raises(errors.UnsupportedError) as caught:
            await provider.complete(ask(seed=7))
    assert caught.value.capability == "seed"
    assert server.counters.requests == 0


async def test_the_cost_is_known_where_litellm_has_a_price(server: LoopbackServer) -> None:
    async with provider_for(server) as provider:
        (unknown,) = await provider.complete(ask())
    assert unknown.usage.cost is None
    priced = LoopbackServer(FunctionProvider(obedient), model="gpt-4o-mini")
    async with priced, provider_for(priced) as provider:
        (known,) = await provider.complete(ask())
        (streamed,) = await provider.complete(ask(), lambda _: None)
        context = provider.capabilities.context_length
    assert known.usage.cost is not None
    assert known.usage.cost > 0
    assert streamed.usage.cost == known.usage.cost
    assert context == 128_000


async def test_a_call_ends_at_its_time_limit(server: LoopbackServer) -> None:
    error = await fails(server, "hang", timeout=0.2)
    assert type(error) is errors.TimedOutError


def test_the_model_string_is_litellms_own_name() -> None:
    provider = resolve("litellm:gemini/gemini-2.5-flash")
    assert isinstance(provider, LiteLLMProvider)
    assert provider.model == "gemini/gemini-2.5-flash"
    with pytest.raises(errors.InvalidInputError, match="litellm:gemini"):
        resolve("litellm")


def test_making_a_provider_does_not_import_litellm() -> None:
    program = (
        "import sys; from catsdk.core.model_strings import resolve; resolve('litellm:openai/x');"
        "sys.exit('litellm' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
