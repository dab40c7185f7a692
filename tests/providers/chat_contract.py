"""The contract of OpenAI's chat completions: what each setting becomes, and what is learnt of `n`.

The test module of a provider that speaks this wire subclasses `ChatContract` and says in `made` how
one is made for a loopback server.
"""

from __future__ import annotations

import gc
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, ClassVar

import anyio
import anyio.lowlevel
import pytest

from catsdk.core.ports import Provider, capabilities_of
from catsdk.core.types import Completion, Message, Request
from catsdk.sampling.many import draw
from catsdk.testing import FunctionProvider
from catsdk.testing.loopback import LoopbackServer
from tests.providers.contract import Opened, ProviderContract, ask, obedient

QUESTION = (Message(role="user", content="q"),)
SCHEMA = {"type": "object"}


def always(completion: Completion, _request: Request) -> Completion:
    """A scripted model that has one answer."""
    return completion


class ChatContract(ProviderContract):
    """Each test opens providers at a loopback server, and looks at what arrives there."""

    # Whether the provider takes an endpoint's refusal of `n` as its nature.
    learns_n: ClassVar[bool] = True
    # What goes out for the JSON schema `SCHEMA`.
    schema_sent: ClassVar[Mapping[str, object]] = {
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "reply", "schema": SCHEMA, "strict": True},
        }
    }

    def made(
        self, server: LoopbackServer, **settings: Any
    ) -> AbstractAsyncContextManager[Provider]:
        raise NotImplementedError

    @pytest.fixture
    def opened(self, server: LoopbackServer) -> Opened:
        return lambda: self.made(server)

    async def sent_for(self, server: LoopbackServer, **settings: object) -> dict[str, object]:
        """What `settings` add to a request on its way."""
        async with self.made(server) as provider:
            await provider.complete(Request(messages=QUESTION))
            await provider.complete(Request.model_validate({"messages": QUESTION, **settings}))
        plain, with_settings = server.payloads
        assert plain == {"model": "loopback", "messages": [{"role": "user", "content": "q"}]}
        return {key: with_settings[key] for key in with_settings.keys() - plain.keys()}

    @pytest.mark.parametrize(
        ("setting", "value"),
        [
            ("n", 3),
            ("temperature", 0.5),
            ("top_p", 0.9),
            ("top_k", 20),
            ("max_tokens", 9),
            ("stop", ["x"]),
            ("seed", 7),
            ("logprobs", True),
        ],
    )
    async def test_each_setting_is_forwarded_and_only_when_it_is_set(
        self, server: LoopbackServer, setting: str, value: object
    ) -> None:
        assert await self.sent_for(server, **{setting: value}) == {setting: value}

    async def test_extra_settings_are_forwarded_under_their_own_names(
        self, server: LoopbackServer
    ) -> None:
        assert await self.sent_for(server, extra={"min_p": 0.1}) == {"min_p": 0.1}

    async def test_a_schema_is_sent_in_the_form_that_the_service_reads(
        self, server: LoopbackServer
    ) -> None:
        assert await self.sent_for(server, json_schema=SCHEMA) == self.schema_sent

    async def test_a_refusal_of_n_is_learnt_once_for_the_endpoint(self) -> None:
        if not self.learns_n:
            pytest.skip("its service takes n")
        async with LoopbackServer(FunctionProvider(obedient), takes_n="refuses") as server:
            async with self.made(server) as provider, self.made(server) as other:
                assert capabilities_of(provider).n
                assert len(await draw(provider, ask(n=3))) == 3
                assert not capabilities_of(provider).n
                assert not capabilities_of(other).n
                assert len(await draw(other, ask(n=3))) == 3
            assert [payload.get("n", 1) for payload in server.payloads] == [3, *[1] * 6]

    @pytest.mark.parametrize(
        "scripted",
        [
            Completion(text="42", reasoning="six times seven"),
            Completion(text="<think>six times seven</think>\n42"),
        ],
        ids=["beside", "inline"],
    )
    async def test_reasoning_is_kept_apart_from_the_answer(self, scripted: Completion) -> None:
        model = FunctionProvider(partial(always, scripted))
        async with LoopbackServer(model) as server, self.made(server) as provider:
            (completion,) = await provider.complete(ask())
        assert (completion.text, completion.reasoning) == ("42", "six times seven")

    async def test_a_cancelled_call_is_cancelled_at_the_server(
        self, server: LoopbackServer
    ) -> None:
        server.fail_next("hang")
        async with self.made(server) as provider:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(provider.complete, ask())
                with anyio.fail_after(self.patience):
                    while server.counters.requests == 0:
                        await anyio.lowlevel.checkpoint()
                tasks.cancel_scope.cancel()
            with anyio.fail_after(self.patience):
                while server.counters.cancelled == 0:
                    await anyio.lowlevel.checkpoint()

    def test_one_provider_works_in_one_event_loop_after_another(
        self, server: LoopbackServer
    ) -> None:
        made = self.made(server)

        async def once() -> str:
            async with made as provider:
                return (await provider.complete(ask()))[0].text

        assert anyio.run(once, backend="asyncio") == anyio.run(once, backend="trio")
        assert anyio.run(once, backend="asyncio")
        gc.collect()
