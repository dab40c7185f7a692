"""VLLMProvider on this machine's loopback: what it sends, what it refuses, what it reads."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import anyio
import pytest
from aiohttp import web

from catsdk.core import errors
from catsdk.core.model_strings import resolve
from catsdk.core.ports import Scorer
from catsdk.core.types import Message
from catsdk.sampling.many import draw
from catsdk.testing.loopback import LoopbackServer
from catsdk_providers.vllm.provider import VLLMProvider
from catsdk_providers.vllm.score import logprobs_from
from catsdk_providers.vllm.settings import better_named
from tests.providers.chat_contract import SCHEMA, ChatContract
from tests.providers.contract import ask
from tests.providers.error_contract import ErrorContract

QUESTION = (Message(role="user", content="q"),)


def provider_for(server: LoopbackServer, **settings: Any) -> VLLMProvider:
    return VLLMProvider(server.model, base_url=server.url, api_key=server.key, **settings)


class TestVLLMProvider(ChatContract):
    learns_n = False
    schema_sent: ClassVar[Mapping[str, object]] = {"structured_outputs": {"json": SCHEMA}}

    def made(self, server: LoopbackServer, **settings: Any) -> VLLMProvider:
        return provider_for(server, **settings)

    @pytest.mark.parametrize(
        "extra",
        [{"min_p": 0.1, "cache_salt": "s"}, {"structured_outputs": {"regex": "[0-9]+"}}],
    )
    async def test_settings_of_vllm_are_forwarded_under_their_own_names(
        self, server: LoopbackServer, extra: dict[str, object]
    ) -> None:
        assert await self.sent_for(server, extra=extra) == extra

    async def test_a_schema_goes_out_as_a_tool_or_as_a_constraint_and_never_as_both(
        self, server: LoopbackServer
    ) -> None:
        """The server refuses a request with both."""
        sent = await self.sent_for(server, json_schema=SCHEMA, schema_by="tool")
        assert "structured_outputs" not in sent
        assert {"tools", "tool_choice"} <= set(sent)


class TestErrorsOfVLLMProvider(ErrorContract):
    def made(self, server: LoopbackServer, *, key: str, model: str) -> VLLMProvider:
        return VLLMProvider(model, base_url=server.url, api_key=key)


@pytest.mark.parametrize("name", ["guided_json", "guided_regex", "guided_choice"])
async def test_a_setting_that_vllm_ignores_in_silence_is_refused_by_name(
    server: LoopbackServer, name: str
) -> None:
    async with provider_for(server) as provider:
        with pytest.raises(errors.UnsupportedError, match="structured_outputs") as caught:
            await provider.complete(ask(extra={name: {}}))
    assert caught.value.capability == f"extra.{name}"
    assert server.counters.requests == 0


@pytest.mark.parametrize(
    "settings",
    [
        {"json_schema": SCHEMA, "extra": {"structured_outputs": {"regex": "x"}}},
        {"extra": {"structured_outputs": "[0-9]+"}},
    ],
)
async def test_a_constraint_given_twice_or_in_no_form_is_refused(
    server: LoopbackServer, settings: dict[str, Any]
) -> None:
    async with provider_for(server) as provider:
        with pytest.raises(errors.InvalidInputError, match="structured_outputs"):
            await provider.complete(ask(**settings))
    assert server.counters.requests == 0


async def test_n_greedy_answers_are_asked_for_one_by_one(server: LoopbackServer) -> None:
    """vLLM refuses them in one request."""
    async with provider_for(server) as provider:
        assert len(await draw(provider, ask(n=3, temperature=0.0))) == 3
        assert len(await draw(provider, ask(n=3))) == 3
    assert [payload.get("n", 1) for payload in server.payloads] == [1, 1, 1, 3]


SAID = {
    "max_tokens=4 cannot be greater than max_model_len=2.": errors.ContextTooLongError,
    "This model's maximum context length is 2 tokens.": errors.ContextTooLongError,
    "box is not a multimodal model": errors.UnsupportedError,
    "temperature must be non-negative, got -4.0.": errors.RequestRefusedError,
}


@pytest.mark.parametrize(("said", "kind"), SAID.items())
def test_a_refusal_is_known_by_what_vllm_says(
    said: str, kind: type[errors.RequestRefusedError]
) -> None:
    error = better_named(errors.RequestRefusedError(said, model="vllm:x", status=400))
    assert type(error) is kind
    assert (error.status, str(error)) == (400, said)


def test_the_server_is_this_machines_unless_the_environment_names_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("VLLM_BASE_URL", raising=False)
    local = resolve("vllm:Qwen/Qwen3-4B")
    assert isinstance(local, VLLMProvider)
    assert (local.model, local.base_url) == ("Qwen/Qwen3-4B", "http://127.0.0.1:8000/v1")
    monkeypatch.setenv("VLLM_BASE_URL", "http://elsewhere:8000/v1/")
    assert VLLMProvider("x").base_url == "http://elsewhere:8000/v1"
    with pytest.raises(errors.InvalidInputError, match="vllm:Qwen"):
        VLLMProvider(None)


def test_a_missing_position_is_a_malformed_reply() -> None:
    with pytest.raises(errors.MalformedResponseError, match="2 positions for 3 tokens"):
        logprobs_from([None, {}], [1, 2, 3], 1, model="vllm:x", read=lambda _, __: ("", 0.0))


class Scoring:
    """The parts of a vLLM server that are not OpenAI's: a token is a character."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, Any]]] = []
        self.adapters: list[str] = []

    async def answer(self, http: web.Request) -> web.StreamResponse:
        payload: dict[str, Any] = json.loads(await http.read() or b"{}")
        self.seen.append((http.path, payload))
        if http.path == "/v1/models":
            return web.json_response({"data": [{"id": "m", "max_model_len": 99}]})
        if http.path == "/tokenize":
            text = payload.get("prompt") or f"<{payload['messages'][0]['content']}>"
            return web.json_response({"tokens": [ord(letter) for letter in text]})
        if http.path == "/v1/completions":
            return web.json_response(_scored(payload["prompt"]))
        return self._adapter(http.path, payload)

    def _adapter(self, path: str, payload: dict[str, Any]) -> web.StreamResponse:
        if payload.get("lora_path") == "/nowhere":
            said = {"message": "No adapter found for /nowhere", "code": 404}
            return web.json_response({"error": said}, status=404)
        if path == "/v1/load_lora_adapter":
            self.adapters.append(payload["lora_name"])
        else:
            self.adapters.remove(payload["lora_name"])
        return web.Response(text="Success")


def _scored(ids: list[int]) -> dict[str, Any]:
    positions = [{str(token): {"logprob": -0.5, "decoded_token": chr(token)}} for token in ids]
    return {
        "choices": [{"text": "!", "prompt_logprobs": [None, *positions[1:]]}],
        "usage": {"prompt_tokens": len(ids), "completion_tokens": 1},
    }


@asynccontextmanager
async def scoring() -> AsyncGenerator[tuple[Scoring, str]]:
    fake, app = Scoring(), web.Application()
    app.router.add_route("*", "/{path:.*}", fake.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield fake, f"http://{host}:{port}/v1"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
class TestWhatVLLMHasOfItsOwn:
    """On asyncio only, where the fake server runs; real vLLM is asked on both."""

    async def test_a_text_is_scored_by_its_own_tokens_after_the_prompts(self) -> None:
        with anyio.fail_after(10):
            async with scoring() as (fake, url), VLLMProvider("m", base_url=url) as provider:
                assert isinstance(provider, Scorer)
                scored = await provider.score(QUESTION, "46")
        assert scored.text == "46"
        assert scored.logprobs is not None
        assert [(each.token, each.logprob) for each in scored.logprobs] == [
            ("4", -0.5),
            ("6", -0.5),
        ]
        assert (scored.usage.input_tokens, scored.usage.requests) == (5, 3)
        paths = [path for path, _ in fake.seen]
        assert paths == ["/v1/models", "/tokenize", "/tokenize", "/v1/completions"]
        assert fake.seen[1][1]["add_generation_prompt"] is True
        assert fake.seen[2][1]["add_special_tokens"] is False
        assert fake.seen[3][1] == {
            "model": "m", "prompt": [60, 113, 62, 52, 54], "max_tokens": 1, "prompt_logprobs": 0,
        }  # fmt: skip

    async def test_an_empty_text_is_not_scored(self) -> None:
        async with scoring() as (fake, url), VLLMProvider("m", base_url=url) as provider:
            with pytest.raises(errors.InvalidInputError, match="empty"):
                await provider.score(QUESTION, "")
        assert len(fake.seen) == 1

    async def test_the_length_of_the_context_is_asked_for(self) -> None:
        async with scoring() as (_, url), VLLMProvider("m", base_url=url) as provider:
            assert provider.capabilities.context_length == 99

    async def test_an_adapter_is_loaded_and_forgotten_by_name(self) -> None:
        async with scoring() as (fake, url), VLLMProvider("m", base_url=url) as provider:
            tuned = await provider.load_adapter("step-5", "/adapters/step-5")
            assert (tuned.model, tuned.base_url) == ("step-5", url)
            assert fake.seen[-1][1]["load_inplace"] is True
            assert fake.adapters == ["step-5"]
            await provider.unload_adapter("step-5")
            assert fake.adapters == []

    async def test_an_adapter_that_is_not_there_is_named_with_what_to_do(self) -> None:
        async with scoring() as (_, url), VLLMProvider("m", base_url=url) as provider:
            with pytest.raises(errors.ModelNotFoundError, match="RUNTIME_LORA"):
                await provider.load_adapter("step-5", "/nowhere")
