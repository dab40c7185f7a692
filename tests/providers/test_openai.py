"""OpenAIProvider keeps the contract through the real SDK, and reads the wire's errors."""

from __future__ import annotations

import json
from typing import Any

import anyio
import pytest

from catsdk.core import errors
from catsdk.core.errors import ProviderError
from catsdk.core.types import Completion
from catsdk.sampling.many import draw
from catsdk.testing import FunctionProvider
from catsdk.testing.loopback import LoopbackServer
from catsdk.testing.wire import Fault
from catsdk_providers.http.refusals import Place, refusal, reported
from catsdk_providers.openai.choices import completions_of
from catsdk_providers.openai.provider import OpenAIProvider
from catsdk_providers.openai.stream import Collected
from tests.providers.chat_contract import ChatContract
from tests.providers.contract import ask, obedient
from tests.providers.error_contract import ErrorContract


def provider_for(server: LoopbackServer, **settings: Any) -> OpenAIProvider:
    return OpenAIProvider(
        server.model, **{"base_url": server.url, "api_key": server.key, **settings}
    )


class TestOpenAIProvider(ChatContract):
    def made(self, server: LoopbackServer, **settings: Any) -> OpenAIProvider:
        return provider_for(server, **settings)


class TestErrorsOfOpenAIProvider(ErrorContract):
    def made(self, server: LoopbackServer, *, key: str, model: str) -> OpenAIProvider:
        return OpenAIProvider(model, base_url=server.url, api_key=key)


async def test_nobody_listening_is_a_connection_failure() -> None:
    provider = OpenAIProvider("m", base_url="http://127.0.0.1:9/v1", api_key="k")
    async with provider:
        with anyio.fail_after(10), pytest.raises(errors.ConnectionFailedError):
            await provider.complete(ask())


async def test_an_endpoint_that_ignores_n_is_asked_for_the_rest() -> None:
    async with LoopbackServer(FunctionProvider(obedient), takes_n="ignores") as server:
        async with provider_for(server) as provider:
            samples = await draw(provider, ask(n=4))
            assert all(isinstance(sample, Completion) for sample in samples)
            assert len(samples) == 4
            assert not provider.capabilities.n
        assert server.counters.requests == 4


@pytest.mark.parametrize("fault", ["400", "500", "429", "context", "no_logprobs"])
async def test_no_other_error_is_read_as_n_unsupported(
    server: LoopbackServer, fault: Fault
) -> None:
    server.fail_next(fault)
    async with provider_for(server) as provider:
        with pytest.raises(ProviderError):
            await provider.complete(ask(n=3))
        assert provider.capabilities.n


CAT = "\\ud83d\\udc08"


def chunk(content: str = "", finish: str | None = None) -> bytes:
    """A chunk as a server writes it that escapes every character; `content` is JSON's text."""
    reason = f'"{finish}"' if finish else "null"
    choice = f'{{"delta":{{"content":"{content}"}},"finish_reason":{reason}}}'
    return f'data: {{"choices":[{choice}]}}\n\n'.encode()


def test_a_character_that_is_cut_between_two_chunks_is_whole() -> None:
    collected = Collected()
    told = [collected.add(chunk(f"a{CAT[:6]}")), collected.add(chunk(f"{CAT[6:]}b", "stop"))]
    assert told == ["a", "\U0001f408b"]
    assert collected.end() == ""
    message = collected.body()["choices"][0]["message"]
    assert message["content"] == "a\U0001f408b"


def test_half_a_character_at_the_end_is_replaced() -> None:
    collected = Collected()
    assert collected.add(chunk(f"a{CAT[:6]}", "stop")) == "a"
    assert collected.end() == "\ufffd"


def test_halves_of_characters_in_a_whole_reply_are_replaced() -> None:
    half = json.loads(f'"{CAT[:6]}"')
    reply = {
        "model": f"m{half}",
        "choices": [
            {
                "message": {"content": f"a{half}", "reasoning_content": f"b{half}"},
                "logprobs": {"content": [{"token": half, "logprob": -1.0}]},
            }
        ],
    }
    (completion,) = completions_of(reply, Place("m"))
    assert (completion.text, completion.reasoning, completion.model) == (
        "a\ufffd",
        "b\ufffd",
        "m\ufffd",
    )
    completion.model_dump_json()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"message": "busy", "code": 429}, errors.RateLimitedError),
        ({"message": "no such key", "code": 401}, errors.AuthenticationError),
        ({"message": "upstream", "code": "bad_gateway"}, errors.ServerError),
        ({"message": "too long", "code": 400, "type": "x"}, errors.RequestRefusedError),
        ("in words", errors.ServerError),
        (None, errors.ServerError),
    ],
)
def test_an_error_in_a_good_reply_is_read_by_its_code(
    body: object, kind: type[ProviderError]
) -> None:
    error = reported(body, Place("m", ["sk-secret-1"], "req-1"))
    assert type(error) is kind
    assert error.request_id == "req-1"


@pytest.mark.parametrize(
    ("said", "capability"),
    [
        ({"message": "n must be 1", "code": "unsupported_value", "param": "n"}, "n"),
        ({"message": "Only one completion choice is allowed"}, "n"),
        ({"message": "'logprobs' is not supported with this model"}, "logprobs"),
        ({"message": "This model does not support the parameter: seed"}, "seed"),
        ({"message": "min_p is off", "code": "unsupported_parameter", "param": "min_p"}, "min_p"),
        ({"message": "n must be at most 128", "param": "n"}, None),
        ({"message": "temperature must be at most 1.5", "param": "temperature"}, None),
        ({"message": "Invalid schema for response_format: not supported"}, None),
    ],
)
def test_a_refused_parameter_is_told_from_a_bad_value(
    said: dict[str, object], capability: str | None
) -> None:
    error = refusal({"error": said}, 400, Place("m"))
    assert getattr(error, "capability", None) == capability
