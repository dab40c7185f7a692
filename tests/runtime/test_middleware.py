"""The chain is a list that a user extends, reorders and shortens; what counts and pays stays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import anyio
import pytest

import catsdk as cat
from catsdk.core.errors import BudgetExceededError, InvalidInputError, ServerError
from catsdk.core.events import CallEnded, Event
from catsdk.core.ports import OnText, Provider, capabilities_of, declared, name_of, tokens_of
from catsdk.core.types import Completion, Message, Request
from catsdk.runtime.attribution import recorded
from catsdk.runtime.chain import Layer, Middleware, default_middleware
from catsdk.runtime.context import context_of
from catsdk.runtime.limits.endpoints import endpoint_of, identity_of
from catsdk.runtime.spending.prices import rates_of
from catsdk.runtime.wrappers.wrapper import Wrapper
from catsdk.testing import FunctionProvider

ASK = Request(messages=(Message(role="user", content="q"),), max_tokens=10)


class Counting(Wrapper):
    """A wrapper of a user's own, by subclassing."""

    seen: int = 0

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        self.seen += 1
        return await self.pass_on(request, on_text)


class Duck:
    """A wrapper of a user's own, which only has `wrapped` and `complete`."""

    def __init__(self, wrapped: Provider) -> None:
        self.wrapped, self.seen = wrapped, 0

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        self.seen += 1
        return await self.wrapped.complete(request, on_text)


@dataclass
class Kept:
    """Makes wrappers of a class and keeps them, to be looked at."""

    kind: Callable[[Provider], Any]
    made: list[Any] = field(default_factory=list)

    def __call__(self, provider: Provider) -> Provider:
        self.made.append(self.kind(provider))
        wrapped: Provider = self.made[-1]
        return wrapped


KINDS = pytest.mark.parametrize("kind", [Counting, Duck])


def flaky(failures: int) -> FunctionProvider:
    left = iter(range(failures))

    def script(_: Request) -> str:
        for _each in left:
            raise ServerError("boom", status=500, retry_after=0.001)
        return "ok"

    return FunctionProvider(script)


async def answered(model: Provider, client: cat.Client, times: int = 1) -> None:
    async with context_of(client) as ctx:
        provider = await ctx.model(model)
        for _ in range(times):
            await provider.complete(ASK)


@KINDS
async def test_an_outermost_wrapper_sees_each_call_once_and_an_innermost_one_each_attempt(
    kind: Callable[[Provider], Any],
) -> None:
    outer, inner = Kept(kind), Kept(kind)
    client = cat.Client(middleware=[outer, *default_middleware(), inner])
    with anyio.fail_after(10):
        await answered(flaky(2), client)
    assert [wrapper.seen for wrapper in outer.made] == [1]
    assert [wrapper.seen for wrapper in inner.made] == [3]


async def test_an_outermost_wrapper_sees_kept_answers_and_an_innermost_one_does_not() -> None:
    outer, inner = Kept(Counting), Kept(Counting)
    client = cat.Client(cache="memory", middleware=[outer, *default_middleware(), inner])
    await answered(FunctionProvider(lambda _: "ok"), client, times=3)
    assert (outer.made[0].seen, inner.made[0].seen) == (3, 1)


async def test_a_wrapper_may_change_what_is_asked_and_what_is_answered() -> None:
    class Polite(Wrapper):
        async def complete(
            self, request: Request, on_text: OnText | None = None
        ) -> Sequence[Completion]:
            please = Message(role="user", content=f"Please: {request.messages[-1].text}")
            asked = request.model_copy(update={"messages": (please,)})
            answers = await self.pass_on(asked, on_text)
            return [a.model_copy(update={"text": a.text.upper()}) for a in answers]

    model = FunctionProvider(lambda _: "so \\boxed{4}")
    client = cat.Client(middleware=[*default_middleware(), Polite])
    async with cat.CaT(model, estimator=cat.Majority(), client=client) as c:
        result = await c.run("2+2", 2)
    assert result.group is not None
    assert result.group.rollouts[0].text == "SO \\BOXED{4}"
    assert model.requests[0].messages[-1].text == "Please: 2+2"


async def test_layers_in_another_order_work_in_that_order() -> None:
    asked: list[str] = []

    def marked(name: str) -> Callable[[Provider], Provider]:
        class Marked(Wrapper):
            async def complete(
                self, request: Request, on_text: OnText | None = None
            ) -> Sequence[Completion]:
                asked.append(name)
                return await self.pass_on(request, on_text)

        return Marked

    # The cache inside the retry: an answer that is kept is found by the second attempt too.
    layers: list[Middleware] = [
        Layer.RETRY,
        marked("try"),
        Layer.CACHE,
        marked("sent"),
        Layer.LIMIT,
    ]
    model = flaky(1)
    client = cat.Client(cache="memory", middleware=layers)
    with anyio.fail_after(10):
        await answered(model, client, times=2)
    assert asked == ["try", "sent", "try", "sent", "try"]


@pytest.mark.parametrize("layer", list(Layer))
async def test_each_layer_can_be_left_out(layer: Layer) -> None:
    left = [each for each in default_middleware() if each is not layer]
    model = FunctionProvider(lambda _: "ok")
    client = cat.Client(budget=cat.Budget(requests=1), hedge=True, cache="memory", middleware=left)
    with anyio.fail_after(10):
        await answered(model, client)
    assert len(model.requests) == 1


async def test_without_the_retry_layer_nothing_is_sent_again() -> None:
    model = flaky(1)
    left = [each for each in default_middleware() if each is not Layer.RETRY]
    with pytest.raises(ServerError):
        await answered(model, cat.Client(middleware=left))
    assert len(model.requests) == 1


@pytest.mark.parametrize("middleware", [[], [Counting], [Duck], [Layer.RETRY, Duck, Layer.ADAPT]])
async def test_no_chain_leaves_out_budget_record_and_events(middleware: list[Middleware]) -> None:
    model = FunctionProvider(lambda _: "ok")
    heard: list[Event] = []
    client = cat.Client(
        budget=cat.Budget(requests=2, tokens=10_000), middleware=middleware, on_event=heard.append
    )
    with anyio.fail_after(10), recorded("sample") as calls:
        async with context_of(client) as ctx:
            provider = await ctx.model(model)
            await provider.complete(Request(messages=ASK.messages))
            await provider.complete(ASK)
            with pytest.raises(BudgetExceededError):
                await provider.complete(ASK)
    assert len(calls) == len(model.requests) == 2
    assert client.account is not None
    assert (client.account.requests, client.account.tokens) == (2, 4)
    assert sum(isinstance(event, CallEnded) for event in heard) == 2


async def test_without_the_limit_layer_calls_still_wait_for_room_in_the_budget() -> None:
    go_on = anyio.Event()

    async def script(_: Request) -> str:
        await go_on.wait()
        return "ok"

    model = FunctionProvider(script)
    client = cat.Client(budget=cat.Budget(tokens=450), middleware=[])
    with anyio.fail_after(10):
        async with context_of(client) as ctx, anyio.create_task_group() as tasks:
            provider = await ctx.model(model)
            for _ in range(3):
                tasks.start_soon(provider.complete, ASK)
            await anyio.wait_all_tasks_blocked()
            assert len(model.requests) == 1
            go_on.set()
    assert len(model.requests) == 3


async def test_a_wrapper_that_answers_by_itself_spends_nothing() -> None:
    class Canned(Wrapper):
        async def complete(
            self, request: Request, on_text: OnText | None = None
        ) -> Sequence[Completion]:
            return [Completion(text="canned")]

    model = FunctionProvider(lambda _: "ok")
    client = cat.Client(budget=cat.Budget(requests=1), middleware=[Canned])
    await answered(model, client, times=3)
    assert model.requests == []
    assert client.account is not None and client.account.requests == 0


@pytest.mark.parametrize("wrong", ["retry", 5, None, object()])
def test_what_is_not_a_layer_is_refused_when_the_client_is_made(wrong: Any) -> None:
    with pytest.raises(InvalidInputError, match="default_middleware"):
        cat.Client(middleware=[wrong])


@pytest.mark.parametrize("made", [None, "provider", object()])
async def test_a_layer_that_makes_no_provider_is_named(made: Any) -> None:
    def broken(_: Provider) -> Any:
        return made

    with pytest.raises(InvalidInputError, match="broken"):
        await answered(FunctionProvider(lambda _: "ok"), cat.Client(middleware=[broken]))


# --- what a wrapper says of itself --------------------------------------------------------


class Private:
    """A vendor's model behind an address of somebody's own."""

    def __init__(self, url: str | None = "http://10.0.0.7/v1") -> None:
        self.name, self.base_url = "openai:gpt-5", url
        self.capabilities = cat.Capabilities(n=True, context_length=1234)
        self.requests: list[Request] = []

    def count_tokens(self, text: str) -> int:
        return 7

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        self.requests.append(request)
        return [Completion(text="ok")] * request.n


WRAPS = pytest.mark.parametrize(
    "wrap",
    [
        Wrapper,
        Duck,
        lambda p: Wrapper(Duck(p)),
        lambda p: Duck(Wrapper(p)),
        lambda p: Duck(Duck(p)),
    ],
)


@WRAPS
@pytest.mark.parametrize("url", ["http://10.0.0.7/v1", None])
def test_a_wrapper_is_known_by_what_it_wraps(
    wrap: Callable[[Provider], Provider], url: str | None
) -> None:
    bare = Private(url)
    wrapped = wrap(bare)
    assert name_of(wrapped) == "openai:gpt-5"
    assert declared(wrapped, "base_url", False) == url
    assert capabilities_of(wrapped) is bare.capabilities
    assert tokens_of(wrapped, "x") == 7
    assert endpoint_of(wrapped) == endpoint_of(bare)
    assert identity_of(wrapped) == identity_of(bare)


@WRAPS
def test_a_wrapped_private_server_has_no_list_price_and_a_wrapped_vendor_has(
    wrap: Callable[[Provider], Provider],
) -> None:
    assert rates_of(wrap(Private()), {}) is None
    assert rates_of(Private("https://api.openai.com/v1"), {}) is not None
    assert rates_of(wrap(Private("https://api.openai.com/v1")), {}) is not None


@WRAPS
def test_a_wrapped_model_that_costs_nothing_costs_nothing(
    wrap: Callable[[Provider], Provider],
) -> None:
    rates = rates_of(wrap(FunctionProvider(lambda _: "ok")), {})
    assert rates is not None and rates.most(1_000, 1_000) == 0


@WRAPS
async def test_a_wrapped_model_shares_gate_and_kept_answers_with_the_bare_one(
    wrap: Callable[[Provider], Provider],
) -> None:
    bare = Private()
    client = cat.Client(cache="memory")
    assert client.gate(wrap(bare)) is client.gate(bare)
    unique = Request(messages=(Message(role="user", content=f"for {uuid4()}"),))
    async with context_of(client) as ctx:
        for model in (bare, wrap(bare)):
            await (await ctx.model(model)).complete(unique)
    assert len(bare.requests) == 1


async def test_an_object_that_names_no_endpoint_shares_with_its_wrappers_alone() -> None:
    one, other = (FunctionProvider(lambda _: "ok") for _ in range(2))
    client = cat.Client()
    assert client.gate(Duck(one)) is client.gate(one) is client.gate(Wrapper(one))
    assert client.gate(other) is not client.gate(one)
    assert identity_of(Duck(one)) == identity_of(one) != identity_of(other)


def test_a_wrapper_may_say_otherwise_of_itself() -> None:
    class Renamed(Wrapper):
        @property
        def name(self) -> str:
            return "mine:m"

    class Elsewhere(Duck):
        base_url = "http://10.0.0.8/v1"

    assert name_of(Renamed(Private())) == "mine:m"
    assert endpoint_of(Elsewhere(Private())) != endpoint_of(Private())


@pytest.mark.parametrize(
    "wrong",
    [
        {"middleware": 3},
        {"middleware": "retry"},
        {"middleware": lambda provider: provider},
        {"middleware": [3]},
        {"on_event": 3},
    ],
)
def test_what_no_client_can_work_with_is_refused_when_it_is_made(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError, match=rf"{next(iter(wrong))} .*; give"):
        cat.Client(**wrong)
