"""Tokens that a service counts for one choice only are counted for all, and marked as estimated."""

from __future__ import annotations

from random import Random
from typing import Any

import anyio
import pytest

from catsdk.core.types import Completion, TokenLogprob, Usage
from catsdk.testing import FunctionProvider
from catsdk.testing.loopback import LoopbackServer
from catsdk.testing.wire import RawReply
from catsdk_providers.http.counts import count, with_all_choices
from catsdk_providers.openai.provider import OpenAIProvider
from tests.providers.contract import ask, obedient

WORDS = [
    "the",
    "answer",
    "of",
    "this",
    "long",
    "sum",
    "is",
    "found",
    "by",
    "adding",
    "each",
    "part",
    "to",
    "the",
    "one",
    "before",
]


def text_of(tokens: int, seed: int = 0) -> str:
    """So many words of English: about 4.5 characters each, a token each."""
    return " ".join(Random(seed).choices(WORDS, k=tokens))


def answers(*tokens: int, finish: str = "stop") -> list[Completion]:
    return [
        Completion(text=text_of(each, seed), finish_reason=finish)  # type: ignore[arg-type]
        for seed, each in enumerate(tokens)
    ]


def told(tokens: int) -> Usage:
    return Usage(input_tokens=34, output_tokens=tokens, requests=1, cost=None)


def test_a_group_cut_at_its_limit_is_counted_in_full() -> None:
    usage = with_all_choices(told(64), answers(*[64] * 8, finish="length"), max_tokens=64)
    assert (usage.output_tokens, usage.estimated) == (512, 1)
    # Digits have fewer characters a token: the count is that of one choice all the same.
    digits = [Completion(text="7 " * 10, finish_reason="length")] * 3
    assert with_all_choices(told(10), digits, max_tokens=10).output_tokens == 30


@pytest.mark.parametrize("lengths", [[200] * 8, [300, 40, 500, 120], [150, 160]])
def test_answers_of_any_length_are_estimated_within_five_percent(lengths: list[int]) -> None:
    usage = with_all_choices(told(lengths[0]), answers(*lengths), max_tokens=1000)
    assert usage.estimated == 1
    assert 0.98 * sum(lengths) <= usage.output_tokens <= 1.05 * sum(lengths)


def test_log_probabilities_count_exactly() -> None:
    logprobs = tuple([TokenLogprob(token="a", logprob=-1.0)] * 30)
    choices = [Completion(text="a" * 30, logprobs=logprobs)] * 4
    usage = with_all_choices(told(30), choices, max_tokens=100)
    assert (usage.output_tokens, usage.estimated) == (120, 1)


@pytest.mark.parametrize("lengths", [[1, 1], [20, 30], [300, 40, 500], [64] * 8])
def test_a_count_that_covers_the_answers_is_taken_as_it_is(lengths: list[int]) -> None:
    usage = told(sum(lengths))
    assert with_all_choices(usage, answers(*lengths), max_tokens=1000) == usage


def test_answers_cut_by_the_context_are_not_counted_up_to_the_limit() -> None:
    usage = told(800)
    assert with_all_choices(usage, answers(*[100] * 8, finish="length"), max_tokens=1000) == usage


def test_one_answer_and_an_unreported_usage_stay_as_they_are() -> None:
    one = told(1)
    assert with_all_choices(one, answers(500), max_tokens=None) == one
    silent = Usage(requests=1, unreported=1, cost=None)
    assert with_all_choices(silent, answers(500, 500), max_tokens=None) == silent


def test_a_service_that_counts_one_choice_is_remembered() -> None:
    short = answers(12, 12)
    assert with_all_choices(told(12), short, max_tokens=100).estimated == 0
    known = with_all_choices(told(12), short, max_tokens=100, counts_one=True)
    assert known.estimated == 1
    assert 24 <= known.output_tokens <= 27


@pytest.mark.parametrize(
    ("value", "tokens"),
    [(7, 7), (7.0, 7), (0, 0), (-1, None), (7.5, None), (True, None), ("7", None), (None, None),
     (10**400, None), (float("inf"), None), (float("nan"), None), ([], None)],
)  # fmt: skip
def test_a_count_is_a_whole_number_of_tokens(value: object, tokens: int | None) -> None:
    assert count(value) == tokens


async def test_a_server_that_counts_one_choice_is_found_out_and_remembered() -> None:
    def answer(payload: dict[str, Any]) -> RawReply:
        texts = [text_of(payload["max_tokens"], seed) for seed in range(payload["n"])]
        choices = [
            {"index": at, "finish_reason": "length", "message": {"content": text}}
            for at, text in enumerate(texts)
        ]
        usage = {"prompt_tokens": 34, "completion_tokens": payload["max_tokens"]}
        return RawReply({"choices": choices, "usage": usage})

    server = LoopbackServer(FunctionProvider(obedient))
    server.answer = answer
    async with server, OpenAIProvider("loopback", base_url=server.url, api_key=server.key) as model:
        with anyio.fail_after(10):
            completions = await model.complete(ask(n=8, max_tokens=64))
    total = Usage.total(c.usage for c in completions)
    assert (total.output_tokens, total.requests, total.estimated) == (512, 1, 1)
