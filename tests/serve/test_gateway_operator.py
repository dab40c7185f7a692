"""What an operator has of the gateway: keys with budgets and rates, evidence, metrics, rewards."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import pytest

import catsdk as cat
from catsdk.core.errors import InvalidInputError
from catsdk.core.types import Completion, Request, ToolCall, Usage
from catsdk.core.yaml_text import data_of
from catsdk.recipes import from_data
from catsdk.serve import GatewayConfig, Key
from catsdk.serve.gateway.holders import Holder
from catsdk.serve.gateway.voting import voted
from catsdk.serve.site.problems import Problem
from catsdk.testing import FunctionProvider, LoopbackServer, RawReply
from tests.serve.gateways import body, client_of, post, served, texts, tool_call

ALICE, BOB = {"x_api_key": "alices-key"}, {"x_api_key": "bobs-key"}


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALICE_KEY", "alices-key")
    monkeypatch.setenv("BOB_KEY", "bobs-key")


def two(**of_alice: Any) -> Any:
    return {"alice": {"env": "ALICE_KEY", **of_alice}, "bob": {"env": "BOB_KEY"}}


async def get(address: str, path: str, **headers: str) -> tuple[int, str]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        aiohttp.ClientSession() as session,
        session.get(address + path, headers=named) as response,
    ):
        return response.status, await response.text()


@pytest.mark.behaviour("gateway-keys-are-apart")
async def test_a_budget_of_a_key_holds_over_its_requests_and_no_other_key() -> None:
    policy = FunctionProvider(texts)
    settings: Any = {"keys": two(budget={"requests": 2})}
    async with served(policy, **settings) as address:
        told = [await post(address, body("function"), **ALICE) for _ in range(3)]
        assert [status for status, _, _ in told] == [200, 200, 429]
        _, refused, headers = told[2]
        assert refused["error"]["code"] == "budget_exceeded"
        # To ask again brings nothing, and the SDKs are told so.
        assert headers["x-should-retry"] == "false"
        assert (await post(address, body("function"), **BOB))[0] == 200
    assert len(policy.requests) == 3


@pytest.mark.behaviour("gateway-keys-are-apart")
async def test_a_rate_of_a_key_holds_for_it_alone() -> None:
    settings: Any = {"keys": two(requests_per_minute=1)}
    async with served(FunctionProvider(texts), **settings) as address:
        assert (await post(address, body("function"), **ALICE))[0] == 200
        status, told, headers = await post(address, body("function"), **ALICE)
        assert (status, told["error"]["code"]) == (429, "rate_limit_exceeded")
        assert 1 <= int(headers["retry-after"]) <= 60
        assert (await post(address, body("function"), **BOB))[0] == 200


async def test_a_rate_looks_back_a_minute() -> None:
    now = [0.0]
    holder = Holder("a", Key(env="A", requests_per_minute=2), clock=lambda: now[0])
    holder.admit()
    now[0] = 30.0
    holder.admit()
    with pytest.raises(Problem) as raised:
        holder.admit()
    assert raised.value.retry_after == 30.0
    now[0] = 60.0
    holder.admit()
    with pytest.raises(Problem):
        holder.admit()


@pytest.mark.behaviour("gateway-keys-are-apart")
async def test_kept_answers_of_a_key_are_not_those_of_another() -> None:
    policy = FunctionProvider(texts)
    async with served(policy, keys=two(), cache="memory") as address:
        asked = body("function", temperature=0.0)
        for who in (ALICE, ALICE, BOB):
            _, told, _ = await post(address, asked, **who)
    # The second one of Alice cost nothing; Bob's was asked.
    assert len(policy.requests) == 2
    assert told["usage"]["completion_tokens"] > 0


async def test_a_cache_that_all_keys_would_share_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="shared by all keys"):
        GatewayConfig(models=("local",), client={"cache": "memory"})


@pytest.mark.behaviour("gateway-keys-are-apart")
async def test_evidence_is_kept_where_it_is_asked_for_and_given_to_who_asked(tmp_path: Any) -> None:
    settings: Any = {"keys": two(), "evidence": str(tmp_path / "runs.sqlite")}
    async with served(FunctionProvider(texts), **settings) as address:
        asked = body(cat={"n": 3, "keep": True})
        _, told, _ = await post(address, asked, **ALICE)
        run = told["cat"]["run"]
        status, kept = await get(address, f"/v1/runs/{run}", **ALICE)
        assert status == 200
        result = cat.Result.model_validate_json(kept)
        assert result.group is not None and len(result.group.rollouts) == 3
        assert (await get(address, f"/v1/runs/{run}", **BOB))[0] == 404
        assert (await get(address, "/v1/runs/none", **ALICE))[0] == 404
        _, bare, _ = await post(address, body(cat={"n": 3}), **ALICE)
        assert (await get(address, f"/v1/runs/{bare['cat']['run']}", **ALICE))[0] == 404


async def test_evidence_is_not_promised_where_nothing_is_kept() -> None:
    async with served(FunctionProvider(texts)) as address:
        status, told, _ = await post(address, body(cat={"keep": True}))
    assert status == 400
    assert "keeps no evidence" in told["error"]["message"]


async def test_metrics_count_what_was_asked_and_used() -> None:
    async with served(FunctionProvider(texts)) as address:
        await post(address, body(cat={"n": 3}))
        await post(address, body('evil"\n'))
        await post(address, body("function", n=2))
        _, text = await get(address, "/metrics")
    api = 'catsdk_requests_total{api="/v1/chat/completions",'
    assert f'{api}model="cat/synthesis:function",status="200"}} 1' in text
    assert f'{api}model="",status="404"}} 1' in text
    assert f'{api}model="",status="400"}} 1' in text
    assert 'catsdk_request_seconds_bucket{le="+Inf"} 3' in text
    assert "catsdk_answering 0" in text
    tokens = dict(line.rsplit(" ", 1) for line in text.splitlines() if "tokens_total{" in line)
    assert all(int(count) > 0 for count in tokens.values()) and len(tokens) == 2


async def test_rewards_are_served_at_the_same_address() -> None:
    settings: Any = {"rewards": {"reward": "ClusterShare"}, "group_size": 2}
    async with served(FunctionProvider(texts), **settings) as address:
        group = {"prompt": "q", "responses": ["\\boxed{1}", "\\boxed{1}", "\\boxed{2}"]}
        status, told, _ = await post(address, group, "/v1/groups")
        assert (status, told["rewards"]) == (200, pytest.approx([2 / 3, 2 / 3, 1 / 3]))
        assert (await post(address, {"model": "x"}, "/v1/groups"))[0] == 422
    async with served(FunctionProvider(texts)) as address:
        assert (await post(address, group, "/v1/groups"))[0] == 404


async def test_the_document_names_every_route() -> None:
    async with served(FunctionProvider(texts)) as address:
        status, text = await get(address, "/openapi.json")
        document = json.loads(text)
        assert status == 200
        for path, operations in document["paths"].items():
            for method in operations:
                async with (
                    aiohttp.ClientSession() as session,
                    session.request(method, address + path, json={}) as response,
                ):
                    assert response.status != 405, path
                    assert str(response.status) in operations[method]["responses"]


async def test_the_configuration_of_the_page_is_one() -> None:
    page = (Path(__file__).parents[2] / "docs" / "gateway.md").read_text("utf-8")
    ((block),) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    settings: Any = data_of(block, "the page")
    config = GatewayConfig(**settings)
    assert [from_data(each) for each in config.estimators.values()]
    assert all(cat.CaT.from_data(each) for each in [*config.profiles.values(), settings["rewards"]])
    assert config.keys["alice"].requests_per_minute == 60


def calling(*arguments: str) -> Completion:
    made = [ToolCall(id="c", name="weather", arguments=each) for each in arguments]
    return Completion(text="", tool_calls=tuple(made), usage=Usage(output_tokens=1, requests=1))


async def test_equal_calls_are_voted_on_whatever_the_order_of_their_keys() -> None:
    paris = calling('{"city": "Paris", "days": 1}'), calling('{"days": 1.0,"city":"Paris"}')
    winner, agreement = voted([calling('{"city": "Rome"}'), *paris, calling("no JSON")])
    assert (winner, agreement) == (paris[0], 0.5)


@pytest.mark.behaviour("gateway-passes-tools")
async def test_a_vote_on_tools_is_taken_where_it_is_asked_for(
    upstream: LoopbackServer,
) -> None:
    cities = iter(["Rome", "Paris", "Paris"])

    def call(payload: dict[str, Any]) -> RawReply:
        usage = {"prompt_tokens": 3, "completion_tokens": 2}
        return tool_call("weather", json.dumps({"city": next(cities)}), usage=usage)

    upstream.answer = call
    tool: Any = {"type": "function", "function": {"name": "weather", "parameters": {}}}
    async with (
        served(models=["openai:loopback"]) as address,
        client_of(address) as client,
    ):
        reply: Any = await client.chat.completions.create(
            model="cat/synthesis:openai:loopback",
            messages=[{"role": "user", "content": "Weather?"}],
            tools=[tool],
            extra_body={"cat": {"n": 3, "tools": "vote"}},
        )
    (made,) = reply.choices[0].message.tool_calls
    assert json.loads(made.function.arguments) == {"city": "Paris"}
    assert reply.cat["agreement"] == pytest.approx(2 / 3)
    assert reply.usage.completion_tokens == 6
    assert reply.usage.completion_tokens_details.reasoning_tokens == 4


@pytest.mark.slow
async def test_five_hundred_clients_at_once_are_all_answered() -> None:
    def script(request: Request) -> list[str] | str:
        return texts(request)

    answers: list[int] = []
    async with served(FunctionProvider(script)) as address:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:

            async def ask(at: int) -> None:
                stream = at % 2 == 0
                asked = body("cat/majority:function", stream=stream, cat={"n": 3})
                url = f"{address}/v1/chat/completions"
                async with session.post(url, json=asked) as response:
                    content = await response.text()
                    answers.append(response.status)
                    assert "boxed{4}" in content

            async with anyio.create_task_group() as tasks:
                for at in range(500):
                    tasks.start_soon(ask, at)
    assert answers == [200] * 500
