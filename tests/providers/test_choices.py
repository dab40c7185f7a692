"""A reply is read choice by choice: what one of them lacks or reports is its own affair."""

from __future__ import annotations

from time import thread_time
from typing import Any

import anyio
import pytest

from catsdk.core import errors
from catsdk.core.errors import ProviderError
from catsdk.core.types import Completion
from catsdk.testing import FunctionProvider
from catsdk.testing.loopback import LoopbackServer
from catsdk.testing.wire import RawReply
from catsdk_providers.http.refusals import Place
from catsdk_providers.openai.choices import completions_of
from catsdk_providers.openai.provider import OpenAIProvider
from tests.providers.contract import ask, obedient

USAGE = {"prompt_tokens": 7, "completion_tokens": 20}


def choice(index: Any, text: Any = "The answer is 4.", **more: Any) -> dict[str, Any]:
    return {
        "index": index,
        "finish_reason": "stop",
        "message": {"role": "assistant", "content": text},
        **more,
    }


def read(*choices: Any, n: int | None = None, **more: Any) -> list[Completion]:
    reply = {"choices": list(choices), "usage": USAGE, **more}
    return completions_of(reply, Place("m", [], "req-1"), n=n)


UPSTREAM = {"code": 502, "message": "Upstream provider failed"}
FAILING: list[tuple[dict[str, Any], type[ProviderError], str]] = [
    (
        choice(3, "", finish_reason="error", error=UPSTREAM),
        errors.ServerError,
        "Upstream provider failed",
    ),
    (choice(3, finish_reason="error", error=UPSTREAM), errors.ServerError, "Upstream"),
    (choice(3, finish_reason=None, error=UPSTREAM), errors.ServerError, "Upstream"),
    (choice(3, error="in words"), errors.ServerError, "in words"),
    (choice(3, error={"code": "429", "message": "slow"}), errors.RateLimitedError, "slow"),
    (choice(3, finish_reason="network_error"), errors.ServerError, "network_error"),
    (
        choice(3, finish_reason="insufficient_system_resource"),
        errors.OverloadedError,
        "insufficient_system_resource",
    ),
    (choice(3, finish_reason="abort"), errors.ServerError, "abort"),
    (
        {"index": 3, "finish_reason": "content_filter: PROHIBITED_CONTENT", "message": None},
        errors.ContentFilteredError,
        "PROHIBITED_CONTENT",
    ),
    ({"index": 3, "finish_reason": "content_filter"}, errors.ContentFilteredError, "withheld"),
    (
        {"index": 3, "finish_reason": "SAFETY", "message": None},
        errors.ContentFilteredError,
        "SAFETY",
    ),
    ({"index": 3, "finish_reason": "stop"}, errors.MalformedResponseError, "no message"),
    (choice(3, 7), errors.MalformedResponseError, "of type int"),
    (choice(3, [{"type": "text", "text": 5}]), errors.MalformedResponseError, "of type int"),
    (choice(3, "x" * 1_000_001), errors.MalformedResponseError, "over 1,000,000"),
    ({"index": 3}, errors.MalformedResponseError, "no message"),
]


@pytest.mark.parametrize(("failing", "kind", "words"), FAILING)
def test_a_choice_that_fails_leaves_its_siblings_alone(
    failing: dict[str, Any], kind: type[ProviderError], words: str
) -> None:
    completions = read(choice(0), choice(1), choice(2), failing, n=4)
    assert [c.text for c in completions[:3]] == ["The answer is 4."] * 3
    assert [c.failure for c in completions[:3]] == [None] * 3
    failure = completions[3].failure
    assert failure is not None
    assert failure.kind == kind.__name__
    assert words in failure.message
    assert failure.request_id == "req-1"
    assert completions[0].usage.tokens == 27


@pytest.mark.parametrize(("failing", "kind", "words"), FAILING)
def test_the_only_choice_that_fails_is_the_failure_of_the_call(
    failing: dict[str, Any], kind: type[ProviderError], words: str
) -> None:
    with pytest.raises(kind, match=words) as caught:
        read(failing, n=1)
    assert type(caught.value) is kind
    assert caught.value.usage is not None
    assert caught.value.usage.tokens == 27


@pytest.mark.parametrize("odd", [None, 7, "text", [], [[]], True])
def test_a_choice_that_is_no_object_fails_alone(odd: object) -> None:
    first, second = read(choice(0), odd, n=2)
    assert first.text == "The answer is 4."
    assert second.failure is not None


def test_a_failed_first_choice_keeps_the_usage_of_the_request() -> None:
    first, _ = read(choice(0, finish_reason="error"), choice(1), n=2)
    assert first.failure is not None
    assert first.usage.tokens == 27


def test_an_error_of_the_reply_names_the_cause_of_a_choice_that_broke_off() -> None:
    first, second = read(choice(0), choice(1, "", finish_reason="error"), error=UPSTREAM, n=2)
    assert first.failure is None
    assert second.failure is not None
    assert "Upstream provider failed" in second.failure.message


async def test_a_failed_choice_costs_one_request_and_the_others_are_there() -> None:
    body = {"choices": [choice(0), choice(1), FAILING[0][0]], "usage": USAGE}
    server = LoopbackServer(FunctionProvider(obedient))
    server.answer = lambda _: RawReply(body)
    async with server, OpenAIProvider("loopback", base_url=server.url, api_key=server.key) as model:
        with anyio.fail_after(10):
            completions = await model.complete(ask(n=3))
        assert [c.failure is None for c in completions] == [True, True, False]
        assert model.capabilities.n
    assert server.counters.requests == 1


# --- optional parts -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "more",
    [
        {"logprobs": {"content": [{"token": "4", "logprob": None}]}},
        {"logprobs": {"content": [{"token": "4", "logprob": "much"}]}},
        {"logprobs": {"content": [{"token": "4", "logprob": float("nan")}]}},
        {"logprobs": {"content": [{"token": "4", "logprob": 10**400}]}},
        {"logprobs": {"content": [None]}},
        {"logprobs": {"content": 7}},
        {"logprobs": []},
        {"logprobs": "text"},
        {"logprobs": {"content": [{"token": "4", "logprob": -1.0}] * (2**17 + 1)}},
        {"message": {"content": "The answer is 4.", "tool_calls": [{"function": None}]}},
        {"message": {"content": "The answer is 4.", "tool_calls": "text"}},
        {"message": {"content": "The answer is 4.", "tool_calls": [None, 7]}},
        {"message": {"content": "The answer is 4.", "reasoning_content": 7}},
        {"message": {"content": "The answer is 4.", "reasoning": {"odd": 1}}},
        {"message": {"content": "The answer is 4.", "refusal": {"odd": 1}}},
    ],
)
def test_an_optional_part_never_costs_the_answer(more: dict[str, Any]) -> None:
    (completion,) = read({**choice(0), **more})
    assert completion.text == "The answer is 4."
    assert completion.logprobs is None
    assert completion.failure is None


@pytest.mark.parametrize(
    "usage",
    [
        "text", [], 7, None, {}, {"prompt_tokens": "7", "completion_tokens": None},
        {"prompt_tokens": 1e400, "completion_tokens": 1},
        {"prompt_tokens": -1, "completion_tokens": 1},
        {"prompt_tokens": 10**400, "completion_tokens": 1},
        {"prompt_tokens": True, "completion_tokens": False},
    ],
)  # fmt: skip
def test_a_usage_that_cannot_be_read_is_an_unreported_one(usage: object) -> None:
    (completion,) = completions_of({"choices": [choice(0)], "usage": usage}, Place("m"))
    assert completion.text == "The answer is 4."
    assert (completion.usage.unreported, completion.usage.tokens) == (1, 0)


@pytest.mark.parametrize(
    "details", ["text", [], 7, {"cached_tokens": "many"}, {"cached_tokens": -1}]
)
def test_details_of_a_usage_that_cannot_be_read_are_left_out(details: object) -> None:
    usage = {**USAGE, "prompt_tokens_details": details, "completion_tokens_details": details}
    (completion,) = completions_of({"choices": [choice(0)], "usage": usage}, Place("m"))
    assert (completion.usage.tokens, completion.usage.cached_tokens) == (27, 0)


def test_thinking_that_is_counted_beside_the_answer_is_part_of_the_output() -> None:
    usage = {
        "prompt_tokens": 7,
        "completion_tokens": 5,
        "total_tokens": 32,
        "completion_tokens_details": {"reasoning_tokens": 20},
    }
    (completion,) = completions_of({"choices": [choice(0)], "usage": usage}, Place("m"))
    assert (completion.usage.output_tokens, completion.usage.reasoning_tokens) == (25, 20)


# --- indexes --------------------------------------------------------------------------------


def texts(*indexed: tuple[Any, str], n: int) -> list[str]:
    return [c.text for c in read(*(choice(index, text) for index, text in indexed), n=n)]


def test_choices_are_in_the_order_of_their_index() -> None:
    assert texts((2, "c"), (0, "a"), (1, "b"), n=3) == ["a", "b", "c"]
    assert texts(("1", "b"), ("0", "a"), n=2) == ["a", "b"]


def test_choices_without_an_index_are_in_their_own_order() -> None:
    assert texts((None, "a"), (None, "b"), (None, "c"), n=3) == ["a", "b", "c"]
    assert texts(({}, "a"), (True, "b"), n=2) == ["a", "b"]


def test_of_choices_with_one_index_the_first_counts() -> None:
    assert texts((0, "a"), (0, "again"), (1, "b"), n=3) == ["a", "b"]


def test_foreign_indexes_only_order_the_choices() -> None:
    assert texts((7, "b"), (3, "a"), n=2) == ["a", "b"]
    assert texts((5, "a"), n=1) == ["a"]


def test_more_choices_than_asked_for_are_left_out_before_they_are_read() -> None:
    assert texts(*((at, str(at)) for at in range(5)), n=2) == ["0", "1"]
    many = {"choices": [choice(0, "a"), *[{}] * 2_000_000]}
    start = thread_time()
    assert [c.text for c in completions_of(many, Place("m"), n=1)] == ["a"]
    assert thread_time() - start < 0.1
