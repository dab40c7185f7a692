"""The contract of a provider: what every one of them does, whatever is behind it.

A provider's test module subclasses `ProviderContract` and says in the fixture `opened` how one is
made and entered.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import ClassVar, TypeAlias

import anyio
import pytest

from catsdk.core.errors import UnsupportedError
from catsdk.core.ports import Provider, capabilities_of, name_of
from catsdk.core.types import Completion, ImagePart, Message, Request, TextPart, ToolCall, Usage

LONGEST = 24
Opened: TypeAlias = Callable[[], AbstractAsyncContextManager[Provider]]


def ask(text: str = "12+34", **settings: object) -> Request:
    """A request that every provider answers: with text, given room for it."""
    messages = (Message(role="user", content=text),)
    return Request.model_validate({"messages": messages, "max_tokens": LONGEST, **settings})


def unheard(_: str) -> None:
    """Listens to a streamed text, and does nothing with it."""


def obedient(request: Request) -> Completion | list[Completion]:
    """A scripted model that keeps the settings which the contract looks at."""
    text, finish = "one two\nthree", "stop"
    if (request.max_tokens or 1000) < 3:
        text, finish = "one", "length"
    for stop in request.stop:
        text = text.partition(stop)[0]
    prompt = sum(len(message.text.split()) for message in request.messages)
    first = {"input_tokens": prompt, "output_tokens": 3, "requests": 1, "cost": 0.0}
    rest = {**first, "input_tokens": 0, "requests": 0}
    return [
        Completion.model_validate(
            {
                "text": text,
                "finish_reason": finish,
                "usage": rest if at else first,
                "model": "scripted",
                "logprobs": [{"token": "one", "logprob": -0.1}] if request.logprobs else None,
            }
        )
        for at in range(request.n)
    ]


@asynccontextmanager
async def able_to(capability: str, opened: Opened) -> AsyncGenerator[Provider]:
    """An open provider; skips the test where it does not declare the capability."""
    async with opened() as provider:
        if not getattr(capabilities_of(provider), capability):
            pytest.skip(f"declares no {capability}")
        yield provider


class ProviderContract:
    """Each test opens a fresh provider and asks it; nothing may depend on the wording.

    `patience` is the seconds after which a test counts as hung, `at_once` how many calls are made
    where many are made at once.
    """

    patience: ClassVar[float] = 30
    at_once: ClassVar[int] = 20

    @pytest.fixture
    def opened(self) -> Opened:
        raise NotImplementedError

    @pytest.mark.behaviour("provider-answers")
    async def test_one_answer_has_text_usage_a_model_and_a_latency(self, opened: Opened) -> None:
        with anyio.fail_after(self.patience):
            async with opened() as provider:
                completions = await provider.complete(ask())
        (completion,) = completions
        assert completion.text
        assert completion.finish_reason in {"stop", "length"}
        assert completion.model
        assert completion.latency >= 0
        usage = completion.usage
        assert (usage.requests, usage.unreported) == (1, 0)
        assert usage.input_tokens > 0
        assert usage.output_tokens > 0
        assert name_of(provider)

    @pytest.mark.behaviour("provider-n")
    async def test_n_answers_come_and_their_usage_counts_one_request(self, opened: Opened) -> None:
        with anyio.fail_after(self.patience):
            async with able_to("n", opened) as provider:
                completions = await provider.complete(ask(n=5))
        assert len(completions) == 5
        total = Usage.total(completion.usage for completion in completions)
        assert total.requests == 1
        assert total.output_tokens >= 5

    @pytest.mark.behaviour("provider-length")
    async def test_an_answer_that_runs_out_of_room_says_length(self, opened: Opened) -> None:
        with anyio.fail_after(self.patience):
            async with opened() as provider:
                (completion,) = await provider.complete(ask(max_tokens=1))
        assert completion.finish_reason == "length"

    @pytest.mark.behaviour("provider-stop")
    async def test_an_answer_ends_before_a_stop_text(self, opened: Opened) -> None:
        with anyio.fail_after(self.patience):
            async with opened() as provider:
                greedy = 0.0 if capabilities_of(provider).temperature else None
                (whole,) = await provider.complete(ask(temperature=greedy))
                stop = whole.text.strip()[1:3]
                (cut,) = await provider.complete(ask(temperature=greedy, stop=(stop,)))
        assert cut.finish_reason == "stop"
        assert stop not in cut.text
        assert whole.text.startswith(cut.text)

    @pytest.mark.behaviour("provider-system")
    async def test_a_system_message_is_taken(self, opened: Opened) -> None:
        messages = (Message(role="system", content="Be brief."), *ask().messages)
        with anyio.fail_after(self.patience):
            async with opened() as provider:
                plain = (await provider.complete(ask()))[0].usage
                (completion,) = await provider.complete(ask(messages=messages))
        assert completion.usage.input_tokens > plain.input_tokens

    @pytest.mark.behaviour("provider-unicode")
    async def test_any_unicode_is_taken(self, opened: Opened) -> None:
        text = "12+34 \U0001f408 naïve \u202e שלום 漢字 \x00"
        with anyio.fail_after(self.patience):
            async with opened() as provider:
                (completion,) = await provider.complete(ask(text))
        assert completion.usage.input_tokens > 0

    @pytest.mark.behaviour("provider-seed")
    async def test_a_seed_makes_answers_repeatable(self, opened: Opened) -> None:
        with anyio.fail_after(self.patience):
            async with able_to("seed", opened) as provider:
                first = await provider.complete(ask(n=3, seed=7))
                again = await provider.complete(ask(n=3, seed=7))
        assert [c.text for c in first] == [c.text for c in again]

    @pytest.mark.behaviour("provider-logprobs")
    async def test_log_probabilities_come_for_each_token_or_are_refused_by_name(
        self, opened: Opened
    ) -> None:
        with anyio.fail_after(self.patience):
            async with able_to("logprobs", opened) as provider:
                (completion,) = await provider.complete(ask(logprobs=True))
        assert completion.logprobs
        assert all(token.logprob <= 0 for token in completion.logprobs)

    @pytest.mark.behaviour("provider-streaming")
    async def test_the_pieces_of_a_streamed_text_join_to_it(self, opened: Opened) -> None:
        pieces: list[str] = []
        with anyio.fail_after(self.patience):
            async with able_to("streaming", opened) as provider:
                (completion,) = await provider.complete(ask(), pieces.append)
        assert "".join(pieces) == completion.text

    @pytest.mark.behaviour("provider-images")
    async def test_an_image_is_taken_or_refused_by_name(self, opened: Opened) -> None:
        parts = (TextPart(text="12+34"), ImagePart(url="data:image/png;base64,AAAA"))
        request = ask(messages=(Message(role="user", content=parts),))
        with anyio.fail_after(self.patience):
            async with opened() as provider:
                try:
                    (completion,) = await provider.complete(request)
                except UnsupportedError as error:
                    assert error.capability == "images"
                else:
                    assert completion.text

    @pytest.mark.behaviour("provider-conversation")
    async def test_a_conversation_with_tools_is_answered(self, opened: Opened) -> None:
        call = ToolCall(id="call12345", name="sum", arguments='{"of": [12, 34]}')
        chat = (
            Message(role="developer", content="Answer."),
            Message(role="user", content="12+34"),
            Message(role="assistant", content="", tool_calls=(call,)),
            Message(role="tool", content="46", tool_call_id="call12345"),
            Message(role="user", content="12+34"),
        )
        with anyio.fail_after(self.patience):
            async with opened() as provider:
                (completion,) = await provider.complete(ask(messages=chat))
        assert completion.text

    @pytest.mark.behaviour("provider-cancellation")
    async def test_a_cancelled_call_leaves_a_provider_that_works(self, opened: Opened) -> None:
        with anyio.fail_after(self.patience):
            async with opened() as provider:
                n = 8 if capabilities_of(provider).n else 1
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(provider.complete, ask(n=n, max_tokens=1000))
                    await anyio.wait_all_tasks_blocked()
                    tasks.cancel_scope.cancel()
                assert (await provider.complete(ask()))[0].text

    @pytest.mark.behaviour("provider-many-calls")
    async def test_many_calls_at_once_are_all_answered(self, opened: Opened) -> None:
        answered: list[str] = []

        async def one(provider: Provider, at: int) -> None:
            answered.append((await provider.complete(ask(f"{at}+1")))[0].text)

        with anyio.fail_after(self.patience):
            async with opened() as provider, anyio.create_task_group() as tasks:
                for at in range(self.at_once):
                    tasks.start_soon(one, provider, at)
        assert len(answered) == self.at_once
