"""The contract through a real litellm proxy before the loopback server, asked in two ways."""

from __future__ import annotations

import os
from collections.abc import Generator
from functools import partial
from pathlib import Path

import anyio
import pytest

pytest.importorskip("litellm", reason="litellm has its own environment: make test-litellm")

from catsdk.core import errors
from catsdk.core.errors import ProviderError
from catsdk.testing import FunctionProvider
from catsdk.testing.loopback import LoopbackServer
from catsdk.testing.wire import Fault
from catsdk_providers.litellm.provider import LiteLLMProvider
from catsdk_providers.openai.provider import OpenAIProvider
from tests.providers.contract import Opened, ProviderContract, ask, obedient
from tests.providers.served import free_port, served
from tests.providers.test_litellm import WARNINGS_OF_LITELLM

pytestmark = WARNINGS_OF_LITELLM

KEY = "sk-key-of-the-proxy"
CONFIG = """
model_list:
  - model_name: loopback
    litellm_params: {{model: openai/loopback, api_base: "{url}", api_key: {key}}}
general_settings: {{master_key: {master}}}
litellm_settings: {{num_retries: 0}}
router_settings: {{num_retries: 0, disable_cooldowns: true}}
"""


@pytest.fixture(scope="module")
def behind() -> Generator[LoopbackServer]:
    with LoopbackServer(FunctionProvider(obedient)) as serving:
        yield serving


@pytest.fixture(scope="module")
def proxy(behind: LoopbackServer, tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """The address of a proxy; `CATSDK_LITELLM_PROXY` is the command `litellm` that it runs."""
    command = os.environ.get("CATSDK_LITELLM_PROXY")
    if command is None:
        pytest.fail("set CATSDK_LITELLM_PROXY to the command litellm, or run make test-litellm")
    config = Path(tmp_path_factory.mktemp("proxy")) / "config.yaml"
    config.write_text(CONFIG.format(url=behind.url, key=behind.key, master=KEY))
    port = free_port()
    arguments = ["--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    with served(
        [command, *arguments],
        ready="Uvicorn running",
        within=300,
        environment={"LITELLM_LOCAL_MODEL_COST_MAP": "True"},
    ):
        yield f"http://127.0.0.1:{port}/v1"


class TestOpenAIProviderThroughTheProxy(ProviderContract):
    @pytest.fixture
    def opened(self, proxy: str) -> Opened:
        return partial(OpenAIProvider, "loopback", base_url=proxy, api_key=KEY)


class TestLiteLLMProviderThroughTheProxy(ProviderContract):
    @pytest.fixture
    def opened(self, proxy: str) -> Opened:
        return partial(LiteLLMProvider, "litellm_proxy/loopback", base_url=proxy, api_key=KEY)


PASSED_ON: dict[Fault, type[ProviderError]] = {
    "400": errors.RequestRefusedError,
    **dict.fromkeys(("401", "403"), errors.AuthenticationError),
    "404": errors.ModelNotFoundError,
    "429": errors.RateLimitedError,
    "500": errors.ServerError,
    "503": errors.OverloadedError,
    "no_logprobs": errors.UnsupportedError,
    "context": errors.ContextTooLongError,
}


@pytest.mark.parametrize("way", ["openai", "litellm"])
@pytest.mark.parametrize(("fault", "kind"), PASSED_ON.items())
async def test_the_vendors_refusals_keep_their_meaning_where_the_proxy_passes_it_on(
    proxy: str, behind: LoopbackServer, way: str, fault: Fault, kind: type[ProviderError]
) -> None:
    behind.fail_next(fault)
    opened: OpenAIProvider | LiteLLMProvider = (
        OpenAIProvider("loopback", base_url=proxy, api_key=KEY)
        if way == "openai"
        else LiteLLMProvider("litellm_proxy/loopback", base_url=proxy, api_key=KEY)
    )
    with anyio.fail_after(30):
        async with opened as provider:
            with pytest.raises(ProviderError) as caught:
                await provider.complete(ask())
    assert type(caught.value) is kind
    assert KEY not in str(caught.value)
