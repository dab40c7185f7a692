"""Errors and endings are understood in every dialect: an example for each row of the table."""

from __future__ import annotations

import json
from typing import Any

import anyio
import pytest

from catsdk.core import errors
from catsdk.core.errors import ProviderError
from catsdk.core.types import Completion, Request
from catsdk.rubrics.proposer import RubricProposer
from catsdk.sampling.many import draw
from catsdk.testing import FunctionProvider
from catsdk.testing.loopback import LoopbackServer
from catsdk.testing.wire import RawReply
from catsdk_providers.anthropic.provider import AnthropicProvider
from catsdk_providers.http.dialects import FAILED_FINISHES, WORDS
from catsdk_providers.http.refusals import Place, reported
from catsdk_providers.http.words import said_in, says_something
from catsdk_providers.openai.choices import completions_of
from catsdk_providers.openai.provider import OpenAIProvider
from tests.providers.contract import ask, obedient, unheard
from tests.providers.dialects import ENDINGS, REFUSALS, REPORTED, Example
from tests.rubrics.scripted import group_of, reference_of

GOOD = {"choices": [{"index": 0, "finish_reason": "stop", "message": {"content": "4"}}]}


def named(example: Example) -> str:
    return f"{example.service}-{example.status}-{str(example.body)[:60]}"


def serving(answer: Any) -> LoopbackServer:
    server = LoopbackServer(FunctionProvider(obedient))
    server.answer = answer
    return server


def provider_at(server: LoopbackServer) -> OpenAIProvider:
    return OpenAIProvider(server.model, base_url=server.url, api_key=server.key)


async def failure_of(example: Example, request: Request, pieces: list[str] | None) -> ProviderError:
    content = example.body if isinstance(example.body, str) else json.dumps(example.body)
    raw = RawReply(content.encode(), example.status)
    async with serving(lambda _: raw) as server, provider_at(server) as provider:
        with anyio.fail_after(10), pytest.raises(ProviderError) as caught:
            await provider.complete(request, None if pieces is None else pieces.append)
    return caught.value


@pytest.mark.parametrize("example", REFUSALS, ids=named)
async def test_a_refusal_has_its_kind_and_its_own_words(example: Example) -> None:
    error = await failure_of(example, ask(), None)
    assert type(error) is example.error
    assert getattr(error, "capability", None) == example.capability
    assert example.words in str(error)
    assert error.status == example.status


@pytest.mark.parametrize("example", REPORTED, ids=named)
@pytest.mark.parametrize("streamed", [False, True])
async def test_an_error_of_status_200_is_the_error_that_it_names(
    example: Example, streamed: bool
) -> None:
    body = json.dumps({"error": example.body}).encode()
    raw = RawReply(b"data: " + body + b"\n\n" if streamed else body)
    async with serving(lambda _: raw) as server, provider_at(server) as provider:
        with anyio.fail_after(10), pytest.raises(ProviderError) as caught:
            await provider.complete(ask(), unheard if streamed else None)
    assert type(caught.value) is example.error
    assert caught.value.status == example.status


@pytest.mark.parametrize("row", WORDS, ids=lambda row: f"{row.kind}: {row.dialects}")
def test_each_wording_of_the_table_has_an_example(row: Any) -> None:
    kinds = {
        "context": errors.ContextTooLongError,
        "filter": errors.ContentFilteredError,
        "quota": errors.RequestRefusedError,
        "key": errors.AuthenticationError,
        "model": errors.ModelNotFoundError,
    }
    examples = [e for e in REFUSALS if e.error is kinds[row.kind]]
    assert any(row.pattern.search(said_in(example.body).message) for example in examples)


@pytest.mark.parametrize(("service", "reason", "finish"), ENDINGS)
def test_an_ending_is_understood_in_every_dialect(
    service: str, reason: object, finish: str
) -> None:
    choice = {"index": 0, "finish_reason": reason, "message": {"content": "4"}}
    (completion,) = completions_of({"choices": [choice]}, Place("m"))
    assert (completion.text, completion.finish_reason) == ("4", finish), service


@pytest.mark.parametrize(("reason", "status"), FAILED_FINISHES.items())
def test_an_ending_that_is_a_failure_is_one_whatever_text_came_before(
    reason: str, status: int
) -> None:
    choice = {"index": 0, "finish_reason": reason, "message": {"content": "The answer is 4"}}
    with pytest.raises(ProviderError) as caught:
        completions_of({"choices": [choice]}, Place("m"))
    assert caught.value.transient
    assert caught.value.status == status


@pytest.mark.parametrize(
    "error", [{}, None, False, "", [], {"code": 0, "message": ""}, {"code": "ok", "message": None}]
)
def test_an_empty_error_beside_good_choices_is_none(error: object) -> None:
    assert not says_something(error)
    (completion,) = completions_of({**GOOD, "error": error}, Place("m"))
    assert completion.text == "4"


def test_an_invented_dialect_fails_with_its_own_words() -> None:
    error = reported({"mistake": {"wat": 1}, "reason": "the moon is full"}, Place("m"))
    assert "the moon is full" in str(error)


# --- asked once more ------------------------------------------------------------------------


def refusing(field: str, message: str) -> Any:
    """A service that knows no `field`, and says only `message`."""

    def answer(payload: dict[str, Any]) -> RawReply | None:
        carried = payload.get("n", 1) > 1 if field == "n" else field in payload
        return RawReply({"error": {"message": message}}, 400) if carried else RawReply(GOOD)

    return answer


@pytest.mark.parametrize("message", ["Bad Request", "", "field n is odd", "no such luck"])
async def test_a_refusal_without_a_reason_is_asked_once_more_without_n(message: str) -> None:
    async with serving(refusing("n", message)) as server, provider_at(server) as provider:
        samples = await draw(provider, ask(n=4))
        assert [sample.text for sample in samples if isinstance(sample, Completion)] == ["4"] * 4
        assert not provider.capabilities.n
        assert [payload.get("n", 1) for payload in server.payloads] == [4, 1, 1, 1, 1]
        assert await draw(provider, ask(n=2))
        assert [payload.get("n", 1) for payload in server.payloads[5:]] == [1, 1]


async def test_the_refused_request_is_counted() -> None:
    async with serving(refusing("n", "Bad Request")) as server, provider_at(server) as provider:
        (completion,) = await provider.complete(ask(n=2))
    assert completion.usage.requests == 2 == server.counters.requests


async def test_a_request_that_is_refused_without_n_too_keeps_its_first_refusal() -> None:
    def answer(payload: dict[str, Any]) -> RawReply:
        said = "the first" if payload.get("n", 1) > 1 else "the second"
        return RawReply({"error": {"message": said}}, 400)

    async with serving(answer) as server, provider_at(server) as provider:
        with pytest.raises(errors.RequestRefusedError, match="the first"):
            await provider.complete(ask(n=4))
        assert server.counters.requests == 2
        assert provider.capabilities.n


async def test_a_refusal_that_names_another_field_is_final() -> None:
    said = {"error": {"message": "must be at most 2", "param": "temperature"}}
    async with serving(lambda _: RawReply(said, 400)) as server, provider_at(server) as provider:
        with pytest.raises(errors.RequestRefusedError):
            await provider.complete(ask(n=4))
        assert server.counters.requests == 1


async def test_an_endpoint_that_takes_a_smaller_n_only_is_asked_for_one_answer() -> None:
    def answer(payload: dict[str, Any]) -> RawReply:
        n = payload.get("n", 1)
        said = f"Field 'n': Value must be between 1 <= value <= 4, but got {n}"
        many = {"choices": [{**GOOD["choices"][0], "index": at} for at in range(n)]}
        return RawReply({"error": {"message": said}}, 400) if n > 4 else RawReply(many)

    async with serving(answer) as server, provider_at(server) as provider:
        assert len(await provider.complete(ask(n=4))) == 4
        samples = await draw(provider, ask(n=6))
        assert [sample.text for sample in samples if isinstance(sample, Completion)] == ["4"] * 6
        assert [payload.get("n", 1) for payload in server.payloads] == [4, 6, 1, 1, 1, 1, 1, 1]


async def test_a_refused_bound_of_a_schema_is_left_to_whoever_wrote_the_schema() -> None:
    def answer(payload: dict[str, Any]) -> RawReply:
        sent = json.dumps(payload["response_format"])
        bound = next((each for each in ("minLength", "minItems") if each in sent), None)
        said = f"Invalid schema for response_format 'reply': '{bound}' is not permitted."
        criteria = json.dumps({"criteria": [f"criterion {at}" for at in range(5)]})
        good = {"choices": [{**GOOD["choices"][0], "message": {"content": criteria}}]}
        return RawReply(good) if bound is None else RawReply({"error": {"message": said}}, 400)

    async with serving(answer) as server, provider_at(server) as provider:
        rubric = await RubricProposer(provider).propose(reference_of(group_of("x")))
        assert len(rubric.criteria) == 5
        assert server.counters.requests == 3
        assert '"maxItems": 20' in json.dumps(server.payloads[-1])
        assert provider.capabilities.json_schema


async def test_images_that_are_refused_as_a_failure_are_a_missing_capability() -> None:
    said = "image input is not supported - hint: you may need to provide the mmproj"
    body = {"error": {"code": 500, "message": said, "type": "server_error"}}
    async with serving(lambda _: RawReply(body, 500)) as server, provider_at(server) as provider:
        with pytest.raises(errors.UnsupportedError) as caught:
            await provider.complete(ask())
    assert (caught.value.capability, caught.value.transient) == ("images", False)


async def test_an_endpoint_that_took_n_before_is_not_suspected() -> None:
    many = {"choices": [{"index": at, **GOOD["choices"][0], "index": at} for at in range(2)]}  # noqa: F601
    replies = [RawReply(many), RawReply({"error": {"message": "Bad Request"}}, 400)]
    async with serving(lambda _: replies.pop(0)) as server, provider_at(server) as provider:
        assert len(await provider.complete(ask(n=2))) == 2
        with pytest.raises(errors.RequestRefusedError):
            await provider.complete(ask(n=2))
        assert server.counters.requests == 2


@pytest.mark.parametrize("text", ['{"a": 1}', "no JSON"])
async def test_a_schema_that_is_refused_without_a_reason_is_learnt(text: str) -> None:
    good = {"choices": [{**GOOD["choices"][0], "message": {"content": text}}]}

    def answer(payload: dict[str, Any]) -> RawReply:
        refused = RawReply({"error": {"message": "Bad Request"}}, 422)
        return refused if "response_format" in payload else RawReply(good)

    async with serving(answer) as server, provider_at(server) as provider:
        request = ask(json_schema={"type": "object"})
        if text.startswith("{"):
            (completion,) = await provider.complete(request)
            assert completion.text == text
        else:
            with pytest.raises(errors.UnsupportedError) as caught:
                await provider.complete(request)
            assert caught.value.capability == "json_schema"
        assert not provider.capabilities.json_schema
        assert server.counters.requests == 2


async def test_the_messages_wire_asks_once_more_with_a_tool() -> None:
    block = {"type": "tool_use", "name": "reply", "input": {"a": 1}}

    def answer(payload: dict[str, Any]) -> RawReply:
        if "output_config" in payload:
            return RawReply({"type": "error", "error": {"message": "Bad Request"}}, 400)
        return RawReply({"type": "message", "content": [block], "stop_reason": "tool_use"})

    async with (
        serving(answer) as server,
        AnthropicProvider(server.model, base_url=server.url, api_key=server.key) as provider,
    ):
        for _ in range(2):
            (completion,) = await provider.complete(ask(json_schema={"type": "object"}))
            assert completion.text == '{"a": 1}'
        assert ["output_config" in payload for payload in server.payloads] == [True, False, False]
