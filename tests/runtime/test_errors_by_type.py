"""Where all rollouts fail for one reason, that reason is the error's cause, with what was paid."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

import anyio
import pytest

import catsdk as cat
from catsdk.core.errors import (
    AuthenticationError,
    BudgetExceededError,
    ModelNotFoundError,
    NoEvidenceError,
    ProviderError,
    RateLimitedError,
    ServerError,
    SynthesisFailedError,
    TimedOutError,
    UnknownProviderError,
)
from catsdk.core.model_strings import resolve
from catsdk.core.types import Request
from catsdk.testing import FunctionProvider
from catsdk.testing.loopback import LoopbackServer
from catsdk.testing.wire import Fault
from tests.runtime.loopback_model import MODEL, serving

N = 3
Door = Callable[[str, cat.Client], Awaitable[object]]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackServer]:
    with serving(monkeypatch) as server:
        yield server


def client_of(**settings: object) -> cat.Client:
    given = {"retry": cat.Retry(times=0), **settings}
    return cat.Client(**given)  # type: ignore[arg-type]


async def one_liner(model: str, client: cat.Client) -> object:
    return await cat.synthesize("2+2", N, model, client=client)


async def run(model: str, client: cat.Client) -> object:
    return await cat.CaT(model, client=client).run("2+2", N)


async def open_run(model: str, client: cat.Client) -> object:
    async with cat.CaT(model, client=client) as c:
        return await c.run("2+2", N)


async def stream(model: str, client: cat.Client) -> object:
    async with cat.CaT(model, client=client) as c:
        return [event async for event in c.stream("2+2", N)]


DOORS = pytest.mark.parametrize("door", [one_liner, run, open_run, stream])


async def error_of(door: Door, model: str, client: cat.Client) -> NoEvidenceError:
    with anyio.fail_after(20), pytest.raises(NoEvidenceError) as caught:
        await door(model, client)
    return caught.value


@DOORS
async def test_a_wrong_key_is_the_cause_by_its_type(
    door: Door, server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-this-one")
    error = await error_of(door, MODEL, client_of())
    assert isinstance(error.__cause__, AuthenticationError)
    assert error.status == error.__cause__.status == 401
    assert error.group is not None and len(error.group.failures) == N
    assert "sk-not-this-one" not in f"{error} {error.__cause__} {error.group!r}"


@DOORS
async def test_an_unknown_model_is_the_cause_by_its_type(
    door: Door, server: LoopbackServer
) -> None:
    error = await error_of(door, "openai:nobody", client_of())
    assert isinstance(error.__cause__, ModelNotFoundError)
    assert (error.status, error.__cause__.model) == (404, "openai:nobody")


@pytest.mark.parametrize(
    ("fault", "kind", "status"), [("429", RateLimitedError, 429), ("500", ServerError, 500)]
)
async def test_a_refusal_or_failure_of_the_service_is_the_cause_by_its_type(
    server: LoopbackServer, fault: Fault, kind: type[ProviderError], status: int
) -> None:
    faults: list[Fault] = [fault] * N
    server.fail_next(*faults)
    error = await error_of(run, MODEL, client_of())
    assert isinstance(error.__cause__, kind)
    assert error.status == status
    assert error.usage.requests == server.counters.requests


async def test_a_timeout_is_the_cause_and_what_it_may_have_used_is_listed_as_unknown(
    server: LoopbackServer,
) -> None:
    hangs: list[Fault] = ["hang"] * N
    server.fail_next(*hangs)
    error = await error_of(run, MODEL, client_of(timeouts=cat.Timeouts(attempt=0.3)))
    assert isinstance(error.__cause__, TimedOutError)
    assert error.status is None
    assert error.usage.unreported == error.usage.requests == server.counters.requests
    assert error.usage.cost is None


@DOORS
async def test_a_budget_is_the_cause_and_nothing_was_sent(
    door: Door, server: LoopbackServer
) -> None:
    error = await error_of(door, MODEL, client_of(budget=cat.Budget(requests=0)))
    assert isinstance(error.__cause__, BudgetExceededError)
    assert (error.status, error.usage.requests, server.counters.requests) == (None, 0, 0)


async def test_different_reasons_have_no_common_cause_and_are_all_named() -> None:
    def script(request: Request) -> str:
        if request.sample_index:
            raise ServerError("boom", status=500)
        raise RateLimitedError("later", status=429)

    model = FunctionProvider(script, capabilities=cat.Capabilities())
    with anyio.fail_after(5), pytest.raises(NoEvidenceError) as caught:
        await cat.CaT(model, client=client_of()).run("2+2", N)
    assert (caught.value.__cause__, caught.value.status) == (None, None)
    assert "ServerError" in str(caught.value) and "RateLimitedError" in str(caught.value)


async def test_of_many_prompts_a_failed_one_keeps_group_usage_and_kind(
    server: LoopbackServer,
) -> None:
    async with cat.CaT("openai:nobody", client=client_of()) as c:
        with anyio.fail_after(20):
            results = [result async for result in c.map(["one", "two"], N)]
    for result in results:
        assert result.failure is not None and result.failure.kind == "NoEvidenceError"
        assert result.failure.status == 404
        assert result.group is not None and len(result.group.failures) == N
        assert result.usage.requests >= 1


async def test_a_failed_synthesis_has_the_anchor_s_error_as_its_cause(
    server: LoopbackServer,
) -> None:
    policy = FunctionProvider(lambda _: "so \\boxed{4}")
    c = cat.CaT(policy, estimator=cat.Synthesizer("openai:nobody"), client=client_of())
    with anyio.fail_after(20), pytest.raises(SynthesisFailedError) as caught:
        await c.run("2+2", N)
    error = caught.value
    assert isinstance(error.__cause__, ModelNotFoundError)
    assert error.status == 404
    assert len(error.group.rollouts) == N
    assert error.usage.requests == error.group.usage.requests + server.counters.requests


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("opnai:gpt-5", "openai:gpt-5"),
        ("OpenAI:gpt-5", "openai:gpt-5"),
        ("antropic/claude", "anthropic/claude"),
        ("vlm:Qwen/Qwen3-4B", "vllm:Qwen/Qwen3-4B"),
        ("vllm_engine:x", "vllm-engine:x"),
        ("locl", "local"),
        ("lite-llm:gemini/pro", "litellm:gemini/pro"),
    ],
)
def test_a_provider_that_is_misspelt_is_suggested(written: str, meant: str) -> None:
    with pytest.raises(UnknownProviderError, match="Did you mean") as caught:
        resolve(written)
    assert f"Did you mean '{meant}'?" in str(caught.value)


@pytest.mark.parametrize("written", ["gpt-5", "claude-sonnet-4-5", "Qwen/Qwen3-4B"])
def test_a_model_without_a_provider_is_shown_how_to_write_one(written: str) -> None:
    with pytest.raises(UnknownProviderError, match=f"for instance 'openai:{written}'"):
        resolve(written)
