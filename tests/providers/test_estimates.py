"""Tokens that a reply does not report are estimated, never too low, and marked as such."""

from __future__ import annotations

import json
from typing import Any

import anyio
import pytest

from catsdk.core.types import ImagePart, Message, TextPart, Usage
from catsdk.testing import FunctionProvider
from catsdk.testing.loopback import LoopbackServer
from catsdk.testing.wire import RawReply
from catsdk_providers.anthropic.provider import AnthropicProvider
from catsdk_providers.http.estimates import tokens_at_most
from catsdk_providers.openai.provider import OpenAIProvider
from tests.providers.contract import ask, obedient, unheard
from tests.providers.test_usage import text_of

# One token a word, and the words of the prompt.
TOKENS = 40
QUESTION = text_of(30, seed=9)
SILENT: list[Any] = [
    None, {}, "ten", [], {"prompt_tokens": -1}, {"input_tokens": True}, {"prompt_tokens": 37},
    {"completion_tokens": 1}, {"output_tokens": 1},
]  # fmt: skip


def chat_reply(usage: Any, *, n: int = 1, streamed: bool = False) -> RawReply:
    texts = [text_of(TOKENS, seed) for seed in range(n)]
    if not streamed:
        choices = [
            {"index": at, "finish_reason": "stop", "message": {"content": text}}
            for at, text in enumerate(texts)
        ]
        return RawReply({"choices": choices, "usage": usage})
    chunks: list[dict[str, Any]] = [
        {"choices": [{"index": 0, "delta": {"content": texts[0]}, "finish_reason": "stop"}]},
        {"choices": [], "usage": usage},
    ]
    body = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks)
    return RawReply(body.encode(), headers={"content-type": "text/event-stream"})


def message_reply(usage: Any) -> RawReply:
    content = [{"type": "text", "text": text_of(TOKENS)}]
    body = {"type": "message", "content": content, "stop_reason": "end_turn", "usage": usage}
    return RawReply(body)


async def used(make: Any, reply: RawReply, *, streamed: bool = False, **settings: Any) -> Usage:
    server = LoopbackServer(FunctionProvider(obedient))
    server.answer = lambda _: reply
    request = ask(QUESTION, **{"max_tokens": 500, **settings})
    async with server, make("loopback", base_url=server.url, api_key=server.key) as model:
        with anyio.fail_after(10):
            completions = await model.complete(request, unheard if streamed else None)
    return Usage.total(completion.usage for completion in completions)


def check(usage: Usage, written: int = TOKENS) -> None:
    assert (usage.requests, usage.unreported, usage.estimated, usage.cost) == (1, 1, 1, None)
    assert written <= usage.output_tokens <= 3 * written
    assert 30 <= usage.input_tokens <= 120


@pytest.mark.parametrize("silence", SILENT)
async def test_a_reply_without_usage_is_estimated_from_its_texts(silence: Any) -> None:
    check(await used(OpenAIProvider, chat_reply(silence)))
    check(await used(OpenAIProvider, chat_reply(silence, streamed=True), streamed=True))
    check(await used(AnthropicProvider, message_reply(silence)))


async def test_all_answers_of_a_request_are_estimated() -> None:
    check(await used(OpenAIProvider, chat_reply(None, n=5), n=5), written=5 * TOKENS)


async def test_no_answer_is_estimated_above_its_limit() -> None:
    usage = await used(OpenAIProvider, chat_reply(None, n=3), n=3, max_tokens=45)
    assert usage.output_tokens == 3 * 45


async def test_the_picture_of_a_prompt_is_not_counted_as_text() -> None:
    image = ImagePart(url=f"data:image/png;base64,{'A' * 400_000}")
    messages = (Message(role="user", content=(TextPart(text="What?"), image)),)
    usage = await used(OpenAIProvider, chat_reply(None), messages=messages)
    assert 1_000 < usage.input_tokens < 10_000


@pytest.mark.parametrize(
    ("text", "least"),
    [
        ("", 0),
        ("7" * 50, 50),
        (r"\frac{1}{2}", 8),
        ("漢字" * 20, 40),
        ("\U0001f408" * 10, 10),
        ("a" * 1_000_000, 250_000),
    ],
)
def test_dense_texts_are_not_estimated_too_low(text: str, least: int) -> None:
    assert least <= tokens_at_most(text) <= len(text.encode())
